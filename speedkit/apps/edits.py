"""Edits: ready-made changes to the files of a working copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from speedkit.errors import EditDoesNotApply, FileRefused
from speedkit.messages import marked, message
from speedkit.regular_file import read_regular

from .text_files import inside, move_time_forward, read_text, write_bytes, write_text

__all__ = ["RESET", "AppliedEdit", "Edit", "append_line", "nothing", "replace_texts", "replacement", "touch"]

LARGEST_REPLACEMENT = 500_000_000
RESET = marked("Reset the app, then make the edit again.")


@dataclass(frozen=True, slots=True)
class AppliedEdit:
    """The result of an edit: the files that it changed, also when only their times changed."""

    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to the files of an app.

    summary: what it does, in a few words. make: makes the change in a folder and returns the names of the changed files.
    title: what figures call it inside a sentence, "" for the name. heading: the same as the head of a column.
    """

    name: str
    summary: str
    make: Callable[[Path], tuple[str, ...]] = field(repr=False)
    title: str = ""
    heading: str = ""


def nothing() -> Edit:
    """The edit that changes nothing."""
    words = message("nothing changed")
    return Edit("none", words, lambda _: (), title=words, heading=words)


def touch(name: str) -> Edit:
    """The edit that sets a newer modification time on a file and leaves its content."""

    def make(folder: Path) -> tuple[str, ...]:
        path = _existing(folder, name)
        move_time_forward(path, path.stat().st_mtime_ns)
        return (name,)

    title, heading = message("a file touched"), message("file touched")
    return Edit("touch", message("only the time of {name}", name=name), make, title, heading)


def append_line(name: str, line: str, *, called: str = "append") -> Edit:
    """The edit that appends a line to a text file. called: its name."""

    def make(folder: Path) -> tuple[str, ...]:
        _existing(folder, name)
        text = read_text(folder, name)
        joint = "" if text.endswith("\n") or not text else "\n"
        write_text(folder, name, f"{text}{joint}{line}\n")
        return (name,)

    return Edit(called, message("a line at the end of {name}", name=name), make)


def replacement(name: str, source: Path | str, *, called: str = "replace") -> Edit:
    """The edit that replaces the content of a file by that of another one, `source`. called: its name."""

    def make(folder: Path) -> tuple[str, ...]:
        _existing(folder, name)
        try:
            data = read_regular(source, at_most_bytes=LARGEST_REPLACEMENT)
        except OSError as problem:
            raise FileRefused(
                message("{source} cannot be read: {problem}.", source=source, problem=problem.strerror),
                fix=message("Make it readable, or name another file."),
            ) from None
        write_bytes(folder, name, data)
        return (name,)

    return Edit(called, message("{name} replaced", name=name), make)


def replace_texts(folder: Path, changes: Mapping[str, Iterable[tuple[str, str]]]) -> tuple[str, ...]:
    """Replace pieces of text files; the names of the files. changes: pairs of old and new text, by file.

    Raises: EditDoesNotApply when an old text is not in its file. Then no file is changed.
    """
    texts = {}
    for name, pairs in changes.items():
        text = read_text(folder, name)
        for old, new in pairs:
            if old not in text:
                raise EditDoesNotApply(message("{name} no longer holds {old!r}.", name=name, old=old), fix=message(RESET))
            text = text.replace(old, new)
        texts[name] = text
    for name, text in texts.items():
        write_text(folder, name, text)
    return tuple(texts)


def _existing(folder: Path, name: str) -> Path:
    path = inside(folder, name)
    if not path.is_file():
        raise EditDoesNotApply(
            message("There is no file {name!r} in {folder}.", name=name, folder=folder),
            fix=message("Name a file of the build context."),
        )
    return path
