from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import uuid
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from speedkit.apps import App, Probe, own_app
from speedkit.builders import engine_builder
from speedkit.builds import build, start_build
from speedkit.builds.running_build import recordings_folder
from speedkit.context import ReadingStopped, read_context
from speedkit.engine.buildx import BuildRequest, CancellableCommand, run_buildx
from speedkit.engine.connection import Engine
from speedkit.engine.ledger import note_image
from speedkit.errors import DiskFull, EngineLost, NoEngine
from speedkit.measurements import comparable_builds, measurable_builds
from speedkit.recordings.recording import list_recordings, read_recording
from speedkit.recordings.recording_reader import read_build
from tests.waiting import HANG_SECONDS, wait_until

pytestmark = pytest.mark.engine

STORY = """\
FROM alpine AS builder
ARG FLAVOUR=plain
WORKDIR /w
COPY main.txt .
RUN cp main.txt made && echo made it
FROM scratch
COPY --from=builder /w/made /made
CMD ["/made"]
"""


def states(built) -> dict[str, str]:
    return {step.instruction: step.state for step in built.instructions}


def test_a_first_build_runs_and_an_unchanged_one_is_cached_throughout(engine, folder):
    app = own_app(folder({"Dockerfile": STORY, "main.txt": "one"}))
    first, again = build(app), build(app)
    assert first.ok
    assert states(first)["COPY main.txt ."] == "ran"
    assert states(first)["FROM alpine AS builder"] == "cached"
    assert states(again)["COPY main.txt ."] == "cached"
    assert states(again)["COPY --from=builder /w/made /made"] == "cached"
    assert states(again)['CMD ["/made"]'] == "no-step"
    assert states(again)["ARG FLAVOUR=plain"] == "no-step"
    assert again.image == first.image


def test_an_unchanged_build_makes_the_same_image_in_containerds_store_too(containerd_engine, folder, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", containerd_engine.host)
    app = own_app(folder({"Dockerfile": "FROM scratch\nCOPY main.txt /\n", "main.txt": "one"}))
    first, again = build(app), build(app)
    assert states(again)["COPY main.txt /"] == "cached"
    assert again.image == first.image


def test_an_image_is_as_large_as_its_layers_in_containerds_store_too(containerd_engine, folder, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", containerd_engine.host)
    built = build(own_app(folder({"Dockerfile": "FROM scratch\nCOPY big.txt /\n", "big.txt": "x" * 50_000})))
    assert built.image_bytes == sum(layer.size_bytes for layer in built.layers) >= 50_000


@pytest.mark.usefixtures("small_image")
def test_no_registry_is_asked_for_an_image_that_is_only_here(containerd_engine, folder, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", containerd_engine.host)
    assert build(own_app(folder({"Dockerfile": "FROM alpine\nRUN true\n"}))).ok
    log = Path(containerd_engine.host.removeprefix("unix://")).with_name("log").read_text()
    asked = set(re.findall(r"https?://([^/]+)/v2/speedkit/", log))
    assert asked <= {"localhost:1"}


def test_the_recorded_context_holds_what_a_host_command_wrote_for_the_build(folder):
    app = own_app(folder({"Dockerfile": "FROM scratch\nCOPY made /\n"}))
    command = (sys.executable, "-c", "open('made', 'w').write('by the host')")
    app.strategies["host"] = replace(app.strategy(), name="host", host_commands=(command,))
    built = build(app, "host")
    assert built.ok
    assert read_recording(built.folder).context.by_path["made"].size_bytes == len("by the host")


def test_a_recording_knows_the_machine_it_was_made_on(engine, folder):
    machine = read_recording(build(own_app(folder({"Dockerfile": STORY, "main.txt": "facts"}))).folder).meta.machine
    assert (machine["engine"], machine["storage_driver"]) == (engine.version, engine.storage_driver)
    assert machine["cpus"] == engine.cpus > 0
    assert machine["platform"] == sys.platform
    assert machine["buildx"].count(".") >= 2
    assert machine["speedkit"] == version("speedkit")


def test_every_step_knows_its_line_stage_and_log(folder):
    built = build(own_app(folder({"Dockerfile": STORY, "main.txt": "log"})))
    run = next(step for step in built.instructions if step.instruction.startswith("RUN"))
    assert (run.line, run.stage, run.log) == (5, "builder", "made it\n")
    assert 0 < run.seconds < built.seconds
    final = next(step for step in built.instructions if step.instruction.startswith("COPY --from"))
    assert (final.line, final.stage) == (7, "stage-1")


def test_a_changed_file_runs_its_copy_and_what_follows_again(folder):
    app = own_app(folder({"Dockerfile": STORY, "main.txt": "before"}))
    build(app)
    app.write("main.txt", "after")
    changed = states(build(app))
    assert changed["WORKDIR /w"] == "cached"
    assert changed["COPY main.txt ."] == "ran"
    assert changed["RUN cp main.txt made && echo made it"] == "ran"


def test_copy_from_stays_cached_when_content_is_equal(folder):
    text = STORY.replace("cp main.txt made", "echo same > made")
    app = own_app(folder({"Dockerfile": text, "main.txt": "before"}))
    build(app)
    app.write("main.txt", "after")
    again = states(build(app))
    assert again["RUN echo same > made && echo made it"] == "ran"
    assert again["COPY --from=builder /w/made /made"] == "cached"


def test_a_cold_build_finds_nothing_and_leaves_the_warm_one_cached(folder):
    app = own_app(folder({"Dockerfile": STORY, "main.txt": "cold"}))
    build(app)
    cold = build(app, cold=True)
    assert {step.state for step in cold.instructions if step.line in (3, 4, 5)} == {"ran"}
    assert {step.state for step in build(app).instructions if step.line in (3, 4, 5, 7)} == {"cached"}


def test_what_the_user_built_by_hand_is_still_cached_after_cold_builds(engine: Engine, folder):
    place = folder({"Dockerfile": STORY, "main.txt": "by hand"})
    by_hand = BuildRequest(place, place / "Dockerfile", named_contexts=_bases(engine), labels={"dev.speedkit": "1"})
    _lines(engine, by_hand)
    build(own_app(place), cold=True)
    again = b"".join(_lines(engine, by_hand))
    assert again.count(b'"cached":true') >= 4


def _bases(engine: Engine) -> dict[str, str]:
    from speedkit.builders.base_choice import build_bases

    return build_bases(engine, STORY, build_args={}, target=None, isolation=None, extend_ca=False).named_contexts


def _lines(engine: Engine, request: BuildRequest) -> list[bytes]:
    lines: list[bytes] = []
    made = run_buildx(engine, request, command=CancellableCommand(), on_line=lines.append)
    assert made.exit_code == 0
    note_image(engine, made.image or "", "result", name="by hand")  # so that it goes with what the tests built
    return lines


def test_a_compile_error_is_shown_with_its_lines_and_instruction(folder):
    text = "FROM alpine\nRUN echo fine\nRUN echo 'main.go:12:3: undefined: x' >&2 && exit 1\nRUN echo never\n"
    built = build(own_app(folder({"Dockerfile": text})))
    assert (built.ok, built.outcome) == (False, "failed")
    failed = next(step for step in built.instructions if step.state == "failed")
    assert failed.line == 3
    assert "main.go:12:3: undefined: x" in built.error
    assert ">>> RUN echo 'main.go:12:3" in built.error
    assert built.instructions[-1].state == "waiting"


@pytest.mark.parametrize(
    ("text", "line", "quoted"),
    [
        ("FROM alpine\nRUNN x\n", 2, ">>> RUNN x"),
        ("FROM alpine\nCOPY nowhere /x\n", 2, ">>> COPY nowhere /x"),
        ("FROM alpine AS a\nCOPY --from=b x /\n", 2, "--from=b"),
    ],
)
def test_a_dockerfile_that_cannot_build_quotes_the_line(folder, text, line, quoted):
    built = build(own_app(folder({"Dockerfile": text})))
    assert built.outcome == "failed"
    assert quoted in built.error
    assert f"{line} |" in built.error


def test_an_empty_dockerfile_fails_with_buildkits_reason(folder):
    built = build(own_app(folder({"Dockerfile": "# nothing\n"})))
    assert built.outcome == "failed"
    assert "no instructions" in built.error or "no build stage" in built.error


def test_cancelling_ends_the_build_and_keeps_its_recording(folder):
    running = start_build(own_app(folder({"Dockerfile": f"FROM alpine\nRUN echo {uuid.uuid4()} && sleep 36000\n"})))
    wait_until(lambda: any(step.state == "running" and step.line == 2 for step in running.snapshot().instructions))
    running.cancel()
    built = running.wait()
    assert built.outcome == "cancelled"
    kept = read_build(read_recording(recordings_folder() / built.id))
    assert kept.outcome == "cancelled"
    assert next(step for step in kept.instructions if step.line == 2).state == "cancelled"


def test_a_recording_reads_back_as_the_build_it_was(folder):
    built = build(own_app(folder({"Dockerfile": STORY, "main.txt": "again"})))
    assert read_build(read_recording(recordings_folder() / built.id)) == built


def test_ansi_html_and_bytes_that_are_no_text_come_through_a_log(folder):
    text = "FROM alpine\nRUN printf '\\033[31mred\\033[0m <img onerror=x> \\377\\376\\n'\n"
    built = build(own_app(folder({"Dockerfile": text})))
    log = next(step.log for step in built.instructions if step.line == 2)
    assert "\x1b[31mred" in log
    assert "<img onerror=x>" in log
    assert "\ufffd\ufffd" in log


def test_the_image_says_which_layers_came_with_its_base(folder):
    text = "FROM alpine\nCOPY big.txt /big.txt\nENV A=1\nRUN true\n"
    built = build(own_app(folder({"Dockerfile": text, "big.txt": "x" * 50_000})))
    own = [layer for layer in built.layers if not layer.from_base]
    assert [layer.size_bytes >= 50_000 for layer in own] == [True, False]
    assert sum(layer.size_bytes for layer in built.layers) == built.image_bytes


def test_a_target_builds_only_the_stages_it_needs(folder):
    built = build(own_app(folder({"Dockerfile": STORY, "main.txt": "t"})), target="builder")
    assert states(built)["COPY --from=builder /w/made /made"] == "not-needed"
    assert states(built)["FROM scratch"] == "not-needed"


def test_a_build_arg_reaches_the_build_and_a_secret_one_not_the_recording(folder):
    text = "FROM alpine\nARG API_TOKEN\nRUN echo got $API_TOKEN\n"
    built = build(own_app(folder({"Dockerfile": text})), build_args={"API_TOKEN": "s3cr3t-value"})
    assert built.ok
    for path in Path(built.folder).iterdir():
        assert b"s3cr3t-value" not in path.read_bytes()
    assert "got sha256:" in next(step.log for step in built.instructions if step.line == 3)


class _Relay:
    """A socket between buildx and the engine that can be cut, as when an engine dies."""

    def __init__(self, path: Path, engine_socket: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._engine_socket, self._open = engine_socket, []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._engine_socket)
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def cut(self) -> None:
        self._listener.close()
        for end in self._open:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def test_an_engine_that_dies_in_the_middle_is_told_and_the_recording_kept(engine, folder, monkeypatch, tmp_path):
    if not engine.host.startswith("unix://"):
        pytest.skip("the engine does not listen on a Unix socket")
    relay = _Relay(tmp_path / "s", engine.host.removeprefix("unix://"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 's'}")
    running = start_build(own_app(folder({"Dockerfile": "FROM alpine\nRUN sleep 30\n"})))
    while not any(step.state == "running" for step in running.snapshot().instructions):
        assert not running.done
        running.wait_briefly(0.05)
    (tmp_path / "s").unlink()
    relay.cut()
    with pytest.raises(EngineLost, match="went away during the build"):
        running.wait()
    kept = list_recordings(recordings_folder())[-1]
    assert kept.meta.outcome == "broken"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM alpine\nRUN echo 'dial tcp 127.0.0.1:1: connect: connection refused'; false\n", 2),
        ("FROM alpine\nRUN echo 'rpc error: error reading from server: EOF'; false\n", 2),
        ("FROM localhost:1/team/app\nRUN true\n", 1),
    ],
)
def test_a_step_that_reaches_no_server_of_its_own_is_no_lost_engine(folder, text, line):
    built = build(own_app(folder({"Dockerfile": text})))
    assert built.outcome == "failed"
    assert [step.line for step in built.instructions if step.state == "failed"] == [line]


def test_a_full_disk_is_told_apart_from_a_failed_step(folder):
    app = own_app(folder({"Dockerfile": "FROM alpine\nRUN dd if=/dev/zero of=/dev/full bs=1k count=1\n"}))
    with pytest.raises(DiskFull, match="A disk is full"):
        build(app)
    assert list_recordings(recordings_folder())[-1].meta.outcome == "broken"


class _Asked(App):
    """An app whose image is asked for its greeting."""

    @property
    def probe(self) -> Probe:
        return Probe(8080, "/greeting", "text", "hello")


SERVER = 'FROM alpine\nCOPY greeting /w/greeting\nCMD ["httpd", "-f", "-p", "8080", "-h", "/w"]\n'


@pytest.mark.parametrize(("said", "ok"), [('{"text": "hello"}', True), ('{"message": "hello"}', False)])
def test_an_image_that_does_not_answer_as_expected_is_failed_never_fast(folder, said, ok):
    plain = own_app(folder({"Dockerfile": SERVER, "greeting": said}))
    app = _Asked(plain.name, plain.source, plain.folder, plain.strategies, plain.edits, private_cache=True)
    built = build(app)
    assert built.outcome == "done"
    assert (built.ok, built.answer.ok) == (ok, ok)
    assert (built.error is None) == ok
    assert build(app).answer == built.answer


def _is_being_built(place: Path) -> bool:
    """Whether buildx runs for a folder, whose name no other process has."""
    return not subprocess.run(
        ["pgrep", "-f", f"docker-buildx build.*{place.name}"], capture_output=True, check=False
    ).returncode


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM] * 2, [signal.SIGINT] * 5])
def test_an_interrupted_program_cancels_its_build_and_exits_with_3(folder, tmp_path, numbers):
    place = folder({"Dockerfile": f"FROM alpine\nRUN echo {uuid.uuid4()} && sleep 36000\n"})
    environment = os.environ | {"SPEEDKIT_HOME": str(tmp_path / "home")}
    argv = [sys.executable, "-m", "speedkit", "build", str(place), "--json"]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        wait_until(lambda: _is_being_built(place))
        for number in numbers:
            running.send_signal(number)
        out, err = running.communicate(timeout=HANG_SECONDS)
    assert running.returncode == 3
    assert "cancelled" in err
    assert "Traceback" not in err
    assert json.loads(out)["exit_code"] != 0
    assert [found.meta.outcome for found in list_recordings(tmp_path / "home" / "recordings")] == ["cancelled"]


def test_a_build_that_waits_for_its_base_image_is_cancelled_at_once_and_recorded(folder):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        base = f"127.0.0.1:{deaf.getsockname()[1]}/team/app"
        running = start_build(own_app(folder({"Dockerfile": f"FROM {base}\nRUN true\n"})))
        running.wait_briefly(0.3)
        assert not running.done
        running.stop()
    assert running.wait().outcome == "cancelled"
    assert list_recordings(recordings_folder())[-1].meta.outcome == "cancelled"


STARTS_A_BUILD = """\
import sys
from speedkit.apps import app_in_place
from speedkit.builds import start_build
running = start_build(app_in_place(sys.argv[1]))
while not any(step.state == 'running' and step.line == 2 for step in running.snapshot().instructions):
    assert not running.done
    running.wait_briefly(0.05)
print("running", flush=True)
"""


def is_building(place: Path) -> bool:
    argv = ["pgrep", "-f", f"buildx build.*{place.name}"]
    return not subprocess.run(argv, capture_output=True, check=False).returncode


STARTS_NO_THREAD = """
import sys, threading
from speedkit.apps import own_app
from speedkit.engine.connection import connect
from speedkit.builds.running_build import RunningBuild, start_build

def refuse(thread):
    raise RuntimeError("can't start new thread")

app, engine = own_app(sys.argv[1]), connect()
RunningBuild.stop = lambda build: print("waits for the end of a build")
threading.Thread.start = refuse
try:
    start_build(app, engine=engine)
except RuntimeError as problem:
    print(problem)
"""


def test_a_build_for_which_there_is_no_thread_is_not_waited_for_at_the_end(folder, tmp_path):
    argv = [sys.executable, "-c", STARTS_NO_THREAD, str(folder({"Dockerfile": "FROM alpine\n"}))]
    environment = os.environ | {"SPEEDKIT_HOME": str(tmp_path / "home")}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)
    assert (done.stdout, done.returncode) == ("can't start new thread\n", 0), done.stderr


def test_a_program_that_ends_leaves_no_build_behind_but_its_recording(folder, tmp_path):
    place = folder({"Dockerfile": f"FROM alpine\nRUN echo {uuid.uuid4()} && sleep 36000\n"})
    environment = os.environ | {"SPEEDKIT_HOME": str(tmp_path / "home")}
    subprocess.run([sys.executable, "-c", STARTS_A_BUILD, str(place)], env=environment, check=True, timeout=HANG_SECONDS)
    assert [found.meta.outcome for found in list_recordings(tmp_path / "home" / "recordings")] == ["cancelled"]
    wait_until(lambda: not is_building(place))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("waits", ["running.wait()", "import time; time.sleep(36000)", "while True: running.snapshot()"])
def test_a_python_that_is_told_to_end_cancels_its_build_keeps_the_recording_and_ends_by_the_signal(
    folder, tmp_path, number, waits
):
    place = folder({"Dockerfile": f"FROM alpine\nRUN echo {uuid.uuid4()} && sleep 36000\n"})
    environment = os.environ | {"SPEEDKIT_HOME": str(tmp_path / "home")}
    argv = [sys.executable, "-c", STARTS_A_BUILD + waits, str(place)]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as python:
        assert python.stdout.readline() == "running\n"
        python.send_signal(number)
        assert python.wait(HANG_SECONDS) == -number
    assert [found.meta.outcome for found in list_recordings(tmp_path / "home" / "recordings")] == ["cancelled"]
    wait_until(lambda: not is_building(place))


def test_a_killed_python_leaves_no_build_behind(folder, tmp_path):
    place = folder({"Dockerfile": f"FROM alpine\nRUN echo {uuid.uuid4()} && sleep 36000\n"})
    environment = os.environ | {"SPEEDKIT_HOME": str(tmp_path / "home")}
    argv = [sys.executable, "-c", STARTS_A_BUILD + "running.wait()", str(place)]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as python:
        assert python.stdout.readline() == "running\n"
        python.kill()
    wait_until(lambda: not is_building(place))


def test_a_python_that_listens_to_sigterm_itself_goes_on_doing_so(folder, tmp_path):
    place = folder({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(42))\n"
        "from speedkit.apps import app_in_place\n"
        "from speedkit.builds import build\n"
        "build(app_in_place(sys.argv[1]))\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    environment = os.environ | {"SPEEDKIT_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", program, str(place)], env=environment, check=False, timeout=HANG_SECONDS)
    assert done.returncode == 42


def test_a_cancelled_build_ends_though_its_build_context_is_still_being_read(folder, monkeypatch):
    """Who builds in their home folder by mistake cancels just then."""
    reading, goes_on = threading.Event(), threading.Event()

    def read_slowly(*arguments, **options):
        reading.set()
        goes_on.wait()
        return read_context(*arguments, **options)

    monkeypatch.setattr(engine_builder, "read_context", read_slowly)
    running = start_build(own_app(folder({"Dockerfile": "FROM alpine\nRUN sleep 36000\n"})))
    try:
        wait_until(reading.is_set)
        running.cancel()
        wait_until(lambda: running.done)
    finally:
        goes_on.set()
    assert running.wait().outcome == "cancelled"
    assert list_recordings(recordings_folder())[-1].meta.outcome == "cancelled"


@pytest.mark.parametrize("text", ["FROM alpine\nRUM true\n", "FROM scratch\nCOPY a\n"])
def test_a_build_that_fails_before_its_first_step_does_not_wait_for_its_build_context_to_be_read(folder, monkeypatch, text):
    goes_on, stopped = threading.Event(), threading.Event()

    def read_slowly(*_arguments, is_over):
        wait_until(lambda: is_over() or goes_on.is_set())
        stopped.set()
        raise ReadingStopped

    monkeypatch.setattr(engine_builder, "read_context", lambda *_, is_over, **__: read_slowly(is_over=is_over))
    running = start_build(own_app(folder({"Dockerfile": text})))
    try:
        wait_until(lambda: running.done)
        wait_until(stopped.is_set)
        assert not goes_on.is_set()
    finally:
        goes_on.set()
    built = running.wait()
    assert built.outcome == "failed"
    assert built.notices == ("The build failed before its build context was read.",)
    assert list_recordings(recordings_folder())[-1].meta.outcome == "failed"


def test_a_build_that_is_cancelled_while_its_bases_are_extended_by_certificates_ends(folder, monkeypatch):
    extending, goes_on = threading.Event(), threading.Event()
    find = engine_builder.build_bases

    def find_slowly(*arguments, extend_ca, **options):
        if extend_ca:
            extending.set()
            goes_on.wait()
        return find(*arguments, extend_ca=extend_ca, **options)

    monkeypatch.setattr(engine_builder, "build_bases", find_slowly)
    text = f"FROM alpine\nRUN echo x509: certificate signed by unknown authority {uuid.uuid4()} >&2 && false\n"
    running = start_build(own_app(folder({"Dockerfile": text})))
    try:
        wait_until(extending.is_set)
        running.cancel()
        wait_until(lambda: running.done)
    finally:
        goes_on.set()
    built = running.wait()
    assert built.outcome == "cancelled"
    assert [step.state for step in built.instructions][1:] == ["failed"]


def test_a_build_for_which_no_engine_answers_leaves_the_next_one_the_first(folder, monkeypatch, tmp_path):
    app = own_app(folder({"Dockerfile": "FROM scratch\nCOPY one.txt /\n", "one.txt": uuid.uuid4().hex}))
    with monkeypatch.context() as nowhere:
        nowhere.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing-listens-here")
        with pytest.raises(NoEngine):
            build(app)
    assert [build(app).edit, build(app).edit] == ["cold", "none"]


def test_a_build_after_one_that_was_cancelled_or_failed_is_another_try_and_no_measurement(folder):
    app = own_app(folder({"Dockerfile": f"FROM alpine\nRUN echo {uuid.uuid4()}\nRUN sleep 36000\n"}))
    first = start_build(app)
    wait_until(lambda: any(step.state == "running" and step.line == 3 for step in first.snapshot().instructions))
    first.cancel()
    first.wait()
    app.strategy().dockerfile.write_text("FROM alpine\nRUN test -e /nothing\n")
    failed = build(app)
    app.strategy().dockerfile.write_text("FROM alpine\nRUN true\n")
    builds = [first.wait(), failed, build(app), build(app)]
    assert [(one.edit, one.outcome) for one in builds] == [
        *(("cold", "cancelled"), ("retry", "failed"), ("retry", "done"), ("none", "done")),
    ]
    assert [one.edit for one in comparable_builds(measurable_builds(builds))] == ["none"]
