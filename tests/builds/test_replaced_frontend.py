"""A Dockerfile with `# syntax=` builds where no registry answers, stays as it is, and finds what was cached; results say so."""

from __future__ import annotations

import json

import pytest

from speedkit.advice import advice_on_failure
from speedkit.apps import own_app
from speedkit.builders import base_choice
from speedkit.builds import build
from speedkit.engine import frontends
from speedkit.history import explain, predict
from speedkit.plots.style import notes
from speedkit.recordings.recording import read_recording
from speedkit.recordings.recording_reader import read_build
from speedkit.rendering.build_steps import build_html

pytestmark = pytest.mark.engine

PLAIN = "FROM scratch\nCOPY a /a\n"
SYNTAX = "# syntax=docker/dockerfile:1\n"


@pytest.fixture(autouse=True)
def _no_registry(monkeypatch):
    monkeypatch.setattr(base_choice, "replaced_frontend", lambda engine, image: image.startswith("docker/dockerfile"))
    monkeypatch.setattr(frontends, "_unanswered", {})


def test_the_build_is_the_same_as_without_the_line(folder):
    app = own_app(folder({"Dockerfile": PLAIN, "a": "1"}))
    assert build(app).ok
    app.write("Dockerfile", SYNTAX + PLAIN)
    built = build(app)
    assert built.ok
    assert [step.state for step in built.instructions] == ["no-step", "cached"]
    assert built.instructions[-1].line == 3


def test_results_say_that_the_engines_own_frontend_read_the_file(folder):
    app = own_app(folder({"Dockerfile": SYNTAX + PLAIN, "a": "2"}))
    assert "stand-in frontend for docker/dockerfile:1" in predict(app).title
    built = build(app)
    assert (built.replaced_frontend, built.stand_ins) == ("docker/dockerfile:1", "stand-in frontend")
    assert read_build(read_recording(built.folder)).replaced_frontend == "docker/dockerfile:1"
    assert "stand-in frontend" in build_html(built)
    assert "stand-in frontend" in notes([built])
    assert "stand-in frontend for docker/dockerfile:1" in predict(app).title
    assert "stand-in frontend for docker/dockerfile:1" in explain(built).title
    app.write("Dockerfile", PLAIN)
    assert "stand-in" not in predict(app).title


def test_the_dockerfile_in_the_image_is_the_users(folder):
    text = f"{SYNTAX}# escape=`\nFROM `\n  scratch\nCOPY . /all\n"
    app = own_app(folder({"Dockerfile": text, "Dockerfile.dockerignore": "left-out\n", "left-out": "x", "a": "3"}))
    built = build(app)
    assert built.ok
    assert (app.folder / "Dockerfile").read_text() == text
    sizes = [layer.size_bytes for layer in built.layers]
    kept = sum(len(content) for content in (text, "left-out\n", "3"))
    # Neither the other text nor what the Dockerfile's own list leaves out is in the image.
    assert sum(sizes) == kept


def test_a_build_arg_that_asks_for_a_frontend_counts_as_the_line_does(folder):
    app = own_app(folder({"Dockerfile": PLAIN, "a": "4"}))
    built = build(app, build_args={"BUILDKIT_SYNTAX": "docker/dockerfile:1.9"})
    assert (built.ok, built.replaced_frontend) == (True, "docker/dockerfile:1.9")


def test_a_first_line_for_the_shell_hides_nothing(folder):
    app = own_app(folder({"Dockerfile": f"#!/usr/bin/env docker\n{SYNTAX}{PLAIN}", "a": "5"}))
    built = build(app)
    assert (built.ok, built.replaced_frontend) == (True, "docker/dockerfile:1")


def test_what_the_engines_own_frontend_does_not_know_is_explained():
    said = "ERROR: failed to solve: dockerfile parse error on line 6: unknown flag: --parents"
    assert "engine's own frontend read the Dockerfile" in advice_on_failure(said, stand_ins=[], frontend="docker/dockerfile:1")
    assert advice_on_failure(said, stand_ins=[]) == ""


def test_the_program_says_so_in_json(folder, capsys):
    from speedkit.cli.printed_builds import build_json

    built = build(own_app(folder({"Dockerfile": SYNTAX + PLAIN, "a": "6"})))
    assert json.loads(json.dumps(build_json(built)))["stand_in_frontend"] is True


def test_a_frontend_that_buildkit_cannot_fetch_is_replaced_after_all(folder, monkeypatch):
    """The registry answered, and refused when BuildKit came: here at an address where nobody listens."""
    monkeypatch.setattr(base_choice, "replaced_frontend", lambda engine, image: False)
    text = f"# syntax=127.0.0.1:9/docker/dockerfile:1\n{PLAIN}"
    built = build(own_app(folder({"Dockerfile": text, "a": "7"})))
    assert (built.ok, built.replaced_frontend) == (True, "127.0.0.1:9/docker/dockerfile:1")
    assert [step.state for step in built.instructions] in (["no-step", "ran"], ["no-step", "cached"])


@pytest.mark.parametrize(
    ("why", "replaced"),
    [
        ("dial tcp: i/o timeout", True),
        ("429 Too Many Requests - toomanyrequests: You have reached your pull rate limit", True),
        ("403 Forbidden", True),
        ("docker.io/docker/dockerfile:1: not found", False),
    ],
)
def test_only_an_image_that_is_not_there_is_an_answer(why, replaced):
    said = f"ERROR: failed to solve: failed to resolve source metadata for docker.io/docker/dockerfile:1: {why}"
    found = base_choice.unfetched_frontend(said, SYNTAX + PLAIN, {})
    assert found == ("docker/dockerfile:1" if replaced else None)
    assert base_choice.unfetched_frontend(said, PLAIN, {}) is None
    assert (
        base_choice.unfetched_frontend(said.replace("docker/dockerfile", "acme/x"), SYNTAX.replace("docker/", "acme/"), {})
        is None
    )
