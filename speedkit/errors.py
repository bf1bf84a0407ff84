"""Every error speedkit raises on purpose, in one tree.

    SpeedkitError                  exit code 1, where no other is named
    ├── Misuse                     2: the request itself is wrong
    │   ├── UnknownStrategy
    │   ├── UnknownEdit
    │   ├── UnknownBuilder
    │   ├── UnknownWay
    │   ├── UnknownExercise
    │   ├── BuilderCannot          the named builder cannot do this
    │   ├── NotAFolder
    │   ├── NotARepository         no git repository with a commit, or one that git does not open
    │   ├── NoDockerfile
    │   ├── FileRefused            not text, too large, or outside the app's folder
    │   ├── EditDoesNotApply
    │   └── LimitsFileError        a `speedkit.toml` that is not as it has to be
    │       └── NoLimitsFile
    ├── EngineError                3: Docker could not do its part
    │   ├── NoEngine
    │   ├── SocketRefused
    │   ├── NoBuildKit
    │   ├── EngineLost             the engine went away during an operation
    │   │   └── EngineSilent       the engine runs, and did not answer in time
    │   ├── EngineRefused          the engine answered with an error; carries the HTTP status
    │   ├── NotAsked               a container runs, and no request can reach it
    │   ├── DiskFull
    │   ├── NoSuchImage
    │   └── NoBaseImage
    ├── SetupError                 3: a program, an image or a file could not be installed or made
    ├── StateBusy                  3: another speedkit process uses a file or folder that this one needs
    ├── StateRefused               3: the state folder cannot be made or written to
    ├── RecordingError             1: a recording cannot be read
    │   └── NewerRecording
    ├── BuildRecordError           3: a record of a build made elsewhere cannot be read
    ├── DockerfileError            3: a Dockerfile BuildKit would reject; carries the line
    ├── ArchiveError               3: an image archive cannot be read
    │   ├── AlteredArchive         1: its bytes do not match its digests
    │   └── NotInArchive           1: it has no such image, layer or file
    ├── GitError                   3: git cannot read a repository
    │   └── ObjectsMissing         a clone lacks objects of a commit
    ├── NotProven                  3: the original does not build, so nothing can be compared with it
    ├── NoHistory                  1: a question about earlier builds, and none is recorded
    └── NotebookFailed             3: a cell of a notebook raised

An error is a sentence for the person who typed the command: what happened, where, and what to do next.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable

from speedkit.commands import as_typed
from speedkit.control_characters import visible, visible_line
from speedkit.messages import listed, message

__all__ = [
    "NO_ROOM",
    "ArchiveError",
    "BuildRecordError",
    "BuilderCannot",
    "DiskFull",
    "DockerfileError",
    "EditDoesNotApply",
    "EngineError",
    "EngineLost",
    "EngineRefused",
    "EngineSilent",
    "FileRefused",
    "GitError",
    "LimitsFileError",
    "Misuse",
    "NewerRecording",
    "NoBaseImage",
    "NoBuildKit",
    "NoDockerfile",
    "NoEngine",
    "NoHistory",
    "NoLimitsFile",
    "NoSuchImage",
    "NotAFolder",
    "NotARepository",
    "NotAsked",
    "NotProven",
    "NotebookFailed",
    "ObjectsMissing",
    "RecordingError",
    "SetupError",
    "SocketRefused",
    "SpeedkitError",
    "StateBusy",
    "StateRefused",
    "UnknownBuilder",
    "UnknownEdit",
    "UnknownExercise",
    "UnknownStrategy",
    "UnknownWay",
    "in_words",
]


FEW_NAMES = 20
"""A list of more names is not read to its end."""
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The `errno` values of a full disk, a full quota, and a file at its size limit. speedkit raises `DiskFull` for all of them."""


class SpeedkitError(Exception):
    """The base of every error that speedkit raises on purpose.

    what: what happened, and where, on one line. A line end in it belongs to the name of a file, and is shown as an escape.
    quoted: lines of another program, such as a compiler's messages. fix: what to do next; "" when there is nothing to do.

    Names of files and images in an error come from outside. `what` and `quoted` hold them unchanged; `str` and IPython give
    text that is safe for a terminal.
    """

    exit_code = 1

    def __init__(self, what: str, *, fix: str = "", quoted: str = "") -> None:
        super().__init__(what)
        self._sentence = what
        self._quoted = quoted
        self.fix = as_typed(fix)

    @property
    def what(self) -> str:
        return f"{self._sentence}\n{self._quoted}" if self._quoted else self._sentence

    @property
    def what_visible(self) -> str:
        """`what` for a terminal: line ends and control characters in names are shown as escapes."""
        sentence = visible_line(self._sentence)
        return f"{sentence}\n{visible(self._quoted)}" if self._quoted else sentence

    def __str__(self) -> str:
        return f"{self.what_visible} {visible_line(self.fix)}".strip()

    def _render_traceback_(self) -> list[str]:
        """The lines that IPython prints in place of a traceback."""
        # IPython calls this method, where an exception has one: IPython/core/interactiveshell.py, showtraceback.
        return [line for line in (f"{type(self).__name__}: {self.what_visible}", visible_line(self.fix)) if line]


class Misuse(SpeedkitError):
    """The request itself is wrong."""

    exit_code = 2


def _choices(names: Iterable[str]) -> str:
    return message("Use one of: {names}.", names=listed(names))


class UnknownStrategy(Misuse):
    """A strategy that the app does not have. strategies: the names of those that it has."""

    def __init__(self, name: str, strategies: Iterable[str]) -> None:
        super().__init__(message("There is no strategy {name!r}.", name=name), fix=_choices(strategies))


class UnknownEdit(Misuse):
    """An edit that the app does not have. edits: the names of those that it has."""

    def __init__(self, name: str, edits: Iterable[str]) -> None:
        super().__init__(message("There is no edit {name!r}.", name=name), fix=_choices(edits))


class UnknownBuilder(Misuse):
    """A builder that buildx does not list. builders: the names of those that it lists."""

    def __init__(self, name: str, builders: Iterable[str]) -> None:
        names, create = list(builders), message("`docker buildx create` makes one.")
        fix = f"{_choices(names)} {create}" if names else create
        super().__init__(message("There is no builder {name!r}.", name=name), fix=fix)


class UnknownWay(Misuse):
    """A way to build that the project does not have. ways: the names of those that it has."""

    def __init__(self, name: str, ways: Iterable[str]) -> None:
        names = list(ways)
        if not names:
            fix = message("No file of the project says how to build it.")
        elif len(names) <= FEW_NAMES:
            fix = _choices(names)
        else:
            from difflib import get_close_matches

            alike = get_close_matches(name, names, n=5, cutoff=0.3) or names[:5]
            fix = f"{_choices([*alike, '…'])} {message('`speedkit project` lists all {count}.', count=len(names))}"
        super().__init__(message("There is no way {name!r}.", name=name), fix=fix)


class UnknownExercise(Misuse):
    """An exercise that the kit does not have. exercises: the names of those that it has."""

    def __init__(self, name: str, exercises: Iterable[str]) -> None:
        from difflib import get_close_matches

        alike = get_close_matches(name, list(exercises), n=3, cutoff=0.4)
        fix = message("`speedkit exercises` lists all of them.")
        super().__init__(message("There is no exercise {name!r}.", name=name), fix=f"{_choices(alike)} {fix}" if alike else fix)


class BuilderCannot(Misuse):
    """The named builder cannot do what the request asks for."""


class NotAFolder(Misuse):
    """A path that should be a folder, and is not one."""

    def __init__(self, path: object) -> None:
        super().__init__(
            message("{path} is not a folder.", path=path), fix=message("Give the folder that holds the Dockerfile.")
        )


class NotARepository(Misuse):
    """A folder that is in no git repository with a commit, or in one that git does not open."""


class NoDockerfile(Misuse):
    """There is no Dockerfile for BuildKit to read.

    link: the target of a Dockerfile that is a symlink, "" for any other. fix: None where `-f` can name another one.
    """

    def __init__(self, path: object, *, link: str = "", fix: str | None = None) -> None:
        if not link:
            super().__init__(
                message("There is no Dockerfile at {path}.", path=path), fix=fix or message("Name one with -f FILE.")
            )
            return
        # An absolute target, or one with more `..` than there are folders, stays below the Dockerfile's own folder
        # (docs/buildkit-cache-rules.md, "A Dockerfile that is a symlink").
        super().__init__(
            message(
                "BuildKit finds no Dockerfile at {path}: it is a symlink to {link}, and BuildKit takes the folder of the link "
                "as the root of all paths.",
                path=path,
                link=link,
            ),
            fix=message("Give the link a relative target, in its own folder or below."),
        )


class FileRefused(Misuse):
    """A file that the kit does not read or write: not text, too large, or outside the app."""


class EditDoesNotApply(Misuse):
    """An edit whose file or text is not in the app."""


class LimitsFileError(Misuse):
    """A `speedkit.toml` that is not as it has to be, or that names what is not there."""


class NoLimitsFile(LimitsFileError):
    """A folder without a `speedkit.toml`. The error shows a small one to begin with."""

    EXAMPLE = """\
  [budget]
  context_size = "20 MB"

  [[claim]]
  name = "a change of the sources installs no packages"
  when = "src/**"
  stays_cached = ["RUN npm ci"]"""

    def __init__(self, folder: object) -> None:
        super().__init__(
            message("There is no speedkit.toml in {folder}.", folder=folder),
            quoted=self.EXAMPLE,
            fix=message("Begin with such lines, and your own instructions; docs/gate.md has the rest."),
        )


class EngineError(SpeedkitError):
    """Docker could not do its part."""

    exit_code = 3


class NoEngine(EngineError):
    """No Docker engine answers."""


class SocketRefused(EngineError):
    """An engine is there, but this user may not talk to it."""


class NoBuildKit(EngineError):
    """The engine has no BuildKit, or buildx is missing."""


class EngineLost(EngineError):
    """The engine went away during an operation."""


class EngineSilent(EngineLost):
    """The engine runs, and did not answer in time."""


class EngineRefused(EngineError):
    """The engine answered with an error. status: the HTTP status, 0 when there was none. reason: the engine's own words."""

    def __init__(self, what: str, *, status: int, reason: str, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.status, self.reason = status, reason


class NotAsked(EngineError):
    """A container runs, and no request can reach it to check whether it works."""


class DiskFull(EngineError):
    """The engine's disk, or ours, has no room left."""


class NoSuchImage(EngineError):
    """An image that the engine does not have."""


class NoBaseImage(EngineError):
    """A base image that no registry delivers and that has no stand-in."""


class SetupError(SpeedkitError):
    """A program, an image or a file could not be installed or made."""

    exit_code = 3


class StateBusy(SpeedkitError):
    """Another speedkit process uses a file or folder that this one needs."""

    exit_code = 3


class StateRefused(SpeedkitError):
    """The state folder, for recordings and working copies, cannot be made or written to."""

    exit_code = 3


class RecordingError(SpeedkitError):
    """A recording that cannot be read."""


class NewerRecording(RecordingError):
    """A recording written by a newer speedkit."""


class BuildRecordError(SpeedkitError):
    """A record of a build made elsewhere that cannot be read."""

    exit_code = 3


class DockerfileError(SpeedkitError):
    """A Dockerfile that BuildKit would reject.

    line: the line with the mistake, from 1; None when BuildKit names none.
    """

    exit_code = 3

    def __init__(self, what: str, *, line: int | None = None, fix: str = "", quoted: str = "") -> None:
        super().__init__(what, fix=fix, quoted=quoted)
        self.line = line


class ArchiveError(SpeedkitError):
    """An image archive that cannot be read."""

    exit_code = 3


class NotInArchive(ArchiveError):
    """An archive that can be read, but has no such image, layer or file."""

    exit_code = 1


class AlteredArchive(ArchiveError):
    """An image archive whose bytes do not match the digests in it: every check of it fails."""

    exit_code = 1


class GitError(SpeedkitError):
    """Git cannot read a repository."""

    exit_code = 3


class ObjectsMissing(GitError):
    """A clone lacks objects that a commit needs."""


class NotProven(SpeedkitError):
    """The original does not build, so nothing can be compared with it."""

    exit_code = 3


class NoHistory(SpeedkitError):
    """A question about earlier builds, and none is recorded."""


class NotebookFailed(SpeedkitError):
    """A cell of a notebook raised."""

    exit_code = 3


def in_words(problem: BaseException) -> str:
    """An error's text, to be quoted in a sentence about its consequence."""
    return str(problem) if isinstance(problem, SpeedkitError) else f"{type(problem).__name__}: {problem}".removesuffix(": ")
