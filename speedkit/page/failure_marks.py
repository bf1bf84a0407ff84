"""Where a failed build belongs in the editor: the Dockerfile's instruction, and the lines that a compiler names.

Go writes `./main.go:12:3: undefined: x`, most other compilers the same; a name counts when the app has such a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from speedkit.messages import message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from speedkit.model import Build, Step

__all__ = ["Mark", "failed_step", "failing_line", "lines_of", "marks_of", "moved_with"]

NAMED = re.compile(r"^(?P<path>[^\s:][^:\n]*):(?P<line>[0-9]{1,9})(?::(?P<column>[0-9]{1,9}))?: (?P<message>.+)$")
ON_LINE = re.compile(r"(?:parse error on line |Dockerfile[^\s:]{0,255}:)(?P<line>[0-9]{1,9})(?![0-9])")
EXIT_CODE = re.compile(r"exit code: ([0-9]{1,9})")
TROUBLE = re.compile(r"\b(?:error|fatal|failed|panic|not found|denied)\b", re.IGNORECASE)
MOST_MARKS = 20
DEEPEST_PATH = 64
"""A name of more folders is no file of an app, and each of its endings would be looked up."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A message at a 1-based line of a file of the app.

    text: what the line said when the mark was made, by which it is found again after an edit.
    """

    path: str
    line: int
    column: int | None
    message: str
    text: str = ""


def failed_step(build: Build) -> Step | None:
    return next((step for step in build.step_list if step.state == "failed"), None)


def marks_of(build: Build, *, dockerfile: str, log: Iterable[str], has_file: Callable[[str], bool]) -> tuple[Mark, ...]:
    """The marks of a failed build, none for a good one.

    dockerfile: the Dockerfile's path in the app. log: the failed step's lines.
    """
    if build.outcome != "failed":
        return ()
    return (*_compiler_marks(log, has_file), *_dockerfile_mark(build, dockerfile))


def _dockerfile_mark(build: Build, dockerfile: str) -> Iterable[Mark]:
    step = failed_step(build)
    if step is not None and step.line is not None:
        yield Mark(dockerfile, step.line, None, _failure(step.error or ""), _line(build.dockerfile, step.line))
    elif (found := ON_LINE.search(build.error or "")) is not None:
        line = int(found["line"])
        said = (build.error or "").strip().splitlines()[-1]
        yield Mark(dockerfile, line, None, said, _line(build.dockerfile, line))


def _failure(error: str) -> str:
    code = EXIT_CODE.search(error)
    if code:
        return message("This step failed: exit code {code}, see its log", code=code[1])
    return message("This step failed: {error}", error=error) if error else message("This step failed: see its log")


def _compiler_marks(log: Iterable[str], has_file: Callable[[str], bool]) -> list[Mark]:
    marks: list[Mark] = []
    for line in log:
        found = NAMED.match(line)
        if found is None:
            continue
        if len(marks) == MOST_MARKS:
            break
        path = _own_path(found["path"], has_file)
        if path is not None:
            column = int(found["column"]) if found["column"] else None
            said = message("line {line}: {error}", line=found["line"], error=found["message"])
            marks.append(Mark(path, int(found["line"]), column, said))
    return marks


def _own_path(named: str, has_file: Callable[[str], bool]) -> str | None:
    """The app's own path for a name that a compiler gave, which may begin with the image's folders."""
    parts = [part for part in PurePosixPath(named).parts if part not in ("/", ".")]
    if len(parts) > DEEPEST_PATH:
        return None
    candidates = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((path for path in candidates if ".." not in path and has_file(path)), None)


def failing_line(log: list[str]) -> int | None:
    """The 0-based line of a failed log to look at first: a compiler's, else the last that sounds like trouble."""
    for index, line in enumerate(log):
        if NAMED.match(line):
            return index
    for index in range(len(log) - 1, -1, -1):
        if TROUBLE.search(log[index]):
            return index
    return len(log) - 1 if log else None


def moved_with(mark: Mark, text: str) -> Mark | None:
    """The mark where its line now is; None when that line is gone or was changed."""
    lines = lines_of(text)
    if mark.line <= len(lines) and lines[mark.line - 1] == mark.text:
        return mark
    places = [place for place, line in enumerate(lines, 1) if line == mark.text and line.strip()]
    if not places:
        return None
    return replace(mark, line=min(places, key=lambda place: abs(place - mark.line)))


def lines_of(text: str) -> list[str]:
    """Lines as BuildKit and compilers count them: they end at a line feed alone, not at a form feed or a lone CR."""
    return text.replace("\r\n", "\n").split("\n")


def _line(text: str, line: int) -> str:
    lines = lines_of(text)
    return lines[line - 1] if 0 < line <= len(lines) else ""
