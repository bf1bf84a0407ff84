"""Holds which vertex speedkit takes for which line against what BuildKit says itself.

Three witnesses, none of which speedkit's own matching uses here: the lines that provenance gives for each vertex of a build
that came to its end, the line that BuildKit quotes (`>>>`) where a build failed, and the words that only one line prints.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from speedkit.dockerfile import read_dockerfile
from speedkit.errors import DockerfileError
from speedkit.recordings.rawjson import Solve, Vertex, read_rawjson
from speedkit.recordings.steps import derive_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from speedkit.cache import BaseImage
    from speedkit.model import Step

__all__ = ["TOKEN", "WrongStep", "base_facts", "unclear_lines", "wrong_step"]

TOKEN = re.compile(r"token-[0-9a-f]{12}")
"""What a RUN of the generator prints, and no other one."""
_STEP = re.compile(r"\[[^\]]*\d+/\d+\] (?P<trigger>ONBUILD )?(?P<link>LINK )?(?P<keyword>[A-Z]+) ", re.DOTALL)
_QUOTED = re.compile(r"^\s*(?P<line>\d+) \|\s+>>> ", re.MULTILINE)

WrongStep = tuple[int, str, str]
"""The line, what speedkit says of it, what BuildKit says."""


def base_facts(bases: Mapping[str, BaseImage]) -> dict[str, dict[str, Any]]:
    """Base images as a recording keeps them."""
    return {
        name: {
            "used": name,
            "id": image.configuration,
            "layers": list(image.layers),
            "environment": list(image.environment or ()),
            "workdir": image.workdir,
            "user": image.user,
            "shell": list(image.shell),
            "on_build": list(image.on_build),
        }
        for name, image in bases.items()
    }


def _steps(
    text: str,
    output: str,
    *,
    ok: bool,
    build_args: Mapping[str, str],
    target: str | None,
    facts: Mapping[str, Mapping[str, Any]],
    lines: Mapping[str, list[list[int]]] | None = None,
) -> tuple[Solve, tuple[Step, ...]]:
    solve = read_rawjson(line.encode() for line in output.split("\n"))
    steps = derive_steps(
        read_dockerfile(text),
        solve,
        outcome="done" if ok else "failed",
        build_args=build_args,
        target=target,
        bases=facts,
        lines=lines,
    )
    return solve, tuple(step for step in steps if step.kind == "instruction")


def wrong_step(
    text: str,
    output: str,
    lines: Mapping[str, list[list[int]]],
    *,
    ok: bool,
    build_args: Mapping[str, str],
    target: str | None,
    facts: Mapping[str, Mapping[str, Any]],
) -> WrongStep | None:
    """The first line that is shown as another one; None when all are right. lines: as provenance gives them."""
    try:
        solve, steps = _steps(text, output, ok=ok, build_args=build_args, target=target, facts=facts)
    except DockerfileError:
        return None
    _, told = _steps(text, output, ok=ok, build_args=build_args, target=target, facts=facts, lines=lines)
    unlike = next((step for step, other in zip(steps, told, strict=True) if step.digest != other.digest), None)
    if lines and unlike is not None:
        return unlike.line or 0, f"{unlike.name} by its name", "another one by its lines"
    return next(
        (wrong for wrong in (*_by_lines(solve, steps, lines), *_by_quote(steps, output), *_by_words(text, steps))), None
    )


def unclear_lines(text: str, output: str, **given: Any) -> int:
    """How many steps speedkit could not tell apart."""
    try:
        return sum(step.state == "unclear" for step in _steps(text, output, **given)[1])
    except DockerfileError:
        return 0


def _by_lines(solve: Solve, steps: tuple[Step, ...], lines: Mapping[str, list[list[int]]]) -> Iterator[WrongStep]:
    expected = _expected(solve, lines)
    openings = {step.line for step in steps if step.instruction.startswith("FROM ")}
    for step in steps:
        vertices = [] if step.line in openings else expected.get(step.line or 0, [])
        shown = step.digest is not None or step.state != "unclear"
        if vertices and shown and step.digest not in [vertex.digest for vertex in vertices]:
            yield step.line or 0, f"{step.state}: {step.name}", vertices[0].name
    if any(step.state == "unclear" for step in steps):
        return
    for line, vertices in expected.items():
        of_line = {step.digest for step in steps if step.line == line}
        for vertex in vertices:
            is_fetch = any(vertex.digest in other.inputs and other.name == vertex.name for other in solve.vertices.values())
            if vertex.digest not in of_line and not is_fetch:
                yield line, "not shown", vertex.name


def _expected(solve: Solve, lines: Mapping[str, list[list[int]]]) -> dict[int, list[Vertex]]:
    """The vertices of each line, but for FROM and what joins a linked copy."""
    expected: dict[int, list[Vertex]] = {}
    for digest, ranges in lines.items():
        vertex = solve.vertices.get(digest)
        name = _STEP.match(vertex.name) if vertex is not None else None
        if vertex is not None and name is not None and not name["link"] and name["keyword"] != "FROM":
            for first, _ in ranges:
                expected.setdefault(first, []).append(vertex)
    return expected


def _by_quote(steps: tuple[Step, ...], output: str) -> Iterator[WrongStep]:
    quoted = [int(line) for line in _QUOTED.findall(output)]
    failed = [step for step in steps if step.state == "failed"]
    if quoted and failed and not any(step.line in quoted for step in failed):
        yield failed[0].line or 0, f"failed: {failed[0].instruction}", f"line {quoted[0]} is quoted"


def _by_words(text: str, steps: tuple[Step, ...]) -> Iterator[WrongStep]:
    bodies = {
        instruction.line: "".join(heredoc.content for heredoc in instruction.heredocs)
        for instruction in read_dockerfile(text).instructions
    }
    for step in steps:
        own = set(TOKEN.findall(step.instruction + bodies.get(step.line or 0, "")))
        printed = set(TOKEN.findall(step.log))
        if step.state == "ran" and own != printed and (own or printed):
            yield step.line or 0, f"ran: {step.instruction}", f"it printed {sorted(printed)}"
