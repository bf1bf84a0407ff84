"""A copy of a project's build context in a folder of the kit's own, in which files are edited and built."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Collection
from pathlib import Path

from speedkit.context import Manifest, ignore_file_of
from speedkit.projects import Way

from .project_states import CONTEXT, ProjectFolder, place_in_folder

__all__ = ["ProjectCopy", "copy_context"]

TIME_STEP_NS = 2_000_000_000


def copy_context(project: Path, way: Way, manifest: Manifest, folder: Path, *, time_ns: int) -> None:
    """Copy a build context into `CONTEXT` of a folder, and a Dockerfile from elsewhere beside it. time_ns: of all files."""
    source, context = project / way.context, folder / CONTEXT
    context.mkdir()
    for entry in manifest.entries:
        target = context / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind == "dir":
            target.mkdir(exist_ok=True)
            target.chmod(entry.mode)
        elif entry.kind == "symlink":
            target.symlink_to(entry.link)
        elif entry.kind == "file":
            shutil.copyfile(source / entry.path, target)
            target.chmod(entry.mode)
            os.utime(target, ns=(time_ns, time_ns))
    # A build needs both, even when the ignore file names them (https://docs.docker.com/build/concepts/context/).
    needed = [project / way.file, ignore_file_of(source, project / way.file)]
    for path in filter(None, needed):
        name = path.relative_to(project).as_posix()
        place = place_in_folder(name, way)
        if place is not None and not (folder / place).exists():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(path, folder / place)
                os.utime(folder / place, ns=(time_ns, time_ns))


class ProjectCopy:
    """The build context of a project as it is, and then with an edit of some files at a time. The project is only read.

    context, dockerfile: the paths to build.
    """

    def __init__(self, project: Path, way: Way, manifest: Manifest) -> None:
        """manifest: of the build context. Raises: OSError."""
        name = project.name or "project"
        # In the past, and a step further for each edit: never equal, and no program wonders about the future.
        self._time_ns = time.time_ns() - 10_000 * TIME_STEP_NS
        self._original, self._edited = ProjectFolder(f"{name}-original"), ProjectFolder(f"{name}-edited")
        try:
            copy_context(project, way, manifest, self._original.path, time_ns=self._time_ns)
            self._edited.become(self._original.path, {}, time_ns=self._time_ns)
            self.context = self._edited.context
            self.dockerfile = self._edited.place(place_in_folder(way.file, way) or way.file)
            if way.dockerfile_text is not None:
                self.dockerfile = self._original.path / "Dockerfile"
                self.dockerfile.write_text(way.dockerfile_text, encoding="utf-8", errors="surrogateescape")
        except BaseException:
            self.discard()
            raise

    def edit(self, paths: Collection[str]) -> None:
        """Make the copy equal to the project again, but for empty lines at the end of some files, other ones at each edit.

        paths: in the build context. Empty lines at the end are allowed in every language.
        """
        # A step that starts from scratch finds results of all builds, also those of a check of yesterday.
        lines = "".join(f"{' ' * int(digit)}\n" for digit in f"{secrets.randbits(42):o}").encode()
        self._time_ns += TIME_STEP_NS
        self._edited.become(self._original.path, {}, time_ns=self._time_ns)
        for path in paths:
            original, edited = self._original.path / CONTEXT / path, self.context / path
            # A new file and not a longer one: this one is a link to the original.
            edited.unlink()
            shutil.copyfile(original, edited)
            with edited.open("ab") as file:
                file.write(lines)
            edited.chmod(original.stat().st_mode & 0o7777)
            os.utime(edited, ns=(self._time_ns, self._time_ns))

    def discard(self) -> None:
        """Remove the copy."""
        self._original.discard()
        self._edited.discard()
