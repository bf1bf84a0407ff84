"""What a builder has in its cache after some builds, and what it would find there.

BuildKit keeps a graph: a result is reached from the keys of everything it was made of, input by input. An input has
the key of the vertex that made it and, where it is read by content, a key made of the bytes read. A result is found
when one of the keys of every input leads to it. Source: moby/buildkit, solver/edge.go and solver/cachemanager.go.

Bytes that only a run produces are not known here. They are represented by "whatever result N holds at this path": equal
to itself, and perhaps equal to other bytes. Where that decides, the answer is `perhaps`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .copied_content import derivation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .content_digest import Selector
    from .vertices import Input, Vertex

__all__ = ["Found", "Memory"]

_Results = frozenset[int]
_NONE: _Results = frozenset()
_Link = tuple[Hashable, int, Hashable]


@dataclass(frozen=True, slots=True)
class Found:
    """What the cache holds for a vertex.

    results: those certainly found. perhaps: those found if bytes turn out equal. missing: a path read is not there, or
    BuildKit cannot take it.
    """

    results: _Results = _NONE
    perhaps: _Results = _NONE
    missing: tuple[str, ...] = ()

    @property
    def certain(self) -> bool:
        return bool(self.results)

    @property
    def possible(self) -> bool:
        return bool(self.results or self.perhaps)


class Memory:
    """The keys of everything built so far. `learn` adds, `find` looks up."""

    def __init__(self) -> None:
        self._links: dict[_Link, set[int]] = {}
        self._by_content: dict[tuple[int, Hashable], dict[Hashable, set[int]]] = {}
        self._count = 0
        self._unsure: set[int] = set()
        self._operations: set[Hashable] = set()

    def knows(self, vertex: Vertex) -> bool:
        """Whether the same operation was built before, on whatever inputs."""
        return vertex.operation in self._operations

    def led_nowhere(self, vertex: Vertex, inputs: Iterable[Found]) -> Input | None:
        """The first input on which the operation was never built; None when each leads somewhere, but not to one result."""
        for number, (given, found) in enumerate(zip(vertex.inputs, inputs, strict=True)):
            if not self._through(vertex, number, given, found)[0]:
                return given
        return None

    def find(self, vertex: Vertex, inputs: Iterable[Found]) -> Found:
        """What the cache holds for a vertex, given what it holds for each of its inputs."""
        if vertex.local:
            return Found()
        if not vertex.inputs:
            known = frozenset(self._links.get(("root", -1, vertex.operation), _NONE))
            return Found(perhaps=known) if vertex.uncertain and known else self._found(known, _NONE)
        certain: _Results | None = None
        possible: _Results | None = None
        missing: list[str] = []
        for number, (given, found) in enumerate(zip(vertex.inputs, inputs, strict=True)):
            missing += _missing(given)
            sure, perhaps = self._through(vertex, number, given, found)
            certain = sure if certain is None else certain & sure
            possible = (sure | perhaps) if possible is None else possible & (sure | perhaps)
        if missing:
            return Found(missing=tuple(missing))
        return self._found(certain or _NONE, possible or _NONE)

    def _found(self, certain: _Results, possible: _Results) -> Found:
        """A result that is only unsure to be there is found perhaps."""
        sure = certain - self._unsure
        return Found(sure, (certain | possible) - sure)

    def _through(self, vertex: Vertex, number: int, given: Input, found: Found) -> tuple[_Results, _Results]:
        """The results that one input leads to: certainly, and perhaps."""
        sure = self._reached(vertex, number, given, found.results)
        perhaps = self._reached(vertex, number, given, found.perhaps)
        if not given.by_content:
            return sure, perhaps
        contents = self._by_content.get((number, vertex.operation), {})
        content = _content(given, found.results)
        for key in content:
            sure |= contents.get(key, set())
        if not _is_known(content):
            perhaps |= frozenset().union(*contents.values())
        else:
            guesses = [results for key, results in contents.items() if isinstance(key, tuple)]
            perhaps |= frozenset().union(*guesses)
        return sure, perhaps - sure

    def _reached(self, vertex: Vertex, number: int, given: Input, results: _Results) -> _Results:
        reached: set[int] = set()
        for result in results:
            reached |= self._links.get(_link(vertex, number, given, result), set())
        return frozenset(reached)

    def learn(self, vertex: Vertex, inputs: Iterable[Found], *, ran: bool | None) -> Found:
        """Adds a vertex that was built, or loaded, and returns what it left.

        ran: it was seen to run (True) or to come from the cache (False); None when nobody looked.
        """
        given = tuple(inputs)
        found = self.find(vertex, given)
        if vertex.local or found.missing:
            return found
        results = found.results
        if not results and ran is False and found.perhaps:
            results = found.perhaps
        if not results or ran is True:
            self._count += 1
            results = results | {self._count}
        self._unsure -= results
        self._add(vertex, given, results)
        return Found(results)

    def suspect(self, vertex: Vertex, inputs: Iterable[Found]) -> Found:
        """Adds a vertex that a build may have finished before it broke off, and returns what it may have left."""
        given = tuple(inputs)
        found = self.find(vertex, given)
        if vertex.local or found.missing or found.certain:
            return found
        self._count += 1
        self._unsure.add(self._count)
        left = Found(frozenset({self._count}))
        self._add(vertex, given, left.results)
        return left

    def _add(self, vertex: Vertex, inputs: tuple[Found, ...], results: _Results) -> None:
        self._operations.add(vertex.operation)
        if not vertex.inputs:
            self._links.setdefault(("root", -1, vertex.operation), set()).update(results)
        for number, (given, found) in enumerate(zip(vertex.inputs, inputs, strict=True)):
            for result in found.results:
                self._links.setdefault(_link(vertex, number, given, result), set()).update(results)
            if given.by_content:
                contents = self._by_content.setdefault((number, vertex.operation), {})
                for key in _content(given, found.results):
                    contents.setdefault(key, set()).update(results)


def _link(vertex: Vertex, number: int, given: Input, result: int) -> _Link:
    paths = tuple(sorted(selector.path for selector in given.selectors))
    return ((result, paths), number, vertex.operation)


def _content(given: Input, results: _Results) -> tuple[Hashable, ...]:
    """The keys of the bytes that an input reads: a digest as text, or "what result N holds" as a tuple."""
    tree = given.vertex.tree
    if tree is not None:
        if any(tree.unknown_in(selector) for selector in given.selectors):
            return ()
        return ("\0".join(tree.digest(selector) or "" for selector in _counted(given.selectors)),)
    made = derivation(given)
    held = tuple((result, given.selectors) for result in sorted(results))
    return held if made is None else (made, *held)


def _counted(selectors: tuple[Selector, ...]) -> list[Selector]:
    """In the order of their paths, without those that lie below another one."""
    plain = [selector for selector in selectors if not selector.wildcard and not selector.excludes]
    folders = {selector.path.rstrip("/") for selector in plain}
    inside = {one for one in plain if one.path != "/" and not folders.isdisjoint(_folders_above(one.path))}
    return sorted((selector for selector in dict.fromkeys(selectors) if selector not in inside), key=lambda one: one.path)


def _folders_above(path: str) -> Iterator[str]:
    """`/a` and the root, which is "", of `/a/b`; `/a/b`, too, of `/a/b/`."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _is_known(content: tuple[Hashable, ...]) -> bool:
    return bool(content) and all(isinstance(key, str) for key in content)


def _missing(given: Input) -> list[str]:
    tree = given.vertex.tree
    if tree is None or not given.by_content:
        return []
    sure = [selector for selector in given.selectors if not tree.unknown_in(selector)]
    unsendable = [path for selector in given.selectors for path in tree.unsendable_in(selector)] if given.vertex.local else []
    return [*unsendable, *(selector.path for selector in sure if tree.digest(selector) is None)]
