"""What a page gets to see of a file in an image: the beginning of a text, or why there is none."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Literal

from speedkit.commands import as_typed
from speedkit.images.tree import TreeRow
from speedkit.secrets import count_substitutes, hide_secrets, is_secret_file
from speedkit.words.amounts import bytes_text, secrets_left_out

__all__ = ["LOADING", "NOTHING_SHOWN", "ShownContent", "refusal", "shown_content"]

TEXT_BYTES_AT_MOST = 32_000
FILE_BYTES_AT_MOST = 1_000_000
# Control characters, and those that turn the direction of a text round: what is seen is what is there.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class ShownContent:
    """note: a sentence about what is seen, or why nothing is."""

    path: str = ""
    state: Literal["nothing", "loading", "text", "binary", "refused"] = "nothing"
    text: str = ""
    note: str = ""


NOTHING_SHOWN = ShownContent()
LOADING = "Reading it from the image …"


def refusal(path: str, row: TreeRow | None) -> ShownContent | None:
    """Why the content of a line of the tree is not shown; None when it can be."""
    if row is None or row.opened is not None:
        return ShownContent(path, "refused", note="There is no such file.")
    if row.kind == "symlink":
        return ShownContent(path, "refused", note=f"A symbolic link to {row.link}: its only content is that path.")
    if is_secret_file(path):
        # What is shown is saved with the notebook.
        told = "Files of this name hold secrets, and what is shown is saved with the notebook."
        return ShownContent(path, "refused", note=as_typed(f"{told} `speedkit layers IMAGE --cat PATH` prints it."))
    if row.kind not in ("file", "hard link"):
        return ShownContent(path, "refused", note=f"A {row.kind} has no content.")
    size_bytes = max(row.size_bytes, row.before_bytes if row.state == "removed" else 0)
    if size_bytes > FILE_BYTES_AT_MOST:
        told = f"It has {bytes_text(size_bytes)}; files of up to {bytes_text(FILE_BYTES_AT_MOST)} are shown here."
        return ShownContent(path, "refused", note=as_typed(f"{told} `speedkit layers IMAGE --cat PATH` prints it whole."))
    return None


def shown_content(path: str, data: bytes) -> ShownContent:
    """The beginning of a text file; of any other how large it is."""
    size = bytes_text(len(data))
    if not data:
        return ShownContent(path, "text", note="It is empty.")
    try:
        decoder = codecs.getincrementaldecoder("utf-8")()
        text = decoder.decode(data[:TEXT_BYTES_AT_MOST], final=len(data) <= TEXT_BYTES_AT_MOST)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return ShownContent(path, "binary", note=f"Not text: {size} of binary data.")
    is_cut = len(data) > TEXT_BYTES_AT_MOST
    note = f"The first {bytes_text(TEXT_BYTES_AT_MOST)} of {size}." if is_cut else size
    shown = hide_secrets(UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n")))
    count = count_substitutes(shown) - count_substitutes(text)
    return ShownContent(path, "text", shown, f"{note} {secrets_left_out(count)}" if count > 0 else note)
