"""Commands of the program as the reader can type them: often `speedkit` is in a virtual environment, not on the PATH."""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from pathlib import Path

__all__ = ["as_typed"]

COMMAND = re.compile(r"(?<![\w./\\-])speedkit (?=(?:build|clean|doctor|engine|history|lab|layers|setup)\b)")


def as_typed(text: str) -> str:
    """The text with commands such as `speedkit setup` changed so that a shell finds the program."""
    return COMMAND.sub(lambda _: f"{_program()} ", text)


@lru_cache(maxsize=1)
def _program() -> str:
    from shutil import which  # only errors need it, so a start without errors is quicker

    if which("speedkit"):
        return "speedkit"
    script = Path(sys.executable).with_name("speedkit.exe" if sys.platform == "win32" else "speedkit")
    if not script.is_file():
        return "python -m speedkit"
    here = Path.cwd()
    return str(script.relative_to(here)) if script.is_relative_to(here) else str(script)
