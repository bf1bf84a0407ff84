"""Names in a sentence, all of them: a lesson compares a few strategies, and leaves none out."""

from __future__ import annotations

from collections.abc import Sequence

from speedkit.messages import listed, message

__all__ = ["all_names"]


def all_names(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`; `messages.join_names` cuts long lists, this does not."""
    if len(names) < 2:
        return "".join(names)
    return message("{names} and {last}", names=listed(names[:-1]), last=names[-1])
