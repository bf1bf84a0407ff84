"""Where speedkit keeps what it makes: recordings, working copies, the engine it started.

`SPEEDKIT_HOME` names the state folder; without it, the folder is the one that the operating system reserves for the state of
programs. Everything in it is private: folders have mode 0700 and files 0600, whatever the umask. Files in a working copy keep
the modes of the user's files, because modes are part of BuildKit's cache key and of the image. The folder above the copies
keeps other users out.
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
"""The home of users who have none. No folder can be made below a device, so nothing is kept, and builds print a notice."""
FOLDER_MODE = stat.S_IRWXU
FILE_MODE = stat.S_IRUSR | stat.S_IWUSR
MODE_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO
COPIES = ("work", "host-caches", "exercises")
"""Parts that keep modes of their own: those of copied files and of exercises, and those that the Go tools set."""
OUR_PARTS = frozenset(
    {
        "recordings",
        "dockerfiles",
        "layers",
        "lessons",
        "engine",
        "engines",
        "installation",
        "owners",
        "redaction.key",
        "typed",
        *COPIES,
    }
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
    """The state folder, whether it exists or not."""
    # Settings of editors and of containers pass on a `~` that no shell has expanded.
    home = Path(os.path.expanduser(os.environ.get("SPEEDKIT_HOME") or _system_state_folder()))  # noqa: PTH111 (never raises)
    _close_state_once(home, os.getpid())
    return home


def private_folder(folder: Path) -> Path:
    """The folder, made when missing. Only this user can enter the folders that are made. Raises: OSError."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=FOLDER_MODE, exist_ok=True)
        # A umask such as 0777 removes even the owner's rights.
        place.chmod(FOLDER_MODE)
    if not missing:
        folder.mkdir(exist_ok=True)  # raises FileExistsError when the path is a file
    return folder


def open_private(path: Path, mode: str = "wb", **options: Any) -> IO[Any]:
    """A file opened for writing that only this user can read. Raises: OSError."""

    def open_descriptor(name: str, flags: int) -> int:
        descriptor = os.open(name, flags, FILE_MODE)
        # The mode of `os.open` counts for a new file only; an old one may be readable by others.
        if hasattr(os, "fchmod"):
            with contextlib.suppress(OSError):
                os.fchmod(descriptor, FILE_MODE)
        return descriptor

    return open(path, mode, opener=open_descriptor, **options)


@lru_cache(maxsize=64)
def _close_state_once(home: Path, _process: int) -> None:
    """Remove other users' rights in a state folder, once per process: earlier versions left the modes to the umask."""
    with contextlib.suppress(OSError):
        entries = list(os.scandir(home))
        # With other entries in it, the folder is the user's own, such as their home or /tmp. Then only our parts are closed.
        is_ours = all(entry.name in OUR_PARTS for entry in entries)
        mode = home.stat().st_mode
        is_open = is_ours and mode & MODE_OF_OTHERS and not mode & stat.S_ISVTX
        for entry in entries:
            if entry.name in OUR_PARTS and (is_open or entry.stat(follow_symlinks=False).st_mode & MODE_OF_OTHERS):
                _close_part(entry)
        # The mode of the folder tells the next process that there is work left, so it changes last: this process may be killed.
        if is_open:
            _close_to_others(home)


def _close_part(entry: os.DirEntry[str]) -> None:
    """Remove other users' rights of a part of the state, and of everything in it unless the part is a copy."""
    if entry.is_dir(follow_symlinks=False) and entry.name not in COPIES:
        for place, folders, names in os.walk(entry.path):
            for name in (*folders, *names):
                _close_to_others(Path(place) / name)
    _close_to_others(Path(entry.path))


def _close_to_others(path: Path) -> None:
    """Remove other users' rights. A file of another user, or on a read-only disk, stays as it is."""
    with contextlib.suppress(OSError):
        status = path.lstat()
        if not stat.S_ISLNK(status.st_mode) and status.st_mode & MODE_OF_OTHERS:
            path.chmod(stat.S_IMODE(status.st_mode) & ~MODE_OF_OTHERS)


def _system_state_folder() -> str:
    import platformdirs

    try:
        return platformdirs.user_state_dir("speedkit")
    except RuntimeError:  # in a container: no HOME, and the user id is not in /etc/passwd
        return os.path.join(NO_HOME, "speedkit")  # noqa: PTH118
