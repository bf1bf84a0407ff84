"""Tells the path of an image archive from the name of an image.

A name such as `app:latest` always means an image of the engine, even if the current folder has a file of that name. Otherwise
somebody who can put a file there decides which image is shown. The path of an archive begins with `./`, `../`, `/` or `~/`, or
has the ending of an archive.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

__all__ = ["OCI_MARK", "PATH_START", "archive_named"]

OCI_MARK = "oci-layout"
"""The file that marks a folder in the layout of OCI (image-spec, image-layout.md, "oci-layout file")."""
PATH_START = re.compile(r"\.{1,2}(?:[/\\]|$)|[/~\\]|[A-Za-z]:[/\\]")
ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".oci", ".dockerbuild")


def archive_named(text: str) -> tuple[Path, str | None] | None:
    """The path of an archive, and the name of one of its images from `PATH#NAME`; None if there is no such archive."""
    path, _, name = text.rpartition("#")
    for place, image_name in ((text, None), (path, name or None)):
        with suppress(OSError, ValueError, RuntimeError):  # the name of an image may be impossible as a path
            archive = Path(place).expanduser()
            is_path = PATH_START.match(place) is not None or place.lower().endswith(ENDINGS)
            if is_path and (archive.is_file() or (archive / OCI_MARK).is_file()):
                return archive, image_name
    return None
