"""Keeps secrets out of recordings: those of build args, the build context and base images, and texts that look like one.

In: a build's raw lines, one at a time, and the documents that a recording keeps. Out: the same with a keyed hash in place of
each secret (speedkit.secrets). An oddity of the stream: a step's log comes in chunks that are cut anywhere, so a secret may be
cut as well. Therefore the log is handed on in whole lines. The beginning of a line is held back until its end comes, or the end
of its step.
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
    secrets_in_value,
    secrets_of_folder,
    substitute,
)
from speedkit.state import state_home

from .rawjson import read_status

__all__ = ["Redaction", "redaction_of"]

HELD_AT_MOST = 1 << 16
"""The bytes of one line that are held back: a program may print for ever without a line's end."""
LOOKED_BACK = 1 << 13
"""How far from the end a line that never ends is cut: no token is longer, and few lines are."""
KEPT_TEXTS = 2000
"""How many redacted texts are kept: BuildKit repeats the names of vertices in many lines."""
NO_TEXT = frozenset({"digest", "vertex", "inputs", "timestamp", "started", "completed", "stream", "current", "total"})
"""Fields of a status that hold no text of a user or a program."""
LINE_END = re.compile(r"[\r\n]")
COLOURED = "\x1b["
COLOUR = re.compile(r"\x1b\[[0-9;:?]{0,64}[@-~]")
COLOUR_BYTES = re.compile(COLOUR.pattern.encode())
ADDRESS_NAMES = ("PROXY", "URL", "URI", "DSN", "CONNECTION", "CONNECTIONSTRING")
SHORTEST_OF_ENVIRONMENT = 8


@dataclass(slots=True)
class _Log:
    """The part of a step's log that is held back.

    key_bytes: the bytes since the beginning of a private key; None outside of one. entry: the last entry, as a frame for more.
    """

    held: list[bytes] = field(default_factory=list)
    held_bytes: int = 0
    entry: dict[str, Any] = field(default_factory=dict)
    key_bytes: int | None = None


class Redaction:
    """Takes the secrets out of one build's lines and documents.

    dockerfile: its text, which may hold secrets itself. secret_values: of the build's `--secret`s, which steps may print.
    """

    def __init__(
        self,
        build_args: Mapping[str, str],
        environment: Mapping[str, str],
        cache_options: Sequence[str] = (),
        *,
        dockerfile: str = "",
        secret_values: Iterable[str] = (),
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
        for value in secret_values:
            self._learn(secrets_in_value(value))
        self._settle()

    # What is a secret

    def learn_folder(self, folder: Path) -> None:
        """Add the secrets in a build context's `.env` files, keys and similar files."""
        self._learn(secrets_of_folder(folder))
        self._settle()

    def learn_bases(self, bases: Mapping[str, Mapping[str, Any]]) -> None:
        """Add the secrets of base images: in their environment, which steps may print, and in their ONBUILD triggers."""
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
                # A proxy's address may lack its scheme, without which a password in it is not recognized.
                self._learn(_values(f"http://{value}"))
            self._learn(_values(value))

    def _learn(self, secrets: Iterable[str]) -> None:
        for secret in secrets:
            parts = [secret, *_passwords(secret)]
            self._secrets.update(part for part in parts if may_stand_anywhere(part) and part not in self._protected)

    def _settle(self) -> None:
        self._forms = forms_of(frozenset(self._secrets))
        # A new dictionary: another thread may be redacting with the old forms, and puts its result into the old one.
        self._texts = {}

    # Texts and documents

    def text(self, text: str) -> str:
        """A text without secrets. It has as many lines as before, so that line numbers stay right."""
        texts, forms = self._texts, self._forms
        if (kept := texts.get(text)) is not None:
            return kept
        hidden = text
        if forms:
            hidden = forms.hide(text)
            if "\n" in hidden or "\r" in hidden:
                # A program may wrap its lines within a secret.
                hidden = _through(hidden, LINE_END, forms.spans_anywhere)
        hidden = hide_spans(hidden, find_secrets)
        if COLOURED in hidden:
            # A program may change its colour within a secret.
            hidden = _through(hidden, COLOUR, self._forms.spans_anywhere)
            hidden = _through(hidden, COLOUR, lambda bare: [(start, end, bare[start:end]) for start, end in find_secrets(bare)])
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

    def base_facts(self, bases: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """The facts of base images without secrets, by their names, which stay as they are."""
        lists: dict[str, Callable[[list[str]], list[str]]] = {
            "environment": self.environment,
            "on_build": lambda triggers: [*map(self.text, triggers)],
            "shell": lambda words: [*map(self.text, words)],
        }
        return {
            name: {key: lists[key](value) if key in lists and value else value for key, value in base.items()}
            for name, base in bases.items()
        }

    def document(self, part: Any) -> Any:
        """A JSON document, or a part of one, without the secrets."""
        if isinstance(part, dict):
            return {key: value if key in NO_TEXT else self.document(value) for key, value in part.items()}
        if isinstance(part, list):
            return [self.document(entry) for entry in part]
        return self.text(part) if isinstance(part, str) else part

    # The stream

    def line(self, line: bytes) -> bytes:
        """One raw line by itself, without secrets; the same object when it holds none."""
        lines = [*self.lines(line), *self.rest()]
        return lines[0] if len(lines) == 1 else b"".join(lines)

    def lines(self, line: bytes) -> list[bytes]:
        """The lines to keep in place of one raw line; before them, the log that was held back for a step that ends here."""
        # Most lines say how far a transfer has come. They are kept unread.
        has_text = b'"logs"' in line or b'"warnings"' in line
        ends_a_log = b'"completed"' in line and any(log.held for log in self._logs.values())
        if not has_text and not ends_a_log and not self._forms.may_be_in(line):
            return [line]
        status = read_status(line)
        if status is None:
            hidden = self.text(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
            return [line if hidden == line else hidden]
        vertices = status.get("vertexes")
        before = [
            self._flushed(str(vertex.get("digest")))
            for vertex in (vertices if isinstance(vertices, list) else [])
            if isinstance(vertex, dict) and vertex.get("completed")
        ]
        hidden_status = {key: self._entries(key, value) for key, value in status.items()}
        same = hidden_status == status
        kept = line if same else json.dumps(hidden_status, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n"
        # A status whose logs are all held back has nothing left to keep.
        is_empty = not same and not any(hidden_status.values())
        return [*filter(None, before), *([] if is_empty else [kept])]

    def rest(self) -> list[bytes]:
        """The lines that are still held back, when no more come."""
        return [*filter(None, [self._flushed(digest) for digest in list(self._logs)])]

    def _entries(self, key: str, entries: Any) -> Any:
        if key == "logs" and isinstance(entries, list):
            logs = (self._log(entry) if isinstance(entry, dict) else entry for entry in entries)
            return [entry for entry in logs if entry is not None]
        if key == "warnings":
            return _with_base64(entries, self.text)
        return self.document(entries)

    def _log(self, entry: dict[str, Any]) -> dict[str, Any] | None:
        """A log entry with the lines that are whole by now; None where there are none."""
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
        """How much of a log can be handed on: up to a line's end, unless a secret may have begun before it."""
        end = max(held.rfind(b"\n"), held.rfind(b"\r")) + 1
        if len(held) - end >= HELD_AT_MOST:
            end = _cut_of_long_line(held, end)
        if not self._forms:
            return end
        tail = held[max(0, end - 2 * self._forms.longest) : end].decode("utf-8", "surrogateescape")
        begun = self._forms.begun_at_end(tail.replace("\n", "").replace("\r", ""))
        if not begun or len(held) > 2 * HELD_AT_MOST:
            return end
        # Back over as many characters as the secret has so far, without counting the ends of lines in it.
        passed = place = 0
        for place in range(len(tail) - 1, -1, -1):
            passed += tail[place] not in "\r\n"
            if passed == begun:
                break
        return end - len(tail[place:].encode("utf-8", "surrogateescape"))

    def _hidden(self, data: bytes, log: _Log) -> bytes:
        if not data or (log.key_bytes is None and not self._may_hold(data)):
            return data
        text = data.decode("utf-8", "surrogateescape")
        if log.key_bytes is not None:
            # The lines of a private key that began in an earlier chunk, up to the dashes that end it.
            end = text.find("-----")
            body, key_bytes = (text if end < 0 else text[:end]), log.key_bytes
            log.key_bytes = None if end >= 0 or key_bytes > PEM_LONGEST else key_bytes + len(text)
            text = PEM_TEXT.sub(lambda match: substitute(match[0]), body) + text[len(body) :]
        hidden = self.text(text)
        begun = next(reversed([*PEM.finditer(hidden)]), None)
        if begun is not None and "-----" not in hidden[begun.end() :]:
            log.key_bytes = len(hidden) - begun.end()
        return hidden.encode("utf-8", "surrogateescape")

    def _may_hold(self, data: bytes) -> bool:
        # Most pieces of a log hold no secret, and need not be decoded.
        forms = self._forms
        if forms.may_be_in(data):
            return True
        if COLOURED.encode() in data and forms.may_be_in(COLOUR_BYTES.sub(b"", data)):
            return True
        return bool(forms) and b"\n" in data[:-1] and forms.may_be_in(data.replace(b"\n", b"").replace(b"\r", b""))

    def _flushed(self, digest: str) -> bytes | None:
        """A line with the part of a step's log that is held back; None where there is none."""
        log = self._logs.pop(digest, None)
        if log is None or not log.held:
            return None
        data = b2a_base64(self._hidden(b"".join(log.held), log), newline=False).decode()
        return json.dumps({"logs": [log.entry | {"data": data}]}, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n"


def redaction_of(build_args: Mapping[str, str], environment: Mapping[str, str], dockerfile: str) -> Redaction:
    """The redaction for a Dockerfile. It is kept, because a forecast while typing needs it again at each key press."""
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
    """The password in `user:password`, also where both are in base64, as in the header of HTTP's basic authentication."""
    decoded = _decoded(secret) or b""
    plain = decoded.decode("ascii", "replace") if decoded.isascii() else ""
    for pair in (secret, *([plain, plain.partition(":")[2]] if ":" in plain and plain.isprintable() else [])):
        _, colon, password = pair.partition(":")
        if colon and not password.startswith("//"):
            yield password
            yield pair


def _of_interest(name: str, value: str) -> bool:
    """Whether a variable of this process may hold a secret: its name is that of a secret or of an address."""
    words = name.upper().replace("-", "_").split("_")
    return (len(value) >= SHORTEST_OF_ENVIRONMENT and names_a_secret(name)) or words[-1] in ADDRESS_NAMES


@lru_cache(maxsize=64)
def _words_of_from_lines(dockerfile: str) -> frozenset[str]:
    """The names of images and stages. Where a password is one of these words, hiding it would hide them as well."""
    lines = (line for line in dockerfile.splitlines() if line.lstrip()[:5].upper() == "FROM ")
    words = chain.from_iterable(line.split() for line in lines)
    return frozenset(part for word in words for part in (word, *word.replace(":", "/").split("/")))


def _attributes(option: str) -> list[tuple[str, str]]:
    """The pairs of `type=s3,region=x`; the name of an image alone is a pair without a name.

    buildx reads the text as a line of CSV, so a value with a comma stands in quotes.
    """
    try:
        parts = next(csv.reader([option], strict=True), [])
    except csv.Error:
        parts = option.split(",")
    pairs = (part.partition("=") for part in parts)
    return [(name.strip(), value) if equals else ("", name) for name, equals, value in pairs]


def _through(text: str, gap: re.Pattern[str], find: Callable[[str], Sequence[tuple[int, int, str]]]) -> str:
    """A text without the secrets that are cut into pieces, such as by a line's end.

    gap: matches what cuts. It stays, after the substitute, so that lines keep their numbers and colours end. find: gives begin,
    end and secret for a text without gaps.
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


def _cut_of_long_line(held: bytes, begin: int) -> int:
    """Where a line without an end is cut: between words, and not within a secret."""
    cut = max(held.rfind(b" ", begin, len(held) - LOOKED_BACK), begin) or len(held) - LOOKED_BACK
    first = max(0, cut - LOOKED_BACK)
    # latin-1 has one character per byte, so places in the text are places in the bytes.
    window = held[first : cut + LOOKED_BACK].decode("latin-1")
    for start, end in find_secrets(window):
        if start < cut - first < end:
            return max(first + start, 1)
    return cut


def _with_base64(entries: Any, hide: Callable[[str], str], key: str = "") -> Any:
    """Warnings without secrets. Their texts are base64: the message, its details, and the whole Dockerfile."""
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
