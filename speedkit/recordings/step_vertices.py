"""Finds the vertex of each step of a Dockerfile among those that BuildKit reported.

There are three sources, the surest first:

- the lines of the Dockerfile that BuildKit gives for a vertex (provenance); only a build that ended well has them;
- the name of a vertex, `[stage n/m] TEXT`, where n is the place in the stage;
- the chain of inputs: the first input of a vertex is the result of the step before it in the stage, and the last input of a
  `COPY --from` is the result of the other stage. Equal steps of two stages are one vertex with the name of one of them, so the
  other steps have only the chain.

n counts the base image only when BuildKit has a vertex for it: not for named contexts, scratch, and stages built on other
stages. It counts the ONBUILD triggers of the base. ADD of a URL is two vertices of one name: one fetches, in each build again,
and the other adds the file. A linked COPY is two as well, where the engine can merge layers: the copy, and `LINK COPY …`, which
joins it to the step before. Source: docs/buildkit-cache-rules.md, "Reading BuildKit's reports".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .expected_steps import COUNTED, ExpectedStage, ExpectedStep, folded
from .rawjson import Vertex

__all__ = ["NAME", "Lines", "MatchedVertices", "ReportedTrigger", "match_vertices"]

NAME = re.compile(
    r"\[(?:(?P<platform>[a-z0-9]+/[a-z0-9/]+(?:->[a-z0-9/]+)?) )?(?:(?P<stage>\S+) )?\s*(?P<n>\d+)/(?P<m>\d+)\] (?P<text>.*)",
    re.DOTALL,
)
_TRIGGER, _LINK, _FROM = "ONBUILD ", "LINK ", "FROM "

Lines = Mapping[str, Sequence[Sequence[int]]]
"""The first and last lines, 1-based, that BuildKit gives for each vertex, by its digest."""


@dataclass(frozen=True, slots=True)
class _NamedVertex:
    """A vertex with the parts of its name. stage is "" when the Dockerfile has only one stage.

    text: without ONBUILD and LINK in front. joins: it only joins a linked copy to the step before. digest, inputs: its place
    in the graph. vertex: with the times and the log to show; of an ADD, also those of fetching.
    """

    stage: str
    position: int
    total: int
    text: str
    triggered: bool
    joins: bool
    digest: str
    inputs: tuple[str, ...]
    vertex: Vertex

    @property
    def keyword(self) -> str:
        return self.text.partition(" ")[0]

    @property
    def opens(self) -> bool:
        return self.keyword == "FROM"

    def does(self, step: ExpectedStep) -> bool:
        return self.keyword == step.instruction.keyword and not self.opens


@dataclass(frozen=True, slots=True)
class ReportedTrigger:
    """An ONBUILD trigger of a base image without facts: only the report of the build has it."""

    text: str
    vertex: Vertex


@dataclass
class MatchedVertices:
    """The vertices that belong to steps.

    vertices: of the steps. openings: of each stage's FROM, by the stage's index. unclear: steps that belong to one of several
    vertices, and nothing shows to which. triggers: those that only the report has, by the stage's index.
    """

    vertices: dict[ExpectedStep, Vertex] = field(default_factory=dict)
    openings: dict[int, Vertex] = field(default_factory=dict)
    unclear: set[ExpectedStep] = field(default_factory=set)
    triggers: dict[int, list[ReportedTrigger]] = field(default_factory=dict)


def match_vertices(stages: Sequence[ExpectedStage], vertices: Sequence[Vertex], lines: Lines) -> MatchedVertices:
    """The vertices of all stages that the target needs. lines: from provenance; empty for a build without it."""
    return _VertexSearch(stages, vertices, lines).matched()


class _VertexSearch:
    """The search for the vertices of one build's steps: by name, by lines, and then by the chain."""

    def __init__(self, stages: Sequence[ExpectedStage], vertices: Sequence[Vertex], lines: Lines) -> None:
        self._stages = [stage for stage in stages if stage.needed]
        self._by_index = {stage.stage.index: stage for stage in self._stages}
        self._vertices = vertices
        self._by_digest = {vertex.digest: vertex for vertex in vertices}
        self._lines = lines
        self._single = len(stages) == 1
        named = [entry for vertex in vertices if (entry := _named(vertex))]
        # A linked copy is two vertices: `LINK COPY` has the copy as an input, and is what the next step builds on.
        self._joins = {digest: entry for entry in named if entry.joins for digest in entry.inputs[1:]}
        self._copies = {joining.digest: copied for copied, joining in self._joins.items()}
        self._named = _with_fetches([entry for entry in named if not entry.joins])
        self._started_from: dict[str, list[_NamedVertex]] = {}
        for entry in self._named:
            for start in self._joins.get(entry.digest, entry).inputs[:1]:
                self._started_from.setdefault(start, []).append(entry)
        self._entries = {entry.digest: entry for entry in self._named}
        self._of_step: dict[ExpectedStep, _NamedVertex] = {}
        self._result = MatchedVertices()

    def matched(self) -> MatchedVertices:
        for stage in self._stages:
            own = self._own(stage)
            if stage.starts_from_image and (vertex := self._opening(stage, own)) is not None:
                self._result.openings[stage.stage.index] = vertex
            self._by_position(stage, own)
        if self._lines:
            self._by_lines()
        # Each vertex that is matched may show the place of another one, so this goes on until nothing is new.
        while self._by_chain():
            pass
        for stage in self._stages:
            if not stage.triggers_known:
                reported = [ReportedTrigger(entry.text, entry.vertex) for entry in self._triggers_of(stage)]
                self._result.triggers[stage.stage.index] = reported
        self._result.vertices = {step: entry.vertex for step, entry in self._of_step.items()}
        return self._result

    def _triggers_of(self, stage: ExpectedStage) -> list[_NamedVertex]:
        """The vertices between the image of a stage and its own first step; without a chain, those with the stage's name."""
        first = self._end(stage.with_vertex[0]) if stage.with_vertex else None
        opening = self._result.openings.get(stage.stage.index)
        between: list[_NamedVertex] = []
        digest = first.inputs[0] if first is not None and first.inputs else ""
        while opening is not None and digest != opening.digest and (entry := self._entries.get(digest)) is not None:
            between.insert(0, entry)
            digest = entry.inputs[0] if entry.inputs else ""
        if between:
            return between
        return sorted((entry for entry in self._own(stage) if entry.triggered), key=lambda entry: entry.position)

    # By name.

    def _own(self, stage: ExpectedStage) -> list[_NamedVertex]:
        """The vertices with the stage's name; where two stages, or two builds, have one name, also with its total.

        A vertex that another build is working on at the same time has the name from that build.
        """
        names = (stage.stage.name.lower(), *([""] if self._single else []))
        own = [entry for entry in self._named if entry.stage in names]
        # The total shows which stage a vertex of this name is of, unless triggers that nobody knows make it larger.
        fitting = [entry for entry in own if entry.total == stage.total]
        shared = sum(other.stage.name == stage.stage.name for other in self._stages) > 1
        tells = any(not entry.opens for entry in fitting)
        return fitting if tells or shared or stage.triggers_known else own

    def _by_position(self, stage: ExpectedStage, own: Sequence[_NamedVertex]) -> None:
        steps = stage.with_vertex
        triggers = [step for step in steps if step.triggered]
        entries = [entry for entry in own if not entry.opens]
        first, is_sure = self._first_position(stage, own, entries)
        # `first` is the n of the first step after the triggers, which have the numbers before it.
        places = {first + place - len(triggers): step for place, step in enumerate(steps)}
        for entry in entries:
            step = places.get(entry.position)
            if step is None or not entry.does(step) or step.triggered != entry.triggered:
                continue
            if not is_sure and entry.text != step.text:
                self._result.unclear.add(step)
            elif step in self._of_step:
                # Two stages of one name and one length: the chain has to tell.
                del self._of_step[step]
                self._result.unclear.add(step)
            elif step not in self._result.unclear:
                self._of_step[step] = entry

    def _first_position(
        self, stage: ExpectedStage, own: Sequence[_NamedVertex], entries: Sequence[_NamedVertex]
    ) -> tuple[int, bool]:
        """The n of the first step that stands in the stage itself, after all triggers, and whether that is certain.

        Unknown are the number of triggers, where the base has no facts, and whether FROM has a number. So each possible n is
        tried: the vertices of the stage fit best to the right one.
        """
        triggers = sum(step.triggered for step in stage.with_vertex)
        counts_base = self._counts_base(stage, own)
        likely = counts_base + triggers + 1
        if stage.triggers_known:
            # Only FROM is in doubt: it takes one number, or none.
            candidates = {triggers + 1, triggers + 2} if stage.starts_from_image else {triggers + 1}
        else:
            # Of the total, the stage's own instructions leave this many numbers for FROM and for triggers.
            most = max((entry.total for entry in own), default=stage.total)
            unknown = most - sum(step.instruction.keyword in COUNTED for step in stage.steps)
            candidates = set(range(1, max(unknown, 1) + 2))
            after = max((entry.position for entry in entries if entry.triggered), default=0) + 1
            likely = max(likely, after)
        places = [step for step in stage.with_vertex if not step.triggered]
        scores = {first: _fit(first, places, entries) for first in candidates | {likely}}
        best = max(scores.values())
        fitting = [first for first, score in scores.items() if score == best]
        if likely in fitting:
            is_reported = counts_base == 0 or any(entry.opens for entry in self._named) or stage.triggers_known
            return likely, is_reported or len(fitting) == 1
        return fitting[0], len(fitting) == 1

    def _counts_base(self, stage: ExpectedStage, own: Iterable[_NamedVertex]) -> int:
        """1 where a stage's FROM has a number, else 0."""
        if not stage.starts_from_image:
            return 0
        if any(entry.opens for entry in own):
            return 1
        if any(_is_context(vertex, stage.base.image) for vertex in self._vertices):
            return 0
        return int(stage.counts_base is not False)

    def _opening(self, stage: ExpectedStage, own: Iterable[_NamedVertex]) -> Vertex | None:
        """The vertex of a stage's image. Stages of one image share a vertex, which has the name of one of them."""
        image = _familiar(stage.base.image)
        openings = [entry for entry in own if entry.opens]
        for entry in (*openings, *(entry for entry in self._named if entry.opens)):
            if _familiar(entry.text.removeprefix(_FROM).partition("@")[0]) == image.partition("@")[0]:
                return entry.vertex
        if openings:
            return openings[0].vertex
        for vertex in self._vertices:
            if _is_context(vertex, image) and "load metadata" not in vertex.name:
                return vertex
        # An image that could not be had leaves only the vertex that looked for it, with its error.
        failed = ((vertex, vertex.name.partition("load metadata for ")[2]) for vertex in self._vertices if vertex.error)
        return next((vertex for vertex, name in failed if name and _familiar(name) == image), None)

    # By the lines that provenance gives.

    def _by_lines(self) -> None:
        on_line: dict[int, list[_NamedVertex]] = {}
        for entry in self._named:
            for first, *_ in self._lines.get(entry.digest, ()):
                on_line.setdefault(first, []).append(entry)
        for stage in self._stages:
            entries = [entry for entry in on_line.get(stage.stage.line, ()) if entry.opens]
            if len(entries) == 1:
                self._result.openings[stage.stage.index] = entries[0].vertex
            for step in stage.with_vertex:
                # Provenance gives the line of FROM for all triggers of a base, so only their place tells them apart.
                entries = [] if step.triggered else [one for one in on_line.get(step.instruction.line, ()) if one.does(step)]
                if len(entries) == 1:
                    self._match(step, entries[0])

    # By the chain.

    def _by_chain(self) -> bool:
        """Whether following the inputs of the matched vertices, back and forth, has matched another one."""
        before = (len(self._of_step), len(self._result.openings))
        for stage in self._stages:
            self._match_back(stage)
            self._match_forth(stage)
        return before != (len(self._of_step), len(self._result.openings))

    def _match(self, step: ExpectedStep, entry: _NamedVertex) -> None:
        self._of_step[step] = entry
        self._result.unclear.discard(step)

    def _end(self, step: ExpectedStep) -> _NamedVertex | None:
        """The vertex that the next step of the stage builds on."""
        entry = self._of_step.get(step)
        return None if entry is None else self._joins.get(entry.digest, entry)

    def _start(self, stage: ExpectedStage) -> str:
        """The digest that a stage starts from; "" for scratch, and where it is not matched yet."""
        if stage.base.stage is None:
            opening = self._result.openings.get(stage.stage.index)
            return opening.digest if opening is not None else ""
        base = self._by_index.get(stage.base.stage)
        return self._last(base) if base is not None else ""

    def _last(self, stage: ExpectedStage) -> str:
        """The digest of a stage's result."""
        steps = stage.with_vertex
        end = self._end(steps[-1]) if steps else None
        return end.digest if end is not None else "" if steps else self._start(stage)

    def _match_back(self, stage: ExpectedStage) -> None:
        """Match the step before each matched step, from the end of the stage to its beginning: it has made the first input."""
        steps = stage.with_vertex
        for place in range(len(steps) - 1, -1, -1):
            end = self._end(steps[place])
            if end is None:
                continue
            if end.inputs and (place or stage.base.stage is not None or stage.starts_from_image):
                self._left_by(stage, place - 1, end.inputs[0])
            self._match_copied_stage(steps[place])

    def _match_copied_stage(self, step: ExpectedStep) -> None:
        """Match the last step of the stage that a `COPY --from` reads: it has made the last input."""
        entry, name = self._of_step.get(step), step.instruction.flag("from")
        if entry is None or step.instruction.keyword != "COPY" or not name or not entry.inputs:
            return
        named = [stage for stage in self._stages if name.lower() in (stage.stage.name, str(stage.stage.index))]
        if len(named) == 1:
            self._left_by(named[0], len(named[0].with_vertex) - 1, entry.inputs[-1])

    def _left_by(self, stage: ExpectedStage, place: int, digest: str) -> None:
        """Match a vertex with the step that made it, by the place in its stage; -1 is the base that the stage starts from."""
        if place < 0:
            if stage.base.stage is not None and (base := self._by_index.get(stage.base.stage)) is not None:
                self._left_by(base, len(base.with_vertex) - 1, digest)
            elif stage.starts_from_image and (vertex := self._by_digest.get(digest)) is not None and _opens(vertex):
                self._result.openings[stage.stage.index] = vertex
            return
        step = stage.with_vertex[place]
        entry = self._entries.get(self._copies.get(digest, digest))
        if entry is not None and entry.does(step) and step not in self._of_step:
            self._match(step, entry)

    def _match_forth(self, stage: ExpectedStage) -> None:
        """Match steps without a vertex of their own name: they share the vertex of an equal step on the same input."""
        before = self._start(stage)
        for step in stage.with_vertex:
            from_scratch = step is stage.with_vertex[0] and stage.base.stage is None and not stage.starts_from_image
            if step not in self._of_step and (before or from_scratch):
                self._share(step, before)
            end = self._end(step)
            before = end.digest if end is not None else ""

    def _share(self, step: ExpectedStep, before: str) -> None:
        # The first steps of stages from scratch have no input.
        starting = self._started_from.get(before, []) if before else [one for one in self._named if one.position == 1]
        candidates = [entry for entry in starting if entry.does(step)]
        equal = [entry for entry in candidates if entry.text == step.text]
        # `COPY ./f /` and `COPY f /` are one vertex though their texts differ. Of a RUN, the text is the command.
        fitting = equal or (candidates if before and step.instruction.keyword != "RUN" else [])
        if len(fitting) == 1:
            self._match(step, fitting[0])
        elif fitting:
            self._result.unclear.add(step)


def _fit(first: int, steps: Sequence[ExpectedStep], entries: Iterable[_NamedVertex]) -> int:
    """How well the reported vertices of a stage agree with its own steps when these are numbered from `first`."""
    # An equal text is a point. A vertex that does another instruction outweighs ten, since such a number cannot be right.
    score = 0
    for entry in entries:
        place = entry.position - first
        if entry.triggered:
            score -= 10 * (place >= 0)
        elif not 0 <= place < len(steps) or not entry.does(steps[place]):
            score -= 10
        else:
            score += entry.text == steps[place].text
    return score


def _named(vertex: Vertex) -> _NamedVertex | None:
    name = NAME.fullmatch(vertex.name)
    if name is None:
        return None
    text = name["text"]
    triggered, joins = text.startswith(_TRIGGER), text.removeprefix(_TRIGGER).startswith(_LINK)
    text = folded(text.removeprefix(_TRIGGER).removeprefix(_LINK))
    return _NamedVertex(
        stage=(name["stage"] or "").lower(),
        position=int(name["n"]),
        total=int(name["m"]),
        text=text,
        triggered=triggered,
        joins=joins,
        digest=vertex.digest,
        inputs=vertex.inputs,
        vertex=vertex,
    )


def _opens(vertex: Vertex) -> bool:
    entry = _named(vertex)
    return vertex.name.startswith("[context ") or (entry is not None and entry.opens)


def _is_context(vertex: Vertex, image: str) -> bool:
    return vertex.name.startswith((f"[context {_familiar(image)}]", f"[context {_familiar(image)}:latest]"))


def _familiar(image: str) -> str:
    """The short name of an image, such as `alpine` of `docker.io/library/alpine:latest`. BuildKit may report either."""
    for prefix in ("docker.io/", "index.docker.io/"):
        image = image.removeprefix(prefix)
    return image.removeprefix("library/").removesuffix(":latest")


def _with_fetches(named: Sequence[_NamedVertex]) -> list[_NamedVertex]:
    """The vertices, with both vertices of an ADD of a URL made one."""
    adding = {entry.digest: entry for entry in named if entry.keyword == "ADD"}
    fetches = {
        digest: [
            adding[source].vertex
            for source in entry.inputs
            if source in adding and adding[source].vertex.name == entry.vertex.name
        ]
        for digest, entry in adding.items()
    }
    fetching = {vertex.digest for vertices in fetches.values() for vertex in vertices}
    return [
        replace(entry, vertex=_joined(entry.vertex, fetches.get(entry.digest, [])))
        for entry in named
        if entry.digest not in fetching
    ]


def _joined(vertex: Vertex, fetches: Sequence[Vertex]) -> Vertex:
    """The vertex that adds a file, with the time and bytes of fetching it; the fetch alone while it runs, or when it failed."""
    unfinished = next((fetch for fetch in fetches if fetch.error or fetch.is_open), None)
    if unfinished is not None:
        return unfinished
    if vertex.cached or not fetches:
        return vertex
    spans = {f"{fetch.digest} {key}": span for fetch in fetches for key, span in fetch.spans.items()}
    transfers = {f"{fetch.digest} {key}": size for fetch in fetches for key, size in fetch.transfers.items()}
    return replace(vertex, spans=spans | vertex.spans, transfers=transfers | vertex.transfers)
