"""The forms in which a secret of a build may appear in a text: as it is, quoted, escaped, encoded, or one line of it.

In: the secrets. Out: patterns that match all their forms.
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
"""A secret of so many characters is also hidden inside words; a shorter one may be part of an ordinary word."""
SHORTEST_ENCODED = 6
"""Fewer characters of base64 or hexadecimal appear in ordinary text by chance."""
LONGEST_LINE = 4096


class Forms:
    """Patterns for a set of secrets.

    secrets: from each form to its secret. anywhere: a pattern for forms that may be part of a word, or None.
    alone: a pattern for short forms, which count only between characters that are no letters or digits, or None.
    longest: characters of the longest form. beginnings: of all forms in `anywhere`, without the whole forms.
    """

    def __init__(self, secrets: frozenset[str]) -> None:
        self.secrets = {form: secret for secret in sorted(secrets) for form in _forms(secret)}
        long: list[str] = []
        short: list[str] = []
        for form in self.secrets:
            (short if len(form) < LONG_ENOUGH and form.isalnum() and form in secrets else long).append(form)
        self.anywhere = re.compile(_alternatives(long)) if long else None
        self.alone = re.compile(rf"(?<![A-Za-z0-9])(?:{_alternatives(short)})(?![A-Za-z0-9])") if short else None
        self.literals = tuple(self.secrets)
        self.longest = max(map(len, self.secrets), default=0)
        self.beginnings = frozenset(form[:length] for form in long for length in range(SHORTEST, len(form)))
        self._ends_of_beginnings = frozenset(beginning[-SHORTEST:] for beginning in self.beginnings)
        self._sieve: Callable[[bytes], Any] | None = None

    def __bool__(self) -> bool:
        return bool(self.secrets)

    def may_be_in(self, data: bytes) -> bool:
        """False when a text holds none of these forms and nothing that looks like a secret; one quick pass."""
        if self._sieve is None:
            self._sieve = secret_sieve(self.literals)
        return self._sieve(data) is not None

    def hide(self, text: str) -> str:
        """The text with substitutes for all these forms."""
        for pattern in (self.anywhere, self.alone):
            if pattern is not None:
                text = pattern.sub(lambda form: substitute(self.secrets[form[0]]), text)
        return text

    def spans_anywhere(self, text: str) -> list[tuple[int, int, str]]:
        """Start, end and secret of each form in a text that may be part of a word."""
        forms = self.anywhere.finditer(text) if self.anywhere is not None else ()
        return [(form.start(), form.end(), self.secrets[form[0]]) for form in forms]

    def begun_at_end(self, text: str) -> int:
        """How many characters at the end of a text are the beginning of a form; the next chunk may bring the rest."""
        # Most chunks end here: one look in a set, instead of one for each length.
        if text[-SHORTEST:] not in self._ends_of_beginnings:
            return 0
        lengths = range(min(self.longest, len(text)), SHORTEST - 1, -1)
        begun = next((length for length in lengths if text[-length:] in self.beginnings), 0)
        # The end of a whole form may look like the beginning of another one.
        whole_forms = self.anywhere.finditer(text) if begun and self.anywhere else ()
        return 0 if any(form.end() > len(text) - begun for form in whole_forms) else begun


@lru_cache(maxsize=64)
def forms_of(secrets: frozenset[str]) -> Forms:
    """The forms of these secrets; equal sets share one object and its compiled patterns."""
    return Forms(secrets)


def may_stand_anywhere(secret: str) -> bool:
    """Whether a secret can be hidden wherever it appears: a short or common word would damage ordinary text."""
    return len(secret) >= SHORTEST and not is_ordinary("", secret) and not is_everyday_word(secret)


def _alternatives(forms: Iterable[str]) -> str:
    """One expression for all forms. The longest comes first, since one may begin with another."""
    return "|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form)))


def _forms(secret: str) -> Iterator[str]:
    # A log may show one line of a secret, but the first and last lines of a PEM file are no secrets.
    stripped = [line.strip() for line in secret.splitlines()]
    lines = [line for line in stripped if LONG_ENOUGH <= len(line) <= LONGEST_LINE and not line.startswith("-----")]
    for line in {secret, *lines}:
        if "\n" in line:
            continue
        yield line
        yield from (form for form in _escaped(line) if form != line)
        yield from (form for form in _encoded(line) if len(form) >= SHORTEST_ENCODED)
    if "\n" in secret:
        yield from (form for form in _encoded(secret) if len(form) >= SHORTEST_ENCODED)
        yield from {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe="")}


def _escaped(secret: str) -> set[str]:
    """The secret as JSON, URLs, HTML, shells and CSV escape it."""
    as_json = json.dumps(secret, ensure_ascii=False)[1:-1]
    # Go's encoder escapes these three as well (encoding/json, SetEscapeHTML); Docker and BuildKit write JSON with it.
    json_of_go = as_json.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    forms = {
        as_json,
        json.dumps(secret)[1:-1],
        json_of_go,
        json.dumps(as_json, ensure_ascii=False)[1:-1],  # a log line inside of JSON may be JSON itself
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        re.sub(r"%[0-9A-F]{2}", lambda byte: byte[0].lower(), quote(secret, safe="")),
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
    """The secret in hexadecimal, and in base64, plain or for URLs. Base64 packs three bytes into four characters, so a
    secret has three forms: they differ by how many bytes stand before it.
    """
    data = secret.encode("utf-8", "surrogateescape")
    forms = {data.hex(), data.hex().upper()} if len(data) >= SHORTEST else set()
    for before in range(3):
        # The characters at both ends also hold bits of neighbouring bytes, which are unknown: they are left out.
        first, last = -(-8 * before // 6), 8 * (before + len(data)) // 6
        characters = b64encode(b"\0" * before + data).decode()[first:last]
        forms |= {characters, characters.replace("+", "-").replace("/", "_")}
    return forms
