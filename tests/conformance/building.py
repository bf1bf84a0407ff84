"""Builds for real, and reads from BuildKit's own progress what was cached and what ran."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from speedkit.engine.buildx import ASKS_FOR_LINES
from speedkit.engine.connection import connect, find_buildx
from speedkit.recordings import vertex_lines

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from speedkit.cache.frontend import Plan
    from speedkit.cache.vertices import Vertex

__all__ = ["Observed", "build", "buildx", "makes_links", "observed_steps"]

_MOST_SECONDS = 300
_NAME = re.compile(r"^\[(?:(?P<stage>\S+) )?\s*(?P<number>\d+)/\d+\] (?!(?:ONBUILD )?LINK )")


@dataclass(frozen=True)
class Observed:
    """How a build went. states: by (stage, number within it), "cached" or "ran".

    lines: those of the Dockerfile that BuildKit gives for each vertex, where the build came to its end.
    """

    ok: bool
    states: dict[tuple[str, int], str]
    output: str
    lines: dict[str, list[list[int]]] = field(default_factory=dict)


@functools.cache
def buildx() -> str:
    """The program that builds; looked for when it is needed, so that tests are collected where there is none."""
    return str(find_buildx())


@functools.cache
def makes_links() -> bool:
    """Whether the engine makes a layer of its own of `COPY --link`, as the containerd image store does."""
    return connect().storage_driver == "overlayfs"


def build(
    folder: Path,
    dockerfile: Path,
    *,
    contexts: Mapping[str, str],
    build_args: Mapping[str, str],
    target: str | None,
    options: Mapping[str, str] = MappingProxyType({}),
) -> Observed:
    """A build that leaves nothing but cache."""
    command = [buildx(), "build", "--progress=rawjson", "--output", "type=cacheonly", "-f", str(dockerfile)]
    for name, value in contexts.items():
        command += ["--build-context", f"{name}={value}"]
    for name, value in build_args.items():
        command += ["--build-arg", f"{name}={value}"]
    for name, value in options.items():
        command += [f"--{name}", value]
    if target:
        command += ["--target", target]
    with tempfile.TemporaryDirectory(prefix="speedkit-conformance-") as scratch:
        metadata = Path(scratch) / "metadata.json"
        command += ["--metadata-file", str(metadata), str(folder)]
        environment = os.environ | ASKS_FOR_LINES
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_MOST_SECONDS, check=False, env=environment)
        lines = vertex_lines(json.loads(metadata.read_bytes()).get("buildx.build.provenance")) if ran.returncode == 0 else {}
    return Observed(ran.returncode == 0, _states(ran.stderr), ran.stderr, lines)


def _states(output: str) -> dict[tuple[str, int], str]:
    vertices: dict[str, dict[str, object]] = {}
    for line in output.split("\n"):
        if line.startswith("{"):
            for vertex in json.loads(line).get("vertexes") or ():
                vertices.setdefault(vertex["digest"], {}).update({k: v for k, v in vertex.items() if v})
    states: dict[tuple[str, int], str] = {}
    for vertex in vertices.values():
        name = _NAME.match(str(vertex.get("name", "")))
        if name is not None and "started" in vertex:
            place = name["stage"] or "", int(name["number"])
            if place in states and not vertex.get("inputs"):
                continue  # the download of an ADD, which has the name of the ADD
            error = str(vertex.get("error", ""))
            state = "cached" if vertex.get("cached") else "ran"
            if error:
                state = "cancelled" if "context canceled" in error else "failed"
            states[place] = state
    return states


def observed_steps(plan: Plan, observed: Observed) -> dict[int, str]:
    """What became of the vertex of each step, by the step's position in the plan.

    Equal steps of two stages are one vertex, reported under the name of one of them.
    """
    alone = len(plan.situation.dockerfile.stages) == 1
    numbers: dict[str, int] = {}
    same: dict[Hashable, list[int]] = {}
    states: dict[int, str] = {}
    for position, step in enumerate(plan.steps):
        if step.vertex is None or not step.needed:
            continue
        if step.instruction.keyword == "FROM" and (step.vertex.kind != "image" or step.vertex.line):
            continue
        number = numbers[step.stage] = numbers.get(step.stage, 0) + 1
        same.setdefault(_structure(step.vertex), []).append(position)
        state = observed.states.get((step.stage, number)) or observed.states.get(("" if alone else step.stage, number))
        if state is not None:
            states[position] = state
    for positions in same.values():
        seen = [states[position] for position in positions if position in states]
        if seen:
            states.update(dict.fromkeys(positions, "ran" if "ran" in seen else seen[0]))
    return states


def _structure(vertex: Vertex) -> Hashable:
    inputs = tuple((_structure(given.vertex), given.selectors, given.by_content) for given in vertex.inputs)
    name = str(vertex.parts.get("name", "")).removeprefix("docker.io/").removesuffix(":latest")
    return (vertex.kind, vertex.operation, name if vertex.kind == "image" else "", inputs)
