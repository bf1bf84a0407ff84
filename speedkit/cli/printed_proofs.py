"""Prints a proof: a table of seconds, whether the images are equal, and how the smoke command ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.messages import message, plural

from .output import print_table, print_text

if TYPE_CHECKING:
    from speedkit.proof import Piece

__all__ = ["print_proof"]

DIFFERENCES_PRINTED = 20


def print_proof(piece: Piece) -> None:
    """Prints the figures of a proof; nothing for a piece without one."""
    from speedkit.words import seconds_text

    proof = piece.proof
    if proof is None:
        return
    as_is, patched, change = message("as it is"), message("patched"), message("change")
    rows = [[row.state, seconds_text(row.as_is_seconds), seconds_text(row.patched_seconds), row.change] for row in proof.rows]
    print_table("", [message("built"), as_is, patched, change], rows, numbers=[as_is, patched, change])
    print_text(*proof.asides, proof.equality_sentence)
    if proof.differences:
        shown = [[one.path, one.sentence] for one in proof.differences[:DIFFERENCES_PRINTED]]
        print_table("", [message("path"), message("judgement")], shown)
        # A changed base image may differ in thousands of files.
        if more := len(proof.differences) - len(shown):
            print_text(plural("and {count:,} more", "and {count:,} more", more))
    if proof.smoke is not None:
        print_text(message("Smoke command {command}: {end}", command=f"`{proof.smoke.command}`", end=proof.smoke.sentence))
