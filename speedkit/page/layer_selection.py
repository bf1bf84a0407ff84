"""The selection in a layers view: image, layer, folder and file. Python keeps it, so a reload does not lose it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .selection import has_type, with_confirmed

__all__ = ["ALL_LAYERS", "DIFFERENCE", "FIRST", "SECOND", "LayerSelection"]

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
ALL_LAYERS = -1


@dataclass(frozen=True, slots=True)
class LayerSelection:
    """The selection in a layers view.

    side: which image, or DIFFERENCE. place: of the layer, 0 for the lowest, or ALL_LAYERS. by: how files are sorted, "size" or
    "name". pane: "files" or "map". folder: shown in the map. file: its content is shown. confirmed: the number of the last
    change from each open page.
    """

    side: str = FIRST
    place: int = ALL_LAYERS
    by: str = "size"
    query: str = ""
    pane: str = "files"
    folder: str = "/"
    file: str | None = None
    confirmed: dict[str, int] = field(default_factory=dict)

    def patched(self, patch: dict[str, Any], *, page: str, number: int) -> LayerSelection:
        """The selection after a change from a page. Unknown keys and values of a wrong type are ignored.

        For another layer or image, the map starts at the root, and no file is open.
        """
        changes = {key: value for key, value in patch.items() if has_type(value, TYPES.get(key, ()))}
        is_other_tree = (changes.get("side", self.side), changes.get("place", self.place)) != (self.side, self.place)
        start: dict[str, Any] = {"folder": "/", "file": None} if is_other_tree else {}
        return replace(self, **start | changes, confirmed=with_confirmed(self.confirmed, page, number))

    def as_trait(self) -> dict[str, Any]:
        return asdict(self)
