"""How the person at this machine can type the program's commands: `speedkit` is on the PATH of few."""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from pathlib import Path

__all__ = ["as_typed"]

COMMAND = re.compile(r"(?<![\w./\\-])speedkit (?=(?:build|clean|doctor|engine|history|lab|layers|setup)\b)")


def as_typed(text: str) -> str:
    """The text, with commands such as `speedkit setup` written so that a shell finds the program."""
    return COMMAND.sub(lambda _: f"{_program()} ", text)


@lru_cache(maxsize=1)
def _program() -> str:
    from shutil import which  # whoever meets no error need not load it

    if which("speedkit"):
        return "speedkit"
    own = Path(sys.executable).with_name("speedkit.exe" if sys.platform == "win32" else "speedkit")
    if not own.is_file():
        return "python -m speedkit"
    here = Path.cwd()
    return str(own.relative_to(here)) if own.is_relative_to(here) else str(own)
