"""Messages for readers: every sentence and label passes through here, and is translated here.

A message is a whole sentence or a whole label. Its values have named places, so a translation can put them in its own order.
Where a number decides the form, both English forms stand side by side. Names, paths, commands and the words of BuildKit and of
compilers are not translated: they are values.

The English text is the message's id. Other languages are catalogues of gettext in `speedkit/catalogues`; `make catalogue`
collects the messages there. The program reads `SPEEDKIT_LANG` once, when it needs the first message. With `en-XA`, each message
is marked and made longer: this shows texts that did not pass through here, and places on a page that are too small.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["CATALOGUES", "PSEUDO", "capital", "for_page", "join_names", "language_tag", "marked", "message", "plural"]

CATALOGUES = Path(__file__).with_name("catalogues")
DOMAIN = "speedkit"
PSEUDO = "en-XA"
"""The name that CLDR gives to English with accents."""
LONGER_BY = 0.4
NAMED_AT_MOST = 3
PLACE = re.compile(r"(\{[^{}]*\}|`[^`]*`)")
NUMBERS_TRIED = 200
"""In CLDR a larger number has the form of the number below 200 with the same last two digits. The exceptions are languages
with a form of their own for millions."""
ACCENTS = str.maketrans("aceiouyACEIOUY", "áçéíóúýÁÇÉÍÓÚÝ")


class _Language(NamedTuple):
    translate: Callable[[str], str]
    choose: Callable[[str, str, int], str]
    tag: str = "en"


def message(text: str, /, **values: object) -> str:
    """The message in the reader's language, with its values. text: the English text, written out or `marked`."""
    language = _language()
    return _filled(language.translate(text), text, values)


def plural(one: str, many: str, count: int, /, **values: object) -> str:
    """The message in the form that a number needs in the reader's language; `{count}` is the number."""
    language = _language()
    return _filled(language.choose(one, many, count), _english(one, many, count), {"count": count} | values)


def _filled(translated: str, text: str, values: Mapping[str, object]) -> str:
    """A translation with its values; the English text where the translation names a value that there is not."""
    # A slip in a catalogue must not end a program, least of all inside of an error message.
    try:
        return translated.format(**values)
    except (LookupError, ValueError):
        return text.format(**values)


def marked(text: str, /) -> str:
    """The same text, marked for the catalogue: a constant that `message` translates later."""
    return text


def join_names(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, c and 4 more`."""
    if len(names) < 2:
        return "".join(names)
    if len(names) > NAMED_AT_MOST:
        shown = ", ".join(names[:NAMED_AT_MOST])
        return plural("{names} and {count:,} more", "{names} and {count:,} more", len(names) - NAMED_AT_MOST, names=shown)
    return message("{names} and {last}", names=", ".join(names[:-1]), last=names[-1])


def capital(text: str) -> str:
    """The text with a capital first letter, for the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def language_tag() -> str:
    """The language of the messages as a page's `lang` names it (BCP 47): `en` also where a language has no catalogue."""
    return _language().tag


def for_page(texts: Sequence[str], plurals: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The translations that a page's own code needs; {} in English.

    plurals: both English forms of each. Returns `texts`, by the English text; `plurals`, all forms of each, by the English form
    for one; `form_of`, the place of the form for 0, 1, 2 and so on.
    """
    language = _language()
    if language.translate is str:
        return {}
    rows = [tuple(language.choose(one, many, count) for one, many in plurals) for count in range(NUMBERS_TRIED)]
    forms = list(dict.fromkeys(rows))
    return {
        "texts": {text: language.translate(text) for text in texts},
        "plurals": {one: [form[place] for form in forms] for place, (one, _) in enumerate(plurals)},
        "form_of": [forms.index(row) for row in rows],
    }


@lru_cache(maxsize=1)
def _language() -> _Language:
    name = os.environ.get("SPEEDKIT_LANG", "")
    if name == PSEUDO:
        return _Language(_pseudo, lambda one, many, count: _pseudo(_english(one, many, count)), PSEUDO)
    if not name or name.partition("-")[0].partition("_")[0] == "en":
        return _Language(str, _english)
    from gettext import GNUTranslations, translation  # English needs no gettext, and importing it takes time

    catalogue = translation(DOMAIN, CATALOGUES, languages=[name.replace("-", "_")], fallback=True)
    tag = name.partition(".")[0].replace("_", "-") if isinstance(catalogue, GNUTranslations) else "en"
    return _Language(catalogue.gettext, catalogue.ngettext, tag)


def _english(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


def _pseudo(text: str) -> str:
    """The message in brackets, with accents, and longer by two fifths. Values in braces and code in backticks stay."""
    # `split` gives the text between the matches of PLACE at even places, the matches at odd ones.
    parts = PLACE.split(text)
    accented = "".join(part if place % 2 else part.translate(ACCENTS) for place, part in enumerate(parts))
    return f"⟦{accented}{'·' * round(LONGER_BY * len(text))}⟧"
