"""Names of ways: unique in a project, short, and the same tomorrow."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from speedkit.engine import joined_options

from .unresolved import as_written
from .way import Way

__all__ = ["FoundWay", "merged", "named_apart"]

WITHOUT_EFFECT = frozenset({"tag", "label", "cache-from", "cache-to", "files"})
"""Options that change no step."""
LONGEST_QUALIFIER = 60
EMPTY_COSTS, SPACE_COSTS = 40, 1000
"""As many characters, when the shortest names are chosen."""
MOST_QUALIFIERS = 3
"""A name has at most so many of them. The search for the best ones looks at all sets of that size."""


@dataclass(slots=True)
class FoundWay:
    """A way before its name is unique.

    name: such as `workflow:release.yml:build`. qualifiers: what may tell it from others of that name, by what it is.
    other_names: those of equal ways that were found later.
    """

    name: str
    way: Way
    qualifiers: Mapping[str, str] = field(default_factory=dict)
    other_names: list[str] = field(default_factory=list)


def merged(found: Iterable[FoundWay]) -> list[FoundWay]:
    """Equal ways of one kind as one, with the other names that it was found under.

    Of one name, those are equal that build alike: a job may push its image to two registries.
    """
    by_name = _joined(found, lambda one: (one.name, _text_of(_alike(one.way))))
    return _joined(by_name, lambda one: _text_of(one.way))


def _joined(found: Iterable[FoundWay], key: Callable[[FoundWay], object]) -> list[FoundWay]:
    kept: dict[object, FoundWay] = {}
    for one in found:
        first = kept.setdefault(key(one), one)
        if first is one:
            continue
        if one.name != first.name:
            first.other_names.append(one.name)
        places = dict.fromkeys([*first.way.also_found_in, one.way.found_in, *one.way.also_found_in])
        places.pop(first.way.found_in, None)
        options = joined_options(one.way.options, first.way.options)
        publishes = first.way.publishes or one.way.publishes
        first.way = replace(first.way, also_found_in=tuple(places), options=options, publishes=publishes)
    return list(kept.values())


def _text_of(way: Way) -> str:
    """The text of all fields but where it was found: a way holds dictionaries, and has no hash."""
    return str(asdict(replace(way, found_in="", also_found_in=())))


def _alike(way: Way) -> Way:
    """A way without what changes nothing about the steps of its build."""
    unknown = {option: text for option, text in way.not_resolved.items() if option.partition(" ")[0] not in WITHOUT_EFFECT}
    options = replace(way.options, tags=(), labels={})
    return replace(way, options=options, not_resolved=unknown, publishes=False, cache_from=(), cache_to=())


def named_apart(found: Sequence[FoundWay]) -> tuple[list[Way], dict[str, str]]:
    """Ways with a name each, and by their other names, the names of those that were found more than once."""
    by_name: dict[str, list[FoundWay]] = {}
    for one in found:
        by_name.setdefault(one.name, []).append(one)
    for name, group in by_name.items():
        if len(group) > 1:
            for one, suffix in zip(group, _suffixes(group), strict=True):
                one.name = f"{name}:{suffix}" if suffix else name
    taken: set[str] = set()
    for one in found:
        name, number = one.name, 2
        while one.name in taken:
            one.name = f"{name}:{number}"
            number += 1
        taken.add(one.name)
    other_names = {other: one.name for one in found for other in one.other_names if other not in taken}
    return [replace(one.way, name=one.name) for one in found], other_names


def _suffixes(group: Sequence[FoundWay]) -> list[str]:
    """What tells ways of one name apart: the fewest qualifiers that do, the shortest of those; else their number."""
    kinds = list(dict.fromkeys(kind for one in group for kind in one.qualifiers))
    for size in range(1, MOST_QUALIFIERS + 1):
        candidates = []
        for chosen in itertools.combinations(kinds, size):
            texts = [":".join(filter(None, (_text(one, kind) for kind in chosen))) for one in group]
            if len(set(texts)) == len(texts):
                candidates.append(texts)
        if candidates:
            return min(candidates, key=_cost)
    return ["", *(str(number) for number in range(2, len(group) + 1))]


def _cost(texts: Sequence[str]) -> int:
    """Short words are best. A name that only lacks what others have says nothing, and one with spaces needs quotes."""
    return sum(len(text) + EMPTY_COSTS * (not text) + SPACE_COSTS * (" " in text) for text in texts)


def _text(one: FoundWay, kind: str) -> str:
    text = as_written(one.qualifiers.get(kind, "")).removeprefix("./")
    return re.sub(r"\s+", " ", text)[:LONGEST_QUALIFIER]
