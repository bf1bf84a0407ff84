"""What the name of a step tells, of instructions and of BuildKit's own steps.

In: the name of a step. Out: its instruction, whether it imports or exports a cache, and whether a build goes on without it.
Where bake and compose build several targets, the name of one stands before it: `[web] importing cache manifest from …`, and
`[web linux/amd64 build 2/3] RUN make`.
Source: https://github.com/moby/buildkit, solver/llbsolver/solver.go, and `Name` of the exporters in cache/remotecache.
"""

from __future__ import annotations

import re

__all__ = ["exports_cache", "imported_cache", "instruction_of", "may_fail"]

_INSTRUCTION = re.compile(r"\[(?:[^\]]{0,400}\s)?[0-9]{1,6}/[0-9]{1,6}\] (.*)", re.DOTALL)
_IMPORT = re.compile(r"(?:\[[^\]]{1,200}\] )?importing cache manifest from (.*)", re.DOTALL)
_EXPORT = re.compile(
    r"(?:\[[^\]]{1,200}\] )?"
    r"(?:exporting (?:(?:inline |content )?cache\b|to GitHub Actions Cache)|preparing build cache for export)"
)


def instruction_of(name: str) -> str | None:
    """The instruction of a step, with single spaces; None for a step that is none."""
    match = _INSTRUCTION.fullmatch(name)
    return None if match is None else " ".join(match[1].split())


def imported_cache(name: str) -> str | None:
    """The place of the cache that a step imports; None for a step that imports none."""
    match = _IMPORT.fullmatch(name)
    return None if match is None else match[1]


def exports_cache(name: str) -> bool:
    return _EXPORT.match(name) is not None


def may_fail(name: str) -> bool:
    """Whether a build may go on without a step that failed.

    BuildKit does without a cache that it cannot import, and with `ignore-error` without one that it cannot export.
    """
    return imported_cache(name) is not None or exports_cache(name)
