"""Makes a Dockerfile of the names of steps, for the record of a build that does not have its own.

In: the vertices of a build, named `[stage n/m] TEXT`. Out: a Dockerfile with these instructions, and the line of each vertex in
it. It is for showing the steps by stage and order. Variables have their values in it, and instructions without a step, such as
ENV and CMD, are missing, so no forecast and no explanation rests on it.

A log does not tell which stage another one starts from, unless it has the inputs of vertices. So this gives nothing where two
stages could be the base of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from speedkit.dockerfile import read_dockerfile
from speedkit.errors import DockerfileError
from speedkit.messages import message
from speedkit.recordings import VERTEX_NAME, Vertex

__all__ = ["dockerfile_of_names"]

STEPS_AT_MOST = 5000
INSTRUCTION = re.compile(r"[A-Z]+ \S")
FROM_OTHER = re.compile(r"(?:--from=|[, ]from=)([A-Za-z0-9_.-]+)")
HEREDOC = "<<"
"""Begins text that goes on in the next lines, which a name does not have."""
SCRATCH = "scratch"
NO_NAME = "stage-0"


@dataclass(slots=True)
class _NamedStage:
    """A stage, by its steps. base: the name in its FROM; "" where it has no step. start: the digest that it starts from."""

    name: str
    base: str = ""
    start: str = ""
    texts: dict[int, str] = field(default_factory=dict)
    digests: dict[int, list[str]] = field(default_factory=dict)

    def sources(self) -> set[str]:
        """The names of other stages that its steps read."""
        return {name.lower() for text in self.texts.values() for name in FROM_OTHER.findall(text)}


def dockerfile_of_names(vertices: Iterable[Vertex]) -> tuple[str, dict[str, list[list[int]]]] | None:
    """The Dockerfile, and the lines of each vertex in it by its digest; None where the names do not tell how stages connect."""
    stages = _stages(vertices)
    ordered = _ordered(stages) if stages else None
    if ordered is None:
        return None
    lines = [message("# From the names of the steps in the record, which does not have the Dockerfile.")]
    vertex_lines: dict[str, list[list[int]]] = {}
    for stage in ordered:
        lines += ["", f"FROM {stage.base or SCRATCH} AS {stage.name}"]
        for digest in stage.digests.get(0, ()):
            vertex_lines[digest] = [[len(lines), len(lines)]]
        for position, text in sorted(stage.texts.items()):
            lines.append(text)
            for digest in stage.digests[position]:
                vertex_lines[digest] = [[len(lines), len(lines)]]
    text = "\n".join([*lines, ""])
    try:
        instructions = read_dockerfile(text).instructions
    except DockerfileError:
        return None
    # A text that runs into the next line, or is two, would shift all lines below it.
    written = sum(1 + len(stage.texts) for stage in ordered)
    return (text, vertex_lines) if len(instructions) == written else None


def _stages(vertices: Iterable[Vertex]) -> dict[str, _NamedStage]:
    """The stages in the order in which their first steps are reported."""
    stages: dict[str, _NamedStage] = {}
    for vertex in list(vertices)[:STEPS_AT_MOST]:
        name = VERTEX_NAME.fullmatch(vertex.name)
        text = " ".join(name["text"].split()) if name is not None else ""
        if name is None or not INSTRUCTION.match(text) or text.startswith(("LINK ", "ONBUILD ")):
            continue
        stage = stages.setdefault((name["stage"] or NO_NAME).lower(), _NamedStage((name["stage"] or NO_NAME).lower()))
        position = int(name["n"])
        if text.startswith("FROM "):
            # `FROM golang:1.26@sha256:…`, and in the names of the classic builder `FROM golang:1.26 AS build`.
            stage.base = text.split()[1].partition("@")[0]
            stage.digests.setdefault(0, []).append(vertex.digest)
            continue
        if position == min([position, *stage.texts]) and vertex.inputs:
            stage.start = vertex.inputs[0]
        # A build for several platforms has a vertex for each of them, and so has an ADD of a URL for its download.
        stage.texts.setdefault(position, text.rstrip("\\").replace(HEREDOC, "< <"))
        stage.digests.setdefault(position, []).append(vertex.digest)
    return stages


def _ordered(stages: dict[str, _NamedStage]) -> list[_NamedStage] | None:
    """The stages, each after those that it needs, the target last; None where they do not all belong to one target."""
    owners = {digest: stage.name for stage in stages.values() for digests in stage.digests.values() for digest in digests}
    referenced = {name for stage in stages.values() for name in stage.sources()} & stages.keys()
    without_base = [stage for stage in stages.values() if not stage.base]
    for stage in without_base:
        owner = owners.get(stage.start)
        stage.base = owner if owner is not None and owner != stage.name else ""
    referenced |= {stage.base for stage in without_base if stage.base}
    unknown = [stage for stage in without_base if not stage.base]
    free = [stage.name for stage in stages.values() if stage.name not in referenced]
    if len(unknown) == 1 and len(free) == 2 and unknown[0].name in free:
        # One stage is left that nothing reads, and one without a base: it starts from that one.
        free.remove(unknown[0].name)
        unknown[0].base = free.pop()
        free.append(unknown[0].name)
    if len(free) != 1:
        return None
    ordered = list(dict.fromkeys(_with_needed(stages, free[0])))
    return [stages[name] for name in ordered] if len(ordered) == len(stages) else None


def _with_needed(stages: dict[str, _NamedStage], target: str) -> Iterator[str]:
    """The names of a stage and of all that it needs, those first. Circles are left where they begin."""
    visited: set[str] = set()
    walk = [(target, False)]
    while walk:
        name, is_done = walk.pop()
        if is_done:
            yield name
        elif name not in visited:
            visited.add(name)
            stage = stages[name]
            needed = [one for one in sorted(stage.sources() | {stage.base}) if one in stages]
            walk += [(name, True), *((one, False) for one in needed)]
