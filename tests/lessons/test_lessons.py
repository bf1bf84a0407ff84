from __future__ import annotations

import shutil
import urllib.error

import pytest

from speedkit import lessons
from speedkit.errors import SetupError
from speedkit.model import Build, Step


def built(*steps: Step) -> Build:
    return Build("id", "app", "naive", "none", "", 1.0, "done", 0, "", steps)


def step(log: str, seconds: float = 1.0, state: str = "ran") -> Step:
    return Step("RUN x", "builder", "RUN x", 1, state, seconds, log=log)


def test_downloads_are_read_from_the_logs_of_the_steps_that_ran():
    log = "go: downloading github.com/a/b v1.2.3\nsomething\ngo: downloading golang.org/x/c v0.1.0\n"
    assert lessons.downloads(built(step(log), step(log, state="cached"))) == ["github.com/a/b v1.2.3", "golang.org/x/c v0.1.0"]


def test_the_slowest_step_is_the_longest():
    slow = step("", 5.0)
    assert lessons.slowest_step(built(step(""), slow)) is slow


def test_paths_inside_a_program_are_found_each_once(tmp_path):
    program = tmp_path / "program"
    program.write_bytes(b"\0/home/me/app/main.go\0/home/me/app/main.go\0/home/me/app/x.go\0/elsewhere")
    assert lessons.paths_inside(program, "/home/me/app") == ["/home/me/app/main.go", "/home/me/app/x.go"]
    assert len(lessons.fingerprint(program)) == 12


@pytest.fixture
def tiny_go(folder):
    from speedkit.apps import own_app

    main = (
        'package main\nimport ("net/http";"os";"io")\nfunc main() {\n'
        'http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Query().Get("text")) })\n'
        'if os.Getenv("FAIL") == "" { http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil) } }\n'
    )
    place = folder({"Dockerfile": "FROM scratch\n", "go.mod": "module x\n\ngo 1.21\n", "main.go": main})
    with own_app(place) as app:
        app.share_cache()
        yield app


@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go on PATH")
def test_a_program_is_built_run_on_a_free_port_and_asked(tiny_go):
    program = lessons.go_build(tiny_go)
    with lessons.running(program) as address:
        assert lessons.ask(address, "hello") == "hello"
    with pytest.raises(urllib.error.URLError):
        lessons.ask(address, "gone")
    elsewhere = lessons.go_build(tiny_go, folder=lessons.second_folder(tiny_go), name="other")
    assert lessons.fingerprint(elsewhere) != lessons.fingerprint(program)
    trimmed = [
        lessons.go_build(tiny_go, "-trimpath", folder=place, name=f"trimmed-{number}")
        for number, place in enumerate([tiny_go.folder, lessons.second_folder(tiny_go)])
    ]
    assert lessons.fingerprint(trimmed[0]) == lessons.fingerprint(trimmed[1])


@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go on PATH")
def test_a_compile_error_and_a_program_that_ends_are_told(tiny_go, monkeypatch):
    program = lessons.go_build(tiny_go)
    monkeypatch.setenv("FAIL", "1")
    with pytest.raises(SetupError, match="did not answer"), lessons.running(program):
        pass
    tiny_go.write("main.go", "package main\nfunc main() { x }\n")
    with pytest.raises(SetupError, match="undefined: x"):
        lessons.go_build(tiny_go)
