"""The door that every message goes through on its way to a reader, and at which it is translated.

A message is a whole sentence, or a whole label, with named places for its values, so that another language can order them as
it needs. Where a number decides the form, both English forms stand side by side. What is not ours to translate goes in as a
value: names, paths, commands, the words of BuildKit and of compilers.

The English text is the message's id. Other languages are catalogues of gettext in `speedkit/catalogues`; `make catalogue`
collects the messages there. `SPEEDKIT_LANG` chooses one, and counts from the start of the program. With `en-XA`, each message
is marked and made longer, which shows those that go past the door, and pages that have no room.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["CATALOGUES", "PSEUDO", "capital", "for_page", "language_tag", "listed", "marked", "message", "plural"]

CATALOGUES = Path(__file__).with_name("catalogues")
DOMAIN = "speedkit"
PSEUDO = "en-XA"
"""The name that CLDR gives to English with accents."""
LONGER_BY = 0.4
NAMED_AT_MOST = 3
PLACE = re.compile(r"(\{[^{}]*\}|`[^`]*`)")
NUMBERS_TRIED = 200
"""The form of a larger number is that of a number below it with the same last two digits, in all languages of CLDR but those
that have a form of their own for millions."""
ACCENTS = str.maketrans("aceiouyACEIOUY", "áçéíóúýÁÇÉÍÓÚÝ")


class _Language(NamedTuple):
    translate: Callable[[str], str]
    choose: Callable[[str, str, int], str]
    tag: str = "en"


def message(text: str, /, **values: object) -> str:
    """The message with its values in their places, in the reader's language.

    text: the message itself, or the name of a constant that `marked` made.
    """
    language = _language()
    return _filled(language.translate(text), text, values)


def plural(one: str, many: str, count: int, /, **values: object) -> str:
    """The form for one or for several, in the reader's language; `{count}` is the number."""
    language = _language()
    return _filled(language.choose(one, many, count), _english(one, many, count), {"count": count} | values)


def _filled(translated: str, text: str, values: Mapping[str, object]) -> str:
    """A translation with its values; where it names one that is not there, the English text: a slip in it ends no program."""
    try:
        return translated.format(**values)
    except (LookupError, ValueError):
        return text.format(**values)


def marked(text: str, /) -> str:
    """A message that is kept as it is, for `message` to say later."""
    return text


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, c and 4 more`."""
    if len(names) < 2:
        return "".join(names)
    if len(names) > NAMED_AT_MOST:
        shown = ", ".join(names[:NAMED_AT_MOST])
        return plural("{names} and {count:,} more", "{names} and {count:,} more", len(names) - NAMED_AT_MOST, names=shown)
    return message("{names} and {last}", names=", ".join(names[:-1]), last=names[-1])


def capital(text: str) -> str:
    """The text as a sentence begins with it."""
    return text[:1].upper() + text[1:]


def language_tag() -> str:
    """The language of the messages as a page's `lang` names it (BCP 47): `en` also where a language has no catalogue."""
    return _language().tag


def for_page(texts: Sequence[str], plurals: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The same messages for a page, whose own code has a door like this one; {} in English.

    plurals: both English forms of each. Out: `texts` by the English text; `plurals`, each with all its forms, by the English
    form for one; `form_of`, which of the forms stands for 0, 1, 2 and so on.
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
    from gettext import GNUTranslations, translation  # whoever reads English need not load it

    catalogue = translation(DOMAIN, CATALOGUES, languages=[name.replace("-", "_")], fallback=True)
    tag = name.partition(".")[0].replace("_", "-") if isinstance(catalogue, GNUTranslations) else "en"
    return _Language(catalogue.gettext, catalogue.ngettext, tag)


def _english(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


def _pseudo(text: str) -> str:
    """The message in brackets, with accents, and longer by two fifths; what stands in braces and backticks stays."""
    parts = PLACE.split(text)
    told = "".join(part if place % 2 else part.translate(ACCENTS) for place, part in enumerate(parts))
    return f"⟦{told}{'·' * round(LONGER_BY * len(text))}⟧"
