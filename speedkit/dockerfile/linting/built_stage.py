"""The rules for single instructions. BuildKit checks them only in stages that the target needs."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from ..expansion import RecordedLookups, SubstitutionError, expand, expand_unquoted
from ..go_text import quoted
from ..heredoc_marks import heredoc_mark
from ..mounts import mounts_of
from ..stage_environment import NOT_VARIABLES
from .finding import Finding

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
    """The state before an instruction.

    variables: the values for `$NAME`. arguments: the names that ARG declared. has_shell: SHELL is set, in the stage or in
    the base image. unknown_base: "" when the base image's configuration is known. platform: such as `linux/amd64`.
    """

    variables: dict[str, str]
    arguments: set[str]
    has_shell: bool
    unknown_base: str
    platform: str


class StageLint:
    """The linter of one stage."""

    def __init__(self, escape: str, build_args: Mapping[str, str], base: StageLint | None) -> None:
        """base: the linter of the stage that this one starts from."""
        self.findings: list[Finding] = []
        self._escape = escape
        self._build_args = build_args
        self._has_workdir: bool = base is not None and base._has_workdir
        self._last_lines: dict[str, int] = {}

    def check(self, instruction: Instruction, setting: Setting) -> None:
        """Checks an instruction. setting: as it is before the instruction."""
        if not setting.unknown_base:  # an unknown base image may define any variable
            self._check_variables(instruction, setting)
        match instruction.keyword:
            case "ENV" | "LABEL" | "ARG":
                self._check_names(instruction, setting)
            case "WORKDIR":
                path = self._expanded(instruction.args[0], setting)
                is_relative = path is not None and not path.startswith("/") and not setting.platform.startswith("windows")
                # A WORKDIR of the Dockerfile before it, absolute or not, is enough for BuildKit.
                if path is not None and is_relative and not self._has_workdir:
                    sentence = f"Relative workdir {quoted(path)} can have unexpected results if the base image changes"
                    self._add("WorkdirRelativePath", instruction, sentence)
                self._has_workdir = True
            case "EXPOSE":
                self._check_ports(instruction, setting)
            case keyword if keyword in _USED_ONCE:
                self._check_command(instruction, setting)

    def _add(self, rule: str, instruction: Instruction, sentence: str) -> None:
        self.findings.append(Finding(rule, instruction.line, sentence))

    def _check_variables(self, instruction: Instruction, setting: Setting) -> None:
        lookups = RecordedLookups(setting.variables)
        with suppress(SubstitutionError):
            if instruction.keyword == "RUN":
                # BuildKit expands only the mounts of a RUN: the shell expands the command.
                mounts_of(instruction, expand=lambda word: expand(word, lookups, escape=self._escape))
            for word in self._words(instruction):
                expand(word, lookups, escape=self._escape)
            for heredoc in instruction.heredocs:
                if heredoc.expand and instruction.keyword != "RUN":
                    expand_unquoted(heredoc.body, lookups)
        # In `ARG A=1 B=$A` the first name counts for the second value.
        own_names = instruction.names[:-1] if instruction.keyword == "ARG" else ()
        declared = {*setting.arguments, *NOT_VARIABLES, *own_names}
        for name in lookups.missing:
            if name not in declared:
                self._add("UndefinedVar", instruction, f"Usage of undefined variable '${name}'")

    def _words(self, instruction: Instruction) -> tuple[str, ...]:
        """The words and flags in which BuildKit expands variables; none for a shell's command."""
        words = instruction.args
        match instruction.keyword:
            case "ARG":
                # A build arg replaces the default, which then is not expanded.
                defaults = [word.partition("=") for word in words]
                return tuple(value for name, _, value in defaults if name not in self._build_args)
            case "COPY" | "ADD":
                flags = [instruction.flag(name) or "" for name in ("chown", "chmod", "checksum")]
                return (*flags, *(word for word in words if heredoc_mark(word) is None))
            case "ENV" | "LABEL" | "VOLUME" | "WORKDIR" | "USER" | "STOPSIGNAL":
                return words
        return ()

    def _check_names(self, instruction: Instruction, setting: Setting) -> None:
        keyword = instruction.keyword
        # `ENV name value`: its first word has no `=`. BuildKit leaves a name with quotes or escapes alone.
        first_word = instruction.text.split()[1]
        if keyword != "ARG" and not set(first_word) & set("='\"\\`"):
            sentence = f'"{keyword} key=value" should be used instead of legacy "{keyword} key value" format'
            self._add("LegacyKeyValueFormat", instruction, sentence)
        if keyword == "LABEL":
            return
        for name in instruction.names:
            key = name if keyword == "ARG" else self._expanded(name, setting) or ""
            if _SECRET.search(key) and not _PUBLIC.search(key):
                sentence = f"Do not use ARG or ENV instructions for sensitive data ({keyword} {quoted(key)})"
                self._add("SecretsUsedInArgOrEnv", instruction, sentence)

    def _expanded(self, word: str, setting: Setting) -> str | None:
        """The word with its variables replaced; None when a variable may come from an unknown base image."""
        if "$" in word and setting.unknown_base:
            return None
        with suppress(SubstitutionError):
            return expand(word, setting.variables, escape=self._escape)
        return None

    def _check_ports(self, instruction: Instruction, setting: Setting) -> None:
        for port in (self._expanded(" ".join(instruction.args), setting) or "").split():
            *outside, inside = port.rsplit(":", 2)
            protocol = inside.partition("/")[2]
            if protocol != protocol.lower():
                sentence = f"Defined protocol '{port}' in EXPOSE instruction should be lowercase"
                self._add("ExposeProtoCasing", instruction, sentence)
            if any(outside):
                sentence = f"EXPOSE instruction should not define an IP address or host-port mapping, found '{port}'"
                self._add("ExposeInvalidFormat", instruction, sentence)

    def _check_command(self, instruction: Instruction, setting: Setting) -> None:
        keyword = instruction.keyword
        # With two of a keyword, the finding is at the first one: that one has no effect.
        if keyword in self._last_lines:
            sentence = f"Multiple {keyword} instructions should not be used in the same stage"
            sentence = f"{sentence} because only the last one will be used"
            self.findings.append(Finding("MultipleInstructionsDisallowed", self._last_lines[keyword], sentence))
        self._last_lines[keyword] = instruction.line
        if keyword != "HEALTHCHECK" and not (instruction.json or setting.has_shell or setting.unknown_base):
            sentence = f"JSON arguments recommended for {keyword} to prevent unintended behavior related to OS signals"
            self._add("JSONArgsRecommended", instruction, sentence)
