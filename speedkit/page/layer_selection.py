"""What is chosen in a view of layers: which image, layer, folder and file. It is Python's, so that a reload keeps it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .selection import PAGES_KEPT

__all__ = ["DIFFERENCE", "FIRST", "SECOND", "WHOLE", "LayerSelection"]

TYPES: dict[str, tuple[type | None, ...]] = {
    "side": (str,),
    "place": (int,),
    "by": (str,),
    "query": (str,),
    "pane": (str,),
    "folder": (str,),
    "file": (str, None),
}
FIRST, SECOND, DIFFERENCE = "first", "second", "difference"
WHOLE = -1


@dataclass(frozen=True, slots=True)
class LayerSelection:
    """side: which image, or DIFFERENCE. place: that of a layer, WHOLE for all of them. by: how files are sorted.
    pane: "files" or "map". folder: what the map shows. file: whose content is shown. confirmed: the newest choice heard from
    each open page.
    """

    side: str = FIRST
    place: int = WHOLE
    by: str = "size"
    query: str = ""
    pane: str = "files"
    folder: str = "/"
    file: str | None = None
    confirmed: dict[str, int] = field(default_factory=dict)

    def patched(self, patch: dict[str, Any], *, page: str, number: int) -> LayerSelection:
        """The choices after one that a page sent; what is not a choice, or of the wrong type, is left out.

        Another tree begins with its whole map and without an open file.
        """
        good = {key: value for key, value in patch.items() if _fits(key, value)}
        moved = (good.get("side", self.side), good.get("place", self.place)) != (self.side, self.place)
        start: dict[str, Any] = {"folder": "/", "file": None} if moved else {}
        others = {key: value for key, value in self.confirmed.items() if key != page}
        kept = dict(list(others.items())[1 - PAGES_KEPT :]) | {page: number}
        return replace(self, **start | good, confirmed=kept)

    def as_trait(self) -> dict[str, Any]:
        return asdict(self)


def _fits(key: str, value: object) -> bool:
    return key in TYPES and (type(value) in TYPES[key] or (value is None and None in TYPES[key]))
