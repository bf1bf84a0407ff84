"""Writes a new repository of given commits, whose ids are the same on every machine.

Git makes the objects, from the stream of `git fast-import` (https://git-scm.com/docs/git-fast-import). An id follows from the
files, the names, the dates and the messages alone, because nothing of the machine counts: no configuration of the user or the
system is read, no template is copied, nothing is signed, and no hook runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .git_command import GitCommand

__all__ = ["NewCommit", "write_repository"]

_BRANCH = "main"


@dataclass(frozen=True, slots=True)
class NewCommit:
    """A commit to write. seconds: since 1970, in UTC. files: the texts that differ from the commit before; None removes one."""

    author: str
    email: str
    seconds: int
    subject: str
    files: Mapping[str, str | None]


def write_repository(folder: Path, commits: Iterable[NewCommit]) -> None:
    """Make the folder a repository of these commits, oldest first, with the files of the last one in the folder.

    Raises: GitError.
    """
    git = GitCommand(folder, with_configuration=False)
    # Git 3 makes SHA-256 ids where nothing else is said.
    git.run("init", "--quiet", "--template=", "--object-format=sha1", f"--initial-branch={_BRANCH}")
    # Whoever changes the files later, with a configuration of their own, must not see all lines as changed.
    git.run("config", "core.autocrlf", "false")
    git.run("fast-import", "--quiet", "--date-format=raw", stdin=b"".join(_stream(commits)))
    git.run("read-tree", "--reset", "-u", "HEAD")


def _stream(commits: Iterable[NewCommit]) -> Iterator[bytes]:
    for commit in commits:
        yield f"commit refs/heads/{_BRANCH}\n".encode()
        for role in ("author", "committer"):
            yield f"{role} {commit.author} <{commit.email}> {commit.seconds} +0000\n".encode()
        yield _data(commit.subject + "\n")
        for path, text in sorted(commit.files.items()):
            if text is None:
                yield f"D {path}\n".encode()
            else:
                yield f"M 100644 inline {path}\n".encode()
                yield _data(text)


def _data(text: str) -> bytes:
    content = text.encode()
    return b"data %d\n%b\n" % (len(content), content)
