"""A change to the files of a project that also fits other versions of them: the files of earlier commits.

In: each file as it is and as it is to become. The change goes into another version of the file by a merge of three texts, the
one that git makes of branches, so it moves with its surroundings. Where the version differs in the changed lines themselves,
the change does not fit.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from speedkit.engine import run_child
from speedkit.errors import SpeedkitError
from speedkit.messages import message
from speedkit.ownership import scratch_folder

__all__ = ["DoesNotFit", "FileChange", "apply_changes", "unified_patch"]

CONTEXT_LINES = 3
NO_FINAL_LINE_END = "\\ No newline at end of file"
NO_FILE = "/dev/null"


class DoesNotFit(SpeedkitError):
    """A change that another version of a file does not take. path: the file's, in the project."""

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
        """The file after the change, made of another version of it. Raises: DoesNotFit."""
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
        if self.before == self.after:
            return ""
        before, after = (_lines(content) for content in (self.before, self.after))
        names = [f"{side}/{self.path}" for side in ("a", "b")]
        head = f"diff --git {_quoted(names[0])} {_quoted(names[1])}\n"
        if self.before is None:
            head += "new file mode 100644\n"
        elif self.after is None:
            head += "deleted file mode 100644\n"
        old, new = (
            _quoted(name) if content is not None else NO_FILE
            for name, content in zip(names, (self.before, self.after), strict=True)
        )
        body = difflib.unified_diff(before, after, n=CONTEXT_LINES, lineterm="\n")
        hunks = list(body)[2:]
        text = "".join(line if line.endswith("\n") else f"{line}\n{NO_FINAL_LINE_END}\n" for line in hunks)
        # git reads a name with a space in it up to a tab.
        old, new = (f"{name}\t" if " " in name else name for name in (old, new))
        return f"{head}--- {old}\n+++ {new}\n{text}" if hunks else head


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

    By git, whose merge of texts people know and rely on. It is there whenever there is a history to read.
    """
    with scratch_folder() as folder:
        for name, content in (("current", current), ("before", before), ("after", after)):
            (folder / name).write_bytes(content)
        done = run_child(["git", "merge-file", "-q", "current", "before", "after"], cwd=folder)
        return (folder / "current").read_bytes() if done.returncode == 0 else None


def _lines(content: bytes | None) -> list[str]:
    """Lines with their ends. Only a line feed ends a line, as for git."""
    text = (content or b"").decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _quoted(name: str) -> str:
    """A path as git writes it into a patch: in quotes with escapes where it has unusual characters."""
    raw = name.encode("utf-8", "surrogateescape")
    if all(0x20 <= byte < 0x7F and byte not in b'"\\' for byte in raw):
        return name
    return '"' + "".join(chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:03o}" for byte in raw) + '"'
