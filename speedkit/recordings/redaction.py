"""Keeps secrets out of recordings: what a build was given, what its files and base images hold, and what looks like one.

In: a build's raw lines, one at a time, and the documents that are kept of it. Out: the same with a keyed hash in place of
each secret (speedkit.secrets). Oddities of the stream: a step's log comes in chunks that are cut anywhere, so a secret may
be cut, too. The redacted log is therefore handed on in whole lines, and what came of a last line without an end is held back
until its end, or the step's, comes.
"""

from __future__ import annotations

import csv
import json
import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from speedkit.secrets import (
    PEM,
    PEM_LONGEST,
    PEM_TEXT,
    find_secrets,
    forms_of,
    hide_spans,
    is_ordinary,
    may_stand_anywhere,
    names_a_secret,
    secrets_of_folder,
    substitute,
)
from speedkit.state import state_home

from .rawjson import read_status

__all__ = ["Redaction", "redaction_of"]

HELD_AT_MOST = 1 << 16
LOOKED_BACK = 1 << 13
"""How far from the end a line that never ends is cut: no token is longer, and few lines are."""
KEPT_TEXTS = 2000
NO_TEXT = frozenset({"digest", "vertex", "inputs", "timestamp", "started", "completed", "stream", "current", "total"})
"""What of a status holds no text of anybody's."""
LINE_END = re.compile(r"[\r\n]")
COLOURED = "\x1b["
COLOUR = re.compile(r"\x1b\[[0-9;:?]{0,64}[@-~]")
COLOUR_BYTES = re.compile(COLOUR.pattern.encode())
ADDRESS_NAMES = ("PROXY", "URL", "URI", "DSN", "CONNECTION", "CONNECTIONSTRING")
SHORTEST_OF_ENVIRONMENT = 8


@dataclass(slots=True)
class _Log:
    """What a step printed and was not handed on yet. key_bytes: how much came since a private key began, if one did."""

    held: list[bytes] = field(default_factory=list)
    held_bytes: int = 0
    entry: dict[str, Any] = field(default_factory=dict)
    key_bytes: int | None = None


class Redaction:
    """What to take out of one build's lines and documents.

    dockerfile: its text, which may hold secrets itself.
    """

    def __init__(
        self,
        build_args: Mapping[str, str],
        environment: Mapping[str, str],
        cache_options: Sequence[str] = (),
        *,
        dockerfile: str = "",
    ) -> None:
        self._secrets: set[str] = set()
        self._forms = forms_of(frozenset())
        self._texts: dict[str, str] = {}
        self._logs: dict[str, _Log] = {}
        self._protected = _words_of_from_lines(dockerfile)
        for option in cache_options:
            self._learn_pairs(_attributes(option))
        self._learn_pairs(build_args.items())
        self._learn_pairs((name, value) for name, value in environment.items() if _of_interest(name, value))
        self._learn(_values(dockerfile))
        self._settle()

    # What is a secret

    def learn_folder(self, folder: Path) -> None:
        """Take in what a build context's `.env` files, keys and the like hold."""
        self._learn(secrets_of_folder(folder))
        self._settle()

    def learn_bases(self, bases: Mapping[str, Mapping[str, Any]]) -> None:
        """Take in what base images hold: in their environment, which steps print, and in their ONBUILD triggers."""
        for base in bases.values():
            self._learn_pairs(
                (name, value) for name, _, value in (pair.partition("=") for pair in base.get("environment") or ())
            )
            for trigger in base.get("on_build") or ():
                self._learn(_values(trigger))
        self._settle()

    def _learn_pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        for name, value in pairs:
            if value and names_a_secret(name) and not is_ordinary(name, value):
                self._learn([value])
            if name.upper().endswith("PROXY") and "://" not in value:
                # A proxy's address needs no scheme.
                self._learn(_values(f"http://{value}"))
            self._learn(_values(value))

    def _learn(self, secrets: Iterable[str]) -> None:
        for secret in secrets:
            parts = [secret, *_passwords(secret)]
            self._secrets.update(part for part in parts if may_stand_anywhere(part) and part not in self._protected)

    def _settle(self) -> None:
        self._forms = forms_of(frozenset(self._secrets))
        # Another thread may be at a text with the old forms: what it finds goes into the old dictionary.
        self._texts = {}

    # Texts and documents

    def text(self, text: str) -> str:
        """A text without secrets; as many lines as before."""
        texts = self._texts
        if (kept := texts.get(text)) is not None:
            return kept
        hidden = hide_spans(self._without_known(text), find_secrets)
        if COLOURED in hidden:
            hidden = _through(hidden, COLOUR, self._forms.spans_anywhere)
            hidden = _through(hidden, COLOUR, _looking_like_secrets)
        if len(text) < HELD_AT_MOST:
            if len(texts) >= KEPT_TEXTS:
                texts.clear()
            texts[text] = hidden
        return hidden

    def build_args(self, build_args: Mapping[str, str]) -> dict[str, str]:
        return {name: self._value(name, value) for name, value in build_args.items()}

    def environment(self, pairs: Iterable[str]) -> list[str]:
        """`NAME=value` pairs without secrets."""
        split = (pair.partition("=") for pair in pairs)
        return [f"{name}={self._value(name, value)}" if equals else self.text(name) for name, equals, value in split]

    def _value(self, name: str, value: str) -> str:
        if value and names_a_secret(name) and not is_ordinary(name, value):
            return substitute(value)
        if name.upper().endswith("PROXY") and value and "://" not in value:
            return self.text(f"http://{value}").removeprefix("http://")
        return self.text(value)

    def cache_option(self, option: str) -> str:
        """One `--cache-from` or `--cache-to`, without the secrets."""
        pairs = [(name, self._value(name, value)) for name, value in _attributes(option)]
        return ",".join(f"{name}={value}" if name else value for name, value in pairs)

    def facts(self, bases: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """What a recording keeps of base images, by their names, which stay."""
        return {name: self._facts(base) for name, base in bases.items()}

    def _facts(self, base: Mapping[str, Any]) -> dict[str, Any]:
        lists: dict[str, Callable[[list[str]], list[str]]] = {
            "environment": self.environment,
            "on_build": lambda triggers: [*map(self.text, triggers)],
            "shell": lambda words: [*map(self.text, words)],
        }
        return {key: lists[key](value) if key in lists and value else value for key, value in base.items()}

    def document(self, found: Any) -> Any:
        """A JSON document without the secrets."""
        if isinstance(found, dict):
            return {key: value if key in NO_TEXT else self.document(value) for key, value in found.items()}
        if isinstance(found, list):
            return [self.document(entry) for entry in found]
        return self.text(found) if isinstance(found, str) else found

    def _without_known(self, text: str) -> str:
        forms = self._forms
        if not forms:
            return text
        text = forms.hide(text)
        return _through(text, LINE_END, forms.spans_anywhere) if "\n" in text or "\r" in text else text

    # The stream

    def line(self, line: bytes) -> bytes:
        """One raw line by itself; the very same when it holds no secret."""
        lines = [*self.lines(line), *self.rest()]
        return lines[0] if len(lines) == 1 else b"".join(lines)

    def lines(self, line: bytes) -> list[bytes]:
        """What to keep of a raw line, and of what was held back before it."""
        if self._is_harmless(line):
            return [line]
        status = read_status(line)
        if status is None:
            hidden = self.text(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
            return [line if hidden == line else hidden]
        before = [self._flushed(digest) for digest in _ended(status)]
        hidden_status = {key: self._entries(key, value) for key, value in status.items()}
        same = hidden_status == status
        kept = line if same else json.dumps(hidden_status, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n"
        is_empty = not same and not any(hidden_status.values())
        return [*filter(None, before), *([] if is_empty else [kept])]

    def _is_harmless(self, line: bytes) -> bool:
        """Whether a line can be kept unread: most say how far a transfer has come."""
        has_text = b'"logs"' in line or b'"warnings"' in line
        ends_a_log = b'"completed"' in line and any(log.held for log in self._logs.values())
        return not has_text and not ends_a_log and not self._forms.may_be_in(line)

    def rest(self) -> list[bytes]:
        """What is held back still, when no more comes."""
        return [*filter(None, [self._flushed(digest) for digest in list(self._logs)])]

    def _entries(self, key: str, entries: Any) -> Any:
        if key == "logs" and isinstance(entries, list):
            logs = (self._log(entry) if isinstance(entry, dict) else entry for entry in entries)
            return [entry for entry in logs if entry is not None]
        if key == "warnings":
            return _with_base64(entries, self.text)
        return self.document(entries)

    def _log(self, entry: dict[str, Any]) -> dict[str, Any] | None:
        """A log entry with the lines that are whole now; None where there are none."""
        data = _decoded(entry.get("data"))
        if data is None:
            return entry
        log = self._logs.setdefault(str(entry.get("vertex")), _Log())
        log.entry = entry
        log.held.append(data)
        log.held_bytes += len(data)
        is_whole = data.endswith((b"\n", b"\r"))
        if not is_whole and b"\n" not in data and b"\r" not in data and log.held_bytes < HELD_AT_MOST:
            return None
        held = b"".join(log.held)
        end = self._end_of_whole(held)
        log.held, log.held_bytes = ([held[end:]] if end < len(held) else []), len(held) - end
        hidden = self._hidden(held[:end], log)
        if not hidden:
            return None
        return entry if hidden == data else entry | {"data": b2a_base64(hidden, newline=False).decode()}

    def _end_of_whole(self, held: bytes) -> int:
        """Up to where a log can be handed on: a line's end, unless a secret may have begun before it."""
        end = max(held.rfind(b"\n"), held.rfind(b"\r")) + 1
        if len(held) - end >= HELD_AT_MOST:
            end = _cut_of_long_line(held, end)
        if not self._forms:
            return end
        tail = held[max(0, end - 2 * self._forms.longest) : end].decode("utf-8", "surrogateescape")
        begun = self._forms.begun_at_end(tail.replace("\n", "").replace("\r", ""))
        if not begun or len(held) > 2 * HELD_AT_MOST:
            return end
        # Its characters are in the last lines: those are kept whole.
        taken = place = 0
        for place in range(len(tail) - 1, -1, -1):
            taken += tail[place] not in "\r\n"
            if taken == begun:
                break
        return end - len(tail[place:].encode("utf-8", "surrogateescape"))

    def _hidden(self, data: bytes, log: _Log) -> bytes:
        if not data or (log.key_bytes is None and not self._may_hold(data)):
            return data
        text = data.decode("utf-8", "surrogateescape")
        if log.key_bytes is not None:
            text = _continued_key(text, log)
        hidden = self.text(text)
        begun = next(reversed([*PEM.finditer(hidden)]), None)
        if begun is not None and "-----" not in hidden[begun.end() :]:
            log.key_bytes = len(hidden) - begun.end()
        return hidden.encode("utf-8", "surrogateescape")

    def _may_hold(self, data: bytes) -> bool:
        forms = self._forms
        if forms.may_be_in(data):
            return True
        if COLOURED.encode() in data and forms.may_be_in(COLOUR_BYTES.sub(b"", data)):
            return True
        return bool(forms) and b"\n" in data[:-1] and forms.may_be_in(data.replace(b"\n", b"").replace(b"\r", b""))

    def _flushed(self, digest: str) -> bytes | None:
        """A line with what is held back of a step's log."""
        log = self._logs.pop(digest, None)
        if log is None or not log.held:
            return None
        data = b2a_base64(self._hidden(b"".join(log.held), log), newline=False).decode()
        return json.dumps({"logs": [log.entry | {"data": data}]}, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n"


def redaction_of(build_args: Mapping[str, str], environment: Mapping[str, str], dockerfile: str) -> Redaction:
    """A redaction that is put together once for the same Dockerfile: while somebody types, it is asked for again and again."""
    interesting = tuple(pair for pair in environment.items() if _of_interest(*pair))
    return _kept_redaction(tuple(build_args.items()), interesting, dockerfile, state_home())


@lru_cache(maxsize=16)
def _kept_redaction(
    build_args: tuple[tuple[str, str], ...], environment: tuple[tuple[str, str], ...], dockerfile: str, _key: Path
) -> Redaction:
    return Redaction(dict(build_args), dict(environment), dockerfile=dockerfile)


def _values(text: str) -> list[str]:
    return [text[start:end] for start, end in find_secrets(text)]


def _passwords(secret: str) -> Iterator[str]:
    """The password in `user:password`, also where both are in base64."""
    decoded = _decoded(secret) or b""
    plain = decoded.decode("ascii", "replace") if decoded.isascii() else ""
    for pair in (secret, *([plain, plain.partition(":")[2]] if ":" in plain and plain.isprintable() else [])):
        _, colon, password = pair.partition(":")
        if colon and not password.startswith("//"):
            yield password
            yield pair


def _of_interest(name: str, value: str) -> bool:
    """Whether a variable of this process is looked at: one that names a secret, or an address."""
    words = name.upper().replace("-", "_").split("_")
    return (len(value) >= SHORTEST_OF_ENVIRONMENT and names_a_secret(name)) or words[-1] in ADDRESS_NAMES


@lru_cache(maxsize=64)
def _words_of_from_lines(dockerfile: str) -> frozenset[str]:
    """Names of images and stages: a password that is such a word would take them with it."""
    lines = (line for line in dockerfile.splitlines() if line.lstrip()[:5].upper() == "FROM ")
    words = chain.from_iterable(line.split() for line in lines)
    return frozenset(part for word in words for part in (word, *word.replace(":", "/").split("/")))


def _attributes(option: str) -> list[tuple[str, str]]:
    """`type=s3,region=x` as pairs; an image's name alone is a pair without a name. Values with a comma stand in quotes."""
    try:
        parts = next(csv.reader([option], strict=True), [])
    except csv.Error:
        parts = option.split(",")
    pairs = (part.partition("=") for part in parts)
    return [(name.strip(), value) if equals else ("", name) for name, equals, value in pairs]


def _through(text: str, gap: re.Pattern[str], find: Callable[[str], Sequence[tuple[int, int, str]]]) -> str:
    """A text without the secrets that something cuts in pieces, such as a line's end.

    gap: what cuts; it stays, behind the substitute, so that lines keep their numbers and colours end. find: gives begin, end
    and secret for a text without gaps.
    """
    bare = gap.sub("", text)
    spans = find(bare)
    if not spans:
        return text
    places: list[int] = []
    reached = 0
    for cut in gap.finditer(text):
        places += range(reached, cut.start())
        reached = cut.end()
    places += range(reached, len(text))
    parts, reached = [], 0
    for start, end, secret in spans:
        first, last = places[start], places[end - 1] + 1
        parts += [text[reached:first], substitute(secret), *gap.findall(text, first, last)]
        reached = last
    return "".join([*parts, text[reached:]])


def _looking_like_secrets(text: str) -> list[tuple[int, int, str]]:
    return [(start, end, text[start:end]) for start, end in find_secrets(text)]


def _cut_of_long_line(held: bytes, begin: int) -> int:
    """Where a line without an end is cut: between words, and in no secret."""
    cut = max(held.rfind(b" ", begin, len(held) - LOOKED_BACK), begin) or len(held) - LOOKED_BACK
    first = max(0, cut - LOOKED_BACK)
    window = held[first : cut + LOOKED_BACK].decode("latin-1")
    for start, end in find_secrets(window):
        if start < cut - first < end:
            return max(first + start, 1)
    return cut


def _continued_key(text: str, log: _Log) -> str:
    """The lines of a private key that began in an earlier chunk."""
    end = text.find("-----")
    body = text if end < 0 else text[:end]
    log.key_bytes = None if end >= 0 or (log.key_bytes or 0) > PEM_LONGEST else (log.key_bytes or 0) + len(text)
    return PEM_TEXT.sub(lambda found: substitute(found[0]), body) + text[len(body) :]


def _ended(status: Mapping[str, Any]) -> list[str]:
    """Digests of the vertices that a status says have ended."""
    found = status.get("vertexes")
    entries = found if isinstance(found, list) else []
    return [str(entry.get("digest")) for entry in entries if isinstance(entry, dict) and entry.get("completed")]


def _with_base64(entries: Any, hide: Callable[[str], str], key: str = "") -> Any:
    """Warnings, the texts of which are base64: what is wrong, and the whole Dockerfile."""
    if isinstance(entries, dict):
        return {name: value if name in NO_TEXT else _with_base64(value, hide, name) for name, value in entries.items()}
    if isinstance(entries, list):
        return [_with_base64(entry, hide, key) for entry in entries]
    if not isinstance(entries, str):
        return entries
    data = _decoded(entries) if key in ("short", "detail", "data") else None
    if data is None:
        return hide(entries)
    plain = data.decode("utf-8", "surrogateescape")
    hidden = hide(plain)
    return entries if hidden == plain else b2a_base64(hidden.encode("utf-8", "surrogateescape"), newline=False).decode()


def _decoded(data: Any) -> bytes | None:
    try:
        return a2b_base64(data, strict_mode=True) if isinstance(data, str) else None
    except (Base64Error, ValueError):
        return None
