"""Makes a disagreement as small as it gets, by leaving out what is not needed to see it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.conformance.comparing import Disagreement, Tally, can_be_read, isolated, run_sequence
from tests.conformance.project import write_project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from speedkit.cache import BaseImage
    from tests.conformance.project import Project

__all__ = ["as_case", "keep_case", "shrunk"]

_MOST_TRIES = 120


def shrunk(found: Disagreement, bases: Mapping[str, BaseImage]) -> Disagreement:
    """The same kind of wrong forecast with as few builds, stages, lines and files as possible."""
    tries = 0
    progress = True
    while progress:
        progress = False
        for smaller in _smaller(found.builds):
            tries += 1
            if tries > _MOST_TRIES:
                return found
            if not all(can_be_read(project) for project in smaller):
                continue
            again = run_sequence(smaller, bases, tally=Tally())
            if again is not None and (again.forecast, again.happened) == (found.forecast, found.happened):
                found, progress = again, True
                break
    return found


def _smaller(builds: tuple[Project, ...]) -> Iterator[tuple[Project, ...]]:
    for number in range(len(builds) - 1):
        if len(builds) > 2:
            yield builds[:number] + builds[number + 1 :]
    deepest = max(len(project.stages) for project in builds)
    for index in range(deepest):
        yield tuple(_without_stage(project, index) for project in builds)
    texts = dict.fromkeys(line for project in builds for stage in project.stages for line in stage.lines)
    for text in texts:
        yield tuple(_without_line(project, text) for project in builds)
    for path in dict.fromkeys(path for project in builds for path in project.files):
        yield tuple(project.with_paths({path: None}) for project in builds)
    if any(project.build_args for project in builds):
        yield tuple(replace(project, build_args={}) for project in builds)


def _without_stage(project: Project, index: int) -> Project:
    if len(project.stages) < 2 or index >= len(project.stages):
        return project
    return replace(project, stages=project.stages[:index] + project.stages[index + 1 :])


def _without_line(project: Project, text: str) -> Project:
    stages = tuple(replace(stage, lines=tuple(line for line in stage.lines if line != text)) for stage in project.stages)
    return replace(project, stages=stages)


def as_case(found: Disagreement) -> str:
    """The disagreement as text, from which a folder of tests/cases can be made."""
    parts = []
    for number, project in enumerate(found.builds):
        request = f"args {project.build_args} target {project.target}"
        parts.append(f"--- build {number}: {request}\n{project.dockerfile()}")
        parts.append("\n".join(f"    {path}: {entry}" for path, entry in sorted(project.files.items())))
    parts.append(f"=> line {found.line} {found.instruction!r}: forecast {found.forecast}, happened {found.happened}")
    return "\n".join(parts)


def keep_case(found: Disagreement, folder: Path) -> None:
    """Writes the disagreement as a case that says what really happened.

    It has the last two builds; a disagreement that needs more history is not a case of this form.
    """
    before, after = found.builds[-2:] if len(found.builds) > 1 else (found.builds[0], found.builds[0])
    for name, project in (("before", before), ("after", after)):
        (folder / name).mkdir(parents=True)
        write_project(folder / name, project, None)
        (folder / name / "Dockerfile").write_text(project.dockerfile())
        request = {"build_args": project.build_args, "target": project.target}
        (folder / f"{name}.json").write_text(json.dumps(request) + "\n")
    _, origin = isolated(after.dockerfile())
    verdict = "hit" if found.happened == "cached" else "miss"
    (folder / "expected").write_text(f"{origin[found.line]} {verdict} -\n")
