"""The forms in which a known secret may stand in a text: as it is, quoted, escaped, encoded, or one line of it.

In: the secrets that a build was given. Out: patterns that find them, also where a line's end stands in the middle of one.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from .names import is_everyday_word, is_ordinary
from .shapes import secret_sieve
from .substitutes import substitute

__all__ = ["Forms", "forms_of", "may_stand_anywhere"]

SHORTEST = 4
LONG_ENOUGH = 8
"""A secret of so many characters is found inside of words, too; a shorter one may be a part of an ordinary word."""
SHORTEST_ENCODED = 6
LONGEST_LINE = 4096


class Forms:
    """What to look for. `anywhere` and `alone` are patterns, or None; `secrets` says by the form whose it is."""

    def __init__(self, secrets: frozenset[str]) -> None:
        self.secrets = {form: secret for secret in sorted(secrets) for form in _forms(secret)}
        long: list[str] = []
        short: list[str] = []
        for form in self.secrets:
            (short if len(form) < LONG_ENOUGH and form.isalnum() and form in secrets else long).append(form)
        self.anywhere = _pattern(long)
        self.alone = re.compile(rf"(?<![A-Za-z0-9])(?:{_alternatives(short)})(?![A-Za-z0-9])") if short else None
        self.literals = tuple(self.secrets)
        self.longest = max(map(len, self.secrets), default=0)
        self.beginnings = frozenset(form[:length] for form in long for length in range(SHORTEST, len(form)))
        self._ends_of_beginnings = frozenset(beginning[-SHORTEST:] for beginning in self.beginnings)
        self._sieve: Callable[[bytes], Any] | None = None

    def __bool__(self) -> bool:
        return bool(self.secrets)

    def may_be_in(self, data: bytes) -> bool:
        """Whether it is worth while to look for these, and for what looks like a secret, in a text."""
        if self._sieve is None:
            self._sieve = secret_sieve(self.literals)
        return self._sieve(data) is not None

    def hide(self, text: str) -> str:
        """A text with substitutes for all of these in it."""
        for pattern in (self.anywhere, self.alone):
            if pattern is not None:
                text = pattern.sub(lambda found: substitute(self.secrets[found[0]]), text)
        return text

    def found_anywhere(self, text: str) -> list[tuple[int, int, str]]:
        """Where those stand that are looked for in all text: begin, end, and the secret that each is a form of."""
        found = self.anywhere.finditer(text) if self.anywhere is not None else ()
        return [(one.start(), one.end(), self.secrets[one[0]]) for one in found]

    def begun_at_end(self, text: str) -> int:
        """How many characters at the end of a text are the beginning of a form, the rest of which may come."""
        if text[-SHORTEST:] not in self._ends_of_beginnings:
            return 0
        lengths = range(min(self.longest, len(text)), SHORTEST - 1, -1)
        begun = next((length for length in lengths if text[-length:] in self.beginnings), 0)
        # The end of a form that is there may look like the beginning of another one.
        whole = self.anywhere.finditer(text) if begun and self.anywhere else ()
        return 0 if any(found.end() > len(text) - begun for found in whole) else begun


@lru_cache(maxsize=64)
def forms_of(secrets: frozenset[str]) -> Forms:
    """The forms of these secrets, put together once."""
    return Forms(secrets)


def may_stand_anywhere(secret: str) -> bool:
    """Whether a secret can be looked for in all text: it is not so short or so common that ordinary text would suffer."""
    return len(secret) >= SHORTEST and not is_ordinary("", secret) and not is_everyday_word(secret)


def _pattern(forms: Iterable[str]) -> re.Pattern[str] | None:
    alternatives = _alternatives(forms)
    return re.compile(alternatives) if alternatives else None


def _alternatives(forms: Iterable[str]) -> str:
    """The longest first, since one may begin with another."""
    return "|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form)))


def _forms(secret: str) -> Iterator[str]:
    for line in {secret, *_lines(secret)}:
        if "\n" in line:
            continue
        yield line
        yield from (form for form in _escaped(line) if form != line)
        yield from (form for form in _encoded(line) if len(form) >= SHORTEST_ENCODED)
    if "\n" in secret:
        yield from (form for form in _encoded(secret) if len(form) >= SHORTEST_ENCODED)
        yield from {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe="")}


def _lines(secret: str) -> list[str]:
    lines = [line.strip() for line in secret.splitlines()]
    return [line for line in lines if LONG_ENOUGH <= len(line) <= LONGEST_LINE and not line.startswith("-----")]


def _escaped(secret: str) -> set[str]:
    as_json = json.dumps(secret, ensure_ascii=False)[1:-1]
    in_go = as_json.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    forms = {
        as_json,
        json.dumps(secret)[1:-1],
        in_go,
        json.dumps(as_json, ensure_ascii=False)[1:-1],
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quote(secret, safe="")),
        unquote(secret),
        html.escape(secret),
        html.escape(secret, quote=False),
        secret.replace("'", "'\\''"),
        secret.replace("'", "'\"'\"'"),
        secret.replace("\\", "\\\\").replace("'", "\\'"),
        secret.replace('"', '""'),
        re.sub(r'([\\"$`])', r"\\\1", secret),
        re.sub(r"([^\w@%+=:,./-])", r"\\\1", secret),
    }
    return {form for form in forms if len(form) >= SHORTEST}


def _encoded(secret: str) -> set[str]:
    """Hexadecimal, and base64 wherever in the encoded text the secret begins."""
    data = secret.encode("utf-8", "surrogateescape")
    forms = {data.hex(), data.hex().upper()} if len(data) >= SHORTEST else set()
    for before in range(3):
        # The characters at both ends also hold bits of what stands beside it.
        first, last = -(-8 * before // 6), 8 * (before + len(data)) // 6
        whole = b64encode(b"\0" * before + data).decode()[first:last]
        forms |= {whole, whole.replace("+", "-").replace("/", "_")}
    return forms
