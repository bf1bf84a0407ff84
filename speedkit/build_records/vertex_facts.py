"""Reads the facts about a vertex that BuildKit before 0.7 printed in its plain progress, in place of `DONE 1.2s`.

In: the text behind a number, as in `#5     duration: 1.2s`. Out: a `VertexFact`. The oddities: names and errors are quoted as
Go does, and a vertex may start and complete several times. Source: https://github.com/moby/buildkit, v0.6,
util/progress/progressui/display.go.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal

from .log_lines import decoded

__all__ = ["VertexFact", "vertex_fact"]

FactName = Literal["digest", "name", "started", "completed", "duration", "cached", "error"]

_FACT = re.compile(rb" {1,10}(digest|name|started|completed|duration|cached|error): (.*)", re.DOTALL)
_DURATION = re.compile(
    r"(?:(?P<hours>[0-9]{1,6})h)?(?:(?P<minutes>[0-9]{1,6})m)?(?:(?P<last>[0-9]{1,9}(?:\.[0-9]{1,9})?)(?P<unit>s|ms|µs|ns))?"
)
_SECONDS_IN = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}


@dataclass(frozen=True, slots=True)
class VertexFact:
    """One fact. text: without the quotes of a name or an error. time: as a log has it before a line, for a start or an end."""

    name: FactName
    text: str

    @property
    def time(self) -> bytes:
        is_time = self.name in ("started", "completed")
        return self.text.replace(" +0000 UTC", "Z").encode() if is_time else b""

    @property
    def seconds(self) -> float | None:
        """Of a duration; None where it is none."""
        match = _DURATION.fullmatch(self.text) if self.name == "duration" and self.text else None
        if match is None:
            return None
        last = float(match["last"]) * _SECONDS_IN[match["unit"]] if match["last"] else 0.0
        return int(match["hours"] or 0) * 3600 + int(match["minutes"] or 0) * 60 + last


def vertex_fact(text: bytes) -> VertexFact | None:
    """The fact that a line has, behind the number of its vertex; None where it has none."""
    match = _FACT.fullmatch(text) if text.startswith(b" ") else None
    if match is None:
        return None
    name: FactName = match[1].decode("ascii")  # type: ignore[assignment] # one of the names in the expression
    return VertexFact(name, _unquoted(match[2]) if name in ("name", "error") else decoded(match[2]))


def _unquoted(text: bytes) -> str:
    try:
        return str(json.loads(text))
    except (ValueError, RecursionError):
        return decoded(text.strip(b'"'))
