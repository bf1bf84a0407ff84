"""The files of a project that the globs of `speedkit.toml` can match: also those that the build context leaves out.

A change of a file that `.dockerignore` excludes is a good claim: nothing runs. Files that git ignores count only where the
build context has them, so that a folder such as `node_modules` is not walked.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePosixPath

from speedkit.context import Manifest
from speedkit.errors import FileRefused
from speedkit.folder_walk import walk_folder
from speedkit.git_history import GIT_FOLDER, repository_folder, working_files
from speedkit.messages import message

from .path_glob import PathGlob

__all__ = ["WatchedFiles"]

MOST_WALKED = 1_000_000
"""The root of a disk is no project."""


@dataclass(frozen=True)
class WatchedFiles:
    """folder: of the project. context_path: the build context as a path in it; "." for the folder itself."""

    folder: Path
    context_path: str
    context: Manifest

    def matching(self, globs: Iterable[PathGlob]) -> tuple[str, ...]:
        """The files that one of the globs matches, as paths in the project, sorted."""
        patterns = tuple(globs)
        return tuple(path for path in self._paths if any(glob.matches(path) for glob in patterns))

    def in_context(self, paths: Collection[str]) -> tuple[str, ...]:
        """Those of some paths in the project that the build context has, as paths in the context."""
        by_path = self.context.by_path
        inside = (_relative(path, self.context_path) for path in paths)
        return tuple(path for path in inside if path is not None and path in by_path and by_path[path].kind == "file")

    def in_project(self, path: str) -> str:
        """A path of the build context as a path in the project."""
        return path if self.context_path == "." else (PurePosixPath(self.context_path) / path).as_posix()

    def near(self, globs: Sequence[PathGlob]) -> str:
        """A folder that one of the globs may have meant, "" for none."""
        return next((glob.text for glob in globs if (self.folder / glob.text).is_dir()), "")

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        # What git ignores may be sent: a build output, a `.env`.
        sent = {self.in_project(entry.path) for entry in self.context.entries if entry.kind == "file"}
        paths = {os.path.normpath(path).replace(os.sep, "/") for path in sent} | set(self._files_of_project())
        # Each command of git writes into its folder; a person changes files beside it.
        outside = (f"{GIT_FOLDER}/", "../")
        return tuple(sorted(path for path in paths if not path.startswith(outside) and f"/{GIT_FOLDER}/" not in path))

    def _files_of_project(self) -> Iterable[str]:
        repository = repository_folder(self.folder)
        if repository is not None:
            below = self.folder.resolve().relative_to(repository).as_posix()
            git_paths = working_files(repository, () if below == "." else (below,))
            if git_paths is not None:
                inside = (_relative(path, below) for path in git_paths)
                # git lists a removed file until that is committed.
                return [path for path in inside if path is not None and (self.folder / path).is_file()]
        # In no repository, or in one that git does not open for this user.
        walk = walk_folder(self.folder, skipped=(GIT_FOLDER,))
        files = (f"{within}{entry.name}" for within, entries in walk for entry in entries if entry.is_file())
        paths = list(islice(files, MOST_WALKED + 1))
        if len(paths) > MOST_WALKED:
            raise FileRefused(
                message("{folder} has more than {count:,} files.", folder=self.folder, count=MOST_WALKED),
                fix=message("Name the folder of a project."),
            )
        return paths


def _relative(path: str, folder: str) -> str | None:
    """A path in a folder; None for one outside of it. folder: "." for the root of the path."""
    if folder == ".":
        return path
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else None
