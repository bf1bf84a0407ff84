"""Short names for instructions, for places with room for a few words."""

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
    """The first command of a RUN in three words at most, without variables and options: `go build`; else the instruction."""
    keyword, _, rest = instruction.partition(" ")
    if keyword.upper() != "RUN":
        return _cut(instruction)
    # The flags of RUN itself, such as --mount=…, stand before its command.
    words = rest.split()
    command_start = next((place for place, word in enumerate(words) if not word.startswith("--")), 0)
    for command in SEPARATOR.split(" ".join(words[command_start:])):
        words = _words(command)
        if words and words[0] not in PREPARATIONS:
            return _cut(" ".join(words))
    return _cut(rest)


def _words(command: str) -> list[str]:
    """The first words of a command, in shell or exec form, up to its first option."""
    words = re.findall(r'"([^"]*)"', command) if command.startswith("[") else command.split()
    command_words = list(dropwhile(ASSIGNMENT.fullmatch, words))
    return [*command_words[:1], *takewhile(lambda word: not word.startswith(ENDS_COMMAND), command_words[1:WORDS_KEPT])]


def short_instruction(instruction: str) -> str:
    """`RUN go build` for a RUN, without its flags. Other instructions are unchanged."""
    keyword = instruction.partition(" ")[0]
    return f"{keyword} {short_command(instruction)}" if keyword.upper() == "RUN" else _cut(instruction)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
