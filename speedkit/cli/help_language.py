"""Help pages in the reader's language: typer's own words, and lines that Rich breaks.

typer takes most of its words from `gettext` when it is loaded; the others are constants in it.
Rich breaks lines at spaces only. Chinese has none: Rich would cut what does not fit.
"""

from __future__ import annotations

import gettext
from typing import Any

from speedkit.messages import marked, message, translate
from speedkit.text_width import WORD

__all__ = ["break_lines_anywhere", "load_typer", "translate_help_option", "translate_usage"]

WORDS = (
    marked("(deprecated) "),
    marked("Aborted!"),
    marked("Arguments"),
    marked("Commands"),
    marked("Error"),
    marked("Missing command."),
    marked("No such command {name!r}."),
    marked("Options"),
    marked("Try [blue]'{command_path} {help_option}'[/] for help."),
    marked("[default: {}]"),
    marked("[required]"),
)
"""Those that `typer.core` and `typer.rich_utils` show here."""


def load_typer() -> None:
    """Load typer with its words in the reader's language."""
    original = gettext.gettext
    gettext.gettext = translate  # type: ignore[assignment]
    try:
        import typer.core
        import typer.rich_utils  # noqa: F401
    finally:
        gettext.gettext = original


def break_lines_anywhere() -> None:
    """Let Rich break a line beside each Chinese character."""
    import rich._wrap

    rich._wrap.re_word = WORD


def translate_usage(context_class: Any) -> None:
    """Begin the first line of a help page with the reader's word. context_class: of typer's contexts."""

    class Formatter(context_class.formatter_class):  # type: ignore[misc]
        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, prefix or message("Usage: "))

    context_class.formatter_class = Formatter


def translate_help_option(option: Any) -> Any:
    """The option for help with its text in the reader's language."""
    if option is not None:
        option.help = message("Show this message and exit.")
    return option
