"""The folder of an exercise in the state folder: the first files, the learner's working copy, and the progress.

    exercises/<name>/progress.json      see `progress`
    exercises/<name>/start/             the first files, as the learner got them
    exercises/<name>/<name>-<hex>/      the working copy, which the learner edits
    exercises/<name>/replaced/          the learner's files that the last reset or solution replaced

When a new version of the kit has other first files, files that the learner did not change follow; the others stay.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from speedkit.apps import KeptApp, Strategy
from speedkit.messages import marked
from speedkit.state import private_folder, state_folder, state_home

from .progress import Progress, read_progress, state_errors, write_progress
from .task import DOCKERFILE, File, Task, write_files

__all__ = ["Workplace"]

ROOM = "exercises"
NOT_KEPT = marked("The exercise cannot be kept in {folder}: {problem}.")


class Workplace:
    """The folder of one exercise. It is made when the working copy is first asked for."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._app: KeptApp | None = None

    @property
    def place(self) -> Path:
        """The folder, which may not exist."""
        return state_home() / ROOM / self._task.name

    @property
    def progress(self) -> Progress:
        return read_progress(self.place)

    def note(self, progress: Progress) -> None:
        """Keep the progress. Raises: DiskFull, StateRefused."""
        state_folder(ROOM)
        write_progress(self.place, progress)

    @property
    def app(self) -> KeptApp:
        """The working copy as an app, made or brought up to date when it is first asked for. Raises: DiskFull, StateRefused."""
        if self._app is None or not self._app.folder.is_dir():
            with state_errors(NOT_KEPT, self.place):
                self._app = self._opened()
        return self._app

    def solve(self) -> None:
        """Put the solution into the working copy. Raises: DiskFull, FileRefused, StateRefused."""
        self.reset()
        app = self.app
        for path, file in self._task.solution_files().items():
            app.write(path, file.data.decode())
            if file.is_program:
                (app.folder / path).chmod(0o755)

    def reset(self) -> None:
        """Make the working copy as it was at first. Changed files are kept beside it. Raises: DiskFull, StateRefused."""
        app = self.app
        changed = [path for path in app.changed() if (app.folder / path).is_file()]
        with state_errors(NOT_KEPT, self.place):
            if changed:
                shutil.rmtree(self.replaced, ignore_errors=True)
                for path in changed:
                    kept = private_folder((self.replaced / path).parent) / Path(path).name
                    shutil.copyfile(app.folder / path, kept)
        app.reset()

    @property
    def replaced(self) -> Path:
        """The folder of the files that the last reset or solution replaced. It may not exist."""
        return self.place / "replaced"

    def _opened(self) -> KeptApp:
        progress, start = self.progress, self.place / "start"
        state_folder(ROOM, self._task.name)
        if not progress.folder or not (self.place / progress.folder).is_dir():
            # BuildKit recognises a build context by the name of its folder, so a new copy gets a new name.
            progress = replace(progress, folder=f"{self._task.name}-{os.urandom(4).hex()}")
            shutil.rmtree(start, ignore_errors=True)
            _make_folder(start, self._task.start_files())
            shutil.copytree(start, self.place / progress.folder)
            self.note(progress)
        else:
            self._follow(start, self.place / progress.folder)
        folder = self.place / progress.folder
        strategy = Strategy(DOCKERFILE, folder / DOCKERFILE, self._task.title_in_words, self._task.host_commands)
        return KeptApp(
            self._task.name, start, folder, strategy, cache=_cache_of_process(), products=frozenset(self._task.products)
        )

    def _follow(self, start: Path, folder: Path) -> None:
        """Bring the first files, and the learner's unchanged ones, to those of this version of the kit."""
        new = self._task.start_files()
        old = {place.relative_to(start).as_posix(): place.read_bytes() for place in sorted(start.rglob("*")) if place.is_file()}
        for path in sorted(old.keys() | new.keys()):
            file = new.get(path)
            if file is not None and old.get(path) == file.data:
                continue
            mine = folder / path
            is_mine = mine.read_bytes() != old.get(path) if mine.is_file() else path in old
            for root in (start,) if is_mine else (start, folder):
                if file is None:
                    (root / path).unlink(missing_ok=True)
                else:
                    write_files(root, {path: file})


@lru_cache(maxsize=1)
def _cache_of_process() -> str:
    """One cache for all exercises: what one of them has compiled, the others need not compile again."""
    # A new one for each process: the kit removes the base images of a cache when the process that made them has ended.
    return os.urandom(6).hex()


def _make_folder(folder: Path, files: Mapping[str, File]) -> None:
    folder.mkdir(mode=0o755)
    write_files(folder, files)
