"""Which stages a target needs and which images they start from.

Source of the look-up rules: moby/buildkit, frontend/dockerfile/dockerfile2llb/convert.go.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from speedkit.dockerfile.expansion import SubstitutionError, expand
from speedkit.dockerfile.mounts import mounts_of
from speedkit.errors import DockerfileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speedkit.dockerfile.syntax import Dockerfile, Instruction, Stage

__all__ = [
    "SCRATCH",
    "Origin",
    "StageBase",
    "external_bases",
    "global_environment",
    "host_platform",
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
    """What a stage starts from, ARGs expanded: an earlier stage, or an image (`scratch` counts as one)."""

    stage: int | None
    image: str
    platform: str | None


@dataclass(frozen=True, slots=True)
class Origin:
    """What `--from` or `from=` names: a stage, or an image."""

    stage: int | None
    image: str


def host_platform() -> str:
    """The platform that an engine on this machine builds for."""
    machine = os.uname().machine if hasattr(os, "uname") else "x86_64"
    return f"linux/{_ARCHITECTURES.get(machine, machine)}"


def global_environment(
    dockerfile: Dockerfile, *, build_args: Mapping[str, str], target: str | None, platform: str
) -> dict[str, str]:
    """What FROM lines can refer to: the platform arguments, then the ARGs before the first FROM."""
    last = dockerfile.stages[-1]
    name = target or (last.name if last.named else "default")
    values = {key: build_args.get(key, value) for key, value in _platform_arguments(platform, name).items()}
    for instruction in dockerfile.global_args:
        for argument in instruction.args:
            key, equals, default = argument.partition("=")
            if key in build_args:
                values[key] = build_args[key]
            elif equals:
                values[key] = _expanded(default, values, dockerfile.escape, instruction.line)
    return values


def _platform_arguments(platform: str, target: str) -> dict[str, str]:
    system, _, architecture = platform.partition("/")
    architecture, _, variant = architecture.partition("/")
    values: dict[str, str] = {}
    for side in ("BUILD", "TARGET"):
        values |= {
            f"{side}PLATFORM": platform,
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
        raise DockerfileError(f'Dockerfile, line {line}: failed to process "{word}": {error}.', line=line) from None


def stage_bases(
    dockerfile: Dockerfile, *, build_args: Mapping[str, str] = _NOTHING, target: str | None = None, platform: str = ""
) -> tuple[StageBase, ...]:
    """What each stage starts from, in order."""
    values = global_environment(dockerfile, build_args=build_args, target=target, platform=platform or host_platform())
    bases: list[StageBase] = []
    names: dict[str, int] = {}
    for stage in dockerfile.stages:
        base = _expanded(stage.base, values, dockerfile.escape, stage.line)
        if not base:
            where = f"Dockerfile, line {stage.line}"
            raise DockerfileError(f"{where}: base name ({stage.base}) should not be blank.", line=stage.line)
        wanted = _expanded(stage.platform, values, dockerfile.escape, stage.line) if stage.platform else None
        if wanted == "":
            reason = f"empty platform value from expression {stage.platform}"
            raise DockerfileError(f"Dockerfile, line {stage.line}: {reason}.", line=stage.line)
        bases.append(StageBase(names.get(base), base, wanted))
        if stage.named:
            names[stage.name] = stage.index
    return tuple(bases)


def origins_of(dockerfile: Dockerfile, instruction: Instruction) -> tuple[Origin, ...]:
    """What an instruction copies or mounts from, besides the build context."""
    instruction = instruction.trigger or instruction
    if instruction.keyword == "COPY" and (name := instruction.flag("from")):
        return (_copy_origin(dockerfile, name, instruction.line),)
    if instruction.keyword == "RUN":
        origins = [mount.origin for mount in mounts_of(instruction) if mount.origin]
        return tuple(_named(dockerfile, origin) for origin in origins)
    return ()


def _copy_origin(dockerfile: Dockerfile, name: str, line: int) -> Origin:
    if not name.isdecimal():
        return _named(dockerfile, name)
    if int(name) >= len(dockerfile.stages):
        raise DockerfileError(f"Dockerfile, line {line}: invalid stage index {name}.", line=line)
    return Origin(int(name), name)


def _named(dockerfile: Dockerfile, name: str) -> Origin:
    """BuildKit compares in small letters, and the last stage of a name wins."""
    matches = [stage.index for stage in dockerfile.stages if stage.named and stage.name == name.lower()]
    return Origin(matches[-1] if matches else None, name)


def target_index(dockerfile: Dockerfile, target: str | None) -> int:
    """Index of the stage to build: by name, or the last one."""
    if not target:
        return len(dockerfile.stages) - 1
    matches = [stage.index for stage in dockerfile.stages if stage.named and stage.name == target.lower()]
    if matches:
        return matches[-1]
    known = ", ".join(stage.name for stage in dockerfile.stages if stage.named) or "none has a name"
    raise DockerfileError(f'target stage "{target}" could not be found.', fix=f"Stages with a name: {known}.")


def needed_stages(
    dockerfile: Dockerfile, *, build_args: Mapping[str, str] = _NOTHING, target: str | None = None, platform: str = ""
) -> frozenset[int]:
    """Indexes of the stages that a build of `target` (None: the last stage) runs."""
    bases = stage_bases(dockerfile, build_args=build_args, target=target, platform=platform)
    needed: set[int] = set()
    waiting = [target_index(dockerfile, target)]
    while waiting:
        index = waiting.pop()
        if index in needed:
            continue
        needed.add(index)
        base = bases[index].stage
        if base is not None:
            waiting.append(base)
        origins = [origin for step in _run_in(dockerfile, index, base) for origin in origins_of(dockerfile, step)]
        waiting.extend(origin.stage for origin in origins if origin.stage is not None)
    return frozenset(needed)


def _run_in(dockerfile: Dockerfile, index: int, base: int | None) -> list[Instruction]:
    """A stage's own instructions, and what ONBUILD left for it in the stage it starts from."""
    stage: Stage = dockerfile.stages[index]
    own = [step for step in stage.instructions if step.keyword != "ONBUILD"]
    if base is None:
        return own
    return [step for step in dockerfile.stages[base].instructions if step.keyword == "ONBUILD"] + own


def external_bases(
    dockerfile: Dockerfile, *, build_args: Mapping[str, str] = _NOTHING, target: str | None = None, platform: str = ""
) -> tuple[str, ...]:
    """The images that a build of `target` needs: of FROM, COPY --from and RUN --mount=from, in order, each once.

    Stages and `scratch` are not images. Names are as written, ARGs expanded.
    """
    bases = stage_bases(dockerfile, build_args=build_args, target=target, platform=platform)
    images: list[str] = []
    for index in sorted(needed_stages(dockerfile, build_args=build_args, target=target, platform=platform)):
        if bases[index].stage is None:
            images.append(bases[index].image)
        for step in _run_in(dockerfile, index, bases[index].stage):
            images.extend(origin.image for origin in origins_of(dockerfile, step) if origin.stage is None)
    return tuple(dict.fromkeys(image for image in images if image != SCRATCH))
