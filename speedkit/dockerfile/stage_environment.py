"""The environment of a stage at one of its instructions: variables, ARGs, working directory, user and shell.

Source of the rules: moby/buildkit, frontend/dockerfile/dockerfile2llb/convert.go. Two rules surprise. The order of
variables is part of the cache key, and a variable that is set again moves to the end. A stage that starts from another
stage inherits its ARGs, and sets its ENVs again.
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
"""ARGs that are options of BuildKit's frontend and never variables of a RUN (nonEnvArgs)."""


class BaseSettings(Protocol):
    """A base image's settings for a stage.

    environment: `NAME=value`, in order; None when unknown. configuration: a text that identifies the image's configuration.
    """

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
    """The environment at one instruction; `apply` moves it behind that instruction.

    variables: of a RUN, in order. exported: those of ENV and of the base image. arguments: the names that ARG declared.
    has_shell: SHELL or the base image set the shell. unknown_base: identifies a base image whose configuration is unknown;
    "" when it is known. own: settings of the Dockerfile, not of the base image: names of variables, and WORKDIR, USER, SHELL.
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
        """The environment at the start of a stage. image: None for scratch."""
        start = cls()
        if image is not None:
            pairs = (entry.partition("=") for entry in image.environment or ())
            start.exported = {name: value for name, _, value in pairs}
            start.workdir = _workdir("/", image.workdir)
            start.user = image.user
            start.shell = image.shell or DEFAULT_SHELL
            start.has_shell = bool(image.shell)
            start.unknown_base = image.configuration if image.environment is None else ""
        start._export_again()
        return start

    def inherited(self) -> StageEnvironment:
        """The environment at the start of a stage whose base is this one, at its end."""
        start = StageEnvironment(
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
        start._export_again()
        return start

    def _export_again(self) -> None:
        self.exported.setdefault("PATH", _DEFAULT_PATH)
        for name, value in self.exported.items():
            self._put(name, value)

    def _put(self, name: str, value: str) -> None:
        self.variables.pop(name, None)  # a variable that is set again moves to the end
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
        """Applies an instruction, for those behind it. build_args: of the build. global_args: ARGs before the first FROM."""
        words = instruction.args
        if instruction.keyword in ("WORKDIR", "USER", "SHELL"):
            self.own.add(instruction.keyword)
        match instruction.keyword:
            case "ENV":
                expanded = [self.expand(word, instruction, escape) for word in words]
                for name, value in zip(expanded[::2], expanded[1::2], strict=False):
                    self.export(name, value)
            case "ARG":
                for word in words:
                    self._declare(word, instruction, escape, build_args, global_args)
            case "WORKDIR":
                self.workdir = _workdir(self.workdir, self.expand(words[0], instruction, escape))
            case "USER":
                self.user = self.expand(words[0], instruction, escape)
            case "SHELL":
                self.shell, self.has_shell = words, True

    def _declare(
        self, word: str, instruction: Instruction, escape: str, build_args: Mapping[str, str], global_args: Mapping[str, str]
    ) -> None:
        name, equals, default = word.partition("=")
        self.arguments.add(name)
        # A build arg counts first, then the default here, then the global ARG of that name.
        value = build_args.get(name)
        if value is None:
            value = self.expand(default, instruction, escape) if equals else global_args.get(name)
        if value is not None and name not in NOT_VARIABLES:
            self.set(name, value)


def _workdir(before: str, path: str) -> str:
    """The working directory for the path of a WORKDIR.

    BuildKit does not clean an absolute path, and it is part of the cache key of each RUN: `/w/` and `/w` differ.
    """
    if not path or path.startswith("/"):
        return path or before
    return normalized_path(before, path)


def normalized_path(parent: str, path: str, *, keep_slash: bool = False) -> str:
    """An absolute path without `.`, `..` and double slashes. keep_slash: `a/` and `a/.` keep the end that means a folder."""
    joined = path if path.startswith("/") else posixpath.join(parent or "/", path)
    # Go's path.Clean never keeps two leading slashes, Python's normpath does.
    cleaned = posixpath.normpath(joined)
    cleaned = cleaned[1:] if cleaned.startswith("//") else cleaned
    if keep_slash and path.endswith("/") and not cleaned.endswith("/"):
        return f"{cleaned}/"
    if keep_slash and path.endswith("/."):
        return f"{cleaned.rstrip('/')}/."
    return cleaned
