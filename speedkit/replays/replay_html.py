"""A replayed history as HTML for notebooks: the findings, the lines that they go back to, and the best split."""

from __future__ import annotations

from speedkit.messages import message
from speedkit.rendering import FACTS_STYLE, Cell, html_text, table_html

from .findings import blame_sentence, findings, split_sentence
from .result import Replay

__all__ = ["replay_html"]

_MOST_LINES = 10


def replay_html(replay: Replay) -> str:
    """The findings of a replay. All foreign text is escaped."""
    sentences = "".join(f"<p>{html_text(sentence)}</p>" for sentence in findings(replay))
    rows = [
        [
            Cell(str(blame.line) if blame.is_current else "", "sk-dim"),
            Cell(blame.instruction, is_code=True),
            Cell(blame_sentence(blame, replay), "sk-sentence"),
        ]
        for blame in replay.blame[:_MOST_LINES]
    ]
    head = [Cell(message("line")), Cell(message("instruction")), Cell(message("because"))]
    table = FACTS_STYLE + table_html(head, rows, look="sk-facts") if rows else ""
    split = replay.splits[0] if replay.splits else None
    patch = "" if split is None else f"<p>{html_text(split_sentence(split))}</p><pre>{html_text(split.patch)}</pre>"
    return f"{sentences}{table}{patch}"
