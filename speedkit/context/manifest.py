"""The manifest of a build context: what BuildKit would be sent, file by file."""

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

    path: relative to the context, with slashes. size_bytes: 0 for all but files. mode: permission bits, as in `chmod`.
    digest: sha256 of a file's content in hexadecimal (of content and extended attributes, where there are any);
    "" for all else, and for a file that cannot be read; keyed for one that is made for secrets. link: where a symlink points.
    mtime_ns: when it was changed last, which decides whether it has to be read again.
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
    """Everything in a build context that no ignore file leaves out, parents before what they hold.

    ignore_file: the ignore file that was applied, relative to the context where it lies inside; "" without one.
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
        """The same, with the other's own entries wherever they are equal: what is one object need not be compared again."""
        theirs = other.by_path
        return Manifest(tuple(_either(theirs.get(entry.path), entry) for entry in self.entries), self.ignore_file)

    def to_json(self) -> str:
        """The manifest as one JSON document that `from_json` reads again."""
        return json.dumps(
            {"ignore_file": self.ignore_file, "columns": Entry._fields, "entries": self.entries},
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The manifest that `to_json` wrote. Raises RecordingError for anything else."""
        try:
            document = json.loads(text)
            rows = document["entries"]
            if document["columns"] != list(Entry._fields) or not isinstance(document["ignore_file"], str):
                raise ValueError(message("other columns"))
            entries = tuple(_entry(row) for row in rows)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise RecordingError(message("This is not a manifest of a build context: {error}.", error=error)) from None
        return cls(entries, document["ignore_file"])


def _either(theirs: Entry | None, own: Entry) -> Entry:
    return theirs if theirs is not None and (theirs is own or theirs == own) else own


def _entry(row: list[object]) -> Entry:
    match row:
        case [str() as path, str() as kind, int(), int(), str(), str(), int()] if path and kind in _KINDS:
            return Entry(*row)  # type: ignore[arg-type]
    raise ValueError(message("a row that is no entry"))
