"""What holds at one place of a stage: environment, ARGs, working directory, user and shell.

Source of the rules: moby/buildkit, frontend/dockerfile/dockerfile2llb/convert.go. Two of them surprise. The order of
the variables counts, and setting one again moves it to the end. A stage that starts from another stage inherits its
ARGs, and its ENVs are set once more.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from .expansion import SubstitutionError, expand
from .refusal import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .syntax import Instruction

__all__ = ["DEFAULT_SHELL", "NOT_VARIABLES", "BaseSettings", "StageEnvironment", "normalized_path"]

DEFAULT_SHELL = ("/bin/sh", "-c")
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


NOT_VARIABLES = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})
"""What BuildKit's frontend keeps for itself when an ARG declares it (nonEnvArgs)."""


class BaseSettings(Protocol):
    """What a base image brings into a stage. environment: `NAME=value`, in order; None where it is not known."""

    @property
    def environment(self) -> tuple[str, ...] | None: ...
    @property
    def workdir(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def shell(self) -> tuple[str, ...]: ...
    @property
    def configuration(self) -> str: ...


@dataclass
class StageEnvironment:
    """Changes from instruction to instruction.

    variables: what a RUN sees, in order. exported: the part that ENV set or the base brought. arguments: set by ARG.
    has_shell: SHELL or the base set the shell. unknown_base: stands for a base image's configuration that is not known.
    own: what the Dockerfile set, not the base: names of variables, and WORKDIR, USER, SHELL.
    """

    variables: dict[str, str] = field(default_factory=dict)
    exported: dict[str, str] = field(default_factory=dict)
    arguments: set[str] = field(default_factory=set)
    workdir: str = "/"
    user: str = ""
    shell: tuple[str, ...] = DEFAULT_SHELL
    unknown_base: str = ""
    platform: str = ""
    has_shell: bool = False
    own: set[str] = field(default_factory=set)

    @classmethod
    def from_image(cls, image: BaseSettings | None) -> StageEnvironment:
        """The scope at the start of a stage. None: scratch."""
        scope = cls()
        if image is not None:
            scope.exported = dict(_pair(entry) for entry in image.environment or ())
            scope.workdir = _workdir("/", image.workdir)
            scope.user = image.user
            scope.shell = image.shell or DEFAULT_SHELL
            scope.has_shell = bool(image.shell)
            scope.unknown_base = image.configuration if image.environment is None else ""
        scope._export_again()
        return scope

    def inherited(self) -> StageEnvironment:
        """The scope at the start of a stage that starts from this one."""
        scope = StageEnvironment(
            dict(self.variables),
            dict(self.exported),
            set(self.arguments),
            self.workdir,
            self.user,
            self.shell,
            self.unknown_base,
            self.platform,
            self.has_shell,
            set(self.own),
        )
        scope._export_again()
        return scope

    def _export_again(self) -> None:
        self.exported.setdefault("PATH", _DEFAULT_PATH)
        for name, value in self.exported.items():
            self._put(name, value)

    def _put(self, name: str, value: str) -> None:
        """A variable set again moves to the end."""
        self.variables.pop(name, None)
        self.variables[name] = value

    def set(self, name: str, value: str) -> None:
        self._put(name, value)
        self.own.add(name)

    def export(self, name: str, value: str) -> None:
        self.set(name, value)
        self.exported[name] = value

    def expand(self, word: str, instruction: Instruction, escape: str) -> str:
        try:
            return expand(word, self.variables, escape=escape)
        except SubstitutionError as error:
            raise refusal(f'failed to process "{word}": {error}', instruction.line) from None

    def apply(
        self,
        instruction: Instruction,
        *,
        escape: str,
        build_args: Mapping[str, str],
        global_args: Mapping[str, str],
    ) -> None:
        """What an instruction changes for those after it."""
        words = instruction.args
        if instruction.keyword in ("WORKDIR", "USER", "SHELL"):
            self.own.add(instruction.keyword)
        match instruction.keyword:
            case "ENV":
                expanded = [self.expand(word, instruction, escape) for word in words]
                for name, value in zip(expanded[::2], expanded[1::2], strict=False):
                    self.export(name, value)
            case "ARG":
                self._declare(instruction, escape, build_args, global_args)
            case "WORKDIR":
                self.workdir = _workdir(self.workdir, self.expand(words[0], instruction, escape))
            case "USER":
                self.user = self.expand(words[0], instruction, escape)
            case "SHELL":
                self.shell, self.has_shell = words, True

    def _declare(
        self, instruction: Instruction, escape: str, build_args: Mapping[str, str], global_args: Mapping[str, str]
    ) -> None:
        for word in instruction.args:
            name, equals, default = word.partition("=")
            self.arguments.add(name)
            value = build_args.get(name)
            if value is None:
                value = self.expand(default, instruction, escape) if equals else global_args.get(name)
            if value is not None and name not in NOT_VARIABLES:
                self.set(name, value)


def _pair(entry: str) -> tuple[str, str]:
    name, _, value = entry.partition("=")
    return name, value


def _workdir(before: str, path: str) -> str:
    """The working directory. BuildKit leaves an absolute path as it is, and a RUN there counts by that: `/w/` is not `/w`."""
    if not path or path.startswith("/"):
        return path or before
    return normalized_path(before, path)


def normalized_path(parent: str, path: str, *, keep_slash: bool = False) -> str:
    """An absolute, cleaned path. keep_slash: `a/` and `a/.` keep what tells a folder."""
    joined = path if path.startswith("/") else posixpath.join(parent or "/", path)
    cleaned = _clean(joined)
    if keep_slash and path.endswith("/") and not cleaned.endswith("/"):
        return f"{cleaned}/"
    if keep_slash and path.endswith("/."):
        return f"{cleaned.rstrip('/')}/."
    return cleaned


def _clean(path: str) -> str:
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned
