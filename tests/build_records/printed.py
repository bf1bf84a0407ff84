"""Builds made up for tests, and their logs as BuildKit's plain progress prints them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from speedkit.build_records import ForeignBuild
from speedkit.build_records.classic_log import ClassicLogReader
from speedkit.build_records.log_lines import read_blocks
from speedkit.build_records.plain_log import PlainLogReader

__all__ = ["CI_PREFIXES", "PrintedStep", "builds_read_by", "plain_lines", "with_prefix"]


def builds_read_by(reader: ClassicLogReader | PlainLogReader, log: str | bytes) -> tuple[ForeignBuild, ...]:
    """The builds that one reader sees in a log, without the readers of other formats."""
    for block in read_blocks(io.BytesIO(log.encode() if isinstance(log, str) else log)):
        reader.feed(block)
    return tuple(build for _, build in reader.builds())


@dataclass(frozen=True)
class PrintedStep:
    """A step of a build. seconds: tenths count. log: its lines, each with its seconds in thousandths."""

    name: str
    state: Literal["done", "cached", "failed", "cancelled"]
    seconds: float = 0.0
    log: tuple[tuple[float, str], ...] = ()

    @property
    def ending(self) -> str:
        endings = {"done": f"DONE {self.seconds:.1f}s", "cached": "CACHED", "cancelled": "CANCELED"}
        return endings.get(self.state, "ERROR: exit code: 1")


def plain_lines(steps: Sequence[PrintedStep], turns: Sequence[int]) -> Iterator[str]:
    """The log of a build. turns: by the order in which the steps print one line each, as often as they have lines."""
    numbers: dict[int, int] = {}
    left = {place: [*(f"{at:.3f} {text}" for at, text in step.log), step.ending] for place, step in enumerate(steps)}
    current: int | None = None
    has_printed = False
    for place in turns:
        number = numbers.setdefault(place, len(numbers) + 1)
        if current != place:
            if current is not None:
                yield f"#{numbers[current]} ..."
            if has_printed:
                yield ""
            yield f"#{number} {steps[place].name}"
        yield f"#{number} {left[place].pop(0)}"
        has_printed = True
        current = place if left[place] else None
    if any(step.state == "failed" for step in steps):
        yield "------"
        yield from (f" > {step.name}:" for step in steps if step.state == "failed")
        yield from ("------", "Dockerfile:2", "-" * 20, "   1 |     FROM alpine", "   2 | >>> RUN x", "-" * 20)
        yield "ERROR: failed to build: failed to solve: exit code: 1"


CI_PREFIXES = {
    "none": "",
    "GitHub Actions": "2024-05-01T12:00:00.1234567Z ",
    "gh run view": "build image\tRun docker build\t2024-05-01T12:00:00.1234567Z ",
    "GitLab": "2024-05-01T12:00:00.123456Z 00O ",
    "Jenkins": "[2024-05-01T12:00:00.123Z] ",
    "Jenkins, clock": "12:00:00  ",
    "Jenkins, parallel": "[image] ",
    "compose": "web-1  | ",
    "compose, in color": "\x1b[36mweb-1  | \x1b[0m",
    "Cloud Build": 'Step #1 - "build": ',
    "Codespaces": "2024-02-16 02:29:15.118Z: ",
    "git push": "remote: ",
    "Drone": "[image:{line}] ",
    "Woodpecker": "[image:L{line}:3s] ",
    "TeamCity": "[12:00:00] :\t [Step 1/2] ",
    "TeamCity, standard error": "[12:00:00]W:\t [Step 1/2] ",
    "Buildkite": "\x1b_bk;t=1714564800123\x07",
    "Kubernetes": "2024-05-01T12:00:00.123456789Z stdout F ",
    "act": "[release/Build and push image]   | ",
    "Terraform": 'module.app["x"].null_resource.image[0] (local-exec): ',
    "Vagrant": "    default: ",
    "a date with slashes": "2024/05/01 12:00:00 ",
    "a date with a name": "2024-May-01 12:00:00.123456 ",
}


def with_prefix(lines: Sequence[str], prefix: str) -> bytes:
    """The log of a CI system. `{line}` in the prefix is the number of the line."""
    return "".join(f"{prefix.replace('{line}', str(number))}{line}\n" for number, line in enumerate(lines)).encode()
