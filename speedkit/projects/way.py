"""A way to build an image of a project: what one call of `docker build` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from speedkit.engine import CommandOptions

__all__ = ["Way", "WayKind"]

WayKind = Literal["dockerfile", "bake", "compose", "workflow", "command"]
"""Where a way was found: a Dockerfile, a bake file, a compose file, a workflow's build action, or a `docker build` line."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to build an image of a project.

    name: unique in its project. found_in: the file that says so. context: the folder of the build context.
    file: the Dockerfile. These three are paths in the project, with slashes; "." is the project's own folder.
    build_args: with their values. cache_from, cache_to: as the options of `docker build` say it, such as `type=gha`.
    """

    name: str
    kind: WayKind
    found_in: str
    context: str
    file: str
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    options: CommandOptions = field(default_factory=CommandOptions)

    @property
    def platforms(self) -> tuple[str, ...]:
        """Such as `linux/amd64`; none is the builder's own."""
        return self.options.platforms
