"""An app: a folder that is built, the strategies to build it by, the edits to make to it."""

from __future__ import annotations

import contextlib
import difflib
import stat
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from speedkit.errors import FileRefused, Misuse, UnknownEdit, UnknownStrategy
from speedkit.messages import message
from speedkit.ownership import claim, discard, holds_typed, note_typed
from speedkit.state import private_folder, state_folder, state_home

from . import text_files
from .edits import AppliedEdit, Edit
from .probe import Probe
from .working_copy import WorkingCopy

__all__ = ["COLD", "App", "Strategy"]

BROUGHT_IN_WHILE_TYPING = 50_000_000
"""Bytes of files that one edit of an ignore file brings into the copy at once; the next build brings in the rest."""
COLD = "cold"
"""The edit under which a first build is listed: nothing is changed and nothing cached."""
CORRECTED = "corrected"
"""The edit of a build of the files as they were at first, where all builds before had other files, such as a mistake."""
RETRY = "retry"
"""The edit of a build of the same files as one that failed or was cancelled: it does what that one left undone."""


_Turn = tuple[str | None, str]
"""A builder and a strategy: each builder has a cache of its own for each strategy."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One Dockerfile variant.

    dockerfile: its path, in the app's folder or elsewhere. host_commands: what runs on the host before the build.
    """

    name: str
    dockerfile: Path
    summary: str
    host_commands: tuple[tuple[str, ...], ...] = ()


class App:
    """A folder to build from.

    source: the user's own folder, never written to. folder: what is built. When they differ it is a private working copy,
    with a name BuildKit has never seen; only such an app can be edited. private_cache: its builds share a cache with each
    other, per strategy, and with nothing built before, so that a notebook tells the same story each time it is run.
    """

    products: frozenset[str] = frozenset()
    """Files that builds make in the folder: no change to the sources."""

    def __init__(
        self,
        name: str,
        source: Path,
        folder: Path,
        strategies: dict[str, Strategy],
        edits: dict[str, Edit],
        *,
        private_cache: bool,
        copy: WorkingCopy | None = None,
    ) -> None:
        self.name, self.source, self.folder = name, source, folder
        self._copy = copy
        self.strategies, self.edits = strategies, edits
        self.edit_name = "none"
        self._id = uuid.uuid4().hex[:12]
        self._token = self._id if private_cache else None
        self._begun: set[_Turn] = set()
        self._unchanged_built: set[_Turn] = set()
        self._unfinished: set[_Turn] = set()
        self._caches: set[str] = set()
        self.changes = 0
        self._written: dict[str, int] = {}
        self._built: dict[_Turn, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def holds_typed_text(self) -> bool:
        """Whether the working copy, or a strategy of its own, holds what somebody typed; ready-made edits are not that."""
        return holds_typed(self.folder) or holds_typed(self._own_dockerfiles())

    def close(self) -> None:
        """Remove the working copy, what its host builds cached and its own strategies. The user's folder stays."""
        if self.is_copy:
            discard(self.folder)
        discard(self._own_dockerfiles())
        for cache in self._caches:
            discard(state_home() / "host-caches" / cache)

    @property
    def is_copy(self) -> bool:
        return self.folder != self.source

    @property
    def left_out(self) -> dict[str, str]:
        """Files and folders that the working copy does not hold, and why: large ones that an ignore file leaves out, say."""
        return dict(self._copy.left_out) if self._copy else {}

    @property
    def without_rights(self) -> tuple[str, ...]:
        """Files and folders that have a bit setuid, setgid or sticky in the user's folder, and none in the working copy."""
        return tuple(self._copy.without_rights) if self._copy else ()

    def _complete(self, *, at_most_bytes: int | None = None) -> None:
        """Bring in what is in a build context since an ignore file was edited. Raises: DiskFull, FileRefused."""
        if self._copy is None:
            return
        before = self._copy.left_out.keys()
        self._copy.complete([strategy.dockerfile for strategy in self.strategies.values()], at_most_bytes=at_most_bytes)
        if come := before - self._copy.left_out.keys():
            # Whoever only looks at what changed since has to see them.
            self.changes += 1
            self._written |= dict.fromkeys(come, self.changes)

    @property
    def probe(self) -> Probe | None:
        """How to find out whether a built image does its work; None where nobody knows."""
        return None

    def share_cache(self) -> None:
        """Build with the engine's common cache from now on, in place of a private one."""
        self._token = None

    def strategy(self, name: str | None = None) -> Strategy:
        """A strategy by name; None is the first.

        Raises: UnknownStrategy.
        """
        if name is None:
            return next(iter(self.strategies.values()))
        if name not in self.strategies:
            raise UnknownStrategy(name, self.strategies)
        return self.strategies[name]

    def add_strategy(self, name: str, dockerfile: str) -> Strategy:
        """A strategy of one's own, from the text of its Dockerfile, which is kept outside of the build context.

        Raises: Misuse for a name that is none; FileRefused for a text that cannot be written.
        """
        if not name.replace("-", "").replace("_", "").isalnum():
            raise Misuse(message("{name!r} cannot name a strategy.", name=name), fix=message("Use letters, digits, - and _."))
        state_folder("dockerfiles")
        claim(self._own_dockerfiles())
        place = self._own_dockerfiles() / f"Dockerfile.{name}"
        with contextlib.suppress(OSError):  # writing says it better
            private_folder(place.parent)
        text_files.write_text(place.parent, place.name, dockerfile)
        note_typed(place.parent, place.name)
        place.chmod(stat.S_IRUSR | stat.S_IWUSR)
        added = Strategy(name, place, message("your own"))
        self.strategies[name] = added
        self._complete(at_most_bytes=BROUGHT_IN_WHILE_TYPING)
        return added

    def _own_dockerfiles(self) -> Path:
        # Two apps may be built in folders of one name; a copy's name is its own.
        name = self.folder.name if self.is_copy else f"{self.folder.name}-{self._id}"
        return state_home() / "dockerfiles" / name

    def cache_of(self, strategy: str) -> str | None:
        """The name of the cache that builds of a strategy share; None is the engine's common one."""
        if self._token is None:
            return None
        cache = f"{self._token}-{strategy}"
        self._caches.add(cache)
        return cache

    def begin(self, strategy: str, *, cold: bool, builder: str | None = None) -> tuple[str | None, str]:
        """The cache that the next build of a strategy shares, and the name of the edit that it is to be listed under.

        The cache is named by a token; None is the builder's common one. cold: a cache of its own, never seen before.
        builder: the name of the one that builds; None is the one inside the engine. Each has seen its own builds alone.
        A first build of unchanged files is listed as `cold`, one with nothing changed since the last as `none`. One of
        unchanged files after builds of changed ones alone is `corrected`: it is no first build, and yet has work to do. So has
        one with nothing changed since a build that did not end well, see `note_end`: it is listed as `retry`.
        """
        self._complete()
        turn = (builder, strategy)
        first = cold or (self._token is not None and turn not in self._begun)
        same = self._built.get(turn) == self.changes and not first
        edit = self.edit_name
        if same:
            edit = RETRY if turn in self._unfinished else "none"
        elif edit == "none":
            was_built = self._token is None or turn in self._unchanged_built
            edit = COLD if first else "none" if was_built else CORRECTED
        if cold:
            # A cache of its own: what the strategy's other builds find in theirs is as old as before.
            cache = f"{uuid.uuid4().hex[:12]}-{strategy}"
            self._caches.add(cache)
            return cache, edit
        self._begun.add(turn)
        self._built[turn] = self.changes
        if self.edit_name == "none":
            self._unchanged_built.add(turn)
        return self.cache_of(strategy), edit

    def note_end(self, strategy: str, edit: str, *, is_good: bool, builder: str | None = None) -> None:
        """Take note of how a build ended that began as `begin` said. is_good: it came to its end, and left nothing to do."""
        if is_good:
            self._unfinished.discard((builder, strategy))
            return
        self._unfinished.add((builder, strategy))
        if edit in (COLD, CORRECTED, RETRY):
            self._unchanged_built.discard((builder, strategy))

    def require_edit(self, name: str) -> Edit:
        """An edit by name.

        Raises: UnknownEdit.
        """
        if name not in self.edits:
            raise UnknownEdit(name, self.edits)
        return self.edits[name]

    def edit(self, name: str) -> AppliedEdit:
        """Make one of the ready-made edits to the files as they are now.

        Raises: UnknownEdit, EditDoesNotApply, FileRefused.
        """
        chosen = self.require_edit(name)
        if name != "none":
            self._require_copy()
        changed = chosen.make(self.folder)
        if changed:
            self._note_changed(*changed)
        self.edit_name = name
        return AppliedEdit(name, changed)

    def text_files(self) -> tuple[str, ...]:
        """Names of the files that can be edited."""
        return text_files.text_files(self.folder)

    def read(self, name: str) -> str:
        """A file's text. Raises: FileRefused."""
        if name in self.left_out and not (self.folder / name).is_file():
            why = self.left_out[name]
            raise FileRefused(
                message("{name} is not in the working copy: {why}.", name=name, why=why),
                fix=message("It is in {source}.", source=self.source),
            )
        return text_files.read_text(self.folder, name)

    def write(self, name: str, text: str) -> None:
        """Write a file of the working copy. Raises: FileRefused."""
        self._require_copy()
        text_files.write_text(self.folder, name, text)
        note_typed(self.folder, name)
        self._note_changed(name)
        self.edit_name = "custom"

    def reset(self, name: str | None = None) -> None:
        """Put one file, or all of them, back to what they were at first. Raises: FileRefused."""
        copy = self._require_copy()
        for path in (name,) if name is not None else self.changed():
            copy.restore(path)
            note_typed(self.folder, path, is_typed=False)
            self._note_changed(path)
        if not self.changed():
            self.edit_name = "none"

    def changed(self) -> tuple[str, ...]:
        """Names of the files that differ from what they were at first, those added or removed included."""
        found = self._copy.changed() if self._copy else ()
        return tuple(name for name in found if name not in self.products)

    def is_changed(self, name: str) -> bool:
        """Whether one file of the working copy differs from what it was at first."""
        return self._copy is not None and self._copy.is_changed(name)

    def is_in_source(self, name: str) -> bool:
        """Whether the user's folder has a file of that name."""
        return (self.source / name).is_file()

    def changed_since(self, changes: int) -> tuple[str, ...]:
        """Names of the files that were changed through this app after the first so many changes."""
        return tuple(name for name, number in list(self._written.items()) if number > changes)

    def _note_changed(self, *names: str) -> None:
        self._written |= dict.fromkeys(names, self.changes + 1)
        self.changes += 1
        self._complete(at_most_bytes=BROUGHT_IN_WHILE_TYPING)

    def diff(self, name: str) -> str:
        """What changed in a file, as a unified diff."""
        before, after = (_lines(folder, name) for folder in (self.source, self.folder))
        was, now = message("{name}, at first", name=name), message("{name}, now", name=name)
        return "".join(difflib.unified_diff(before, after, fromfile=was, tofile=now))

    def _require_copy(self) -> WorkingCopy:
        if self._copy is None:
            raise FileRefused(
                message("{folder} is yours and is not written to.", folder=self.folder),
                fix=message("Use `sk.app(path)` to edit a copy."),
            )
        return self._copy


def _lines(folder: Path, name: str) -> list[str]:
    """A file's lines; none when it is not there."""
    return [f"{line}\n" for line in text_files.read_text(folder, name).splitlines()] if (folder / name).is_file() else []
