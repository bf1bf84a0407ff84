"""The `.git` of a checkout, for builds whose context has it: commands such as `git describe` and `go build` read it.

It has the objects of the whole history, as a clone has them, with HEAD at the commit and the tags before it. Of a repository
with very many objects it has those of the one commit, as a clone of depth 1. No configuration of the repository gets into it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from .git_command import GitCommand

__all__ = ["GitFolder"]

_LARGEST_HISTORY_BYTES = 200_000_000


@dataclass
class GitFolder:
    """The `.git` in a folder that holds one commit after another. repository: where the objects are."""

    repository: GitCommand
    head: str
    folder: Path
    _is_whole: bool | None = None

    def check_out(self, commit: str, modified_ns: int) -> None:
        """Makes it the `.git` of a checkout of a commit. modified_ns: the modification time of the files that change.

        Raises: GitError, OSError.
        """
        place = self.folder / ".git"
        own = GitCommand(self.folder)
        if self._is_whole is None:
            object_format = "sha256" if len(commit) == 64 else "sha1"
            own.run("init", "-q", "--template=", f"--object-format={object_format}")
            self._is_whole = self._history_bytes() <= _LARGEST_HISTORY_BYTES
            if self._is_whole:
                self._bring_objects(own, "--revs", f"{self.head}\n")
        if not self._is_whole:
            shutil.rmtree(place / "objects" / "pack", ignore_errors=True)
            objects = self.repository.run("rev-list", "--objects", "--no-walk", "--missing=allow-any", commit)
            self._bring_objects(own, "--missing=allow-any", objects.decode("utf-8", "surrogateescape"))
            (place / "shallow").write_text(f"{commit}\n")
        (place / "HEAD").write_text(f"{commit}\n")
        tags = self.repository.run("for-each-ref", f"--merged={commit}", "--format=%(objectname) %(refname)", "refs/tags")
        (place / "packed-refs").write_bytes(tags if self._is_whole else b"")
        own.run("read-tree", "--reset", commit)
        for path in [place, *place.rglob("*")]:
            if path.lstat().st_mtime_ns > modified_ns or path.name in ("HEAD", "index", "packed-refs", "shallow"):
                os.utime(path, ns=(modified_ns, modified_ns))

    def _history_bytes(self) -> int:
        counts = dict(line.split(": ", 1) for line in self.repository.run("count-objects", "-v").decode().splitlines())
        return 1024 * (int(counts.get("size", 0)) + int(counts.get("size-pack", 0)))

    def _bring_objects(self, own: GitCommand, option: str, names: str) -> None:
        # One thread: what several make differs from time to time.
        options = ("-q", "--stdout", "--threads=1", "--missing=allow-any")
        pack = self.repository.run("pack-objects", *dict.fromkeys((*options, option)), given=names)
        own.run("index-pack", "--stdin", given=pack)
