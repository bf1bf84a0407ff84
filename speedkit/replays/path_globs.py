"""Says in a few globs which files changed in many commits: `packages/web/**` in 118 of 143."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

__all__ = ["GlobCount", "glob_counts"]

_MOST_GLOBS = 5
_NEARLY = 0.8
"""A folder inside another one is named in its place when it alone explains so large a part of the same commits."""


@dataclass(frozen=True, slots=True)
class GlobCount:
    """A file or folder, and in how many commits nothing else changed than it. pattern: such as `go.mod` or `web/**`."""

    pattern: str
    commits: int


def glob_counts(changes: Iterable[Collection[str]]) -> tuple[GlobCount, ...]:
    """The fewest globs that say what changed: each explains the commits that the ones before it do not.

    changes: the files that changed, of each commit. The last one may be `**`, for commits that changed files all over.
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
    """The globs that cover all of some paths, the root's excepted: the folders that hold all of them, or the one file."""
    if len(paths) == 1:
        (path,) = paths
        yield path
    common = _common_folder(list(paths))
    while common:
        yield f"{common}/**"
        common = common.rpartition("/")[0]


def _common_folder(paths: Sequence[str]) -> str:
    low, high = min(paths), max(paths)
    folder = low.rpartition("/")[0]
    while folder and not high.startswith(f"{folder}/"):
        folder = folder.rpartition("/")[0]
    return folder


def _most_telling(explained: Counter[str]) -> str | None:
    if not explained:
        return None
    most = max(explained.values())
    # Of those that explain nearly as much, the longest says most.
    near = [pattern for pattern, count in explained.items() if count >= most * _NEARLY]
    return max(near, key=lambda pattern: (pattern.count("/"), explained[pattern], pattern))
