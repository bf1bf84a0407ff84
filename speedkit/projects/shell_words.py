"""Reads commands from shell text without running it: words, quotes, and variables that the text itself sets.

`shlex` is no help: it drops the quotes, and a variable in single quotes is no variable. Only the syntax that matters for the
arguments of one command is read. A variable has a value only when all of its assignments agree: the reader does not guess which
branch of an `if` would run. https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .unresolved import BEGIN, END, ROOT, as_written, is_resolved, unresolved

__all__ = ["WHICH", "ShellCommand", "shell_commands"]

_SEPARATORS = ";&|()\n"
_ENDS = " \t<>" + _SEPARATORS
_REDIRECTION = re.compile(r"(?:\d+(?=[<>])|&(?=>))?([<>]+)[&|]?")
_NAME = re.compile(r"[A-Za-z_]\w*")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\+?)=")
_PARAMETER = re.compile(r"(?P<name>[A-Za-z_]\w*|[0-9@*#?$!-])(?:(?P<sign>:?[-=+?])(?P<word>.*))?", re.DOTALL)
_NO_COMMANDS = frozenset(
    {"if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "exec", "command", "sudo", "env", "nice", "nohup"}
    | {"export", "declare", "local", "readonly", "typeset", "set"}
)
_SHELLS = frozenset({"bash", "sh", "eval"})
_BUILDS = re.compile(r" (?:build|bake|bud)\b")
_HEREDOC = re.compile(r"<<(-?)\s*(['\"]?)([A-Za-z_]\w*)\2")
WHICH = re.compile(r"(?:which|command -v|type -[pP])\s+(docker|podman|buildah|nerdctl)\b[^;&|]*")
"""A command that gives the path of a program."""
LONGEST_TEXT = 2_000_000
MOST_WORDS = 100_000
LONGEST_WORD = 4_096
DEEPEST = 8


@dataclass(slots=True)
class ShellCommand:
    """One simple command. stdin: the file of a `<`, "" for none. folder: where it runs, after every `cd` before it.

    environment: the variables that stand before the command.
    """

    words: list[str]
    folder: str
    stdin: str = ""
    environment: dict[str, str] = field(default_factory=dict)


def shell_commands(text: str, variables: Mapping[str, str], *, folder: str = ".", depth: int = 0) -> Iterator[ShellCommand]:
    """The simple commands of a text, in order, with those in `$(…)`, and those in the value of a variable, to run later.

    variables: the ones that are set before. folder: where the text begins to run.
    """
    if len(text) > LONGEST_TEXT or depth > DEEPEST:
        return
    reader = _Reader(_without_heredocs(text), dict(variables))
    ambiguous = _ambiguous_names(text)
    place = folder
    for words, stdin in reader.commands():
        inner_texts, reader.nested = reader.nested, []
        while words and (words[0] in _NO_COMMANDS or (words[0].startswith("-") and len(words) > 1)):
            words.pop(0)
        # `NAME=value` before a command holds for that command alone; without a command, for all that follows.
        assigned = []
        while words and (match := _ASSIGNMENT.match(words[0])):
            assigned.append((match[1], words.pop(0)[match.end() :]))
        if not words:
            reader.variables |= {name: unresolved(f"${name}") if name in ambiguous else value for name, value in assigned}
        inner_texts += [value for _, value in assigned if _BUILDS.search(value)]
        # `bash -c "docker build ."`: the last word is a text of commands itself.
        if words[:1] and words[0] in _SHELLS and " " in words[-1]:
            inner_texts.append(words[-1])
        for inner in inner_texts:
            yield from shell_commands(inner, reader.variables, folder=place, depth=depth + 1)
        if words[:1] and words[0] in ("cd", "pushd") and len(words) > 1:
            place = _joined(place, words[-1])
        elif words:
            yield ShellCommand(words, place, stdin, dict(assigned))


def _joined(place: str, folder: str) -> str:
    # `cd -` goes back to a folder that is not followed here.
    if not is_resolved(folder) or not is_resolved(place) or folder == "-":
        return unresolved(f"cd {as_written(folder)}")
    return folder if folder.startswith(("/", ROOT)) or place == "." else f"{place}/{folder}"


def _ambiguous_names(text: str) -> set[str]:
    """Names that get different values in a text, or one in a loop."""
    values: dict[str, set[str]] = {}
    for match in re.finditer(r"^[ \t]*(?:export |local |readonly |declare )?([A-Za-z_]\w*)\+?=(.*)$", text, re.MULTILINE):
        values.setdefault(match[1], set()).add(match[2].strip())
    # A loop gives its variable a value in each round.
    loops = re.findall(r"\bfor\s+([A-Za-z_]\w*)\s+in\b|\bread\s+(?:-\w+\s+)*([A-Za-z_]\w*)", text)
    return {name for name, assigned in values.items() if len(assigned) > 1} | {name for pair in loops for name in pair if name}


def _without_heredocs(text: str) -> str:
    """The text without the bodies of here-documents: they are the input of a command, not commands."""
    kept: list[str] = []
    until: list[tuple[str, bool]] = []
    for line in text.split("\n"):
        if until:
            end, is_indented = until[0]
            if (line.lstrip("\t") if is_indented else line) == end:
                until.pop(0)
            continue
        kept.append(line)
        if "<<" in line and "<<<" not in line:
            until += [(match[3], bool(match[1])) for match in _HEREDOC.finditer(line)]
    return "\n".join(kept)


class _Reader:
    """Reads words from left to right."""

    def __init__(self, text: str, variables: dict[str, str]) -> None:
        self.text, self.at, self.variables = text, 0, variables
        self.nested: list[str] = []
        self._count = 0

    def commands(self) -> Iterator[tuple[list[str], str]]:
        """The words of each command, and the file of its `<`."""
        words: list[str] = []
        stdin = redirect = ""
        while self.at < len(self.text) and self._count < MOST_WORDS:
            character = self.text[self.at]
            if character in " \t" or self.text.startswith("\\\n", self.at):
                self.at += 1 if character != "\\" else 2
            elif character == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif match := _REDIRECTION.match(self.text, self.at):
                self.at, redirect = match.end(), match[1]
            elif character in _SEPARATORS:
                self.at += 1
                if words or self.nested:
                    yield words, stdin
                words, stdin, redirect = [], "", ""
            else:
                self._count += 1
                pieces = self._word()
                if redirect:
                    stdin = pieces[0] if redirect == "<" and pieces else stdin
                    redirect = ""
                else:
                    words += pieces
        if words or self.nested:
            yield words, stdin

    def _word(self) -> list[str]:
        """The word at this place: several words where a variable without quotes holds spaces, and none where it is empty."""
        text, is_quoted = "", False
        before: list[str] = []
        while self.at < len(self.text) and (character := self.text[self.at]) not in _ENDS:
            self.at += 1
            if character in "'\"":
                is_quoted = True
                text += self._until("'") if character == "'" else self._double_quoted()
                continue
            piece = self._unquoted(character)
            # The shell splits the value of a variable without quotes at its spaces, but not in an assignment.
            if character == "$" and " " in piece and is_resolved(piece) and _ASSIGNMENT.match(text) is None:
                first, *others = piece.split() or [""]
                *complete, text = [text + first, *others]
                before += complete
            else:
                text += piece
        return [*before, text] if text or is_quoted else before

    def _unquoted(self, character: str) -> str:
        """The text that a character outside of quotes gives, together with the characters that belong to it."""
        if character == BEGIN:
            return f"{BEGIN}{self._until(END)}{END}"
        if character == "\\":
            self.at += 1
            return self.text[self.at - 1 : self.at].replace("\n", "")
        if character == "$":
            return self._expansion()
        return self._substitution(self._until("`")) if character == "`" else character

    def _until(self, end: str) -> str:
        place = self.text.find(end, self.at)
        place = len(self.text) if place < 0 else place
        text = self.text[self.at : place]
        self.at = place + 1
        return text

    def _double_quoted(self) -> str:
        """The text up to the next double quote."""
        text = ""
        while self.at < len(self.text):
            character = self.text[self.at]
            self.at += 1
            if character == '"':
                break
            # Between double quotes, a backslash is an ordinary character unless one of these follows it.
            if character == "\\" and self.text[self.at : self.at + 1] not in ("$", "`", '"', "\\", "\n"):
                text += character
            else:
                text += self._unquoted(character)
        return text

    def _expansion(self) -> str:
        """The value of the expansion after the `$` before this place; the sign itself where no name follows."""
        following = self.text[self.at : self.at + 1]
        if following == "(":
            self.at += 1
            return self._substitution(self._balanced("(", ")"))
        if following == "{":
            self.at += 1
            return self._parameter(self._balanced("{", "}"))
        match = _NAME.match(self.text, self.at)
        name = match[0] if match is not None else following if following and following in "0123456789@*#?$!-" else ""
        self.at += len(name)
        return self.variables.get(name, unresolved(f"${name}")) if name else "$"

    def _balanced(self, opens: str, closes: str) -> str:
        depth, start = 1, self.at
        while self.at < len(self.text):
            character = self.text[self.at]
            self.at += 1
            if character == "\\":
                self.at += 1
            elif character == "'" and opens == "(":
                self._until("'")
            elif character == opens:
                depth += 1
            elif character == closes:
                depth -= 1
                if depth == 0:
                    return self.text[start : self.at - 1]
        return self.text[start:]

    def _parameter(self, inside: str) -> str:
        match = _PARAMETER.fullmatch(inside)
        whole = unresolved(f"${{{inside}}}")
        if match is None:
            return whole
        value, sign = self.variables.get(match["name"]), match["sign"]
        if sign is None:
            return whole if value is None else value
        # With a colon, an empty value counts as not set: `${NAME:-word}` and `${NAME-word}` differ in that alone.
        is_set = value is not None and (value != "" or not sign.startswith(":"))
        if sign.endswith("+"):
            return "" if value is None else self._inner(match["word"]) if is_set else ""
        if is_set and value is not None:
            return value
        return self._inner(match["word"]) if sign.endswith(("-", "=")) else whole

    def _inner(self, text: str) -> str:
        """The word in `${NAME:-word}`, expanded."""
        if len(text) > LONGEST_WORD or text.count("${") > DEEPEST:
            return unresolved(text)
        inner = _Reader(text, self.variables)
        parts = []
        while inner.at < len(text):
            parts.append(inner._double_quoted())
        return "".join(parts)

    def _substitution(self, command: str) -> str:
        if command.strip() == "pwd" and "PWD" in self.variables:
            return self.variables["PWD"]
        if (value := self.variables.get(f"$({' '.join(command.split())})")) is not None:
            return value
        if program := WHICH.fullmatch(command.strip()):
            return program[1]
        # Its output is not computed, but it may be a build itself: `ID=$(docker build -q .)`.
        self.nested.append(command)
        return unresolved(f"$({command})")
