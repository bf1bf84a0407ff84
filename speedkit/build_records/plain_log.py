"""Reads the plain progress of BuildKit (`docker build --progress=plain`), which CI systems keep as their log.

In: the blocks of a log. Out: a `ForeignBuild` for each build in it. The printer of BuildKit gives each vertex a number, in the
order in which they start. Oddities of the format:

- A line of a vertex may follow only the header of that vertex, `#5 [build 2/4] RUN make`. The printer writes it again each time
  it comes back to the vertex, after `#5 ...` where it left. So the first line after another vertex is a header.
- `#5 0.512 text` is a line of the log, with the seconds since the start of the vertex; `#5 sha256:… 1.20MB / 3.00MB 0.3s` is a
  sample of what is transferred.
- `#5 DONE 3.2s` may come several times, since a vertex may start several times; a later time often includes an earlier one, so
  the longest counts. `#5 CACHED` may come after a download. `#5 ERROR: …` and `#5 CANCELED` have no time.
- `#0` tells which builder builds, at the start of each build, and is no vertex.
- Older versions print `#5 sha256:…`, the digest of the vertex, after the header, and cut a long name (`RUN make all && …...`).
- Before 0.7, a vertex has lines of facts, and no others tell how it ended: `#5      started: 2019-03-22 19:46:01.54 +0000 UTC`,
  `#5     duration: 1.2s`, `#5       cached: true`, `#5        error: "exit code: 2"`. And `#6 ...` leaves the vertex before #6.
- At the end, the failed vertex is quoted between two `------`, then the line of the Dockerfile, then `ERROR: failed to solve`.

The numbers begin with 1 again for the next build of a log. Two builds that print at the same time are told apart by the names
behind the numbers. Source: https://github.com/moby/buildkit, util/progress/progressui/printer.go and display.go.

The record cannot know: when a step began, unless each line has a time; how long a step took that failed, was cancelled or has
no end (the time of its last line counts); and steps that were never started.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from .build_end import BuildEnd
from .foreign_build import TEXT_LENGTH, ForeignBuild, NotUnderstood
from .log_lines import LINE_BYTES, PREFIX, Block, LogClock, decoded, printing_program, without_prefix
from .logged_build import MOST_LINES_BETWEEN, LoggedBuild
from .status_lines import LoggedStep, status_lines
from .step_log import LogBudget, StepLog
from .step_names import imported_cache, may_fail
from .vertex_facts import VertexFact, vertex_fact

__all__ = ["PlainLogReader"]

MOST_STEPS = 50_000
"""Of all builds in a file. BuildKit itself gets slow with some thousand."""
MOST_BUILDS = 10_000
MOST_MASKED = 100
"""Of the numbers that look the same behind a mask: a masked digit is one of ten."""
MOST_TRANSFERS = 1000
LAST_LINE_BYTES = 400
ERROR_LENGTH = 4000
NUMBERS_AT_ONCE = 4
"""A vertex that was done may be printed again right after, but not number 1 after this many others."""

# Most of a long log is the output of one step after the other, so one match takes all lines of such a piece. The two usual
# prefixes stand first, without anything to go back to: so a piece takes a third of the time (350 in place of 110 MB a second).
_NEXT = (
    rb"\n(?:(?:[0-9]{4}[-0-9]{6}T[0-9:.]++Z )?+#(?P=logged)|" + PREFIX + rb"#(?P=logged)) [0-9]++\.[0-9]++(?=[ \n]|\Z)[^\n]*+"
)
_LINES = re.compile(
    rb"\n(?P<prefix>" + PREFIX + rb")#(?:"
    rb"(?P<logged>[0-9]{1,9}) (?P<seconds>[0-9]{1,7}\.[0-9]{1,3})(?=[ \n]|\Z)[^\n]*+(?:" + _NEXT + rb")*+"
    rb"|(?P<step>[0-9*]{1,30})(?: (?P<text>[^\n]*)|(?=\n|\Z)))"
)
_LOG_LINE = re.compile(rb"\n(" + PREFIX + rb")#[0-9*]{1,30} ([0-9*]{1,21}\.[0-9*]{1,9}) ?")
_LOGGED = re.compile(rb"[0-9*]{1,21}\.[0-9*]{1,9}(?: |\Z)")
_DONE = re.compile(rb"DONE(?: ([0-9*]{1,21}\.[0-9*]{1,9})s)?")
_TRANSFER = re.compile(
    rb" (?P<current>[0-9]{1,9}(?:\.[0-9]{1,3})?)(?P<unit>[kMGTP]?B)"
    rb"(?: / (?P<total>[0-9]{1,9}(?:\.[0-9]{1,3})?)(?P<total_unit>[kMGTP]?B))?(?: [0-9]{1,9}\.[0-9]{1,3}s)?(?: done)?\Z"
)
_TRANSFER_LENGTH = 64
_UNITS = {b"B": 1, b"kB": 10**3, b"MB": 10**6, b"GB": 10**9, b"TB": 10**12, b"PB": 10**15}
_NAME = re.compile(rb"\[|(?:exporting|importing|resolving|sending|merging|preparing|copy|load|docker-image://|https?://|git)\b")
_PLACE = re.compile(rb"\[(?P<stage>[^\]]{0,200}?)(?P<n>[0-9]{1,6})/(?P<total>[0-9]{1,6})\] ")
_SHARED_NAME = re.compile(rb"\[(?:[^\]]* )?([^\] ]+)\] (.*)", re.DOTALL)
_BOOT = b"[internal] booting buildkit"
_OF_BUILDKIT = re.compile(rb"\[(?:[^\]]{1,200} )?(?:internal|auth|[0-9*]{1,12}/[0-9*]{1,12})\] |exporting to image")
_EXPORTS = re.compile(rb"(?:\[[^\]]{1,200}\] )?exporting ")
_DEFINITION = "load build definition from "
_State = Literal["open", "done", "cached", "failed", "cancelled"]


@dataclass(slots=True)
class _Step:
    """A vertex. begun, ended: by the clock of the log. seconds: the longest that the log gives. last_line: of its log,
    with what stands before it.
    """

    number: str
    name: bytes
    log: StepLog
    begun: float | None
    state: _State = "open"
    cached: bool = False
    error: str = ""
    ended: float | None = None
    seconds: float | None = None
    last_line: bytes = b""
    transfers: dict[str, tuple[int, int]] = field(default_factory=dict)

    def is_named(self, text: bytes) -> bool:
        """Whether a header is the one of this step.

        Older versions cut a name and put three points behind it. Of a vertex that two targets share, bake and compose print the
        name for one of them, and later for the other: `[web build 2/3] RUN make`, `[api build 2/3] RUN make`.
        """
        if self.name == text or (text.endswith(b"...") and self.name.startswith(text[:-3])):
            return True
        own, other = _SHARED_NAME.fullmatch(self.name), _SHARED_NAME.fullmatch(text)
        return own is not None and other is not None and own.groups() == other.groups()

    @property
    def last_seconds(self) -> float:
        """The seconds from its start to the last line of its log."""
        last = _LOG_LINE.match(self.last_line)
        return float(last[2]) if last and b"*" not in last[2] else 0.0

    def end(self, state: _State, time: float | None, seconds: float | None = None) -> None:
        """The log ends the step, not always for the last time."""
        if state != "done" or self.state not in ("failed", "cancelled"):
            self.state = state
        self.cached = self.cached or state == "cached"
        if seconds is not None and seconds >= (self.seconds or 0.0):
            self.seconds, self.ended = seconds, time
        elif self.seconds is None:
            self.ended = time


@dataclass(slots=True)
class _Build(LoggedBuild):
    """A build so far.

    stages: the name and the number of steps of each stage that a header names. current: the number of the vertex that the
    printer is at. highest: of all numbers. masked: the key of the step that a masked
    number means now, since two numbers may look the same. failing: the step whose error may go on in the next line.
    """

    steps: dict[str, _Step] = field(default_factory=dict)
    stages: set[tuple[bytes | None, ...]] = field(default_factory=set)
    current: str = ""
    highest: int = 0
    masked: dict[str, str] = field(default_factory=dict)
    masked_steps: dict[str, list[_Step]] = field(default_factory=dict)
    has_failed: bool = False
    end: BuildEnd = field(default_factory=BuildEnd)
    failing: _Step | None = None

    def has_stage(self, header: bytes) -> bool:
        """Whether a step of the build is of the same stage as a header."""
        place = _PLACE.match(header)
        return place is not None and place.group("stage", "total") in self.stages

    def name_step(self, step: _Step, name: bytes) -> None:
        step.name = name[:LINE_BYTES]
        if (place := _PLACE.match(step.name)) is not None:
            self.stages.add(place.group("stage", "total"))

    def goes_on_with(self, number: str, text: bytes, *, is_latest: bool) -> bool:
        """Whether a header is that of a step which the build has, printed again."""
        step = self.steps.get(number)
        if step is None or self.end.failure:
            return False
        if not step.name:
            # Its first header was in the part that is cut off.
            return number != "1" or step.state == "open"
        if not step.is_named(text):
            return False
        if not is_latest:
            return step.state == "open"
        # The next build of the same Dockerfile has the same names: it begins with 1, which was done long ago.
        is_over = bool(self.pending) or any(
            _EXPORTS.match(one.name) is not None and one.state == "done" for one in self.steps.values()
        )
        return number != "1" or step.state == "open" or not (is_over or self.highest >= NUMBERS_AT_ONCE)

    @property
    def is_certain(self) -> bool:
        """Whether these are lines of a build.

        A text may have lines such as `#1 is our favorite`. And `docker buildx create --bootstrap`, as CI systems run it, prints
        that it boots BuildKit in the same way: to count that as a build would be a build with nothing cached.
        """
        steps = [step for step in self.steps.values() if step.name != _BOOT]
        return any(
            step.cached or step.seconds is not None or step.error or step.last_line or _OF_BUILDKIT.match(step.name)
            for step in steps
        )


class PlainLogReader:
    """Takes in the blocks of one log."""

    def __init__(self) -> None:
        self._builds: list[_Build] = []
        self._first_lines: list[int] = []
        self._budget = LogBudget()
        self._clock = LogClock()
        self._steps = 0
        self._last: _Build | None = None
        self._of_program: dict[str, list[_Build]] = {}
        self._cut_line: NotUnderstood | None = None
        self._first_left_out: NotUnderstood | None = None

    def feed(self, block: Block) -> None:
        """Take in the next block."""
        data, place = block.data, 0
        for match in _LINES.finditer(data):
            start = match.start()
            if start > place:
                self._between(block, place, start)
            place = match.end()
            if len(self._builds) >= MOST_BUILDS and printing_program(match["prefix"]) not in self._of_program:
                self._leave_out(block, start)
            elif match["logged"] is not None:
                self._logged(block, match)
            else:
                self._line(block, match)
        if place < len(data):
            self._between(block, place, len(data))

    def builds(self) -> Iterator[tuple[int, ForeignBuild]]:
        """The builds so far, each with the line of the log where it begins."""
        builds = [(line, build) for line, build in zip(self._first_lines, self._builds, strict=True) if build.is_certain]
        if builds and self._first_left_out is not None:
            builds[-1][1].not_understood.append(self._first_left_out)
        for line, build in builds:
            is_first_cut = build is self._builds[0] and "1" not in build.steps
            before = () if self._cut_line is None or not is_first_cut else (self._cut_line,)
            yield line, _foreign_build(build, self._clock, before)

    # Which build a line belongs to.

    def _leave_out(self, block: Block, place: int) -> None:
        """A line is not read because there are too many; the first one is told as not understood."""
        if self._first_left_out is None:
            self._first_left_out = NotUnderstood(block.line_at(place), _shown(block.data[place : place + TEXT_LENGTH]))

    def _new_build(self, program: str, line: int) -> _Build:
        if len(self._builds) >= MOST_BUILDS and program in self._of_program:
            return self._of_program[program][0]
        build = _Build(program)
        self._builds.append(build)
        self._first_lines.append(line)
        # Two builds that print in turns are both open. Of a hundred builds one after the other, only the last few can be.
        self._of_program[program] = [build, *self._of_program.get(program, [])][:8]
        return build

    def _build_of(self, program: str, number: str, block: Block, place: int) -> _Build:
        """The build of a line without a name: the latest one in which the step is open."""
        builds = self._of_program.get(program) or [self._new_build(program, block.line_at(place))]
        for build in builds:
            step = build.steps.get(build.masked.get(number, number))
            if step is not None and (step.state == "open" or build.current == step.number):
                return build
        return builds[0]

    def _build_with_header(self, program: str, number: str, text: bytes, block: Block, place: int) -> _Build:
        """The build of a line that may be a header."""
        builds = self._of_program.get(program)
        if not builds:
            return self._new_build(program, block.line_at(place))
        latest = builds[0]
        is_elsewhere = _PLACE.match(text) is not None and number in latest.steps and not latest.steps[number].is_named(text)
        if not number.isdigit() or (latest.current == number and not is_elsewhere):
            return latest
        for build in builds:
            if build.goes_on_with(number, text, is_latest=build is latest):
                return build
        if not _NAME.match(text) and any(number in build.steps for build in builds):
            return self._build_of(program, number, block, place)
        following = [build for build in builds if int(number) == build.highest + 1 and not build.end.failure]
        if following:
            return next((build for build in following if build.has_stage(text)), following[0])
        # Numbers are given in order, so a smaller one that the build does not have was in the part that is cut off. One with
        # another name is of the next build.
        is_cut = number not in latest.steps and (number != "1" or latest.highest < NUMBERS_AT_ONCE)
        return latest if is_cut and not latest.end.failure else self._new_build(program, block.line_at(place))

    def _printed(self, build: _Build, time: float | None) -> None:
        """A line of a build was printed."""
        self._last = build
        builds = self._of_program[build.program]
        if builds[0] is not build:
            builds.remove(build)
            builds.insert(0, build)
        build.failing = None
        build.at(time)

    def _step(self, build: _Build, number: str, name: bytes, time: float | None) -> _Step | None:
        """The step of a number; None when the file has more steps than are kept."""
        key = build.masked.get(number, number)
        step = build.steps.get(key)
        if step is not None and name and not number.isdigit() and _NAME.match(name) and not step.is_named(name):
            # Two numbers with masks in them look the same; the names tell them apart.
            same = build.masked_steps[number]
            step = next((one for one in same if one.is_named(name)), same[-1] if len(same) >= MOST_MASKED else None)
            key = (
                f"{number} {len(same) + 1 if step is None else same.index(step) + 1}"
                if step is None or same.index(step)
                else number
            )
            build.masked[number] = key
        if step is None and self._steps < MOST_STEPS:
            self._steps += 1
            step = build.steps[key] = _Step(number, b"", StepLog(self._budget), time)
            build.name_step(step, name)
            if not number.isdigit():
                build.masked_steps.setdefault(number, []).append(step)
            build.highest = max(build.highest, int(number)) if number.isdigit() else build.highest
        return step

    # The lines of a build.

    def _logged(self, block: Block, match: re.Match[bytes]) -> None:
        """Lines of a step's log."""
        prefix, lines, seconds = match["prefix"], match[0], match["seconds"] or match["text"].partition(b" ")[0]
        number = (match["logged"] or match["step"]).decode()
        build = self._build_of(printing_program(prefix), number, block, match.start())
        time = self._clock.seconds(prefix)
        step = self._step(build, number, b"", time)
        self._printed(build, time)
        if step is None:
            self._leave_out(block, match.start())
            return
        build.current = number
        step.state = "open" if step.state == "done" else step.state
        if time is not None and b"*" not in seconds:
            # The time of the line and the seconds in it tell when the step began, better than its header does.
            begun = time - float(seconds)
            step.begun = begun if step.begun is None else min(step.begun, begun)
        step.last_line = lines[lines.rindex(b"\n") :][:LAST_LINE_BYTES]
        step.log.add(lines)

    def _line(self, block: Block, match: re.Match[bytes]) -> None:
        """Any other line of a step."""
        number, text, place = match["step"].decode(), (match["text"] or b"").rstrip(b"\r "), match.start()
        program, time = printing_program(match["prefix"]), self._clock.seconds(match["prefix"])
        if number == "0":
            builds = self._of_program.get(program)
            if text.startswith(b"building with") and (not builds or builds[0].steps):
                self._new_build(program, block.line_at(place))
        elif _LOGGED.match(text):
            # Its number, or its time, has a mask in it.
            self._logged(block, match)
        elif (fact := vertex_fact(text)) is not None:
            self._fact(self._build_of(program, number, block, place), number, fact, time)
        elif text == b"..." or _ending(text) is not None:
            self._left(self._build_of(program, number, block, place), number, text, time)
        elif block.is_cut and match.end() == len(block.data) and not (text and _NAME.match(text)):
            # Whatever the last line was going to say: `#7 CACH` says nothing yet.
            if self._last is not None:
                self._last.not_understood.append(NotUnderstood(block.line_at(place), _shown(match[0])))
        else:
            build = self._build_with_header(program, number, text, block, place)
            if not self._header_or_transfer(build, number, text, time):
                self._leave_out(block, place)

    def _left(self, build: _Build, number: str, text: bytes, time: float | None) -> None:
        """The printer leaves a step, which may have ended."""
        if text == b"..." and build.masked.get(number, number) not in build.steps:
            # Before 0.7, this line has the number of the vertex that comes next.
            self._printed(build, time)
            build.current = ""
            return
        step, ending = self._step(build, number, b"", time), _ending(text)
        self._printed(build, time)
        build.current = ""
        if step is not None and ending is not None:
            state, seconds = ending
            step.end(state, time, seconds)
            if state == "failed":
                step.error = decoded(text[len(b"ERROR: ") :])[:ERROR_LENGTH]
                build.failing, build.has_failed = step, build.has_failed or not may_fail(decoded(step.name))

    def _fact(self, build: _Build, number: str, fact: VertexFact, time: float | None) -> None:
        """A fact about a step, as versions before 0.7 print them."""
        if time is None and fact.time:
            # The only times of a log whose lines have none.
            time = self._clock.seconds(fact.time)
        step = self._step(build, number, b"", time)
        self._printed(build, time)
        build.current = number
        if step is None:
            return
        if fact.name == "name" and step.name.endswith(b"..."):
            build.name_step(step, fact.text.encode())
        elif fact.name == "started":
            step.state = "open" if step.state == "done" else step.state
            step.begun = time if step.begun is None else step.begun
        elif fact.name == "completed":
            step.end("done", time)
        elif fact.name == "duration":
            step.end("done", step.ended, fact.seconds)
        elif fact.name == "cached" and fact.text == "true":
            step.end("cached", step.ended)
        elif fact.name == "error":
            step.error = fact.text[:ERROR_LENGTH]
            step.end("cancelled" if "context canceled" in step.error else "failed", step.ended)
            build.has_failed = build.has_failed or not may_fail(decoded(step.name))

    def _header_or_transfer(self, build: _Build, number: str, text: bytes, time: float | None) -> bool:
        """Take in a header, a transfer, or text about one; False when the file has more steps than are kept."""
        is_header = build.current != number
        step = build.steps.get(build.masked.get(number, number))
        if step is None and not build.steps and number != "1" and not _NAME.match(text):
            is_header = False  # a log that is cut at its beginning may begin with a transfer
        step = self._step(build, number, text if is_header else b"", time)
        self._printed(build, time)
        build.current = number
        if step is None:
            return False
        if is_header and not step.name and _NAME.match(text):
            build.name_step(step, text)
        if is_header and step.is_named(text):
            step.state = "open" if step.state == "done" else step.state
            return True
        transfer = _TRANSFER.search(text, max(0, len(text) - _TRANSFER_LENGTH))
        if transfer is not None and len(step.transfers) < MOST_TRANSFERS:
            name = decoded(text[: transfer.start()][:TEXT_LENGTH])
            current = round(float(transfer["current"]) * _UNITS[transfer["unit"]])
            total = round(float(transfer["total"]) * _UNITS[transfer["total_unit"]]) if transfer["total"] else 0
            earlier = step.transfers.get(name, (0, 0))
            step.transfers[name] = (max(current, earlier[0]), max(total, earlier[1]))
        return True

    # The lines between those of steps, and after the last one.

    def _between(self, block: Block, start: int, end: int) -> None:
        if self._last is None:
            if block.line == 1 and start == 0 and end < len(block.data) and block.data.count(b"\n", 0, end) == 1:
                self._cut_line = NotUnderstood(1, _shown(block.data[:end]))
            return
        build = self._last
        for place, line in block.lines(start, end):
            if build.lines_between >= MOST_LINES_BETWEEN:
                return
            self._other_line(build, without_prefix(line, build.program), block, place)
            build.lines_between += 1

    def _other_line(self, build: _Build, line: bytes, block: Block, place: int) -> None:
        if build.failing is not None and line and line != b"------":
            # An error of several lines, such as one that quotes git.
            build.failing.error = f"{build.failing.error}\n{decoded(line)}"[:ERROR_LENGTH]
            return
        build.failing = None
        if not line or build.end.read(line, has_failed=build.has_failed):
            return
        build.note_other_line(block, place, line)


def _ending(text: bytes) -> tuple[_State, float | None] | None:
    """How a line ends its step, and after how many seconds; None where it does not."""
    if done := _DONE.fullmatch(text):
        return "done", float(done[1]) if done[1] and b"*" not in done[1] else None
    if text == b"CACHED":
        return "cached", None
    if text == b"CANCELED":
        return "cancelled", None
    return ("failed", None) if text.startswith(b"ERROR: ") else None


def _shown(line: bytes) -> str:
    return decoded(line.strip())[:TEXT_LENGTH]


def _foreign_build(build: _Build, clock: LogClock, before: tuple[NotUnderstood, ...]) -> ForeignBuild:
    for step in build.steps.values():
        if step.name in build.end.failed_steps and step.state in ("open", "done"):
            # The line that ends the step is lost, the quote at the end of the log is not.
            step.state, step.error = "failed", build.end.failure
    steps = list(build.steps.values())
    times = _Times(build.first, build.last, max((step.seconds or step.last_seconds for step in steps), default=0.0))
    lines = [line for step in steps for line in status_lines(times.logged_step(step))]
    names = [decoded(step.name) for step in steps]
    outcome = _outcome(build, steps)
    errors = [step.error for step in steps if step.state == "failed" and not may_fail(decoded(step.name))]
    return ForeignBuild(
        kind="plain log",
        status_lines=(*lines, *(build.end.lines if outcome != "done" else ())),
        steps=len(steps),
        cached_steps=sum(step.cached for step in steps),
        seconds=build.seconds,
        not_understood=(*before, *build.not_understood),
        outcome=outcome,
        lacks_first_steps=all(step.number.isdigit() and step.number != "1" for step in steps),
        error=None if outcome == "done" else build.end.failure or next(iter(errors), None),
        started=build.first if clock.has_dates else None,
        dockerfile_name=next((name.partition(_DEFINITION)[2] for name in names if _DEFINITION in name), None),
        cache_from=tuple(dict.fromkeys(cache for name in names if (cache := imported_cache(name)) is not None)),
    )


def _outcome(build: _Build, steps: list[_Step]) -> Literal["done", "failed", "cancelled"] | None:
    states = {step.state for step in steps if not may_fail(decoded(step.name))}
    is_complete = "open" not in states and _reached_its_end(steps)
    return build.end.outcome(states, is_complete=is_complete) or ("done" if is_complete else None)


def _reached_its_end(steps: list[_Step]) -> bool:
    """Whether the result of a build was exported, or its last stage is complete: a log may be cut between two steps."""
    if any(_EXPORTS.match(step.name) for step in steps):
        return True
    places = [place for step in steps if (place := _PLACE.match(step.name))]
    if not places:
        return False
    last = places[-1]
    reached = {int(place["n"]) for place in places if place["stage"] == last["stage"]}
    return int(last["total"]) in reached


@dataclass(frozen=True, slots=True)
class _Times:
    """The times of a build. first, last: None where the log has none. longest: the seconds of its longest step."""

    first: float | None
    last: float | None
    longest: float

    def logged_step(self, step: _Step) -> LoggedStep:
        seconds = step.seconds if step.seconds is not None else 0.0 if step.state == "cached" else step.last_seconds
        started, completed = 0.0, seconds
        if self.first is not None and self.last is not None:
            completed = step.ended if step.ended is not None else (step.begun or self.first) + seconds
            started = completed - seconds
            if step.seconds is None and step.state != "cached" and step.begun is not None:
                started = min(step.begun, started)
        if step.state == "open":
            # What has no end lasts until the end of the record, so it begins its own seconds before that.
            started = (self.last if self.last is not None else self.longest) - step.last_seconds
            started = started if self.last is None or step.begun is None else step.begun
        error = step.error if step.state == "failed" else "context canceled" if step.state == "cancelled" else None
        return LoggedStep(
            number=step.number,
            name=decoded(step.name) or f"#{step.number}",
            started=started,
            completed=None if step.state == "open" else completed,
            cached=step.cached,
            error=error,
            log=step.log.text(lambda piece: _LOG_LINE.sub(b"\n", piece)),
            transfers=step.transfers,
        )
