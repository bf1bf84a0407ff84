"""Builds as a terminal shows them."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from speedkit import lessons
from speedkit.builds import build
from speedkit.context import Manifest
from speedkit.model import Build, Step
from speedkit.recordings import Meta, write_recording
from speedkit.state import state_folder

FROM = "[context alpine] localhost:1/speedkit/isolated:1"


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Build]:
    """Makes a build with a recording of its request."""
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "state"))

    def make(*steps: Step, outcome: str = "done", error: str | None = None, **meta: object) -> Build:
        request = Meta("one", "app", "/app", "/app", "naive", "none", "2026-01-01T00:00:00+00:00", 1.0, outcome, 0, **meta)
        write_recording(state_folder("recordings"), request, raw=[], dockerfile="", context=Manifest(()), image=None)
        return Build("one", "app", "naive", "none", "", 1.0, outcome, 0, "", steps, error=error)

    return make


def step(name: str, state: str = "ran", *, stage: str = "builder", at: float | None = 1.0, **more: object) -> Step:
    instruction = name.rpartition("] ")[2] if not name.startswith("[context") else "FROM alpine AS builder"
    return Step(name, stage, instruction, 1, state, 1.25, started_seconds=at, **{"digest": name} | more)


def test_each_step_ends_as_docker_ends_it(recorded):
    built = recorded(
        step("[builder 1/3] COPY . .", "cached", at=2),
        step("[builder 2/3] RUN make", log="one\ntwo\nthree\nfour\nfive\n", at=3),
        step("EXPOSE 80", "no-step", at=None),
        step("[internal] load .dockerignore", kind="internal", stage="internal", at=1),
        step(FROM, "cached", at=1.5),
    )
    lines = str(lessons.terminal(built)).splitlines()
    assert lines == [
        "$ docker build --progress=plain .",
        "#2 [1/3] FROM alpine",
        "#2 CACHED",
        "",
        "#3 [2/3] COPY . .",
        "#3 CACHED",
        "",
        "#4 [3/3] RUN make",
        "#4 … 2 more lines",
        "#4 three",
        "#4 four",
        "#4 five",
        "#4 DONE 1.2s",
    ]


def test_one_base_of_two_stages_is_one_step_and_the_others_have_their_stage(recorded):
    bases = [step(FROM, "cached", stage=stage, digest="base") for stage in ("builder", "stage-1")]
    copy = step("[stage-1 1/2] COPY --from=builder /x /", stage="stage-1", at=9)
    lines = str(lessons.terminal(recorded(*bases, step("[builder 1/2] RUN make"), copy))).splitlines()
    assert [line for line in lines if "FROM" in line] == ["#1 [stage-1 1/2] FROM alpine"]
    assert "#2 [builder 2/2] RUN make" in lines
    assert "#3 [stage-1 2/2] COPY --from=builder /x /" in lines


def test_a_failure_is_told_with_its_log_and_the_place_in_the_dockerfile(recorded):
    failed = step("[1/1] RUN make", "failed", log="main.go:3: syntax error\n", error="exit code: 1")
    built = recorded(failed, outcome="failed", error="main.go:3: syntax error\nDockerfile:2\nERROR: failed to solve")
    text = str(lessons.terminal(built))
    assert "ERROR: exit code: 1" in text
    assert text.endswith("main.go:3: syntax error\nDockerfile:2\nERROR: failed to solve")
    assert text.count("main.go:3") == 1


def test_the_command_has_what_the_build_had(recorded):
    built = recorded(dockerfile_name="Dockerfile.mine", target="test", build_args={"COMMIT": "a b"})
    assert lessons.terminal(built).builds[0][0] == (
        "$ docker build --progress=plain -f Dockerfile.mine --target test --build-arg 'COMMIT=a b' ."
    )


def test_commands_on_the_host_come_first(recorded):
    host = Step("make exe", "host", "make exe", None, "ran", 1.0, 0.0, kind="host", log="go build\n")
    assert lessons.terminal(recorded(host)).builds == (("$ make exe\n$ docker build --progress=plain .", ""),)


def test_a_notebook_shows_the_lines_after_a_click_or_at_once(recorded):
    built = recorded(step("[1/1] RUN echo '<b>'"))
    assert lessons.terminal(built)._repr_html_().startswith("<details style=")
    opened = lessons.terminal(built, opened=True)._repr_html_()
    assert opened.startswith("<details open style=")
    assert "&lt;b&gt;" in opened
    assert "<b>" not in opened


@pytest.mark.engine
def test_docker_itself_prints_the_same_steps(engine, folder):
    files = {"Dockerfile": "FROM alpine AS one\nRUN echo hello > /x\nFROM alpine\nCOPY a /\nCOPY --from=one /x /\n", "a": "a"}
    app = lessons.small_app(files.pop("Dockerfile"), files)
    first, second = build(app), build(app)
    assert "DONE" in str(lessons.terminal(first))
    ((command, lines),) = lessons.terminal(second).builds
    argv = shlex.split(command.removeprefix("$ docker "))
    base = f"--build-context=alpine=docker-image://{next(base.used for base in first.bases)}"
    done = subprocess.run(
        [str(engine.buildx), *argv[:-1], "--builder=default", base, "--output=type=cacheonly", "."],
        cwd=app.folder, capture_output=True, text=True, check=True, env=engine.environment,
    )  # fmt: skip
    printed = [line.partition(" ")[2] for line in done.stderr.splitlines() if "] COPY" in line or "] RUN" in line]
    ours = [line.partition(" ")[2] for line in lines.splitlines() if "] COPY" in line or "] RUN" in line]
    assert sorted(line.partition("] ")[2] for line in printed) == sorted(line.partition("] ")[2] for line in ours)
    assert lines.count("CACHED") == 4
