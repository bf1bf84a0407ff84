"""The rules that look only at stages that the target needs, instruction by instruction."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from ..expansion import Noting, SubstitutionError, expand, expand_unquoted
from ..go_text import quoted
from ..heredoc_marks import heredoc_mark
from ..linting.finding import Finding
from ..mounts import mounts_of
from ..stage_environment import NOT_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..syntax import Instruction

__all__ = ["Setting", "StageLint"]

_SECRET = re.compile(
    r"(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)", re.IGNORECASE
)
_PUBLIC = re.compile(r"(?:_|^)public(?:_|$)", re.IGNORECASE)
_USED_ONCE = ("CMD", "ENTRYPOINT", "HEALTHCHECK")


class Setting(Protocol):
    """What holds at one place of a stage.

    variables: the values that BuildKit replaces. arguments: the names that ARG declared. has_shell: SHELL was set, here or
    by the image. unknown_base: not "" where nothing is known of the image's configuration.
    """

    variables: dict[str, str]
    arguments: set[str]
    has_shell: bool
    unknown_base: str
    platform: str


class StageLint:
    """Goes along with one stage and keeps what it finds."""

    def __init__(self, escape: str, build_args: Mapping[str, str], before: StageLint | None) -> None:
        """before: of the stage that it starts from."""
        self.findings: list[Finding] = []
        self._escape = escape
        self._build_args = build_args
        self._has_workdir: bool = before is not None and before._has_workdir
        self._last: dict[str, int] = {}

    def check(self, instruction: Instruction, setting: Setting) -> None:
        """Looks at an instruction before it changes the setting."""
        self._look_for_unset(instruction, setting)
        match instruction.keyword:
            case "ENV" | "LABEL" | "ARG":
                self._look_at_names(instruction, setting)
            case "WORKDIR":
                self._look_at_workdir(instruction, setting)
            case "EXPOSE":
                self._look_at_ports(instruction, setting)
            case keyword if keyword in _USED_ONCE:
                self._look_at_command(instruction, setting)

    def _find(self, rule: str, instruction: Instruction, sentence: str) -> None:
        self.findings.append(Finding(rule, instruction.line, sentence))

    def _look_for_unset(self, instruction: Instruction, setting: Setting) -> None:
        if setting.unknown_base:
            return  # the base may have set the variable
        noting = Noting(setting.variables)
        with suppress(SubstitutionError):
            self._expand_all(instruction, noting)
        known = {*setting.arguments, *NOT_VARIABLES, *_own_names(instruction)}
        for name in noting.missing:
            if name not in known:
                self._find("UndefinedVar", instruction, f"Usage of undefined variable '${name}'")

    def _expand_all(self, instruction: Instruction, noting: Noting) -> None:
        """Expands what BuildKit does; RUN's command is the shell's business."""
        if instruction.keyword == "RUN":
            mounts_of(instruction, expand=lambda word: expand(word, noting, escape=self._escape))
            return
        for word in self._words(instruction):
            expand(word, noting, escape=self._escape)
        for heredoc in instruction.heredocs:
            if heredoc.expand:
                expand_unquoted(heredoc.body, noting)

    def _words(self, instruction: Instruction) -> tuple[str, ...]:
        words = instruction.args
        match instruction.keyword:
            case "ARG":
                given = [word.partition("=") for word in words]
                return tuple(value for name, _, value in given if name not in self._build_args)
            case "COPY" | "ADD":
                flags = [instruction.flag(name) or "" for name in ("chown", "chmod", "checksum")]
                return (*flags, *(word for word in words if heredoc_mark(word) is None))
            case "ENV" | "LABEL" | "VOLUME" | "WORKDIR" | "USER" | "STOPSIGNAL":
                return words
        return ()

    def _look_at_names(self, instruction: Instruction, setting: Setting) -> None:
        keyword = instruction.keyword
        if keyword != "ARG" and _is_legacy(instruction):
            sentence = f'"{keyword} key=value" should be used instead of legacy "{keyword} key value" format'
            self._find("LegacyKeyValueFormat", instruction, sentence)
        if keyword == "LABEL":
            return
        for name in instruction.names:
            key = name if keyword == "ARG" else self._expanded(name, setting) or ""
            if _SECRET.search(key) and not _PUBLIC.search(key):
                sentence = f"Do not use ARG or ENV instructions for sensitive data ({keyword} {quoted(key)})"
                self._find("SecretsUsedInArgOrEnv", instruction, sentence)

    def _expanded(self, word: str, setting: Setting) -> str | None:
        """The word with its variables replaced; None where that cannot be told."""
        if "$" in word and setting.unknown_base:
            return None
        with suppress(SubstitutionError):
            return expand(word, setting.variables, escape=self._escape)
        return None

    def _look_at_workdir(self, instruction: Instruction, setting: Setting) -> None:
        path = self._expanded(instruction.args[0], setting)
        is_relative = path is not None and not path.startswith("/") and not setting.platform.startswith("windows")
        if path is not None and is_relative and not self._has_workdir:
            sentence = f"Relative workdir {quoted(path)} can have unexpected results if the base image changes"
            self._find("WorkdirRelativePath", instruction, sentence)
        self._has_workdir = True

    def _look_at_ports(self, instruction: Instruction, setting: Setting) -> None:
        for port in (self._expanded(" ".join(instruction.args), setting) or "").split():
            *outside, inside = port.rsplit(":", 2)
            protocol = inside.partition("/")[2]
            if protocol != protocol.lower():
                sentence = f"Defined protocol '{port}' in EXPOSE instruction should be lowercase"
                self._find("ExposeProtoCasing", instruction, sentence)
            if any(outside):
                sentence = f"EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'"
                self._find("ExposeInvalidFormat", instruction, sentence)

    def _look_at_command(self, instruction: Instruction, setting: Setting) -> None:
        """The one before it is what is found where there are several: it has no effect."""
        keyword = instruction.keyword
        if keyword in self._last:
            sentence = f"Multiple {keyword} instructions should not be used in the same stage"
            sentence = f"{sentence} because only the last one will be used"
            self.findings.append(Finding("MultipleInstructionsDisallowed", self._last[keyword], sentence))
        self._last[keyword] = instruction.line
        if keyword != "HEALTHCHECK" and not (instruction.json or setting.has_shell or setting.unknown_base):
            sentence = f"JSON arguments recommended for {keyword} to prevent unintended behavior related to OS signals"
            self._find("JSONArgsRecommended", instruction, sentence)


def _own_names(instruction: Instruction) -> tuple[str, ...]:
    """The names that an ARG declares, which may be used in the words behind them."""
    return instruction.names[:-1] if instruction.keyword == "ARG" else ()


def _is_legacy(instruction: Instruction) -> bool:
    """Whether it is `ENV name value`. A name in quotes is left alone."""
    first = instruction.text.split()[1]
    return not set(first) & set("='\"\\`")
