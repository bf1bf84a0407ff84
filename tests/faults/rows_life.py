"""Rows about programs, kernels and engines that end in the middle of a build, and about what becomes of its result."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

from speedkit.apps import App, Probe, app_in_place, own_app
from speedkit.builders import built_image
from speedkit.builds import build, request, start_build
from speedkit.builds.running_build import recordings_folder
from speedkit.history import explain
from speedkit.model import Build
from speedkit.recordings import recording as recording_module
from speedkit.recordings.recording import list_recordings
from speedkit.recordings.recording_reader import read_build
from tests.faults.table import ROOT, Place, fault
from tests.waiting import wait_until

PORT = 8080
SERVER = 'FROM {image}\nCOPY greeting /w/greeting\nCMD ["httpd", "-f", "-p", "8080", "-h", "/w"]\n'
DEAF = 'FROM {image}\nCOPY salt /\nCMD ["sleep", "36000"]\n'


class _Asked(App):
    """An app whose image is asked for its greeting."""

    @property
    def probe(self) -> Probe:
        return Probe(PORT, "/greeting", "text", "hello")


PROGRAM = """\
import sys
from speedkit.apps import App, Probe
if sys.argv[1] == "asked":
    App.probe = property(lambda app: Probe(8080, "/greeting", "text", "hello"))
del sys.argv[1]
from speedkit.cli import main
main()
"""
"""The speedkit program; called with `asked`, it asks every app's image, as it does for the sample app alone."""


def _asked(folder: Path) -> App:
    app = own_app(folder)
    app.__class__ = _Asked
    return app


def _sleeping(place: Place) -> tuple[Path, str]:
    """A folder whose build sleeps for a time that nothing else sleeps for, and the words of that process."""
    seconds = f"36000.{random.randrange(10**9)}"  # noqa: S311
    return place.write({"Dockerfile": f"FROM {place.image}\nRUN sleep {seconds}\n"}), f"sleep {seconds}"


def _runs(words: str) -> bool:
    """A process with these words in its command line runs; of this row's engine too, whose steps are processes here."""
    own = str(os.getpid())
    shown = subprocess.run(["ps", "-eo", "pid=,stat=,args="], capture_output=True, text=True, check=False).stdout
    lines = (line.split(maxsplit=2) for line in shown.splitlines())
    return any(words in line[2] for line in lines if len(line) == 3 and line[0] != own and not line[1].startswith("Z"))


def _step_runs(words: str) -> bool:
    """The step itself runs, not only the client that asked for it."""
    shown = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=False).stdout
    return any(line.strip() in (words, f"/bin/sh -c {words}") for line in shown.splitlines())


def _kernels(place: Place) -> list[str]:
    """The Jupyter kernels with this row's state folder: other people's run on this machine, too."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (
                b"ipykernel" in (process / "cmdline").read_bytes()
                and str(place.home).encode() in (process / "environ").read_bytes()
            ):
                found.append(process.name)
    return found


def _metas() -> list[recording_module.Meta]:
    return [found.meta for found in list_recordings(recordings_folder())]


def _scratch(place: Place) -> list[str]:
    return [path.name for path in place.temporary.iterdir() if path.name.startswith("speedkit")]


def _holds(built: Build, *words: str) -> None:
    """The build is good, recorded as it is, and says what could not be done."""
    assert built.outcome == "done", f"the outcome is {built.outcome}"
    assert built.ok, "it is not ok"
    assert built.image, "its image is not named"
    told = " ".join(built.notices)
    assert all(word in told for word in words), f"it says {told!r}"
    kept = list_recordings(recordings_folder())[-1]
    assert read_build(kept) == built, "the recording is another build than the result"


@contextlib.contextmanager
def _program(place: Place, *arguments: str | Path, asked: bool = False) -> Iterator[subprocess.Popen[str]]:
    """The speedkit program, running; killed in the end."""
    argv = [sys.executable, "-c", PROGRAM, "asked" if asked else "plain", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        argv, env=environment, cwd=place.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


@fault(
    "killed-program",
    attack="1",
    what="kill -9 of `speedkit build` in a long step",
    right="No buildx and no step of it goes on; the next build leaves no folder of it among the temporary files",
)
def killed_program(place: Place) -> str:
    folder, words = _sleeping(place)
    with _program(place, "build", folder) as running:
        wait_until(lambda: _step_runs(words))
        running.kill()
        wait_until(lambda: not _runs(folder.name))
    wait_until(lambda: not _runs(words))
    assert _metas() == [], "a recording of a killed program"
    after = place.run("build", place.write({"Dockerfile": f"FROM {place.image}\n"}))
    assert after.returncode == 0, after.stderr
    assert not _scratch(place), f"left: {_scratch(place)}"
    return "buildx and the step ended; nothing left after the next build"


@fault(
    "told-to-end",
    attack="1",
    what="SIGTERM and SIGHUP (a terminal that is closed) of `speedkit build` in a long step",
    right="The build is cancelled and recorded as that; exit code 3",
)
def told_to_end(place: Place) -> str:
    for number in (signal.SIGTERM, signal.SIGHUP):
        folder, words = _sleeping(place)
        with _program(place, "build", folder) as running:
            wait_until(lambda words=words: _step_runs(words))
            running.send_signal(number)
            _, err = running.communicate()
        assert running.returncode == 3, f"exit code {running.returncode}"
        assert "cancelled" in err, err
        wait_until(lambda words=words: not _runs(words))
    assert [meta.outcome for meta in _metas()] == ["cancelled", "cancelled"]
    assert not _scratch(place), f"left: {_scratch(place)}"
    return "both recorded as cancelled, exit code 3, nothing left"


@fault(
    "stopped-engine",
    attack="8",
    what="SIGSTOP of dockerd in a long step, then Ctrl-C",
    right="The program ends by itself, with the recording kept",
)
def stopped_engine(place: Place) -> str:
    folder, words = _sleeping(place)
    with _program(place, "build", folder) as running:
        wait_until(lambda: _step_runs(words))
        os.kill(place.engine_pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            running.send_signal(signal.SIGINT)
            running.communicate()
            seconds = time.monotonic() - began
        finally:
            os.kill(place.engine_pid, signal.SIGCONT)
    assert running.returncode == 3, f"exit code {running.returncode}"
    assert [meta.outcome for meta in _metas()] == ["cancelled"]
    wait_until(lambda: not _runs(words))
    return f"ended after {seconds:.1f} s, recorded as cancelled"


@fault(
    "engine-hangs-in-a-step",
    what="SIGSTOP of dockerd in a long step; nobody does anything; then it goes on",
    right="The program says that the engine answers nothing, for how long, and how to end the build, which ends well after all",
)
def engine_hangs_in_a_step(place: Place) -> str:
    seconds = f"36000.{random.randrange(10**9)}"  # noqa: S311
    folder = place.write({"Dockerfile": f"FROM {place.image}\nRUN sleep {seconds} || true\n"})
    with _program(place, "build", folder, "--json") as running:
        assert running.stderr is not None
        wait_until(lambda: _step_runs(f"sleep {seconds}"))
        os.kill(place.engine_pid, signal.SIGSTOP)
        try:
            told = running.stderr.readline()
        finally:
            os.kill(place.engine_pid, signal.SIGCONT)
        shown = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
        for line in shown.splitlines():
            if line.split(maxsplit=1)[1].strip() == f"sleep {seconds}":
                os.kill(int(line.split()[0]), signal.SIGKILL)
        out, _ = running.communicate()
    assert "has answered nothing for" in told, told
    assert "Ctrl-C" in told, told
    assert running.returncode == 0, running.returncode
    document = json.loads(out)
    assert (document["ok"], document["notices"]) == (True, []), out
    return re.sub(r"unix://\S+", "the private engine's socket", told)


@fault(
    "hanging-engine-asked",
    attack="8",
    what="SIGSTOP of dockerd, then `history`, `engine status`, `predict` and `layers`",
    right="Each ends with words, none hangs",
)
def hanging_engine_asked(place: Place) -> str:
    folder = place.write({"Dockerfile": f"FROM {place.image}\nRUN true\n"})
    image = json.loads(place.run("build", folder, "--json").stdout)["image"]
    os.kill(place.engine_pid, signal.SIGSTOP)
    codes = {}
    try:
        for verb in (["history"], ["engine", "status"], ["predict", str(folder)], ["layers", image], ["build", str(folder)]):
            done = place.run(*verb, timeout=200)
            assert "Traceback" not in done.stderr, done.stderr
            assert "no words for" not in done.stderr, done.stderr
            codes[verb[0]] = done.returncode
    finally:
        os.kill(place.engine_pid, signal.SIGCONT)
    assert codes == {"history": 0, "engine": 1, "predict": 0, "layers": 3, "build": 3}, codes
    return f"exit codes {codes}"


@fault(
    "engine-dies-at-the-probe",
    attack="9",
    what="dockerd is killed when the image is about to be asked, and while it is asked",
    right="The build is good and recorded; it says that the image was not asked, and why",
)
def engine_dies_at_the_probe(place: Place) -> str:
    app = _asked(place.write({"Dockerfile": SERVER.format(image=place.image), "greeting": '{"text": "hello"}'}))
    ask = built_image.ask_image

    def kill_and_ask(*arguments: object, **options: object) -> object:
        os.kill(place.engine_pid, signal.SIGKILL)
        return ask(*arguments, **options)  # type: ignore[arg-type]

    with patch.object(built_image, "ask_image", kill_and_ask):
        built = build(app)
    _holds(built, "not asked")
    return built.notices[0]


@fault(
    "engine-dies-while-it-asks",
    attack="9",
    what="dockerd is killed while the image is asked and does not answer",
    right="The build is good and recorded; it says that the image was not asked, and why",
)
def engine_dies_while_it_asks(place: Place) -> str:
    app = _asked(place.write({"Dockerfile": DEAF.format(image=place.image), "salt": os.urandom(6).hex()}))
    running, api = start_build(app), place.engine.api
    wait_until(lambda: bool(api.containers()))
    os.kill(place.engine_pid, signal.SIGKILL)
    built = running.wait()
    _holds(built, "not asked")
    return built.notices[0]


@fault(
    "image-gone-before-it-is-described",
    attack="10",
    what="Somebody removes the image as soon as it is built",
    right="The build is good and recorded with the image's id; it says that the image could not be described",
)
def image_gone(place: Place) -> str:
    describe = built_image.describe_image

    def remove_and_describe(engine: object, image: str, *arguments: object) -> object:
        place.engine.api.remove_image(image, force=True)
        return describe(engine, image, *arguments)  # type: ignore[arg-type]

    with patch.object(built_image, "describe_image", remove_and_describe):
        built = build(own_app(place.write({"Dockerfile": "FROM scratch\nCOPY a /\n", "a": os.urandom(6).hex()})))
    _holds(built, "could not be described", "has no image")
    return built.notices[0]


@fault(
    "removal-refused",
    attack="11",
    what="Removing the probe's container is answered by 409 after it worked",
    right="The answer counts",
)
def removal_refused(place: Place) -> str:
    import docker

    remove = docker.APIClient.remove_container

    def refuse(client: object, *arguments: object, **options: object) -> None:
        remove(client, *arguments, **options)
        raise docker.errors.APIError("409 Client Error: removal of container is already in progress")

    app = _asked(place.write({"Dockerfile": SERVER.format(image=place.image), "greeting": '{"text": "hello"}'}))
    with patch.object(docker.APIClient, "remove_container", refuse):
        built = build(app)
    _holds(built)
    assert built.answer is not None
    assert built.answer.ok, built.answer.text
    assert place.engine.api.containers(all=True) == []
    return "the image answered, and the build is good"


@fault(
    "interrupted-at-the-probe",
    attack="",
    what="Ctrl-C, SIGTERM and SIGHUP while the image is asked and does not answer",
    right="The build succeeded, is recorded as done, and says that its answer was not asked; no container is left",
)
def interrupted_at_the_probe(place: Place) -> str:
    codes = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        folder = place.write({"Dockerfile": DEAF.format(image=place.image), "salt": os.urandom(6).hex()})
        api = place.engine.api
        with _program(place, "build", folder, "--json", asked=True) as running:
            wait_until(lambda api=api: bool(api.containers()))
            running.send_signal(number)
            out, err = running.communicate()
        found = json.loads(out)
        assert (found["ok"], found["exit_code"]) == (True, 0), out
        assert "not asked" in err, err
        assert "failed" not in err, err
        assert api.containers(all=True) == [], "a container is left"
        codes.append(running.returncode)
    assert [meta.outcome for meta in _metas()] == ["done"] * 3
    assert codes == [0, 0, 0], codes
    return "done, 'not asked for its answer: the program was interrupted', exit code 0, three times"


@contextlib.contextmanager
def _state_on(place: Place) -> Iterator[Path]:
    """A state folder on a file system of its own, of 1 MB."""
    home = place.folder / "small-home"
    home.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(home)], check=True)
    try:
        yield home
    finally:
        subprocess.run(["umount", "-l", str(home)], check=False)


def _result_is_shown(place: Place, home: Path, *words: str) -> str:
    """The result of a build whose recording cannot be kept; what was said about that."""
    environment = {"SPEEDKIT_HOME": str(home)}
    folder = place.write({"Dockerfile": f"FROM {place.image}\nCOPY big /\n", "big": "x" * 200_000})
    shown = place.run("build", folder, env=environment)
    assert shown.returncode == 0, f"exit code {shown.returncode}: {shown.stderr}"
    assert "COPY big /" in shown.stdout, f"no table: {shown.stdout}"
    assert "done in" in shown.stdout, f"no seconds: {shown.stdout}"
    assert "image" in shown.stdout, f"no size: {shown.stdout}"
    told = " ".join(shown.stderr.split())
    assert all(word in told for word in words), told
    data = json.loads(place.run("build", folder, "--json", env=environment).stdout)
    assert data["ok"], data
    assert data["image"].startswith("sha256:"), data
    assert data["notices"], data
    with patch.dict(os.environ, environment):
        built = build(app_in_place(folder))
    assert built.ok
    assert built.folder is None
    assert built.image_bytes
    for verb in (["history"], ["engine", "status"], ["doctor"], ["predict", str(folder)], ["layers", data["image"]]):
        done = place.run(*verb, env=environment)
        assert done.returncode in ((0, 1) if verb == ["doctor"] else (0,)), f"{verb}: {done.stderr}"
    assert not list(home.rglob(".unfinished-*")), "half a recording is left"
    return told


@fault(
    "full-state",
    attack="12",
    what="The state folder's file system is full",
    right="The result is shown and returned, with exit code 0; it says that it could not be recorded, and to free some room",
)
def full_state(place: Place) -> str:
    with _state_on(place) as home:
        with contextlib.suppress(OSError):
            (home / "filled").write_bytes(b"x" * 2_000_000)
        return _result_is_shown(place, home, "No space left on device", "Free some room")


@fault(
    "read-only-state",
    attack="13",
    what="The state folder's file system is read-only",
    right="The result is shown and returned, with exit code 0; it says that nothing can be written, and not to free some room",
)
def read_only_state(place: Place) -> str:
    with _state_on(place) as home:
        subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)
        told = _result_is_shown(place, home, "Read-only file system", "SPEEDKIT_HOME")
    assert "Free some room" not in told, told
    return told


@fault(
    "clock-goes-back",
    attack="27",
    what="The clock is set back by two hours between two builds",
    right="`history` has them in the order of the builds; `explain` explains the later one, and says nothing of pruning",
    engine=True,
)
def clock_goes_back(place: Place) -> str:
    from datetime import timedelta

    real = recording_module.datetime

    class Earlier(real):  # type: ignore[misc, valid-type]
        @classmethod
        def now(cls, zone: object = None) -> object:
            return real.now(zone) - timedelta(hours=2)

    folder = place.write({"Dockerfile": f"FROM {place.image}\nRUN echo {os.urandom(6).hex()}\n"})
    first = build(app_in_place(folder))
    with patch.object(recording_module, "datetime", Earlier), patch.object(request, "datetime", Earlier):
        later = build(app_in_place(folder))
    assert later.id < first.id, "the clock did not go back"
    assert [meta.id for meta in _metas()] == [first.id, later.id]
    shown = json.loads(place.run("history", "--json").stdout)["builds"]
    assert [one["id"] for one in shown] == [first.id, later.id]
    reasons = explain()
    assert reasons.build is not None
    assert reasons.build.id == later.id, "the earlier one is explained"
    assert all(step.state == "cached" for step in reasons.steps), reasons.title
    assert not any("pruned" in step.because for step in reasons.steps)
    predicted = json.loads(place.run("predict", folder, "--json").stdout)["steps"]
    assert {step["forecast"] for step in predicted} == {"hit"}, predicted
    return f"{reasons.title}; predict: all cached"


NOTEBOOK_BUILDS = """\
import speedkit as sk
app = sk.app({folder!r})
sk.build(app)
"""


def _notebook(place: Place, folder: Path) -> Path:
    """A folder of notebooks for a tour, with one that builds."""
    import nbformat

    cell = nbformat.v4.new_code_cell(NOTEBOOK_BUILDS.format(folder=str(folder)))
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"speedkit": {"quick": True}})
    target = place.folder / f"notebooks-{os.urandom(4).hex()}"
    target.mkdir()
    nbformat.write(notebook, target / "00_build.ipynb")
    return target


TOUR = """\
import sys
from pathlib import Path
from speedkit.errors import StateBusy
from speedkit.reports.tour import run_tour
try:
    run_tour(out=Path(sys.argv[1]), quick=False, session=None, say=print, folder=Path(sys.argv[2]))
except StateBusy as problem:
    print(problem)
    sys.exit(3)
"""


@fault(
    "killed-tour",
    attack="25",
    what="A tour, a second one to the same folder, kill -9 of the first in a build, a third one",
    right="The second says that the folder is in use; no kernel and no buildx of the first is left; the third runs",
)
def killed_tour(place: Place) -> str:
    folder, words = _sleeping(place)
    out, long, short = place.folder / "out", _notebook(place, folder), place.write({"Dockerfile": f"FROM {place.image}\n"})
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", TOUR, str(out)]
    with subprocess.Popen([*argv, str(long)], env=environment, cwd=place.folder) as first:
        try:
            wait_until(lambda: _step_runs(words))
            second = subprocess.run([*argv, str(long)], env=environment, capture_output=True, text=True, check=False)
            assert second.returncode == 3, second.stderr
            assert "Another tour is writing" in second.stdout, second.stdout
        finally:
            first.kill()
    wait_until(lambda: not _runs(words))
    wait_until(lambda: not _runs(folder.name) and not _kernels(place))
    third = subprocess.run(
        [*argv, str(_notebook(place, short))], env=environment, cwd=place.folder, capture_output=True, text=True, check=False
    )
    assert third.returncode == 0, third.stderr
    assert [meta.outcome for meta in _metas()] == ["done"], [meta.outcome for meta in _metas()]
    assert not _scratch(place), f"left: {_scratch(place)}"
    return "the second: exit code 3; the first left nothing; the third runs"


@contextlib.contextmanager
def _kernel_in_a_build(place: Place) -> Iterator[tuple[object, str, Path]]:
    """A Jupyter kernel with a cell that waits for a long build: its manager, the words of the step, the folder."""
    from jupyter_client.manager import start_new_kernel

    folder, words = _sleeping(place)
    manager, client = start_new_kernel(env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=str(place.folder))
    try:
        client.execute(NOTEBOOK_BUILDS.format(folder=str(folder)))
        wait_until(lambda: _step_runs(words))
        yield manager, words, folder
    finally:
        client.stop_channels()
        with contextlib.suppress(RuntimeError):
            manager.shutdown_kernel(now=True)


@fault(
    "kernel-ends",
    attack="b",
    what="A Jupyter kernel in a long build: interrupted, restarted, shut down, SIGTERM, SIGKILL",
    right="No buildx and no step is left; recorded as cancelled but for SIGKILL; the next start sweeps the working copies",
    seconds=600,
)
def kernel_ends(place: Place) -> str:
    ways: dict[str, Callable[[object], None]] = {
        "interrupt": lambda manager: manager.interrupt_kernel(),  # type: ignore[attr-defined]
        "restart": lambda manager: manager.restart_kernel(),  # type: ignore[attr-defined]
        "shutdown": lambda manager: manager.shutdown_kernel(),  # type: ignore[attr-defined]
        "SIGTERM": lambda manager: manager.signal_kernel(signal.SIGTERM),  # type: ignore[attr-defined]
        "SIGKILL": lambda manager: manager.signal_kernel(signal.SIGKILL),  # type: ignore[attr-defined]
    }
    for way, end in ways.items():
        before = len(_metas())
        with _kernel_in_a_build(place) as (manager, words, _):
            end(manager)
            wait_until(lambda words=words: not _runs(words))
            if way != "SIGKILL":
                wait_until(lambda before=before: len(_metas()) > before)
        outcomes = [meta.outcome for meta in _metas()[before:]]
        assert outcomes == ([] if way == "SIGKILL" else ["cancelled"]), f"{way}: {outcomes}"
    place.run("build", place.write({"Dockerfile": f"FROM {place.image}\n"}))
    left = [path.name for path in (place.home / "work").iterdir()] if (place.home / "work").is_dir() else []
    assert not left, f"working copies left: {left}"
    assert not _scratch(place), f"left: {_scratch(place)}"
    return "all five end the build; recorded as cancelled four times; nothing left after the next start"


@fault(
    "killed-at-random-moments",
    attack="b2",
    what="70 of 80 builds killed by SIGKILL at random moments, then history, explain, predict, build",
    right="Recordings are whole or not there, all verbs work, no temporary folder and no process is left",
    seconds=1200,
)
def killed_at_random_moments(place: Place) -> str:
    folder = place.write({"Dockerfile": f"FROM {place.image}\nCOPY one /\n", "one": "1"})
    began = time.monotonic()
    assert place.run("build", folder).returncode == 0
    usual = time.monotonic() - began
    moments = random.Random(1)  # noqa: S311 - the same moments each time
    for number in range(70):
        (folder / "one").write_text(str(number))
        with _program(place, "build", folder) as running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(moments.uniform(0.4, 1.05) * usual)
            running.kill()
    wait_until(lambda: not _runs(folder.name))
    for _ in range(9):
        assert place.run("build", folder).returncode == 0
    for recording in list_recordings(recordings_folder()):
        read_build(recording)
        assert recording.context is not None
    names = [path.name for path in recordings_folder().iterdir() if path.is_dir()]
    assert not [name for name in names if name.startswith(".")], f"half a recording: {names}"
    assert len(names) == len(_metas()), "a recording cannot be read"
    for verb in (["history"], ["explain"], ["predict", str(folder)], ["build", str(folder)]):
        assert place.run(*verb).returncode == 0, verb
    assert not _scratch(place), f"left: {_scratch(place)}"
    return f"{len(names)} recordings, all whole; nothing else left"


FEW_FILES = """\
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
from pathlib import Path
import speedkit as sk
app = sk.app(sys.argv[1])
for number in range(300):
    if number % 2:
        app.write("one.txt", f"{sys.argv[1]} {number}")
    built = sk.build(app)
    assert built.ok and not built.notices, (number, built.error, built.notices)
print(len(list(Path("/proc/self/fd").iterdir())))
"""


@fault(
    "few-files",
    attack="a",
    what="300 builds in one process that may open 256 files, as on macOS; every second one after an edit",
    right="All are good",
    seconds=1800,
)
def few_files(place: Place) -> str:
    folder = place.write({"Dockerfile": f"FROM {place.image}\nCOPY one.txt /\n", "one.txt": "0"})
    argv = [sys.executable, "-c", FEW_FILES, str(folder)]
    done = subprocess.run(argv, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    return f"300 good builds; {done.stdout.strip()} files open in the end"


@fault(
    "workbenches-left-open",
    attack="a2",
    what="Ten workbenches, a build in each, none of them closed",
    right="They share one thread, and have none of their own",
)
def workbenches_left_open(place: Place) -> str:
    from speedkit.widgets.workbench import Workbench

    app = own_app(place.write({"Dockerfile": f"FROM {place.image}\nCOPY one.txt /\n", "one.txt": "0"}))
    benches = []
    for number in range(10):
        app.write("one.txt", str(number))
        benches.append(Workbench(app))
        benches[-1].build()
        assert benches[-1].wait() is not None
    own = {"workbench forecast", "widget updates", "workbench engine"}

    def names() -> list[str]:
        return sorted(thread.name for thread in threading.enumerate() if thread.name in own or "build" in thread.name)

    wait_until(lambda: names() == ["widget updates"])
    for bench in benches:
        bench.close()
    wait_until(lambda: names() == [])
    return "one thread for all ten; none once they are closed"


THREE_AT_ONCE = """\
import sys
import speedkit as sk
app = sk.app(sys.argv[1])
for number in range(12):
    text = f"{sys.argv[2]} {number}"
    app.write("one.txt", text)
    built = sk.build(app)
    assert built.ok and not built.notices, (built.error, built.notices)
    log = "".join(step.log for step in built.instructions)
    assert log.strip() == text or (not log and number == 0), (log, text)
app.close()
"""


@fault(
    "builds-at-once",
    attack="c",
    what="Three processes with 12 edited builds each of one folder, and two programs with 6 builds each in place",
    right="All are good, each has its own log, all are recorded with a number of their own, nothing is left",
    seconds=900,
)
def builds_at_once(place: Place) -> str:
    folder = place.write({"Dockerfile": f"FROM {place.image}\nCOPY one.txt /\nRUN cat /one.txt\n", "one.txt": "0"})
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    three = [
        subprocess.Popen(
            [sys.executable, "-c", THREE_AT_ONCE, str(folder), f"{name} {os.urandom(4).hex()}"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in "abc"
    ]
    codes: list[int] = []

    def in_place() -> None:
        codes.extend(place.run("build", folder).returncode for _ in range(6))

    two = [threading.Thread(target=in_place) for _ in range(2)]
    for thread in two:
        thread.start()
    for number in range(6):
        (folder / "one.txt").write_text(f"changed {number}")
        time.sleep(0.2)
    for thread in two:
        thread.join()
    for process in three:
        _, err = process.communicate()
        assert process.returncode == 0, err[-500:]
    assert codes == [0] * 12, codes
    metas = _metas()
    assert [meta.outcome for meta in metas] == ["done"] * 48
    assert len({meta.number for meta in metas}) == 48, "two builds have one number"
    assert not _scratch(place), f"left: {_scratch(place)}"
    wait_until(lambda: not _runs(folder.name))
    return "36 + 12 builds good, each with its own log and number; nothing left"


NOBODY_KNOWN = """\
import os, sys
import speedkit.apps, speedkit.cli.program, speedkit.engine.cleanup, speedkit.builds, speedkit.cache, speedkit.history
import speedkit.words.amounts, speedkit.rendering.reasons_html, speedkit.rendering.tables, speedkit.setup
import docker, platformdirs, rich.live, rich.table, rich.progress
for name in [name for name in os.environ if name in ("HOME", "SPEEDKIT_HOME") or name.startswith("XDG_")]:
    del os.environ[name]
os.setgroups([]); os.setgid(54321); os.setuid(54321)
from speedkit.cli import main
main()
"""
"""The program as a user that the system does not know, without HOME; loaded by root, who alone may read this Python."""


@fault(
    "no-home",
    what="`build` and `history` as a user without a home whom the system does not know, and with a home that is read-only",
    right="Built, with the sentence that it could not be recorded; nothing is made in the project",
)
def no_home(place: Place) -> str:
    folder = place.write({"Dockerfile": f"FROM {place.image}\nCOPY a /\n", "a": os.urandom(6).hex()})
    for open_to_all in (folder, *place.folder.parents, place.folder):
        if open_to_all.is_relative_to("/tmp") and open_to_all != Path("/tmp"):
            open_to_all.chmod(0o777)
    socket = Path(place.engine.host.removeprefix("unix://"))
    socket.chmod(0o666)
    socket.parent.chmod(0o755)
    temporary = place.folder / "anybodys"
    temporary.mkdir()
    temporary.chmod(0o1777)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    told = ""
    for verb in (["build", str(folder), "--json"], ["history"]):
        argv = [sys.executable, "-c", NOBODY_KNOWN, *verb]
        done = subprocess.run(argv, env=environment, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-500:]
        assert "Traceback" not in done.stderr, done.stderr[-500:]
        told = told or " ".join(done.stderr.split())
    home = place.folder / "read-only"
    home.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(home)], check=True)
    try:
        done = place.run("build", folder, "--json", env={"HOME": str(home), "SPEEDKIT_HOME": ""})
    finally:
        subprocess.run(["umount", "-l", str(home)], check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert "Read-only file system" in done.stderr, done.stderr[-500:]
    assert sorted(path.name for path in folder.iterdir()) == ["Dockerfile", "a"], "something was made in the project"
    return told


@fault(
    "state-folder-in-what-is-built",
    what="SPEEDKIT_HOME is a folder of a project that `speedkit build` builds in place; then .dockerignore names it",
    right="The build says that its own folder is sent, and what to do; once it is ignored, a second build is all cached",
)
def state_folder_in_what_is_built(place: Place) -> str:
    folder = place.write({"Dockerfile": f"FROM {place.image}\nCOPY . /w\n", "a": os.urandom(6).hex()})
    environment = {"SPEEDKIT_HOME": str(folder / ".speedkit")}
    told = place.run("build", folder, env=environment)
    assert told.returncode == 0, told.stderr
    assert ".speedkit is in the build context" in told.stderr, told.stderr
    (folder / ".dockerignore").write_text(".speedkit\n")
    done = [place.run("build", folder, "--json", env=environment) for _ in range(2)][-1]
    document = json.loads(done.stdout)
    assert document["notices"] == [], document["notices"]
    assert all(step["cached"] for step in document["steps"] if step["instruction"]), document["steps"]
    return " ".join(told.stderr.split())
