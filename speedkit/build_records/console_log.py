"""Reads the progress that BuildKit draws on a terminal, as people paste it and as CI systems with a terminal keep it.

In: the blocks of a log. Out: a `ForeignBuild` for each build in it. The terminal shows one picture, drawn anew ten times a
second:

    [+] Building 12.3s (4/5) FINISHED
     => [internal] load build definition from Dockerfile                      0.0s
     => => transferring dockerfile: 402B                                      0.0s
     => CACHED [build 2/3] COPY . .                                           0.0s
     => ERROR [build 3/3] RUN make                                           11.9s
     => => # what make prints

A log has the pictures one after the other, so the last one of a build counts. Oddities of the format:

- Steps have no numbers; their order is that of the picture. `(4/5)` are the steps that ended and that are known; where the
  picture has fewer lines, the rest did not fit on the terminal, and its first line is one of those not understood.
- Nothing tells a step that runs from one that is done, before `FINISHED` or an error says that no step runs any more.
- Names are cut at the width of the terminal.

Source: https://github.com/moby/buildkit, util/progress/progressui/display.go.

The record cannot know: when a step began, and what it printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from .build_end import BuildEnd
from .foreign_build import TEXT_LENGTH, ForeignBuild, NotUnderstood, Outcome
from .log_lines import BEFORE_TEXT, LINE_BYTES, Block, decoded, without_prefix
from .status_lines import LoggedStep, status_lines

__all__ = ["ConsoleLogReader"]

MOST_STEPS = 10_000
MOST_BUILDS = 10_000
MOST_LINES_BETWEEN = 200

_LINES = re.compile(
    # Each picture begins with as many sequences as the one before has lines: the cursor goes up over them.
    rb"\n" + BEFORE_TEXT + rb"(?:\x1b\[[0-9;?]{0,20}[A-Za-z]|[ \t])*+(?:"
    rb"\[\+\] Building (?P<seconds>[0-9]{1,9}\.[0-9]{1,3})s \((?P<ended>[0-9]{1,9})/[0-9]{1,9}\)(?P<rest>[^\n]*)"
    rb"|=> (?P<step>[^\n]*))"
)
_SECONDS = re.compile(rb"([0-9]{1,9}\.[0-9]{1,3})s")
_MARK = re.compile(rb"(CACHED|ERROR|CANCELED) ")

_State = Literal["done", "cached", "failed", "cancelled"]
_STATES: dict[bytes, _State] = {b"CACHED": "cached", b"ERROR": "failed", b"CANCELED": "cancelled"}


@dataclass(slots=True)
class _Picture:
    """The last picture of a build.

    line: of the log, where it begins. ended: how many steps have ended, as it says. steps: name, state and seconds, in order.
    """

    line: int
    first: bytes
    seconds: float
    ended: int
    is_finished: bool
    steps: list[tuple[bytes, _State, float]] = field(default_factory=list)
    end: BuildEnd = field(default_factory=BuildEnd)
    lines_between: int = 0

    @property
    def has_failed(self) -> bool:
        return any(state == "failed" for _, state, _ in self.steps)


class ConsoleLogReader:
    """Takes in the blocks of one log."""

    def __init__(self) -> None:
        self._builds: list[_Picture] = []

    def feed(self, block: Block) -> None:
        """Take in the next block."""
        is_between_builds = not self._builds or self._builds[-1].lines_between > MOST_LINES_BETWEEN
        if is_between_builds and b"[+] Building" not in block.data:
            return  # looking for one word is thirty times as quick as looking at each line
        place = 0
        for match in _LINES.finditer(block.data):
            if self._builds and match.start() > place:
                self._between(block.data[place : match.start()][:LINE_BYTES])
            place = match.end()
            if match["step"] is None:
                self._begin_picture(block, match)
            elif self._builds:
                self._add_step(match["step"].rstrip())
        if self._builds and place < len(block.data):
            self._between(block.data[place:][:LINE_BYTES])

    def builds(self) -> Iterator[tuple[int, ForeignBuild]]:
        """The builds so far, each with the line of its last picture."""
        for picture in self._builds:
            if picture.steps:
                yield picture.line, _foreign_build(picture)

    def _begin_picture(self, block: Block, match: re.Match[bytes]) -> None:
        picture = _Picture(
            line=block.line_at(match.start()),
            first=match[0][match[0].index(b"[+]") :].strip()[:TEXT_LENGTH],
            seconds=float(match["seconds"]),
            ended=int(match["ended"]),
            is_finished=b"FINISHED" in match["rest"],
        )
        last = self._builds[-1] if self._builds else None
        if last is not None and not last.is_finished and not last.end.failure and last.seconds <= picture.seconds:
            self._builds[-1] = picture
        elif len(self._builds) < MOST_BUILDS:
            self._builds.append(picture)

    def _add_step(self, text: bytes) -> None:
        """A line of a picture; those that begin with another arrow are about the step above."""
        name, _, last = text.rpartition(b" ")
        seconds = _SECONDS.fullmatch(last.rpartition(b"\t")[2])
        steps = self._builds[-1].steps
        if text.startswith(b"=> ") or seconds is None or len(steps) >= MOST_STEPS:
            return
        mark = _MARK.match(name)
        state = _STATES[mark[1]] if mark else "done"
        steps.append((name[mark.end() if mark else 0 :].strip()[:LINE_BYTES], state, float(seconds[1])))

    def _between(self, text: bytes) -> None:
        picture = self._builds[-1]
        for line in text.split(b"\n")[1:]:
            picture.lines_between += 1
            if picture.lines_between > MOST_LINES_BETWEEN:
                return
            picture.end.read(without_prefix(line, ""), has_failed=picture.has_failed)


def _foreign_build(picture: _Picture) -> ForeignBuild:
    is_over = picture.is_finished or picture.has_failed or picture.end.failure != ""
    steps = []
    for number, (name, state, seconds) in enumerate(picture.steps, 1):
        error = picture.end.failure or "ERROR" if state == "failed" else "context canceled" if state == "cancelled" else None
        is_open = state == "done" and not is_over
        steps.append(
            LoggedStep(
                number=str(number),
                name=decoded(name),
                # What may still run lasts until the picture was drawn.
                started=picture.seconds - seconds if is_open else 0.0,
                completed=None if is_open else seconds,
                cached=state == "cached",
                error=error,
            )
        )
    lines = [line for step in steps for line in status_lines(step)]
    outcome: Outcome | None = picture.end.outcome({state for _, state, _ in picture.steps})
    if outcome is None and picture.is_finished:
        outcome = "done"
    is_whole = len(steps) >= picture.ended
    return ForeignBuild(
        kind="plain log",
        status_lines=(*lines, *picture.end.lines),
        steps=len(steps),
        cached_steps=sum(step.cached for step in steps),
        seconds=picture.seconds,
        not_understood=() if is_whole else (NotUnderstood(picture.line, decoded(picture.first)),),
        outcome=outcome,
        error=picture.end.failure or None,
    )
