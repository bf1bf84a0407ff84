"""What set-up writes below /etc/apt so that Debian 12 gets an engine from testing, and nothing else from there.

The files stay, as the engine gets its updates by them. Each says at its top which installation of speedkit wrote it, with
the hash of the rest: an installation replaces and removes only what is exactly its own.
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
    """The files that were written; one that somebody has made their own stays as it is.

    Raises: SetupError.
    """
    written: list[Path] = []
    # The pin comes first: with the source alone, an upgrade of the machine would take everything from testing.
    for path in sorted(texts, key=lambda path: path.name != PIN.name):
        if path.exists() and not _is_ours(path, texts[path]):
            continue
        try:
            _write(path, texts[path])
        except OSError as problem:
            for other in reversed(written):
                other.unlink(missing_ok=True)
            raise SetupError(
                message("{path} cannot be written: {problem}.", path=path, problem=problem.strerror),
                fix=message("Run as root, with room on the disk."),
            ) from None
        written.append(path)
    return written


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # apt reads no file of such a name, so it finds the whole text or none.
    whole = path.with_name(f"{path.name}.speedkit-new")
    whole.write_text(f"{_mark()}; {_hash(text)}\n{text}", encoding="utf-8")
    # An address may hold a password.
    whole.chmod(PRIVATE_MODE if "@" in text else PUBLIC_MODE)
    whole.replace(path)


def remove_apt_files(folder: Path = APT) -> tuple[list[Path], list[Path]]:
    """The files of ours that are gone now, and those that stay because somebody has changed them or they cannot be removed.

    Where the source stays, the pin stays with it.
    """
    removed: list[Path] = []
    there = [path for path in (folder / SOURCE, folder / PIN) if _first_line(path).startswith(_mark())]
    for path in there:
        try:
            if not _is_ours(path):
                break
            path.unlink()
        except OSError:
            break
        removed.append(path)
    return removed, there[len(removed) :]


def _mark() -> str:
    return f"{MARK}Installation, and SHA-256 of the rest: {installation_id()}"


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _first_line(path: Path) -> str:
    return _text(path).partition("\n")[0]


def _is_ours(path: Path, as_before: str | None = None) -> bool:
    """Whether a file is as we wrote it. as_before: earlier versions wrote it without a mark."""
    text = _text(path)
    first, _, rest = text.partition("\n")
    return first == f"{_mark()}; {_hash(rest)}" or text == as_before


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
