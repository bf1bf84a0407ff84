"""Fuzzed text on its way to people: no element of a page comes from it, and nothing in it reaches a terminal as a command."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

from speedkit.cli import output
from speedkit.errors import NotAFolder, SetupError
from tests.hostile import SHOWN, WRITERS, Markup
from tests.terminal import FOREIGN

__all__ = ["HTML_SEEDS", "TERMINAL_SEEDS", "html_of_a_text", "terminal_of_a_text"]

# Those that are quick enough to be asked thousands of times; the others are built of these.
QUICK: dict[str, Callable[[str], list[str]]] = {
    name: make
    for name, make in {**SHOWN, **WRITERS}.items()
    if name.startswith(("speedkit.rendering", "speedkit.setup", "speedkit.lessons", "speedkit.data_frame"))
    and name != "speedkit.rendering.tables.Table"
}
COUNTED = ("speedkit.rendering.tables.table_html", "speedkit.setup.checks.Report")
"""Writers that give as many elements for every text."""
HTML_SEEDS = (
    b"<img/src='x'/onerror=1>",
    b"\"'><svg onload=1>",
    b"&lt;b&gt;",
    b"\x1b[31m<b>\x1b[0m",
    b"a\nb\r\xff\xc2\x9b",
    b"</script>",
)
TERMINAL_SEEDS = (
    b"\x1b]52;c;cm0=\x07",
    b"[/b][bold]x[/bold]",
    b"\xc2\x9b2J",
    "\u202e\u2066".encode(),
    b"a\rb\nc\td\xff",
    b'{"a": 1}',
)


def html_of_a_text(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape").replace("\x00", "")
    for name, make in QUICK.items():
        pieces = make(text)
        for piece in pieces:
            assert Markup(piece).problems == [], name
        if text and name in COUNTED:
            assert [one.count("<") for one in pieces] == [one.count("<") for one in make("plain")], name


def terminal_of_a_text(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for print_it in (
        lambda: output.say(text),
        lambda: output.say_log(text),
        lambda: output.say_problem(SetupError(text, quoted=text).what_visible, text),
        lambda: output.print_text(text),
        lambda: output.print_sentence(text),
        lambda: output.print_table(text, [text, "instruction"], [[text, text]]),
        lambda: output.print_json({text: [text]}),
    ):
        printed = io.StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            print_it()
        assert not FOREIGN.search(printed.getvalue()), printed.getvalue()
        assert "\r" not in printed.getvalue()
    said = io.StringIO()
    with redirect_stdout(said):
        output.print_json({"text": text})
    assert json.loads(said.getvalue()) == {"text": text}
    assert not FOREIGN.search(str(NotAFolder(text)))
