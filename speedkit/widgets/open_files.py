"""The files of an app in the editor of the workbench: their names, texts, versions, and who changed each last.

The Dockerfile in the editor is that of the selected strategy. Typing in it never changes that strategy: the new text becomes
the strategy `custom`, which the reader can save under another name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from speedkit.apps import LARGEST_BYTES, SAMPLE_FILES, SAMPLE_SOURCES, file_names_below, read_text
from speedkit.errors import FileRefused, Misuse, SpeedkitError
from speedkit.messages import message
from speedkit.page import ChosenStrategy, FileTab, Mark, Named, moved_mark, text_lines

if TYPE_CHECKING:
    from speedkit.apps import App

__all__ = ["CUSTOM", "DOCKERFILE", "OpenFiles"]

CUSTOM = "custom"
DOCKERFILE = "./Dockerfile"
"""Stands for the Dockerfile of the selected strategy, wherever that file is. No other file has a path of this form."""

STORY_BEGINS_WITH = "naive"
# The files that a reader edits come first, and lock files, which programs write, come last.
FIRST = (*SAMPLE_FILES, ".dockerignore")
LAST = ("go.sum", "package-lock.json", "poetry.lock", "Cargo.lock")
FILES_AT_MOST = 500
DISK = "disk"
NOT_UTF8 = re.compile("[\ud800-\udfff]")
Stamp = tuple[Path, int, int] | None


@dataclass
class _FileState:
    """A file when it was last checked.

    stamp: None for a file that is gone. version: grows with each change. by: the page that made the last change, or `disk`.
    refused: why its text is not shown, "" when it is.
    """

    stamp: Stamp
    version: int = 1
    by: str = DISK
    refused: str = ""
    changed: bool = False


class OpenFiles:
    """An app's files and strategies, as the editor needs them.

    strategy: the name of the selected strategy. base: the strategy that was selected last,
    `custom` apart.
    """

    def __init__(self, app: App, strategy: str | None = None) -> None:
        self._app = app
        first_strategy = STORY_BEGINS_WITH if STORY_BEGINS_WITH in app.strategies else None
        self.strategy = self.base = app.strategy(strategy or first_strategy).name
        self._origin: dict[str, str] = {}
        self._file_states: dict[str, _FileState] = {}
        self._order: tuple[str, ...] = ()
        # The text of the Dockerfile and its stamp: each update of the page needs the text several times.
        self._dockerfile_read: tuple[Stamp, str] | None = None
        self.look_at_disk()

    # Strategies

    @property
    def cache_of(self) -> str:
        """The strategy whose cache the next build uses: an edited Dockerfile uses the cache of its original."""
        return self._origin.get(self.strategy, self.strategy)

    def _dockerfile(self, strategy: str) -> Path:
        return self._app.strategies[strategy].dockerfile

    def dockerfile_text(self) -> str:
        return self.text_or_empty(DOCKERFILE)

    def first_tab(self) -> str:
        return self._order[0] if self._order else ""

    def strategies(self) -> tuple[Named, ...]:
        return tuple(Named(name, strategy.summary) for name, strategy in self._app.strategies.items())

    def strategy_shown(self) -> ChosenStrategy:
        return ChosenStrategy(self.strategy, self.base, is_custom=self.strategy == CUSTOM)

    def choose(self, name: str) -> None:
        """Raises: UnknownStrategy."""
        self.strategy = self._app.strategy(name).name
        if name != CUSTOM:
            self.base = name
        self.look_at_disk()

    def save_as(self, name: str) -> None:
        """Save the Dockerfile in the editor as a new strategy.

        Raises: Misuse when the name is not allowed or is in use.
        """
        if name == CUSTOM or name in self._app.strategies:
            raise Misuse(message("There is a strategy {name!r} already.", name=name), fix=message("Choose another name."))
        self._app.add_strategy(name, self.dockerfile_text())
        self._origin[name] = self.cache_of
        self.choose(name)

    # Edits

    def edits(self) -> tuple[Named, ...]:
        return tuple(Named(name, edit.summary) for name, edit in self._app.edits.items() if name != "none")

    def edit(self, name: str) -> str | None:
        """Apply a ready-made edit. Returns the path of a file that it changed.

        Raises: UnknownEdit, EditDoesNotApply, FileRefused.
        """
        applied = self._app.edit(name)
        self.look_at_disk()
        return next((path for path in applied.paths if path in self._order), None)

    # Files

    def has_file(self, path: str) -> bool:
        return path in self._order

    def files(self) -> tuple[FileTab, ...]:
        return tuple(self._tab(path) for path in self._order)

    def versions(self) -> tuple[tuple[str, int], ...]:
        """The version of each file; differs from an earlier result as soon as any file has changed."""
        return tuple((path, self._file_states[path].version) for path in self._order)

    def _tab(self, path: str) -> FileTab:
        state = self._file_states[path]
        is_dockerfile = path == DOCKERFILE
        return FileTab(
            path=path,
            label="Dockerfile" if is_dockerfile else path,
            is_dockerfile=is_dockerfile,
            version=state.version,
            by=state.by,
            state="missing" if state.stamp is None else "refused" if state.refused else "text",
            reason=state.refused,
            changed=self.strategy == CUSTOM if is_dockerfile else state.changed,
        )

    def text(self, path: str) -> str:
        """Raises: FileRefused."""
        if path not in self._file_states:
            raise FileRefused(message("{path!r} is not a file of this app.", path=path), fix=message("Choose one of the tabs."))
        return self._read(path)

    def _read(self, path: str) -> str:
        if path != DOCKERFILE:
            return self._app.read(path)
        # Pages and the update thread read without a lock: each works with the stamp and the cache as they were at one moment.
        stamp, cached = self._stamp(path), self._dockerfile_read
        if cached is None or cached[0] != stamp:
            cached = stamp, _text_at(stamp[0] if stamp is not None else self._dockerfile(self.strategy))
            self._dockerfile_read = cached
        return cached[1]

    def text_or_empty(self, path: str) -> str:
        try:
            return self.text(path)
        except SpeedkitError:
            return ""

    def original(self, path: str) -> str:
        """The text of the file before all changes, "" for a new file. For the Dockerfile: the text of its strategy."""
        if path == DOCKERFILE:
            return _text_at(self._dockerfile(self.base))
        has_original = path in self._file_states and self._app.is_in_source(path)
        return read_text(self._app.source, path) if has_original else ""

    def write(self, path: str, text: str, *, by: str) -> None:
        """Save a text that was typed on the page `by`.

        Raises: FileRefused.
        """
        if path != DOCKERFILE:
            self._app.write(path, text)
        elif text != self.dockerfile_text():
            self._write_custom(text)
        self._check_file(path).by = by
        if path not in self._order:
            self._order = self._ordered([*self._order, path])

    def _write_custom(self, text: str) -> None:
        """Raises: FileRefused."""
        if len(text) > LARGEST_BYTES:
            raise FileRefused(
                message("This Dockerfile is too large."), fix=message("Dockerfiles of at most 1 MB can be edited here.")
            )
        if self.strategy != CUSTOM:
            self._origin[CUSTOM] = self.cache_of
        self._app.add_strategy(CUSTOM, text)
        self.strategy = CUSTOM
        # Two writes within one tick of the file system's clock have the same stamp, so the stamp alone would keep the old text.
        self._dockerfile_read = None

    def reset(self, path: str | None) -> None:
        """Restore the original of a file, or of all files.

        Raises: FileRefused.
        """
        if path is None:
            self._app.reset()
            self.choose(self.base)
        elif path == DOCKERFILE:
            self.choose(self.base)
        else:
            self._app.reset(path)
        self.look_at_disk()

    # The disk

    def look_at_disk(self) -> bool:
        """Check which files were added, removed or changed; True when any was."""
        old_order, old_versions = self._order, sum(state.version for state in self._file_states.values())
        # JSON cannot bring a name that is not UTF-8 to the page; BuildKit refuses such a file as well.
        names = (name for name in file_names_below(self._app.folder) if not NOT_UTF8.search(name))
        paths = list(islice(names, FILES_AT_MOST))
        for path in {*paths, *self._file_states, DOCKERFILE}:
            self._check_file(path)
        for path in [path for path, state in self._file_states.items() if state.stamp is None]:
            # A file of the app that is gone keeps its tab, so that the reader can restore it.
            if path != DOCKERFILE and not self._app.is_in_source(path):
                del self._file_states[path]
        # A broken symlink has a name and no state.
        self._order = self._ordered([path for path in (*paths, *self._file_states) if path in self._file_states])
        return self._order != old_order or old_versions != sum(state.version for state in self._file_states.values())

    def _ordered(self, paths: list[str]) -> tuple[str, ...]:
        """The files in the order of their tabs: those of FIRST with the Dockerfile after the program, others, those of LAST.

        The Dockerfiles of all strategies are left out, and the ignore files of those that are not selected.
        """
        dockerfiles = {strategy.dockerfile for strategy in self._app.strategies.values()}
        # BuildKit reads NAME.dockerignore for the Dockerfile NAME.
        others = dockerfiles | {
            dockerfile.with_name(f"{dockerfile.name}.dockerignore")
            for dockerfile in dockerfiles - {self._dockerfile(self.strategy)}
        }
        rank = {name: place for place, name in enumerate(FIRST)} | dict.fromkeys(LAST, 99)
        shown = {path for path in paths if path != DOCKERFILE and self._app.folder / path not in others}
        ordered = sorted(shown, key=lambda path: (rank.get(path, 50), path.count("/"), path))
        place = 1 if ordered and ordered[0] in SAMPLE_SOURCES else 0
        return (*ordered[:place], DOCKERFILE, *ordered[place:])

    def _check_file(self, path: str) -> _FileState:
        """The present state of a file. A file with the same stamp is not read again."""
        stamp = self._stamp(path)
        state = self._file_states.get(path)
        if state is None or state.stamp != stamp:
            version = 1 if state is None else state.version + 1
            refused = ""
            if stamp is not None:
                try:
                    self._read(path)
                except SpeedkitError as problem:
                    refused = str(problem)
            is_changed = self._app.is_copy and path != DOCKERFILE and self._app.is_changed(path)
            state = self._file_states[path] = _FileState(stamp, version, DISK, refused, is_changed)
        return state

    def _stamp(self, path: str) -> Stamp:
        place = self._dockerfile(self.strategy) if path == DOCKERFILE else self._app.folder / path
        try:
            status = place.stat()
        except OSError:
            return None
        return place, status.st_mtime_ns, status.st_size

    # Marks

    def mark_anchored(self, mark: Mark) -> Mark:
        """The mark with the text of its line, so that `mark_moved` can find the line after an edit."""
        lines = text_lines(self.text_or_empty(mark.path))
        return replace(mark, text=lines[mark.line - 1]) if 0 < mark.line <= len(lines) else mark

    def mark_moved(self, mark: Mark) -> Mark | None:
        return moved_mark(mark, self.text_or_empty(mark.path))


def _text_at(place: Path) -> str:
    return read_text(place.parent, place.name)
