"""The file of a report: written whole or not at all, and never in place of a file that is no report."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from speedkit.errors import FileRefused
from speedkit.messages import message
from speedkit.ownership import claimed
from speedkit.regular_file import kind_in_words, open_regular
from speedkit.state import open_private

from .html_page import GENERATOR

__all__ = ["check_page_file", "write_page"]

_HEAD_BYTES = 4096
"""A report says in its first lines that it is one."""


def check_page_file(path: Path, *, force: bool) -> None:
    """Refuse a path that a report may not be written to: before the builds, not after them.

    force: a file that is no report may be replaced. Raises: FileRefused.
    """
    if path.exists() and not path.is_file():
        # Nothing but a file is ever replaced, not even with --force: it may be a device.
        raise FileRefused(
            message("{path} is {kind}.", path=path, kind=kind_in_words(path.stat().st_mode)),
            fix=message("Name a file with --out, such as report.html."),
        )
    if not path.parent.is_dir():
        raise FileRefused(
            message("There is no folder {folder}.", folder=path.parent), fix=message("Make it, or name another file.")
        )
    if os.path.lexists(path) and not force and not _is_report(path):
        raise FileRefused(
            message("{path} exists, and is no report of speedkit.", path=path),
            fix=message("Name another file with --out, or replace this one with --force."),
        )


def _is_report(path: Path) -> bool:
    try:
        descriptor, _ = open_regular(path)
    except OSError:
        return False
    with open(descriptor, "rb") as file:  # noqa: PTH123 - Path opens no descriptor
        return GENERATOR.encode() in file.read(_HEAD_BYTES)


def write_page(path: Path, text: str) -> None:
    """Write the page. Only this user can read the file. Raises: FileRefused."""
    target = path.resolve()
    # If this process is killed, the next one removes what it had written.
    with claimed(target.with_name(f".{target.name}-{secrets.token_hex(4)}.unfinished")) as unfinished:
        try:
            with open_private(unfinished, "w", encoding="utf-8") as page_file:
                page_file.write(text)
            unfinished.replace(target)
        except OSError as problem:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise FileRefused(
                message("The report cannot be written to {path}: {problem}.", path=path, problem=problem.strerror),
                fix=message("Name another file or folder with --out."),
            ) from None
