"""The content of a file in an image, as a page shows it: the beginning of its text, or why no text is shown."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Literal

from speedkit.commands import as_typed
from speedkit.images import TreeRow
from speedkit.messages import message
from speedkit.secrets import count_substitutes, hide_secrets, is_secret_file
from speedkit.words import bytes_text, secrets_left_out

__all__ = ["NOTHING_SHOWN", "ShownContent", "loading_content", "refused_content", "shown_content"]

TEXT_BYTES_AT_MOST = 32_000
FILE_BYTES_AT_MOST = 1_000_000
# Control characters, and those that change the direction of text: they would make a page show other text than the file has.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class ShownContent:
    """The content of a file. note: its size, or why no text is shown."""

    path: str = ""
    state: Literal["nothing", "loading", "text", "binary", "refused"] = "nothing"
    text: str = ""
    note: str = ""


NOTHING_SHOWN = ShownContent()


def loading_content(path: str) -> ShownContent:
    return ShownContent(path, "loading", note=message("Reading it from the image …"))


def refused_content(path: str, row: TreeRow | None) -> ShownContent | None:
    """Why the content of a file is not shown; None when it can be read. row: its line in the tree."""
    if row is None or row.opened is not None:
        return ShownContent(path, "refused", note=message("There is no such file."))
    if row.kind == "symlink":
        reason = message("A symbolic link to {target}: its only content is that path.", target=row.link)
        return ShownContent(path, "refused", note=reason)
    if is_secret_file(path):
        reason = message(
            "Files of this name hold secrets, and what is shown is saved with the notebook. "
            "`speedkit layers IMAGE --cat PATH` prints it."
        )
        return ShownContent(path, "refused", note=as_typed(reason))
    if row.kind not in ("file", "hard link"):
        return ShownContent(path, "refused", note=_without_content(row.kind))
    size_bytes = max(row.size_bytes, row.before_bytes if row.state == "removed" else 0)
    if size_bytes > FILE_BYTES_AT_MOST:
        reason = message(
            "It has {size}; files of up to {most} are shown here. `speedkit layers IMAGE --cat PATH` prints it whole.",
            size=bytes_text(size_bytes),
            most=bytes_text(FILE_BYTES_AT_MOST),
        )
        return ShownContent(path, "refused", note=as_typed(reason))
    return None


def _without_content(kind: str) -> str:
    match kind:
        case "character device":
            return message("A character device has no content.")
        case "block device":
            return message("A block device has no content.")
        case "fifo":
            return message("A fifo has no content.")
        case _:
            return message("A {kind} has no content.", kind=kind)


def shown_content(path: str, data: bytes) -> ShownContent:
    """The beginning of a text file; the size of a binary file. data: the whole content."""
    size = bytes_text(len(data))
    if not data:
        return ShownContent(path, "text", note=message("It is empty."))
    try:
        decoder = codecs.getincrementaldecoder("utf-8")()
        # Incremental, as the limit may cut a character in two.
        text = decoder.decode(data[:TEXT_BYTES_AT_MOST], final=len(data) <= TEXT_BYTES_AT_MOST)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return ShownContent(path, "binary", note=message("Not text: {size} of binary data.", size=size))
    is_cut = len(data) > TEXT_BYTES_AT_MOST
    shown_part = bytes_text(TEXT_BYTES_AT_MOST)
    note = message("The first {part} of {size}.", part=shown_part, size=size) if is_cut else size
    shown = hide_secrets(UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n")))
    # The file itself may hold texts that look like substitutes: only new ones count.
    count = count_substitutes(shown) - count_substitutes(text)
    return ShownContent(path, "text", shown, f"{note} {secrets_left_out(count)}" if count > 0 else note)
