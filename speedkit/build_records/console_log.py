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
- Names are cut at the width of the terminal. In what people paste, the seconds may stand in the next line, or be missing.

Source: https://github.com/moby/buildkit, util/progress/progressui/display.go.

The record cannot know: when a step began, and what it printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from .build_end import BuildEnd
from .foreign_build import TEXT_LENGTH, ForeignBuild, NotUnderstood, Outcome
from .log_lines import BEFORE_TEXT, LINE_BYTES, Block, decoded, without_prefix
from .status_lines import LoggedStep, status_lines
from .step_names import may_fail

__all__ = ["ConsoleLogReader"]

MOST_STEPS = 10_000
MOST_BUILDS = 10_000
MOST_NOT_UNDERSTOOD = 100
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
    without_seconds: the last line, of a step whose seconds may stand in the next line. not_understood: lines of steps without.
    """

    line: int
    first: bytes
    seconds: float
    ended: int
    is_finished: bool
    steps: list[tuple[bytes, _State, float]] = field(default_factory=list)
    end: BuildEnd = field(default_factory=BuildEnd)
    lines_between: int = 0
    without_seconds: NotUnderstood | None = None
    not_understood: list[NotUnderstood] = field(default_factory=list)

    @property
    def has_failed(self) -> bool:
        return "failed" in self.states

    @property
    def states(self) -> set[_State]:
        """Of the steps that a build cannot do without."""
        return {state for name, state, _ in self.steps if not may_fail(decoded(name))}

    def add_step(self, text: bytes, seconds: float) -> None:
        """Add a step. text: its mark, if it has one, and its name."""
        if len(self.steps) < MOST_STEPS:
            mark = _MARK.match(text)
            state = _STATES[mark[1]] if mark else "done"
            self.steps.append((text[mark.end() if mark else 0 :].strip()[:LINE_BYTES], state, seconds))

    def step_has_no_seconds(self) -> None:
        """The next line did not have the seconds of the last step either."""
        if self.without_seconds is not None and len(self.not_understood) < MOST_NOT_UNDERSTOOD:
            self.not_understood.append(replace(self.without_seconds, text=self.without_seconds.text[:TEXT_LENGTH]))
        self.without_seconds = None


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
                self._add_step(match["step"].rstrip(), block, match.start())
        if self._builds and place < len(block.data):
            self._between(block.data[place:][:LINE_BYTES])

    def builds(self) -> Iterator[tuple[int, ForeignBuild]]:
        """The builds so far, each with the line of its last picture."""
        for picture in self._builds:
            picture.step_has_no_seconds()
            if picture.steps or picture.not_understood:
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

    def _add_step(self, text: bytes, block: Block, place: int) -> None:
        """A line of a picture; those that begin with another arrow are about the step above."""
        name, _, last = text.rpartition(b" ")
        seconds, picture = _SECONDS.fullmatch(last.rpartition(b"\t")[2]), self._builds[-1]
        picture.step_has_no_seconds()
        if text.startswith(b"=> "):
            return
        if seconds is not None:
            picture.add_step(name, float(seconds[1]))
        elif text:
            picture.without_seconds = NotUnderstood(block.line_at(place), decoded(text[:LINE_BYTES]))

    def _between(self, text: bytes) -> None:
        picture = self._builds[-1]
        for line in text.split(b"\n")[1:]:
            picture.lines_between += 1
            if picture.lines_between > MOST_LINES_BETWEEN:
                return
            bare, above = without_prefix(line, ""), picture.without_seconds
            if above is not None and (seconds := _SECONDS.fullmatch(bare.strip())):
                picture.without_seconds = None
                picture.add_step(above.text.encode(), float(seconds[1]))
            else:
                picture.end.read(bare, has_failed=picture.has_failed)


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
    outcome: Outcome | None = picture.end.outcome(picture.states, is_complete=picture.is_finished)
    if outcome is None and picture.is_finished:
        outcome = "done"
    is_whole = len(steps) >= picture.ended
    return ForeignBuild(
        kind="plain log",
        status_lines=(*lines, *(picture.end.lines if outcome != "done" else ())),
        steps=len(steps),
        cached_steps=sum(step.cached for step in steps),
        seconds=picture.seconds,
        not_understood=(*(() if is_whole else (NotUnderstood(picture.line, decoded(picture.first)),)), *picture.not_understood),
        outcome=outcome,
        error=None if outcome == "done" else picture.end.failure or None,
    )
