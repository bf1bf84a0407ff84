"""Finds the vertex of each step of a Dockerfile among those that BuildKit reported.

Three things tell, the surest first:

- the lines that BuildKit itself gives for a vertex (provenance), which only a build that came to its end has;
- a vertex's name, `[stage n/m] TEXT`: n is the place in the stage;
- the chain: the first input of a vertex is what the step before it in the stage left, the last input of a `COPY --from` is
  what the other stage left. Equal steps of two stages are one vertex under the name of one of them, so for the others only
  the chain tells.

n counts the base image only when BuildKit has a vertex of its own for it, which it has not for named contexts, scratch and
stages built on other stages; and it counts the ONBUILD triggers of the base. ADD of an address is two vertices of one name:
one fetches, each time anew, and the other adds the file. A linked COPY is two as well, where the engine can merge layers: the
copy, and `LINK COPY …`, which joins it to the step before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .expected_steps import COUNTED, ExpectedStage, ExpectedStep, folded
from .rawjson import Vertex

__all__ = ["NAME", "Lines", "Matched", "TriggerReported", "match_vertices"]

NAME = re.compile(
    r"\[(?:(?P<platform>[a-z0-9]+/[a-z0-9/]+(?:->[a-z0-9/]+)?) )?(?:(?P<stage>\S+) )?\s*(?P<n>\d+)/(?P<m>\d+)\] (?P<text>.*)",
    re.DOTALL,
)
_TRIGGER, _LINK, _FROM = "ONBUILD ", "LINK ", "FROM "

Lines = Mapping[str, Sequence[Sequence[int]]]
"""The first and last lines, 1-based, that BuildKit gives for each vertex, by its digest."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A vertex whose name says which instruction it is. stage is "" when the Dockerfile has one stage only.

    text: without ONBUILD and LINK in front. joins: it only joins a linked copy to the step before. digest, inputs: its place
    in the graph. vertex: what is shown of it.
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
class TriggerReported:
    """An ONBUILD trigger that only the report of the build tells of: nothing is known of the base image."""

    text: str
    vertex: Vertex


@dataclass
class Matched:
    """vertices: of the steps. openings: of each stage's FROM, by the stage's index.

    unclear: the steps that are done by one of several vertices, and nothing tells by which.
    triggers: those that are in no Dockerfile and no description of an image, by the stage's index.
    """

    vertices: dict[ExpectedStep, Vertex] = field(default_factory=dict)
    openings: dict[int, Vertex] = field(default_factory=dict)
    unclear: set[ExpectedStep] = field(default_factory=set)
    triggers: dict[int, list[TriggerReported]] = field(default_factory=dict)


def match_vertices(stages: Sequence[ExpectedStage], vertices: Sequence[Vertex], lines: Lines) -> Matched:
    """The vertices of all stages that are needed. lines: what provenance says, where a build has it."""
    return _Matching(stages, vertices, lines).matched()


class _Matching:
    def __init__(self, stages: Sequence[ExpectedStage], vertices: Sequence[Vertex], lines: Lines) -> None:
        self._stages = [stage for stage in stages if stage.needed]
        self._by_index = {stage.stage.index: stage for stage in self._stages}
        self._vertices = vertices
        self._by_digest = {vertex.digest: vertex for vertex in vertices}
        self._lines = lines
        self._single = len(stages) == 1
        named = [entry for vertex in vertices if (entry := _named(vertex))]
        self._joins = {digest: entry for entry in named if entry.joins for digest in entry.inputs[1:]}
        self._copies = {joining.digest: copied for copied, joining in self._joins.items()}
        self._named = _with_fetches([entry for entry in named if not entry.joins])
        self._started_from: dict[str, list[_Named]] = {}
        for entry in self._named:
            for start in self._joins.get(entry.digest, entry).inputs[:1]:
                self._started_from.setdefault(start, []).append(entry)
        self._entries = {entry.digest: entry for entry in self._named}
        self._of_step: dict[ExpectedStep, _Named] = {}
        self._found = Matched()

    def matched(self) -> Matched:
        for stage in self._stages:
            own = self._own(stage)
            if stage.starts_from_image and (vertex := self._opening(stage, own)) is not None:
                self._found.openings[stage.stage.index] = vertex
            self._by_position(stage, own)
        if self._lines:
            self._by_lines()
        while self._by_chain():
            pass
        for stage in self._stages:
            if not stage.triggers_known:
                reported = [TriggerReported(entry.text, entry.vertex) for entry in self._triggers_of(stage)]
                self._found.triggers[stage.stage.index] = reported
        self._found.vertices = {step: entry.vertex for step, entry in self._of_step.items()}
        return self._found

    def _triggers_of(self, stage: ExpectedStage) -> list[_Named]:
        """What stands between the image of a stage and its own first step; else what has the stage's name."""
        first = self._end(stage.with_vertex[0]) if stage.with_vertex else None
        opening = self._found.openings.get(stage.stage.index)
        between: list[_Named] = []
        digest = first.inputs[0] if first is not None and first.inputs else ""
        while opening is not None and digest != opening.digest and (entry := self._entries.get(digest)) is not None:
            between.insert(0, entry)
            digest = entry.inputs[0] if entry.inputs else ""
        if between:
            return between
        return sorted((entry for entry in self._own(stage) if entry.triggered), key=lambda entry: entry.position)

    # By name.

    def _own(self, stage: ExpectedStage) -> list[_Named]:
        """The vertices with the stage's name, and with its total where two stages, or two builds, have one name.

        A vertex that another build is working on at the same time has the name that it has there.
        """
        names = (stage.stage.name.lower(), *([""] if self._single else []))
        own = [entry for entry in self._named if entry.stage in names]
        fitting = [entry for entry in own if entry.total == stage.total]
        shared = sum(other.stage.name == stage.stage.name for other in self._stages) > 1
        tells = any(not entry.opens for entry in fitting)
        return fitting if tells or shared or stage.triggers_known else own

    def _by_position(self, stage: ExpectedStage, own: Sequence[_Named]) -> None:
        steps = stage.with_vertex
        triggers = [step for step in steps if step.triggered]
        entries = [entry for entry in own if not entry.opens]
        first, is_sure = self._first_position(stage, own, entries)
        places = {first + place - len(triggers): step for place, step in enumerate(steps)}
        for entry in entries:
            step = places.get(entry.position)
            if step is None or not entry.does(step) or step.triggered != entry.triggered:
                continue
            if not is_sure and entry.text != step.text:
                self._found.unclear.add(step)
            elif step in self._of_step:
                # Two stages of one name and one length: the chain has to tell.
                del self._of_step[step]
                self._found.unclear.add(step)
            elif step not in self._found.unclear:
                self._of_step[step] = entry

    def _first_position(self, stage: ExpectedStage, own: Sequence[_Named], entries: Sequence[_Named]) -> tuple[int, bool]:
        """The number of the first step of a stage that its own text has, and whether there is no doubt."""
        triggers = sum(step.triggered for step in stage.with_vertex)
        counts_base = self._counts_base(stage, own)
        likely = counts_base + triggers + 1
        if stage.triggers_known:
            candidates = {triggers + 1, triggers + 2} if stage.starts_from_image else {triggers + 1}
        else:
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
            is_told = counts_base == 0 or any(entry.opens for entry in self._named) or stage.triggers_known
            return likely, is_told or len(fitting) == 1
        return fitting[0], len(fitting) == 1

    def _counts_base(self, stage: ExpectedStage, own: Iterable[_Named]) -> int:
        """Whether a stage's FROM has a number, as 1 or 0."""
        if not stage.starts_from_image:
            return 0
        if any(entry.opens for entry in own):
            return 1
        if any(_is_context(vertex, stage.base.image) for vertex in self._vertices):
            return 0
        return int(stage.counts_base is not False)

    def _opening(self, stage: ExpectedStage, own: Iterable[_Named]) -> Vertex | None:
        """The vertex of a stage's image; stages of one image are reported under the name of one of them."""
        image = _familiar(stage.base.image)
        openings = [entry for entry in own if entry.opens]
        for entry in (*openings, *(entry for entry in self._named if entry.opens)):
            if _image_of(entry) == image.partition("@")[0]:
                return entry.vertex
        if openings:
            return openings[0].vertex
        for vertex in self._vertices:
            if _is_context(vertex, image) and "load metadata" not in vertex.name:
                return vertex
        failed = ((vertex, vertex.name.partition("load metadata for ")[2]) for vertex in self._vertices if vertex.error)
        return next((vertex for vertex, name in failed if name and _familiar(name) == image), None)

    # By the lines that provenance gives.

    def _by_lines(self) -> None:
        on_line: dict[int, list[_Named]] = {}
        for entry in self._named:
            for first, *_ in self._lines.get(entry.digest, ()):
                on_line.setdefault(first, []).append(entry)
        for stage in self._stages:
            entries = [entry for entry in on_line.get(stage.stage.line, ()) if entry.opens]
            if len(entries) == 1:
                self._found.openings[stage.stage.index] = entries[0].vertex
            for step in stage.with_vertex:
                # All triggers of a base count as standing on the line of its FROM: there the place tells.
                entries = [] if step.triggered else [one for one in on_line.get(step.instruction.line, ()) if one.does(step)]
                if len(entries) == 1:
                    self._take(step, entries[0])

    # By the chain.

    def _by_chain(self) -> bool:
        """Follows the inputs of what is known, forth and back; whether that told anything new."""
        before = (len(self._of_step), len(self._found.openings))
        for stage in self._stages:
            self._back(stage)
            self._forth(stage)
        return before != (len(self._of_step), len(self._found.openings))

    def _take(self, step: ExpectedStep, entry: _Named) -> None:
        self._of_step[step] = entry
        self._found.unclear.discard(step)

    def _end(self, step: ExpectedStep) -> _Named | None:
        """What the next step of the stage builds on."""
        entry = self._of_step.get(step)
        return None if entry is None else self._joins.get(entry.digest, entry)

    def _start(self, stage: ExpectedStage) -> str:
        """The digest of what a stage starts from; "" for scratch, and where it is not found yet."""
        if stage.base.stage is None:
            opening = self._found.openings.get(stage.stage.index)
            return opening.digest if opening is not None else ""
        base = self._by_index.get(stage.base.stage)
        return self._last(base) if base is not None else ""

    def _last(self, stage: ExpectedStage) -> str:
        """The digest of what a stage leaves."""
        steps = stage.with_vertex
        end = self._end(steps[-1]) if steps else None
        return end.digest if end is not None else "" if steps else self._start(stage)

    def _back(self, stage: ExpectedStage) -> None:
        """Each step starts from what the step before it left: from the end of the stage to its beginning."""
        steps = stage.with_vertex
        for place in range(len(steps) - 1, -1, -1):
            end = self._end(steps[place])
            if end is None:
                continue
            if end.inputs and (place or stage.base.stage is not None or stage.starts_from_image):
                self._left_by(stage, place - 1, end.inputs[0])
            self._copied_from(steps[place])

    def _copied_from(self, step: ExpectedStep) -> None:
        """The last input of a `COPY --from` is what the other stage left."""
        entry, name = self._of_step.get(step), step.instruction.flag("from")
        if entry is None or step.instruction.keyword != "COPY" or not name or not entry.inputs:
            return
        named = [stage for stage in self._stages if name.lower() in (stage.stage.name, str(stage.stage.index))]
        if len(named) == 1:
            self._left_by(named[0], len(named[0].with_vertex) - 1, entry.inputs[-1])

    def _left_by(self, stage: ExpectedStage, place: int, digest: str) -> None:
        """Notes which vertex a step left; place -1 is what the stage starts from."""
        if place < 0:
            if stage.base.stage is not None and (base := self._by_index.get(stage.base.stage)) is not None:
                self._left_by(base, len(base.with_vertex) - 1, digest)
            elif stage.starts_from_image and (vertex := self._by_digest.get(digest)) is not None and _opens(vertex):
                self._found.openings[stage.stage.index] = vertex
            return
        step = stage.with_vertex[place]
        entry = self._entries.get(self._copies.get(digest, digest))
        if entry is not None and entry.does(step) and step not in self._of_step:
            self._take(step, entry)

    def _forth(self, stage: ExpectedStage) -> None:
        """A step without a vertex of its own name shares that of an equal step: one that starts from the same."""
        before = self._start(stage)
        for step in stage.with_vertex:
            from_scratch = step is stage.with_vertex[0] and stage.base.stage is None and not stage.starts_from_image
            if step not in self._of_step and (before or from_scratch):
                self._share(step, before)
            end = self._end(step)
            before = end.digest if end is not None else ""

    def _share(self, step: ExpectedStep, before: str) -> None:
        candidates = [entry for entry in self._starting_from(before) if entry.does(step)]
        equal = [entry for entry in candidates if entry.text == step.text]
        # `COPY ./f /` and `COPY f /` are the same step. The text of a RUN is its command.
        fitting = equal or (candidates if before and step.instruction.keyword != "RUN" else [])
        if len(fitting) == 1:
            self._take(step, fitting[0])
        elif fitting:
            self._found.unclear.add(step)

    def _starting_from(self, before: str) -> list[_Named]:
        """What builds on a vertex; "": on nothing, as the first steps of stages from scratch do."""
        if before:
            return self._started_from.get(before, [])
        return [entry for entry in self._named if entry.position == 1]


def _fit(first: int, steps: Sequence[ExpectedStep], entries: Iterable[_Named]) -> int:
    """How well the reported vertices of a stage agree with its own steps when these are numbered from `first`."""
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


def _named(vertex: Vertex) -> _Named | None:
    name = NAME.fullmatch(vertex.name)
    if name is None:
        return None
    text = name["text"]
    triggered, joins = text.startswith(_TRIGGER), text.removeprefix(_TRIGGER).startswith(_LINK)
    text = folded(text.removeprefix(_TRIGGER).removeprefix(_LINK))
    return _Named(
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


def _image_of(entry: _Named) -> str:
    return _familiar(entry.text.removeprefix(_FROM).partition("@")[0])


def _familiar(image: str) -> str:
    """The short name of an image, which BuildKit says longer at times: `alpine` of `docker.io/library/alpine:latest`."""
    for prefix in ("docker.io/", "index.docker.io/"):
        image = image.removeprefix(prefix)
    return image.removeprefix("library/").removesuffix(":latest")


def _with_fetches(named: Sequence[_Named]) -> list[_Named]:
    """The vertices, each ADD of an address made one with what it fetches."""
    adding = {entry.digest: entry for entry in named if entry.keyword == "ADD"}
    fetches = {
        digest: [adding[given].vertex for given in entry.inputs if _same_name(adding, given, entry)]
        for digest, entry in adding.items()
    }
    fetching = {vertex.digest for vertices in fetches.values() for vertex in vertices}
    return [
        replace(entry, vertex=_joined(entry.vertex, fetches.get(entry.digest, [])))
        for entry in named
        if entry.digest not in fetching
    ]


def _same_name(adding: Mapping[str, _Named], digest: str, entry: _Named) -> bool:
    return digest in adding and adding[digest].vertex.name == entry.vertex.name


def _joined(vertex: Vertex, fetches: Sequence[Vertex]) -> Vertex:
    """What adds a file, with the time and the bytes of fetching it; the fetch alone while, or where, it goes no further."""
    unfinished = next((fetch for fetch in fetches if fetch.error or fetch.is_open), None)
    if unfinished is not None:
        return unfinished
    if vertex.cached or not fetches:
        return vertex
    spans = {f"{fetch.digest} {key}": span for fetch in fetches for key, span in fetch.spans.items()}
    transfers = {f"{fetch.digest} {key}": size for fetch in fetches for key, size in fetch.transfers.items()}
    return replace(vertex, spans=spans | vertex.spans, transfers=transfers | vertex.transfers)
