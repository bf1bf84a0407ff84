"""Collects all messages of the code into the template of the catalogues: `python -m tests.catalogue [FILE]`.

A language begins with `pybabel init -D speedkit -i speedkit/catalogues/speedkit.pot -d speedkit/catalogues -l LANGUAGE`.
What is translated there counts after `pybabel compile -D speedkit -d speedkit/catalogues`.
https://babel.pocoo.org/en/latest/cmdline.html

Without FILE it also writes the list of the messages that the page's own code has, for which Python looks up the translations.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from speedkit.messages import CATALOGUES
from speedkit.widgets.page_messages import LIST

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "speedkit" / "widgets" / "frontend" / "src"
KEYWORDS = {"message": (1,), "marked": (1,), "plural": (1, 2)}
IN_PAGE = [("**.ts", "javascript"), ("**.tsx", "javascript")]
PAGE_OPTIONS = {pattern: {"parse_template_string": "true"} for pattern, _ in IN_PAGE}

Message = str | tuple[str, str]


def collected() -> bytes:
    """The template, in the order of the messages themselves: a line that moves changes nothing."""
    catalogue = Catalog(fuzzy=False)
    for path in sorted((ROOT / "speedkit").rglob("*.py")):
        for text in of_python(path.read_text(encoding="utf-8")):
            catalogue.add(text)
    for _, text in of_page():
        catalogue.add(text)
    written = BytesIO()
    write_po(written, catalogue, omit_header=True, no_location=True, sort_output=True, width=0)
    return written.getvalue()


def of_python(source: str) -> Iterator[Message]:
    """The messages of a module. Babel's own reader passes over those in an f-string, and among the values of another one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
            texts = [one.value for one in node.args[: len(KEYWORDS[node.func.id])] if isinstance(one, ast.Constant)]
            if texts:
                yield texts[0] if len(texts) == 1 else (texts[0], texts[1])


def of_page() -> Iterator[tuple[str, Message]]:
    """The messages of the page's own code, each with its file. Python has those of `states.json`."""
    for name, _, text, _, _ in extract_from_dir(str(PAGE), IN_PAGE, options_map=PAGE_OPTIONS, keywords=KEYWORDS):
        yield name, text


def page_list() -> str:
    """What the page looks up: its own messages, and the words of states."""
    messages = {text for _, text in of_page()}
    tables = json.loads((PAGE / "states.json").read_text(encoding="utf-8"))
    words = {shown["word"] for table in tables.values() for shown in table.values()}
    texts = {text for text in messages if isinstance(text, str)} | words
    listed = {"texts": sorted(texts), "plurals": sorted(text for text in messages if isinstance(text, tuple))}
    return json.dumps(listed, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    if len(sys.argv) == 1:
        LIST.write_text(page_list(), encoding="utf-8")
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else CATALOGUES / "speedkit.pot"
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(collected())


if __name__ == "__main__":
    main()
