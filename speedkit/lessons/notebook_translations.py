"""Notebooks in another language: their Markdown cells are translated, their code exists once.

    translations/<zh_CN>/<notebook>.po    in the folder of the notebooks, for gettext: the context of a message is the id of a
                                          cell, and the message is the whole Markdown of the cell

A cell whose Markdown changed after it was translated is another message, so it stays English until somebody translates it
again. https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["TRANSLATIONS", "markdown_cells", "translated_notebook"]

TRANSLATIONS = "translations"


def markdown_cells(notebook: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """The Markdown cells of a notebook as its JSON has it, each with its text."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            yield cell, "".join(cell["source"])


def translated_notebook(content: bytes, translations: Path) -> bytes:
    """The notebook with the Markdown that a `.po` file translates; as it is without such a file."""
    if not translations.is_file():
        return content
    translate = _translations(translations)
    notebook = json.loads(content)
    for cell, text in markdown_cells(notebook):
        cell["source"] = translate(cell["id"], text).splitlines(keepends=True)
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _translations(path: Path) -> Callable[[str, str], str]:
    from babel.messages.pofile import read_po  # most readers need no translation, and loading Babel takes time

    with path.open("rb") as file:
        catalogue = read_po(file)

    def translate(cell_id: str, text: str) -> str:
        found = catalogue.get(text, context=cell_id)
        return str(found.string) if found and found.string and not found.fuzzy else text

    return translate
