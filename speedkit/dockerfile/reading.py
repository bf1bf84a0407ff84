"""Reads a Dockerfile with BuildKit's own parser, and adds what the parser keeps to itself.

In: the text. Out: a `Dockerfile`. The PyPI package `dockerfile` wraps BuildKit's parser; it gives right line ranges,
but no lines in errors, no inner flags of ONBUILD and no quoting of here-document names, so those are read here.
"""

from __future__ import annotations

import bisect
import json
import re

import dockerfile as buildkit_parser

from speedkit.dockerfile.checks import check_has_stages, check_instruction, check_keyword
from speedkit.dockerfile.disguise import disguised, undisguised
from speedkit.dockerfile.mounts import mounts_of
from speedkit.dockerfile.syntax import Dockerfile, Heredoc, Instruction, Stage
from speedkit.errors import DockerfileError

__all__ = ["read_dockerfile", "read_instruction"]

_DIRECTIVE = re.compile(r"^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$")
_HEREDOC = re.compile(r"<<(-?)\s*([^<\s]+)")
_OF_THE_WHOLE_FILE = frozenset(("file with no instructions",))
_OF_A_DIRECTIVE = ("only one ", "invalid escape token")
_OPEN_HEREDOC = "unterminated heredoc"
_LIST = re.compile(r"\s*(?:ONBUILD\s+)?\S+\s+(?:--\S+\s+)*(?P<check>CMD\s+)?(?P<list>\[.*)", re.DOTALL | re.IGNORECASE)
_ONBUILD = re.compile(r"^\s*ONBUILD\s*", re.IGNORECASE)


def read_dockerfile(text: str) -> Dockerfile:
    """A Dockerfile's stages and instructions.

    Raises DockerfileError, with the line and BuildKit's reason, for what BuildKit rejects before it builds.
    """
    text = text.removeprefix("\ufeff")
    if not text:
        raise DockerfileError("Dockerfile: the Dockerfile cannot be empty.")
    directives = _directives(text)
    escape = directives.get("escape", "\\")
    lines = text.split("\n")
    instructions: list[Instruction] = []
    stage = -1
    for command in _commands(text, escape):
        check_keyword("".join((command.original or "").split()[:1]), command.start_line)
        stage += (command.cmd or "").upper() == "FROM"
        instruction = _instruction(command, lines, escape, stage if stage >= 0 else None)
        check_instruction(instruction, any_flag="syntax" in directives)
        if instruction.keyword == "RUN":
            mounts_of(instruction)
        instructions.append(instruction)
    dockerfile = _assemble(tuple(instructions), escape, directives, text)
    check_has_stages(dockerfile)
    return dockerfile


def read_instruction(text: str, *, line: int, escape: str = "\\", stage: int | None = None) -> Instruction:
    """One instruction that stands alone, as in ONBUILD. `line`: where it counts as standing."""
    header = f"# escape={escape}\n"
    command, *others = _commands(header + text, escape)
    if others:
        raise DockerfileError("onbuild trigger should be a single expression", line=line)
    read = _instruction(command, (header + text).split("\n"), escape, stage)
    return Instruction(
        read.keyword, read.text, read.flags, read.args, line, line, stage, read.json, read.heredocs, read.trigger
    )


def _directives(text: str) -> dict[str, str]:
    """The parser directives: comments of the form `# name=value` before anything else."""
    found: dict[str, str] = {}
    for line in text.split("\n"):
        match = _DIRECTIVE.match(line)
        if match is None or match[1].lower() not in ("syntax", "escape", "check"):
            break
        found[match[1].lower()] = match[2]
    return found


def _commands(text: str, escape: str) -> list[buildkit_parser.Command]:
    safe = disguised(text, escape)
    try:
        return [_as_buildkit_reads(command) for command in buildkit_parser.parse_string(safe)]
    except buildkit_parser.GoParseError as error:
        line = _line_of_error(safe, escape, str(error))
        where = f"Dockerfile, line {line}" if line else "Dockerfile"
        raise DockerfileError(f"{where}: {error}.", line=line) from None


def _as_buildkit_reads(command: buildkit_parser.Command) -> buildkit_parser.Command:
    """What the parser found, undisguised; and the shell form where something stands behind a list in brackets."""
    value = tuple(map(undisguised, command.value))
    keyword = (command.cmd or "").upper()
    if keyword in ("COPY", "ADD") and not command.json:
        value = tuple(part for word in value for part in (word.split() if word.startswith("<<") else [word]))
    plain = command._replace(
        original=undisguised(command.original or ""),
        flags=tuple(map(undisguised, command.flags)),
        value=value,
        heredocs=tuple(
            body._replace(name=undisguised(body.name).lstrip(), content=undisguised(body.content)) for body in command.heredocs
        ),
    )
    found = _LIST.fullmatch(plain.original) if plain.json else None
    if found is None or _is_json(found["list"]):
        return plain
    rest = found["list"].strip()
    words = tuple(rest.split()) if keyword in ("COPY", "ADD", "VOLUME") else (rest,)
    return plain._replace(json=False, value=(*(found["check"] or "").split(), *words))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _line_of_error(text: str, escape: str, reason: str) -> int | None:
    """The line of the first instruction that the parser cannot read; it names none itself.

    It reads in order, so beginnings of the text fail alike from that instruction on, and not before it. Only a
    here-document that is cut off fails before too.
    """
    lines = text.split("\n")
    if reason in _OF_THE_WHOLE_FILE:
        return max(1, text.count("\n"))
    if reason.startswith(_OF_A_DIRECTIVE):
        return 1 if reason.startswith("only one") else None
    if reason == _OPEN_HEREDOC:
        marked = [number for number, line in enumerate(lines) if "<<" in line]
        return next((number + 1 for number in reversed(marked) if _failure(lines[:number]) != _OPEN_HEREDOC), None)
    count = bisect.bisect_left(range(len(lines)), True, key=lambda count: _failure(lines[: count + 1]) == reason)
    before = lines[:count]
    if before and _says_something(before[-1]) and before[-1].rstrip().endswith(escape) and _failure(before) is None:
        return int(buildkit_parser.parse_string("\n".join(before))[-1].start_line)
    return next((number + 1 for number in range(count, len(lines)) if _says_something(lines[number])), None)


def _failure(lines: list[str]) -> str | None:
    try:
        buildkit_parser.parse_string("\n".join(lines) + "\n")
    except buildkit_parser.GoParseError as error:
        return str(error)
    return None


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _instruction(command: buildkit_parser.Command, lines: list[str], escape: str, stage: int | None) -> Instruction:
    original = command.original or ""
    header = original.split("\n")[0] if command.heredocs else original
    keyword = (command.cmd or "").upper()
    return Instruction(
        keyword=keyword,
        text=" ".join([keyword, *header.split()[1:]]),
        flags=tuple(command.flags),
        args=tuple(command.value),
        line=command.start_line,
        end_line=command.end_line,
        stage=stage,
        json=command.json,
        heredocs=_heredocs(command, header),
        trigger=_trigger(command, lines, escape, stage) if keyword == "ONBUILD" else None,
    )


def _heredocs(command: buildkit_parser.Command, header: str) -> tuple[Heredoc, ...]:
    marks = _HEREDOC.findall(header)
    return tuple(
        Heredoc(body.name, body.content, expand=not set(name) & set("'\""), chomp=bool(dash))
        for body, (dash, name) in zip(command.heredocs, marks, strict=False)
    )


def _trigger(command: buildkit_parser.Command, lines: list[str], escape: str, stage: int | None) -> Instruction | None:
    expression = _ONBUILD.sub("", command.original)
    if not expression.strip() or expression.split()[0].upper() in ("ONBUILD", "FROM", "MAINTAINER"):
        return None
    if _HEREDOC.search(expression):
        # The parser leaves the body out of an ONBUILD.
        header_end = command.start_line
        while lines[header_end - 1].rstrip().endswith(escape):
            header_end += 1
        expression = "\n".join([expression, *lines[header_end : command.end_line]])
    return read_instruction(expression, line=command.start_line, escape=escape, stage=stage)


def _assemble(instructions: tuple[Instruction, ...], escape: str, directives: dict[str, str], text: str) -> Dockerfile:
    froms = [number for number, instruction in enumerate(instructions) if instruction.keyword == "FROM"]
    ends = [*froms[1:], len(instructions)] if froms else []
    stages = tuple(
        _stage(index, instructions[start], instructions[start + 1 : end])
        for index, (start, end) in enumerate(zip(froms, ends, strict=True))
    )
    before = instructions[: froms[0]] if froms else instructions
    check = directives.get("check", "").partition(" ")[0]
    return Dockerfile(stages, instructions, before, escape, directives.get("syntax"), text, check)


def _stage(index: int, opening: Instruction, instructions: tuple[Instruction, ...]) -> Stage:
    named = len(opening.args) == 3
    return Stage(
        index=index,
        name=opening.args[2].lower() if named else f"stage-{index}",
        base=opening.args[0],
        instructions=instructions,
        line=opening.line,
        named=named,
        platform=opening.flag("platform"),
        text=opening.text,
    )
