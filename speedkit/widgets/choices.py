"""What is chosen in a widget: in a workbench which file, build and step are shown; in a view of layers which layer and file.

It is Python's, so that a reload of the page keeps it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

__all__ = ["Choices", "LayerChoices"]

PAGES_KEPT = 8
TYPES: dict[str, tuple[type | None, ...]] = {
    "tab": (str,),
    "diff": (bool,),
    "shown": (int,),
    "step": (str, None),
    "before": (int, None),
    "after": (int, None),
    "query": (str,),
    "match": (int,),
    "follow": (bool,),
    "internal": (bool,),
    "all": (bool,),
}
LAYER_TYPES: dict[str, tuple[type | None, ...]] = {
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
class Choices:
    """tab: a file's path. diff: its changes are shown. shown: a build's number, 0 for the next one. step: a step's id,
    None for the one worth seeing. before, after: builds to compare, None for the last two. match: which hit of `query`.
    internal, all: more of the step list and of the comparison. confirmed: the newest choice heard from each open page.
    """

    tab: str = ""
    diff: bool = False
    shown: int = 0
    step: str | None = None
    before: int | None = None
    after: int | None = None
    query: str = ""
    match: int = 0
    follow: bool = True
    internal: bool = False
    all: bool = False
    confirmed: dict[str, int] = field(default_factory=dict)

    def patched(self, patch: dict[str, Any], *, page: str, number: int) -> Choices:
        """The choices after one that a page sent; what is not a choice, or of the wrong type, is left out."""
        return replace(self, **_fitting(patch, TYPES), confirmed=_confirmed(self.confirmed, page, number))

    def as_trait(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LayerChoices:
    """side: which image, or "difference". place: that of a layer, WHOLE for all of them. by: how files are sorted.
    pane: "files" or "map". folder: what the map shows. file: whose content is shown. confirmed: as above.
    """

    side: str = FIRST
    place: int = WHOLE
    by: str = "size"
    query: str = ""
    pane: str = "files"
    folder: str = "/"
    file: str | None = None
    confirmed: dict[str, int] = field(default_factory=dict)

    def patched(self, patch: dict[str, Any], *, page: str, number: int) -> LayerChoices:
        """The choices after one that a page sent; another tree begins with its whole map and without an open file."""
        good = _fitting(patch, LAYER_TYPES)
        moved = (good.get("side", self.side), good.get("place", self.place)) != (self.side, self.place)
        start: dict[str, Any] = {"folder": "/", "file": None} if moved else {}
        return replace(self, **start | good, confirmed=_confirmed(self.confirmed, page, number))

    def as_trait(self) -> dict[str, Any]:
        return asdict(self)


def _fitting(patch: dict[str, Any], types: dict[str, tuple[type | None, ...]]) -> dict[str, Any]:
    """The parts of a patch that are choices and of the right type."""
    return {
        key: value
        for key, value in patch.items()
        if key in types and (type(value) in types[key] or (value is None and None in types[key]))
    }


def _confirmed(known: dict[str, int], page: str, number: int) -> dict[str, int]:
    """The newest choice heard from each page, of the last few pages."""
    others = {key: value for key, value in known.items() if key != page}
    return dict(list(others.items())[1 - PAGES_KEPT :]) | {page: number}
