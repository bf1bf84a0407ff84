"""Turns a situation into vertices, as BuildKit's Dockerfile frontend does.

In: a `Situation`. Out: a `Plan`, with a step for every instruction. Source of the rules: moby/buildkit,
frontend/dockerfile/dockerfile2llb. What does not reach a cache key (LABEL, CMD, EXPOSE …) has no vertex.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from speedkit.context import Manifest
from speedkit.dockerfile import (
    SCRATCH,
    Instruction,
    Linting,
    StageEnvironment,
    check_instruction,
    check_port,
    check_signal,
    fits_platform,
    global_environment,
    needed_stages,
    normalized_path,
    read_instruction,
    stage_bases,
)
from speedkit.errors import DockerfileError
from speedkit.go_numbers import END_OF_INT64, whole_number
from speedkit.messages import message

from .content_digest import Tree
from .copy_vertex import copy_vertex, owner
from .run_vertex import run_vertex
from .situation import BaseImage
from .vertices import Input, Vertex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speedkit.dockerfile import Dockerfile, Stage

    from .situation import NamedContext, Situation

__all__ = ["Plan", "PlannedStep", "plan_build"]

_YEAR_ZERO, _YEAR_10000 = -62_167_219_200, 253_402_300_800
"""The seconds since 1970 at which the years begin that an image's time can have."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_VARIABLE = re.compile(r"\$\{?(\w+)")
_NO_VARIABLES: Mapping[str, str | None] = MappingProxyType({})


@dataclass(frozen=True, eq=False, slots=True)
class PlannedStep:
    """One instruction of the Dockerfile and what BuildKit has to do for it.

    vertex: None where there is nothing to do, as at a FROM that names a stage; of a linked COPY the copy itself, not what
    joins it to the step before. parent: the vertex before it in the stage; of a FROM that names a stage the last one there.
    needed: the target uses it.
    triggered: an ONBUILD of the base, which counts as standing on the line of FROM.
    named: the variables that its text names, with their values; None for one that has none. own: what the Dockerfile has
    set at this place, not the base image: variables, and WORKDIR, USER, SHELL.
    """

    instruction: Instruction
    stage: str
    vertex: Vertex | None
    parent: Vertex | None
    needed: bool
    triggered: bool = False
    named: Mapping[str, str | None] = field(default_factory=lambda: _NO_VARIABLES)
    own: frozenset[str] = frozenset()

    @property
    def opens_known_image(self) -> bool:
        """It is a FROM whose image is on this machine: there is nothing to pull."""
        is_image = self.vertex is not None and self.vertex.kind == "image" and not self.vertex.uncertain
        return is_image and self.instruction.keyword == "FROM"

    @property
    def has_to_pull(self) -> bool:
        """It is a FROM whose image was on this machine, and is no more."""
        return self.opens_known_image and self.vertex is not None and self.vertex.gone


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """steps: in the order of the Dockerfile. context: the vertex of the build context."""

    situation: Situation
    steps: tuple[PlannedStep, ...]
    context: Vertex


def plan_build(situation: Situation, *, tree: Tree | None = None) -> Plan:
    """The vertices of a build. `tree`: the files of its context, where they were read before."""
    _check_build_time(situation.build_args.get("SOURCE_DATE_EPOCH", ""))
    context = Vertex("context", ("context",), tree=tree or Tree(situation.context), local=True)
    planning = _Planning(situation, context)
    steps = tuple(planning.all_steps())
    _check_paths(steps, context)
    if context.tree is not None:
        context.tree.unsent = _unsent(steps, context)
    if planning.lint.findings_are_errors:
        planning.lint.finish(planning.global_args, _default_arguments(situation))
    return Plan(situation, steps, context)


def _check_paths(steps: tuple[PlannedStep, ...], context: Vertex) -> None:
    """Raises DockerfileError for a path with a control character: BuildKit asks for the paths in a header that takes none.

    With a path that is not ASCII among them all are sent in another form; for the whole context no path is sent.
    """
    paths = [
        (selector.path, step.instruction)
        for step in steps
        if step.vertex is not None
        for given in step.vertex.inputs
        if given.vertex is context
        for selector in given.selectors
    ]
    if any(path == "/" or not path.isascii() for path, _ in paths):
        return
    for path, instruction in paths:
        if (found := _UNPRINTABLE.search(path)) is not None:
            reason = 'header key "followpaths" contains value with non-printable ASCII characters'
            what = message(
                "Dockerfile, line {line}: the path {path!r} holds the control character {character!r}: {reason}.",
                line=instruction.line,
                path=path.lstrip("/"),
                character=found[0],
                reason=reason,
            )
            raise DockerfileError(what, line=instruction.line)


def _unsent(steps: tuple[PlannedStep, ...], context: Vertex) -> frozenset[str]:
    """The paths of the context with a backslash in them that BuildKit is not sent.

    Its client takes what the steps name for patterns, in which a backslash is an escape. The file is found all the same when
    another step takes it by a wildcard, or with its folder.
    """
    inputs = [given for step in steps if step.vertex is not None for given in step.vertex.inputs if given.vertex is context]
    selectors = [selector for given in inputs for selector in given.selectors]
    named = {selector.path for selector in selectors if not selector.wildcard and "\\" in selector.path}
    if not named or context.tree is None:
        return frozenset()
    others = [selector for selector in selectors if selector.path not in named]
    sent = {f"/{entry.path}" for selector in others for entry in context.tree.taken(selector._replace(excludes=()))}
    return frozenset(named - sent)


def _default_arguments(situation: Situation) -> Mapping[str, str] | None:
    """What FROM lines could refer to, had no build argument been given; None where that cannot be told."""
    declared = {name for step in situation.dockerfile.global_args for name in step.names}
    others = {name: value for name, value in situation.build_args.items() if name not in declared}
    with suppress(DockerfileError):
        return global_environment(situation.dockerfile, build_args=others, target=situation.target, platform=situation.platform)
    return None


def _check_build_time(seconds: str) -> None:
    if not seconds:
        return
    moment = whole_number(seconds)
    if moment is None or not -END_OF_INT64 <= moment < END_OF_INT64:
        reason = "invalid syntax" if moment is None else "value out of range"
        parsing = f'strconv.ParseInt: parsing "{seconds}": {reason}'
        raise DockerfileError(f"Dockerfile: invalid SOURCE_DATE_EPOCH: {seconds}: {parsing}.")
    if not _YEAR_ZERO <= moment < _YEAR_10000:
        reason = "error calling MarshalJSON for type *time.Time: year outside of range [0,9999]"
        raise DockerfileError(f"Dockerfile: failed to marshal image config: json: {reason} (SOURCE_DATE_EPOCH={seconds}).")


def _for_another_platform(vertex: Vertex, here: str, wanted: str) -> Vertex:
    """The image that a registry would have to hand out, because the one on the machine is for another platform."""
    operation = (vertex.operation, wanted)
    return replace(vertex, operation=operation, parts={**vertex.parts, "here": here, "wanted": wanted}, gone=True)


def _named(instruction: Instruction, variables: Mapping[str, str]) -> Mapping[str, str | None]:
    text = " ".join([instruction.text, *(heredoc.content for heredoc in instruction.heredocs)])
    return {name: variables.get(name) for name in _VARIABLE.findall(text)}


class _Planning:
    """Works through the stages in order; later stages look up earlier ones."""

    def __init__(self, situation: Situation, context: Vertex) -> None:
        self.situation = situation
        self.context = context
        self.dockerfile: Dockerfile = situation.dockerfile
        self.lint = Linting(situation.dockerfile, situation.build_args)
        wanted = {"build_args": situation.build_args, "target": situation.target, "platform": situation.platform}
        self.bases = stage_bases(self.dockerfile, **wanted)  # type: ignore[arg-type]
        self.needed = needed_stages(self.dockerfile, **wanted)  # type: ignore[arg-type]
        self.global_args = global_environment(self.dockerfile, **wanted)  # type: ignore[arg-type]
        self.ends: dict[int, Vertex | None] = {}
        self.scopes: dict[int, StageEnvironment] = {}
        self.sources: dict[str, Vertex | None] = {}

    def all_steps(self) -> list[PlannedStep]:
        steps = [PlannedStep(argument, "", None, None, True) for argument in self.dockerfile.global_args]
        openings = iter(step for step in self.dockerfile.instructions if step.keyword == "FROM")
        for stage, opening in zip(self.dockerfile.stages, openings, strict=True):
            if stage.index in self.needed:
                steps.extend(self._stage(stage, opening))
            else:
                left_out = (opening, *stage.instructions)
                steps.extend(PlannedStep(step, stage.name, None, None, False) for step in left_out)
        return steps

    def _stage(self, stage: Stage, opening: Instruction) -> list[PlannedStep]:
        replaced = self.situation.contexts.get(stage.name) if stage.named else None
        if replaced is not None:
            self.ends[stage.index] = self._named_context(stage.name, replaced)
            self.scopes[stage.index] = StageEnvironment.from_image(replaced if isinstance(replaced, BaseImage) else None)
            left_out = (opening, *stage.instructions)
            return [PlannedStep(step, stage.name, None, None, False) for step in left_out]
        vertex, scope, triggers = self._start(stage)
        in_stage = self.bases[stage.index].stage is not None
        if self.bases[stage.index].image == SCRATCH and not in_stage:
            # BuildKit looks at no --platform of a stage that starts from scratch, nor of one that starts from a stage.
            scope.platform = self.situation.platform
        elif not in_stage:
            scope.platform = self.bases[stage.index].platform or self.situation.platform
        self.lint.open_stage(stage.index, base=self.bases[stage.index].stage)
        steps = [PlannedStep(opening, stage.name, None if in_stage else vertex, vertex if in_stage else None, True)]
        for trigger in triggers:
            vertex = self._step(steps, trigger, stage, vertex, scope, triggered=True)
        for instruction in stage.instructions:
            vertex = self._step(steps, instruction, stage, vertex, scope)
        self.ends[stage.index] = vertex
        self.scopes[stage.index] = scope
        return steps

    def _start(self, stage: Stage) -> tuple[Vertex | None, StageEnvironment, list[Instruction]]:
        base = self.bases[stage.index]
        if base.stage is not None:
            triggers = [step.trigger for step in self.dockerfile.stages[base.stage].instructions if step.trigger]
            here = [replace(trigger, line=stage.line, end_line=stage.line, stage=stage.index) for trigger in triggers]
            for trigger in here:
                check_instruction(trigger)
            return self.ends.get(base.stage), self.scopes[base.stage].inherited(), here
        image = self._image(base.image)
        vertex = self._source(base.image)
        if image is None:
            return vertex, StageEnvironment.from_image(None), []
        if vertex is not None and base.platform and image.platform and not fits_platform(image.platform, base.platform):
            vertex = _for_another_platform(vertex, image.platform, base.platform)
        triggers = [read_instruction(text, line=stage.line, stage=stage.index) for text in image.on_build]
        for trigger in triggers:
            check_instruction(trigger)
        return vertex, StageEnvironment.from_image(image), triggers

    def _image(self, name: str) -> BaseImage | None:
        replaced = self.situation.contexts.get(name)
        if isinstance(replaced, BaseImage):
            return replaced
        if name == SCRATCH or replaced is not None:
            return None
        known = self.situation.bases.get(name)
        return known or BaseImage((), environment=None, configuration=f"unknown {name}")

    def _source(self, name: str) -> Vertex | None:
        """The vertex of an image or named context. None: scratch, or an image without any layer."""
        if name not in self.sources:
            replaced = self.situation.contexts.get(name)
            self.sources[name] = self._named_context(name, replaced) if replaced is not None else self._image_vertex(name)
        return self.sources[name]

    def _image_vertex(self, name: str) -> Vertex | None:
        image = self._image(name)
        if image is None or (not image.layers and image.environment is not None):
            return None
        identity = image.layers or (image.configuration,)
        uncertain = "" if name in self.situation.bases else name
        return Vertex(
            "image", ("image", identity), parts={"layers": identity, "name": name}, uncertain=uncertain, gone=image.gone
        )

    def _named_context(self, name: str, replaced: NamedContext) -> Vertex | None:
        if isinstance(replaced, Manifest):
            return Vertex("context", ("context", name), tree=Tree(replaced), local=True, parts={"name": name})
        if isinstance(replaced, BaseImage):
            layers = replaced.layers
            return Vertex("image", ("image", layers), parts={"layers": layers, "name": name}) if layers else None
        return Vertex("address", ("address", replaced), uncertain=replaced, parts={"name": name})

    def _step(
        self,
        steps: list[PlannedStep],
        instruction: Instruction,
        stage: Stage,
        before: Vertex | None,
        scope: StageEnvironment,
        *,
        triggered: bool = False,
    ) -> Vertex | None:
        """Adds the step; returns the vertex that the next one builds on."""
        self.lint.check(instruction, scope)
        made = self._vertex(instruction, stage, before, scope)
        work = made.inputs[-1].vertex if made is not None and made.kind == "merge" else made
        named = _named(instruction, scope.variables) if work is not None else _NO_VARIABLES
        steps.append(PlannedStep(instruction, stage.name, work, before, True, triggered, named, frozenset(scope.own)))
        return made if made is not None else before

    def _vertex(self, instruction: Instruction, stage: Stage, before: Vertex | None, scope: StageEnvironment) -> Vertex | None:
        match instruction.keyword:
            case "EXPOSE" | "LABEL" | "STOPSIGNAL" | "VOLUME":
                self._check_setting(instruction, scope)
            case "RUN":
                return run_vertex(instruction, stage.name, before, scope, self)
            case "COPY" | "ADD":
                return copy_vertex(instruction, stage.name, before, scope, self)
            case "ENV" | "ARG" | "WORKDIR" | "USER" | "SHELL":
                scope.apply(
                    instruction,
                    escape=self.dockerfile.escape,
                    build_args=self.situation.build_args,
                    global_args=self.global_args,
                )
        return self._workdir(instruction, stage, before, scope) if instruction.keyword == "WORKDIR" else None

    def _check_setting(self, instruction: Instruction, scope: StageEnvironment) -> None:
        """Raises DockerfileError for a value that BuildKit refuses once its variables are replaced."""
        # BuildKit sorts the ports, and names the first that is none.
        args = sorted(instruction.args) if instruction.keyword == "EXPOSE" else instruction.args
        words = [scope.expand(word, instruction, self.dockerfile.escape) for word in args]
        if scope.unknown_base and "$" in instruction.text:
            return  # the base may have set the variable
        try:
            if instruction.keyword == "VOLUME" and not all(words):
                raise ValueError("VOLUME specified can not be an empty string")
            if instruction.keyword == "STOPSIGNAL":
                check_signal(words[0])
            for port in " ".join(words).split() if instruction.keyword == "EXPOSE" else ():
                check_port(port)
        except ValueError as problem:
            what = message("Dockerfile, line {line}: {reason}.", line=instruction.line, reason=problem)
            raise DockerfileError(what, line=instruction.line) from None

    def _workdir(self, instruction: Instruction, stage: Stage, before: Vertex | None, scope: StageEnvironment) -> Vertex | None:
        if scope.workdir == "/":
            return None
        parts = {
            "path": normalized_path("/", scope.workdir),
            "user": owner(scope.user),
            "time": self.situation.build_args.get("SOURCE_DATE_EPOCH", ""),
        }
        inputs = (Input(before),) if before is not None else ()
        return Vertex("file", ("mkdir", *parts.values()), inputs, line=instruction.line, stage=stage.name, parts=parts)

    def origin(self, name: str, *, numeric: bool) -> Vertex | None:
        """What `--from` names. None: scratch."""
        index = self._stage_named(name, numeric=numeric)
        return self._source(name) if index is None else self.ends.get(index)

    def is_ahead(self, name: str, *, numeric: bool) -> bool:
        """Whether `--from` names a stage that comes later."""
        index = self._stage_named(name, numeric=numeric)
        return index is not None and index not in self.ends

    def _stage_named(self, name: str, *, numeric: bool) -> int | None:
        index = whole_number(name) if numeric else None
        if index is not None and 0 <= index < len(self.dockerfile.stages):
            return index
        named = [stage.index for stage in self.dockerfile.stages if stage.named and stage.name == name.lower()]
        return named[-1] if named else None
