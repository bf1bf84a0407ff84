"""Which process owns which folders and files of the kit: those of a living process stay, those of a dead one are swept.

Each process has one file in the folder `owners` of the state folder, and holds a lock on that file for as long as it lives.
The process lists its folders and files there, each before it makes it. The operating system releases the lock when the
process ends, even by SIGKILL. A process number in its place would mislead: another process may have the same number later.

    claim(path)         this process is about to make the path, and owns it
    release(path)       the path is gone, or is to stay when this process ends
    discard(path)       removes the path, even a read-only one, and releases it
    scratch_folder()    a folder for temporary files, swept even when this process is killed
    owner_id()          the name of this process's file: part of the names of its containers; `is_alive` takes it later
    living_owners()     the processes that live, with the paths of each
    sweep()             removes the paths of dead owners

The format of an owner's file: a line of JSON about the process, then one line for each event: `["claim", path]`,
`["release", path]`, `["typed", folder, name]` for a file of an owned folder that now holds a user's text, or
`["untyped", folder, name]` for one that no longer does.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import json
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from speedkit.errors import StateRefused
from speedkit.messages import message
from speedkit.state import state_folder, state_home

__all__ = [
    "Owner",
    "claim",
    "claimed",
    "discard",
    "has_dead_owners",
    "holds_typed",
    "is_alive",
    "living_owners",
    "note_typed",
    "owner_id",
    "release",
    "scratch_folder",
    "sweep",
]

OWNERS = "owners"
SCRATCH_PREFIX = "speedkit-"
RELEASED_AT_MOST = 100
FAR_AWAY_SECONDS = 7 * 24 * 3600.0
"""How long an owner on another machine counts as alive after its last entry: a network file system may hide its lock."""
NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})
LOCKED_BYTE = 1 << 30
"""The byte that is locked on Windows, where a locked byte cannot be read: this one is far behind the text."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that owns folders and files.

    node: the machine's host name. boot: the id of the machine's boot, "" where there is none. program: the file name of the
    program. started: seconds since 1970. typed: by owned folder, the names of the files that hold a user's text.
    """

    id: str
    pid: int
    node: str
    boot: str
    program: str
    started: float
    paths: frozenset[Path] = field(default=frozenset(), repr=False)
    typed: Mapping[Path, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        if self.node == _node():
            return message("{program}, process {number}", program=self.program, number=self.pid)
        return message("{program}, process {number} on {machine}", program=self.program, number=self.pid, machine=self.node)

    @property
    def identifier(self) -> str:
        """The same for programs: in English, whatever language the messages are in."""
        machine = "" if self.node == _node() else f" on {self.node}"
        return f"{self.program}, process {self.pid}{machine}"


class _OwnFile:
    """The file of this process in one state folder, locked until the process ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id, self._descriptor = _locked_new_file(folder)
        self._paths: dict[Path, None] = {}
        self._typed: dict[Path, dict[str, None]] = {}
        self._released = 0
        self._about = {
            "pid": os.getpid(),
            "node": _node(),
            "boot": _boot(),
            "program": Path(sys.argv[0] or "python").name if sys.argv else "python",
            "started": time.time(),
        }
        try:
            self._append(self._about)
        except OSError:
            self.close()
            raise

    @property
    def path(self) -> Path:
        return self.folder / self.id

    @property
    def owner(self) -> Owner:
        return _owner(self.id, self._about, self._paths, self._typed)

    def claim(self, path: Path) -> None:
        if path not in self._paths:
            self._append(["claim", os.fspath(path)])
            self._paths[path] = None

    def release(self, path: Path) -> None:
        if path not in self._paths:
            return
        del self._paths[path]
        self._typed.pop(path, None)
        self._released += 1
        # On a full disk the claim stays in the file. That is harmless: a later sweep looks for a path that is gone.
        with contextlib.suppress(OSError):
            self._append(["release", os.fspath(path)])
            self._shorten_if_long()

    def note_typed(self, folder: Path, name: str, *, is_typed: bool) -> None:
        names = self._typed.setdefault(folder, {})
        if (name in names) == is_typed:
            return
        self._append(["typed" if is_typed else "untyped", os.fspath(folder), name])
        if is_typed:
            names[name] = None
        else:
            del names[name]
            self._released += 1
        self._shorten_if_long()

    def close(self) -> None:
        """Remove the file if nothing is left to sweep, and release the lock."""
        if not self._paths:
            with contextlib.suppress(OSError):
                self.path.unlink()
        self.abandon()

    def abandon(self) -> None:
        """Close the file and leave it as it is: in a child made by fork, the parent keeps the lock."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)

    def _append(self, line: object) -> None:
        end = os.fstat(self._descriptor).st_size
        try:
            self._write(json.dumps(line).encode() + b"\n", end)
        except OSError:
            # A full disk may take half of the line. The next line would continue that half, and neither could be read.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, end)
            raise

    def _shorten_if_long(self) -> None:
        """Write the file again, without released paths, once most of its lines are about those."""
        if self._released <= RELEASED_AT_MOST + len(self._paths):
            return
        # The new lines overwrite the beginning of the old ones, and the rest is cut off after that. A kill in between leaves
        # old lines at the end, but loses no claim.
        lines: list[object] = [self._about, *(["claim", os.fspath(path)] for path in self._paths)]
        lines += [["typed", os.fspath(folder), name] for folder, names in self._typed.items() for name in names]
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        self._write(data, 0)
        os.ftruncate(self._descriptor, len(data))
        self._released = 0

    def _write(self, data: bytes, offset: int) -> None:
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        while data:
            data = data[os.write(self._descriptor, data) :]


_own_files: dict[Path, _OwnFile] = {}
_guard = threading.RLock()


def claim(path: Path) -> None:
    """Note that this process is about to make a path. It owns the path until it releases the path or ends.

    Raises: StateRefused where the state folder cannot be written to.
    """
    with _guard:
        try:
            _own_file().claim(_absolute(path))
        except OSError as problem:
            fix = message("Make room there, or set SPEEDKIT_HOME to another folder.")
            raise StateRefused(_not_writable_text(problem), fix=fix) from None


def _not_writable_text(problem: OSError) -> str:
    return message("The state folder {folder} cannot be written to: {problem}.", folder=state_home(), problem=problem.strerror)


def release(path: Path) -> None:
    """Give up a path: it is gone, or it is to outlive this process."""
    place = _absolute(path)
    with _guard:
        for own in _own_files.values():
            own.release(place)


def discard(path: Path) -> None:
    """Remove a file, or a folder with its content. A path that cannot be removed stays owned: the next start tries again."""
    with contextlib.suppress(OSError):
        _remove(path)
    if not os.path.lexists(path):
        release(path)


def note_typed(folder: Path, name: str, *, is_typed: bool = True) -> None:
    """Note that a file of an owned folder holds a user's text, so that `sweep` names the file before it removes the folder.

    name: the file's path in the folder. is_typed: False when the file has its first content again.
    """
    place = _absolute(folder)
    with _guard, contextlib.suppress(OSError):
        for own in _own_files.values():
            if place in own.owner.paths:
                own.note_typed(place, name, is_typed=is_typed)


def holds_typed(folder: Path) -> bool:
    """Whether a folder that this process owns holds a user's text."""
    place = _absolute(folder)
    with _guard:
        return any(own.owner.typed.get(place) for own in _own_files.values())


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[Path]:
    """Own a path while it is written, so that a half-written file is swept when this process is killed.

    The block runs even where the state folder cannot be written to.
    """
    with contextlib.suppress(StateRefused):
        claim(path)
    try:
        yield path
    finally:
        release(path)


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder for temporary files, for this user only, removed at the end of the block.

    The next start of the kit removes the folder if this process is killed, or cannot remove it.

    Raises: OSError where it cannot be made.
    """
    import tempfile  # most verbs of the program need no scratch folder

    folder = Path(tempfile.gettempdir()) / f"{SCRATCH_PREFIX}{os.urandom(8).hex()}"
    with contextlib.suppress(StateRefused):
        claim(folder)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        discard(folder)


def owner_id() -> str:
    """This process's identity: the random name of its file, which no earlier process had. Raises: StateRefused."""
    with _guard:
        try:
            return _own_file().id
        except OSError as problem:
            raise StateRefused(_not_writable_text(problem)) from None


def is_alive(owner: str) -> bool:
    """Whether a process of this installation still lives. In doubt, it counts as alive. owner: its `owner_id`."""
    with _guard:
        if any(own.id == owner for own in _own_files.values()):
            return True
    path = _owners_folder() / owner
    return path.parent == _owners_folder() and _is_locked(path)


def living_owners() -> list[Owner]:
    """The living processes of this installation, this one included, with their paths."""
    folder = _owners_folder()
    with _guard:
        own = _own_files.get(folder)
        living = [own.owner] if own else []
    others = (path for path in _files(folder) if own is None or path.name != own.id)
    return living + [_read(path) for path in others if _is_locked(path)]


def has_dead_owners() -> bool:
    """Whether there is something to sweep. The check is quick and makes no folders."""
    with _guard:
        own_ids = {own.id for own in _own_files.values()}
    return any(path.name not in own_ids and not _is_locked(path) for path in _files(_owners_folder()))


def sweep(before_removal: Callable[[Path, Sequence[str]], None] | None = None) -> list[Path]:
    """Remove the paths of dead owners. Returns the paths that were removed.

    A path that cannot be removed waits for the next sweep.
    before_removal: called with each path before its removal, and with the names of the files in it that hold a user's text.
    Where it raises OSError, the path stays until the next sweep.
    """
    removed: list[Path] = []
    with _guard:
        own_ids = {own.id for own in _own_files.values()}
    for path in _files(_owners_folder()):
        if path.name in own_ids:
            continue
        with _locked_if_dead(path) as owner:
            if owner is not None:
                removed += _removed_paths(owner, before_removal)
                if not any(os.path.lexists(left) for left in owner.paths):
                    path.unlink(missing_ok=True)
    return removed


def _removed_paths(owner: Owner, before_removal: Callable[[Path, Sequence[str]], None] | None) -> Iterator[Path]:
    """Remove the paths of an owner; gives those that are gone."""
    for place in sorted(owner.paths):
        if not _may_be_swept(place):
            continue
        try:
            if before_removal is not None:
                before_removal(place, owner.typed.get(place, ()))
            _remove(place)
        except OSError:
            continue
        if not os.path.lexists(place):
            yield place


def _may_be_swept(path: Path) -> bool:
    """Whether a path exists, belongs to this user, and lies where the kit makes files.

    An owner's file may be damaged. The kit must never remove a user's folder because of that.
    """
    try:
        status = path.lstat()
    except OSError:
        return False
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        return False
    home = _owners_folder().parent
    inside = path.is_relative_to(home) and len(path.relative_to(home).parts) > 1
    return ".." not in path.parts and (inside or path.name.startswith(SCRATCH_PREFIX))


def _remove(path: Path) -> None:
    """Remove a file, a link, or a folder with its content, at any depth and even where folders are read-only.

    Raises: OSError for the first file or folder that stays; the others are gone.
    """
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    folders, problem = [os.fspath(path)], None
    # `_empty` appends to the list that this loop goes through. Recursion would end at Python's limit of 1000 calls.
    for folder in folders:
        try:
            _empty(folder, folders)
        except OSError as reason:
            problem = problem or reason
    for folder in reversed(folders):
        try:
            os.rmdir(folder)  # noqa: PTH106 (a copy has thousands of folders, and a Path for each takes longer)
        except OSError as reason:
            problem = problem or reason
    if problem is not None:
        raise problem


def _empty(folder: str, folders: list[str]) -> None:
    """Remove the files and links of a folder, and append the folders in it to `folders`. Raises: OSError."""
    # A file can only be removed from a folder that its owner may write to. Go makes the folders of its module cache read-only.
    if os.lstat(folder).st_mode & stat.S_IRWXU != stat.S_IRWXU:
        os.chmod(folder, stat.S_IRWXU)  # noqa: PTH101
    problem = None
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
                continue
            try:
                os.unlink(entry.path)  # noqa: PTH108
            except OSError as reason:
                problem = reason
    if problem is not None:
        raise problem


def _own_file() -> _OwnFile:
    """This process's file in the current state folder, made at the first use. Raises: OSError, StateRefused."""
    folder = _owners_folder()
    if folder not in _own_files:
        state_folder(OWNERS).chmod(0o700)
        _own_files[folder] = _OwnFile(folder)
    return _own_files[folder]


def _owners_folder() -> Path:
    return Path(os.path.realpath(state_home())) / OWNERS


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _read(path: Path) -> Owner:
    """The owner of a file. Lines that cannot be read are skipped: a kill may have cut one short."""
    about: dict[str, object] = {}
    paths: dict[Path, None] = {}
    typed: dict[Path, dict[str, None]] = {}
    with contextlib.suppress(OSError):
        for line in path.read_bytes().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            match entry:
                case dict():
                    about = entry
                case ["claim", str() as place]:
                    paths[Path(place)] = None
                case ["release", str() as place]:
                    paths.pop(Path(place), None)
                    typed.pop(Path(place), None)
                case ["typed", str() as place, str() as name]:
                    typed.setdefault(Path(place), {})[name] = None
                case ["untyped", str() as place, str() as name]:
                    typed.get(Path(place), {}).pop(name, None)
    return _owner(path.name, about, paths, typed)


def _owner(name: str, about: dict[str, object], paths: Iterable[Path], typed: Mapping[Path, Iterable[str]]) -> Owner:
    pid, started = about.get("pid"), about.get("started")
    return Owner(
        id=name,
        pid=pid if isinstance(pid, int) else 0,
        node=str(about.get("node", "")),
        boot=str(about.get("boot", "")),
        program=str(about.get("program", "python")),
        started=started if isinstance(started, int | float) else 0.0,
        paths=frozenset(paths),
        typed={folder: tuple(names) for folder, names in typed.items() if names},
    )


def _locked_new_file(folder: Path) -> tuple[str, int]:
    """A new file with this process's lock on it: its name and descriptor."""
    # Before the lock is set, another process that sweeps may take this file for that of a dead owner and remove it. The lock
    # is then on a file without a name, so the loop makes another file.
    while True:
        name = os.urandom(8).hex()
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
        _lock(descriptor, "exclusive", wait=True)
        if os.fstat(descriptor).st_nlink and (folder / name).exists():
            return name, descriptor
        os.close(descriptor)


def _is_locked(path: Path) -> bool:
    """Whether the owner of a file lives: it holds the lock, or it may live on another machine."""
    try:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        return not _lock(descriptor, "shared") or _may_be_far_away(path)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked_if_dead(path: Path) -> Iterator[Owner | None]:
    """The owner of a file if it is dead, else None. The block holds the lock, so that no other process sweeps this owner."""
    try:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        yield None
        return
    try:
        is_dead = _lock(descriptor, "exclusive") and not _may_be_far_away(path)
        yield _read(path) if is_dead else None
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: Literal["shared", "exclusive"], *, wait: bool = False) -> bool:
    """Lock a file. False when another process holds the lock.

    Some network file systems have no locks. There, the number of the process has to do, and a dead owner counts as alive
    while any process has the same number.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, (fcntl.LOCK_SH if kind == "shared" else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except OSError as problem:
        return problem.errno in NO_LOCKS and not wait and not _has_process(descriptor)
    return True


def _has_process(descriptor: int) -> bool:
    """Whether the process that wrote an owner's file exists, or ran on another machine."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        about = json.loads(os.read(descriptor, 4096).splitlines()[0])
        if about["node"] != _node() or sys.platform == "win32":
            return True
        os.kill(int(about["pid"]), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError, LookupError, TypeError):
        return True
    return True


def _may_be_far_away(path: Path) -> bool:
    """Whether the owner may live on another machine that shares this folder: its lock may not be visible here."""
    owner = _read(path)
    # Containers of one machine have different host names and the same boot id, and they see each other's locks.
    if not owner.node or owner.node == _node() or (owner.boot and owner.boot == _boot()):
        return False
    try:
        return time.time() - path.stat().st_mtime < FAR_AWAY_SECONDS
    except OSError:
        return False


def _node() -> str:
    import platform

    return platform.node()


def _boot() -> str:
    """The id of the machine's boot, which all its containers share: proc_sys_kernel(5), random/boot_id."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _absolute(path: Path) -> Path:
    # The last part is not resolved: where the path itself is a link, the link is removed, not its target.
    return Path(os.path.realpath(path.parent)) / path.name


@atexit.register
def _close_own_files() -> None:
    with _guard:
        for own in _own_files.values():
            own.close()
        _own_files.clear()


def _forget_parent() -> None:
    """Make a child process, made by fork, an owner of its own. The parent keeps its paths."""
    global _guard
    _guard = threading.RLock()  # another thread of the parent may have held it, and that thread does not exist here
    for own in _own_files.values():
        own.abandon()
    _own_files.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
