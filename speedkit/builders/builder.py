"""What a build asks of whatever builds. Nothing above this module assumes what a builder can do: the builder says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from speedkit.apps import Probe
from speedkit.context import Manifest
from speedkit.engine import BuildRequest, Command, Engine, Finished
from speedkit.recordings import Recording

from .base_choice import BuildBases

__all__ = ["BasesWanted", "Builder"]


@dataclass(frozen=True, slots=True)
class BasesWanted:
    """The build whose base images are looked for.

    dockerfile: its text. isolation: a token; builds with equal tokens share a cache, and a new token has nothing cached.
    """

    dockerfile: str
    build_args: Mapping[str, str]
    target: str | None
    isolation: str | None


class Builder(Protocol):
    """Something that builds, such as an engine.

    A method that asks the engine raises `EngineLost` when the engine no longer answers.
    """

    @property
    def name(self) -> str | None:
        """How recordings name the builder; None for the one that the engine has inside. Each has a cache of its own."""

    @property
    def place(self) -> str:
        """What a message calls it, such as `the Docker engine at unix:///var/run/docker.sock`."""

    @property
    def engine(self) -> Engine | None:
        """The engine that has the images of its builds; None when no engine takes part."""

    @property
    def played(self) -> Recording | None:
        """The recording that is played again; None when the builder builds, and its builds are to be recorded."""

    @property
    def exports_caches(self) -> bool:
        """Whether `cache_to` may name a place outside of the image. Raises: EngineLost."""

    def answers(self) -> bool:
        """Whether it answers now. The question may take seconds."""

    def prepare(self, wanted: BasesWanted, *, extend_ca: bool) -> BuildBases:
        """The base images of a build, ready to be used; an image that cannot be had is left out.

        extend_ca: add the certificates of the host, because a build did not trust one.
        Raises: NoBaseImage where nothing can take the place of an image.
        """

    def bases_now(self, wanted: BasesWanted, before: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """The facts of base images that `prepare` would give now, as far as they are known. Nothing is pulled or made.

        before: the facts in the recordings of the builds before.
        """

    def frontend_replaced_now(self, dockerfile: str, build_args: Mapping[str, str]) -> str | None:
        """The frontend that another one would take the place of now; None where none would."""

    def unfetched_frontend(self, said: str, wanted: BasesWanted) -> str | None:
        """The frontend for want of which a build failed, where another one can take its place; None where it did not.

        said: the last words of the build.
        """

    def read_context(self, folder: Path, dockerfile: Path, is_over: Callable[[], bool]) -> Manifest:
        """What a build of the folder is sent. `is_over` says that nobody needs it any more. Raises: FileRefused."""

    def building(self, tag: str) -> AbstractContextManager[None]:
        """Notes that an image of this name is in the making, so that `clean` leaves what the build stands on."""

    def ready(self, request: BuildRequest, command: Command) -> AbstractContextManager[BuildRequest]:
        """The request as it can be built, once its base images are where the builder finds them. That is no part of the build.

        command: when it is cancelled, this ends soon, and so does the build.
        Raises: BuilderCannot, DiskFull.
        """

    def solve(self, request: BuildRequest, *, command: Command, on_line: Callable[[bytes], None]) -> Finished:
        """Builds, and hands on each line of BuildKit's progress as it comes."""

    def describe(self, image: str, *, tag: str, bases: BuildBases) -> dict[str, Any]:
        """The facts of an image that a recording keeps, as `speedkit.engine.images.describe_image` gives them.

        Raises: NoSuchImage.
        """

    def ask(self, image: str, probe: Probe, *, give_up: Callable[[], bool]) -> dict[str, Any] | None:
        """The answer of an image as a recording keeps it, `{"ok", "said"}`; None when asking was given up.

        Raises: NotAsked where nobody can reach the image.
        """

    def machine(self) -> dict[str, Any]:
        """Facts of the builder and of its machine, as far as it tells them."""
