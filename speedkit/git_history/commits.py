"""Commits and what each changed, as `git log --raw` and `git ls-tree` print them.

In: the output of git, split at NUL (option `-z`), which no path can contain. A changed path is two pieces: modes, blob ids and
a letter, and then the path (https://git-scm.com/docs/git-diff-tree#_raw_output_format).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["LOG_FORMAT", "Change", "Commit", "CommitRange", "GitFile", "change_counts", "read_changes", "read_log", "read_tree"]

LOG_FORMAT = "tformat:%H%x00%P%x00%ct%x00%aN%x00%aE%x00%s"
_FIELDS = 6
_NOTHING = "000000"
"""The mode that git prints for a file that does not exist, before it was added or after it was removed."""


class GitFile(NamedTuple):
    """A file, link or submodule in the tree of a commit.

    mode: as git has it, `100644`, `100755`, `120000` for a link, `160000` for a submodule. blob: the id of its content; equal
    ids are equal contents.
    """

    mode: str
    blob: str

    @property
    def is_link(self) -> bool:
        return self.mode == "120000"

    @property
    def is_submodule(self) -> bool:
        return self.mode == "160000"


class Change(NamedTuple):
    """A path that a commit changed. before: None for a file that the commit adds. after: None for one that it removes."""

    path: str
    before: GitFile | None
    after: GitFile | None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the first-parent history.

    parent: the first one; "" for the first commit of all, and where a shallow clone ends. seconds: of its committer's date,
    since 1970. changes: against the first parent, so a merge has the changes of its whole branch. Their paths
    start at the root of the repository.
    """

    id: str
    parent: str
    seconds: int
    author: str
    email: str
    subject: str
    changes: tuple[Change, ...]
    is_merge: bool = False


@dataclass(frozen=True, slots=True)
class CommitRange:
    """Consecutive commits of a history. start: the commit before the first of them; "" where there is none.

    shallow: the clone ends before the history does.
    """

    commits: tuple[Commit, ...]
    start: str
    shallow: bool


def change_counts(commits: Iterable[Commit], folder: str = "") -> Mapping[str, int]:
    """How many of the commits changed each path, by path in a folder. folder: in the repository; "" for all of it."""
    below = f"{folder}/" if folder else ""
    counts: Counter[str] = Counter()
    for commit in commits:
        counts.update(change.path[len(below) :] for change in commit.changes if change.path.startswith(below))
    return counts


def read_log(tokens: Iterator[str]) -> Iterator[Commit]:
    """The commits in the output of `git log -z --raw` with LOG_FORMAT."""
    # A path or blob occurs in many commits; one object for all of them saves most of the memory.
    texts: dict[str, str] = {}
    files: dict[tuple[str, str], GitFile] = {}

    def file(mode: str, blob: str) -> GitFile | None:
        if mode == _NOTHING:
            return None
        return files.setdefault((mode, blob), GitFile(mode, blob))

    token = next(tokens, None)
    while token is not None:
        # An empty piece may stand between two commits.
        if not token:
            token = next(tokens, None)
            continue

        fields = [token, *(next(tokens, "") for _ in range(_FIELDS - 1))]
        changes: list[Change] = []
        token = next(tokens, None)
        # After the format's text, git writes a line end before the first change, also with `-z`.
        while token is not None and token.lstrip("\n").startswith(":"):
            mode_before, mode_after, blob_before, blob_after, _ = token.lstrip("\n")[1:].split(" ")
            path = next(tokens, "")
            path = texts.setdefault(path, path)
            changes.append(Change(path, file(mode_before, blob_before), file(mode_after, blob_after)))
            token = next(tokens, None)

        commit, parents, seconds, author, email, subject = fields
        parent, _, others = parents.partition(" ")
        # A merge has several parents; its changes are those against the first one (`--diff-merges=first-parent`).
        author, email = texts.setdefault(author, author), texts.setdefault(email, email)
        yield Commit(commit, parent, int(seconds or 0), author, email, subject, tuple(changes), bool(others))


def read_changes(tokens: Iterator[str]) -> Iterator[Change]:
    """The changes in the output of `git diff-tree -z --raw`."""
    for token in tokens:
        if token:
            mode_before, mode_after, blob_before, blob_after, _ = token[1:].split(" ")
            before = GitFile(mode_before, blob_before) if mode_before != _NOTHING else None
            after = GitFile(mode_after, blob_after) if mode_after != _NOTHING else None
            yield Change(next(tokens, ""), before, after)


def read_tree(tokens: Iterable[str]) -> Iterator[tuple[str, GitFile]]:
    """Paths and files in the output of `git ls-tree -r -z`."""
    for token in tokens:
        facts, _, path = token.partition("\t")
        if path:
            mode, _, blob = facts.split(" ")
            yield path, GitFile(mode, blob)
