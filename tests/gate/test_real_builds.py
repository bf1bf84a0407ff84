"""`--build`: real builds agree with the forecast, and touch nothing of the user's."""

from __future__ import annotations

import os
import random

import pytest

import speedkit as sk
from speedkit.errors import NotProven

pytestmark = pytest.mark.engine
FOLDERS = ("a", "b", "c")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))


def random_project(source: random.Random) -> tuple[dict[str, str], list[int]]:
    """The files of a project with two stages, and the lines of the steps that can be cached."""
    lines = ["FROM alpine AS one", "WORKDIR /one"]
    for number in range(source.randint(2, 4)):
        copied = source.choice([*FOLDERS, "top.txt", "."])
        lines.append(f"COPY {copied} in{number}/")
        if source.random() < 0.7:
            read = source.choice(["cat $(find . -type f | sort)", "ls"])
            lines.append(f"RUN {read} | wc -w > out{number}")
    lines += ["FROM scratch", "COPY --from=one /one/in0 /in/", f"COPY {source.choice(FOLDERS)} /last/"]
    files = {f"{folder}/{name}.txt": source.choice("12") for folder in FOLDERS for name in "xy"}
    steps = [number for number, line in enumerate(lines, 1) if not line.startswith("FROM")]
    return {**files, "top.txt": "t", "Dockerfile": "\n".join(lines) + "\n"}, steps


@pytest.mark.parametrize("seed", range(3))
def test_forecast_and_build_agree_about_each_step_of_random_projects(folder, seed):
    source = random.Random(seed)  # noqa: S311
    files, steps = random_project(source)
    globs = source.sample(["a/**", "b/x.txt", "**/y.txt", "top.*", "c/**"], 2)
    limits = "".join(
        f"[[claim]]\nname = '{glob} {line}'\nwhen = '{glob}'\nstays_cached = {line}\n" for glob in globs for line in steps
    )
    project = folder({**files, "speedkit.toml": limits})
    forecast, built = sk.check(project), sk.check(project, build=True)
    assert len(forecast.entries) == len(built.entries) == 2 * len(steps)
    for expected, real in zip(forecast.entries, built.entries, strict=True):
        if expected.ok or expected.steps[0].state == "miss":
            assert real.ok == expected.ok, (files["Dockerfile"], expected, real)
    # A step that depends on bytes is settled by the build.
    assert {step.state for entry in built.entries for step in entry.steps} <= {"ran"}


def test_a_change_in_a_named_build_context_is_not_built_and_does_not_hold(folder):
    """Only the main build context is copied, and the user's files are not edited."""
    limits = "dockerfile = 'app/Dockerfile'\n[[claim]]\nwhen = 'shared/lib'\nstays_cached = 'COPY app'\n"
    dockerfile = "FROM alpine\nCOPY app /\nCOPY --from=shared lib /\n"
    project = folder({"app/Dockerfile": dockerfile, "shared/lib": "1", "speedkit.toml": limits})
    options = sk.CommandOptions(named_contexts={"shared": str(project / "shared")})
    assert sk.check(project, options=options).ok
    built = sk.check(project, options=options, build=True)
    assert (built.ok, [entry.ok for entry in built.entries]) == (False, [None])
    assert "named build context shared" in built.entries[0].because


def test_a_second_check_does_not_find_the_results_of_the_first(folder):
    """Steps from scratch share their results with all builds of the engine."""
    limits = "[[claim]]\nwhen = 'a'\nstays_cached = 'COPY a'\n"
    project = folder({"Dockerfile": "FROM scratch\nCOPY a /\n", "a": os.urandom(4).hex(), "speedkit.toml": limits})
    assert [sk.check(project, build=True).ok for _ in range(2)] == [False, False]


DOCKERFILE = """\
FROM alpine
WORKDIR /app
COPY lock .
RUN cp lock installed
COPY src src
RUN test ! -e src/broken && cat src/* > all
"""
PROJECT = {
    "Dockerfile": DOCKERFILE,
    "lock": "1\n",
    "src/a": "a\n",
    ".dockerignore": "speedkit.toml\n",
}
LIMITS = """\
[budget]
image_size = "1 kB"
wasted = "1 MB"
cold = "1 h"
[[budget.rebuild]]
when = "src/**"
steps = 2
seconds = "1 h"
[[claim]]
when = "src/**"
stays_cached = "RUN cp"
"""


def everything_in(folder):
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in [folder, *folder.rglob("*")]
    }


def test_a_build_measures_all_budgets_touches_nothing_and_answers_the_next_check(folder, engine):
    project = folder({**PROJECT, "speedkit.toml": LIMITS})
    app = sk.app(project)
    sk.build(app)
    images, before = {image["Id"] for image in engine.api.images()}, everything_in(project)
    built = sk.check(project, build=True)
    assert [(entry.kind, entry.ok, entry.evidence) for entry in built.entries] == [
        ("image_size", False, "build"),
        ("wasted", True, "build"),
        ("cold", True, "build"),
        ("rebuild_steps", True, "build"),
        ("rebuild_seconds", True, "build"),
        ("claim", True, "build"),
    ]
    assert built.entries[0].amount > 1000
    assert "stand-in" in built.entries[0].because or not any(base.stand_in for base in sk.recorded_builds(app.name)[-1].bases)
    # The user's folder, images and cache are as they were.
    assert everything_in(project) == before
    assert {image["Id"] for image in engine.api.images()} >= images
    tags = [tag for image in engine.api.images() for tag in image["RepoTags"] or ()]
    assert not [tag for tag in tags if project.name in tag and "check" in tag]
    assert all(step.cached for step in sk.build(app).instructions)
    # What was built answers without a build: nothing has changed since.
    again = sk.check(project)
    assert {entry.kind for entry in again.entries if entry.evidence == "recording"} >= {"image_size", "cold"}
    # The base image of an isolated build has a mark of some bytes.
    assert abs(again.entries[0].amount - built.entries[0].amount) < 100
    (project / "src" / "a").write_text("other")
    assert sk.check(project).entries[0].ok is None


def test_a_recorded_rebuild_answers_when_only_the_named_files_had_changed(folder):
    limits = '[[budget.rebuild]]\nwhen = "src/**"\nseconds = "1 h"\n[[budget.rebuild]]\nwhen = "lock"\nseconds = "1 h"\n'
    project = folder({**PROJECT, "speedkit.toml": limits})
    app = sk.project(project).app()
    sk.build(app)
    (project / "src" / "a").write_text(f"other {os.urandom(4).hex()}")
    sk.build(app)
    entries = sk.check(project).entries
    assert [(entry.ok, entry.evidence) for entry in entries] == [(True, "recording"), (None, "none")]
    assert entries[0].amount > 0


def test_what_does_not_build_is_an_error_and_a_broken_change_is_not_ok(folder):
    broken = {**PROJECT, "src/broken": ""}
    with pytest.raises(NotProven, match="does not build"):
        sk.check(folder({**broken, "speedkit.toml": LIMITS}), build=True)
    # The edit adds a line, which this project does not bear.
    dockerfile = "FROM alpine\nCOPY lock .\nRUN test $(wc -l < lock) = 1\nRUN true\n"
    limits = '[[budget.rebuild]]\nwhen = "lock"\nseconds = "1 h"\n[[claim]]\nwhen = "lock"\nstays_cached = [3]\n'
    outcome = sk.check(folder({**PROJECT, "Dockerfile": dockerfile, "speedkit.toml": limits}), build=True)
    assert [entry.ok for entry in outcome.entries] == [None, False]
    assert "fails" in outcome.entries[0].because
    assert outcome.entries[1].steps[0].state == "failed"
