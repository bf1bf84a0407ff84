"""Reads `RUN --mount=…`.

Source of keys and defaults: moby/buildkit, frontend/dockerfile/instructions/commands_runmount.go.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from speedkit.dockerfile.syntax import Instruction

__all__ = ["Mount", "mounts_of"]

_NAMES = {"src": "source", "dst": "target", "destination": "target", "readonly": "ro", "readwrite": "rw"}


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
    """The mounts of a RUN in order. `expand` replaces variables in every value but `from`."""
    return tuple(_mount(text, expand) for text in run.flag_values("mount"))


def _mount(text: str, expand: Callable[[str], str]) -> Mount:
    values: dict[str, str] = {}
    for part in next(csv.reader([text]), []):
        key, equals, value = part.partition("=")
        key = _NAMES.get(key.lower(), key.lower())
        values[key] = (value if key == "from" else expand(value)) if equals else "true"
    kind = values.pop("type", "bind").lower()
    return Mount(
        kind=kind,
        origin=values.pop("from", ""),
        source=values.pop("source", ""),
        target=values.pop("target", ""),
        read_only=_read_only(kind, values.pop("ro", None), values.pop("rw", None)),
        options=tuple(sorted(values.items())),
    )


def _read_only(kind: str, ro: str | None, rw: str | None) -> bool:
    if rw is not None:
        return rw.lower() not in ("true", "1", "t")
    if ro is not None:
        return ro.lower() in ("true", "1", "t")
    return kind not in ("cache", "tmpfs")
