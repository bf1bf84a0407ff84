"""typer's own words in the reader's language.

typer takes most of them from `gettext` when it is loaded; the others are constants in it. Errors about a value or a missing
argument stay English.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from speedkit.messages import marked, message, translate

__all__ = ["translate_help_option", "translate_usage", "words_from_the_catalogue"]

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


@contextmanager
def words_from_the_catalogue() -> Iterator[None]:
    """typer takes its words from our catalogue when it is loaded inside of the block."""
    original = gettext.gettext
    gettext.gettext = translate  # type: ignore[assignment]
    try:
        yield
    finally:
        gettext.gettext = original


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
