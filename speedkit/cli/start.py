"""Starts the program. An engine takes long to gather an image: it is asked for one before the program is loaded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from speedkit.engine.saved_image import AskedImage

__all__ = ["main"]

FLAGS = frozenset({"--json", "--files"})


def main() -> NoReturn:
    """Run the program with this process's arguments and end the process."""
    with _asked_ahead(sys.argv[1:]) or nullcontext() as asked:
        from speedkit.cli.program import run

        run(asked)


def _asked_ahead(arguments: Sequence[str]) -> AskedImage | None:
    """The image of a plain `speedkit layers IMAGE`; other command lines are only understood once the program is loaded."""
    match [word for word in arguments if word not in FLAGS]:
        case ["layers", image] if not image.startswith("-"):
            from speedkit.engine.saved_image import ask_ahead

            return ask_ahead(image)
    return None
