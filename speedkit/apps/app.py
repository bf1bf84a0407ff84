"""An app: a folder to build, its strategies (one Dockerfile each), and the edits to its files."""

from __future__ import annotations

import contextlib
import difflib
import stat
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from speedkit.engine import CommandOptions
from speedkit.errors import FileRefused, Misuse, UnknownEdit, UnknownStrategy
from speedkit.messages import message
from speedkit.ownership import claim, discard, holds_typed, note_typed
from speedkit.state import private_folder, state_folder, state_home

from . import text_files
from .edits import AppliedEdit, Edit
from .probe import Probe
from .working_copy import WorkingCopy

__all__ = ["COLD", "App", "Strategy"]

COPIED_WHILE_TYPING = 50_000_000
"""The most bytes that are copied at once when an edit of an ignore file lets files in. The next build copies the rest."""
COLD = "cold"
"""The edit of a first build: nothing is changed, and nothing is cached."""
CORRECTED = "corrected"
"""The edit of a build of the original files when all builds before it were of changed files, such as a mistake."""
RETRY = "retry"
"""The edit of a build of the same files as the build before it, which failed or was cancelled: it does the rest."""

_CacheKey = tuple[str | None, str]
"""A builder, None for the one in the engine, and a strategy: each builder has its own cache of each strategy."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One Dockerfile variant.

    dockerfile: its path, in the app's folder or elsewhere. host_commands: argv of each command that runs on the host first.
    target, build_args, options: of each build, unless the build itself names others.
    """

    name: str
    dockerfile: Path
    summary: str
    host_commands: tuple[tuple[str, ...], ...] = ()
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: CommandOptions = field(default_factory=CommandOptions, repr=False)


class App:
    """A folder to build from.

    source: the user's own folder, never written to. folder: what is built. When it is not the source, it is a working copy
    with a name that BuildKit has never seen; only such an app can be edited.
    private_cache: for each strategy, builds share a cache with each other and with no build before. With it, a notebook shows
    the same cache hits and misses each time it is run.
    """

    products: frozenset[str] = frozenset()
    """Files that builds make in the folder. They are no change to the sources."""
    makes_stand_ins = False
    """Whether a build makes stand-ins for the base images that no registry hands out."""

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
        self._has_builds: set[_CacheKey] = set()
        self._has_unchanged_build: set[_CacheKey] = set()
        self._last_build_failed: set[_CacheKey] = set()
        self._cache_names: set[str] = set()
        self.changes = 0
        """How often files were changed through this app."""
        self._last_change_of: dict[str, int] = {}
        self._last_built_change: dict[_CacheKey, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def holds_typed_text(self) -> bool:
        """Whether the working copy, or an added strategy, has text that the reader typed. Ready-made edits do not count."""
        return holds_typed(self.folder) or holds_typed(self._own_dockerfiles())

    def close(self) -> None:
        """Remove the working copy, the caches of its host builds, and added strategies. The user's folder stays."""
        if self.is_copy:
            discard(self.folder)
        discard(self._own_dockerfiles())
        for cache in self._cache_names:
            discard(state_home() / "host-caches" / cache)

    @property
    def is_copy(self) -> bool:
        """Whether the app builds a working copy, and not the user's folder itself."""
        return self.folder != self.source

    @property
    def left_out(self) -> dict[str, str]:
        """Files and folders that are not in the working copy, and why: large ones that an ignore file names, for example."""
        return dict(self._copy.left_out) if self._copy else {}

    @property
    def without_rights(self) -> tuple[str, ...]:
        """Files and folders that lost a setuid, setgid or sticky bit in the working copy."""
        return tuple(self._copy.without_rights) if self._copy else ()

    def _complete_copy(self, *, at_most_bytes: int | None = None) -> None:
        """Copy files that came into a build context by an edit of an ignore file. Raises: DiskFull, FileRefused."""
        if self._copy is None:
            return
        before = self._copy.left_out.keys()
        self._copy.complete([strategy.dockerfile for strategy in self.strategies.values()], at_most_bytes=at_most_bytes)
        if new_files := before - self._copy.left_out.keys():
            # `changed_since` must name them: to a build they are new.
            self.changes += 1
            self._last_change_of |= dict.fromkeys(new_files, self.changes)

    @property
    def probe(self) -> Probe | None:
        """The test of a built image; None for an app without one."""
        return None

    def share_cache(self) -> None:
        """Build with the engine's common cache from now on, not with a private one."""
        self._token = None

    def strategy(self, name: str | None = None) -> Strategy:
        """The strategy of a name; without a name, the first one.

        Raises: UnknownStrategy.
        """
        if name is None:
            return next(iter(self.strategies.values()))
        if name not in self.strategies:
            raise UnknownStrategy(name, self.strategies)
        return self.strategies[name]

    def add_strategy(self, name: str, dockerfile: str) -> Strategy:
        """Add a strategy from the text of its Dockerfile. The file is kept outside of the build context.

        Raises: Misuse for a name with other characters than letters, digits, - and _; FileRefused for a text that cannot be
        written.
        """
        if not name.replace("-", "").replace("_", "").isalnum():
            raise Misuse(message("{name!r} cannot name a strategy.", name=name), fix=message("Use letters, digits, - and _."))
        path = self.keep_dockerfile(name, dockerfile)
        note_typed(path.parent, path.name)
        strategy = Strategy(name, path, message("your own"))
        self.strategies[name] = strategy
        self._complete_copy(at_most_bytes=COPIED_WHILE_TYPING)
        return strategy

    def keep_dockerfile(self, name: str, text: str) -> Path:
        """The path of a new Dockerfile outside of the build context, which is there until the app is closed.

        Raises: FileRefused for a text that cannot be written.
        """
        state_folder("dockerfiles")
        claim(self._own_dockerfiles())
        path = self._own_dockerfiles() / f"Dockerfile.{name}"
        with contextlib.suppress(OSError):  # `write_text` fails for the same reason, with a better message
            private_folder(path.parent)
        text_files.write_text(path.parent, path.name, text)
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        return path

    def _own_dockerfiles(self) -> Path:
        # The name of a working copy is unique. Two apps that are built in place may be in folders of the same name.
        name = self.folder.name if self.is_copy else f"{self.folder.name}-{self._id}"
        return state_home() / "dockerfiles" / name

    def cache_of(self, strategy: str) -> str | None:
        """The name of the cache that builds of a strategy share; None for the engine's common cache."""
        if self._token is None:
            return None
        cache = f"{self._token}-{strategy}"
        self._cache_names.add(cache)
        return cache

    def begin(self, strategy: str, *, cold: bool, builder: str | None = None) -> tuple[str | None, str]:
        """Begin a build. Out: the name of its cache, None for the builder's common one, and the name of its edit.

        cold: the build gets a new cache. builder: its name; None is the one in the engine. A builder has only its own builds.
        The edit is the last one that was made to the files, with four exceptions, so that times of the same edit are alike:
        - `cold`: a first build of the original files;
        - `none`: nothing changed since the last build;
        - `corrected`: the original files, when all builds before were of changed ones: not a first build, and yet it has work;
        - `retry`: nothing changed since a build that failed or was cancelled, see `note_end`: it has work, too.
        """
        self._complete_copy()
        key = (builder, strategy)
        is_first = cold or (self._token is not None and key not in self._has_builds)
        is_same = self._last_built_change.get(key) == self.changes and not is_first
        edit = self.edit_name
        if is_same:
            edit = RETRY if key in self._last_build_failed else "none"
        elif edit == "none":
            was_built = self._token is None or key in self._has_unchanged_build
            edit = COLD if is_first else "none" if was_built else CORRECTED
        if cold:
            # A cold build leaves no results in the strategy's usual cache, so the notes about that cache stay as they are.
            cache = f"{uuid.uuid4().hex[:12]}-{strategy}"
            self._cache_names.add(cache)
            return cache, edit
        self._has_builds.add(key)
        self._last_built_change[key] = self.changes
        if self.edit_name == "none":
            self._has_unchanged_build.add(key)
        return self.cache_of(strategy), edit

    def note_end(self, strategy: str, edit: str, *, is_good: bool, builder: str | None = None) -> None:
        """Note how a build that was not cold ended.

        strategy, edit, builder: those of its `begin`. is_good: the build did all of its work.
        """
        key = (builder, strategy)
        if is_good:
            self._last_build_failed.discard(key)
            return
        self._last_build_failed.add(key)
        if edit in (COLD, CORRECTED, RETRY):
            self._has_unchanged_build.discard(key)

    def require_edit(self, name: str) -> Edit:
        """The edit of a name.

        Raises: UnknownEdit.
        """
        if name not in self.edits:
            raise UnknownEdit(name, self.edits)
        return self.edits[name]

    def edit(self, name: str) -> AppliedEdit:
        """Make one of the ready-made edits to the files as they are now.

        Raises: UnknownEdit, EditDoesNotApply, FileRefused.
        """
        edit = self.require_edit(name)
        if name != "none":
            self._require_copy()
        changed = edit.make(self.folder)
        if changed:
            self._note_changed(*changed)
        self.edit_name = name
        return AppliedEdit(name, changed)

    def text_files(self) -> tuple[str, ...]:
        """Names of the files that can be edited."""
        return text_files.text_files(self.folder)

    def read(self, name: str) -> str:
        """The text of a file. Raises: FileRefused."""
        if name in self.left_out and not (self.folder / name).is_file():
            raise FileRefused(
                message("{name} is not in the working copy: {why}.", name=name, why=self.left_out[name]),
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
        """Restore one file, or all files, from the user's folder. Raises: FileRefused."""
        copy = self._require_copy()
        for path in (name,) if name is not None else self.changed():
            copy.restore(path)
            note_typed(self.folder, path, is_typed=False)
            self._note_changed(path)
        if not self.changed():
            self.edit_name = "none"

    def changed(self) -> tuple[str, ...]:
        """Names of the files that differ from the user's folder, with added and removed files."""
        changed_files = self._copy.changed() if self._copy else ()
        return tuple(name for name in changed_files if name not in self.products)

    def is_changed(self, name: str) -> bool:
        """Whether one file of the working copy differs from the user's folder."""
        return self._copy is not None and self._copy.is_changed(name)

    def is_in_source(self, name: str) -> bool:
        """Whether the user's folder has a file of that name."""
        return (self.source / name).is_file()

    def changed_since(self, changes: int) -> tuple[str, ...]:
        """Names of the files that were changed through this app since `self.changes` had that value."""
        # A copy of the items: another thread may change a file meanwhile.
        return tuple(name for name, number in list(self._last_change_of.items()) if number > changes)

    def _note_changed(self, *names: str) -> None:
        # First the files, then the count: a thread that reads the new count must find them.
        self._last_change_of |= dict.fromkeys(names, self.changes + 1)
        self.changes += 1
        self._complete_copy(at_most_bytes=COPIED_WHILE_TYPING)

    def diff(self, name: str) -> str:
        """The changes of a file as a unified diff."""
        # A file that is added or removed has no lines on one side.
        before, after = (
            [f"{line}\n" for line in text_files.read_text(folder, name).splitlines()] if (folder / name).is_file() else []
            for folder in (self.source, self.folder)
        )
        was, now = message("{name}, at first", name=name), message("{name}, now", name=name)
        return "".join(difflib.unified_diff(before, after, fromfile=was, tofile=now))

    def _require_copy(self) -> WorkingCopy:
        if self._copy is None:
            raise FileRefused(
                message("{folder} is your own folder, to which speedkit never writes.", folder=self.folder),
                fix=message("Use `sk.app(path)` to edit a copy."),
            )
        return self._copy
