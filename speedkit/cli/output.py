"""The one door to the terminal: whatever the program prints goes through here, JSON and tables to stdout, the rest to stderr.

Nearly all that is printed holds foreign text: names of files, lines of Dockerfiles, logs, answers of an engine. None of it is
taken as rich's markup (`app/[slug]/page.tsx` is a path, not a style), and characters that a terminal obeys become visible
escapes. Nothing else in `speedkit.cli` writes, imports rich or asks a question; a test holds that.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from speedkit.messages import marked, message
from speedkit.rendering import plain_log
from speedkit.visible import visible, visible_json, visible_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from speedkit.rendering import Reason

__all__ = [
    "ProgressBar",
    "ask",
    "live_line",
    "print_file",
    "print_json",
    "print_json_pieces",
    "print_sentence",
    "print_table",
    "print_text",
    "reason_json",
    "say",
    "say_log",
    "say_problem",
    "say_usage_error",
    "stdout_gone",
    "take_any_character",
    "takes_all_characters",
]

PAPER_COLUMNS = 200
"""How wide a table is where no terminal says it."""
INSTRUCTION = marked("instruction")
"""The head of a column that holds instructions."""
FRAMES_A_SECOND = 8


def take_any_character() -> None:
    """A pipe on Windows, or PYTHONIOENCODING, may know no ✓: it gets a question mark, and the program goes on."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")


def stdout_gone() -> None:
    """The reader of our output has gone; Python would complain once more when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def takes_all_characters() -> bool:
    """Stdout takes every character, not only those of some old code page."""
    return (sys.stdout.encoding or "").lower().startswith("utf")


def say(text: str) -> None:
    """A line on stderr."""
    _errors().print(visible_line(text), soft_wrap=True)


def say_log(text: str) -> None:
    """The lines of a log on stderr, without its colours."""
    _errors().print(visible(plain_log(text)), soft_wrap=True)


def say_problem(what: str, fix: str) -> None:
    """What went wrong, in red marked as such, and what to do next. what: one line or more, made visible already."""
    from rich.text import Text

    _errors().print(Text.assemble(("✗", "bold red"), " ", visible(what)), soft_wrap=True)
    if fix:
        _errors().print(f"  {visible_line(fix)}", soft_wrap=True)


def say_usage_error(problem: Any) -> None:
    """A command line that typer does not understand, as typer shows it, with its words made visible."""
    from typer.rich_utils import rich_format_error

    problem.message = visible_line(str(problem.message))
    rich_format_error(problem)


def ask(question: str) -> bool:
    """Whether the person at the terminal says yes; False where nobody sits."""
    import typer

    return sys.stdin.isatty() and typer.confirm(visible_line(question), err=True)


@contextmanager
def live_line() -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what goes on, as long as the block lasts; it gets a new text when it is called."""
    from rich.live import Live
    from rich.text import Text

    with Live(console=_errors(), refresh_per_second=FRAMES_A_SECOND, transient=True) as live:
        yield lambda text: live.update(Text(visible_line(text), no_wrap=True, overflow="ellipsis"))


class ProgressBar:
    """A bar on stderr where that is a terminal; nothing where it is not."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=_errors())
        self._bar = self._progress.add_task("", total=total)
        self.is_shown = _errors().is_terminal

    def start(self) -> None:
        if self.is_shown:
            self._progress.start()

    def stop(self) -> None:
        self._progress.stop()

    def describe(self, text: str) -> None:
        self._progress.update(self._bar, description=visible_line(text))

    def advance(self) -> None:
        self._progress.advance(self._bar)


def print_json(document: object) -> None:
    """One JSON document on stdout; plain ASCII where stdout cannot take every character.

    `secrets_left_out`: how many secrets were replaced in what it is about, where any were.
    """
    from speedkit.secrets import count_substitutes

    count = count_substitutes(json.dumps(document, default=str))
    if count and isinstance(document, dict):
        document = document | {"secrets_left_out": count}
    print_json_pieces([json.dumps(document, indent=2, ensure_ascii=not takes_all_characters(), default=str)])


def print_json_pieces(pieces: Iterable[str]) -> None:
    """One JSON document on stdout, in pieces. It says the same, whatever of it had to be escaped for a terminal."""
    sys.stdout.writelines(map(visible_json, pieces))
    sys.stdout.write("\n")


def print_file(content: bytes) -> None:
    """The content of a file: to a pipe byte by byte, on a terminal as text whose control characters are visible."""
    if sys.stdout.isatty():
        sys.stdout.write(visible(content.decode("utf-8", "backslashreplace")))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)


def print_text(*lines: str) -> None:
    """Lines on stdout."""
    sys.stdout.write("".join(f"{visible_line(line)}\n" for line in lines))


def print_sentence(text: str) -> None:
    """A sentence on stdout, in a terminal broken between words."""
    console = _console()
    console.print(visible_line(text), soft_wrap=not console.is_terminal)


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    numbers: Sequence[str] = (),
    unbroken: Sequence[str] = (),
) -> None:
    """A table on stdout.

    title: above it, "" for none. numbers: columns set right-aligned. unbroken: columns that stay on one line; others are
    broken where they must be. In a terminal an instruction is as long as the terminal is wide at most: its line says where the
    whole is.
    """
    from rich.table import Table
    from rich.text import Text

    console = _console()
    instruction = message(INSTRUCTION)
    longest = console.width if console.is_terminal else None
    if not console.is_terminal:
        console = _console(width=PAPER_COLUMNS)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        heading = Text(visible_line(column))
        table.add_column(heading, justify="right" if column in numbers else "left", overflow="fold", no_wrap=column in unbroken)
    for row in rows:
        named = zip(columns, row, strict=True)
        cells = (_instruction_text(cell, longest) if name == instruction else _cell_text(cell) for name, cell in named)
        table.add_row(*map(Text, cells))
    if title:
        console.print(Text(visible_line(title), style="italic"))
    if columns:
        console.print(table)


def _cell_text(cell: object) -> str:
    return visible_line("" if cell is None else str(cell))


def _instruction_text(cell: object, longest: int | None) -> str:
    # Line ends and tabs between the words of an instruction say nothing, unlike those in a name.
    text = _cell_text(str(cell or "").replace("\r\n", " ").replace("\n", " ").replace("\t", " "))
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"


def reason_json(reason: Reason, key: str) -> dict[str, object]:
    """A step with its cause. key: what its state is called, `state` of a build or `forecast`."""
    from speedkit.causes import cause_kind, cause_subjects

    because = {"kind": cause_kind(reason.cause), "what": list(cause_subjects(reason.cause)), "sentence": reason.because}
    seen = {"cached": reason.state == "cached", "seconds": round(reason.seconds, 4), "origins": list(reason.origins)}
    cached = {} if key == "forecast" else seen
    common = {"line": reason.line, "instruction": reason.instruction, "stage": reason.stage}
    return common | {key: reason.state} | cached | {"because": because}


@lru_cache(maxsize=1)
def _errors() -> Console:
    return _console(stderr=True)


def _console(*, stderr: bool = False, width: int | None = None) -> Console:
    """Rich, with nothing in a text taken for markup, for the name of an emoji or for something to colour.

    Rich is loaded when there is something to show.
    """
    from rich.console import Console
    from rich.segment import Segment

    class ForeignText(Console):
        """What reached a renderable past the functions above is made visible here, where it becomes text of the terminal."""

        def render(self, renderable: RenderableType, options: Any = None) -> Iterator[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(visible(segment.text), segment.style)

    return ForeignText(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)
