"""A model of BuildKit's cache: its results, and the keys by which a vertex finds them.

BuildKit keeps a graph. A result is reached from the cache keys of its inputs, input by input. An input has the key of the
vertex that made it and, where it is read by content, a second key: the digest of the bytes read. A vertex is a cache hit when
every input has a key that leads to one common result. Source: moby/buildkit, solver/edge.go (probeCache, currentIndexKey) and
solver/cachemanager.go (Query).

Only a run tells which bytes a RUN produces. The graph has "the bytes of result N at this path" in place of them: they are equal
to themselves, and perhaps equal to other bytes. Where such a guess decides, the vertex is a possible hit.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING

from .content_digest import folders_above
from .copied_content import derivation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .content_digest import Selector
    from .vertices import Edge, Vertex

__all__ = ["CachedResults", "KeyGraph"]

_Results = frozenset[int]
_NONE: _Results = frozenset()
_Link = tuple[Hashable, int, Hashable]


@dataclass(frozen=True, slots=True)
class CachedResults:
    """The results that the cache holds for a vertex.

    certain: numbers of the results that BuildKit finds in any case. possible: those that it finds if some bytes turn out equal.
    missing_paths: paths that the vertex reads, but that are missing or cannot be sent.
    """

    certain: _Results = _NONE
    possible: _Results = _NONE
    missing_paths: tuple[str, ...] = ()

    @property
    def is_hit(self) -> bool:
        return bool(self.certain)

    @property
    def may_hit(self) -> bool:
        return bool(self.certain or self.possible)


class _ContentKeys:
    """The results of one operation by the content of one input.

    by_digest: by the digest of the content. of_runs: by "the bytes of result N", oldest first.
    """

    __slots__ = ("by_digest", "of_runs")

    def __init__(self) -> None:
        self.by_digest: dict[str, set[int]] = {}
        self.of_runs: dict[Hashable, set[int]] = {}

    def at(self, key: Hashable) -> set[int] | None:
        return self.by_digest.get(key) if isinstance(key, str) else self.of_runs.get(key)

    def add(self, key: Hashable, results: _Results) -> None:
        if isinstance(key, str):
            self.by_digest.setdefault(key, set()).update(results)
        else:
            self.of_runs.setdefault(key, set()).update(results)

    def guesses(self, *, has_digest: bool, most: int | None) -> _Results:
        """The results of contents that may turn out equal. most: only so many are needed, the newest first."""
        possible: set[int] = set()
        for results in reversed(self.of_runs.values()):
            possible |= results
            if most is not None and len(possible) >= most:
                return frozenset(possible)
        for results in reversed(self.by_digest.values()) if not has_digest else ():
            possible |= results
            if most is not None and len(possible) >= most:
                break
        return frozenset(possible)


class KeyGraph:
    """The cache keys of all vertices that a builder has built, with the results that they lead to."""

    def __init__(self, *, most_possible: int | None = None) -> None:
        """most_possible: of the results that a vertex possibly finds, only the newest so many are followed. Without a limit the
        time for a build grows with the number of builds before it, which is too long for a history of thousands."""
        self._links: dict[_Link, set[int]] = {}
        self._by_content: dict[tuple[int, Hashable], _ContentKeys] = {}
        self._most_possible = most_possible
        self._count = 0
        self._unsure: set[int] = set()
        self._operations: set[Hashable] = set()

    def has_operation(self, vertex: Vertex) -> bool:
        """Whether the same operation was built before, on any inputs."""
        return vertex.operation in self._operations

    def unmatched_input(self, vertex: Vertex, inputs: Iterable[CachedResults]) -> Edge | None:
        """The first input on which the operation was never built; None when each was used, but never all in one build."""
        for number, (edge, input_results) in enumerate(zip(vertex.inputs, inputs, strict=True)):
            if not self._through(vertex, number, edge, input_results)[0]:
                return edge
        return None

    def find(self, vertex: Vertex, inputs: Iterable[CachedResults]) -> CachedResults:
        """The results that the cache holds for a vertex. inputs: the results of each of its inputs, in their order."""
        if vertex.local:
            # The key of a build context holds the session's id, so no later build finds it (source/local/source.go, CacheKey).
            return CachedResults()
        if not vertex.inputs:
            roots = frozenset(self._links.get(("root", -1, vertex.operation), _NONE))
            return CachedResults(possible=roots) if vertex.uncertain and roots else self._without_unsure(roots, _NONE)
        missing: list[str] = []
        reached: list[tuple[_Results, _Results]] = []
        for number, (edge, input_results) in enumerate(zip(vertex.inputs, inputs, strict=True)):
            missing += _missing_paths(edge)
            reached.append(self._through(vertex, number, edge, input_results))
        if missing:
            return CachedResults(missing_paths=tuple(missing))
        # A result counts only when every input leads to it, hence the intersections. They begin with the smallest set: the
        # result of a step that every build has can lead to the results of thousands of builds.
        reached.sort(key=lambda ways: len(ways[0]) + len(ways[1]))
        certain = frozenset.intersection(*(sure for sure, _ in reached))
        (first_sure, first_perhaps), *others = reached
        possible = frozenset(
            result
            for result in first_sure | first_perhaps
            if all(result in sure or result in perhaps for sure, perhaps in others)
        )
        return self._without_unsure(certain, possible)

    def _without_unsure(self, certain: _Results, possible: _Results) -> CachedResults:
        """A build that broke off may not have kept a result, so such a result is a possible one."""
        sure = certain - self._unsure if self._unsure else certain
        perhaps = (certain | possible) - sure
        if self._most_possible is not None and len(perhaps) > self._most_possible:
            perhaps = frozenset(nlargest(self._most_possible, perhaps))
        return CachedResults(sure, perhaps)

    def _through(self, vertex: Vertex, number: int, edge: Edge, input_results: CachedResults) -> tuple[_Results, _Results]:
        """The results that one input leads to: certainly, and possibly."""
        sure = self._by_vertex_key(vertex, number, edge, input_results.certain)
        perhaps = self._by_vertex_key(vertex, number, edge, input_results.possible)
        if not edge.by_content:
            return sure, perhaps
        contents = self._by_content.get((number, vertex.operation))
        if contents is None:
            return sure, perhaps - sure
        content_keys = _content_keys(edge, input_results.certain)
        for key in content_keys:
            sure |= contents.at(key) or _NONE

        # Bytes that only a run tells may equal any bytes of an earlier build. Bytes with a digest may equal only those that
        # earlier builds knew as "the bytes of result N", a tuple: two digests either match or differ for sure.
        has_digest = bool(content_keys) and all(isinstance(key, str) for key in content_keys)
        perhaps |= contents.guesses(has_digest=has_digest, most=self._most_possible)
        return sure, perhaps - sure

    def _by_vertex_key(self, vertex: Vertex, number: int, edge: Edge, input_results: _Results) -> _Results:
        if not input_results:
            return _NONE
        links, paths, operation = self._links, _paths(edge), vertex.operation
        return frozenset().union(*(links.get(((result, paths), number, operation), _NONE) for result in input_results))

    def add(self, vertex: Vertex, inputs: Iterable[CachedResults], *, ran: bool | None) -> CachedResults:
        """Adds a vertex that a build ran or loaded from the cache, and returns its results.

        ran: whether BuildKit reported that it ran; None when the build has no report of it.
        """
        input_results = tuple(inputs)
        cached = self.find(vertex, input_results)
        if vertex.local or cached.missing_paths:
            return cached
        results = cached.certain
        if not results and ran is False and cached.possible:
            # The build reported a cache hit, so the bytes did turn out equal.
            results = cached.possible
        # A step that ran made a new result even where the cache held one: the old one was pruned, or `--no-cache` replaced it.
        if not results or ran is True:
            self._count += 1
            results = results | {self._count}
        self._unsure -= results
        self._add_links(vertex, input_results, results)
        return CachedResults(results)

    def add_unsure(self, vertex: Vertex, inputs: Iterable[CachedResults]) -> CachedResults:
        """Adds a vertex that a build may have finished before it broke off, and returns its results, if it has any."""
        input_results = tuple(inputs)
        cached = self.find(vertex, input_results)
        if vertex.local or cached.missing_paths or cached.is_hit:
            return cached
        self._count += 1
        self._unsure.add(self._count)
        results = frozenset({self._count})
        self._add_links(vertex, input_results, results)
        return CachedResults(results)

    def _add_links(self, vertex: Vertex, inputs: tuple[CachedResults, ...], results: _Results) -> None:
        """Lets every key of every input lead to the results, as Query of BuildKit's cache manager does at each look-up."""
        self._operations.add(vertex.operation)
        if not vertex.inputs:
            self._links.setdefault(("root", -1, vertex.operation), set()).update(results)
        for number, (edge, input_results) in enumerate(zip(vertex.inputs, inputs, strict=True)):
            paths = _paths(edge)
            for result in input_results.certain:
                self._links.setdefault(((result, paths), number, vertex.operation), set()).update(results)
            if edge.by_content:
                contents = self._by_content.setdefault((number, vertex.operation), _ContentKeys())
                for key in _content_keys(edge, input_results.certain):
                    contents.add(key, results)


def _paths(edge: Edge) -> tuple[str, ...]:
    # Sorted, as in CacheMap (solver/llbsolver/ops/file.go): their order in the instruction is part of the operation, not of
    # this key.
    return tuple(sorted(selector.path for selector in edge.selectors)) if edge.selectors else ()


def _content_keys(edge: Edge, input_results: _Results) -> tuple[Hashable, ...]:
    """The keys of the bytes that an input reads: a digest as text, "the bytes of result N" as a tuple."""
    tree = edge.vertex.tree
    if tree is not None:
        # A file that commands on the host will write has no digest yet. Without any key, the vertex is a possible hit.
        if any(tree.unknown_in(selector) for selector in edge.selectors):
            return ()
        return ("\0".join(tree.digest(selector) or "" for selector in _hashed_selectors(edge.selectors)),)
    derived = derivation(edge)
    bytes_of_results = tuple((result, edge.selectors) for result in sorted(input_results))
    return bytes_of_results if derived is None else (derived, *bytes_of_results)


def _hashed_selectors(selectors: tuple[Selector, ...]) -> list[Selector]:
    """The selectors in the order of their paths, without those below another one (ops/file.go, dedupeSelectors)."""
    plain = [selector for selector in selectors if not selector.wildcard and not selector.excludes]
    folders = {selector.path.rstrip("/") for selector in plain}
    inside = {selector for selector in plain if selector.path != "/" and not folders.isdisjoint(folders_above(selector.path))}
    kept = [selector for selector in dict.fromkeys(selectors) if selector not in inside]
    return sorted(kept, key=lambda selector: selector.path)


def _missing_paths(edge: Edge) -> list[str]:
    tree = edge.vertex.tree
    if tree is None or not edge.by_content:
        return []
    # A path that commands on the host will write may be missing now, and there when the build begins.
    certain = [selector for selector in edge.selectors if not tree.unknown_in(selector)]
    unsendable = [path for selector in edge.selectors for path in tree.unsendable_in(selector)] if edge.vertex.local else []
    return [*unsendable, *(selector.path for selector in certain if tree.digest(selector) is None)]
