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
from speedkit.engine import CommandOptions
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
            return _run(folder, [_with_token(project, folder.name) for project in builds], tally)
        finally:
            _remove_image(folder.name)


def _with_token(project: Project, token: str) -> Project:
    """The project with a file of its own, which keeps its results from those of other projects."""
    files = {path: entry for path, entry in project.files.items() if path != ".dockerignore"}
    if ".dockerignore" in project.files:
        files[".dockerignore"] = File(f"{project.files['.dockerignore'].content}\n!token\n")
    return replace(project, files={**files, "token": File(token)})


def _run(folder: Path, builds: Sequence[Project], tally: Tally) -> Disagreement | None:
    before: Project | None = None
    extra = folder.with_name("extra")
    extra.mkdir()
    for number, project in enumerate(builds):
        text, _ = isolated(project.dockerfile(), "COPY token /.token")
        now = project.with_paths({"Dockerfile": File(text)})
        write_project(folder, now, before)
        if before is None or before.extra != now.extra:
            (extra / "file").write_text(now.extra)
        before = now
        wrong = _one(folder, extra, tuple(builds[: number + 1]), tally, first=number == 0)
        if wrong is not None:
            return wrong
    return None


def _options(project: Project, extra: Path) -> CommandOptions:
    given = project.options
    return CommandOptions(
        named_contexts={"extra": str(extra)},
        labels=dict(label.split("=") for label in (given.get("label"),) if label),
        network=given.get("network"),
        add_hosts=tuple(filter(None, (given.get("add-host"),))),
        ulimits=tuple(filter(None, (given.get("ulimit"),))),
        shm_size=given.get("shm-size"),
    )


def _one(folder: Path, extra: Path, builds: tuple[Project, ...], tally: Tally, *, first: bool) -> Disagreement | None:
    project = builds[-1]
    asked = {"build_args": project.build_args, "target": project.target, "options": _options(project, extra)}
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
