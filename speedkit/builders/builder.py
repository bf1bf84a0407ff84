"""The seam between a build and what makes it. Nothing above this module assumes what a builder can do: it asks the builder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from speedkit.context import Manifest
from speedkit.engine import NO_OPTIONS, BuildRequest, CancellableCommand, CommandOptions, Engine, SolveResult
from speedkit.recordings import Recording

from .base_choice import BuildBases

__all__ = ["BaseRequest", "Builder"]


@dataclass(frozen=True, slots=True)
class BaseRequest:
    """What decides the base images of a build.

    dockerfile: its text. isolation: a token; builds with equal tokens share a cache, and a new token has nothing cached.
    options: as `checked_options` gives them.
    """

    dockerfile: str
    build_args: Mapping[str, str]
    target: str | None
    isolation: str | None
    options: CommandOptions = NO_OPTIONS


class Builder(Protocol):
    """Something that builds, such as an engine.

    A method that asks the engine raises `EngineLost` when the engine no longer answers.
    """

    @property
    def name(self) -> str | None:
        """How recordings name the builder; None for the one inside the engine. Each builder has a cache of its own."""

    @property
    def display_name(self) -> str:
        """The builder in a message, such as `the Docker engine at unix:///var/run/docker.sock`."""

    @property
    def engine(self) -> Engine | None:
        """The engine that holds the images of its builds; None when no engine takes part."""

    @property
    def played(self) -> Recording | None:
        """The recording that is played again; None when the builder builds, and its builds are to be recorded."""

    @property
    def exports_caches(self) -> bool:
        """Whether `cache_to` may name a place outside of the image. Raises: EngineLost."""

    def answers(self) -> bool:
        """Whether it answers now. The question may take seconds."""

    def prepare(self, request: BaseRequest, *, extend_ca: bool) -> BuildBases:
        """The base images of a build, ready to be used; without those that cannot be had.

        extend_ca: add the certificates of the host, because an earlier try did not trust one.
        Raises: NoBaseImage where nothing can take the place of an image.
        """

    def bases_now(self, request: BaseRequest, before: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """The facts of the base images that `prepare` would give now. Nothing is pulled or made.

        before: the facts in the recordings of earlier builds.
        """

    def frontend_replaced_now(self, dockerfile: str, build_args: Mapping[str, str]) -> str | None:
        """The frontend that another one would take the place of now; None where none would."""

    def unfetched_frontend(self, error_text: str, request: BaseRequest) -> str | None:
        """The frontend that BuildKit could not fetch, where another one can take its place; None for any other failure.

        error_text: the last lines of the failed build.
        """

    def read_context(self, folder: Path, dockerfile: Path | None, is_over: Callable[[], bool]) -> Manifest:
        """The files that a build of the folder is sent. Raises: FileRefused.

        dockerfile: None where the folder is a named build context.
        is_over: says that nobody needs the answer any more, so reading may stop.
        """

    def guard_from_clean(self, tag: str) -> AbstractContextManager[None]:
        """Keeps `clean` from removing what a build stands on, until the block ends. tag: the name of the image it makes."""

    def ready(self, request: BuildRequest, command: CancellableCommand) -> AbstractContextManager[BuildRequest]:
        """The request with its base images where the builder finds them. This takes time that is no part of the build.

        command: when it is cancelled, this ends soon, and so does the build.
        Raises: BuilderCannot, DiskFull.
        """

    def solve(self, request: BuildRequest, *, command: CancellableCommand, on_line: Callable[[bytes], None]) -> SolveResult:
        """Builds to the end. on_line: gets each line of BuildKit's progress as it comes."""

    def machine(self) -> dict[str, Any]:
        """Facts of the builder and of its machine, as far as it reports them."""
