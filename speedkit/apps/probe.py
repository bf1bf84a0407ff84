"""A question to a running image that shows whether the image works."""

from __future__ import annotations

import json
from dataclasses import dataclass

__all__ = ["Probe"]


@dataclass(frozen=True, slots=True)
class Probe:
    """An HTTP request to a running image: `GET path` on `port` must answer with JSON in which `field` is `value`.

    seconds: how long the image may take to answer, from its start.
    """

    port: int
    path: str
    field: str
    value: str
    seconds: float = 15.0

    def accepts(self, body: str) -> bool:
        """Whether the body of an answer is the expected one."""
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            return False
        return isinstance(answer, dict) and answer.get(self.field) == self.value
