"""Reads `RUN --mount=…`.

Source of keys and defaults: moby/buildkit, frontend/dockerfile/instructions/commands_runmount.go.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from speedkit.go_numbers import whole_number

from .refusal import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from .syntax import Instruction

__all__ = ["BOOLEAN_WORDS", "Mount", "mounts_of"]

_NAMES = {"src": "source", "dst": "target", "destination": "target", "readonly": "ro", "readwrite": "rw"}
_KEYS = frozenset(
    ("type", "from", "source", "target", "ro", "rw", "id", "sharing", "required", "size", "mode", "uid", "gid", "env")
)
_KINDS = frozenset(("bind", "cache", "tmpfs", "secret", "ssh"))
BOOLEAN_WORDS = MappingProxyType(
    dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True)
    | dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False)
)
_NUMBERS = {"mode": 8, "uid": 10, "gid": 10}
_SIZE = re.compile(r"(\d+\.?\d*|\.\d+) ?(?:([kmgtp])i?b?|b)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount of one RUN.

    kind: bind, cache, tmpfs, secret or ssh. origin: the stage or image of `from=`, "" for the build context.
    read_only: as it ends up, defaults included.
    options: the other keys (id, sharing, mode, uid, gid, size, env, required).
    """

    kind: str
    origin: str
    source: str
    target: str
    read_only: bool
    options: tuple[tuple[str, str], ...]

    def option(self, name: str) -> str | None:
        return dict(self.options).get(name)


def mounts_of(run: Instruction, *, expand: Callable[[str], str] | None = None) -> tuple[Mount, ...]:
    """The mounts of a RUN in order. `expand` replaces variables in every value.

    Raises DockerfileError for a mount that BuildKit rejects. Without `expand` only what BuildKit checks in every stage:
    the values may be variables.
    """
    return tuple(_mount(text, expand, run.line) for text in run.flag_values("mount"))


def _mount(text: str, expand: Callable[[str], str] | None, line: int) -> Mount:
    values: dict[str, str] = {"type": "bind"}
    read_only: bool | None = None
    for part in _fields(text, line):
        given, equals, value = part.partition("=")
        key = _NAMES.get(given.lower(), given.lower())
        if expand is None:
            if key == "from" and "$" in value[:-1]:
                _reject("'from' doesn't support variable expansion, define alias stage instead", line)
        else:
            value = expand(value) if equals else _bare(key, part, line)
            _check(key, value, given.lower(), part, values["type"], line)
        if key in ("ro", "rw"):
            read_only = BOOLEAN_WORDS.get(value or "true", True) == (key == "ro")
        values[key] = value.lower() if key == "type" else value
    kind = values.pop("type")
    if expand is not None:
        _check_fit(kind, values, line)
    return Mount(
        kind=kind,
        origin=values.pop("from", ""),
        source=values.pop("source", ""),
        target=values.pop("target", ""),
        read_only=kind not in ("cache", "tmpfs") if read_only is None else read_only,
        options=tuple(sorted((name, value) for name, value in values.items() if name not in ("ro", "rw"))),
    )


def _fields(text: str, line: int) -> list[str]:
    fields = next(csv.reader([text]), [])
    if not fields:
        _reject("failed to parse csv mounts: EOF", line)
    if text.count('"') % 2:
        column = len(text.encode()) + 1
        _reject(
            f'failed to parse csv mounts: parse error on line 1, column {column}: extraneous or missing " in quoted-field', line
        )
    return fields


def _bare(key: str, part: str, line: int) -> str:
    """What a word without `=` stands for."""
    if key not in ("ro", "rw", "required"):
        _reject(f"invalid field '{part}' must be a key=value pair", line)
    return "true"


def _check(key: str, value: str, given: str, part: str, kind: str, line: int) -> None:
    """One value; `kind` is the type as far as it was given before."""
    if key not in _KEYS:
        _reject(f"unexpected key '{given}' in '{part}'", line)
    if key == "type" and value.lower() not in _KINDS:
        _reject(f'unsupported mount type "{value}"', line)
    if (key == "size" and kind != "tmpfs") or (key == "required" and kind not in ("secret", "ssh")):
        _reject(f"unexpected key '{given}' for mount type '{kind}'", line)
    if (key in ("ro", "rw", "required") and value not in BOOLEAN_WORDS) or (key == "size" and not _is_size(value)):
        _reject(f"invalid value for {given}: {value}", line)
    if key == "sharing" and value.lower() not in ("shared", "private", "locked"):
        _reject(f'unsupported sharing value "{value}"', line)
    if key in _NUMBERS:
        digits = "01234567" if _NUMBERS[key] == 8 else "0123456789"
        # Python reads octal digits without end, others not.
        if not value or set(value) - set(digits) or _number(value, _NUMBERS[key]) >= 1 << 32:
            _reject(f"invalid value {value} for {key}", line)


def _number(digits: str, base: int) -> int:
    return int(digits, 8) if base == 8 else whole_number(digits) or 0


def _is_size(text: str) -> bool:
    size = _SIZE.fullmatch(text)
    return size is not None and isfinite(float(size[1]))


def _check_fit(kind: str, values: dict[str, str], line: int) -> None:
    """What only some kinds of mount take."""
    if kind in ("bind", "tmpfs"):
        for name in (name for name in _NUMBERS if name in values):
            _reject(f'{name} not allowed for "{kind}" type mounts', line)
    if "sharing" in values and kind == "secret":
        _reject("secret mount should not define sharing", line)
    if "sharing" in values and kind != "cache":
        _reject(f"invalid cache sharing set for {kind} mount", line)
    if kind == "secret":
        if values.get("from"):
            _reject("secret mount should not have a from", line)
        if not any(values.get(name) for name in ("source", "target", "id")):
            _reject("invalid secret mount. one of source, target required", line)
        if values.get("source") and values.get("id"):
            _reject("both source and id can't be set", line)
    if kind == "ssh" and values.get("source"):
        _reject("ssh does not support source", line)


def _reject(reason: str, line: int) -> NoReturn:
    raise refusal(reason, line)
