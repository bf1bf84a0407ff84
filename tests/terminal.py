"""The program on a real terminal: a pseudo terminal whose other end is read here, and texts that would take it over."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HOSTILE", "Shown", "complaints", "on_a_terminal"]

# Clipboard, clear the screen, a C1 control, lone CR, bidi override and isolate, zero width, line separator, rich's markup.
HOSTILE = (
    "\x1b]52;c;cm0=\x07\x1b[2J\x9b31m\rEVIL\u202eoverride\u2066isolate\u200bzero\u2028line"
    "[/b][bold]app/[slug]/page.tsx[link=file:///x]:warning:"
)
# What rich itself writes: colours and styles, the cursor hidden and shown, a line erased, the cursor one line up.
OWN = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|2K|1A)|\x1b\]8;[^\x1b\x07]*\x1b\\")
FOREIGN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What a terminal was sent until the program ended."""

    code: int
    raw: bytes

    @property
    def text(self) -> str:
        return self.raw.decode("utf-8", "replace")


def on_a_terminal(
    arguments: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None, columns: int = 400
) -> Shown:
    """Run `speedkit` with a pseudo terminal as its stdin, stdout and stderr."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    own = {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    # These would hide how wide the terminal is; processes that share the tests have them.
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    started = subprocess.Popen(
        [sys.executable, "-m", "speedkit", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=inherited | own | dict(environment or {}),
        cwd=folder,
        start_new_session=True,
    )
    os.close(theirs)
    sent = bytearray()
    deadline = time.monotonic() + SECONDS
    with contextlib.suppress(OSError):  # Linux says so when the last writer has closed the other end
        while time.monotonic() < deadline and (part := os.read(ours, 65536)):
            sent += part
    code = started.wait(SECONDS)
    os.close(ours)
    return Shown(code, bytes(sent))


def complaints(shown: str) -> list[str]:
    """What of a terminal's input did not come from the program's own styles: "" for nothing."""
    text = OWN.sub("", shown)
    return [*FOREIGN.findall(text), *re.findall("\r(?:EVIL|FAKE)|\nFAKE", text)]
