"""A suggestion: a change of a project's files with its reason, and its unified diff."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from .project_view import ProjectView

__all__ = ["Suggestion", "unified_diff"]

_NO_LINE_END = "\\ No newline at end of file\n"
_ESCAPES = {"\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """rule: its name, or the names of several, joined by "+". because: the reason, one sentence for each rule.

    files: by path in the repository, the new text; None removes the file. patch: a unified diff that `git apply` takes.
    """

    rule: str
    because: str
    files: Mapping[str, str | None]
    patch: str = field(repr=False)

    @classmethod
    def of(cls, view: ProjectView, rule: str, because: str, files: Mapping[str, str | None]) -> Suggestion:
        """view: the project as it is now, which the diff begins with."""
        before = {view.dockerfile_path: view.dockerfile}
        if view.ignore_file_path:
            before[view.ignore_file_path] = view.ignore_text
        diffs = [unified_diff(path, before.get(path), text) for path, text in sorted(files.items())]
        return cls(rule, because, dict(files), "".join(diffs))


def unified_diff(path: str, before: str | None, after: str | None) -> str:
    """The change of one file as `git diff` writes it, for `git apply`. before, after: None where there is no file."""
    if before == after:
        return ""
    old, new = _quoted(f"a/{path}"), _quoted(f"b/{path}")
    lines = [f"diff --git {old} {new}\n"]
    if before is None:
        lines.append("new file mode 100644\n")
    if after is None:
        lines.append("deleted file mode 100644\n")
    # git takes a tab as the end of a name with spaces.
    end = "\t" if " " in path else ""
    names = ("/dev/null" if before is None else old + end, "/dev/null" if after is None else new + end)
    body = list(difflib.unified_diff(_lines(before or ""), _lines(after or ""), lineterm="\n"))
    if body:  # an empty file that comes or goes has no lines to name
        lines += [f"--- {names[0]}\n", f"+++ {names[1]}\n"]
    for line in body[2:]:
        lines.append(line if line.endswith("\n") else f"{line}\n{_NO_LINE_END}")
    return "".join(lines)


def _lines(text: str) -> list[str]:
    pieces = text.split("\n")
    return [piece + "\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])


def _quoted(name: str) -> str:
    """A name as git writes it: in quotes, with its bytes in octal, where it has other characters than plain ones."""
    if name.isascii() and name.isprintable() and not set(name) & set('"\\'):
        return name
    letters = []
    for byte in name.encode("utf-8", "surrogateescape"):
        letter = chr(byte)
        if letter in _ESCAPES:
            letters.append(f"\\{_ESCAPES[letter]}")
        else:
            letters.append(letter if 0x20 <= byte < 0x7F else f"\\{byte:03o}")
    return f'"{"".join(letters)}"'
