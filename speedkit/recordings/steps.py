"""Makes the steps that a reader of the Dockerfile expects, of a Dockerfile and the vertices of a solve."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from speedkit.dockerfile import Dockerfile, Instruction, read_dockerfile
from speedkit.messages import marked, message
from speedkit.model import Outcome, Step, StepKind, StepState

from .expected_steps import COUNTED, ExpectedStage, expected_stages
from .rawjson import Solve, Vertex
from .step_vertices import Lines, MatchedVertices, match_vertices

__all__ = ["BEFORE_STAGES", "HOST_PREFIX", "RUNS_IN_BUILDKIT", "derive_steps", "stage_text"]

HOST_PREFIX = "[host "
BEFORE_STAGES = marked("before the stages")
RUNS_IN_BUILDKIT = COUNTED | {"FROM"}


def stage_text(step: Step) -> str:
    """The name of a step's stage as readers see it: words of ours in their language, the Dockerfile's own names as they are."""
    if step.kind == "host":
        return message("host")
    return message(BEFORE_STAGES) if step.stage == BEFORE_STAGES else step.stage


def derive_steps(
    dockerfile: Dockerfile | None,
    solve: Solve,
    *,
    outcome: Outcome,
    build_args: Mapping[str, str],
    target: str | None,
    bases: Mapping[str, Mapping[str, Any]] | None = None,
    lines: Lines | None = None,
    platform: str = "",
    replaced: Collection[str] = (),
    now: float | None = None,
    with_logs: bool = True,
) -> tuple[Step, ...]:
    """A step per host command, per instruction in the Dockerfile's order, and per internal vertex, in this order.

    The ONBUILD triggers of a base image are steps of their own after the FROM that runs them.
    dockerfile: None when it could not be parsed; then all vertices are internal steps.
    bases: the facts of the base images. lines: the lines of each vertex, from provenance. platform: the one that was built
    for; "" is this machine's. replaced: the names that a named build context took the place of.
    now: the time by the daemon's clock, for steps that still run. with_logs: False leaves every step's log empty.
    """
    clock = _Clock(solve.first or 0.0, now if outcome == "running" else solve.last, outcome, with_logs)
    vertices = list(solve.vertices.values())
    host = [clock.step(vertex, stage="host", kind="host") for vertex in vertices if vertex.name.startswith(HOST_PREFIX)]
    instructions: list[Step] = []
    if dockerfile is not None:
        request = json.dumps([build_args, target, bases or {}, platform, sorted(replaced)], default=str)
        stages = _expected(dockerfile.source, request)
        matched = match_vertices(stages, vertices, lines or {})
        before = [one for one in dockerfile.instructions if one.stage is None]
        instructions = [Step(one.text, BEFORE_STAGES, one.text, one.line, "no-step", 0.0) for one in before]
        openings = (one for one in dockerfile.instructions if one.keyword == "FROM")
        for stage, opening in zip(stages, openings, strict=True):
            instructions.extend(_stage_steps(clock, stage, opening, matched))
    used = {step.digest for step in instructions}
    rest = [
        clock.step(vertex, stage="internal", kind="internal")
        for vertex in vertices
        if vertex.digest not in used and vertex.name and not vertex.name.startswith(HOST_PREFIX)
    ]
    return (*host, *instructions, *rest)


@lru_cache(maxsize=16)
def _expected(source: str, request: str) -> tuple[ExpectedStage, ...]:
    """The stages of a Dockerfile. They are kept, because a running build is shown ten times a second.

    request: build args, target, facts of the base images, platform and replaced names, as JSON.
    """
    build_args, target, bases, platform, replaced = json.loads(request)
    arguments = {name: str(value) for name, value in build_args.items()}
    return expected_stages(
        read_dockerfile(source),
        build_args=arguments,
        target=None if target is None else str(target),
        bases=bases,
        platform=platform,
        replaced=replaced,
    )


def _stage_steps(clock: _Clock, stage: ExpectedStage, opening: Instruction, matched: MatchedVertices) -> Iterator[Step]:
    """The steps of one stage: FROM, the ONBUILD triggers of its base, its own instructions."""
    name = stage.stage.name
    step = clock.instruction_step(stage, opening, matched.openings.get(stage.stage.index), has_vertex=stage.starts_from_image)
    if step.state == "ran" and not step.bytes_fetched:
        # Nothing was pulled, so the image was here. BuildKit reports "cached" for that on some runs, and nothing on others.
        step = replace(step, state="cached")
    yield step
    for reported in matched.triggers.get(stage.stage.index, ()):
        step = clock.step(reported.vertex, stage=name, kind="instruction")
        yield replace(step, instruction=f"ONBUILD {reported.text}", line=stage.stage.line, triggered=True)
    for expected in stage.steps:
        vertex = matched.vertices.get(expected)
        step = clock.instruction_step(stage, expected.instruction, vertex, has_vertex=expected.has_vertex)
        if expected in matched.unclear and vertex is None:
            step = replace(step, state="unclear")
        if expected.triggered:
            step = replace(step, instruction=f"ONBUILD {step.instruction}", triggered=True)
        yield step


@dataclass(frozen=True, slots=True)
class _Clock:
    """Makes steps of vertices, with seconds since the solve began in place of the daemon's times.

    origin, end: of the solve, by the daemon's clock; what still runs lasts until `end`.
    """

    origin: float
    end: float | None
    outcome: Outcome
    with_logs: bool

    def step(self, vertex: Vertex, *, stage: str, kind: StepKind, instruction: Instruction | None = None) -> Step:
        # `[host 1/2] go build` is the command `go build`; other vertices without an instruction have their whole name.
        command = vertex.name.partition("] ")[2] if vertex.name.startswith(HOST_PREFIX) else vertex.name
        return Step(
            name=vertex.name,
            stage=stage,
            instruction=instruction.text if instruction else command,
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

    def instruction_step(
        self, stage: ExpectedStage, instruction: Instruction, vertex: Vertex | None, *, has_vertex: bool
    ) -> Step:
        name = stage.stage.name
        if vertex is not None:
            return self.step(vertex, stage=name, kind="instruction", instruction=instruction)
        state: StepState
        if not stage.needed:
            state = "not-needed"
        elif not has_vertex:
            state = "no-step"
        elif self.outcome != "done":
            state = "waiting"
        else:
            # The build ended well, so a vertex did this step, but it is not clear which. A FROM without one had nothing to
            # pull.
            state = "cached" if instruction.keyword == "FROM" else "unclear"
        return Step(instruction.text, name, instruction.text, instruction.line, state, 0.0)


def _state(vertex: Vertex, outcome: Outcome) -> StepState:
    if vertex.error:
        # BuildKit ends the steps of a cancelled build with this error.
        return "cancelled" if "context canceled" in vertex.error else "failed"
    if vertex.cached:
        return "cached"
    if vertex.started is None:
        return "waiting"
    if vertex.is_open:
        return "running" if outcome == "running" else "cancelled"
    return "ran"
