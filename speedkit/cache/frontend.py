"""Turns a situation into vertices, as BuildKit's Dockerfile frontend does.

In: a `Situation`. Out: a `Plan`, with a step for every instruction. Source of the rules: moby/buildkit,
frontend/dockerfile/dockerfile2llb/convert.go. Instructions that are in no cache key (LABEL, CMD, EXPOSE …) have no vertex.
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
    Finding,
    Instruction,
    Linting,
    StageEnvironment,
    check_instruction,
    check_port,
    check_signal,
    context_name,
    fits_platform,
    global_environment,
    host_platform,
    needed_stages,
    normalized_path,
    read_instruction,
    refuse_findings,
    stage_bases,
)
from speedkit.errors import DockerfileError
from speedkit.go_numbers import END_OF_INT64, whole_number
from speedkit.messages import message

from .content_digest import Tree
from .copy_vertex import copy_vertex, owner
from .run_vertex import run_vertex
from .situation import BaseImage
from .vertices import Edge, Vertex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speedkit.dockerfile import Dockerfile, Stage

    from .situation import NamedContext, Situation

__all__ = ["Plan", "PlannedStep", "lint", "plan_build"]

_YEAR_ZERO, _YEAR_10000 = -62_167_219_200, 253_402_300_800
"""The first seconds, since 1970, of the year 0 and of the year 10000: Go writes only times between them as JSON."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_VARIABLE = re.compile(r"\$\{?(\w+)")
_NO_VARIABLES: Mapping[str, str | None] = MappingProxyType({})


@dataclass(frozen=True, eq=False, slots=True)
class PlannedStep:
    """One instruction of the Dockerfile, with its vertex.

    vertex: None where there is nothing to run, as at a FROM that names a stage. Of a COPY with `--link` it is the copy itself,
    not the merge that joins the copy to the step before.
    parent: the vertex before it in the stage; of a FROM that names a stage, the last vertex of that stage.
    needed: the target uses it. triggered: an ONBUILD instruction of the base; its line is the line of FROM.
    named: the variables in its text with their values; None for a variable without a value.
    own: the settings made by the Dockerfile so far, not by the base image: variables, and WORKDIR, USER, SHELL.
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
    def opens_local_image(self) -> bool:
        """It is a FROM of an image that the recordings or the engine describe: there is nothing to run."""
        is_image = self.vertex is not None and self.vertex.kind == "image" and not self.vertex.uncertain
        return is_image and self.instruction.keyword == "FROM"

    @property
    def has_to_pull(self) -> bool:
        """It is a FROM whose image is no longer on this machine, or only for another platform."""
        return self.opens_local_image and self.vertex is not None and self.vertex.gone


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """The vertices of a build. steps: in the order of the Dockerfile. context: the vertex of the build context."""

    situation: Situation
    steps: tuple[PlannedStep, ...]
    context: Vertex


def plan_build(situation: Situation, *, tree: Tree | None = None, named: Mapping[str, Tree] = MappingProxyType({})) -> Plan:
    """The plan of a build. tree, named: the files of its context and its named contexts, where they were read before.

    Raises DockerfileError for what BuildKit refuses before or while it computes cache keys.
    """
    _check_build_time(situation.build_args.get("SOURCE_DATE_EPOCH", ""))
    context = Vertex("context", ("context",), tree=tree or Tree(situation.context), local=True)
    planner = _Planner(situation, context, named=named)
    steps = tuple(planner.all_steps())
    _check_paths(steps, context)
    if context.tree is not None:
        context.tree.unsent = _unsent_paths(steps, context)
    if planner.lint.findings_are_errors:
        refuse_findings(planner.lint.findings(planner.global_args, _default_arguments(situation)))
    return Plan(situation, steps, context)


def lint(situation: Situation) -> tuple[Finding, ...]:
    """What BuildKit's linter warns of in a build, by line; () for a Dockerfile that BuildKit rejects.

    Lines that another frontend reads (`# syntax=`) have no findings: it may have other rules.
    """
    # No rule needs the files of the context.
    context = Vertex("context", ("context",), tree=Tree(Manifest(())), local=True)
    try:
        planner = _Planner(situation, context, finds_warnings=True)
        planner.all_steps()
        findings = planner.lint.findings(planner.global_args, _default_arguments(situation))
    except DockerfileError:
        return ()
    return tuple(sorted(findings, key=lambda finding: finding.line))


def _check_paths(steps: tuple[PlannedStep, ...], context: Vertex) -> None:
    """Raises DockerfileError for a path with a control character.

    BuildKit asks the client for the paths in a gRPC header, which must be printable ASCII. If one of the paths is not ASCII,
    all are sent encoded; if a step reads the whole context, no path is sent. Source: moby/buildkit,
    session/filesync/filesync.go (encodeStringForHeader).
    """
    paths = [
        (selector.path, step.instruction)
        for step in steps
        if step.vertex is not None
        for edge in step.vertex.inputs
        if edge.vertex is context
        for selector in edge.selectors
    ]
    if any(path == "/" or not path.isascii() for path, _ in paths):
        return
    for path, instruction in paths:
        if (character := _UNPRINTABLE.search(path)) is not None:
            reason = 'header key "followpaths" contains value with non-printable ASCII characters'
            sentence = message(
                "Dockerfile, line {line}: the path {path!r} holds the control character {character!r}: {reason}.",
                line=instruction.line,
                path=path.lstrip("/"),
                character=character[0],
                reason=reason,
            )
            raise DockerfileError(sentence, line=instruction.line)


def _unsent_paths(steps: tuple[PlannedStep, ...], context: Vertex) -> frozenset[str]:
    """The paths of the context with a backslash in them that BuildKit is not sent.

    The client takes the paths of the steps for patterns, where a backslash is an escape, so it finds no such file. The file is
    there all the same when another step takes it by a wildcard, or with its folder.
    """
    edges = [edge for step in steps if step.vertex is not None for edge in step.vertex.inputs if edge.vertex is context]
    selectors = [selector for edge in edges for selector in edge.selectors]
    named = {selector.path for selector in selectors if not selector.wildcard and "\\" in selector.path}
    if not named or context.tree is None:
        return frozenset()
    others = [selector for selector in selectors if selector.path not in named]
    # The client gets no `--exclude`: that is read by the copy, after the transfer.
    sent = {f"/{entry.path}" for selector in others for entry in context.tree.entries_of(selector._replace(excludes=()))}
    return frozenset(named - sent)


def _default_arguments(situation: Situation) -> Mapping[str, str] | None:
    """The variables of FROM lines with the defaults of their ARGs, without build arguments; None when FROM has an error."""
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


class _Planner:
    """Works through the stages in order; later stages look up earlier ones."""

    def __init__(
        self,
        situation: Situation,
        context: Vertex,
        *,
        named: Mapping[str, Tree] = MappingProxyType({}),
        finds_warnings: bool = False,
    ) -> None:
        self.situation = situation
        self.named_trees = named
        self.context = context
        self.dockerfile: Dockerfile = situation.dockerfile
        self.lint = Linting(situation.dockerfile, situation.build_args, finds_warnings=finds_warnings)
        options = {"build_args": situation.build_args, "target": situation.target, "platform": situation.platform}
        self.bases = stage_bases(self.dockerfile, **options)  # type: ignore[arg-type]
        self.needed = needed_stages(self.dockerfile, **options, replaced=situation.contexts)  # type: ignore[arg-type]
        self.global_args = global_environment(self.dockerfile, **options)  # type: ignore[arg-type]
        self.ends: dict[int, Vertex | None] = {}
        self.environments: dict[int, StageEnvironment] = {}
        self.images: dict[str, Vertex | None] = {}

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
        replaced = self.situation.contexts.get(context_name(stage.name)) if stage.named else None
        if replaced is not None:
            # `--build-context NAME=…` takes the place of a stage of that name, so nothing of the stage is built.
            self.ends[stage.index] = self._named_context(stage.name, replaced)
            self.environments[stage.index] = StageEnvironment.from_image(replaced if isinstance(replaced, BaseImage) else None)
            left_out = (opening, *stage.instructions)
            return [PlannedStep(step, stage.name, None, None, False) for step in left_out]
        vertex, environment, triggers = self._start(stage)
        base = self.bases[stage.index]
        in_stage = base.stage is not None
        if not in_stage:
            # BuildKit ignores `--platform` of a stage that starts from scratch, and of one that starts from a stage
            # (docs/buildkit-cache-rules.md, "Platforms").
            asked_platform = "" if base.image == SCRATCH else base.platform
            environment.platform = asked_platform or self.situation.platform
        self.lint.open_stage(stage.index, base=base.stage)
        # A FROM that names a stage has no vertex: its stage simply goes on from the other one's last vertex.
        steps = [PlannedStep(opening, stage.name, None if in_stage else vertex, vertex if in_stage else None, True)]
        for trigger in triggers:
            vertex = self._step(steps, trigger, stage, vertex, environment, triggered=True)
        for instruction in stage.instructions:
            vertex = self._step(steps, instruction, stage, vertex, environment)
        self.ends[stage.index] = vertex
        self.environments[stage.index] = environment
        return steps

    def _start(self, stage: Stage) -> tuple[Vertex | None, StageEnvironment, list[Instruction]]:
        """The vertex that a stage starts from, the settings it starts with, and the ONBUILD instructions of its base."""
        base = self.bases[stage.index]
        if base.stage is not None:
            triggers = [step.trigger for step in self.dockerfile.stages[base.stage].instructions if step.trigger]
            here = [replace(trigger, line=stage.line, end_line=stage.line, stage=stage.index) for trigger in triggers]
            # ONBUILD hides its instruction from the checks of its own stage, so it is checked at the FROM that runs it.
            for trigger in here:
                check_instruction(trigger)
            return self.ends.get(base.stage), self.environments[base.stage].inherited(), here
        image = self._image(base.image)
        vertex = self._image_or_context(base.image)
        if image is None:
            return vertex, StageEnvironment.from_image(None), []
        # Without `--platform`, the engine's own platform counts, which may not be that of this machine.
        of_build = self.situation.platform if self.situation.platform != host_platform() else ""
        required = base.platform or of_build
        if vertex is not None and required and image.platform and not fits_platform(image.platform, required):
            # An image that is here for another platform does not count: the registry is asked for the other image.
            platforms = {"local_platform": image.platform, "required_platform": required}
            operation = (vertex.operation, required)
            vertex = replace(vertex, operation=operation, parts={**vertex.parts, **platforms}, gone=True)
        triggers = [read_instruction(text, line=stage.line, stage=stage.index) for text in image.on_build]
        for trigger in triggers:
            check_instruction(trigger)
        return vertex, StageEnvironment.from_image(image), triggers

    def _image(self, name: str) -> BaseImage | None:
        """The image of a name; None for scratch, and for a named context that is no image."""
        replaced = self.situation.contexts.get(context_name(name))
        if isinstance(replaced, BaseImage):
            return replaced
        if name == SCRATCH or replaced is not None:
            return None
        return self.situation.bases.get(name) or BaseImage((), environment=None, configuration=f"unknown {name}")

    def _image_or_context(self, name: str) -> Vertex | None:
        """The vertex of an image or named context, always the same one; None for scratch and an image without any layer."""
        if name in self.images:
            return self.images[name]
        replaced, image = self.situation.contexts.get(context_name(name)), self._image(name)
        if replaced is not None:
            vertex = self._named_context(name, replaced)
        elif image is None or (not image.layers and image.environment is not None):
            vertex = None
        else:
            # Only layers are in the key of FROM: labels, command and ports are not (docs/buildkit-cache-rules.md, "What else
            # has a key"). For an image without recorded layers its id stands for them.
            identity = image.layers or (image.configuration,)
            parts = {"layers": identity, "name": name}
            uncertain = "" if name in self.situation.bases else name
            vertex = Vertex("image", ("image", identity), parts=parts, uncertain=uncertain, gone=image.gone)
        self.images[name] = vertex
        return vertex

    def _named_context(self, name: str, replaced: NamedContext) -> Vertex | None:
        if isinstance(replaced, Manifest):
            tree = self.named_trees.get(context_name(name)) or Tree(replaced)
            return Vertex("context", ("context", name), tree=tree, local=True, parts={"name": name})
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
        environment: StageEnvironment,
        *,
        triggered: bool = False,
    ) -> Vertex | None:
        """Adds the step of an instruction; returns the vertex that the next step builds on."""
        self.lint.check(instruction, environment)
        last_vertex = self._vertex(instruction, stage, before, environment)
        vertex, named = last_vertex, _NO_VARIABLES
        if last_vertex is not None:
            # The merge of a COPY --link runs whenever the step before did. The copy is what the author asks about.
            vertex = last_vertex.inputs[-1].vertex if last_vertex.kind == "merge" else last_vertex
            text = " ".join([instruction.text, *(heredoc.content for heredoc in instruction.heredocs)])
            named = {name: environment.variables.get(name) for name in _VARIABLE.findall(text)}
        steps.append(PlannedStep(instruction, stage.name, vertex, before, True, triggered, named, frozenset(environment.own)))
        return last_vertex if last_vertex is not None else before

    def _vertex(
        self, instruction: Instruction, stage: Stage, before: Vertex | None, environment: StageEnvironment
    ) -> Vertex | None:
        match instruction.keyword:
            case "EXPOSE" | "LABEL" | "STOPSIGNAL" | "VOLUME":
                self._check_setting(instruction, environment)
            case "RUN":
                return run_vertex(instruction, stage.name, before, environment, self)
            case "COPY" | "ADD":
                return copy_vertex(instruction, stage.name, before, environment, self)
            case "ENV" | "ARG" | "WORKDIR" | "USER" | "SHELL":
                environment.apply(
                    instruction,
                    escape=self.dockerfile.escape,
                    build_args=self.situation.build_args,
                    global_args=self.global_args,
                )
        # dispatchWorkdir makes no folder for `/`, but does for `//` and `/.` (docs/buildkit-cache-rules.md, "What else has a
        # key").
        if instruction.keyword != "WORKDIR" or environment.workdir == "/":
            return None
        parts = {
            "path": normalized_path("/", environment.workdir),
            "user": owner(environment.user),
            "time": self.situation.build_args.get("SOURCE_DATE_EPOCH", ""),
        }
        inputs = (Edge(before),) if before is not None else ()
        return Vertex("file", ("mkdir", *parts.values()), inputs, line=instruction.line, stage=stage.name, parts=parts)

    def _check_setting(self, instruction: Instruction, environment: StageEnvironment) -> None:
        """Raises DockerfileError for a value that BuildKit refuses once its variables are replaced."""
        # BuildKit sorts the ports, and its error names the first bad one.
        args = sorted(instruction.args) if instruction.keyword == "EXPOSE" else instruction.args
        words = [environment.expand(word, instruction, self.dockerfile.escape) for word in args]
        if environment.unknown_base and "$" in instruction.text:
            return  # the base image may set the variable, and its configuration is unknown
        try:
            if instruction.keyword == "VOLUME" and not all(words):
                raise ValueError("VOLUME specified can not be an empty string")
            if instruction.keyword == "STOPSIGNAL":
                check_signal(words[0])
            for port in " ".join(words).split() if instruction.keyword == "EXPOSE" else ():
                check_port(port)
        except ValueError as problem:
            sentence = message("Dockerfile, line {line}: {reason}.", line=instruction.line, reason=problem)
            raise DockerfileError(sentence, line=instruction.line) from None

    def source(self, name: str, *, numeric: bool) -> Vertex | None:
        """The last vertex of the stage, image or named context in `--from`; None for scratch."""
        index = self._stage_named(name, numeric=numeric)
        return self._image_or_context(name) if index is None else self.ends.get(index)

    def is_later_stage(self, name: str, *, numeric: bool) -> bool:
        """Whether `--from` names a stage that comes later in the Dockerfile."""
        index = self._stage_named(name, numeric=numeric)
        return index is not None and index not in self.ends

    def _stage_named(self, name: str, *, numeric: bool) -> int | None:
        index = whole_number(name) if numeric else None
        if index is not None and 0 <= index < len(self.dockerfile.stages):
            return index
        return self.dockerfile.stage_index(name)
