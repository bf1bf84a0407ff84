"""The rules for the whole file. BuildKit checks them in every stage, needed or not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from ..expansion import RecordedLookups, SubstitutionError, expand
from ..go_text import quoted
from ..stages import host_platform
from ..values import check_image_name, normalized_platform
from .finding import Finding

if TYPE_CHECKING:
    from ..syntax import Dockerfile, Instruction, Stage

__all__ = ["findings_in_file"]

_RESERVED = ("context", "scratch")


def findings_in_file(
    dockerfile: Dockerfile, global_args: Mapping[str, str], default_args: Mapping[str, str] | None
) -> list[Finding]:
    """The findings that do not depend on the target. Parameters as in `Linting.finish`."""
    return [
        *_empty_continuations(dockerfile),
        *_instructions(dockerfile),
        *_stage_names(dockerfile),
        *_casing(dockerfile),
        *(_defaults(dockerfile, default_args) if default_args is not None else ()),
        *_arguments(dockerfile, global_args),
    ]


def _empty_continuations(dockerfile: Dockerfile) -> Iterator[Finding]:
    """Empty lines inside of an instruction. The finding is at its last line; here-documents do not belong to it."""
    lines = dockerfile.source.split("\n")
    escape = re.escape(dockerfile.escape)
    # An escaped escape character at the end does not continue the line.
    continued = re.compile(rf"(?:^|[^{escape}]){escape}[ \t]*\r?$")
    for instruction in dockerfile.instructions:
        number, has_empty = instruction.line, False
        for number in range(instruction.line, instruction.end_line + 1):
            line = lines[number - 1]
            if number > instruction.line and line.lstrip().startswith("#"):
                continue  # a comment between the lines of an instruction is allowed
            if number > instruction.line and not line.strip():
                has_empty = True
                continue
            if continued.search(line) is None:
                break
        if has_empty:
            yield Finding("NoEmptyContinuation", number, "Empty continuation line")


def _instructions(dockerfile: Dockerfile) -> Iterator[Finding]:
    for instruction in dockerfile.instructions:
        if instruction.keyword == "MAINTAINER":
            sentence = "Maintainer instruction is deprecated in favor of using label"
            yield Finding("MaintainerDeprecated", instruction.line, sentence)
        if instruction.keyword != "FROM" or len(instruction.args) != 3:
            continue
        _, word, name = instruction.args
        if name != name.lower():
            yield Finding("StageNameCasing", instruction.line, f"Stage name '{name}' should be lowercase")
        keyword = _as_written(instruction, dockerfile)
        if (keyword.islower() and not word.islower()) or (keyword.isupper() and not word.isupper()):
            sentence = f"'{word}' and '{keyword}' keywords' casing do not match"
            yield Finding("FromAsCasing", instruction.line, sentence)


def _as_written(instruction: Instruction, dockerfile: Dockerfile) -> str:
    """The keyword as it is in the file; "" when a line ends inside of it."""
    word = dockerfile.source.split("\n")[instruction.line - 1].lstrip().partition(" ")[0].rstrip()
    return word if word.upper() == instruction.keyword else ""


def _stage_names(dockerfile: Dockerfile) -> Iterator[Finding]:
    names: set[str] = set()
    for stage in (stage for stage in dockerfile.stages if stage.named):
        if stage.name in _RESERVED:
            sentence = f"Stage name should not use the same name as reserved stage {quoted(stage.name)}"
            yield Finding("ReservedStageName", stage.line, sentence)
        if stage.name in names:
            sentence = f"Duplicate stage name {quoted(stage.name)}, stage names should be unique"
            yield Finding("DuplicateStageName", stage.line, sentence)
        names.add(stage.name)


def _casing(dockerfile: Dockerfile) -> Iterator[Finding]:
    words = [(_as_written(step, dockerfile), step.line) for step in dockerfile.instructions if step.stage is not None]
    if not all(word for word, _ in words):
        return  # a keyword that is broken over lines: BuildKit's majority is uncertain
    is_lower = sum(word.islower() for word, _ in words) > sum(word.isupper() for word, _ in words)
    majority = "lowercase" if is_lower else "uppercase"
    for word, line in words:
        if not (word.islower() if is_lower else word.isupper()):
            sentence = f"Command '{word}' should match the case of the command majority ({majority})"
            yield Finding("ConsistentInstructionCasing", line, sentence)


def _defaults(dockerfile: Dockerfile, default_args: Mapping[str, str]) -> Iterator[Finding]:
    """Base images that are no image's name unless the build gets build args."""
    for stage in dockerfile.stages:
        try:
            base = expand(stage.base, default_args, escape=dockerfile.escape)
        except SubstitutionError:
            return
        try:
            check_image_name(base)
        except ValueError:
            sentence = f"Default value for ARG {stage.base} results in empty or invalid base image name"
            yield Finding("InvalidDefaultArgInFrom", stage.line, sentence)


def _arguments(dockerfile: Dockerfile, global_args: Mapping[str, str]) -> Iterator[Finding]:
    """Findings of FROM lines' variables. An ARG without a value is declared, too."""
    declared = {name for step in dockerfile.global_args for name in step.names}
    for stage in dockerfile.stages:
        for word in (stage.base, stage.platform or ""):
            lookups = RecordedLookups(global_args)
            with suppress(SubstitutionError):
                expand(word, lookups, escape=dockerfile.escape)
            for name in lookups.missing:
                if name not in declared:
                    yield Finding("UndefinedArgInFrom", stage.line, f"FROM argument '{name}' is not declared")
        if stage.platform:
            yield from _platform(stage, stage.platform, global_args, dockerfile.escape)


def _platform(stage: Stage, platform: str, global_args: Mapping[str, str], escape: str) -> Iterator[Finding]:
    lookups = RecordedLookups(global_args)
    value = expand(platform, lookups, escape=escape)
    if lookups.existing == {"TARGETPLATFORM"} and not lookups.missing and value == global_args["TARGETPLATFORM"]:
        sentence = f"Setting platform to predefined {platform} in FROM is redundant as this is the default behavior"
        yield Finding("RedundantTargetPlatform", stage.line, sentence)
    if lookups.existing or lookups.missing:
        return
    # A stage that is named for its platform, such as `build-arm64`, may have a constant one.
    system, processor, *_ = normalized_platform(value, host_platform()).split("/")
    if stage.named and (system in stage.name or processor in stage.name):
        return
    sentence = f"FROM --platform flag should not use constant value {quoted(value)}"
    yield Finding("FromPlatformFlagConstDisallowed", stage.line, sentence)
