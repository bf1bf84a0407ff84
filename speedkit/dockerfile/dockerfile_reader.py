"""Reads a Dockerfile: splits it with `parser`, checks it with `checks`, and puts instructions together into stages.

In: the text. Out: a `Dockerfile`, or a DockerfileError where BuildKit refuses to build.
"""

from __future__ import annotations

import re
from dataclasses import replace

from speedkit.errors import DockerfileError
from speedkit.messages import message

from .checks import check_encoding, check_has_stages, check_instruction, check_keyword
from .directives import check_options, requested_frontend
from .mounts import mounts_of
from .parser import Command, ParseError, parse
from .refusal import refusal
from .syntax import Dockerfile, Instruction, Stage

__all__ = ["read_dockerfile", "read_instruction"]

_LONE_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_ONBUILD = re.compile(r"^\s*ONBUILD\s*", re.IGNORECASE)


def read_dockerfile(text: str) -> Dockerfile:
    """A Dockerfile's stages and instructions.

    Raises DockerfileError with the line and BuildKit's reason for a Dockerfile that BuildKit rejects before it builds.
    """
    if not text:
        raise refusal("the Dockerfile cannot be empty")
    check_encoding(text)
    frontend = requested_frontend(text)
    if frontend is not None and frontend.comment != "#":
        raise DockerfileError(
            message(
                "Dockerfile, line {line}: this file is for the frontend {frontend}; it is not a Dockerfile.",
                line=frontend.lines[0],
                frontend=frontend.image,
            ),
            line=frontend.lines[0],
            fix=message("You can still build it. There is no forecast, and the steps have BuildKit's names."),
        )
    # Surrogates U+DC80 to U+DCFF are bytes that are no UTF-8 (PEP 383). No file can hold the other surrogates.
    commands, escape = _parsed(_LONE_SURROGATE.sub("\ufffd", text))
    instructions: list[Instruction] = []
    stage = -1
    for command in commands:
        check_keyword(command.keyword, command.line)
        stage += command.keyword.upper() == "FROM"
        instruction = _instruction(command, escape, stage if stage >= 0 else None)
        check_instruction(instruction, any_flag=frontend is not None)
        if instruction.keyword == "RUN":
            mounts_of(instruction)
        instructions.append(instruction)
    frontend_image = frontend.image if frontend else None
    dockerfile = _assemble(tuple(instructions), escape, frontend_image, text.removeprefix("\ufeff"))
    check_has_stages(dockerfile)
    return dockerfile


def read_instruction(text: str, *, line: int, escape: str = "\\", stage: int | None = None) -> Instruction:
    """A single instruction, such as a base image's ONBUILD trigger. line: the line to name in errors."""
    (command, *others), escape = _parsed(text, escape)
    if others:
        raise DockerfileError("onbuild trigger should be a single expression", line=line)
    return replace(_instruction(command, escape, stage), line=line, end_line=line)


def _parsed(text: str, escape: str = "\\") -> tuple[tuple[Command, ...], str]:
    try:
        parsed = parse(text, escape=escape)
    except ParseError as error:
        raise refusal(str(error), error.line) from None
    return parsed.commands, parsed.escape


def _instruction(command: Command, escape: str, stage: int | None) -> Instruction:
    keyword = command.keyword.upper()
    return Instruction(
        keyword=keyword,
        text=" ".join([keyword, *command.original.split()[1:]]),
        flags=command.flags,
        args=command.words,
        line=command.line,
        end_line=command.end_line,
        stage=stage,
        json=command.json,
        heredocs=() if keyword == "ONBUILD" else command.heredocs,
        trigger=_trigger(command, escape, stage) if keyword == "ONBUILD" else None,
    )


def _trigger(command: Command, escape: str, stage: int | None) -> Instruction | None:
    """The instruction behind ONBUILD, read with its here-documents as a text of its own: so does the later build."""
    expression = _ONBUILD.sub("", command.original)
    if not expression.strip() or expression.split()[0].upper() in ("ONBUILD", "FROM", "MAINTAINER"):
        return None
    bodies = [f"{body.content}{body.name}" for body in command.heredocs]
    return read_instruction("\n".join([expression, *bodies]), line=command.line, escape=escape, stage=stage)


def _assemble(instructions: tuple[Instruction, ...], escape: str, syntax: str | None, text: str) -> Dockerfile:
    froms = [number for number, instruction in enumerate(instructions) if instruction.keyword == "FROM"]
    ends = [*froms[1:], len(instructions)] if froms else []
    stages: list[Stage] = []
    for index, (start, end) in enumerate(zip(froms, ends, strict=True)):
        opening = instructions[start]
        named = len(opening.args) == 3  # FROM base AS name
        stages.append(
            Stage(
                index=index,
                name=opening.args[2].lower() if named else f"stage-{index}",
                base=opening.args[0],
                instructions=instructions[start + 1 : end],
                line=opening.line,
                named=named,
                platform=opening.flag("platform"),
                text=opening.text,
            )
        )
    global_args = instructions[: froms[0]] if froms else instructions
    return Dockerfile(tuple(stages), instructions, global_args, escape, syntax, text, check_options(text))
