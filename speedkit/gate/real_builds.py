"""Real builds for a check: of an isolated copy of the project as it is, and once more for each change of files.

All builds share one cache that is empty at first, so the first is a cold build, and nothing of the reader's cache is used. Each
edit differs from all others: a step that finds the result of an earlier edit would look cached.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from speedkit.apps import Strategy
from speedkit.builders import EngineBuilder
from speedkit.builds import MeasuredBuilds, Watch, start_measured
from speedkit.context import Manifest
from speedkit.engine import Engine, connect, note_build
from speedkit.errors import NO_ROOM, DiskFull, FileRefused, NotProven
from speedkit.history import explain
from speedkit.messages import message, plural
from speedkit.model import Build
from speedkit.projects import Project, Way
from speedkit.proof import ProjectCopy
from speedkit.rendering import Reason
from speedkit.words import last_error_line

__all__ = ["BuiltChange", "RealBuilds", "real_builds"]

COLD = "cold"


@dataclass(frozen=True, slots=True)
class BuiltChange:
    """A build after a change of files, and the reason of each step."""

    build: Build
    reasons: tuple[Reason, ...]


@contextlib.contextmanager
def real_builds(
    project: Project, way: Way, context: Manifest, watch: Callable[[int], Watch], expected: int
) -> Iterator[RealBuilds]:
    """The builds of a project, while the block runs; then the copy and the images are removed. expected: how many builds.

    Raises: EngineError, StateRefused, FileRefused, DiskFull.
    """
    engine = connect()
    with contextlib.ExitStack() as stack:
        shown = stack.enter_context(watch(expected))
        with _file_errors():
            copy = ProjectCopy(project.folder, way, context)
        stack.callback(copy.discard)
        builds = RealBuilds(engine, project, way, copy, shown)
        stack.callback(builds.remove_images)
        # Images that newer ones of the same name replace, and isolated bases, stay until the end.
        stack.enter_context(note_build(engine, f"speedkit/check:{uuid.uuid4().hex[:12]}"))
        yield builds


class RealBuilds:
    """Builds in one isolated cache, each made when it is first asked for."""

    def __init__(self, engine: Engine, project: Project, way: Way, copy: ProjectCopy, watch: Watch) -> None:
        self._engine, self._project, self._way, self._copy, self._watch = engine, project, way, copy, watch
        self._isolation = f"{uuid.uuid4().hex[:12]}-check"
        self._first: Build | None = None
        self._changes: dict[tuple[str, ...], BuiltChange] = {}
        self._builds = MeasuredBuilds(engine)

    @property
    def cold(self) -> Build:
        """The build of the project as it is, with an empty cache. Raises: NotProven where it fails."""
        if self._first is None:
            self._first = self._build(message("cold"), COLD)
            if self._first.outcome != "done":
                raise NotProven(
                    message("The project does not build: {error}", error=last_error_line(self._first)),
                    fix=message("Make it build first; `speedkit build` shows its log."),
                )
        return self._first

    def after_change(self, paths: tuple[str, ...]) -> BuiltChange:
        """The build after a change of some files of the build context. Raises: NotProven."""
        _ = self.cold
        if paths not in self._changes:
            if self._changes:
                # Reasons compare a build with the one before it, which must be that of the project as it is.
                with _file_errors():
                    self._copy.edit(())
                self._build(message("unchanged"), "none")
            with _file_errors():
                self._copy.edit(paths)
            what = plural("{count:,} changed file", "{count:,} changed files", len(paths))
            # The recording has the edit's name, for `speedkit history`.
            build = self._build(what, f"change {len(self._changes) + 1}")
            self._changes[paths] = BuiltChange(build, explain(build).steps)
        return self._changes[paths]

    def remove_images(self) -> None:
        self._builds.remove_images()

    def _build(self, what: str, edit: str) -> Build:
        self._watch.begin(what)
        running = start_measured(
            EngineBuilder(self._engine),
            self._way,
            app_name=self._project.folder.name or "project",
            source=self._project.folder,
            context=self._copy.context,
            strategy=Strategy(f"{self._way.name}, check", self._copy.dockerfile, message("checked")),
            edit=edit,
            isolation=self._isolation,
        )
        build = self._builds.finished(running)
        self._watch.end(build)
        if build.outcome == "cancelled":
            raise KeyboardInterrupt
        if build.outcome == "broken":
            raise NotProven(build.error or message("The engine went away."))
        return build


@contextlib.contextmanager
def _file_errors() -> Iterator[None]:
    """Raises DiskFull or FileRefused for an OSError in the block."""
    try:
        yield
    except OSError as problem:
        kind = DiskFull if problem.errno in NO_ROOM else FileRefused
        raise kind(
            message("The build context cannot be copied: {problem}.", problem=problem),
            fix=message("Make the file readable, or exclude it in .dockerignore; a copy needs as much room as the context."),
        ) from None
