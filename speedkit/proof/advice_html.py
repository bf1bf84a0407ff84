"""Advice in HTML, for a notebook: what to change and why, what it did, and the patch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.messages import message
from speedkit.rendering import FACTS_STYLE, NOT_MATH, Cell, html_text, table_html
from speedkit.words import seconds_text

from .proof import Piece, Proof

if TYPE_CHECKING:
    from .advice import Advice

__all__ = ["advice_html", "piece_html", "proof_html"]

DIFFERENCES_SHOWN = 20
AMOUNT = "sk-amount"


def advice_html(advice: Advice) -> str:
    """The first piece with its proof and patch, the other pieces, and those that were tried, with their reasons."""
    parts = [f"<p><b>{html_text(advice.summary)}</b></p>", *(_paragraph(notice) for notice in advice.notices)]
    for piece in advice.pieces[:1]:
        parts += [_paragraph(text) for text in (piece.because, piece.prediction) if text]
        if piece.proof is not None:
            parts.append(proof_html(piece.proof))
        parts.append(_patch_html(message("The patch"), piece, is_open=True))
    if len(advice.pieces) > 1:
        parts.append(_paragraph(message("The changes in it, one by one:")))
        parts += [f"{_paragraph(piece.because)}{_patch_html(piece.rule, piece)}" for piece in advice.pieces[1:]]
    if advice.tried:
        parts.append(_paragraph(message("Tried, not worth it:")))
        for piece in advice.tried:
            reason = message("{rule}: {why}", rule=piece.rule, why=piece.why_not)
            proof = "" if piece.proof is None else proof_html(piece.proof)
            parts.append(f"{_paragraph(reason)}{proof}{_patch_html(message('The patch'), piece)}")
    return f'{FACTS_STYLE}<div class="{NOT_MATH}">{"".join(parts)}</div>'


def piece_html(piece: Piece) -> str:
    """One change: its reason, its proof and the patch."""
    why = [_paragraph(message("Not worth it: {why}.", why=piece.why_not))] if piece.why_not else []
    proof = [] if piece.proof is None else [proof_html(piece.proof)]
    parts = [_paragraph(piece.because), *why, *proof, _patch_html(message("The patch"), piece, is_open=True)]
    return f'{FACTS_STYLE}<div class="{NOT_MATH}">{"".join(parts)}</div>'


def proof_html(proof: Proof) -> str:
    """The seconds, the differences and the smoke command of a proof."""
    head = [Cell(text) for text in (message("built"), message("as it is"), message("patched"), message("change"))]
    rows = [
        [
            Cell(row.state),
            Cell(seconds_text(row.as_is_seconds), AMOUNT),
            Cell(seconds_text(row.patched_seconds), AMOUNT),
            Cell(row.change, AMOUNT),
        ]
        for row in proof.rows
    ]
    sentences = [proof.equality_sentence, *([proof.smoke.sentence] if proof.smoke is not None else []), *proof.asides]
    differences = ""
    if proof.differences:
        named = [[Cell(one.path), Cell(one.sentence)] for one in proof.differences[:DIFFERENCES_SHOWN]]
        differences = table_html([Cell(message("path")), Cell(message("judgement"))], named, look="sk-facts")
    return f"{table_html(head, rows, look='sk-facts')}{''.join(map(_paragraph, sentences))}{differences}"


def _paragraph(text: str) -> str:
    return f"<p>{html_text(text)}</p>"


def _patch_html(title: str, piece: Piece, *, is_open: bool = False) -> str:
    opened = " open" if is_open else ""
    return f"<details{opened}><summary>{html_text(title)}</summary><pre>{html_text(piece.shown_patch)}</pre></details>"
