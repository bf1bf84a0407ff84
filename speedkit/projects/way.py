"""A way to build an image of a project: the arguments of one call of `docker build`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from speedkit.engine import NO_OPTIONS, CommandOptions, checked_options, joined_options

__all__ = ["Way", "WayKind"]

WayKind = Literal["dockerfile", "bake", "compose", "workflow", "command"]
"""The source of a way: a Dockerfile, a bake file, a compose file, a workflow's build action, or a `docker build` line."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to build an image of a project.

    name: unique in its project. found_in: the file that has it; also_found_in: other files with an equal call.
    context: the folder of the build context. file: the Dockerfile. These are paths in the project, with slashes; "." is the
    project's own folder, and a path to elsewhere in its repository begins with "..".
    build_args: with their values. cache_from, cache_to: as in the options of `docker build`, such as `type=gha`.
    options: all other options, with every platform and tag.
    linked: by the name of a base image in the Dockerfile, the target of the bake file whose result is used in place of it.
    dockerfile_text: the text of a Dockerfile inside of the bake or compose file.
    publishes: the image is pushed to a registry. without_cache: it is built with `--no-cache`.
    not_resolved: by option, the values that only the run of a workflow or a script would know, such as `${{ github.sha }}`.
    problem: why it cannot be built from here, "" when it can.
    Fields that may hold a secret are not in the `repr`; `Project.table` shows them without secrets.
    """

    name: str
    kind: WayKind
    found_in: str
    context: str
    file: str
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict, repr=False)
    cache_from: tuple[str, ...] = field(default=(), repr=False)
    cache_to: tuple[str, ...] = field(default=(), repr=False)
    options: CommandOptions = field(default_factory=CommandOptions, repr=False)
    also_found_in: tuple[str, ...] = ()
    linked: Mapping[str, str] = field(default_factory=dict)
    dockerfile_text: str | None = field(default=None, repr=False)
    publishes: bool = False
    without_cache: bool = False
    not_resolved: Mapping[str, str] = field(default_factory=dict, repr=False)
    problem: str = ""

    @property
    def platforms(self) -> tuple[str, ...]:
        """Such as `linux/amd64`; none is the builder's own."""
        return self.options.platforms

    def built_with(
        self,
        *,
        target: str | None = None,
        build_args: Mapping[str, str] | None = None,
        options: CommandOptions = NO_OPTIONS,
    ) -> Way:
        """The same way with a reader's own target, build args and options, which win over those of the way.

        Relative paths in `options` begin in the current folder. Raises: Misuse for an option that buildx would not take.
        """
        return replace(
            self,
            target=target or self.target,
            build_args={**self.build_args, **(build_args or {})},
            options=joined_options(self.options, checked_options(options)),
        )

    @property
    def unknown_build_args(self) -> tuple[str, ...]:
        """The names of build args whose values are not resolved."""
        prefix = "build-arg "
        return tuple(name.removeprefix(prefix) for name in self.not_resolved if name.startswith(prefix))
