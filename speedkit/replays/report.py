"""A replayed history as HTML for notebooks: the findings, the lines that they go back to, and the best split."""

from __future__ import annotations

from speedkit.messages import message
from speedkit.rendering import html_text

from .findings import blame_sentence, findings
from .result import Replay

__all__ = ["replay_html"]

_MOST_LINES = 10


def replay_html(replay: Replay) -> str:
    """The findings of a replay; all that came from outside is escaped."""
    sentences = "".join(f"<p>{html_text(sentence)}</p>" for sentence in findings(replay))
    rows = "".join(
        f"<tr><td>{blame.line if blame.is_current else ''}</td><td><code>{html_text(blame.instruction)}</code></td>"
        f"<td>{html_text(blame_sentence(blame, replay))}</td></tr>"
        for blame in replay.blame[:_MOST_LINES]
    )
    heads = (message("line"), message("instruction"), message("because"))
    head = "".join(f"<th>{html_text(text)}</th>" for text in heads)
    patch = f"<pre>{html_text(replay.splits[0].patch)}</pre>" if replay.splits else ""
    return f"{sentences}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{patch}"
