"""What a check can say about a program that is compiled on the host: its paths, and its size beside that of the first files."""

from __future__ import annotations

from pathlib import Path

from speedkit.messages import message, plural
from speedkit.words import bytes_text, share_text

from .findings import Finding

__all__ = ["names_no_path", "smaller_program"]


def names_no_path(program: Path) -> Finding:
    """A Go program has no path of this machine in it. Raises: OSError."""
    from speedkit.lessons import host_paths  # the room of the lessons takes a moment to load

    paths = host_paths(program)
    if not paths:
        return Finding(True, message("The program holds no path of this machine."))
    # A path of the learner's own sources says more than one of Go's.
    first = next((path for path in paths if path.endswith("/main.go")), paths[0])
    return Finding(
        False,
        plural(
            "The program holds {count:,} path of this machine: {path}.",
            "The program holds {count:,} paths of this machine, such as {path}.",
            len(paths),
            path=first,
        ),
    )


def smaller_program(first_bytes: int, size_bytes: int, *, at_most_share: float) -> Finding:
    """A program is smaller than it was. first_bytes: its size at first."""
    return Finding(
        size_bytes <= first_bytes * at_most_share,
        message(
            "The program has {size}, and {first} at first; it may have {share} of that.",
            size=bytes_text(size_bytes),
            first=bytes_text(first_bytes),
            share=share_text(at_most_share),
        ),
    )
