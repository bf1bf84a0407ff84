"""Where translations are, and how they follow what they translate.

speedkit/catalogues/<zh_CN>/LC_MESSAGES/speedkit.po    the messages; `speedkit.mo` beside it is what the program reads
speedkit/catalogues/<zh_CN>/glossary.md                a table of terms: the English one, its translation, a note
notebooks/translations/<zh_CN>/<notebook>.po           the Markdown of a notebook, by the ids of its cells
"""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

from speedkit.lessons import TRANSLATIONS, markdown_cells, notebooks_folder, notebooks_in
from speedkit.messages import CATALOGUES, DOMAIN

LANGUAGES = sorted(path.name for path in CATALOGUES.iterdir() if path.is_dir())
HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plural}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def messages_of_the_code() -> Catalog:
    """All messages, without a translation."""
    return read_po(BytesIO((CATALOGUES / f"{DOMAIN}.pot").read_bytes()))


def markdown_of(notebook: Path) -> Catalog:
    """The Markdown cells of a notebook, in their order, without a translation."""
    catalogue = Catalog(fuzzy=False)
    for cell, text in markdown_cells(json.loads(notebook.read_text(encoding="utf-8"))):
        catalogue.add(text, context=cell["id"])
    return catalogue


def catalogue_path(language: str) -> Path:
    return CATALOGUES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def sources(language: str) -> dict[Path, Catalog]:
    """Every file of translations into a language that there has to be, and the texts in it."""
    folder = notebooks_folder()
    notebooks = {folder / TRANSLATIONS / language / f"{path.stem}.po": markdown_of(path) for path in notebooks_in(folder)}
    return {catalogue_path(language): messages_of_the_code(), **notebooks}


def read(path: Path, language: str) -> Catalog:
    """The translations of a file; none where there is no file."""
    if not path.exists():
        return Catalog(locale=language, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def write(path: Path, catalogue: Catalog) -> None:
    """A file without dates and line numbers: only what changed is another line."""
    file = BytesIO()
    write_po(file, catalogue, omit_header=True, no_location=True, width=0, ignore_obsolete=True)
    header = HEADER.format(language=catalogue.locale_identifier, plural=catalogue.plural_forms)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.encode() + file.getvalue().rstrip() + b"\n")


def compile_catalogue(language: str) -> None:
    """Write what the program reads. A file with the same messages stays: Babel writes its dates."""
    path, catalogue = catalogue_path(language), read(catalogue_path(language), language)
    if compiled(language) != complete(catalogue):
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, catalogue)


def compiled(language: str) -> dict[str, list[str]]:
    """The translations that the program reads, by the English text."""
    path = catalogue_path(language).with_suffix(".mo")
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {key(text): forms(text) for text in read_mo(file) if text.id}


def complete(catalogue: Catalog) -> dict[str, list[str]]:
    """The translations of a catalogue that are finished, by the English text."""
    return {key(text): forms(text) for text in catalogue if text.id and is_translated(text)}


def key(text: Message) -> str:
    return text.id if isinstance(text.id, str) else text.id[0]


def forms(text: Message) -> list[str]:
    """The translation of a text, in each form that the language has for numbers."""
    return [text.string] if isinstance(text.string, str) else list(text.string)


def is_translated(text: Message | None) -> bool:
    return text is not None and not text.fuzzy and bool(text.string) and all(forms(text))


def untranslated(catalogue: Catalog, source: Catalog) -> list[str]:
    """The texts without a translation; for those of a notebook, the ids of their cells."""
    texts = [text for text in source if text.id]
    missing = [text for text in texts if not is_translated(catalogue.get(text.id, context=text.context))]
    return [text.context or key(text) for text in missing]
