"""The files of a project that the globs of `speedkit.toml` can match: also those that the build context leaves out.

A change of a file that `.dockerignore` excludes is a good claim: nothing runs. Files that git ignores count only where the
build context has them, so that a folder such as `node_modules` is not walked.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePosixPath

from speedkit.context import Manifest
from speedkit.errors import FileRefused
from speedkit.folder_walk import walk_folder
from speedkit.git_history import GIT_FOLDER, repository_folder, working_files
from speedkit.messages import message

from .path_glob import PathGlob

__all__ = ["FilesChange", "WatchedFiles"]

MOST_WALKED = 1_000_000
"""The root of a disk is no project."""


@dataclass(frozen=True)
class FilesChange:
    """Files that change at once.

    count: of all of them. sent: those in the build context, as paths there. named: by the name of a named build context, those
    in it.
    """

    count: int
    sent: tuple[str, ...]
    named: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class WatchedFiles:
    """folder: of the project. context_path: the build context as a path in it; "." for the folder itself.

    named_contexts: the folder and the files of each named build context that is a folder.
    """

    folder: Path
    context_path: str
    context: Manifest
    named_contexts: Mapping[str, tuple[Path, Manifest]] = field(default_factory=dict)

    def matching(self, glob: PathGlob) -> tuple[str, ...]:
        """The files that a glob matches, as paths in the project, sorted."""
        return tuple(path for path in self._paths if glob.matches(path))

    def change(self, paths: Collection[str]) -> FilesChange:
        """A change of some files of the project, as the build contexts have them."""
        root = self.folder.resolve()
        # A link has no content of its own: who changes it changes the file that it leads to.
        places = sorted({place.resolve() if place.is_symlink() else place for path in paths for place in [root / path]})
        named = {name: _files_in(manifest, folder, places) for name, (folder, manifest) in self.named_contexts.items()}
        return FilesChange(
            len(paths),
            _files_in(self.context, root / self.context_path, places),
            {name: files for name, files in named.items() if files},
        )

    def in_project(self, path: str, change: FilesChange | None = None) -> str:
        """A path of the build context as a path in the project. change: that changed it, perhaps in a named build context."""
        for name, files in ({} if change is None or path in change.sent else change.named).items():
            if path in files:
                return os.path.relpath(self.named_contexts[name][0] / path, self.folder).replace(os.sep, "/")
        return path if self.context_path == "." else (PurePosixPath(self.context_path) / path).as_posix()

    def near(self, glob: PathGlob) -> str:
        """The folder that a glob may have meant, "" for none."""
        return glob.text if (self.folder / glob.text).is_dir() else ""

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        # What git ignores may be sent: a build output, a `.env`.
        sent = {self.in_project(entry.path) for entry in self.context.entries if entry.kind == "file"}
        paths = {os.path.normpath(path).replace(os.sep, "/") for path in sent} | set(self._files_of_project())
        # Each command of git writes into its folder; a person changes files beside it.
        # In a submodule, a file has that name.
        return tuple(sorted(path for path in paths if not path.startswith("../") and GIT_FOLDER not in path.split("/")))

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


def _files_in(context: Manifest, folder: Path, places: Iterable[Path]) -> tuple[str, ...]:
    """Those of some files that a build context has, as paths in it. folder: of the context. places: without links."""
    root, by_path = folder.resolve(), context.by_path
    inside = (place.relative_to(root).as_posix() for place in places if place.is_relative_to(root))
    return tuple(path for path in inside if path in by_path and by_path[path].kind == "file")


def _relative(path: str, folder: str) -> str | None:
    """A path in a folder; None for one outside of it. folder: "." for the root of the path."""
    if folder == ".":
        return path
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else None
