"""Collects all messages of the code into the template of the catalogues: `python -m tests.catalogue [FILE]`.

For a language, copy the template to `speedkit/catalogues/LANGUAGE/LC_MESSAGES/speedkit.po`, translate it, and compile it with
`pybabel compile -D speedkit -d speedkit/catalogues`. https://babel.pocoo.org/en/latest/messages.html
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from speedkit.messages import CATALOGUES

ROOT = Path(__file__).resolve().parents[1]
KEYWORDS = {"message": (1,), "marked": (1,), "plural": (1, 2)}
METHODS = [("**.py", "python"), ("widgets/frontend/src/**.js", "javascript"), ("widgets/frontend/src/**.jsx", "javascript")]


def collected() -> bytes:
    """The template, in the order of the messages themselves: a line that moves changes nothing."""
    catalogue = Catalog(fuzzy=False)
    for _, _, text, _, _ in extract_from_dir(str(ROOT / "speedkit"), METHODS, keywords=KEYWORDS):
        catalogue.add(text)
    written = BytesIO()
    write_po(written, catalogue, omit_header=True, no_location=True, sort_output=True, width=0)
    return written.getvalue()


def main() -> None:
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else CATALOGUES / "speedkit.pot"
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(collected())


if __name__ == "__main__":
    main()
