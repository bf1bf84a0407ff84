"""The app's files as they lie on the workbench: which there are, what they say, what was changed, by whom.

The Dockerfile in the editor is that of the chosen strategy. Typing in it never changes the strategy itself: what is
typed becomes the strategy `custom`, which stands beside the others until it is saved under a name of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from speedkit.apps import LARGEST_BYTES, file_names_below, read_text
from speedkit.errors import FileRefused, Misuse, SpeedkitError
from speedkit.messages import message
from speedkit.page import ChosenStrategy, FileTab, Mark, Named, lines_of, moved_with

if TYPE_CHECKING:
    from speedkit.apps import App

__all__ = ["CUSTOM", "DOCKERFILE", "OpenFiles"]

CUSTOM = "custom"
DOCKERFILE = "./Dockerfile"
"""The chosen strategy's Dockerfile, wherever it lies: one tab, whatever is chosen. No listed file has such a name."""

STORY_BEGINS_WITH = "naive"
FIRST = ("main.go", "go.mod", ".dockerignore")
LAST = ("go.sum", "package-lock.json", "poetry.lock")
LISTED_AT_MOST = 500
DISK = "disk"
NOT_UTF8 = re.compile("[\ud800-\udfff]")
Stamp = tuple[Path, int, int] | None


@dataclass
class _Seen:
    """What is known of a file. version: grows with every change; by: the page that made it, or `disk`."""

    stamp: Stamp
    version: int = 1
    by: str = DISK
    refused: str = ""
    changed: bool = False


class OpenFiles:
    """An app's files and strategies, as the editor needs them.

    strategy: the chosen one. base: the one that `custom` came from.
    """

    def __init__(self, app: App, strategy: str | None = None) -> None:
        self._app = app
        begin = STORY_BEGINS_WITH if STORY_BEGINS_WITH in app.strategies else None
        self.strategy = self.base = app.strategy(strategy or begin).name
        self._origin: dict[str, str] = {}
        self._seen: dict[str, _Seen] = {}
        self._order: tuple[str, ...] = ()
        # The Dockerfile's text as of a stamp: each painting asks for it several times.
        self._dockerfile_read: tuple[Stamp, str] | None = None
        self.look()

    # Strategies

    @property
    def cache_of(self) -> str:
        """The strategy whose cache a build shares: an edited Dockerfile finds what its original built."""
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
        self.look()

    def save_as(self, name: str) -> None:
        """Make what is typed a strategy of that name.

        Raises: Misuse when the name cannot be one, or is taken.
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
        """Make a ready-made edit; the path of a file it changed.

        Raises: UnknownEdit, EditDoesNotApply, FileRefused.
        """
        applied = self._app.edit(name)
        self.look()
        return next((path for path in applied.paths if path in self._order), None)

    # Files

    def has_file(self, path: str) -> bool:
        return path in self._order

    def files(self) -> tuple[FileTab, ...]:
        return tuple(self._tab(path, self._seen[path]) for path in self._order)

    def versions(self) -> tuple[tuple[str, int], ...]:
        """Changes whenever a file does."""
        return tuple((path, self._seen[path].version) for path in self._order)

    def _tab(self, path: str, seen: _Seen) -> FileTab:
        is_dockerfile = path == DOCKERFILE
        return FileTab(
            path=path,
            label="Dockerfile" if is_dockerfile else path,
            is_dockerfile=is_dockerfile,
            version=seen.version,
            by=seen.by,
            state="missing" if seen.stamp is None else "refused" if seen.refused else "text",
            reason=seen.refused,
            changed=self.strategy == CUSTOM if is_dockerfile else seen.changed,
        )

    def text(self, path: str) -> str:
        """Raises: FileRefused."""
        if path not in self._seen:
            raise FileRefused(message("{path!r} is not a file of this app.", path=path), fix=message("Choose one of the tabs."))
        return self._read(path)

    def _read(self, path: str) -> str:
        if path != DOCKERFILE:
            return self._app.read(path)
        stamp = self._stamp(path)
        if self._dockerfile_read is None or self._dockerfile_read[0] != stamp:
            self._dockerfile_read = stamp, _text_at(self._dockerfile(self.strategy))
        return self._dockerfile_read[1]

    def text_or_empty(self, path: str) -> str:
        try:
            return self.text(path)
        except SpeedkitError:
            return ""

    def original(self, path: str) -> str:
        """What the file said before anything was changed, "" for a new one; of the Dockerfile: its strategy's text."""
        if path == DOCKERFILE:
            return _text_at(self._dockerfile(self.base))
        is_known = path in self._seen and self._app.is_in_source(path)
        return read_text(self._app.source, path) if is_known else ""

    def write(self, path: str, text: str, *, by: str) -> None:
        """Take over a text, typed on the page `by`.

        Raises: FileRefused.
        """
        if path != DOCKERFILE:
            self._app.write(path, text)
        elif text != self.dockerfile_text():
            self._write_custom(text)
        seen = self._look_at(path)
        seen.by = by
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
        # Two writes within one tick of the file system's clock have the same stamp.
        self._dockerfile_read = None

    def reset(self, path: str | None) -> None:
        """Bring back the original of a file, or of all.

        Raises: FileRefused.
        """
        if path is None:
            self._app.reset()
            self.choose(self.base)
        elif path == DOCKERFILE:
            self.choose(self.base)
        else:
            self._app.reset(path)
        self.look()

    # The disk

    def look(self) -> bool:
        """Take notice of files that came, went or changed; True when any did."""
        before, was = self._order, sum(seen.version for seen in self._seen.values())
        found = self._found()
        for path in {*found, *self._seen, DOCKERFILE}:
            self._look_at(path)
        for path in [path for path, seen in self._seen.items() if seen.stamp is None and not self._had(path)]:
            del self._seen[path]
        # A link that leads nowhere is found, and cannot be shown.
        self._order = self._ordered([path for path in (*found, *self._seen) if path in self._seen])
        return self._order != before or was != sum(seen.version for seen in self._seen.values())

    def _found(self) -> list[str]:
        """Names of the files in the app's folder, those that cannot be edited too."""
        # A page cannot be told a name that is not UTF-8; BuildKit refuses such a file as well.
        names = (name for name in file_names_below(self._app.folder) if not NOT_UTF8.search(name))
        return list(islice(names, LISTED_AT_MOST))

    def _had(self, path: str) -> bool:
        """It belongs to the app, so that it is missed when it is gone."""
        return path == DOCKERFILE or self._app.is_in_source(path)

    def _ordered(self, found: list[str]) -> tuple[str, ...]:
        """The files to show: those of FIRST with the Dockerfile after main.go, the others, those of LAST.

        Dockerfiles of other strategies, and what only those ignore, are left out.
        """
        dockerfiles = {found.dockerfile for found in self._app.strategies.values()}
        chosen = self._dockerfile(self.strategy)
        others = dockerfiles | {_ignore_file(place) for place in dockerfiles - {chosen}}
        rank = {name: place for place, name in enumerate(FIRST)} | dict.fromkeys(LAST, 99)
        shown = {path for path in found if path != DOCKERFILE and self._app.folder / path not in others}
        ordered = sorted(shown, key=lambda path: (rank.get(path, 50), path.count("/"), path))
        place = 1 if ordered[:1] == ["main.go"] else 0
        return (*ordered[:place], DOCKERFILE, *ordered[place:])

    def _look_at(self, path: str) -> _Seen:
        stamp = self._stamp(path)
        seen = self._seen.get(path)
        if seen is None or seen.stamp != stamp:
            version = 1 if seen is None else seen.version + 1
            refused = "" if stamp is None else self._refusal(path)
            seen = self._seen[path] = _Seen(stamp, version, DISK, refused, self._differs(path))
        return seen

    def _stamp(self, path: str) -> Stamp:
        place = self._dockerfile(self.strategy) if path == DOCKERFILE else self._app.folder / path
        try:
            status = place.stat()
        except OSError:
            return None
        return place, status.st_mtime_ns, status.st_size

    def _refusal(self, path: str) -> str:
        try:
            self._read(path)
        except SpeedkitError as problem:
            return str(problem)
        return ""

    def _differs(self, path: str) -> bool:
        """The working copy's file is not what it was at first."""
        if not self._app.is_copy or path == DOCKERFILE:
            return False
        return self._app.is_changed(path)

    # Marks

    def mark_anchored(self, mark: Mark) -> Mark:
        """The mark with its line's text, by which it is found again after an edit."""
        lines = lines_of(self.text_or_empty(mark.path))
        return replace(mark, text=lines[mark.line - 1]) if 0 < mark.line <= len(lines) else mark

    def mark_moved(self, mark: Mark) -> Mark | None:
        return moved_with(mark, self.text_or_empty(mark.path))


def _ignore_file(dockerfile: Path) -> Path:
    """The file by which one Dockerfile has a `.dockerignore` of its own."""
    return dockerfile.with_name(f"{dockerfile.name}.dockerignore")


def _text_at(place: Path) -> str:
    return read_text(place.parent, place.name)
