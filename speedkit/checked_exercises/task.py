"""The task of an exercise: its words, its files and its check. A new exercise is a `Task` in `content` and a folder in `files`.

files/apps/<app>/            the files that several exercises begin with
files/<name>/start/          files of this exercise, which are added to those of its app or replace them
files/<name>/solution/       files that are added to the first files, or replace them, in the kit's solution
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from speedkit.apps import sample_folder
from speedkit.messages import message

if TYPE_CHECKING:
    from .checked_builds import CheckedBuilds
    from .findings import Finding

__all__ = ["DOCKERFILE", "EXAM", "FILES", "SAMPLE", "File", "Task", "write_files"]

FILES = Path(__file__).with_name("files")
DOCKERFILE = "Dockerfile"
"""The file that every exercise builds."""
SAMPLE = "sample_go_app"
"""The app of the lessons, as an app of an exercise: without its Dockerfiles."""
EXAM = "exam"
"""The lesson of the exercises at the end."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of an exercise. is_program: it can be run."""

    data: bytes
    is_program: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """What an exercise asks for.

    lesson: the number of its lesson, such as `03`, or `EXAM`. title, text, hints: English, written with `marked`. minutes: how
    long a reader may take. check: builds, and gives a finding for each claim, the cheapest first; the first that does not hold
    ends the check. app: a folder of `files/apps`, or `SAMPLE`; "" where `start` has all first files. host_commands: run on the
    host before each build. products: files that builds make in the folder.
    """

    name: str
    lesson: str
    title: str
    text: str
    hints: tuple[str, ...]
    minutes: int
    check: Callable[[CheckedBuilds], Iterator[Finding]]
    app: str = "motto"
    host_commands: tuple[tuple[str, ...], ...] = ()
    products: tuple[str, ...] = ()

    @property
    def title_in_words(self) -> str:
        """The title in the reader's language."""
        return message(self.title)

    def start_files(self) -> dict[str, File]:
        """The first files, by their path in the learner's folder."""
        return {**self._app_files(), **_files_in(FILES / self.name / "start")}

    def solution_files(self) -> dict[str, File]:
        """The files of the kit's solution that differ from the first ones."""
        return _files_in(FILES / self.name / "solution")

    def _app_files(self) -> dict[str, File]:
        if not self.app:
            return {}
        if self.app != SAMPLE:
            return _files_in(FILES / "apps" / self.app)
        # The sample app of a checkout may have a program that somebody built in it.
        return {
            path: file
            for path, file in _files_in(sample_folder()).items()
            if not path.startswith(DOCKERFILE) and path != "speedup"
        }


def _files_in(folder: Path) -> dict[str, File]:
    places = sorted(place for place in folder.rglob("*") if place.is_file())
    return {
        place.relative_to(folder).as_posix(): File(place.read_bytes(), bool(place.stat().st_mode & stat.S_IXUSR))
        for place in places
    }


def write_files(folder: Path, files: Mapping[str, File]) -> None:
    """Write files into a folder, with modes that are the same on every machine. Raises: OSError."""
    for path, file in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)
        place.chmod(0o755 if file.is_program else 0o644)
