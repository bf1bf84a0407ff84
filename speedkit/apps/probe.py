"""How to find out whether a built image does its work."""

from __future__ import annotations

import json
from dataclasses import dataclass

__all__ = ["Probe"]


@dataclass(frozen=True, slots=True)
class Probe:
    """A question for a running image: `GET path` on `port` must give JSON in which `field` is `value`."""

    port: int
    path: str
    field: str
    value: str

    def accepts(self, said: str) -> bool:
        """Whether this body is the answer expected."""
        try:
            found = json.loads(said)
        except (ValueError, RecursionError):
            return False
        return isinstance(found, dict) and found.get(self.field) == self.value
