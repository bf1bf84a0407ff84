"""What stands in the place of a secret: a hash with a key that never leaves the state folder.

Equal secrets have equal substitutes within one installation, so that two builds can be told apart by them. Without the key,
no list of words opens one; a plain hash of a password is as good as the password.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from speedkit.errors import StateRefused
from speedkit.state import open_private, state_folder

__all__ = ["SUBSTITUTE", "count_substitutes", "hide_spans", "keyed", "substitute"]

SUBSTITUTE = re.compile(r"sha256:[0-9a-f]{16}(?![0-9a-f])")
KEY_FILE = "redaction.key"
KEY_BYTES = 32


def substitute(secret: str) -> str:
    """What is recorded in place of a secret: `sha256:` and 16 digits of its HMAC-SHA-256."""
    import hmac

    return f"sha256:{hmac.digest(_key(), secret.encode('utf-8', 'surrogateescape'), 'sha256').hex()[:16]}"


def keyed(digest: str) -> str:
    """A digest that only this installation can make: a list of words opens that of a file that holds one password."""
    import hmac

    return hmac.digest(_key(), digest.encode(), "sha256").hex()


def count_substitutes(text: str) -> int:
    """How many different values were replaced in a text."""
    return len(set(SUBSTITUTE.findall(text)))


def hide_spans(text: str, find: Callable[[str], Sequence[tuple[int, int]]]) -> str:
    """A text with substitutes for the spans that `find` gives."""
    spans = find(text)
    if not spans:
        return text
    parts, reached = [], 0
    for start, end in spans:
        parts += [text[reached:start], substitute(text[start:end])]
        reached = end
    return "".join([*parts, text[reached:]])


def _key() -> bytes:
    return _key_of(os.environ.get("SPEEDKIT_HOME", ""))


@lru_cache(maxsize=8)
def _key_of(_home: str) -> bytes:
    """The installation's key, made when it has none. Where none can be kept, one of this process."""
    made = os.urandom(KEY_BYTES)
    try:
        path = state_folder() / KEY_FILE
        return _kept(path) or _keep(path, made)
    except (OSError, StateRefused):
        return made


def _kept(path: Path) -> bytes | None:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    return key if len(key) == KEY_BYTES else None


def _keep(path: Path, made: bytes) -> bytes:
    """Write a new key. When another process was first, its key is the one."""
    unfinished = path.with_name(f".{path.name}-{os.urandom(8).hex()}")
    try:
        with open_private(unfinished) as file:
            file.write(made)
        if path.exists() and _kept(path) is None:
            path.unlink()  # cut short by a full disk
        _link(unfinished, path)
    except FileExistsError:
        return _kept(path) or made
    finally:
        unfinished.unlink(missing_ok=True)
    return made


def _link(unfinished: Path, path: Path) -> None:
    """Give a file its name, unless another has it by now. Where no file has two names, the last one wins."""
    try:
        os.link(unfinished, path)
    except FileExistsError:
        raise
    except OSError:
        unfinished.replace(path)
