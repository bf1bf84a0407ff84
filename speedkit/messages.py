"""Messages for readers: every sentence and label passes through here, and is translated here.

A message is a whole sentence or a whole label. Its values have named places, so a translation can put them in its own order.
Where a number decides the form, both English forms stand side by side. Names, paths, commands and the words of BuildKit and of
compilers are not translated: they are values.

The English text is the message's id. Other languages are catalogues of gettext in `speedkit/catalogues`; `make catalogue`
collects the messages there. The language is looked up once, for the first message, and again after `speak`. With `en-XA`, each
message is marked and made longer: this shows texts that did not pass through here, and places on a page that are too small.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from speedkit.chinese_spacing import filled_in_chinese
from speedkit.reader_language import VARIABLE, reader_language

__all__ = [
    "CATALOGUES",
    "DOMAIN",
    "PSEUDO",
    "Labels",
    "capital",
    "catalogue_name",
    "catalogue_names",
    "clauses",
    "facts_in_one",
    "for_page",
    "join_names",
    "language_tag",
    "listed",
    "marked",
    "message",
    "plural",
    "sentences",
    "speak",
    "translate",
]

CATALOGUES = Path(__file__).with_name("catalogues")
DOMAIN = "speedkit"
Key = TypeVar("Key")
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
    return _filled(language, language.translate(text), text, values)


class Labels(Mapping[Key, str]):
    """Labels by key, each in the reader's language of the moment. texts: by key, the `marked` English ones."""

    def __init__(self, texts: Mapping[Key, str]) -> None:
        self._texts = texts

    def __getitem__(self, key: Key) -> str:
        return message(self._texts[key])

    def __iter__(self) -> Iterator[Key]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def plural(one: str, many: str, count: int, /, **values: object) -> str:
    """The message in the form that a number needs in the reader's language; `{count}` is the number."""
    language = _language()
    return _filled(language, language.choose(one, many, count), _english(one, many, count), {"count": count} | values)


def _filled(language: _Language, translated: str, text: str, values: Mapping[str, object]) -> str:
    """A translation with its values; the English text where the translation names a value that there is not."""
    # A slip in a catalogue must not end a program, least of all inside of an error message.
    try:
        return filled_in_chinese(translated, values) if language.tag.startswith("zh") else translated.format(**values)
    except (LookupError, ValueError):
        return text.format(**values)


def marked(text: str, /) -> str:
    """The same text, marked for the catalogue: a constant that `message` translates later."""
    return text


def translate(text: str, /) -> str:
    """A `marked` text in the reader's language, with its places still open."""
    return _language().translate(text)


def join_names(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, c and 4 more`."""
    if len(names) < 2:
        return "".join(names)
    if len(names) > NAMED_AT_MOST:
        shown = listed(names[:NAMED_AT_MOST])
        return plural("{names} and {count:,} more", "{names} and {count:,} more", len(names) - NAMED_AT_MOST, names=shown)
    return message("{names} and {last}", names=listed(names[:-1]), last=names[-1])


def listed(names: Iterable[str]) -> str:
    """`a, b, c`: names, however many."""
    return message("{name}, {next_name}", name="", next_name="").join(names)


def facts_in_one(facts: Iterable[str]) -> str:
    """`cached, 3 s`: facts about the same thing."""
    return message("{fact}, {next_fact}", fact="", next_fact="").join(facts)


def clauses(parts: Iterable[str]) -> str:
    """`a; b; c`: parts of a sentence, each of which could stand alone."""
    return message("{clause}; {next_clause}", clause="", next_clause="").join(parts)


def sentences(parts: Iterable[str]) -> str:
    """`A. B. C.`: whole sentences. Between Chinese ones there is no space."""
    return message("{sentence} {next_sentence}", sentence="", next_sentence="").join(parts)


def capital(text: str) -> str:
    """The text with a capital first letter, for the beginning of a sentence. In Chinese, a Latin word there is a name."""
    return text if language_tag().startswith("zh") else text[:1].upper() + text[1:]


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


def speak(name: str) -> None:
    """From now on, this process and those that it starts say their messages in this language."""
    os.environ[VARIABLE] = name
    _language.cache_clear()


def catalogue_names() -> list[str]:
    """The names of all catalogues, sorted, such as `zh_CN`."""
    return sorted(path.parent.parent.name for path in CATALOGUES.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))


def catalogue_name(name: str) -> str | None:
    """The catalogue for a language, such as `zh_CN` for `zh-CN`, `zh_CN.UTF-8`, `zh-Hans` and `zh`; None without one."""
    wanted = re.sub(r"[.@].*", "", name).replace("-", "_").lower().replace("_hans", "")
    # A language without a country takes any of its catalogues. Another country's may be in another script.
    return next((there for there in catalogue_names() if wanted in (there.lower(), there.lower().partition("_")[0])), None)


@lru_cache(maxsize=1)
def _language() -> _Language:
    name = reader_language()
    if name == PSEUDO:
        return _Language(_pseudo, lambda one, many, count: _pseudo(_english(one, many, count)), PSEUDO)
    # English needs no gettext, and importing it takes time.
    if not name or re.match(r"en\b|C\b|POSIX", name.replace("_", "-")) or not (chosen := catalogue_name(name)):
        return _Language(str, _english)
    from gettext import translation

    catalogue = translation(DOMAIN, CATALOGUES, languages=[chosen])
    return _Language(catalogue.gettext, catalogue.ngettext, chosen.replace("_", "-"))


def _english(one: str, many: str, count: int) -> str:
    return one if count == 1 else many


def _pseudo(text: str) -> str:
    """The message in brackets, with accents, and longer by two fifths. Values in braces and code in backticks stay."""
    # `split` gives the text between the matches of PLACE at even places, the matches at odd ones.
    parts = PLACE.split(text)
    accented = "".join(part if place % 2 else part.translate(ACCENTS) for place, part in enumerate(parts))
    return f"⟦{accented}{'·' * round(LONGER_BY * len(text))}⟧"
