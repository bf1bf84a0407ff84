"""Everything that the program prints: JSON and tables on stdout, the rest on stderr.

Most of the output has foreign text in it: file names, lines of Dockerfiles, logs, answers of an engine. Rich must not read
markup in it (`app/[slug]/page.tsx` is a path, not a style), and a terminal must not obey it: control characters become visible
escapes. No other module of `speedkit.cli` writes to the terminal, imports rich or asks a question (tests/cli/test_output.py).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from speedkit.control_characters import visible, visible_json, visible_line
from speedkit.messages import marked, message
from speedkit.text_width import WORD

from .runner_commands import json_without_commands, without_commands

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
    "say_command",
    "say_log",
    "say_problem",
    "say_usage_error",
    "speak_in_help_pages",
    "stdout_gone",
    "take_any_character",
    "takes_all_characters",
]

PAPER_COLUMNS = 200
"""The width of a table without a terminal."""
INSTRUCTION = marked("instruction")
"""The heading of a column of instructions, which are cut at the width of the terminal."""
FRAMES_A_SECOND = 8


def take_any_character() -> None:
    """Replace characters that a stream cannot encode: a pipe on Windows, or PYTHONIOENCODING, may have no ✓."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")


def stdout_gone() -> None:
    """Send the rest of stdout to nowhere, because its reader has gone. Python would print an error when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def takes_all_characters() -> bool:
    """Whether stdout can encode every character; an old code page cannot."""
    return (sys.stdout.encoding or "").lower().startswith("utf")


def say(text: str) -> None:
    """A line on stderr."""
    _errors().print(visible_line(text), soft_wrap=True)


def say_command(command: str) -> None:
    """A command for the runner of a CI system, on stderr. Its foreign text must be escaped as the runner's commands have it."""
    sys.stderr.write(f"{visible_line(command)}\n")


def say_log(text: str) -> None:
    """The lines of a log on stderr, without its colours."""
    from speedkit.rendering import plain_log  # 0.04 s of CPU, which `speedkit layers --json` need not spend

    _errors().print(visible(plain_log(text)), soft_wrap=True)


def say_problem(what: str, fix: str) -> None:
    """Print an error with a red ✗, and its fix. what: one or more lines without control characters."""
    from rich.text import Text

    _errors().print(Text.assemble(("✗", "bold red"), " ", visible(what)), soft_wrap=True)
    if fix:
        _errors().print(f"  {visible_line(fix)}", soft_wrap=True)


def say_usage_error(problem: Any) -> None:
    """Print an error in the command line as typer shows it, without control characters."""
    from typer.rich_utils import rich_format_error

    problem.message = without_commands(visible_line(str(problem.message)))
    rich_format_error(problem)


def ask(question: str) -> bool:
    """Whether the user answers yes; False without a terminal."""
    import typer

    return sys.stdin.isatty() and typer.confirm(visible_line(question), err=True)


@contextmanager
def live_line() -> Iterator[Callable[[str], None]]:
    """Show a line on stderr until the block ends. The block gets a function that replaces the text."""
    from rich.live import Live
    from rich.text import Text

    with Live(console=_errors(), refresh_per_second=FRAMES_A_SECOND, transient=True) as live:
        yield lambda text: live.update(Text(visible_line(text), no_wrap=True, overflow="ellipsis"))


class ProgressBar:
    """A progress bar on stderr; nothing if that is not a terminal."""

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
    """One JSON document on stdout, in ASCII if stdout cannot encode every character.

    Its field `secrets_left_out` is the number of secrets that were replaced in it; it is missing for none.
    """
    from speedkit.secrets import count_substitutes

    count = count_substitutes(json.dumps(document, default=str))
    if count and isinstance(document, dict):
        document = document | {"secrets_left_out": count}
    print_json_pieces([json.dumps(document, indent=2, ensure_ascii=not takes_all_characters(), default=str)])


def print_json_pieces(pieces: Iterable[str]) -> None:
    """One JSON document on stdout, in pieces. Control characters become JSON escapes, which mean the same."""
    sys.stdout.writelines(json_without_commands(visible_json(piece)) for piece in pieces)
    sys.stdout.write("\n")


def print_file(content: bytes) -> None:
    """The content of a file: its bytes to a pipe, text with visible control characters to a terminal."""
    if sys.stdout.isatty():
        sys.stdout.write(visible(content.decode("utf-8", "backslashreplace")))
        return
    # The text layer above the buffer may hold output that comes first.
    sys.stdout.flush()
    sys.stdout.buffer.write(content)


def speak_in_help_pages() -> None:
    """Load typer with its words in the reader's language, and let Rich break a line beside each Chinese character.

    Rich knows spaces only: it would cut what does not fit.
    """
    import rich._wrap

    from .help_language import words_from_the_catalogue

    rich._wrap.re_word = WORD
    with words_from_the_catalogue():
        import typer.core
        import typer.rich_utils  # noqa: F401


def print_text(*lines: str) -> None:
    """Lines on stdout."""
    sys.stdout.write("".join(f"{without_commands(visible_line(line))}\n" for line in lines))


def print_sentence(text: str, *, indent: int = 0) -> None:
    """A sentence on stdout, wrapped between words in a terminal. indent: spaces before each of its lines."""
    from rich.padding import Padding

    console = _console()
    if console.is_terminal:
        console.print(Padding(visible_line(text), (0, 0, 0, indent), expand=False))
    else:
        console.print(" " * indent + visible_line(text), soft_wrap=True)


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    numbers: Sequence[str] = (),
    unbroken: Sequence[str] = (),
) -> None:
    """A table on stdout.

    title: above the table, "" for none. numbers: right-aligned columns. unbroken: columns without line breaks. In a terminal,
    an instruction is cut at the width of the terminal; its line number leads to the whole text.
    """
    from rich.table import Table
    from rich.text import Text

    console = _console()
    instruction = message(INSTRUCTION)
    longest = console.width if console.is_terminal else None
    if not console.is_terminal:
        console = _console(width=PAPER_COLUMNS)
    table = Table(box=None, pad_edge=False, header_style="bold")
    # `Text` instead of plain strings: rich reads no markup in it.
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
    # In an instruction, line ends and tabs only separate words. In a name they matter, so they stay visible there.
    text = _cell_text(str(cell or "").replace("\r\n", " ").replace("\n", " ").replace("\t", " "))
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"


def reason_json(reason: Reason, key: str) -> dict[str, object]:
    """A step with its cause. key: the name of its state, `state` for a build or `forecast`."""
    from speedkit.causes import cause_kind, cause_subjects

    because = {"kind": cause_kind(reason.cause), "what": list(cause_subjects(reason.cause)), "sentence": reason.because}
    measured = {"cached": reason.state == "cached", "seconds": round(reason.seconds, 4), "origins": list(reason.origins)}
    in_build = {} if key == "forecast" else measured
    common = {"line": reason.line, "instruction": reason.instruction, "stage": reason.stage}
    return common | {key: reason.state} | in_build | {"because": because}


@lru_cache(maxsize=1)
def _errors() -> Console:
    return _console(stderr=True)


def _console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console of rich without markup, emoji names and highlighting.

    Rich is imported here, because it takes long to load and `speedkit layers --json` does not need it.
    """
    from rich.console import Console
    from rich.segment import Segment

    class ForeignText(Console):
        """Makes control characters visible in every text, also in one that the functions above do not check.

        Nor does any text give a command to a runner.
        """

        def render(self, renderable: RenderableType, options: Any = None) -> Iterator[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(without_commands(visible(segment.text)), segment.style)

    return ForeignText(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)
