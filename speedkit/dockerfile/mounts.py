"""Reads `RUN --mount=…`.

Source of keys and defaults: moby/buildkit, frontend/dockerfile/instructions/commands_runmount.go.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from speedkit.errors import DockerfileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from speedkit.dockerfile.syntax import Instruction

__all__ = ["Mount", "mounts_of"]

_NAMES = {"src": "source", "dst": "target", "destination": "target", "readonly": "ro", "readwrite": "rw"}
_KEYS = frozenset(
    ("type", "from", "source", "target", "ro", "rw", "id", "sharing", "required", "size", "mode", "uid", "gid", "env")
)
_BARE = frozenset(("ro", "rw", "required"))
_KINDS = frozenset(("bind", "cache", "tmpfs", "secret", "ssh"))
_TRUTHS = frozenset(("1", "t", "true", "0", "f", "false"))
_NUMBERS = {"mode": 8, "uid": 10, "gid": 10}


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


def mounts_of(run: Instruction, *, expand: Callable[[str], str] = str) -> tuple[Mount, ...]:
    """The mounts of a RUN in order. `expand` replaces variables in every value but `from`.

    Raises DockerfileError for a mount that BuildKit rejects.
    """
    return tuple(_mount(text, expand, run.line) for text in run.flag_values("mount"))


def _mount(text: str, expand: Callable[[str], str], line: int) -> Mount:
    values: dict[str, str] = {}
    for part in _fields(text, line):
        given, equals, value = part.partition("=")
        key = _NAMES.get(given.lower(), given.lower())
        if not equals and key not in _BARE:
            _reject(f"invalid field '{part}' must be a key=value pair", line)
        if key not in _KEYS:
            _reject(f"unexpected key '{given}' in '{part}'", line)
        if key == "from" and "$" in value[:-1]:
            _reject("'from' doesn't support variable expansion, define alias stage instead", line)
        values[key] = (value if key == "from" else expand(value)) if equals else "true"
    kind = values.pop("type", "bind").lower()
    _check(kind, values, line)
    _check_fit(kind, values, line)
    return Mount(
        kind=kind,
        origin=values.pop("from", ""),
        source=values.pop("source", ""),
        target=values.pop("target", ""),
        read_only=_read_only(kind, values.pop("ro", None), values.pop("rw", None)),
        options=tuple(sorted(values.items())),
    )


def _fields(text: str, line: int) -> list[str]:
    try:
        return next(csv.reader([text]), [])
    except csv.Error:
        _reject(f"failed to parse csv mounts: {text}", line)


def _check(kind: str, values: dict[str, str], line: int) -> None:
    """Variables may stand where the numbers will be, so what holds a `$` is not checked."""
    if kind not in _KINDS and "$" not in kind:
        _reject(f'unsupported mount type "{kind}"', line)
    for name, base in _NUMBERS.items():
        value = values.get(name, "0")
        digits = "01234567" if base == 8 else "0123456789"
        if "$" not in value and (not value or set(value) - set(digits)):
            _reject(f"invalid value {value} for {name}", line)


def _check_fit(kind: str, values: dict[str, str], line: int) -> None:
    """What only some kinds of mount take."""
    if kind in ("bind", "tmpfs"):
        for name in (name for name in _NUMBERS if name in values):
            _reject(f'{name} not allowed for "{kind}" type mounts', line)
    sharing = values.get("sharing", "shared")
    if "$" not in sharing and sharing.lower() not in ("shared", "private", "locked"):
        _reject(f'unsupported sharing value "{sharing}"', line)
    if "sharing" in values and kind in ("bind", "tmpfs", "ssh"):
        _reject(f"invalid cache sharing set for {kind} mount", line)
    required = values.get("required", "true")
    if "$" not in required and required.lower() not in _TRUTHS:
        _reject(f"invalid value for required: {required}", line)


def _reject(reason: str, line: int) -> NoReturn:
    raise DockerfileError(f"Dockerfile, line {line}: {reason}.", line=line)


def _read_only(kind: str, ro: str | None, rw: str | None) -> bool:
    if rw is not None:
        return rw.lower() not in ("true", "1", "t")
    if ro is not None:
        return ro.lower() in ("true", "1", "t")
    return kind not in ("cache", "tmpfs")
