"""Reads and checks `RUN --mount=…`.

Source of keys, defaults and reasons: moby/buildkit, frontend/dockerfile/instructions/commands_runmount.go.
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
"""The words that Go's strconv.ParseBool takes, and their values."""
_NUMBER_BASES = {"mode": 8, "uid": 10, "gid": 10}
_SIZE = re.compile(r"(\d+\.?\d*|\.\d+) ?(?:([kmgtp])i?b?|b)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount of a RUN.

    kind: bind, cache, tmpfs, secret or ssh. origin: the stage or image in `from=`, "" for the build context.
    read_only: with the default of the kind: only cache and tmpfs are writable without `rw`.
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
    """The mounts of a RUN, in order. expand: replaces the variables in a value.

    Raises DockerfileError for a mount that BuildKit rejects. Without `expand` the values may still hold variables: then
    only the checks run that BuildKit does in every stage, needed or not.
    """
    return tuple(_mount(text, expand, run.line) for text in run.flag_values("mount"))


def _mount(text: str, expand: Callable[[str], str] | None, line: int) -> Mount:
    values: dict[str, str] = {"type": "bind"}
    read_only: bool | None = None
    for part in _fields(text, line):
        name, equals, value = part.partition("=")
        key = _NAMES.get(name.lower(), name.lower())
        if expand is None:
            if key == "from" and "$" in value[:-1]:
                _reject("'from' doesn't support variable expansion, define alias stage instead", line)
        else:
            if not equals and key not in ("ro", "rw", "required"):
                _reject(f"invalid field '{part}' must be a key=value pair", line)
            value = expand(value) if equals else "true"
            # BuildKit reads from left to right: `size=1,type=tmpfs` is an error, because the type is still bind.
            _check_value(key, value, name.lower(), part, values["type"], line)
        # The last of several `ro` and `rw` counts.
        if key in ("ro", "rw"):
            read_only = BOOLEAN_WORDS.get(value or "true", True) == (key == "ro")
        values[key] = value.lower() if key == "type" else value
    kind = values.pop("type")
    if expand is not None:
        _check_combination(kind, values, line)
    return Mount(
        kind=kind,
        origin=values.pop("from", ""),
        source=values.pop("source", ""),
        target=values.pop("target", ""),
        read_only=kind not in ("cache", "tmpfs") if read_only is None else read_only,
        options=tuple(sorted((name, value) for name, value in values.items() if name not in ("ro", "rw"))),
    )


def _fields(text: str, line: int) -> list[str]:
    """The parts of a mount between commas, as Go's encoding/csv splits them."""
    # Python's reader accepts a quote that is never closed; Go's does not.
    fields = next(csv.reader([text]), [])
    if not fields:
        _reject("failed to parse csv mounts: EOF", line)
    if text.count('"') % 2:
        column = len(text.encode()) + 1
        _reject(
            f'failed to parse csv mounts: parse error on line 1, column {column}: extraneous or missing " in quoted-field', line
        )
    return fields


def _check_value(key: str, value: str, name: str, part: str, kind: str, line: int) -> None:
    """Raises DockerfileError for a wrong value. name: the key as written. kind: from the `type=` before this part, or bind."""
    if key not in _KEYS:
        _reject(f"unexpected key '{name}' in '{part}'", line)
    if key == "type" and value.lower() not in _KINDS:
        _reject(f'unsupported mount type "{value}"', line)
    if (key == "size" and kind != "tmpfs") or (key == "required" and kind not in ("secret", "ssh")):
        _reject(f"unexpected key '{name}' for mount type '{kind}'", line)
    size = _SIZE.fullmatch(value)
    is_size = size is not None and isfinite(float(size[1]))
    if (key in ("ro", "rw", "required") and value not in BOOLEAN_WORDS) or (key == "size" and not is_size):
        _reject(f"invalid value for {name}: {value}", line)
    if key == "sharing" and value.lower() not in ("shared", "private", "locked"):
        _reject(f'unsupported sharing value "{value}"', line)
    if key in _NUMBER_BASES:
        base = _NUMBER_BASES[key]
        is_number = bool(value) and not set(value) - set("0123456789"[:base])
        # Python's limit of 4,300 digits is for decimal numbers only; `whole_number` has none.
        number = int(value, 8) if is_number and base == 8 else whole_number(value) or 0
        if not is_number or number >= 1 << 32:
            _reject(f"invalid value {value} for {key}", line)


def _check_combination(kind: str, values: dict[str, str], line: int) -> None:
    """Raises DockerfileError for keys that this kind of mount does not take."""
    if kind in ("bind", "tmpfs"):
        for name in (name for name in _NUMBER_BASES if name in values):
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
