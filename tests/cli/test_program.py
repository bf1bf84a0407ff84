from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

TINY = "FROM alpine\nCOPY a.txt /a.txt\nRUN cp /a.txt /b.txt\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    "verb", ["doctor", "setup", "build", "compare", "predict", "explain", "layers", "history", "lab", "tour", "clean", "engine"]
)
def test_every_verb_has_help(speedkit, verb):
    code, out, _ = speedkit(verb, "--help")
    assert code == 0
    assert "Usage" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["build", "/no/such/folder"], "is not a folder"),
        (["build", "."], "There is no Dockerfile"),
        (["build", "{app}", "-s", "nope"], "Use one of: Dockerfile"),
        (["build", "{app}", "-f", "nope"], "There is no Dockerfile at nope"),
        (["build", "{app}", "-s", "a", "-f", "b"], "Give -s or -f, not both"),
        (["build", "{app}", "--build-arg", "NOVALUE"], "Write --build-arg NAME=VALUE"),
        (["compare", "-e", "nope"], "Use one of: none, touch, comment, rename-field"),
        (["compare", "-s", "nope"], "Use one of: host, chained, naive"),
        (["predict", "{app}", "--change", "nope"], "not a file of the build context"),
        (["build"], "Missing argument"),
        (["nonsense"], "No such command"),
    ],
)
@pytest.mark.engine
def test_misuse_exits_with_2_and_says_what_is_known(speedkit, folder, monkeypatch, tmp_path, arguments, said):
    app = folder({"Dockerfile": TINY, "a.txt": "a"})
    monkeypatch.chdir(tmp_path)
    code, out, err = speedkit(*(argument.format(app=app) for argument in arguments))
    assert code == 2
    assert said in " ".join(err.split())
    assert "Traceback" not in err
    assert out == ""


@pytest.mark.engine
def test_a_build_says_which_image_it_made_as_layers_takes_it(speedkit, folder):
    code, out, _ = speedkit("build", str(folder({"Dockerfile": TINY, "a.txt": "named"})))
    assert code == 0
    image = re.search(r", image ([0-9a-f]{12}), [\d.]+ MB", out)
    assert image is not None, out
    code, out, _ = speedkit("layers", image[1], "--json")
    assert code == 0
    assert len(json.loads(out)["layers"]) > 2


def test_without_an_engine_a_build_exits_with_3_and_says_what_to_do(speedkit, folder, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    code, _, err = speedkit("build", str(folder({"Dockerfile": TINY, "a.txt": "a"})))
    assert code == 3
    assert "No Docker engine answers" in err
    assert "speedkit setup" in err


def test_a_question_about_an_empty_past_exits_with_1(speedkit, home):
    code, _, err = speedkit("explain")
    assert code == 1
    assert "Nothing has been built yet" in err


@pytest.mark.engine
def test_build_json_has_what_the_contract_names(speedkit, folder, home):
    code, out, _ = speedkit("build", str(folder({"Dockerfile": TINY, "a.txt": "json"})), "--json")
    document = json.loads(out)
    assert code == 0
    assert {"id", "exit_code", "seconds", "image", "image_bytes", "steps"} <= document.keys()
    assert {"name", "stage", "instruction", "line", "cached", "seconds", "error"} <= document["steps"][0].keys()
    assert [step["line"] for step in document["steps"]] == [1, 2, 3]


@pytest.mark.engine
def test_a_build_that_fails_exits_with_3_and_shows_the_compilers_lines(speedkit, folder, home):
    text = "FROM alpine\nRUN echo 'main.go:3:1: oops' >&2; false\n"
    code, out, err = speedkit("build", str(folder({"Dockerfile": text})), "--json")
    assert code == 3
    assert json.loads(out)["exit_code"] != 0
    assert "main.go:3:1: oops" in err
    assert ">>> RUN" in err


@pytest.mark.engine
def test_no_log_controls_the_terminal(speedkit, folder, home):
    text = "FROM alpine\nRUN printf '\\033[31mred\\033[0m\\033]0;title\\007\\033[2J <b>[bold]x[/bold]\\377\\n'; false\n"
    code, _, err = speedkit("build", str(folder({"Dockerfile": text})))
    assert code == 3
    assert err.splitlines()[0] == "red <b>[bold]x[/bold]\ufffd"
    assert "\x1b" not in err


@pytest.mark.engine
def test_build_predict_explain_and_history_tell_one_story(speedkit, folder, home):
    place = folder({"Dockerfile": TINY, "a.txt": uuid.uuid4().hex})
    assert speedkit("build", str(place))[0] == 0
    _, out, _ = speedkit("predict", str(place), "--json", "--change", "a.txt")
    forecast = {step["line"]: step["forecast"] for step in json.loads(out)["steps"]}
    assert forecast == {1: "hit", 2: "miss", 3: "miss"}
    path = place / "a.txt"
    path.write_text(uuid.uuid4().hex * 2)
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 5))
    assert speedkit("build", str(place))[0] == 0
    _, out, _ = speedkit("explain", "--json")
    steps = {step["line"]: step for step in json.loads(out)["steps"]}
    assert steps[2]["cached"] is False
    assert steps[2]["because"]["kind"] == "files"
    assert "a.txt" in steps[2]["because"]["what"][0]
    _, out, _ = speedkit("history", "--json")
    assert [build["outcome"] for build in json.loads(out)["builds"]] == ["done", "done"]
    for verb in (["history"], ["explain"], ["predict", str(place)]):
        code, out, _ = speedkit(*verb)
        assert code == 0
        assert out.strip()


@pytest.mark.engine
def test_compare_lists_a_row_per_strategy_edit_and_trial(speedkit, folder, home):
    place = folder({"Dockerfile.one": TINY, "Dockerfile.two": TINY + "RUN true\n", "a.txt": "x"})
    code, out, err = speedkit("compare", str(place), "-e", "cold", "-e", "none", "--repeat", "2", "--json")
    rows = json.loads(out)["rows"]
    assert code == 0
    assert {(row["strategy"], row["edit"], row["trial"]) for row in rows} == {
        (f"Dockerfile.{name}", edit, trial) for name in ("one", "two") for edit in ("cold", "none") for trial in (1, 2)
    }
    assert {"strategy", "edit", "trial", "seconds", "steps", "cached_steps", "image_bytes", "ok"} <= rows[0].keys()
    assert all((row["edit"] == "none") == (row["cached_steps"] == row["steps"]) for row in rows)
    assert "Dockerfile.one, cold, trial 1" in err
    code, out, _ = speedkit("compare", str(place), "-s", "Dockerfile.one", "-e", "none")
    assert code == 0
    assert "one run" in out


@pytest.mark.engine
def test_doctor_setup_and_engine_status_agree_that_all_is_here(speedkit):
    code, out, _ = speedkit("doctor", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["ready"] is True
    assert {"name", "ok", "found", "fix"} == document["checks"][0].keys()
    assert speedkit("doctor")[0] == 0
    code, _, err = speedkit("setup")
    assert code == 0
    assert "Engine:" in err
    assert "Base images:" in err
    code, out, _ = speedkit("engine", "status", "--json")
    assert code == 0
    assert json.loads(out)["answers"] is True
    assert speedkit("engine", "status")[0] == 0
    assert speedkit("engine", "start")[0] == 0


def test_doctor_without_an_engine_exits_with_1_and_says_what_to_type(speedkit, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    code, out, _ = speedkit("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert code == 1
    assert checks["engine"]["ok"] is False
    assert checks["engine"]["fix"]
    assert speedkit("engine", "status")[0] == 1


def test_clean_says_when_no_engine_could_be_asked(speedkit, home, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    code, _, err = speedkit("clean")
    assert code == 0
    assert "Images and containers stay, if there are any. No Docker engine answers" in err


def test_engine_stop_leaves_an_engine_of_others_alone(speedkit, home):
    code, _, err = speedkit("engine", "stop")
    assert code == 0
    assert "Others are left alone" in err


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error():
    program = "import sys; sys.argv = ['speedkit', 'history']; from speedkit.cli import main; main()"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert "Traceback" not in done.stderr


@pytest.mark.engine
def test_layers_json_has_what_the_contract_names_and_limits_exit_with_1(speedkit, folder, home):
    text = "FROM scratch\nCOPY big.txt /big.txt\nCOPY small.txt /big.txt\n"
    code, out, _ = speedkit("build", str(folder({"Dockerfile": text, "big.txt": "x" * 9000, "small.txt": "y"})), "--json")
    image = json.loads(out)["image"]
    code, out, _ = speedkit("layers", image, "--json")
    document = json.loads(out)
    assert code == 0
    assert {"image_bytes", "wasted_bytes", "efficiency", "layers", "waste"} <= document.keys()
    assert {"digest", "size_bytes", "command", "files"} <= document["layers"][0].keys()
    assert document["wasted_bytes"] == 9000
    assert document["waste"][0]["bytes"] == 9000
    assert all(type(layer["files"]) is int for layer in document["layers"])
    code, out, err = speedkit("layers", image, "--max-wasted", "10", "--other", image)
    assert code == 1
    assert "9.0 kB of 9.0 kB are wasted, by /big.txt" in out
    assert "wastes" in err
    assert speedkit("layers", "speedkit/never-made:1")[0] == 3


@pytest.mark.parametrize("verb", [["compare"]])
def test_a_state_folder_that_cannot_be_made_is_told_with_the_variable_that_moves_it(speedkit, monkeypatch, tmp_path, verb):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "file" / "home"))
    code, _, err = speedkit(*verb)
    assert code == 3
    assert "SPEEDKIT_HOME" in err


def test_a_report_that_cannot_be_written_is_told_before_the_tour(speedkit, home, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = speedkit("tour", "--out", str(tmp_path / "file" / "out"))
    assert code == 2
    assert "--out" in err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.slow
def test_a_pipe_that_knows_no_check_marks_gets_the_text_all_the_same(tmp_path, encoding):
    environment = os.environ | {"PYTHONIOENCODING": encoding, "DOCKER_HOST": f"unix://{tmp_path}/nothing"}
    for arguments in (["doctor"], ["doctor", "--json"]):
        argv = [sys.executable, "-m", "speedkit", *arguments]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        assert "engine" in done.stdout
    assert json.loads(done.stdout)["ready"] is False


def test_an_error_nobody_foresaw_is_one_line_and_keeps_its_traceback(speedkit, home, monkeypatch, tmp_path):
    def stumble(**_):
        raise ZeroDivisionError("nobody foresaw this")

    monkeypatch.setattr("speedkit.history.recordings", stumble)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code, _, err = speedkit("history")
    assert code == 3
    assert "nobody foresaw this" in err
    assert "Traceback" not in err
    (kept,) = tmp_path.glob("speedkit-error-*.txt")
    assert "in stumble" in kept.read_text()
    os.utime(kept, (1, 1))
    speedkit("history")
    (newer,) = tmp_path.glob("speedkit-error-*.txt")
    assert newer != kept


def test_ctrl_c_ends_a_verb_with_a_sentence(speedkit, home, monkeypatch):
    def interrupt(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr("speedkit.history.recordings", interrupt)
    code, _, err = speedkit("history")
    assert code == 3
    assert "Cancelled" in err


def test_a_forecast_of_a_dockerfile_that_does_not_parse_quotes_the_line(speedkit, home, folder):
    code, _, err = speedkit("predict", str(folder({"Dockerfile": "FROM alpine\nRUNN true\n"})))
    assert code == 3
    assert "line 2: unknown instruction" in err
    assert "2 | RUNN true" in err


@pytest.mark.engine
def test_compare_takes_a_file_to_append_to_and_a_file_to_replace_as_edits(speedkit, folder, home, tmp_path):
    place = folder({"Dockerfile": TINY, "a.txt": "x"})
    other = tmp_path / "other.txt"
    other.write_text("y")
    code, out, _ = speedkit("compare", str(place), "-e", "a.txt", "-e", f"a.txt={other}", "-e", "none", "--json")
    assert code == 0
    cached = {row["edit"]: row["cached_steps"] for row in json.loads(out)["rows"]}
    assert cached == {"a.txt": 1, f"a.txt={other}": 1, "none": 3}
    assert (place / "a.txt").read_text() == "x"


@pytest.mark.parametrize(("edit", "said"), [("b.txt", "FILE=OTHER"), ("a.txt=/nowhere", "/nowhere is not a file")])
def test_compare_refuses_an_edit_of_a_file_that_is_not_there(speedkit, folder, home, edit, said):
    code, _, err = speedkit("compare", str(folder({"Dockerfile": TINY, "a.txt": "x"})), "-e", edit)
    assert code == 2
    assert said in err


@pytest.mark.engine
def test_building_twice_is_good_when_all_is_cached_and_names_what_may_differ(speedkit, folder, home):
    place = folder({"Dockerfile": f"{TINY}RUN date > /built\n", "a.txt": "x"})
    code, out, _ = speedkit("build", str(place), "--twice", "--json")
    twice = json.loads(out)["twice"]
    assert code == 0
    assert twice["missed"] == []
    assert {step["state"] for step in twice["build"]["steps"]} <= {"cached", "no-step"}
    assert any("time of the build" in one["because"] for one in twice["unsteady"])
    code, out, _ = speedkit("build", str(place), "--twice")
    assert code == 0
    assert "every step came from the cache" in out
    assert "date > /built" in out


@pytest.mark.engine
def test_building_twice_exits_with_1_and_the_reason_when_an_address_serves_something_new(speedkit, folder, home):
    with changing_address() as address:
        text = f"FROM scratch\nADD {address} /answer\n"
        code, out, _ = speedkit("build", str(folder({"Dockerfile": text})), "--twice", "--json")
        twice = json.loads(out)["twice"]
        assert code == 1
        assert [step["because"]["kind"] for step in twice["missed"]] == ["address"]
        assert address in twice["missed"][0]["because"]["sentence"]
        code, out, _ = speedkit("build", str(folder({"Dockerfile": text})), "--twice")
        assert code == 1
        assert "1 step ran again" in out


@pytest.mark.engine
def test_a_build_that_fails_is_not_built_twice(speedkit, folder, home):
    code, out, _ = speedkit("build", str(folder({"Dockerfile": "FROM alpine\nRUN false\n"})), "--twice", "--json")
    assert code == 3
    assert "twice" not in json.loads(out)


@contextmanager
def changing_address():
    """An address of this machine that serves something else each time it is asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = uuid.uuid4().hex.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/answer"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.engine
def test_building_twice_from_cold_names_the_files_that_came_out_differently(speedkit, folder, home):
    text = f"{TINY}RUN cat /proc/sys/kernel/random/uuid > /id; touch /same\n"
    code, out, _ = speedkit("build", str(folder({"Dockerfile": text, "a.txt": "x"})), "--twice", "--cold", "--json")
    twice = json.loads(out)["twice"]
    assert code == 1
    assert [(one["path"], one["what"]) for one in twice["differences"]] == [("/id", "content")]
    assert "ran" in {step["state"] for step in twice["build"]["steps"]}
    code, out, _ = speedkit("build", str(folder({"Dockerfile": TINY, "a.txt": "x"})), "--twice", "--cold")
    assert code == 0
    assert "no file came out differently" in out
