"""Where the editor shows the failure of a build: at the instruction in the Dockerfile, and at the lines in compiler messages.

A compiler's message counts when it names a file of the app, see `compiler_messages`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from speedkit.messages import message

from .compiler_messages import compiler_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from speedkit.model import Build, Step

__all__ = ["Mark", "failed_step", "failing_line", "marks_of", "moved_mark", "text_lines"]

# BuildKit's error for a Dockerfile that it rejects names the line, and buildx quotes it below `Dockerfile:LINE`.
DOCKERFILE_LINE = re.compile(r"(?:parse error on line |Dockerfile[^\s:]{0,255}:)(?P<line>[0-9]{1,9})(?![0-9])")
EXIT_CODE = re.compile(r"exit code: ([0-9]{1,9})")
ERROR_WORD = re.compile(r"\b(?:error|fatal|failed|panic|not found|denied)\b", re.IGNORECASE)
MOST_MARKS = 20
DEEPEST_PATH = 64
"""A deeper path is no file of an app. The limit bounds the time, as each ending of a path is looked up."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A message at a 1-based line of a file of the app.

    text: the text of the line when the mark was made, which finds the line again after an edit.
    """

    path: str
    line: int
    column: int | None
    message: str
    text: str = ""


def failed_step(build: Build) -> Step | None:
    return next((step for step in build.step_list if step.state == "failed"), None)


def marks_of(build: Build, *, dockerfile: str, log: Iterable[str], has_file: Callable[[str], bool]) -> tuple[Mark, ...]:
    """The marks of a failed build; () for any other.

    dockerfile: the path of the Dockerfile in the app. log: the lines of the failed step.
    """
    if build.outcome != "failed":
        return ()
    return (*_compiler_marks(log, has_file), *_dockerfile_mark(build, dockerfile))


def _dockerfile_mark(build: Build, dockerfile: str) -> Iterable[Mark]:
    step = failed_step(build)
    if step is not None and step.line is not None:
        exit_code = EXIT_CODE.search(step.error or "")
        if exit_code:
            text = message("This step failed: exit code {code}, see its log", code=exit_code[1])
        elif step.error:
            text = message("This step failed: {error}", error=step.error)
        else:
            text = message("This step failed: see its log")
        yield Mark(dockerfile, step.line, None, text, _line(build.dockerfile, step.line))
    elif (line_in_error := DOCKERFILE_LINE.search(build.error or "")) is not None:
        # BuildKit rejected the Dockerfile, so no step failed. The last line of its error is the message.
        line = int(line_in_error["line"])
        error = (build.error or "").strip().splitlines()[-1]
        yield Mark(dockerfile, line, None, error, _line(build.dockerfile, line))


def _compiler_marks(log: Iterable[str], has_file: Callable[[str], bool]) -> list[Mark]:
    marks: list[Mark] = []
    for one in compiler_messages(log):
        if len(marks) == MOST_MARKS:
            break
        path = _own_path(one.path, has_file)
        if path is not None:
            marks.append(Mark(path, one.line, one.column, message("line {line}: {error}", line=one.line, error=one.message)))
    return marks


def _own_path(compiler_path: str, has_file: Callable[[str], bool]) -> str | None:
    """The path in the app for a path in the image, such as `main.go` for `/src/main.go`; None when the app has no such file."""
    parts = [part for part in PurePosixPath(compiler_path).parts if part not in ("/", ".")]
    if len(parts) > DEEPEST_PATH:
        return None
    candidates = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((path for path in candidates if ".." not in path and has_file(path)), None)


def failing_line(log: list[str]) -> int | None:
    """The 0-based line of a failed log to look at first: a compiler message, else the last line with a word such as "error"."""
    # Compilers name the cause first and consequences later. Shells and tools print their error at the end.
    if (first := next(compiler_messages(log), None)) is not None:
        return first.number
    for index in range(len(log) - 1, -1, -1):
        if ERROR_WORD.search(log[index]):
            return index
    return len(log) - 1 if log else None


def moved_mark(mark: Mark, text: str) -> Mark | None:
    """The mark at the present place of its line; None when the line was removed or changed."""
    lines = text_lines(text)
    # The line itself first: an equal line elsewhere must not attract the mark.
    if mark.line <= len(lines) and lines[mark.line - 1] == mark.text:
        return mark
    places = [place for place, line in enumerate(lines, 1) if line == mark.text and line.strip()]
    if not places:
        return None
    return replace(mark, line=min(places, key=lambda place: abs(place - mark.line)))


def text_lines(text: str) -> list[str]:
    """Lines as BuildKit and compilers count them: only a line feed ends a line, not a form feed or a carriage return alone."""
    return text.replace("\r\n", "\n").split("\n")


def _line(text: str, line: int) -> str:
    lines = text_lines(text)
    return lines[line - 1] if 0 < line <= len(lines) else ""
