"""The parts of a Dockerfile as frozen types: stages, instructions, here-documents."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Dockerfile", "Heredoc", "Instruction", "Stage"]


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document, `<<NAME`.

    content: the lines as they are in the Dockerfile. expand: variables are replaced, since the name has no quotes.
    chomp: opened by `<<-`, so leading tabs are removed.
    """

    name: str
    content: str
    expand: bool
    chomp: bool

    @property
    def body(self) -> str:
        """The content that the file or the shell gets."""
        if not self.chomp:
            return self.content
        return re.sub(r"^\t+", "", self.content, flags=re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction as written; nothing in it is expanded yet.

    keyword: in capitals. text: the instruction on one line, white space folded, without here-document bodies.
    flags: `--name=value` as written. args: the words after the flags; the whole command where a shell gets it.
    json: the exec form, `["a", "b"]`. line, end_line: in the Dockerfile, from 1.
    stage: index of its stage; None before the first FROM. trigger: the instruction behind ONBUILD.
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
        """The names in an ARG, ENV or LABEL. ARG has words such as `A=1`; the others have names and values in turn."""
        return tuple(word.partition("=")[0] for word in self.args) if self.keyword == "ARG" else self.args[::2]

    def flag_values(self, name: str) -> tuple[str, ...]:
        """The values of every `--name=…`, in order; a bare `--name` has the value "true"."""
        values = []
        for flag in self.flags:
            flag_name, equals, value = flag.removeprefix("--").partition("=")
            if flag_name == name:
                values.append(value if equals else "true")
        return tuple(values)

    def flag(self, name: str) -> str | None:
        """The value of the last `--name=…`, None without one."""
        values = self.flag_values(name)
        return values[-1] if values else None


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and the instructions below it.

    name: the name behind AS in small letters, or `stage-N`. named: whether there is an AS.
    base: the image or stage in FROM, not expanded. platform: the value of `--platform`, not expanded.
    instructions: without FROM itself. line, text: of FROM.
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

    instructions: all in order, including FROM and global ARGs. global_args: the ARGs before the first FROM.
    escape: the escape character. syntax: the frontend in `# syntax=`, or None. source: the text, without a byte order mark.
    check: the linter's options in `# check=`, or "".
    """

    stages: tuple[Stage, ...]
    instructions: tuple[Instruction, ...]
    global_args: tuple[Instruction, ...]
    escape: str
    syntax: str | None
    source: str = field(default="", repr=False)
    check: str = ""
    _indexes: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Once for all names: each FROM, COPY --from and mount asks for a stage, and there may be thousands of stages.
        object.__setattr__(self, "_indexes", {stage.name: stage.index for stage in self.stages if stage.named})

    def stage_index(self, name: str) -> int | None:
        """The index of the stage with a name, None without one. Case does not count, and the last stage of a name wins."""
        return self._indexes.get(name.lower())
