"""What is chosen in a workbench: which file, build and step are shown, what is searched.

It is Python's, so that a reload of the page keeps it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

__all__ = ["Selection"]

PAGES_KEPT = 8
TYPES: dict[str, tuple[type | None, ...]] = {
    "tab": (str,),
    "caret": (int,),
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


@dataclass(frozen=True, slots=True)
class Selection:
    """tab: a file's path. caret: where in it one was typing, in characters. diff: its changes are shown. shown: a build's
    number, 0 for the next one. step: a step's id, None for the one worth seeing. before, after: builds to compare, None for
    the last two. match: which hit of `query`. internal, all: more of the step list and of the comparison. confirmed: the
    newest choice heard from each open page.
    """

    tab: str = ""
    caret: int = 0
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

    def patched(self, patch: dict[str, Any], *, page: str, number: int) -> Selection:
        """The choices after one that a page sent; what is not a choice, or of the wrong type, is left out."""
        good = {key: value for key, value in patch.items() if _fits(key, value)}
        if "tab" in good:
            good.setdefault("caret", 0)
        confirmed = {key: value for key, value in self.confirmed.items() if key != page}
        kept = dict(list(confirmed.items())[1 - PAGES_KEPT :]) | {page: number}
        return replace(self, **good, confirmed=kept)

    def opened(self, tab: str) -> Selection:
        """The choices with another file open."""
        return replace(self, tab=tab, caret=0)

    def as_trait(self) -> dict[str, Any]:
        return asdict(self)


def _fits(key: str, value: object) -> bool:
    return key in TYPES and (type(value) in TYPES[key] or (value is None and None in TYPES[key]))
