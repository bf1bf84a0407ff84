"""Names of ways: unique in a project, short, and stable from day to day.

The same call of `docker build` often stands in several files. Equal ways become one way. Ways that differ but have one name get
qualifiers, such as their target, which are part of the call: a number would change with every new way.
"""

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
"""An empty qualifier, and one with a space, count as so many characters when the shortest names win."""
MOST_QUALIFIERS = 3
"""The most qualifiers in a name. The search for the best ones tries all sets of that size."""


@dataclass(slots=True)
class FoundWay:
    """A way before its name is unique.

    name: such as `workflow:release.yml:build`. qualifiers: texts that may tell it from others of that name, by their kinds,
    such as `target`. other_names: the names of equal ways that came later.
    """

    name: str
    way: Way
    qualifiers: Mapping[str, str] = field(default_factory=dict)
    other_names: list[str] = field(default_factory=list)


def merged(ways: Iterable[FoundWay]) -> list[FoundWay]:
    """The ways with equal ones merged: one way keeps the names of the others.

    Ways of one name also count as equal when only options without an effect on steps differ: a job may push its image to two
    registries, with other tags.
    """
    by_name = _joined(ways, lambda one: (one.name, _text_of(_alike(one.way))))
    return _joined(by_name, lambda one: _text_of(one.way))


def _joined(ways: Iterable[FoundWay], key: Callable[[FoundWay], object]) -> list[FoundWay]:
    kept: dict[object, FoundWay] = {}
    for one in ways:
        first = kept.setdefault(key(one), one)
        if first is one:
            continue
        # The first way stays, with the files, the tags and the names of the others.
        if one.name != first.name:
            first.other_names.append(one.name)
        places = dict.fromkeys([*first.way.also_found_in, one.way.found_in, *one.way.also_found_in])
        places.pop(first.way.found_in, None)
        options = joined_options(one.way.options, first.way.options)
        publishes = first.way.publishes or one.way.publishes
        first.way = replace(first.way, also_found_in=tuple(places), options=options, publishes=publishes)
    return list(kept.values())


def _text_of(way: Way) -> str:
    """All fields but its files, as a text to compare: a way holds dictionaries, and has no hash."""
    return str(asdict(replace(way, found_in="", also_found_in=())))


def _alike(way: Way) -> Way:
    """A way without the options that change no step of its build."""
    unknown = {option: text for option, text in way.not_resolved.items() if option.partition(" ")[0] not in WITHOUT_EFFECT}
    options = replace(way.options, tags=(), labels={})
    return replace(way, options=options, not_resolved=unknown, publishes=False, cache_from=(), cache_to=())


def named_apart(ways: Sequence[FoundWay]) -> tuple[list[Way], dict[str, str]]:
    """The ways, each with a name of its own; and for the other names of merged ways, the name that the way has now."""
    by_name: dict[str, list[FoundWay]] = {}
    for one in ways:
        by_name.setdefault(one.name, []).append(one)
    for name, group in by_name.items():
        if len(group) > 1:
            for one, suffix in zip(group, _suffixes(group), strict=True):
                one.name = f"{name}:{suffix}" if suffix else name
    # Numbers come last: with suffixes, two ways of different names may still have become equal.
    used_names: set[str] = set()
    for one in ways:
        name, number = one.name, 2
        while one.name in used_names:
            one.name = f"{name}:{number}"
            number += 1
        used_names.add(one.name)
    other_names = {other: one.name for one in ways for other in one.other_names if other not in used_names}
    return [replace(one.way, name=one.name) for one in ways], other_names


def _suffixes(group: Sequence[FoundWay]) -> list[str]:
    """Suffixes that tell ways of one name apart: as few qualifiers as possible, the shortest of those; else numbers."""
    kinds = list(dict.fromkeys(kind for one in group for kind in one.qualifiers))
    for size in range(1, MOST_QUALIFIERS + 1):
        candidates = []
        for combination in itertools.combinations(kinds, size):
            texts = [":".join(filter(None, (_text(one, kind) for kind in combination))) for one in group]
            if len(set(texts)) == len(texts):
                candidates.append(texts)
        if candidates:
            # A name that only lacks a qualifier of the others explains nothing, and one with a space needs quotes in a shell.
            return min(
                candidates,
                key=lambda texts: sum(len(text) + EMPTY_COSTS * (not text) + SPACE_COSTS * (" " in text) for text in texts),
            )
    return ["", *(str(number) for number in range(2, len(group) + 1))]


def _text(one: FoundWay, kind: str) -> str:
    text = as_written(one.qualifiers.get(kind, "")).removeprefix("./")
    return re.sub(r"\s+", " ", text)[:LONGEST_QUALIFIER]
