"""The `.git` of a checkout, for builds whose context has it: commands such as `git describe` and `go build` read it.

It has the objects of the whole history, as a clone has them, with HEAD at the commit and the tags that the commit can reach.
For a large repository, it has the objects of the commit alone, as a clone of depth 1. The repository's settings stay out.
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
    """The `.git` in a folder that holds one commit after another. repository: the one that the objects are copied from."""

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
            counts = dict(line.split(": ", 1) for line in self.repository.run("count-objects", "-v").decode().splitlines())
            history_kilobytes = int(counts.get("size", 0)) + int(counts.get("size-pack", 0))
            self._is_whole = 1024 * history_kilobytes <= _LARGEST_HISTORY_BYTES
            if self._is_whole:
                self._bring_objects(own, "--revs", f"{self.head}\n")
        if not self._is_whole:
            # `shallow` makes the commit one without parents: https://git-scm.com/docs/shallow.
            shutil.rmtree(place / "objects" / "pack", ignore_errors=True)
            objects = self.repository.run("rev-list", "--objects", "--no-walk", "--missing=allow-any", commit)
            self._bring_objects(own, "--missing=allow-any", objects.decode("utf-8", "surrogateescape"))
            (place / "shallow").write_text(f"{commit}\n")
        (place / "HEAD").write_text(f"{commit}\n")
        tags = self.repository.run("for-each-ref", f"--merged={commit}", "--format=%(objectname) %(refname)", "refs/tags")
        (place / "packed-refs").write_bytes(tags if self._is_whole else b"")
        own.run("read-tree", "--reset", commit)

        # Git writes the present time. BuildKit's cache keys leave it out, but a layer made with `COPY .git` would keep it.
        for path in [place, *place.rglob("*")]:
            if path.lstat().st_mtime_ns > modified_ns or path.name in ("HEAD", "index", "packed-refs", "shallow"):
                os.utime(path, ns=(modified_ns, modified_ns))

    def _bring_objects(self, own: GitCommand, option: str, names: str) -> None:
        # Several threads find different deltas from run to run, and both variants of a proof must get equal bytes.
        options = ("-q", "--stdout", "--threads=1", "--missing=allow-any")
        pack = self.repository.run("pack-objects", *dict.fromkeys((*options, option)), stdin=names)
        own.run("index-pack", "--stdin", stdin=pack)
