"""The terms of a language, and the translations that do not keep them.

In: `glossary.md`, a table with the columns English, translations (several with ` / ` between them), and words not to use.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from speedkit.messages import CATALOGUES

# Code, values, options, settings, and names are not translated.
NO_TERMS = re.compile(r"`[^`]*`|Docker Engine|\b[A-Z]{2,}\b|\w+ = |\{[^}]*\}|--[\w-]+|\"[^\"]*\"|\S*[./=]\w\S*|https?://\S+")


class Term(NamedTuple):
    english: re.Pattern[str]
    translations: list[str]
    not_used: list[str]


@cache
def glossary(language: str) -> list[Term]:
    """The terms, the longest first: `base image` before `image`."""
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in (CATALOGUES / language / "glossary.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and not line.startswith("| English")
    ]
    rows.sort(key=lambda row: -len(row[0]))
    return [
        Term(
            re.compile(rf"\b{re.escape(row[0])}(?:s|es)?\b", re.IGNORECASE),
            row[1].split(" / "),
            row[2].split(" / ") if row[2] else [],
        )
        for row in rows
    ]


def terms_not_kept(language: str, english: str, translation: str) -> list[str]:
    """The terms of an English text that its translation has not, and the words in it that are not to be used."""
    text, missed = NO_TERMS.sub(" ", english), []
    for term in glossary(language):
        if term.english.search(text):
            text = term.english.sub(" ", text)
            if not any(word in translation for word in term.translations):
                missed.append(term.translations[0])
        missed += [word for word in term.not_used if word in translation]
    return missed
