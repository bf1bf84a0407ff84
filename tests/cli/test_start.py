"""The program's start: an image is asked for before the program is loaded, and only where it is plain which one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from speedkit.cli import start
from speedkit.engine import saved_image


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
    asked = []
    monkeypatch.setattr(saved_image, "ask_ahead", asked.append)
    start._asked_ahead(arguments)
    assert asked == ([] if image is None else [image])


def test_archives_and_what_no_engine_has_are_left_to_the_program(speedkit, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    (tmp_path / "archive").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    for name in ("archive", "./nothing", str(tmp_path), "one:1"):
        assert saved_image.ask_ahead(name) is None
    code, _, err = speedkit("layers", "one:1")
    assert code == 3
    assert "No Docker engine answers" in err


@pytest.mark.engine
def test_the_image_asked_for_ahead_is_the_one_that_is_shown(speedkit, folder):
    _, built, _ = speedkit("build", str(folder({"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "x" * 7000})), "--json")
    image = json.loads(built)["image"]
    for _ in ("streamed", "known"):
        code, out, _ = speedkit("layers", image, "--json")
        assert (code, json.loads(out)["image_bytes"]) == (0, 7000)
    assert saved_image.ask_ahead("speedkit/nothing:1") is None


@pytest.mark.engine
def test_asking_ahead_loads_neither_the_program_nor_what_reads_an_image(engine):
    program = (
        "import sys\n"
        "from speedkit.cli.start import _asked_ahead\n"
        "_asked_ahead(['layers', 'speedkit/nothing:1'])\n"
        "slow = {'typer', 'http.client', 'subprocess', 'platformdirs', 'speedkit.images.tar', 'speedkit.cli.program'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    environment = os.environ | {"DOCKER_HOST": engine.host}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
