"""Lines of build logs as CI systems keep them: blocks of whole lines, and what a CI system puts in front of each line.

In: the bytes of a log, of any size. Out: blocks that fit into memory, and for a line its prefix, its time and the program that
printed it. Oddities that are read here:

- GitHub Actions and Azure Pipelines: `2024-05-01T12:00:00.1234567Z ` before each line, `##[group]` before some; `gh run view
  --log` adds `JOB<tab>STEP<tab>` in front.
- GitLab: `section_start:1714564800:NAME<return><escape>[0K` within a line, and with its time stamps ` 00O ` or ` 00O+`
  (https://docs.gitlab.com/ci/jobs/job_logs/).
- Jenkins' Timestamper: `[2024-05-01T12:00:00.123Z] ` or `12:00:00  `; its parallel stages: `[NAME] `.
- Drone and Woodpecker count the lines in the name: `[NAME:12] `, `[NAME:L12:3s] `.
- TeamCity: `[12:00:00] :<tab> [Step 1/2] `, with a letter before the second colon for warnings.
- Buildkite: `<escape>_bk;t=1714564800000<bell>`; Kubernetes: `2024-05-01T12:00:00.123456789Z stdout F `.
- compose: `SERVICE  | `; act: `[WORKFLOW/JOB]   | `; Cloud Build: `Step #1 - "NAME": `.
- Terraform: `NAME (local-exec): `; Vagrant and others: `NAME: `.
- Secrets are masked as `***`, even inside numbers, so a digit may be a star.
- Windows: lines end with CR LF, PowerShell writes UTF-16, and older consoles CP1252.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Protocol

__all__ = [
    "BEFORE_TEXT",
    "LINE_BYTES",
    "PREFIX",
    "Block",
    "LogClock",
    "decoded",
    "printing_program",
    "read_blocks",
    "without_prefix",
]

BLOCK_BYTES = 1 << 20
LINE_BYTES = 64 << 10
"""The most that is kept of a line. The longest lines of a build log are the names of steps with a long command."""

_ISO = (
    rb"[0-9*]{4,7}[-/](?:[0-9*]{2,6}|[A-Z][a-z]{2})[-/][0-9*]{2,6}[T ][0-9*]{2,6}:[0-9*]{2,6}:[0-9*]{2,6}(?:[.,][0-9*]{1,12})?"
    rb"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_CONTROL = rb"\x1b\[[0-9;?]{0,20}[A-Za-z]"
_TIME_AND_COLOR = (
    _ISO + rb":?(?: (?:[0-9a-f]{2}[OE]\+?|std(?:out|err) [FP]))? ?"
    rb"|[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})? "
    rb"|\[(?:" + _ISO + rb"|[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?)\](?: ?[A-Za-z]?:[ \t]{1,9})? ?"
    rb"|\x1b_bk;t=[0-9]{10,16}\x07|" + _CONTROL + rb"|section_(?:start|end):[0-9]{1,12}:[^\r\n]{1,200}\r"
    rb'|Step #[0-9]{1,4}(?: - "[^"\n]{1,100}")?: '
    rb"|\xef\xbb\xbf|remote: |\r"
)
PREFIX = (
    # Atomic, and each part bounded: the time to find out that a line has no prefix does not depend on the line.
    rb"(?>(?:"
    + _TIME_AND_COLOR
    + rb"|\[[^\]\n]{1,250}\] ?|##\[[a-z]{1,12}\]|[A-Za-z0-9_.-]{1,80}+(?: {0,40}+\| |: )|[ \t]{1,40}"
    rb"|(?<= )\| |[A-Za-z0-9_.\[\]\"-]{1,120}+ \((?:local|remote)-exec\): ){0,8})"
)
"""What may stand before a line of a build, as a regular expression."""

BEFORE_TEXT = rb"(?>(?:" + _TIME_AND_COLOR + rb"){0,8})"
"""What a CI system puts before any line: times and colors, as a regular expression."""

_BEFORE_TEXT = re.compile(rb"\A" + BEFORE_TEXT)
_STAMP = re.compile(_ISO)
_MILLISECONDS = re.compile(rb"\x1b_bk;t=([0-9]{10,16})")
_DAY_STAMP = re.compile(rb"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))?")
_COUNTER = rb"(?::L?[0-9]{1,9}(?::[0-9]{1,9}s)?)?"
_PROGRAM = re.compile(
    rb'(?P<cloud>Step #[0-9]{1,4}(?: - "[^"\n]{1,100}")?): |(?P<compose>[A-Za-z0-9_.-]{1,80}) {0,40}\| '
    rb"|(?P<terraform>[A-Za-z0-9_.\[\]\"-]{1,120}+ \((?:local|remote)-exec\)): "
    rb"|(?<!#)\[(?!(?:INFO|WARN|WARNING|ERROR|DEBUG|info|warn|error|debug)\])(?P<stage>[A-Za-z_][^\]\n]{0,249}?)"
    + _COUNTER
    + rb"\]|(?:\A|(?<=[ \t]))(?!remote: )(?P<named>[A-Za-z0-9_.-]{1,80}): "
)
_BEHIND_PROGRAM = re.compile(rb"\A" + _COUNTER + rb"[ \]]*[|:]? ?")
_COLOR = re.compile(_CONTROL)
_TABBED = re.compile(rb"\n([^\t\n]{1,120}+)\t([^\t\n]{1,120}+)\t(?=(?:\xef\xbb\xbf)?[0-9*]{4})")
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a log.

    data: whole lines, each with a line feed before it, none after the last. line: the 1-based number of the first line.
    is_cut: the log ends here, and its last line has no end.
    """

    data: bytes
    line: int
    is_cut: bool = False

    def line_at(self, place: int) -> int:
        """The 1-based number, in the whole log, of the line whose line feed is at a place of the data."""
        return self.line + self.data.count(b"\n", 0, place)

    def lines(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """The lines between two places of the data, each with the place of its line feed, cut to `LINE_BYTES`."""
        place = start
        while place < end:
            line_end = self.data.find(b"\n", place + 1, end)
            line_end = end if line_end < 0 else line_end
            yield place, self.data[place + 1 : min(line_end, place + 1 + LINE_BYTES)]
            place = line_end


class _Reading(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_blocks(stream: BinaryIO | _Reading) -> Iterator[Block]:
    """The blocks of a log. UTF-16 becomes UTF-8, and CR LF becomes LF. Of a line, the first `LINE_BYTES` are kept at least."""
    pending, line, is_skipping, is_tabbed = b"", 1, False, False
    for piece in _utf8(stream):
        piece = piece if b"\r\n" not in piece else piece.replace(b"\r\n", b"\n")
        if is_skipping:
            _, line_end, piece = piece.partition(b"\n")
            is_skipping = not line_end
            if is_skipping:
                continue
            piece = b"\n" + piece
        whole, line_end, rest = piece.rpartition(b"\n")
        if line_end:
            data = b"\n" + pending + whole
            is_tabbed = is_tabbed or (line == 1 and _TABBED.match(data) is not None)
            # Lines of `gh run view` get the form of Jenkins' parallel stages: looking for tabs in other logs takes long.
            yield Block(_TABBED.sub(rb"\n[\1, \2] ", data) if is_tabbed else data, line)
            line += data.count(b"\n")
            pending = rest
        else:
            pending += rest
        if len(pending) > LINE_BYTES:
            pending, is_skipping = pending[:LINE_BYTES], True
    if pending:
        yield Block(b"\n" + pending, line, is_cut=True)


def _utf8(stream: BinaryIO | _Reading) -> Iterator[bytes]:
    """The pieces of a stream, in UTF-8 where they are in UTF-16. No piece ends between CR and LF."""
    decoder, held_back = None, b""
    piece = stream.read(BLOCK_BYTES)
    if piece.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
    while piece:
        piece = held_back + (piece if decoder is None else decoder.decode(piece).encode("utf-8", "replace"))
        held_back = b"\r" if piece.endswith(b"\r") else b""
        yield piece.removesuffix(b"\r")
        piece = stream.read(BLOCK_BYTES)
    if held_back:
        yield held_back


def decoded(text: bytes) -> str:
    """The text of a line: UTF-8, or else CP1252, which fits every other byte of the log of an old console."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace")


def printing_program(prefix: bytes) -> str:
    """The compose service, CI job or stage that a prefix names; "" where it names none. Each has numbers of its own."""
    if len(prefix) < 4:
        return ""
    # The color of a name ends in a letter, which would seem to begin the name.
    match = _PROGRAM.search(_COLOR.sub(b"", prefix) if b"\x1b" in prefix else prefix)
    return "" if match is None or match.lastgroup is None else decoded(match[match.lastgroup])


def without_prefix(line: bytes, program: str) -> bytes:
    """The text of any line of a log, with its own indent and brackets. program: the one that printed the build."""
    text, name = _BEFORE_TEXT.sub(b"", line, count=1), program.encode()
    if name and (named := text.lstrip(b" \t")).startswith((name, b"[" + name)):
        text = _BEHIND_PROGRAM.sub(b"", named.removeprefix(b"[")[len(name) :], count=1)
        text = _BEFORE_TEXT.sub(b"", text, count=1)
    return text.rstrip(b"\r ")


class LogClock:
    """The times of one log.

    has_dates: whether the prefixes so far had a date and a time zone. Without, only the time between two lines is known.
    """

    def __init__(self) -> None:
        self.has_dates = False
        self._midnights = 0
        self._last = 0.0

    def seconds(self, prefix: bytes) -> float | None:
        """The time of a line, by its prefix: seconds since the epoch, or since a midnight; None where no time stands there."""
        if len(prefix) < len(b"12:00:00"):
            return None
        if (match := _STAMP.search(prefix)) is not None:
            try:
                stamp = datetime.fromisoformat(match[0].decode("ascii").replace(",", ".").replace("/", "-"))
                self.has_dates = self.has_dates or stamp.tzinfo is not None
                return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()
            except (ValueError, OverflowError):
                return None  # a digit is masked, or the month is 13
        if (match := _MILLISECONDS.search(prefix)) is not None:
            self.has_dates = True
            return int(match[1]) / 1000
        if (match := _DAY_STAMP.search(prefix)) is None:
            return None
        hours, minutes, whole, fraction = match.groups()
        seconds = int(hours) * 3600 + int(minutes) * 60 + int(whole) + float(b"0." + (fraction or b"0"))
        # A build that passes midnight goes on with 00:00:00.
        self._midnights += seconds < self._last - _DAY_SECONDS / 2
        self._last = seconds
        return seconds + self._midnights * _DAY_SECONDS
