"""The states of a project that a proof builds, and the folders it builds them in.

A folder keeps its name from state to state, and only files that differ are written again, as in a clone that is updated: the
builder transfers as much of the build context as it would for the team.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

from speedkit.ownership import claim, discard
from speedkit.projects import Way
from speedkit.regular_file import read_regular
from speedkit.state import state_folder

__all__ = ["CONTEXT", "LeftOut", "ProjectFolder", "ProjectState", "ProjectStates", "file_or_none", "place_in_folder"]

LARGEST_PATCHED_BYTES = 16_000_000
USUAL_MODE = 0o644
CONTEXT = "context"
BESIDE = f"{CONTEXT}-dockerfile"


@dataclass(frozen=True, slots=True)
class ProjectState:
    """A state of a project's files. id: of the commit, or of the edit. title: a commit's subject, or what was edited."""

    kind: Literal["commit", "edit"]
    id: str
    title: str

    @property
    def short(self) -> str:
        return self.id[:10] if self.kind == "commit" else self.id


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A state that was not measured, and why, as the end of a sentence."""

    state: ProjectState
    because: str


class ProjectStates(Protocol):
    """Where the states of a project come from."""

    @property
    def has_history(self) -> bool:
        """Whether the states are commits; otherwise they are edits that the kit makes."""

    @property
    def states(self) -> tuple[ProjectState, ...]:
        """Oldest first. A proof starts from the first, and measures the others."""

    def write(self, state: ProjectState, folder: Path, *, time_ns: int) -> None:
        """Makes a folder hold a state: the build context in `CONTEXT`, and a Dockerfile from elsewhere beside it.

        folder: one that the same object wrote before, or an empty one. A file that differs becomes a new file with the time
        `time_ns`; other files stay as they are. Raises: SpeedkitError where the files cannot be had, OSError.
        """


def place_in_folder(path: str, way: Way) -> str | None:
    """The place of a file of the project in a `ProjectFolder`; None for one that no build reads. path: in the project."""
    context = PurePosixPath(way.context)
    if PurePosixPath(path).is_relative_to(context):
        return f"{CONTEXT}/{PurePosixPath(path).relative_to(context)}"
    if path in (way.file, f"{way.file}.dockerignore"):
        return f"{BESIDE}/{PurePosixPath(path).name}"
    return None


class ProjectFolder:
    """A folder of the kit's own that holds one state of a project at a time.

    context: the build context in it, once there is a state. Its name is new to BuildKit, which finds the files of an earlier
    build by the name of their folder, and would take the files of the other variant for files of this one
    (docs/buildkit-cache-rules.md, "What BuildKit does not notice").
    """

    def __init__(self, name: str) -> None:
        number = uuid.uuid4().hex[:12]
        self.path = state_folder("work") / f"{name}-{number}"
        self.context = self.path / f"{CONTEXT}-{number}"
        self._names = {CONTEXT: self.context.name, BESIDE: f"{BESIDE}-{number}"}
        # Claimed before it exists: another process sweeps folders without a living owner.
        claim(self.path)
        self.path.mkdir(mode=0o700)

    def place(self, name: str) -> Path:
        """Where a file is. name: as `place_in_folder` gives it."""
        first, slash, rest = name.partition("/")
        return self.path / f"{self._names.get(first, first)}{slash}{rest}"

    def discard(self) -> None:
        discard(self.path)

    def become(self, other: Path, changed: Mapping[str, bytes | None], *, time_ns: int) -> None:
        """Takes over the files of another folder, with some of them changed. time_ns: the modification time of changed files.

        Unchanged files are hard links, which have the same times: times get into some images, for example in compiled Python.
        That is safe because nothing is written into a file of the other folder again, see `ProjectStates.write`.
        """
        needed: set[Path] = set()
        for entry in _walk(other):
            name = entry.relative_to(other).as_posix()
            if name not in changed:
                needed.add(self.place(name))
                _take(entry, self.place(name))
        for name, content in changed.items():
            if content is None:
                continue
            target, source = self.place(name), other / name
            needed |= {target, *(parent for parent in target.parents if parent != self.path and self.path in parent.parents)}
            # A file that is equal already keeps its time, as `git checkout` would leave it alone.
            if file_or_none(target) != content:
                mode = stat.S_IMODE(source.stat().st_mode) if source.is_file() else USUAL_MODE
                _remove(target)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                target.chmod(mode)
                os.utime(target, ns=(time_ns, time_ns))

        # In reverse order, the content of a folder goes before the folder itself.
        for entry in sorted(_walk(self.path), reverse=True):
            if entry not in needed:
                _remove(entry)

        # At the end, as each new file in a folder sets the folder's time.
        for entry in _walk(other):
            target = self.place(entry.relative_to(other).as_posix())
            if entry.is_dir() and not entry.is_symlink() and target.is_dir():
                status = entry.stat()
                os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))


def file_or_none(path: Path) -> bytes | None:
    """The content of a file, None where there is none. Raises: OSError for what cannot be read."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return read_regular(path, at_most_bytes=LARGEST_PATCHED_BYTES)
    return None


def _walk(folder: Path) -> Iterator[Path]:
    """Everything below a folder; a folder comes before its content. No link is followed."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(place) / name


def _take(entry: Path, target: Path) -> None:
    """Makes a path equal to another one: a folder of equal mode, an equal symlink, or a hard link to the file."""
    status = entry.lstat()
    if stat.S_ISDIR(status.st_mode):
        if target.is_symlink() or not target.is_dir():
            _remove(target)
            target.mkdir()
        target.chmod(stat.S_IMODE(status.st_mode))
        return
    if os.path.lexists(target) and os.path.samestat(status, target.lstat()):
        return
    _remove(target)
    if stat.S_ISLNK(status.st_mode):
        target.symlink_to(os.readlink(entry))  # noqa: PTH115 (the text of the link)
        with contextlib.suppress(NotImplementedError):
            os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns), follow_symlinks=False)
        return
    try:
        os.link(entry, target)
    except OSError:  # a file system without hard links
        shutil.copy2(entry, target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
