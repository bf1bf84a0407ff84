"""Whether what somebody names is an image archive on disk, and which.

A name such as `app:latest` always means an image of the engine, even where a file of that name lies in the folder: whoever
puts a file there must not decide what is looked at. An archive is named as a path: it begins with `./`, `../`, `/` or `~/`, or
ends as archives do.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

__all__ = ["OCI_MARK", "PATH_START", "archive_named"]

OCI_MARK = "oci-layout"
"""The file that tells a folder in the layout of OCI."""
PATH_START = re.compile(r"\.{1,2}(?:[/\\]|$)|[/~\\]|[A-Za-z]:[/\\]")
ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".oci", ".dockerbuild")


def archive_named(text: str) -> tuple[Path, str | None] | None:
    """The path of an archive, and which of its images is meant by `PATH#NAME`; None when there is no such archive."""
    path, _, name = text.rpartition("#")
    for place, wanted in ((text, None), (path, name or None)):
        with suppress(OSError, ValueError, RuntimeError):  # an image may be called what no file can be
            archive = Path(place).expanduser()
            if _is_path(place) and (archive.is_file() or (archive / OCI_MARK).is_file()):
                return archive, wanted
    return None


def _is_path(text: str) -> bool:
    """Whether a text is the path of an archive by how it is written; the name of an image is not."""
    return PATH_START.match(text) is not None or text.lower().endswith(ENDINGS)
