"""A few globs for the files that changed in many commits: `packages/web/**` in 118 of 143."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

__all__ = ["GlobCount", "glob_counts"]

_MOST_GLOBS = 5
_NEARLY = 0.8
"""A glob that explains at least this share of the commits of the best one counts as equally good."""


@dataclass(frozen=True, slots=True)
class GlobCount:
    """A file or folder, and the number of commits that changed nothing else. pattern: such as `go.mod` or `web/**`."""

    pattern: str
    commits: int


def glob_counts(changes: Iterable[Collection[str]]) -> tuple[GlobCount, ...]:
    """The globs that explain most commits, in a greedy order: each one counts the commits that no earlier one explains.

    changes: for each commit, its changed files. The last glob may be `**`, for commits that changed files all over.
    """
    left = [frozenset(paths) for paths in changes if paths]
    counts: list[GlobCount] = []
    while left and len(counts) < _MOST_GLOBS:
        explained: Counter[str] = Counter()
        for paths in left:
            explained.update(_globs_over(paths))
        pattern = _most_telling(explained)
        if pattern is None:
            break
        counts.append(GlobCount(pattern, explained[pattern]))
        left = [paths for paths in left if pattern not in set(_globs_over(paths))]
    if left:
        counts.append(GlobCount("**", len(left)))
    return tuple(counts)


def _globs_over(paths: Collection[str]) -> Iterator[str]:
    """The globs that cover all of these paths: each folder that holds all of them, without the root, or the one file."""
    if len(paths) == 1:
        (path,) = paths
        yield path
    # The folder that the first and the last path share is shared by all paths between them, too.
    first, last = min(paths), max(paths)
    common = first.rpartition("/")[0]
    while common and not last.startswith(f"{common}/"):
        common = common.rpartition("/")[0]
    while common:
        yield f"{common}/**"
        common = common.rpartition("/")[0]


def _most_telling(explained: Counter[str]) -> str | None:
    if not explained:
        return None
    most = max(explained.values())
    # Of globs that explain nearly as many commits, the deepest one is the most precise.
    near = [pattern for pattern, count in explained.items() if count >= most * _NEARLY]
    return max(near, key=lambda pattern: (pattern.count("/"), explained[pattern], pattern))
