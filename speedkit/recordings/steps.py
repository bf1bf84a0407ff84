"""Derives the steps a person knows from a Dockerfile and the vertices of a solve.

A vertex names its instruction as `[stage n/m] TEXT`, n padded to the width of m, with arguments already expanded. The text
decides when it is the Dockerfile's own; the position n decides otherwise. n counts the base image only when BuildKit shows a
vertex for it, which it does not for named contexts, scratch and stages built on other stages. Instructions that BuildKit
merges (equal steps of two stages are one vertex under one stage's name) share that vertex. ADD of an address is two vertices
of one name: one fetches, each time anew, and the other adds the file, from the cache when the address served the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from speedkit.dockerfile import Dockerfile, Instruction, Stage, StageBase, needed_stages, stage_bases
from speedkit.dockerfile.stages import SCRATCH
from speedkit.errors import DockerfileError
from speedkit.model import Outcome, Step, StepKind, StepState
from speedkit.recordings.rawjson import Solve, Vertex

__all__ = ["HOST_PREFIX", "NAME", "derive_steps"]

HOST_PREFIX = "[host "
BEFORE_STAGES = "before the stages"
RUNS_IN_BUILDKIT = frozenset({"FROM", "RUN", "COPY", "ADD", "WORKDIR"})
NOT_THE_STAGES_OWN = ("FROM ", "ONBUILD ", "LINK ")
"""`LINK COPY …` joins what `COPY --link` made to the step before."""
NAME = re.compile(
    r"\[(?:(?P<platform>[a-z0-9]+/[a-z0-9/]+) )?(?:(?P<stage>\S+) )?\s*(?P<n>\d+)/(?P<m>\d+)\] (?P<text>.*)", re.S
)


@dataclass(frozen=True, slots=True)
class _Named:
    """A vertex whose name says which instruction it is. stage is "" when the Dockerfile has one stage only."""

    stage: str
    position: int
    text: str
    vertex: Vertex


def derive_steps(
    dockerfile: Dockerfile | None,
    solve: Solve,
    *,
    outcome: Outcome,
    build_args: Mapping[str, str],
    target: str | None,
    now: float | None = None,
    with_logs: bool = True,
) -> tuple[Step, ...]:
    """A step per host command, per instruction in the Dockerfile's order, and per internal vertex, in this order.

    dockerfile: None when it could not be parsed: only what BuildKit itself reported is there then.
    now: the daemon's time, for what is still running. with_logs: False leaves every step's log empty.
    """
    clock = _Clock(solve.first or 0.0, now if outcome == "running" else solve.last, outcome, with_logs)
    vertices = list(solve.vertices.values())
    host = [clock.step(vertex, stage="host", kind="host") for vertex in vertices if vertex.name.startswith(HOST_PREFIX)]
    matched: dict[int, Vertex] = {}
    instructions: list[Step] = []
    if dockerfile is not None:
        needed, bases = _shape(dockerfile, build_args, target)
        matched = _match(dockerfile, bases, needed, vertices)
        for instruction in dockerfile.instructions:
            stage = None if instruction.stage is None else dockerfile.stages[instruction.stage]
            is_needed = stage is None or stage.index in needed
            vertex = matched.get(instruction.line)
            has_vertex = _has_vertex(instruction, bases)
            instructions.append(_instruction_step(clock, stage, instruction, vertex, is_needed, has_vertex))
    used = {vertex.digest for vertex in matched.values()}
    rest = [
        clock.step(vertex, stage="internal", kind="internal")
        for vertex in vertices
        if vertex.digest not in used and vertex.name and not vertex.name.startswith(HOST_PREFIX)
    ]
    return (*host, *instructions, *rest)


def _shape(
    dockerfile: Dockerfile, build_args: Mapping[str, str], target: str | None
) -> tuple[frozenset[int], tuple[StageBase, ...]]:
    """The stages that the target uses, and the image or stage that each starts from, arguments expanded."""
    try:
        needed = needed_stages(dockerfile, build_args=build_args, target=target)
        return needed, stage_bases(dockerfile, build_args=build_args, target=target)
    except DockerfileError:
        unknown = tuple(StageBase(None, stage.base, None) for stage in dockerfile.stages)
        return frozenset(stage.index for stage in dockerfile.stages), unknown


def _has_vertex(instruction: Instruction, bases: Sequence[StageBase]) -> bool:
    """Whether BuildKit has something to do for an instruction: not for settings, nor for a FROM that names a stage."""
    if instruction.keyword == "FROM" and instruction.stage is not None:
        return _is_image(bases[instruction.stage])
    return instruction.keyword in RUNS_IN_BUILDKIT


def _is_image(base: StageBase) -> bool:
    return base.stage is None and base.image != SCRATCH


@dataclass(frozen=True, slots=True)
class _Clock:
    """Turns the daemon's times into seconds since the solve began."""

    origin: float
    end: float | None
    outcome: Outcome
    with_logs: bool

    def step(self, vertex: Vertex, *, stage: str, kind: StepKind, instruction: Instruction | None = None) -> Step:
        return Step(
            name=vertex.name,
            stage=stage,
            instruction=instruction.text if instruction else _host_command(vertex.name),
            line=instruction.line if instruction else None,
            state=_state(vertex, self.outcome),
            seconds=vertex.seconds(self.end),
            started_seconds=None if vertex.started is None else vertex.started - self.origin,
            kind=kind,
            bytes_fetched=vertex.bytes_fetched,
            log=vertex.log if self.with_logs else "",
            error=vertex.error,
            digest=vertex.digest,
        )


def _host_command(name: str) -> str:
    return name.partition("] ")[2] if name.startswith(HOST_PREFIX) else name


def _state(vertex: Vertex, outcome: Outcome) -> StepState:
    if vertex.error:
        return "cancelled" if "context canceled" in vertex.error else "failed"
    if vertex.cached:
        return "cached"
    if vertex.started is None:
        return "waiting"
    if vertex.is_open:
        return "running" if outcome == "running" else "cancelled"
    return "ran"


def _instruction_step(
    clock: _Clock, stage: Stage | None, instruction: Instruction, vertex: Vertex | None, is_needed: bool, has_vertex: bool
) -> Step:
    name = stage.name if stage else BEFORE_STAGES
    if vertex is None:
        state = _state_without_vertex(is_needed, has_vertex, clock.outcome)
        return Step(instruction.text, name, instruction.text, instruction.line, state, 0.0)
    step = clock.step(vertex, stage=name, kind="instruction", instruction=instruction)
    if instruction.keyword == "FROM" and step.state == "ran" and not step.bytes_fetched:
        # The image was already here: BuildKit only looked it up, and says "cached" on some runs and nothing on others.
        return replace(step, state="cached")
    return step


def _state_without_vertex(is_needed: bool, has_vertex: bool, outcome: Outcome) -> StepState:
    if not is_needed:
        return "not-needed"
    if not has_vertex:
        return "no-step"
    return "cached" if outcome == "done" else "waiting"


def _named(vertex: Vertex) -> _Named | None:
    found = NAME.fullmatch(vertex.name)
    if found is None:
        return None
    return _Named((found["stage"] or "").lower(), int(found["n"]), _folded(found["text"]), vertex)


def _folded(text: str) -> str:
    return " ".join(text.split())


def _match(
    dockerfile: Dockerfile, bases: Sequence[StageBase], needed: frozenset[int], vertices: Sequence[Vertex]
) -> dict[int, Vertex]:
    """The vertex of each instruction of the stages that are needed, by the instruction's first line."""
    named = _with_fetches([found for vertex in vertices if (found := _named(vertex))])
    matched: dict[int, Vertex] = {}
    single = len(dockerfile.stages) == 1
    stages = [stage for stage in dockerfile.stages if stage.index in needed]
    for stage in stages:
        own = [entry for entry in named if entry.stage in (stage.name.lower(), *([""] if single else []))]
        matched |= _match_stage(stage, own)
        base = bases[stage.index]
        if _is_image(base) and (vertex := _base_vertex(base.image, own, named, vertices)):
            matched[stage.line] = vertex
    _follow_back(dockerfile, stages, bases, matched, vertices)
    _share_merged(stages, bases, matched)
    return matched


def _with_fetches(named: Sequence[_Named]) -> list[_Named]:
    """The vertices, each ADD of an address made one with what it fetches."""
    adding = {entry.vertex.digest: entry for entry in named if entry.text.startswith("ADD ")}
    fetches = {
        entry.vertex.digest: [adding[given].vertex for given in entry.vertex.inputs if _same_name(adding, given, entry)]
        for entry in adding.values()
    }
    fetching = {vertex.digest for vertices in fetches.values() for vertex in vertices}
    return [
        replace(entry, vertex=_joined(entry.vertex, fetches.get(entry.vertex.digest, [])))
        for entry in named
        if entry.vertex.digest not in fetching
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


def _match_stage(stage: Stage, named: Sequence[_Named]) -> dict[int, Vertex]:
    commands = [found for found in stage.instructions if found.keyword in RUNS_IN_BUILDKIT]
    entries = sorted(
        (entry for entry in named if not entry.text.startswith(NOT_THE_STAGES_OWN)), key=lambda entry: entry.position
    )
    matched: dict[int, Vertex] = {}
    offsets: list[int] = []
    for place, command in enumerate(commands):
        same = [entry for entry in entries if entry.text == _folded(command.text)]
        if len(same) == 1 and sum(_folded(other.text) == same[0].text for other in commands) == 1:
            matched[command.line] = same[0].vertex
            offsets.append(same[0].position - place)
    offset = offsets[0] if offsets else _first_offset(named)
    taken = {vertex.digest for vertex in matched.values()}
    by_place = {entry.position - offset: entry.vertex for entry in entries if entry.vertex.digest not in taken}
    for place, command in enumerate(commands):
        if command.line not in matched and place in by_place:
            matched[command.line] = by_place[place]
    return matched


def _first_offset(named: Sequence[_Named]) -> int:
    """The position of a stage's first command, when no text tells: 2 behind a visible FROM, else 1."""
    return 2 if any(entry.text.startswith("FROM ") for entry in named) else 1


def _base_vertex(image: str, own: Sequence[_Named], named: Sequence[_Named], vertices: Iterable[Vertex]) -> Vertex | None:
    """The vertex of a stage's image; stages of one image are reported under the name of one of them."""
    for entry in own:
        if entry.text.startswith("FROM "):
            return entry.vertex
    for entry in named:
        if entry.text.startswith("FROM ") and _familiar(entry.text.removeprefix("FROM ").partition("@")[0]) == _familiar(image):
            return entry.vertex
    wanted = (f"[context {_familiar(image)}]", f"[context {_familiar(image)}:latest]")
    for vertex in vertices:
        if vertex.name.startswith(wanted) and "load metadata" not in vertex.name:
            return vertex
    failed = ((vertex, vertex.name.partition("load metadata for ")[2]) for vertex in vertices if vertex.error)
    return next((vertex for vertex, name in failed if name and _familiar(name) == _familiar(image)), None)


def _familiar(image: str) -> str:
    """The short name of an image, which BuildKit says longer at times: `alpine` of `docker.io/library/alpine:latest`."""
    for prefix in ("docker.io/", "index.docker.io/"):
        image = image.removeprefix(prefix)
    return image.removeprefix("library/").removesuffix(":latest")


def _follow_back(
    dockerfile: Dockerfile,
    stages: Sequence[Stage],
    bases: Sequence[StageBase],
    matched: dict[int, Vertex],
    vertices: Sequence[Vertex],
) -> None:
    """Give a step without a vertex the one that the next step of its stage starts from, when it says the same."""
    by_digest = {vertex.digest: vertex for vertex in vertices}
    for stage in stages:
        opening = [found for found in dockerfile.instructions if found.line == stage.line and _is_image(bases[stage.index])]
        commands = [found for found in stage.instructions if found.keyword in RUNS_IN_BUILDKIT]
        for instruction, following in reversed(list(pairwise([*opening, *commands]))):
            after = matched.get(following.line)
            vertex = by_digest.get(after.inputs[0]) if after is not None and after.inputs else None
            if instruction.line not in matched and vertex is not None and _says(vertex, instruction):
                matched[instruction.line] = vertex


def _says(vertex: Vertex, instruction: Instruction) -> bool:
    if instruction.keyword == "FROM" and vertex.name.startswith("[context "):
        return True
    found = _named(vertex)
    return found is not None and found.text == _folded(instruction.text)


def _share_merged(stages: Sequence[Stage], bases: Sequence[StageBase], matched: dict[int, Vertex]) -> None:
    """Give a step without a vertex the one of the equal step in another stage that stands on the same.

    The first step of a stage stands on its image, each other one on the step before.
    """
    ends: dict[int, Vertex | str] = {}
    followers: dict[tuple[str, str], Vertex] = {}
    for known in (False, True):
        for stage in stages:
            base = bases[stage.index]
            before: Vertex | str = base.image if base.stage is None else ends.get(base.stage, base.image)
            for instruction in stage.instructions:
                if instruction.keyword not in RUNS_IN_BUILDKIT:
                    continue
                key = (before if isinstance(before, str) else before.digest, _folded(instruction.text))
                vertex = matched.get(instruction.line)
                if vertex is None and known:
                    vertex = followers.get(key)
                if vertex is not None:
                    matched[instruction.line] = vertex
                    followers.setdefault(key, vertex)
                    before = vertex
            ends[stage.index] = before
