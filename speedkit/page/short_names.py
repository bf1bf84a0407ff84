"""Short names for instructions, where there is room for a few words only."""

from __future__ import annotations

import re
from itertools import dropwhile, takewhile

__all__ = ["short_command", "short_instruction"]

ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=\S*")
SEPARATOR = re.compile(r"\s*(?:&&|\|\||;)\s*")
PREPARATIONS = frozenset({"set", "cd", "export"})
ENDS_COMMAND = ("-", "|", ">", "<", "$", '"', "'", "(", "{", "[")
WORDS_KEPT = 3
LONGEST = 44


def short_command(instruction: str) -> str:
    """What a RUN runs first, in at most three words, without settings: `go build`; another instruction as it is."""
    keyword, _, rest = instruction.partition(" ")
    if keyword.upper() != "RUN":
        return _cut(instruction)
    for command in SEPARATOR.split(_without_flags(rest)):
        words = _words(command)
        if words and words[0] not in PREPARATIONS:
            return _cut(" ".join(words))
    return _cut(rest)


def _without_flags(command: str) -> str:
    words = command.split()
    return " ".join(words[next((place for place, word in enumerate(words) if not word.startswith("--")), 0) :])


def _words(command: str) -> list[str]:
    """The first words of a command, of its exec form too, up to its first option."""
    words = re.findall(r'"([^"]*)"', command) if command.startswith("[") else command.split()
    named = list(dropwhile(ASSIGNMENT.fullmatch, words))
    return [*named[:1], *takewhile(lambda word: not word.startswith(ENDS_COMMAND), named[1:WORDS_KEPT])]


def short_instruction(instruction: str) -> str:
    """`RUN go build` for a RUN with all its flags; another instruction as it is."""
    keyword = instruction.partition(" ")[0]
    return f"{keyword} {short_command(instruction)}" if keyword.upper() == "RUN" else _cut(instruction)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
