"""Builds as a terminal shows them: the `docker build` command to type, and the lines that it prints for each step.

The lines are those of the recorded build, in the format of `docker build --progress=plain`
(moby/buildkit, util/progress/progressui/printer.go). Left out are most lines of logs, BuildKit's own steps such as loading the
Dockerfile, and the seconds before each line of a log. Numbers are BuildKit's, so those of left-out steps are missing.

The kit builds from a private copy of each base image, which BuildKit gets as a named context. It then does not count FROM among
the steps of the stage, although their total has it. Here FROM has its usual place, as in a reader's own build.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from speedkit.control_characters import visible
from speedkit.history import recording_of
from speedkit.messages import plural
from speedkit.model import Build, Step
from speedkit.recordings import VERTEX_NAME, Meta
from speedkit.rendering import html_text, plain_log

__all__ = ["Terminal", "terminal"]

LOG_LINES = 3
"""How many of the last lines of a step's log are shown: enough to see what the step did."""
CONTEXT = "[context "
CODE = (
    "font:12px/1.6 var(--jp-code-font-family,ui-monospace,monospace);"
    "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"
)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Commands and the lines below each, one pair for each build. A notebook shows the lines when a command is clicked.

    opened: the lines are shown at once.
    """

    builds: tuple[tuple[str, str], ...]
    opened: bool

    def __str__(self) -> str:
        return visible("\n\n".join(f"{command}\n{lines}" for command, lines in self.builds))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        attribute = " open" if self.opened else ""
        return "".join(
            f'<details{attribute} style="margin:4px 0"><summary><code style="{CODE}">{html_text(command)}</code></summary>'
            f'<pre style="{CODE}">{html_text(lines)}</pre></details>'
            for command, lines in self.builds
        )


def terminal(*builds: Build, opened: bool = False) -> Terminal:
    """The `docker build` command for each build, as a reader would type it in the app's folder, and what a terminal prints.

    opened: a notebook shows the lines at once, not after a click.
    Raises: NoHistory for a build whose recording is gone.
    """
    return Terminal(tuple((_commands(build), "\n".join(_lines(build)).rstrip()) for build in builds), opened)


def _commands(build: Build) -> str:
    """The commands on the host, and `docker build`."""
    host_commands = [f"$ {step.instruction}" for step in build.instructions if step.kind == "host"]
    return "\n".join([*host_commands, f"$ {_docker_build(recording_of(build.id).meta)}"])


def _docker_build(meta: Meta) -> str:
    argv = ["docker", "build", "--progress=plain"]
    # Docker finds a file of this name by itself.
    argv += [] if meta.dockerfile_name == "Dockerfile" else ["-f", meta.dockerfile_name]
    argv += ["--target", meta.target] if meta.target else []
    for name, value in meta.build_args.items():
        argv += ["--build-arg", f"{name}={value}"]
    return shlex.join([*argv, "."])


def _lines(build: Build) -> Iterator[str]:
    started = [step for step in build.step_list if step.started_seconds is not None and step.kind != "host"]
    # Two stages may start from one base image: that is one step of BuildKit.
    by_digest = {step.digest: step for step in sorted(started, key=lambda step: step.started_seconds or 0.0)}
    totals = _totals(build)
    has_stages = len({step.stage for step in started if step.kind == "instruction"}) > 1
    for number, step in enumerate(by_digest.values(), 1):
        if step.kind != "instruction":
            continue
        yield f"#{number} {_name(step, totals, has_stages)}"
        if step.state != "failed":
            yield from (f"#{number} {line}" for line in _last_of_log(step))
        yield f"#{number} {_end(step)}"
        yield ""
    if build.outcome == "failed" and build.error:
        yield plain_log(build.error)


def _totals(build: Build) -> dict[str, str]:
    """The number of steps of each stage that starts from a private copy of its base image."""
    copies = {step.stage: "1" for step in build.instructions if step.name.startswith(CONTEXT)}
    names = {step.stage: name for step in build.instructions if (name := VERTEX_NAME.fullmatch(step.name))}
    return copies | {stage: name["m"] for stage, name in names.items() if stage in copies}


def _name(step: Step, totals: Mapping[str, str], has_stages: bool) -> str:
    if step.stage not in totals:
        return step.name
    name = VERTEX_NAME.fullmatch(step.name)
    number = int(name["n"]) + 1 if name else 1
    text = name["text"] if name else " ".join(step.instruction.split()[:2])
    stage = f"{step.stage} " if has_stages else ""
    return f"[{stage}{number}/{totals[step.stage]}] {text}"


def _last_of_log(step: Step) -> Iterator[str]:
    if step.cached:
        return
    lines = plain_log(step.log).splitlines()
    if (left_out := len(lines) - LOG_LINES) > 0:
        yield plural("… {count:,} more line", "… {count:,} more lines", left_out)
    yield from lines[-LOG_LINES:]


def _end(step: Step) -> str:
    match step.state:
        case "cached":
            return "CACHED"
        case "failed":
            return f"ERROR: {step.error}"
        case "cancelled":
            return "CANCELED"
        case _:
            return f"DONE {step.seconds:.1f}s"
