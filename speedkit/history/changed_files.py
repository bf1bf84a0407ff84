"""A build context in which some files have other content, for "what if this file changed"."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace

from speedkit.context import Manifest
from speedkit.errors import EditDoesNotApply
from speedkit.messages import message

__all__ = ["with_changed_files"]


def with_changed_files(context: Manifest, changed: Collection[str]) -> Manifest:
    """The manifest with another content of some files.

    Raises: EditDoesNotApply for a path that is no file of the build context.
    """
    names = {name.removeprefix("./") for name in changed}
    for name in sorted(names):
        entry = context.by_path.get(name)
        if entry is None or entry.kind != "file":
            raise EditDoesNotApply(
                message("{name} is not a file of the build context.", name=name),
                fix=message("Name a file that `.dockerignore` does not exclude."),
            )
    # A later time as well: BuildKit asks for a file again only when its size, mode or time changed.
    entries = (
        one._replace(digest=hashlib.sha256(f"changed {one.digest}".encode()).hexdigest(), mtime_ns=one.mtime_ns + 1)
        if one.path in names
        else one
        for one in context.entries
    )
    return replace(context, entries=tuple(entries))
