"""Draws the rooms of the package from its code: `python -m tests.architecture`.

In: the layers that import-linter holds (pyproject.toml), and the first sentence of each room's docstring. Out: the picture
docs/images/rooms.svg, and the table of rooms in docs/architecture.md, between its two marks.
"""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path
from textwrap import wrap

__all__ = ["PAGE", "PICTURE", "page_now", "picture_now"]

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "speedkit"
PAGE, PICTURE = ROOT / "docs" / "architecture.md", ROOT / "docs" / "images" / "rooms.svg"
BEGIN, END = "<!-- rooms: written by `python -m tests.architecture` -->", "<!-- /rooms -->"
WIDTH, MARGIN, GAP, LINE_HEIGHT, HEAD_HEIGHT = 1080, 12, 8, 15, 26
LETTER_WIDTH = 6.4
"""Of the sentences' font, which is chosen by the reader's machine: on the safe side."""
STYLE = (
    "text{font-family:system-ui,sans-serif;fill:#1f2328}.name{font-size:14px;font-weight:600}.what{font-size:12px;fill:#59636e}"
    ".box{fill:#fff;stroke:#d1d9e0}.page{fill:#f6f8fa}"
    "@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.what{fill:#9198a1}"
    ".box{fill:#151b23;stroke:#3d444d}.page{fill:#0d1117}}"
)


@dataclass(frozen=True, slots=True)
class Room:
    """A folder or a module of the package. what: what it owns, as its docstring says it."""

    name: str
    what: str


def layers() -> list[list[Room]]:
    """The rooms of each layer, the topmost first: a room imports from lower layers only."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    return [[_room(name.strip()) for name in layer.split(":")] for layer in contract["layers"]]


def _room(name: str) -> Room:
    folder = PACKAGE / name / "__init__.py"
    source = folder if folder.is_file() else PACKAGE / f"{name}.py"
    told = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return Room(name, re.split(r"(?<=[.])\s", told.replace("\n", " "), maxsplit=1)[0])


def picture_now() -> str:
    """The picture: a row for each layer, a box for each room."""
    parts, top = [], MARGIN
    for row in layers():
        width = (WIDTH - 2 * MARGIN - (len(row) - 1) * GAP) / len(row)
        lines = [wrap(room.what.replace("`", ""), int((width - 20) / LETTER_WIDTH)) for room in row]
        height = HEAD_HEIGHT + max(map(len, lines)) * LINE_HEIGHT + 8
        for place, (room, told) in enumerate(zip(row, lines, strict=True)):
            left = MARGIN + place * (width + GAP)
            parts.append(f'<rect class="box" x="{left:.1f}" y="{top}" width="{width:.1f}" height="{height}" rx="6"/>')
            parts.append(f'<text class="name" x="{left + 10:.1f}" y="{top + 18}">{escape(room.name)}</text>')
            for number, line in enumerate(told):
                below = top + HEAD_HEIGHT + 10 + number * LINE_HEIGHT
                parts.append(f'<text class="what" x="{left + 10:.1f}" y="{below}">{escape(line)}</text>')
        top += height + GAP
    whole = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}" role="img">',
        "<title>The rooms of speedkit: each imports from lower rows only</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{top}"/>',
        *parts,
        "</svg>",
    ]
    return "\n".join(whole) + "\n"


def page_now() -> str:
    """The page with the table as the code has it."""
    rows = [f"| `{room.name}` | {room.what} |" for layer in layers() for room in layer]
    table = "\n".join([BEGIN, "", "| room | what it owns |", "|---|---|", *rows, "", END])
    before, after = PAGE.read_text(encoding="utf-8").split(BEGIN)[0], PAGE.read_text(encoding="utf-8").split(END)[1]
    return f"{before}{table}{after}"


def main() -> None:
    PAGE.write_text(page_now(), encoding="utf-8")
    PICTURE.write_text(picture_now(), encoding="utf-8")


if __name__ == "__main__":
    main()
