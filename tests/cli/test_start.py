"""The program's start: an image is asked for before the program is loaded, and only where it is plain which one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext

import pytest

from speedkit.cli import start
from speedkit.engine import saved_image
from speedkit.errors import NoEngine
from tests.waiting import HANG_SECONDS


@pytest.mark.parametrize(
    ("arguments", "image"),
    [
        (["layers", "one:1"], "one:1"),
        (["layers", "--json", "one:1"], "one:1"),
        (["layers", "one:1", "--files", "--json"], "one:1"),
        (["layers", "one:1", "--other", "two:1"], None),
        (["layers", "--cat", "one:1"], None),
        (["layers", "one:1", "--help"], None),
        (["layers", "-h"], None),
        (["layers"], None),
        (["history", "one:1"], None),
        ([], None),
    ],
)
def test_an_image_is_asked_for_ahead_where_the_arguments_say_nothing_else(arguments, image, monkeypatch):
    monkeypatch.setattr("speedkit.engine.request_image", nullcontext)
    with start._request_image(arguments) as asked:
        assert asked == image


def test_no_engine_is_asked_for_an_archive(speedkit, monkeypatch, tmp_path):
    monkeypatch.setattr(saved_image, "connect", lambda: pytest.fail("an engine is asked"))
    (tmp_path / "archive").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    for name in ("./archive", "./nothing", str(tmp_path)):
        code, _, err = speedkit("layers", name)
        assert code == 3
        assert name.removeprefix("./") in err


def test_an_engine_that_cannot_be_asked_is_tried_once_and_the_program_says_why(speedkit, monkeypatch):
    tries = []

    def refuse():
        tries.append(1)
        raise NoEngine("No Docker engine answers.")

    monkeypatch.setattr(saved_image, "connect", refuse)
    code, _, err = speedkit("layers", "one:1")
    assert code == 3
    assert "No Docker engine answers." in err
    assert len(tries) == 1


@pytest.mark.engine
def test_the_image_asked_for_ahead_is_the_one_that_is_shown(speedkit, folder):
    _, built, _ = speedkit("build", str(folder({"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "x" * 7000})), "--json")
    image = json.loads(built)["image"]
    for _ in ("streamed", "known"):
        code, out, _ = speedkit("layers", image, "--json")
        assert (code, json.loads(out)["image_bytes"]) == (0, 7000)
    code, _, err = speedkit("layers", "speedkit/nothing:1")
    assert (code, "speedkit/nothing:1" in err) == (3, True)


@pytest.mark.engine
def test_asking_ahead_loads_neither_the_program_nor_what_reads_an_image(engine):
    program = (
        "import sys\n"
        "from speedkit.cli.start import _request_image\n"
        "slow = {'typer', 'subprocess', 'platformdirs', 'speedkit.images.tar', 'speedkit.cli.program'}\n"
        "with _request_image(['layers', 'speedkit/nothing:1']):\n"
        "    print(sorted(slow & set(sys.modules)))\n"
    )
    environment = os.environ | {"DOCKER_HOST": engine.host}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


INTERRUPTED = """
import os, signal, sys, threading
from speedkit.cli import output, program, start
def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)
class Finalized:
    def __del__(self):
        interrupt()
def interrupt_in_a_finalizer(*_):
    Finalized()
    threading.Event().wait()
{where}
sys.argv = ["speedkit", "history"]
start.main()
"""


@pytest.mark.parametrize(
    "where",
    [
        "start._request_image = interrupt",
        "program._sweep_leftovers = interrupt",
        "program.take_any_character = interrupt",
        # Python itself drops this one.
        "program.take_any_character = interrupt_in_a_finalizer",
        "program.say_problem = interrupt; program._sweep_leftovers = lambda: 1 / 0",
        # A first Ctrl-C ends the verb, a second one comes while that is said.
        "program.say = interrupt; program.history.history = None; program._Verbs.resolve_command = interrupt",
    ],
)
def test_ctrl_c_at_any_moment_ends_with_the_exit_code_of_a_cancelled_build(where):
    code = INTERRUPTED.format(where=where)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=HANG_SECONDS)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "Cancelled.\n"
