"""What a Dockerfile says, as frozen types: stages, instructions, here-documents."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Dockerfile", "Heredoc", "Instruction", "Stage"]


@dataclass(frozen=True, slots=True)
class Heredoc:
    """The body that follows `<<NAME`.

    expand: variables in it are replaced (the name stood without quotes). chomp: `<<-`, leading tabs do not count.
    """

    name: str
    content: str
    expand: bool
    chomp: bool

    @property
    def body(self) -> str:
        """The content that reaches the file or the shell."""
        if not self.chomp:
            return self.content
        return re.sub(r"^\t+", "", self.content, flags=re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction as written; nothing in it is expanded yet.

    keyword: in capitals. text: the instruction on one line, white space folded, without here-document bodies.
    flags: `--name=value` as written. args: the words after the flags; the whole command where a shell gets it.
    json: the exec form, `["a", "b"]`. line, end_line: 1-based, in the Dockerfile.
    stage: index of its stage; None before the first FROM. trigger: what an ONBUILD holds back.
    """

    keyword: str
    text: str
    flags: tuple[str, ...]
    args: tuple[str, ...]
    line: int
    end_line: int
    stage: int | None
    json: bool = False
    heredocs: tuple[Heredoc, ...] = ()
    trigger: Instruction | None = field(default=None, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """What an ARG, ENV or LABEL names. ARG has words such as `A=1`, the others have a name and a value by turns."""
        return tuple(word.partition("=")[0] for word in self.args) if self.keyword == "ARG" else self.args[::2]

    def flag_values(self, name: str) -> tuple[str, ...]:
        """The values of every `--name=…`, in order; a bare `--name` has the value "true"."""
        found = []
        for flag in self.flags:
            given, equals, value = flag.removeprefix("--").partition("=")
            if given == name:
                found.append(value if equals else "true")
        return tuple(found)

    def flag(self, name: str) -> str | None:
        """The value of `--name=…`, None when it is not there."""
        values = self.flag_values(name)
        return values[-1] if values else None


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and what follows it.

    name: the AS name in small letters, `stage-N` when there is none. named: an AS name was given.
    base: what FROM names, not expanded. platform: the value of `--platform`, not expanded.
    instructions: those after FROM. line: where FROM stands.
    """

    index: int
    name: str
    base: str
    instructions: tuple[Instruction, ...]
    line: int
    named: bool = False
    platform: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A whole Dockerfile.

    instructions: all of them in order, FROM and global ARG included. global_args: the ARGs before the first FROM.
    escape: the escape character. syntax: the frontend that `# syntax=` names, None without one. check: the options of
    the linter that `# check=` gives.
    """

    stages: tuple[Stage, ...]
    instructions: tuple[Instruction, ...]
    global_args: tuple[Instruction, ...]
    escape: str
    syntax: str | None
    source: str = field(default="", repr=False)
    check: str = ""
