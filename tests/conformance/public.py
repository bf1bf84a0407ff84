"""The same comparison through what people use: `predict` and `build` of a folder, with recordings in between."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from speedkit.apps import app_in_place
from speedkit.builds import build
from speedkit.engine.connection import connect
from speedkit.errors import DockerfileError, EngineRefused
from speedkit.history import predict
from tests.conformance.comparing import Disagreement, Tally, isolated
from tests.conformance.project import File, Project, write_project

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["public_disagreement"]

_STATES = {"cached": "cached", "ran": "ran"}


def public_disagreement(builds: Sequence[Project], *, tally: Tally) -> Disagreement | None:
    """The first forecast of `predict` that the `build` after it contradicts."""
    with tempfile.TemporaryDirectory(prefix="speedkit-public-") as scratch, _own_state(Path(scratch) / "state"):
        folder = Path(scratch) / f"app-{uuid.uuid4().hex[:12]}"
        folder.mkdir()
        try:
            return _run(folder, [_without_extras(project, folder.name) for project in builds], tally)
        finally:
            _remove_image(folder.name)


def _without_extras(project: Project, token: str) -> Project:
    """The project without named contexts and options, which the program does not offer, and with a file of its own."""
    stages = tuple(
        replace(stage, lines=tuple(line for line in stage.lines if "from=extra" not in line)) for stage in project.stages
    )
    files = {path: entry for path, entry in project.files.items() if path != ".dockerignore"}
    if ".dockerignore" in project.files:
        files[".dockerignore"] = File(f"{project.files['.dockerignore'].content}\n!token\n")
    return replace(project, stages=stages, files={**files, "token": File(token)}, options={})


def _run(folder: Path, builds: Sequence[Project], tally: Tally) -> Disagreement | None:
    before: Project | None = None
    for number, project in enumerate(builds):
        text, _ = isolated(project.dockerfile(), "COPY token /.token")
        now = project.with_paths({"Dockerfile": File(text)})
        write_project(folder, now, before)
        before = now
        wrong = _one(folder, tuple(builds[: number + 1]), tally, first=number == 0)
        if wrong is not None:
            return wrong
    return None


def _one(folder: Path, builds: tuple[Project, ...], tally: Tally, *, first: bool) -> Disagreement | None:
    project = builds[-1]
    asked = {"build_args": project.build_args, "target": project.target}
    with app_in_place(folder) as app:
        try:
            forecast = predict(app, **asked)
        except DockerfileError as refused:
            tally.refused += 1
            return Disagreement(builds, 0, "", "refused", refused.what, "built") if build(app, **asked).ok else None
        built = build(app, **asked)
    if not built.ok:
        tally.failed += 1
        tally.failures.append((built.error or "")[-600:])
        return None
    tally.pairs += not first
    tally.firsts += first
    lines = Counter(step.line for step in forecast.steps)
    happened = {step.line: step for step in built.instructions}
    ran = {step.instruction for step in built.instructions if step.state == "ran"}
    for step in forecast.steps:
        if step.state not in ("hit", "miss", "depends") or lines[step.line] > 1:
            continue
        became = happened[step.line]
        seen = _STATES.get(became.state, "")
        if (step.state, seen) == ("miss", "cached") and step.instruction in ran and became.digest is not None:
            # Equal steps on two images of equal layers run once, and the other one is reported as cached.
            continue
        tally.steps += 1
        tally.depends += step.state == "depends"
        tally.hits += seen == "cached"
        tally.unseen += not seen
        if (step.state, seen) in (("hit", "ran"), ("miss", "cached")) or not seen:
            return Disagreement(
                builds, step.line, step.instruction, step.state, step.because, seen or became.state, folder.name
            )
    return None


@contextmanager
def _own_state(folder: Path) -> Iterator[None]:
    before = os.environ.get("SPEEDKIT_HOME")
    os.environ["SPEEDKIT_HOME"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("SPEEDKIT_HOME")
        if before is not None:
            os.environ["SPEEDKIT_HOME"] = before


def _remove_image(name: str) -> None:
    try:
        connect().api.remove_image(f"speedkit/{name}:dockerfile", force=True)
    except EngineRefused:
        return
