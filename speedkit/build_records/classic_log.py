"""Reads logs of the classic builder (`DOCKER_BUILDKIT=0 docker build`, and every `docker build` before 2023).

In: the blocks of a log. Out: a `ForeignBuild` for each build in it. The classic builder makes one step after the other:

    Step 2/8 : WORKDIR /workspace
     ---> Using cache
     ---> 0a29ea7cbdfd
    Step 3/8 : RUN make
     ---> Running in 06b96b3ef804
    what make prints
    Removing intermediate container 06b96b3ef804
     ---> 194daff60077
    Successfully built 194daff60077

Oddities of the format:

- Versions before 1.10 count from 0 and have no total (`Step 0 : FROM debian`); newer ones say ` ---> Removed intermediate …`.
- The ONBUILD triggers of a base image are part of its FROM: `# Executing 2 build triggers`, and an answer for each of them.
- What a command prints stands between the other lines with nothing before it, so a program that prints such lines misleads.
- A step that fails ends the log, with `The command '…' returned a non-zero code: 2`, or with an error of the daemon.

The steps get names as BuildKit gives them, `[builder 2/5] WORKDIR /workspace`, with all instructions counted. `steps` are the
steps that the log has, not those that it announces; `cached_steps` those with `Using cache`. A FROM whose image was not pulled
is cached, as with BuildKit, and yet none of `cached_steps`: the log does not call it so.
Source: https://github.com/moby/moby, daemon/builder/dockerfile/dispatchers.go.

The record cannot know any time, unless each line has one: then a step lasts until its last line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from .foreign_build import TEXT_LENGTH, ForeignBuild, NotUnderstood
from .log_lines import BEFORE_TEXT, LINE_BYTES, PREFIX, Block, LogClock, decoded, printing_program, without_prefix
from .logged_build import MOST_LINES_BETWEEN, LoggedBuild
from .status_lines import LoggedStep, status_lines
from .step_log import LogBudget, StepLog

__all__ = ["ClassicLogReader"]

MOST_STEPS = 50_000
ERROR_LENGTH = 4000

_LINES = re.compile(
    rb"\n(?P<prefix>" + PREFIX + rb")(?:"
    rb"Step (?P<number>[0-9*]{1,15})(?:/(?P<total>[0-9*]{1,15}))? : (?P<text>[^\n]*)"
    rb"|---> (?:(?P<cached>Using cache)|(?P<running>Running in )[0-9a-f*]{4,64}|(?P<image>[0-9a-f*]{4,64})"
    rb"|(?P<aside>Removed intermediate container|\[Warning\])[^\n]*)[ \r]*(?=\n|\Z)"
    rb"|(?P<removing>Removing intermediate container) [0-9a-f*]{4,64}[^\n]*"
    rb"|# Executing (?P<triggers>[0-9]{1,5}) build triggers?[^\n]*"
    # pip says that it has successfully built a package, too.
    rb"|(?P<success>Successfully (?:built [0-9a-f*]{4,64}[ \r]*(?=\n|\Z)|tagged [^\n]*)))"
)
_EXIT_MARK = b" returned a non-zero code: "
# In two parts, since one expression for both would look for the second behind each of the first. What a command printed in
# color ends with the escape sequence `ESC [0m`, right before the sentence.
_EXIT = re.compile(rb"The command (?=['\[])|(?P<end>" + _EXIT_MARK + rb"[0-9*]{1,9})")
MOST_COMMAND_BYTES = 60_000
_PULLED = re.compile(rb": Pull complete|Status: Downloaded newer image")
_PULL = re.compile(
    rb"(?:\S{1,300}: (?:Pulling|Already|Waiting|Verifying|Download|Extracting|Pull complete|Layer)|Digest: |Status: )"
)
_ERROR = re.compile(
    rb"(?i:error|invalid|failed|unauthorized|manifest |pull access denied|denied|toomanyrequests|no such)"
    rb"|OCI runtime|(?:Get|Head|Post) \"?https?:|received unexpected HTTP status|unexpected EOF|[A-Z]{3,12} failed|Cannot "
)
_BESIDE_A_BUILD = re.compile(
    rb"Sending build context|DEPRECATED: |Install the buildx|WARNING: |\[Warning\] |SECURITY WARNING|Use 'docker|Building |##\["
)
_BARE = re.compile(rb"\n" + BEFORE_TEXT)
_STAGE_NAME = re.compile(r"FROM\b.*\sAS\s+(\S+)\s*", re.IGNORECASE)

_State = Literal["open", "done", "failed"]


@dataclass(slots=True)
class _Step:
    """A step. triggers: the ONBUILD instructions of its base. answers: how often the log says that the cache was used."""

    number: str
    text: bytes
    log: StepLog
    begun: float | None
    ended: float | None = None
    state: _State = "open"
    has_run: bool = False
    was_pulled: bool = False
    triggers: int = 0
    answers: int = 0
    error: str = ""

    @property
    def keyword(self) -> bytes:
        return self.text.partition(b" ")[0].upper()

    @property
    def cached(self) -> bool:
        """Whether the log calls it cached; a FROM with triggers is, when all of them are."""
        return self.answers > 0 and self.answers >= self.triggers and not self.has_run


@dataclass(slots=True)
class _Build(LoggedBuild):
    """A build so far. total: how many steps it announces; "" where it does not."""

    total: str = ""
    steps: list[_Step] = field(default_factory=list)
    is_done: bool = False

    def goes_on_with(self, number: str, total: str) -> bool:
        """Whether a step is the next one of this build, or a later one, where lines are left out."""
        if self.is_done or self.total != total or self.steps[-1].state == "failed":
            return False
        last = self.steps[-1].number
        return not (number.isdigit() and last.isdigit()) or int(number) > int(last)


class ClassicLogReader:
    """Takes in the blocks of one log."""

    def __init__(self) -> None:
        self._builds: list[_Build] = []
        self._first_lines: list[int] = []
        self._budget = LogBudget()
        self._clock = LogClock()
        self._steps = 0
        self._is_full = False
        self._of_program: dict[str, list[_Build]] = {}
        self._last: _Build | None = None

    def feed(self, block: Block) -> None:
        """Take in the next block."""
        is_between_builds = self._last is None or (self._last.is_done and len(self._of_program) == 1)
        if is_between_builds and b"Step " not in block.data:
            return  # looking for one word is thirty times as quick as looking at each line
        place = 0
        for match in _LINES.finditer(block.data):
            if match.start() > place:
                self._between(block, place, match.start())
            place = match.end()
            self._line(block, match)
        if place < len(block.data):
            self._between(block, place, len(block.data))

    def builds(self) -> Iterator[tuple[int, ForeignBuild]]:
        """The builds so far, each with the line of the log where it begins."""
        for line, build in zip(self._first_lines, self._builds, strict=True):
            yield line, _foreign_build(build, self._clock)

    def _line(self, block: Block, match: re.Match[bytes]) -> None:
        time, program = self._clock.seconds(match["prefix"]), printing_program(match["prefix"])
        if match["number"] is not None:
            self._begin_step(block, match, program, time)
            return
        builds = self._of_program.get(program)
        if not builds or builds[0].is_done:
            return
        build = self._last = builds[0]
        step = build.steps[-1]
        build.at(time)
        if match["success"]:
            build.is_done = True
        elif match["triggers"]:
            step.triggers = int(match["triggers"])
        elif match["cached"]:
            step.answers += 1
        elif match["running"]:
            step.has_run = True
        if match["image"] or match["success"]:
            step.state = "done" if step.state == "open" else step.state
        if step.state == "open" or match["image"] or match["removing"]:
            step.ended = time

    def _begin_step(self, block: Block, match: re.Match[bytes], program: str, time: float | None) -> None:
        number, total = match["number"].decode(), (match["total"] or b"").decode()
        builds = self._of_program.setdefault(program, [])
        if builds and builds[0].steps[-1].number == number and builds[0].total == total and builds[0].steps[-1].triggers:
            return  # an old version prints each trigger with the number of its FROM
        build = next((one for one in builds if one.goes_on_with(number, total)), None)
        if self._steps >= MOST_STEPS:
            left_out = self._builds[-1].not_understood
            if not self._is_full:
                left_out.append(NotUnderstood(block.line_at(match.start()), decoded(match[0].strip())[:TEXT_LENGTH]))
            self._is_full = True
            return
        if build is None:
            build = _Build(program, total=total)
            self._builds.append(build)
            self._first_lines.append(block.line_at(match.start()))
            self._of_program[program] = [build, *builds][:8]
        else:
            # The classic builder begins a step only when the one before is done.
            build.steps[-1].state = "done"
            builds.remove(build)
            builds.insert(0, build)
        self._steps += 1
        self._last = build
        text = match["text"].strip()[:LINE_BYTES]
        build.steps.append(_Step(number, text, StepLog(self._budget), time))
        build.at(time)

    def _between(self, block: Block, start: int, end: int) -> None:
        """Text between the lines of the builder: what a command prints, what a pull prints, and errors."""
        build = self._last
        if build is None or build.is_done:
            return
        step, data = build.steps[-1], block.data
        if step.state != "open":
            self._other_lines(build, block, start, end)
            return
        if step.keyword == b"FROM":
            step.was_pulled = step.was_pulled or _PULLED.search(data, start, end) is not None
        if data.find(_EXIT_MARK, start, end) >= 0 and (exit_place := _exit_sentence(data, start, end)) is not None:
            step.state, step.error = "failed", decoded(data[exit_place])[:ERROR_LENGTH]
            line_start = data.rfind(b"\n", start, exit_place.start + 1)
            step.log.add(data[start : max(start, line_start)])
            build.at(self._clock.seconds(data[line_start + 1 : line_start + 80]))
            step.ended = build.last
            return
        if block.is_cut and end == len(data):
            cut = data.rfind(b"\n")
            if without_prefix(data[cut + 1 :], build.program).startswith((b"Step", b" --")):
                # Whatever the last line was going to say, it is no output of the command.
                build.not_understood.append(NotUnderstood(block.line_at(cut), decoded(data[cut:].strip())[:TEXT_LENGTH]))
                end = cut
        if step.keyword != b"RUN":
            self._errors(build, step, data[start : min(end, start + LINE_BYTES)])
        step.log.add(data[start:end])

    def _errors(self, build: _Build, step: _Step, text: bytes) -> None:
        """Note the error of an instruction that prints nothing else."""
        for line in text.split(b"\n"):
            bare = without_prefix(line, build.program).strip()
            if bare and _ERROR.match(bare) and not _PULL.match(bare):
                step.state, step.error = "failed", decoded(bare)[:ERROR_LENGTH]
                return

    def _other_lines(self, build: _Build, block: Block, start: int, end: int) -> None:
        for place, line in block.lines(start, end):
            if build.lines_between >= MOST_LINES_BETWEEN:
                return
            build.lines_between += 1
            bare = without_prefix(line, build.program).strip()
            if bare and not _BESIDE_A_BUILD.match(bare):
                build.note_other_line(block, place, bare)


def _exit_sentence(data: bytes, start: int, end: int) -> slice | None:
    """The place of the sentence with which the builder says that a command failed."""
    begin: int | None = None
    for match in _EXIT.finditer(data, start, end):
        if match["end"] is None:
            begin = match.start()
        elif begin is not None and match.start() - begin <= MOST_COMMAND_BYTES:
            return slice(begin, match.end())
    return None


def _foreign_build(build: _Build, clock: LogClock) -> ForeignBuild:
    names = _names(build)
    steps = [_logged_step(build, step, name) for step, name in zip(build.steps, names, strict=True)]
    last = build.steps[-1]
    outcome: Literal["done", "failed"] | None = None
    if last.state == "failed":
        outcome = "failed"
    elif build.is_done or (last.state == "done" and last.number == build.total):
        outcome = "done"
    return ForeignBuild(
        kind="classic log",
        status_lines=tuple(line for step in steps for line in status_lines(step)),
        steps=len(steps),
        cached_steps=sum(step.cached for step in build.steps),
        seconds=build.seconds,
        not_understood=tuple(build.not_understood),
        outcome=outcome,
        lacks_first_steps=build.steps[0].number.isdigit() and int(build.steps[0].number) > 1,
        error=last.error or None,
        started=build.first if clock.has_dates else None,
    )


def _names(build: _Build) -> list[str]:
    """The names of the steps as BuildKit would give them: the stage, the place in it, and the instruction."""
    stages: list[list[str]] = []
    for step in build.steps:
        if step.keyword == b"FROM" or not stages:
            stages.append([])
        stages[-1].append(decoded(step.text))
    # What the log announces and does not have belongs to the last stage, as far as one can tell.
    announced = int(build.total) if build.total.isdigit() else 0
    numbers = [int(step.number) for step in build.steps if step.number.isdigit()]
    missing = max(0, announced - max(numbers, default=announced))
    names = []
    for index, texts in enumerate(stages):
        stage = _STAGE_NAME.fullmatch(texts[0])
        name = f"{stage[1].lower()} " if stage else f"stage-{index} " if len(stages) > 1 else ""
        count = len(texts) + (missing if index == len(stages) - 1 else 0)
        names += [f"[{name}{place}/{count}] {text}" for place, text in enumerate(texts, 1)]
    return names


def _logged_step(build: _Build, step: _Step, name: str) -> LoggedStep:
    was_there = step.keyword == b"FROM" and step.state == "done" and not step.was_pulled and not step.triggers
    started = step.begun if step.begun is not None else build.first or 0.0
    ended = step.ended if step.ended is not None else started
    return LoggedStep(
        number=step.number,
        name=name,
        started=started,
        completed=None if step.state == "open" else max(started, ended),
        cached=step.cached or was_there,
        error=step.error or None,
        log=step.log.text(lambda piece: _BARE.sub(b"\n", piece)),
    )
