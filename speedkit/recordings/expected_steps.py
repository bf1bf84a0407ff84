"""The steps that BuildKit makes of a Dockerfile, in its order and with the text that it gives each of them.

In: a Dockerfile, what it was built with, and what is known of its base images. Out: for each stage its steps. A step's name
is `[stage n/m] TEXT`: TEXT has its variables replaced (in a RUN only those that have a value, and quotes stay there), a RUN
that is one here-document names its first line, n counts the steps of a stage, ONBUILD triggers of its base among them.
Source: moby/buildkit, frontend/dockerfile/dockerfile2llb/convert.go (dispatchRun, dispatchCopy, prefixCommand).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from speedkit.dockerfile import (
    SCRATCH,
    Dockerfile,
    Instruction,
    Stage,
    StageBase,
    StageEnvironment,
    SubstitutionError,
    expand,
    expand_where_set,
    global_environment,
    heredoc_mark,
    host_platform,
    mounts_of,
    needed_stages,
    read_instruction,
    stage_bases,
)
from speedkit.errors import DockerfileError

__all__ = ["COUNTED", "ExpectedStage", "ExpectedStep", "expected_stages", "folded"]

COUNTED = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
"""The instructions that BuildKit counts as steps of a stage, besides FROM."""

Facts = Mapping[str, Mapping[str, Any]]
"""What a recording keeps of each base image, by the name that the Dockerfile has for it."""


@dataclass(frozen=True, eq=False, slots=True)
class ExpectedStep:
    """One instruction of a stage, or one ONBUILD trigger that its base left there.

    text: as it stands in the name of the step. has_vertex: BuildKit has something to do for it.
    """

    instruction: Instruction
    text: str
    has_vertex: bool
    triggered: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class ExpectedStage:
    """One stage as BuildKit numbers it.

    with_vertex: those of the steps that BuildKit has something to do for.
    triggers_known: nothing is missing among the triggers in `steps`. counts_base: its FROM has a number of its own, None where
    only the report of the build tells: a named context that takes the place of an image has none.
    """

    stage: Stage
    base: StageBase
    needed: bool
    steps: tuple[ExpectedStep, ...]
    triggers_known: bool
    counts_base: bool | None
    with_vertex: tuple[ExpectedStep, ...]

    @property
    def starts_from_image(self) -> bool:
        return self.base.stage is None and self.base.image != SCRATCH

    @property
    def total(self) -> int:
        """What BuildKit counts as the steps of the stage, all of the triggers among them, and `WORKDIR /`."""
        own = sum(step.instruction.keyword in COUNTED or step.triggered for step in self.steps)
        return own + self.starts_from_image


@dataclass(frozen=True, slots=True)
class _Base:
    """A base image's settings, as a recording keeps them."""

    environment: tuple[str, ...] | None = None
    workdir: str = ""
    user: str = ""
    shell: tuple[str, ...] = ()
    configuration: str = ""


def folded(text: str) -> str:
    """Text with each run of white space made one space."""
    return " ".join(text.split())


def expected_stages(
    dockerfile: Dockerfile, *, build_args: Mapping[str, str], target: str | None, bases: Facts
) -> tuple[ExpectedStage, ...]:
    """The stages of a Dockerfile with their steps; where its variables cannot be replaced, with the text as written."""
    platform = host_platform()
    try:
        needed = needed_stages(dockerfile, build_args=build_args, target=target)
        starts = stage_bases(dockerfile, build_args=build_args, target=target)
        arguments = global_environment(dockerfile, build_args=build_args, target=target, platform=platform)
    except DockerfileError:
        needed = frozenset(stage.index for stage in dockerfile.stages)
        starts = tuple(StageBase(None, stage.base, None) for stage in dockerfile.stages)
        arguments = {}
    scopes: list[StageEnvironment] = []
    stages = []
    for stage, base in zip(dockerfile.stages, starts, strict=True):
        facts = bases.get(base.image) if base.stage is None else None
        scope = (
            scopes[base.stage].inherited()
            if base.stage is not None
            else StageEnvironment.from_image(_settings(base.image, facts))
        )
        triggers = [*_triggers(dockerfile, stage, base, facts)]
        own = [(instruction, False) for instruction in stage.instructions]
        reading = _Reading(dockerfile.escape, build_args, arguments, scope)
        steps = tuple(reading.step(one, triggered=triggered) for one, triggered in [*triggers, *own])
        scopes.append(scope)
        known = base.stage is not None or base.image == SCRATCH or (facts is not None and "on_build" in facts)
        with_vertex = tuple(step for step in steps if step.has_vertex)
        counts_base = _counts_base(base, facts)
        stages.append(ExpectedStage(stage, base, stage.index in needed, steps, known, counts_base, with_vertex))
    return tuple(stages)


def _settings(image: str, facts: Mapping[str, Any] | None) -> _Base | None:
    if image == SCRATCH:
        return None
    if facts is None:
        return _Base(configuration=f"unknown {image}")
    return _Base(
        environment=tuple(map(str, facts.get("environment") or ())),
        workdir=str(facts.get("workdir") or ""),
        user=str(facts.get("user") or ""),
    )


def _counts_base(base: StageBase, facts: Mapping[str, Any] | None) -> bool | None:
    if base.stage is not None or base.image == SCRATCH:
        return False
    if facts is not None and (facts.get("used", base.image) != base.image or facts.get("layers") == []):
        return False
    return None


def _triggers(
    dockerfile: Dockerfile, stage: Stage, base: StageBase, facts: Mapping[str, Any] | None
) -> Iterator[tuple[Instruction, bool]]:
    """What ONBUILD left in a stage's base; it counts as standing on the line of FROM."""
    if base.stage is not None:
        for held in dockerfile.stages[base.stage].instructions:
            if held.trigger is not None:
                yield replace(held.trigger, line=stage.line, end_line=stage.line, stage=stage.index), True
    for text in (facts or {}).get("on_build") or ():
        with suppress(DockerfileError):
            yield read_instruction(str(text), line=stage.line, stage=stage.index), True


class _Reading:
    """Goes through one stage, and keeps what holds at each place of it."""

    def __init__(
        self, escape: str, build_args: Mapping[str, str], global_args: Mapping[str, str], scope: StageEnvironment
    ) -> None:
        self._escape = escape
        self._build_args = build_args
        self._global_args = global_args
        self._scope = scope

    def step(self, instruction: Instruction, *, triggered: bool) -> ExpectedStep:
        with suppress(DockerfileError):
            self._scope.apply(instruction, escape=self._escape, build_args=self._build_args, global_args=self._global_args)
        has_vertex = instruction.keyword in COUNTED
        if instruction.keyword == "WORKDIR" and self._scope.workdir == "/":
            # BuildKit has no folder to make, and gives it no number; but it counts in the total.
            has_vertex = False
        return ExpectedStep(instruction, folded(self._text(instruction)), has_vertex, triggered)

    def _text(self, instruction: Instruction) -> str:
        try:
            if instruction.keyword == "RUN":
                return expand_where_set(self._run_text(instruction), self._variables(instruction), escape=self._escape)
            if instruction.keyword in COUNTED:
                return expand(instruction.text, self._scope.variables, escape=self._escape)
        except SubstitutionError:
            # BuildKit, too, leaves a name as written that cannot be expanded.
            return self._run_text(instruction)
        return instruction.text

    def _run_text(self, instruction: Instruction) -> str:
        words = instruction.args
        if instruction.keyword != "RUN" or not instruction.heredocs or len(words) != 1:
            return instruction.text
        if heredoc_mark(words[0]) is None:
            return instruction.text
        first, *others = instruction.heredocs[0].content.strip().replace("\r\n", "\n").split("\n")
        return f"{instruction.text} ({first}{'...' if others else ''})"

    def _variables(self, instruction: Instruction) -> Mapping[str, str]:
        """The variables of a RUN; those that are secrets are shown as asterisks."""
        with suppress(DockerfileError):
            masked = {str(mount.option("env")): "****" for mount in mounts_of(instruction) if mount.option("env")}
            return {**self._scope.variables, **masked}
        return self._scope.variables
