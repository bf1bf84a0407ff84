"""The selection in a workbench: the file, build and step that are shown, and the search in the log.

Python keeps it, so that a reload of the page does not lose it. A page shows its own change at once, until Python confirms the
number of that change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

__all__ = ["PAGES_KEPT", "Selection", "has_type", "with_confirmed"]

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
    """The selection in a workbench.

    tab: path of the open file. caret: place of the cursor in it, in characters. diff: whether its changes are shown.
    shown: number of the build with shown steps, 0 for the next one. step: id of the step with a shown log, None for
    `StepList.focus`. before, after: numbers of the builds to compare, None for the last two. query: searched in the log.
    match: which of its matches. follow: whether the log scrolls to its end. internal: whether BuildKit's own steps are shown.
    all: whether the comparison has all steps. confirmed: the number of the last change from each open page.
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
        """The selection after a change from a page. Unknown keys and values of a wrong type are ignored."""
        changes = {key: value for key, value in patch.items() if has_type(value, TYPES.get(key, ()))}
        # The place of the cursor belongs to the file that was open before.
        if "tab" in changes:
            changes.setdefault("caret", 0)
        return replace(self, **changes, confirmed=with_confirmed(self.confirmed, page, number))

    def opened(self, tab: str) -> Selection:
        """The selection with another file open."""
        return replace(self, tab=tab, caret=0)

    def as_trait(self) -> dict[str, Any]:
        return asdict(self)


def has_type(value: object, types: tuple[type | None, ...]) -> bool:
    """Whether a value is of one of the types; True and False are no `int`."""
    return type(value) in types or (value is None and None in types)


def with_confirmed(confirmed: Mapping[str, int], page: str, number: int) -> dict[str, int]:
    """The confirmed numbers with that of a page added. Pages never say that they close, so only the last ones are kept."""
    others = {name: other for name, other in confirmed.items() if name != page}
    return dict(list(others.items())[1 - PAGES_KEPT :]) | {page: number}
