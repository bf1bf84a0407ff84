"""The manifest of a build context: every file, folder and link that BuildKit's client would send."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from speedkit.errors import RecordingError
from speedkit.messages import message

__all__ = ["Entry", "EntryKind", "Manifest"]

EntryKind = Literal["file", "dir", "symlink", "other"]
_KINDS = ("file", "dir", "symlink", "other")


class Entry(NamedTuple):
    """One path of the context.

    path: relative to the context, with slashes. size_bytes: 0 for everything but files. mode: permission bits, as in `chmod`.
    digest: of a file, the sha256 of its content and extended attributes in hexadecimal, or "" when it cannot be read; keyed
    for a secret file. Of a device, pipe or socket, its type and numbers. Else "". link: the target of a symlink.
    mtime_ns: modification time, nanoseconds since 1970.
    """

    path: str
    kind: EntryKind
    size_bytes: int
    mode: int
    digest: str
    link: str
    mtime_ns: int = 0


@dataclass(frozen=True)
class Manifest:
    """Everything in a build context that is not ignored; a folder comes before its content.

    ignore_file: the ignore file that was applied, as a path in the context, or its name when it is elsewhere; "" without one.
    """

    entries: tuple[Entry, ...] = field(repr=False)
    ignore_file: str = ""

    @cached_property
    def by_path(self) -> dict[str, Entry]:
        return {entry.path: entry for entry in self.entries}

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size_bytes for entry in self.entries)

    def made_of(self, other: Manifest) -> Manifest:
        """The same manifest, with the other's objects for equal entries: comparing an object with itself is quick."""
        entries = []
        for entry in self.entries:
            theirs = other.by_path.get(entry.path)
            entries.append(theirs if theirs is not None and (theirs is entry or theirs == entry) else entry)
        return Manifest(tuple(entries), self.ignore_file)

    def to_json(self) -> str:
        """The manifest as a JSON document for `from_json`."""
        return json.dumps(
            {"ignore_file": self.ignore_file, "columns": Entry._fields, "entries": self.entries},
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The manifest of a document by `to_json`. Raises RecordingError for anything else."""
        try:
            document = json.loads(text)
            rows = document["entries"]
            if document["columns"] != list(Entry._fields) or not isinstance(document["ignore_file"], str):
                raise ValueError(message("its columns are different"))
            entries = tuple(_entry(row) for row in rows)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise RecordingError(message("This is not a manifest of a build context: {error}.", error=error)) from None
        return cls(entries, document["ignore_file"])


def _entry(row: list[object]) -> Entry:
    match row:
        case [str() as path, str() as kind, int(), int(), str(), str(), int()] if path and kind in _KINDS:
            return Entry(*row)  # type: ignore[arg-type]
    raise ValueError(message("a row is not an entry"))
