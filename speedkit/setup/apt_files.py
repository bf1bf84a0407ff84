"""The files below /etc/apt by which Debian 12 gets an engine from testing, and nothing else from there.

The files stay after set-up, because the engine gets its updates through them. The first line of each has the id of the
installation that wrote it, and the hash of the rest. An installation replaces and removes only files that match both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from speedkit.engine import installation_id
from speedkit.errors import SetupError
from speedkit.messages import message

__all__ = ["APT", "PIN", "SOURCE", "remove_apt_files", "write_apt_files"]

APT = Path("/etc/apt")
PIN = Path("preferences.d") / "speedkit-docker"
SOURCE = Path("sources.list.d") / "speedkit-testing.sources"
MARK = "# Written by speedkit, whose `speedkit clean --all` removes it. "
PRIVATE_MODE, PUBLIC_MODE = 0o600, 0o644


def write_apt_files(texts: Mapping[Path, str]) -> list[Path]:
    """Write files by their paths. Returns the paths written: a file that a user wrote or changed stays as it is.

    Raises: SetupError.
    """
    written: list[Path] = []
    # The pin comes first: with the source alone, an upgrade of the machine would take everything from testing.
    for path in sorted(texts, key=lambda path: path.name != PIN.name):
        text = texts[path]
        if path.exists() and not _is_ours(path, text):
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # apt ignores files whose names end like this one (apt_preferences(5), sources.list(5)). So it reads the whole text
            # or none, even when this process is killed here.
            draft = path.with_name(f"{path.name}.speedkit-new")
            draft.write_text(f"{_mark()}; {_hash(text)}\n{text}", encoding="utf-8")
            # The address of a source may hold a password.
            draft.chmod(PRIVATE_MODE if "@" in text else PUBLIC_MODE)
            draft.replace(path)
        except OSError as problem:
            for other in reversed(written):
                other.unlink(missing_ok=True)
            raise SetupError(
                message("{path} cannot be written: {problem}.", path=path, problem=problem.strerror),
                fix=message("Run as root, with room on the disk."),
            ) from None
        written.append(path)
    return written


def remove_apt_files(folder: Path = APT) -> tuple[list[Path], list[Path]]:
    """Remove our files. Returns those that are gone, and those that stay: changed by a user, or impossible to remove."""
    removed: list[Path] = []
    ours = [path for path in (folder / SOURCE, folder / PIN) if _text(path).partition("\n")[0].startswith(_mark())]
    # The source comes first, and the loop ends at a file that stays: the pin must stay as long as the source does.
    for path in ours:
        try:
            if not _is_ours(path):
                break
            path.unlink()
        except OSError:
            break
        removed.append(path)
    return removed, ours[len(removed) :]


def _mark() -> str:
    return f"{MARK}Installation, and SHA-256 of the rest: {installation_id()}"


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _is_ours(path: Path, unmarked_text: str | None = None) -> bool:
    """Whether a file is as we wrote it. unmarked_text: its text from an earlier version, which wrote no first line."""
    text = _text(path)
    first, _, rest = text.partition("\n")
    return first == f"{_mark()}; {_hash(rest)}" or text == unmarked_text


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
