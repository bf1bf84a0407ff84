"""The steps that BuildKit makes of a Dockerfile, in its order and with the text that it gives each of them.

In: a Dockerfile, its build args and target, and the facts of its base images. Out: the steps of each stage. A step's name
is `[stage n/m] TEXT`. TEXT has its variables replaced; in a RUN, only those that have a value, and quotes stay there. A RUN
that is one here-document has the first line of it behind the command. n counts the steps of a stage, with the ONBUILD triggers
of its base. Source: moby/buildkit, frontend/dockerfile/dockerfile2llb/convert.go (dispatchRun, dispatchCopy, prefixCommand).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
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
"""The facts of each base image in a recording, by its name in the Dockerfile."""


@dataclass(frozen=True, eq=False, slots=True)
class ExpectedStep:
    """One instruction of a stage, or one ONBUILD trigger of its base.

    text: as in the name of the vertex. has_vertex: BuildKit makes a vertex of it.
    """

    instruction: Instruction
    text: str
    has_vertex: bool
    triggered: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class ExpectedStage:
    """One stage as BuildKit numbers it.

    with_vertex: the steps of which BuildKit makes a vertex. triggers_known: `steps` has all ONBUILD triggers of the base.
    counts_base: its FROM has a number of its own. None where only the report of the build shows that: a named context that
    takes the place of an image has no number.
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
        """The m in `[stage n/m]`: BuildKit counts all triggers and `WORKDIR /` as well, though they may have no vertex."""
        own = sum(step.instruction.keyword in COUNTED or step.triggered for step in self.steps)
        return own + self.starts_from_image


@dataclass(frozen=True, slots=True)
class _BaseSettings:
    """The settings of a base image, from a recording."""

    environment: tuple[str, ...] | None = None
    workdir: str = ""
    user: str = ""
    shell: tuple[str, ...] = ()
    configuration: str = ""


def folded(text: str) -> str:
    """A text with single spaces in place of white space."""
    return " ".join(text.split())


def expected_stages(
    dockerfile: Dockerfile,
    *,
    build_args: Mapping[str, str],
    target: str | None,
    bases: Facts,
    platform: str = "",
    replaced: Collection[str] = (),
) -> tuple[ExpectedStage, ...]:
    """The stages of a Dockerfile with their steps. Where variables cannot be replaced, a step has its text as written.

    platform: the one that was built for; "" is this machine's. replaced: the stages that a named context took the place of.
    """
    platform = platform or host_platform()
    try:
        needed = needed_stages(dockerfile, build_args=build_args, target=target, platform=platform, replaced=replaced)
        needed -= {stage.index for stage in dockerfile.stages if stage.named and stage.name in replaced}
        starts = stage_bases(dockerfile, build_args=build_args, target=target, platform=platform)
        arguments = global_environment(dockerfile, build_args=build_args, target=target, platform=platform)
    except DockerfileError:
        # BuildKit refused it, too. All stages are shown, as if each were needed.
        needed = frozenset(stage.index for stage in dockerfile.stages)
        starts = tuple(StageBase(None, stage.base, None) for stage in dockerfile.stages)
        arguments = {}
    environments: list[StageEnvironment] = []
    stages = []
    for stage, base in zip(dockerfile.stages, starts, strict=True):
        facts = bases.get(base.image) if base.stage is None else None
        environment = (
            environments[base.stage].inherited()
            if base.stage is not None
            else StageEnvironment.from_image(_settings(base.image, facts))
        )
        triggers = [(trigger, True) for trigger in _triggers(dockerfile, stage, base, facts)]
        own = [(instruction, False) for instruction in stage.instructions]
        reading = _StageReader(dockerfile.escape, build_args, arguments, environment)
        steps = tuple(reading.step(one, triggered=triggered) for one, triggered in [*triggers, *own])
        environments.append(environment)
        # Recordings of older versions have no `on_build`.
        triggers_known = base.stage is not None or base.image == SCRATCH or (facts is not None and "on_build" in facts)
        with_vertex = tuple(step for step in steps if step.has_vertex)
        counts_base = _counts_base(base, facts)
        stages.append(ExpectedStage(stage, base, stage.index in needed, steps, triggers_known, counts_base, with_vertex))
    return tuple(stages)


def _settings(image: str, facts: Mapping[str, Any] | None) -> _BaseSettings | None:
    if image == SCRATCH:
        return None
    if facts is None:
        return _BaseSettings(configuration=f"unknown {image}")
    return _BaseSettings(
        environment=tuple(map(str, facts.get("environment") or ())),
        workdir=str(facts.get("workdir") or ""),
        user=str(facts.get("user") or ""),
    )


def _counts_base(base: StageBase, facts: Mapping[str, Any] | None) -> bool | None:
    # A stage, scratch, a named context and an image without layers have no vertex for FROM (docs/buildkit-cache-rules.md).
    if base.stage is not None or base.image == SCRATCH:
        return False
    if facts is not None and (facts.get("used", base.image) != base.image or facts.get("layers") == []):
        return False
    return None


def _triggers(dockerfile: Dockerfile, stage: Stage, base: StageBase, facts: Mapping[str, Any] | None) -> Iterator[Instruction]:
    """The ONBUILD triggers of a stage's base, with the line of the FROM that runs them."""
    if base.stage is not None:
        for instruction in dockerfile.stages[base.stage].instructions:
            if instruction.trigger is not None:
                yield replace(instruction.trigger, line=stage.line, end_line=stage.line, stage=stage.index)
    for text in (facts or {}).get("on_build") or ():
        with suppress(DockerfileError):
            yield read_instruction(str(text), line=stage.line, stage=stage.index)


class _StageReader:
    """Goes through the instructions of one stage, and keeps the environment that holds at each."""

    def __init__(
        self, escape: str, build_args: Mapping[str, str], global_args: Mapping[str, str], environment: StageEnvironment
    ) -> None:
        self._escape = escape
        self._build_args = build_args
        self._global_args = global_args
        self._environment = environment

    def step(self, instruction: Instruction, *, triggered: bool) -> ExpectedStep:
        with suppress(DockerfileError):
            self._environment.apply(
                instruction, escape=self._escape, build_args=self._build_args, global_args=self._global_args
            )
        has_vertex = instruction.keyword in COUNTED
        if instruction.keyword == "WORKDIR" and self._environment.workdir == "/":
            # BuildKit has no folder to make, so this has no n. It still counts in m.
            has_vertex = False
        return ExpectedStep(instruction, folded(self._text(instruction)), has_vertex, triggered)

    def _text(self, instruction: Instruction) -> str:
        try:
            if instruction.keyword == "RUN":
                variables = self._environment.variables
                with suppress(DockerfileError):
                    # BuildKit shows asterisks for a variable whose value is a secret (`--mount=type=secret,env=`).
                    masked = {str(mount.option("env")): "****" for mount in mounts_of(instruction) if mount.option("env")}
                    variables = {**variables, **masked}
                return expand_where_set(self._run_text(instruction), variables, escape=self._escape)
            if instruction.keyword in COUNTED:
                return expand(instruction.text, self._environment.variables, escape=self._escape)
        except SubstitutionError:
            # BuildKit leaves a text as written, too, when it cannot expand it.
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
