"""A build's result is never lost: whatever fails once the build has ended, its result is there, and what is missing is said."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import docker
import pytest
import requests
from docker.errors import APIError

from speedkit.apps import App, Probe, app_in_place, own_app
from speedkit.builders import built_image, engine_builder
from speedkit.builds import build, notebook_view, result_keeping, running_build, start_build, transcript
from speedkit.builds.running_build import recordings_folder
from speedkit.engine import containers
from speedkit.errors import EngineLost, NoSuchImage
from speedkit.history import explain
from speedkit.recordings import recording as recording_module
from speedkit.recordings.recording import list_recordings
from speedkit.recordings.recording_reader import read_build
from tests.waiting import HANG_SECONDS

pytestmark = pytest.mark.engine

SERVER = 'FROM alpine\nCOPY greeting /w/greeting\nCMD ["httpd", "-f", "-p", "8080", "-h", "/w"]\n'
FILE = {"Dockerfile": "FROM scratch\nCOPY one.txt /\n", "one.txt": "one"}


class _Asked(App):
    """An app whose image is asked for its greeting."""

    @property
    def probe(self) -> Probe:
        return Probe(8080, "/greeting", "text", "hello")


@pytest.fixture
def server(folder):
    """An app whose image was never asked before."""
    plain = own_app(folder({"Dockerfile": SERVER, "greeting": f'{{"text": "hello", "salt": "{os.urandom(6).hex()}"}}'}))
    return _Asked(plain.name, plain.source, plain.folder, plain.strategies, plain.edits, private_cache=True)


def newest():
    return list_recordings(recordings_folder())[-1]


def raising(problem: BaseException):
    def raise_it(*_: object, **__: object) -> None:
        raise problem

    return raise_it


def holds_as_recorded(built) -> bool:
    kept = newest()
    return kept.meta.id == built.id and read_build(kept) == built


@pytest.mark.parametrize(
    "problem",
    [
        EngineLost("The Docker engine no longer answers."),
        requests.exceptions.ConnectionError("Connection aborted."),
        requests.exceptions.ChunkedEncodingError("cut"),
        ValueError("no JSON"),
    ],
)
def test_an_engine_lost_while_the_image_is_asked_leaves_the_build_good_and_says_so(server, monkeypatch, problem):
    monkeypatch.setattr(built_image, "ask_image", raising(problem))
    built = build(server)
    assert (built.ok, built.answer, built.image is not None) == (True, None, True)
    assert [str(problem) in notice and "not asked" in notice for notice in built.notices] == [True]
    assert holds_as_recorded(built)


def test_an_image_that_is_gone_before_it_is_described_keeps_its_id(folder, monkeypatch):
    monkeypatch.setattr(built_image, "describe_image", raising(NoSuchImage("The engine has no image 'sha256:1'.")))
    built = build(own_app(folder(FILE)))
    assert built.ok
    assert built.image.startswith("sha256:")
    assert (built.image_bytes, built.layers) == (None, ())
    assert "could not be described: The engine has no image" in built.notices[0]
    assert holds_as_recorded(built)


@pytest.mark.parametrize("problem", [OSError(22, "Invalid argument"), RecursionError("too deep")])
def test_a_build_context_that_cannot_be_read_afterwards_leaves_the_build_good_and_says_so(folder, monkeypatch, problem):
    monkeypatch.setattr(engine_builder, "read_context", raising(problem))
    built = build(own_app(folder(FILE)))
    assert built.ok
    assert "The build context could not be read" in built.notices[0]
    assert holds_as_recorded(built)


def test_a_container_that_cannot_be_removed_leaves_the_answer(server, monkeypatch):
    remove = docker.APIClient.remove_container

    def fail(client, *arguments, **options):
        remove(client, *arguments, **options)
        raise APIError("409 Client Error: removal is already in progress")

    monkeypatch.setattr(docker.APIClient, "remove_container", fail)
    built = build(server)
    assert built.answer.ok
    assert holds_as_recorded(built)


def test_a_recording_is_there_before_the_image_is_described_and_says_what_it_lacks(folder, monkeypatch):
    kept = []
    describe = built_image.describe_image

    def look(*arguments):
        kept.append(read_build(newest()))
        return describe(*arguments)

    monkeypatch.setattr(built_image, "describe_image", look)
    built = build(own_app(folder(FILE)))
    assert [(one.id, one.outcome, one.image) for one in kept] == [(built.id, "done", built.image)]
    assert kept[0].notices == (result_keeping.NOT_COMPLETED,)
    assert (built.notices, read_build(newest()).notices) == ((), ())


def test_interrupted_while_the_image_is_asked_the_build_is_good_and_was_not_asked(server, monkeypatch):
    asking = threading.Event()

    def wait_until_given_up(*_: object, give_up, **__: object) -> None:
        asking.set()
        while not give_up():
            asking.wait(0.01)

    monkeypatch.setattr(built_image, "ask_image", wait_until_given_up)
    running = start_build(server)
    assert asking.wait(HANG_SECONDS)
    running.stop()
    built = running.wait()
    assert (built.outcome, built.ok, built.answer) == ("done", True, None)
    assert built.notices == ("The image was made, but was not asked for its answer: the program was interrupted.",)
    assert holds_as_recorded(built)


def test_an_engine_that_hangs_while_the_image_is_asked_keeps_nobody_from_the_result(server, monkeypatch):
    asking, go_on = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> None:
        asking.set()
        go_on.wait(HANG_SECONDS)

    monkeypatch.setattr(built_image, "ask_image", hang)
    monkeypatch.setattr(running_build, "STOP_SECONDS", 0.1)
    running = start_build(server)
    assert asking.wait(HANG_SECONDS)
    running.stop()
    assert not running.done
    assert running.result_so_far().outcome == "done"
    go_on.set()
    assert running.wait().outcome == "done"


def test_a_probe_that_is_given_up_leaves_no_container(engine, folder):
    app = own_app(folder({"Dockerfile": 'FROM alpine\nCMD ["sleep", "60"]\n'}))
    image = build(app).image
    looks = iter([False, False])
    assert containers.ask_image(engine, image, port=8080, path="/", give_up=lambda: next(looks, True)) is None
    assert engine.api.containers(all=True, filters={"ancestor": image}) == []


def test_a_server_that_sends_its_answer_for_ever_does_not_hold_up_a_build(engine, folder):
    lines = "printf 'HTTP/1.1 200 OK\\r\\n\\r\\n'; while true; do echo x; sleep 1; done"
    forever = f'while nc -l -p 8080 -e sh -c "{lines}"; do :; done'
    image = build(own_app(folder({"Dockerfile": f"FROM alpine\nCMD {forever}\n"}))).image
    answer = containers.ask_image(engine, image, port=8080, path="/")
    assert answer.text.startswith("x\n")


def test_a_server_that_does_not_speak_http_is_an_answer_that_is_not_good(engine, folder):
    image = build(
        own_app(folder({"Dockerfile": "FROM alpine\nCMD while true; do echo gibberish | nc -l -p 8080; done\n"}))
    ).image
    answer = containers.ask_image(engine, image, port=8080, path="/", seconds=3)
    assert not answer.ok
    assert answer.text.startswith("No answer from the container")


@pytest.mark.parametrize("function", ["write_recording", "complete_recording"])
@pytest.mark.parametrize(
    ("number", "words", "advice"),
    [(28, "No space left on device", "Free some room"), (30, "Read-only file system", "SPEEDKIT_HOME")],
)
def test_a_state_folder_that_takes_nothing_costs_the_recording_and_not_the_result(
    folder, monkeypatch, function, number, words, advice
):
    real = getattr(result_keeping, function)

    def fail(place, *arguments, **options):
        monkeypatch.setattr(recording_module.json, "dumps", raising(OSError(number, words)))
        try:
            return real(place, *arguments, **options)
        finally:
            monkeypatch.undo()

    monkeypatch.setattr(result_keeping, function, fail)
    app = own_app(folder(FILE))
    built = build(app)
    assert (built.ok, built.image_bytes is not None) == (True, True)
    assert built.seconds > 0
    assert len(built.notices) == 1
    assert words in built.notices[0]
    assert advice in built.notices[0]
    assert ("Free some room" in built.notices[0]) == (number == 28)
    assert (built.folder is None) == (function == "write_recording")


def test_why_an_unrecorded_build_cannot_be_explained_is_said(folder, monkeypatch, tmp_path):
    (tmp_path / "home").write_text("a file where the state folder should be")
    app = own_app(folder(FILE))
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    built = build(app)
    assert built.ok
    with pytest.raises(Exception, match="has no recording") as raised:
        explain(built)
    assert built.notices[0] in str(raised.value)


def test_a_view_that_breaks_leaves_the_result(folder, monkeypatch):
    monkeypatch.setattr(notebook_view, "notebook_shell", raising(RuntimeError("no display")))
    built = build(own_app(folder(FILE)))
    assert built.ok
    assert built.notices == ("The build could not be shown while it ran: RuntimeError: no display",)


def test_a_line_that_cannot_be_read_ends_no_build(folder, monkeypatch):
    monkeypatch.setattr(transcript.Solve, "_add_vertex", raising(ValueError("4,400 digits")))
    built = build(own_app(folder(FILE)))
    assert (built.outcome, built.image is not None) == ("done", True)


def test_steps_that_cannot_be_read_end_no_build(folder, monkeypatch):
    from speedkit.recordings import recording_reader

    derive = recording_reader.derive_steps

    def fail(dockerfile, solve, **options):
        if solve.events and options["outcome"] != "running":
            raise RecursionError("too deep")
        return derive(dockerfile, solve, **options)

    monkeypatch.setattr(recording_reader, "derive_steps", fail)
    built = build(own_app(folder(FILE)))
    assert (built.outcome, built.image is not None) == ("done", True)
    assert "RecursionError: too deep" in built.notices[-1]


def test_the_program_shows_the_result_where_nothing_can_be_kept_and_exits_with_0(folder, tmp_path):
    (tmp_path / "home").write_text("a file where the state folder should be")
    environment = os.environ | {"SPEEDKIT_HOME": str(tmp_path / "home")}
    argv = [sys.executable, "-m", "speedkit", "build", str(folder(FILE))]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)
    assert done.returncode == 0
    assert "COPY one.txt /" in done.stdout
    assert "done in" in done.stdout
    assert "! " in done.stderr
    assert str(tmp_path / "home") in done.stderr


@pytest.mark.parametrize("verb", [["history"], ["explain"], ["engine", "status"], ["doctor"], ["history", "--json"]])
def test_who_only_looks_needs_no_state_folder(verb, tmp_path):
    (tmp_path / "home").write_text("a file where the state folder should be")
    environment = os.environ | {"SPEEDKIT_HOME": str(tmp_path / "home" / "below")}
    done = subprocess.run(
        [sys.executable, "-m", "speedkit", *verb],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    assert "cannot be made" not in done.stderr
    assert done.returncode in ((1,) if verb == ["explain"] else (0, 1) if verb == ["doctor"] else (0,))


def test_layers_are_read_where_none_can_be_kept(folder, tmp_path):
    image = build(own_app(folder(FILE))).image
    (tmp_path / "home").write_text("")
    environment = os.environ | {"SPEEDKIT_HOME": str(tmp_path / "home")}
    argv = [sys.executable, "-m", "speedkit", "layers", image]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_clock_may_go_back_between_two_builds(folder, monkeypatch):
    app = own_app(folder(FILE))
    build(app)
    real = recording_module.datetime

    class EarlierClock(real):
        @classmethod
        def now(cls, zone=None):
            return real.now(zone) - __import__("datetime").timedelta(hours=2)

    monkeypatch.setattr(recording_module, "datetime", EarlierClock)
    again = build(app)
    assert newest().meta.id == again.id
    reasons = explain()
    assert reasons.build.id == again.id
    assert {step.state for step in reasons.steps if step.instruction.startswith("COPY")} == {"cached"}
    assert not any("pruned" in step.because for step in explain(again).steps)


def test_a_build_whose_context_cannot_be_read_is_kept_and_says_so(folder, monkeypatch):
    from speedkit.errors import FileRefused

    monkeypatch.setattr(engine_builder, "read_context", raising(FileRefused("one.txt cannot be read: Permission denied.")))
    built = build(own_app(folder(FILE)))
    assert built.ok
    assert "one.txt cannot be read" in built.notices[0]
    assert holds_as_recorded(built)
    assert Path(built.folder).is_dir()


def test_a_state_folder_that_is_sent_to_the_engine_is_told_of_until_it_is_ignored(folder, monkeypatch):
    place = folder(FILE)
    monkeypatch.setenv("SPEEDKIT_HOME", str(place / "kept" / "here"))
    first, again = build(app_in_place(place)), build(app_in_place(place))
    for built in (first, again):
        assert built.ok
        assert [notice for notice in built.notices if "kept/here is in the build context" in notice]
    (place / ".dockerignore").write_text("kept\n")
    assert build(app_in_place(place)).notices == ()
    with own_app(place) as copy:
        assert build(copy).notices == ()
