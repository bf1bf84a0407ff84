"""The files that a foreign build was made of, as far as its record and a repository here have them.

In: the repository that the reader is in, and a build whose record names a commit. Out: the build context and the Dockerfile at
that commit. A record names no other files: files that a job made beside the checkout are unknown, and so is an edit that nobody
committed.
"""

from __future__ import annotations

import posixpath
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from speedkit.context import Manifest
from speedkit.errors import SpeedkitError
from speedkit.git_history import CommitFiles, Repository, open_repository

from .foreign_build import ForeignBuild

__all__ = ["CommitSources"]

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""A whole id. buildx adds `-dirty` where the checkout differed from its commit, and then nobody knows the files."""


class CommitSources:
    """The repository of a folder, asked for the files of commits. Without a repository, it has none."""

    def __init__(self, folder: Path) -> None:
        self._repository: Repository | None = None
        with suppress(SpeedkitError, OSError):
            self._repository = open_repository(folder)
        self._files: dict[str, CommitFiles | None] = {}

    def context(self, build: ForeignBuild) -> Manifest | None:
        """The build context of a build; None where the repository lacks its commit, or the record the paths."""
        files, dockerfile = self._commit(build), self._dockerfile_path(build)
        if files is None or dockerfile is None or build.context_path is None:
            return None
        try:
            manifest = files.manifest(_inside(build.context_path), dockerfile)
        except SpeedkitError:
            return None
        # Git has no times. Each checkout of a job gives its files new ones, so a file of other content has another time.
        entries = (entry._replace(mtime_ns=int(entry.digest[:15] or "0", 16)) for entry in manifest.entries)
        return replace(manifest, entries=tuple(entries))

    def dockerfile(self, build: ForeignBuild) -> str | None:
        """The text of the Dockerfile at the commit of a build."""
        files, path = self._commit(build), self._dockerfile_path(build)
        try:
            return None if files is None or path is None else files.dockerfile(path)
        except SpeedkitError:
            return None

    def _commit(self, build: ForeignBuild) -> CommitFiles | None:
        commit = build.commit or ""
        if self._repository is None or COMMIT.fullmatch(commit) is None:
            return None
        # The builds of a month share few commits, and reading the tree of one takes longer than reading a record.
        if commit not in self._files:
            self._files[commit] = None
            with suppress(SpeedkitError):
                self._files[commit] = self._repository.files(commit)
        return self._files[commit]

    def _dockerfile_path(self, build: ForeignBuild) -> str | None:
        if build.dockerfile_path is None:
            return None
        return _inside(posixpath.join(build.dockerfile_path, build.dockerfile_name or "Dockerfile"))


def _inside(path: str) -> str:
    """A path from the record as one from the root of the repository; "" for the root."""
    path = posixpath.normpath(path)
    return "" if path == "." else path
