"""Where speedkit keeps what it makes: recordings, working copies, the engine it started.

`SPEEDKIT_HOME` moves all of it; otherwise the folder that the operating system sets aside for state. All of it is private:
folders 0700 and files 0600, whatever the umask. Inside of a working copy the modes are those of the user's files, because
modes count for BuildKit's cache and stand in the image; the folder that holds the copies lets nobody else in.
"""

from __future__ import annotations

import contextlib
import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from speedkit.errors import StateRefused
from speedkit.messages import message

__all__ = ["NO_HOME", "open_private", "private_folder", "state_folder", "state_home"]

NO_HOME = os.devnull
"""The home of those who have none: nobody can make a folder in it, so nothing is kept, and builds say so."""
FOLDER_MODE = stat.S_IRWXU
FILE_MODE = stat.S_IRUSR | stat.S_IWUSR
OTHERS = stat.S_IRWXG | stat.S_IRWXO
COPIES = ("work", "host-caches")
"""Parts whose content has the modes of what was copied, or what the Go tools give it."""
OUR_PARTS = frozenset(
    {"recordings", "dockerfiles", "layers", "engine", "engines", "installation", "owners", "redaction.key", "typed", *COPIES}
)


def state_folder(*parts: str) -> Path:
    """The folder for a part of speedkit's state, made when missing.

    Raises: StateRefused.
    """
    folder = state_home().joinpath(*parts)
    try:
        private_folder(folder)
    except OSError as problem:
        raise StateRefused(
            message(
                "The folder {folder}, for recordings and copies, cannot be made: {problem}.",
                folder=folder,
                problem=problem.strerror,
            ),
            fix=message("Set SPEEDKIT_HOME to a folder that you may write to."),
        ) from None
    return folder


def state_home() -> Path:
    """The folder of all state, whether it is there or not."""
    # No shell may have looked at it: settings of editors and of containers hold a `~` as it is.
    home = Path(os.path.expanduser(os.environ.get("SPEEDKIT_HOME") or _set_aside()))  # noqa: PTH111 (never raises)
    _mend_once(home, os.getpid())
    return home


def private_folder(folder: Path) -> Path:
    """The folder, made when missing: what is made of its path is for this user alone. Raises: OSError."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=FOLDER_MODE, exist_ok=True)
        # The umask may have taken away even what the user needs.
        place.chmod(FOLDER_MODE)
    if not missing:
        folder.mkdir(exist_ok=True)  # says that it is no folder, when it is a file
    return folder


def open_private(path: Path, mode: str = "wb", **options: Any) -> IO[Any]:
    """A file opened to write that only this user can read, also when it was there before and others could. Raises: OSError."""
    return open(path, mode, opener=_private_descriptor, **options)


def _private_descriptor(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, FILE_MODE)
    if hasattr(os, "fchmod"):
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, FILE_MODE)
    return descriptor


@lru_cache(maxsize=64)
def _mend_once(home: Path, _process: int) -> None:
    """Take away what others may do in a state folder, once for each process: earlier versions left that to the umask.

    A folder that is open to others tells that what it holds may be so, too. It is closed last, so that a process that ends
    half-way leaves the rest to the next one.
    """
    with contextlib.suppress(OSError):
        entries = list(os.scandir(home))
        # A folder with other things in it is the user's, such as their home or /tmp: only our parts of it are closed.
        is_ours = all(entry.name in OUR_PARTS for entry in entries)
        mode = home.stat().st_mode
        is_open = is_ours and mode & OTHERS and not mode & stat.S_ISVTX
        for entry in entries:
            if entry.name in OUR_PARTS and (is_open or entry.stat(follow_symlinks=False).st_mode & OTHERS):
                _mend(entry)
        if is_open:
            _close_to_others(home)


def _mend(entry: os.DirEntry[str]) -> None:
    """Close a part to others, with all that is in it where its modes mean nothing."""
    if entry.is_dir(follow_symlinks=False) and entry.name not in COPIES:
        for place, folders, names in os.walk(entry.path):
            for name in (*folders, *names):
                _close_to_others(Path(place) / name)
    _close_to_others(Path(entry.path))


def _close_to_others(path: Path) -> None:
    """Take the rights of all others away. What is another user's, or on a disk that is only read, stays as it is."""
    with contextlib.suppress(OSError):
        status = path.lstat()
        if not stat.S_ISLNK(status.st_mode) and status.st_mode & OTHERS:
            path.chmod(stat.S_IMODE(status.st_mode) & ~OTHERS)


def _set_aside() -> str:
    import platformdirs

    try:
        return platformdirs.user_state_dir("speedkit")
    except RuntimeError:  # no HOME, and the system does not know this user, as in containers
        return os.path.join(NO_HOME, "speedkit")  # noqa: PTH118
