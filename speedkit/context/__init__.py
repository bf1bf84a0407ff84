"""Reads build contexts: the files that BuildKit would get, and their digests. Needs no engine.

`read_context` gives the `Manifest` of a folder, with `.dockerignore` or `<Dockerfile>.dockerignore` applied.
`read_files_again` updates a manifest after a few files changed.
"""

from __future__ import annotations

from .context_reader import (
    ReadingStopped,
    ignore_file_of,
    ignore_patterns_in,
    ignore_patterns_of,
    read_context,
    read_files_again,
)
from .ignore_file import IgnorePatterns, Matched, read_ignore_file
from .manifest import Entry, EntryKind, Manifest
from .path_match import PathPattern, is_malformed
from .root_folder import file_in_root

__all__ = [
    "Entry",
    "EntryKind",
    "IgnorePatterns",
    "Manifest",
    "Matched",
    "PathPattern",
    "ReadingStopped",
    "file_in_root",
    "ignore_file_of",
    "ignore_patterns_in",
    "ignore_patterns_of",
    "is_malformed",
    "read_context",
    "read_files_again",
    "read_ignore_file",
]
