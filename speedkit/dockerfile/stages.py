"""The stages and images that a target needs.

Source of the rules by which a name is a stage or an image: moby/buildkit, frontend/dockerfile/dockerfile2llb/convert.go.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from speedkit.errors import DockerfileError
from speedkit.go_numbers import END_OF_INT64, whole_number
from speedkit.messages import message

from .expansion import SubstitutionError, expand
from .mounts import mounts_of
from .refusal import refusal
from .values import check_image_name, check_platform, normalized_platform

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from .syntax import Dockerfile, Instruction, Stage

__all__ = [
    "SCRATCH",
    "Origin",
    "StageBase",
    "base_platforms",
    "external_bases",
    "global_environment",
    "host_platform",
    "image_platform",
    "needed_stages",
    "origins_of",
    "stage_bases",
    "target_index",
]

SCRATCH = "scratch"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "i686": "386"}
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class StageBase:
    """The base of a stage, with ARGs expanded: an earlier stage, or an image. `scratch` is an image here."""

    stage: int | None
    image: str
    platform: str | None


@dataclass(frozen=True, slots=True)
class Origin:
    """The stage or image in `--from` or `from=`."""

    stage: int | None
    image: str


def host_platform() -> str:
    """The platform that an engine on this machine builds for."""
    machine = os.uname().machine if hasattr(os, "uname") else "x86_64"
    return f"linux/{_ARCHITECTURES.get(machine, machine)}"


def image_platform(document: Mapping[str, object]) -> str:
    """The platform of an image, such as `linux/amd64`; "" when unknown. document: from `docker image inspect`."""
    parts = [str(document.get(name) or "") for name in ("Os", "Architecture", "Variant")]
    if not all(parts[:2]):
        return ""
    text = "/".join(part for part in parts if part)
    try:
        check_platform(text)
    except ValueError:
        return ""
    return normalized_platform(text, host_platform())


def global_environment(
    dockerfile: Dockerfile, *, build_args: Mapping[str, str], target: str | None, platform: str
) -> dict[str, str]:
    """The variables of FROM lines: the platform arguments, then the ARGs before the first FROM."""
    # TARGETSTAGE is the target's name, of the last stage too; "default" when that has none.
    last = dockerfile.stages[-1]
    name = target or (last.name if last.named else "default")
    # A build arg replaces a platform argument, such as TARGETARCH, too.
    values = {key: build_args.get(key, value) for key, value in _platform_arguments(platform, name).items()}
    for instruction in dockerfile.global_args:
        for argument in instruction.args:
            key, equals, default = argument.partition("=")
            if key in build_args:
                values[key] = build_args[key]
            elif equals:  # an ARG without a value leaves a platform argument as it is
                values[key] = _expanded(default, values, dockerfile.escape, instruction.line)
    return values


def _platform_arguments(platform: str, target: str) -> dict[str, str]:
    values: dict[str, str] = {}
    # The builder's own platform is that of this machine, whatever the build is for.
    for side, of_side in (("BUILD", host_platform()), ("TARGET", platform)):
        system, _, architecture = of_side.partition("/")
        architecture, _, variant = architecture.partition("/")
        values |= {
            f"{side}PLATFORM": of_side,
            f"{side}OS": system,
            f"{side}OSVERSION": "",
            f"{side}ARCH": architecture,
            f"{side}VARIANT": variant,
        }
    return values | {"TARGETSTAGE": target}


def _expanded(word: str, values: Mapping[str, str], escape: str, line: int) -> str:
    try:
        return expand(word, values, escape=escape)
    except SubstitutionError as error:
        raise refusal(f'failed to process "{word}": {error}', line) from None


def stage_bases(
    dockerfile: Dockerfile, *, build_args: Mapping[str, str] = _NOTHING, target: str | None = None, platform: str = ""
) -> tuple[StageBase, ...]:
    """The base of each stage, in order.

    build_args, target, platform: of the build; platform: "" for this machine's. Raises DockerfileError.
    """
    values = global_environment(dockerfile, build_args=build_args, target=target, platform=platform or host_platform())
    bases: list[StageBase] = []
    names: dict[str, int] = {}
    for stage in dockerfile.stages:
        base = _expanded(stage.base, values, dockerfile.escape, stage.line)
        if not base:
            raise refusal(f"base name ({stage.base}) should not be blank", stage.line)
        stage_platform = _expanded(stage.platform, values, dockerfile.escape, stage.line) if stage.platform else None
        if stage_platform == "":
            raise refusal(f"empty platform value from expression {stage.platform}", stage.line)
        if stage_platform is not None:
            _refuse_unless(check_platform, stage_platform, f"failed to parse platform {stage.platform}", stage.line)
            stage_platform = normalized_platform(stage_platform, host_platform())
        # A base is a stage only when that is above: `FROM a AS a` starts from the image `a`.
        bases.append(StageBase(names.get(base), base, stage_platform))
        if stage.named:
            names[stage.name] = stage.index
    _check_origins(dockerfile)
    # BuildKit checks the names of images after all of these, so the other errors come first.
    for stage, stage_base in zip(dockerfile.stages, bases, strict=True):
        if stage_base.stage is None:
            image = stage_base.image
            _refuse_unless(check_image_name, image, f'failed to parse stage name "{image}"', stage.line)
    return tuple(bases)


def _refuse_unless(check: Callable[[str], None], text: str, doing: str, line: int | None) -> None:
    try:
        check(text)
    except ValueError as problem:
        raise refusal(f"{doing}: {problem}", line) from None


def _check_origins(dockerfile: Dockerfile) -> None:
    """Raises DockerfileError for stages that copy from each other in a circle, and for invalid names of images.

    BuildKit checks every stage, needed or not.
    """
    lines_by_origin: dict[int, dict[int, int]] = {}
    images: list[tuple[str, int | None]] = []
    for stage in dockerfile.stages:
        lines = lines_by_origin[stage.index] = {}
        for step in stage.instructions:
            if step.keyword == "ONBUILD":  # it runs in other stages
                continue
            for origin in origins_of(dockerfile, step):
                if origin.stage is None:
                    images.append((origin.image, step.line if step.keyword == "COPY" else None))
                else:
                    lines[origin.stage] = step.line
    without_circle: set[int] = set()
    for stage in dockerfile.stages:
        line = _line_of_circle(stage.index, lines_by_origin, without_circle)
        if line is not None:
            raise refusal(f"circular dependency detected on stage: {stage.name}", line)
    for image, image_line in images:
        _refuse_unless(check_image_name, image, f'failed to parse stage name "{image}"', image_line)


def _line_of_circle(index: int, lines_by_origin: Mapping[int, Mapping[int, int]], without_circle: set[int]) -> int | None:
    """The line that closes a circle of stages, or None when no circle can be reached from a stage.

    lines_by_origin: by stage, the lines that copy from other stages. without_circle: stages that were searched before.
    """
    if index in without_circle:
        return None
    # A list of stages that copy from each other may be longer than Python's stack: the path is in a dictionary instead.
    path = {index: iter(lines_by_origin[index].items())}
    while path:
        stage = next(reversed(path))
        for origin, line in path[stage]:
            if origin in path:
                return line
            if origin not in without_circle:
                path[origin] = iter(lines_by_origin[origin].items())
                break
        else:
            without_circle.add(stage)
            del path[stage]
    return None


def origins_of(dockerfile: Dockerfile, instruction: Instruction) -> tuple[Origin, ...]:
    """The stages and images that an instruction copies or mounts from. Raises DockerfileError for a wrong stage index."""
    instruction = instruction.trigger or instruction  # an ONBUILD needs its origin in the stage that triggers it
    if instruction.keyword == "COPY" and (name := instruction.flag("from")):
        # `--from=0` is a stage's index; `from=0` of a mount is a name.
        index = whole_number(name)
        if index is None or not -END_OF_INT64 <= index < END_OF_INT64:
            return (Origin(dockerfile.stage_index(name), name),)
        if not 0 <= index < len(dockerfile.stages):
            raise refusal(f"invalid stage index {index}")
        return (Origin(index, name),)
    if instruction.keyword == "RUN":
        origins = [mount.origin for mount in mounts_of(instruction) if mount.origin]
        return tuple(Origin(dockerfile.stage_index(origin), origin) for origin in origins)
    return ()


def target_index(dockerfile: Dockerfile, target: str | None) -> int:
    """Index of the stage to build: the target, or the last one. Raises DockerfileError for an unknown target."""
    if not target:
        return len(dockerfile.stages) - 1
    index = dockerfile.stage_index(target)
    if index is not None:
        return index
    names = [stage.name for stage in dockerfile.stages if stage.named]
    fix = message("No stage has a name. Give it one: `FROM image AS name`.")
    if names:
        fix = message("Stages with a name: {names}.", names=", ".join(names))
    raise DockerfileError(f'target stage "{target}" could not be found.', fix=fix)


def needed_stages(
    dockerfile: Dockerfile,
    *,
    build_args: Mapping[str, str] = _NOTHING,
    target: str | None = None,
    platform: str = "",
    replaced: Collection[str] = (),
) -> frozenset[int]:
    """Indexes of the stages that a build of a target runs. target: None for the last stage.

    replaced: names of stages that a named build context takes the place of. They are needed, but none of their instructions is.
    """
    bases = stage_bases(dockerfile, build_args=build_args, target=target, platform=platform)
    needed: set[int] = set()
    unvisited = [target_index(dockerfile, target)]
    while unvisited:
        index = unvisited.pop()
        if index in needed:
            continue
        needed.add(index)
        if dockerfile.stages[index].named and dockerfile.stages[index].name in replaced:
            continue
        base = bases[index].stage
        if base is not None:
            unvisited.append(base)
        origins = [origin for step in _instructions_of(dockerfile, index, base) for origin in origins_of(dockerfile, step)]
        unvisited.extend(origin.stage for origin in origins if origin.stage is not None)
    return frozenset(needed)


def _instructions_of(dockerfile: Dockerfile, index: int, base: int | None) -> list[Instruction]:
    """The instructions that run in a stage: the ONBUILDs of the stage that is its base, then its own."""
    stage: Stage = dockerfile.stages[index]
    own = [step for step in stage.instructions if step.keyword != "ONBUILD"]
    if base is None:
        return own
    return [step for step in dockerfile.stages[base].instructions if step.keyword == "ONBUILD"] + own


def external_bases(
    dockerfile: Dockerfile,
    *,
    build_args: Mapping[str, str] = _NOTHING,
    target: str | None = None,
    platform: str = "",
    replaced: Collection[str] = (),
) -> tuple[str, ...]:
    """The images that a build of a target needs for FROM, COPY --from and RUN --mount=from, in order, each once.

    Without stages and `scratch`. Names are as written, with ARGs expanded. replaced: as in `needed_stages`.
    """
    return tuple(base_platforms(dockerfile, build_args=build_args, target=target, platform=platform, replaced=replaced))


def base_platforms(
    dockerfile: Dockerfile,
    *,
    build_args: Mapping[str, str] = _NOTHING,
    target: str | None = None,
    platform: str = "",
    replaced: Collection[str] = (),
) -> dict[str, frozenset[str]]:
    """The platforms for which a build needs each of the images in `external_bases`."""
    bases = stage_bases(dockerfile, build_args=build_args, target=target, platform=platform)
    images: dict[str, frozenset[str]] = {}
    needed = needed_stages(dockerfile, build_args=build_args, target=target, platform=platform, replaced=replaced)
    for index in sorted(needed):
        stage = dockerfile.stages[index]
        if stage.named and stage.name in replaced:
            continue
        base = bases[index]
        # An image that files are copied from is one of the target's platform, whatever the stage is for.
        required = [(base.image, base.platform or platform or host_platform())] if base.stage is None else []
        for step in _instructions_of(dockerfile, index, base.stage):
            origins = (origin for origin in origins_of(dockerfile, step) if origin.stage is None)
            required += [(origin.image, platform or host_platform()) for origin in origins]
        for image, of_image in required:
            if image != SCRATCH:
                images[image] = images.get(image, frozenset()) | {of_image}
    return images
