"""Every error speedkit raises on purpose, in one tree.

    SpeedkitError                  exit code 1 unless said otherwise
    ├── Misuse                     2: the request itself is wrong; it says what is known
    │   ├── UnknownStrategy
    │   ├── UnknownEdit
    │   ├── UnknownBuilder
    │   ├── BuilderCannot          the builder that is named does not do what is asked for
    │   ├── NotAFolder
    │   ├── NoDockerfile
    │   ├── FileRefused            not text, too large, or outside the app's folder
    │   └── EditDoesNotApply
    ├── EngineError                3: Docker could not do its part
    │   ├── NoEngine
    │   ├── SocketRefused
    │   ├── NoBuildKit
    │   ├── EngineLost             it went away in the middle of something
    │   │   └── EngineSilent       it is there, and did not answer in time
    │   ├── EngineRefused          it answered that it will not; carries the HTTP status
    │   ├── NotAsked               a container runs, and nobody can reach it to ask
    │   ├── DiskFull
    │   ├── NoSuchImage
    │   └── NoBaseImage
    ├── SetupError                 3: something could not be installed or made
    ├── StateBusy                  3: another speedkit holds what this one needs
    ├── StateRefused               3: the folder for recordings and copies cannot be made
    ├── RecordingError             1: a recording cannot be read
    │   └── NewerRecording
    ├── DockerfileError            3: a Dockerfile BuildKit would reject; carries the line
    ├── ArchiveError               3: an image archive cannot be read
    │   ├── AlteredArchive         1: it holds other bytes than it says
    │   └── NotInArchive           1: it does not hold what was asked for
    ├── NoHistory                  1: a question about the past, and nothing is recorded
    └── NotebookFailed             3: a cell of a notebook raised

An error is a sentence for the person who typed the command: what happened, where, and what to do next.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable

from speedkit.commands import as_typed
from speedkit.messages import message
from speedkit.visible import visible, visible_line

__all__ = [
    "NO_ROOM",
    "ArchiveError",
    "BuilderCannot",
    "DiskFull",
    "DockerfileError",
    "EditDoesNotApply",
    "EngineError",
    "EngineLost",
    "EngineRefused",
    "EngineSilent",
    "FileRefused",
    "Misuse",
    "NewerRecording",
    "NoBaseImage",
    "NoBuildKit",
    "NoDockerfile",
    "NoEngine",
    "NoHistory",
    "NoSuchImage",
    "NotAFolder",
    "NotAsked",
    "NotebookFailed",
    "RecordingError",
    "SetupError",
    "SocketRefused",
    "SpeedkitError",
    "StateBusy",
    "StateRefused",
    "UnknownBuilder",
    "UnknownEdit",
    "UnknownStrategy",
    "in_words",
]


NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The numbers of an `OSError` that mean a full disk, a full quota, or a file that may not grow: `DiskFull` says so."""


class SpeedkitError(Exception):
    """The base of every error that speedkit raises on purpose.

    what: what happened, and where, on one line: a line end in it belongs to the name of a file, and is shown as such.
    quoted: the lines that it is about, such as a compiler's. fix: what to do next; "" when there is nothing to do.

    The names in it are foreign. `what` and `quoted` hold them as they are; `str` and IPython give text for a terminal.
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
        """The same for a terminal: nothing in a name makes a line of its own, or is obeyed."""
        sentence = visible_line(self._sentence)
        return f"{sentence}\n{visible(self._quoted)}" if self._quoted else sentence

    def __str__(self) -> str:
        return f"{self.what_visible} {visible_line(self.fix)}".strip()

    def _render_traceback_(self) -> list[str]:
        """What IPython prints in place of a traceback."""
        return [line for line in (f"{type(self).__name__}: {self.what_visible}", visible_line(self.fix)) if line]


class Misuse(SpeedkitError):
    """The request itself is wrong."""

    exit_code = 2


def _known(names: Iterable[str]) -> str:
    return message("Known: {names}.", names=", ".join(names))


class UnknownStrategy(Misuse):
    """A strategy that the app does not have."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(message("There is no strategy {name!r}.", name=name), fix=_known(known))


class UnknownEdit(Misuse):
    """An edit that the app does not have."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(message("There is no edit {name!r}.", name=name), fix=_known(known))


class UnknownBuilder(Misuse):
    """A builder that buildx does not know."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        another = message("`docker buildx create` makes one.")
        super().__init__(message("There is no builder {name!r}.", name=name), fix=f"{_known(known)} {another}")


class BuilderCannot(Misuse):
    """The builder that is named does not do what is asked for."""


class NotAFolder(Misuse):
    """A path that should be a folder and is none."""

    def __init__(self, path: object) -> None:
        super().__init__(
            message("{path} is not a folder.", path=path), fix=message("Give the folder that holds the Dockerfile.")
        )


class NoDockerfile(Misuse):
    """link: where the Dockerfile is a symlink, what it says; BuildKit follows it with its own folder as the root."""

    def __init__(self, path: object, *, link: str = "") -> None:
        if not link:
            super().__init__(message("There is no Dockerfile at {path}.", path=path), fix=message("Name one with -f FILE."))
            return
        super().__init__(
            message(
                "BuildKit finds no Dockerfile at {path}: it is a symlink to {link}, which BuildKit follows with the folder "
                "as the root of all paths.",
                path=path,
                link=link,
            ),
            fix=message("Let the link name the file as seen from the link, without leaving the folder."),
        )


class FileRefused(Misuse):
    """A file that the kit will not read or write: not text, too large, or outside the app."""


class EditDoesNotApply(Misuse):
    """An edit whose file or text is not in the app."""


class EngineError(SpeedkitError):
    """Docker could not do its part."""

    exit_code = 3


class NoEngine(EngineError):
    """No Docker engine answers."""


class SocketRefused(EngineError):
    """An engine is there, but this user may not talk to it."""


class NoBuildKit(EngineError):
    """The engine or its command line has no BuildKit."""


class EngineLost(EngineError):
    """The engine went away in the middle of something."""


class EngineSilent(EngineLost):
    """The engine is there, and did not answer in time."""


class EngineRefused(EngineError):
    """The engine answered with an error. status: as HTTP has it, 0 when it sent none. said: the engine's own words."""

    def __init__(self, what: str, *, status: int, reason: str, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.status, self.reason = status, reason


class NotAsked(EngineError):
    """A container runs, and nobody can reach it to ask whether it works."""


class DiskFull(EngineError):
    """The engine's disk, or ours, has no room left."""


class NoSuchImage(EngineError):
    """An image the engine does not have."""


class NoBaseImage(EngineError):
    """A base image that no registry hands out and no stand-in can replace."""


class SetupError(SpeedkitError):
    """Something could not be installed or made."""

    exit_code = 3


class StateBusy(SpeedkitError):
    """Another speedkit holds what this one needs."""

    exit_code = 3


class StateRefused(SpeedkitError):
    """The folder for recordings and working copies cannot be made."""

    exit_code = 3


class RecordingError(SpeedkitError):
    """A recording that cannot be read."""


class NewerRecording(RecordingError):
    """A recording written by a newer speedkit."""


class DockerfileError(SpeedkitError):
    """A Dockerfile that BuildKit would reject.

    line: the 1-based line it is about; None when BuildKit names none.
    """

    exit_code = 3

    def __init__(self, what: str, *, line: int | None = None, fix: str = "", quoted: str = "") -> None:
        super().__init__(what, fix=fix, quoted=quoted)
        self.line = line


class ArchiveError(SpeedkitError):
    """An image archive that cannot be read."""

    exit_code = 3


class NotInArchive(ArchiveError):
    """An archive that can be read, but does not hold the image, the layer or the file that was asked for."""

    exit_code = 1


class AlteredArchive(ArchiveError):
    """An image archive whose bytes are not those that it says they are: the answer to every check of it is no."""

    exit_code = 1


class NoHistory(SpeedkitError):
    """A question about the past, and nothing is recorded."""


class NotebookFailed(SpeedkitError):
    """A cell of a notebook raised."""

    exit_code = 3


def in_words(problem: BaseException) -> str:
    """What went wrong, as a part of a sentence about what it kept from happening."""
    return str(problem) if isinstance(problem, SpeedkitError) else f"{type(problem).__name__}: {problem}".removesuffix(": ")
