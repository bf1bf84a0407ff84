"""A repository that exists only in memory, for tests of many small histories."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import cast

from speedkit.git_history import Change, Commit, CommitRange, GitFile, Repository

__all__ = ["MemoryRepository", "Tree", "as_repository"]

Tree = Mapping[str, tuple[str, str]]
"""Mode and content of each file of a commit, by its path."""


@dataclass
class _Files:
    tree: Mapping[str, GitFile]


@dataclass
class MemoryRepository:
    """What a replay asks of a repository."""

    trees: Sequence[Tree]
    contents: dict[str, str] = field(default_factory=dict)

    def git_tree(self, number: int) -> dict[str, GitFile]:
        files = {}
        for path, (mode, content) in self.trees[number].items():
            blob = hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()
            self.contents[blob] = content
            files[path] = GitFile(mode, blob)
        return files

    def history(self) -> CommitRange:
        """All trees but the first one as commits."""
        trees = [self.git_tree(number) for number in range(len(self.trees))]
        commits = []
        for number, (before, after) in enumerate(pairwise(trees), 1):
            changes = tuple(
                Change(path, before.get(path), after.get(path))
                for path in sorted({*before, *after})
                if before.get(path) != after.get(path)
            )
            commits.append(Commit(self.name(number), self.name(number - 1), number * 86_400, "Dev", "d@x", "", changes))
        return CommitRange(tuple(commits), self.name(0), False)

    def name(self, number: int) -> str:
        return f"{number:040x}"

    def files(self, commit: str) -> _Files:
        return _Files(self.git_tree(int(commit, 16)))

    def text(self, blob: str) -> str:
        return self.contents[blob]

    def texts(self, blobs: Iterable[str]) -> dict[str, str]:
        return {blob: self.contents[blob] for blob in blobs}

    def renamed_from(self, commit: Commit, path: str) -> str | None:
        return None


def as_repository(repository: MemoryRepository) -> Repository:
    return cast("Repository", repository)
