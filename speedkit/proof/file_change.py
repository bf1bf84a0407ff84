"""A change to the files of a project that also fits other versions of them: the files of earlier commits.

In: each file before and after the change. git's merge of three texts, the one for branches, puts the change into another
version of the file, so the change moves with the lines around it. Where the version differs in the changed lines themselves,
the change does not fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from speedkit.advice import unified_diff
from speedkit.engine import run_child
from speedkit.errors import SpeedkitError
from speedkit.messages import message
from speedkit.ownership import scratch_folder

__all__ = ["DoesNotFit", "FileChange", "apply_changes", "unified_patch"]


class DoesNotFit(SpeedkitError):
    """A change that does not fit another version of a file. path: of the file, in the project."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(why)
        self.path = path


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file of a project before and after a change.

    path: in the project, with slashes. before, after: None where there is no such file.
    """

    path: str
    before: bytes | None
    after: bytes | None

    def applied_to(self, current: bytes | None) -> bytes | None:
        """Another version of the file, with the change in it. Raises: DoesNotFit."""
        if current == self.before or current == self.after:
            return self.after
        if current is None or self.before is None or self.after is None:
            raise DoesNotFit(
                self.path,
                message("{path} is not there", path=self.path)
                if current is None
                else message("{path} is another file there", path=self.path),
            )
        merged = _merged(self.before, self.after, current)
        if merged is None:
            raise DoesNotFit(self.path, message("the lines to change in {path} are different there", path=self.path))
        return merged

    @property
    def patch(self) -> str:
        """The change as `git apply` takes it. Bytes that are not UTF-8 are surrogates."""
        before, after = (
            None if content is None else content.decode("utf-8", "surrogateescape") for content in (self.before, self.after)
        )
        return unified_diff(self.path, before, after)


def apply_changes(changes: Sequence[FileChange], files: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
    """The files that a change touches, after it. files: as they are, by path; a missing one is not there.

    Raises: DoesNotFit.
    """
    return {change.path: change.applied_to(files.get(change.path)) for change in changes}


def unified_patch(changes: Iterable[FileChange]) -> str:
    """All changes as one text for `git apply`."""
    return "".join(change.patch for change in changes)


@lru_cache(maxsize=256)
def _merged(before: bytes, after: bytes, current: bytes) -> bytes | None:
    """The merge of three texts; None where both sides changed the same lines.

    git makes it (https://git-scm.com/docs/git-merge-file): people know and trust its merges, and it is installed wherever there
    is a history to read.
    """
    with scratch_folder() as folder:
        for name, content in (("current", current), ("before", before), ("after", after)):
            (folder / name).write_bytes(content)
        done = run_child(["git", "merge-file", "-q", "current", "before", "after"], cwd=folder)
        return (folder / "current").read_bytes() if done.returncode == 0 else None
