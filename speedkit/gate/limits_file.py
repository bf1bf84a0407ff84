"""The file `speedkit.toml`: the budgets and claims of a project, and how to build it.

    dockerfile = "Dockerfile"

    [budget]
    image_size = "150 MB"

    [[budget.rebuild]]
    when = "src/**"
    steps = 3

    [[claim]]
    name = "a change of the sources installs no packages"
    when = "src/**"
    stays_cached = ["RUN npm ci"]

docs/schemas/speedkit-toml.json describes it for editors. Paths and globs begin in the folder of the file, and lead to files
below it. Each mistake in the file is an error with its key, as a claim that is passed over would always hold.
Source of the format: https://toml.io/en/v1.0.0.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from speedkit.errors import FileRefused, LimitsFileError, NoLimitsFile
from speedkit.messages import message
from speedkit.regular_file import read_regular
from speedkit.words import read_bytes, read_seconds

from .path_glob import BadGlob, PathGlob

__all__ = ["FILE_NAME", "Claim", "LimitsFile", "RebuildBudget", "read_limits_file"]

FILE_NAME = "speedkit.toml"
LARGEST_BYTES = 1_000_000
"""More than 10,000 claims."""
MOST_DOTS = 50
"""In a key. tomllib takes memory with the square of the parts of a key: 90,000 of them would need 30 GB."""
_TEXT = re.compile(r"\"[^\"]*\"|'[^']*'|#.*")
MOST_CHARACTERS_SHOWN = 60
BUDGETS = ("context_size", "image_size", "wasted", "cold", "rebuild")
TOP_KEYS = ("way", "dockerfile", "target", "build_args", "budget", "claim")
REBUILD_KEYS = ("name", "when", "steps", "seconds")
CLAIM_KEYS = ("name", "when", "stays_cached")
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Claim:
    """When files that `when` matches change, the instructions stay cached. stays_cached: how they begin, or their lines.

    line: in the file.
    """

    name: str
    when: tuple[PathGlob, ...]
    stays_cached: tuple[str | int, ...]
    line: int


@dataclass(frozen=True, slots=True)
class RebuildBudget:
    """The most steps and seconds of a build after files that `when` matches changed; None for no limit. line: in the file."""

    name: str
    when: tuple[PathGlob, ...]
    steps: int | None
    seconds: float | None
    line: int


@dataclass(frozen=True, slots=True)
class LimitsFile:
    """The content of `speedkit.toml`. Sizes in bytes, times in seconds; None for no limit.

    lines: of the single budgets in the file, by their keys. build_args: not in the `repr`, as they may hold secrets.
    """

    path: Path
    way: str | None = None
    dockerfile: str | None = None
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict, repr=False)
    context_size: int | None = None
    image_size: int | None = None
    wasted: int | None = None
    cold: float | None = None
    rebuilds: tuple[RebuildBudget, ...] = ()
    claims: tuple[Claim, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)


def read_limits_file(folder: Path) -> LimitsFile:
    """The budgets and claims of the project in a folder.

    Raises: NoLimitsFile, FileRefused for one that is too large or no text, LimitsFileError for a wrong one.
    """
    path = folder / FILE_NAME
    try:
        text = read_regular(path, at_most_bytes=LARGEST_BYTES).decode("utf-8")
    except FileNotFoundError:
        raise NoLimitsFile(folder) from None
    except OSError as problem:
        raise FileRefused(
            message("{path} cannot be read: {problem}.", path=path, problem=problem.strerror),
            fix=message("Its budgets and claims need a few kB of text."),
        ) from None
    except UnicodeDecodeError as problem:
        raise FileRefused(
            message("{path} is no text in UTF-8: byte {place} is not.", path=path, place=problem.start + 1),
            fix=message("Save it as UTF-8."),
        ) from None
    # Texts and comments may have any number of dots: rows of them separate the parts of a file.
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > MOST_DOTS and any(key.count(".") > MOST_DOTS for key in _TEXT.sub("", line).split("=")):
            raise LimitsFileError(message("{path}, line {line}: the key has too many parts.", path=path, line=number))
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise LimitsFileError(
            message("{path} is no TOML: {problem}.", path=path, problem=problem),
            fix=message("https://toml.io has the rules: text stands in quotes, and a list in brackets."),
        ) from None
    except RecursionError:
        raise LimitsFileError(message("{path} has lists in lists in lists, too deep to read.", path=path)) from None
    limits = _Reader(path, text).limits(document)
    if not any((limits.claims, limits.rebuilds, limits.lines)):
        raise LimitsFileError(
            message("{path} has neither a budget nor a claim: there is nothing to check.", path=path),
            quoted=NoLimitsFile.EXAMPLE,
            fix=message("Begin with such lines, and your own instructions; docs/gate.md has the rest."),
        )
    return limits


class _Reader:
    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()

    def limits(self, document: Mapping[str, Any]) -> LimitsFile:
        self._refuse_unknown(document, TOP_KEYS, "")
        way, dockerfile = self._text(document, "way"), self._text(document, "dockerfile")
        # A way names its Dockerfile, so one of both would have no effect.
        if way is not None and dockerfile is not None:
            raise self._wrong("way", message("it names a way to build, and `dockerfile` another"), message("Keep one of them."))
        budget = self._table(document, "budget")
        self._refuse_unknown(budget, BUDGETS, "budget.")
        sizes = {key: self._size(budget, key) for key in ("context_size", "image_size", "wasted")}
        cold = self._seconds(budget, "cold", "budget.cold")
        single = [key for key in ("context_size", "image_size", "wasted", "cold") if key in budget]
        return LimitsFile(
            self._path,
            way=way,
            dockerfile=None if dockerfile is None else self._inside(dockerfile),
            target=self._text(document, "target"),
            build_args=self._build_args(document),
            **sizes,
            cold=cold,
            rebuilds=tuple(self._each(budget, "rebuild", "budget.rebuild", self._rebuild)),
            claims=tuple(self._each(document, "claim", "claim", self._claim)),
            lines={key: self._line_of_key(key) for key in single},
        )

    def _claim(self, table: Mapping[str, Any], place: str, line: int) -> Claim:
        self._refuse_unknown(table, CLAIM_KEYS, f"{place}.")
        named = table.get("stays_cached")
        beginnings: list[Any] = named if isinstance(named, list) else [named]
        for one in beginnings:
            # A bool is an int for Python, and not for the reader of a TOML file.
            is_line = isinstance(one, int) and not isinstance(one, bool) and one > 0
            if not is_line and not (isinstance(one, str) and one.strip()):
                raise self._wrong(
                    f"{place}.stays_cached",
                    self._not(one, message("no list of instructions")),
                    message('Write how they begin, or their lines: stays_cached = ["RUN npm ci", 7].'),
                )
        if not beginnings:
            raise self._wrong(f"{place}.stays_cached", message("it is empty"), message("Name an instruction."))
        when = self._globs(table, place)
        name = self._text(table, "name", place) or ", ".join(map(str, beginnings))
        return Claim(name, when, tuple(beginnings), line)

    def _rebuild(self, table: Mapping[str, Any], place: str, line: int) -> RebuildBudget:
        self._refuse_unknown(table, REBUILD_KEYS, f"{place}.")
        steps = table.get("steps")
        if steps is not None and (not isinstance(steps, int) or isinstance(steps, bool) or steps < 0):
            raise self._wrong(
                f"{place}.steps", self._not(steps, message("no number of steps")), message("Write a number, such as 3.")
            )
        seconds = self._seconds(table, "seconds", f"{place}.seconds")
        if steps is None and seconds is None:
            raise self._wrong(place, message("it limits nothing"), message('Add steps = 3, or seconds = "20 s".'))
        when = self._globs(table, place)
        name = self._text(table, "name", place) or ", ".join(glob.text for glob in when)
        return RebuildBudget(name, when, steps, seconds, line)

    def _each(
        self, parent: Mapping[str, Any], key: str, place: str, read: Callable[[Mapping[str, Any], str, int], Entry]
    ) -> Iterable[Entry]:
        tables = parent.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            raise self._wrong(
                place,
                self._not(tables, message("no list of tables")),
                message("Begin each with a line [[{place}]].", place=place),
            )
        lines = self._lines_of_tables(place)
        for number, table in enumerate(tables):
            yield read(table, f"{place}[{number + 1}]", lines[number] if number < len(lines) else 1)

    def _globs(self, table: Mapping[str, Any], place: str) -> tuple[PathGlob, ...]:
        value = table.get("when")
        texts: list[Any] = value if isinstance(value, list) else [value]
        example = message('Write a glob such as when = "src/**", or a list of them.')
        if not texts or not all(isinstance(one, str) and one for one in texts):
            problem = message("it is missing") if value is None else self._not(value, message("no glob"))
            raise self._wrong(f"{place}.when", problem, example)
        globs = []
        for text in texts:
            if self._leads_out(text):
                raise self._wrong(
                    f"{place}.when",
                    message("{glob!r} leads out of the folder of the file", glob=_shortened(text)),
                    message("Put {name} into a folder that holds all of the files.", name=FILE_NAME),
                )
            try:
                globs.append(PathGlob(text))
            except BadGlob:
                raise self._wrong(f"{place}.when", message("{glob!r} is no glob", glob=_shortened(text)), example) from None
        return tuple(globs)

    def _table(self, parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = parent.get(key, {})
        if not isinstance(value, dict):
            raise self._wrong(key, self._not(value, message("no table")), message("Begin it with a line [{key}].", key=key))
        return value

    def _text(self, table: Mapping[str, Any], key: str, place: str = "") -> str | None:
        value = table.get(key)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise self._wrong(
                f"{place}.{key}".lstrip("."), self._not(value, message("no text")), message("Write text in quotes.")
            )
        return value

    def _build_args(self, document: Mapping[str, Any]) -> dict[str, str]:
        table = self._table(document, "build_args")
        for name, value in table.items():
            if not isinstance(value, str):
                # Without the value, which may be a secret.
                raise self._wrong(f"build_args.{name}", message("it is no text"), message("Write its value in quotes."))
        return dict(table)

    def _size(self, budget: Mapping[str, Any], key: str) -> int | None:
        value = budget.get(key)
        size = read_bytes(value) if isinstance(value, str) else value
        if value is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
            raise self._wrong(
                f"budget.{key}",
                self._not(value, message("no size")),
                message('Write a number of bytes, or "150 MB" with B, kB, MB, GB, KiB, MiB or GiB.'),
            )
        return size

    def _seconds(self, table: Mapping[str, Any], key: str, place: str) -> float | None:
        value = table.get(key)
        if value is None:
            return None
        seconds: Any = read_seconds(value) if isinstance(value, str) else value
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        # TOML has inf and nan, and no time exceeds either.
        if not is_number or not math.isfinite(seconds) or seconds < 0:
            raise self._wrong(
                place,
                self._not(value, message("no time")),
                message('Write a number of seconds, or "90 s", "500 ms", "2 min 30 s".'),
            )
        return float(seconds)

    def _inside(self, path: str) -> str:
        if self._leads_out(path):
            raise self._wrong(
                "dockerfile",
                message("{path!r} leads out of the folder of the file", path=_shortened(path)),
                message("Put {name} into a folder that holds all of the files.", name=FILE_NAME),
            )
        return PurePosixPath(path).as_posix()

    def _leads_out(self, path: str) -> bool:
        # Also paths of Windows, so that a file means the same on every system.
        return path.startswith(("/", "~", "\\\\")) or ".." in path.split("/") or re.match(r"[A-Za-z]:[\\/]", path) is not None

    def _refuse_unknown(self, table: Mapping[str, Any], names: tuple[str, ...], place: str) -> None:
        # A misspelt budget would never be exceeded.
        for key in table:
            if key not in names:
                raise self._wrong(
                    f"{place}{_shortened(key)}",
                    message("there is no such key"),
                    message("The keys there are: {names}.", names=", ".join(names)),
                )

    def _not(self, value: object, what: str) -> str:
        if value is None:
            return message("it is missing")
        return message("{value} is {what}", value=_shortened(repr(value)), what=what)

    def _wrong(self, place: str, problem: str, fix: str) -> LimitsFileError:
        return LimitsFileError(message("{path}, {place}: {problem}.", path=self._path, place=place, problem=problem), fix=fix)

    def _lines_of_tables(self, name: str) -> list[int]:
        """The lines of the headers `[[name]]`. A list in brackets has none, and counts as the first line."""
        # tomllib keeps no lines. A header inside of a text of several lines only shifts a line that is shown.
        header = re.compile(rf"\s*\[\[\s*{re.escape(name)}\s*\]\]")
        return [number for number, line in enumerate(self._lines, 1) if header.match(line)]

    def _line_of_key(self, key: str) -> int:
        assignment = re.compile(rf'\s*(?:budget\s*\.\s*)?"?{re.escape(key)}"?\s*=')
        return next((number for number, line in enumerate(self._lines, 1) if assignment.match(line)), 1)


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS_SHOWN else f"{text[: MOST_CHARACTERS_SHOWN - 1]}…"
