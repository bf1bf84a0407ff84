"""Substitutes: each secret is replaced by a hash with a key, and the key never leaves the state folder.

Within one installation equal secrets have equal substitutes, so two builds can be compared by them. Nobody can guess a
secret from its substitute by hashing a list of words, because the key is missing. A plain hash of a password is as good as
the password.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from speedkit.errors import StateRefused
from speedkit.state import open_private, state_folder

__all__ = ["SUBSTITUTE", "count_substitutes", "hide_spans", "keyed_digest", "substitute"]

SUBSTITUTE = re.compile(r"sha256:[0-9a-f]{16}(?![0-9a-f])")
KEY_FILE = "redaction.key"
KEY_BYTES = 32


def substitute(secret: str) -> str:
    """The text that is recorded in place of a secret: `sha256:` and the first 16 digits of its HMAC-SHA-256."""
    import hmac

    return f"sha256:{hmac.digest(_key(), secret.encode('utf-8', 'surrogateescape'), 'sha256').hex()[:16]}"


def keyed_digest(digest: str) -> str:
    """A digest that only this installation can make from another digest.

    The plain digest of a file that is one password tells the password to anybody who hashes a list of words.
    """
    import hmac

    return hmac.digest(_key(), digest.encode(), "sha256").hex()


def count_substitutes(text: str) -> int:
    """How many different values were replaced in a text."""
    return len(set(SUBSTITUTE.findall(text)))


def hide_spans(text: str, find: Callable[[str], Sequence[tuple[int, int]]]) -> str:
    """The text with substitutes for the spans that `find` gives: start and end, in order, not overlapping."""
    spans = find(text)
    if not spans:
        return text
    parts, reached = [], 0
    for start, end in spans:
        parts += [text[reached:start], substitute(text[start:end])]
        reached = end
    return "".join([*parts, text[reached:]])


def _key() -> bytes:
    # One process may change the state folder (tests do): each folder has its own key in the cache.
    return _key_of(os.environ.get("SPEEDKIT_HOME", ""))


@lru_cache(maxsize=8)
def _key_of(_home: str) -> bytes:
    """The installation's key; a new one when there is none. Without a writable state folder, the key lasts for this process."""
    new_key = os.urandom(KEY_BYTES)
    try:
        path = state_folder() / KEY_FILE
        return _read_key(path) or _write_key(path, new_key)
    except (OSError, StateRefused):
        return new_key


def _read_key(path: Path) -> bytes | None:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    return key if len(key) == KEY_BYTES else None


def _write_key(path: Path, new_key: bytes) -> bytes:
    """Writes a new key and gives the key that counts: another process may have written its own first."""
    unfinished = path.with_name(f".{path.name}-{os.urandom(8).hex()}")
    try:
        with open_private(unfinished) as file:
            file.write(new_key)
        if path.exists() and _read_key(path) is None:
            path.unlink()  # a full disk cut it short
        try:
            os.link(unfinished, path)  # unlike a rename, a link never replaces the key of another process
        except FileExistsError:
            return _read_key(path) or new_key
        except OSError:
            unfinished.replace(path)  # this file system has no hard links: the last process wins
    finally:
        unfinished.unlink(missing_ok=True)
    return new_key
