"""The builder that an engine has inside: it sees the engine's images, and the engine has the images that it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speedkit.apps import Probe
from speedkit.context import Manifest, read_context
from speedkit.engine import (
    BuildRequest,
    Command,
    Engine,
    Finished,
    describe_image,
    layers_on,
    note_build,
    note_image,
    note_unanswered,
    note_use,
    run_buildx,
)
from speedkit.messages import message
from speedkit.recordings import Recording

from .base_choice import BuildBases, bases_now, build_bases, frontend_replaced_now, unfetched_frontend
from .builder import BasesWanted
from .image_probe import answer_of
from .machine_facts import machine_of

__all__ = ["EnginesOwn"]


@dataclass(frozen=True)
class EnginesOwn:
    """The builder inside an engine."""

    engine: Engine
    name: str | None = None
    played: Recording | None = None

    @property
    def place(self) -> str:
        return message("the Docker engine at {host}", host=self.engine.host)

    @property
    def exports_caches(self) -> bool:
        return self.engine.keeps_images_in_containerd

    def answers(self) -> bool:
        return self.engine.answers()

    def prepare(self, wanted: BasesWanted, *, extend_ca: bool) -> BuildBases:
        return build_bases(
            self.engine,
            wanted.dockerfile,
            build_args=wanted.build_args,
            target=wanted.target,
            isolation=wanted.isolation,
            extend_ca=extend_ca,
            is_wanted=lambda name: self._provides(name, wanted, extend_ca=extend_ca),
        )

    def _provides(self, name: str, wanted: BasesWanted, *, extend_ca: bool = False) -> bool:  # noqa: ARG002
        """Whether an image of the engine's stands under the build for one that the Dockerfile names."""
        return True

    def bases_now(self, wanted: BasesWanted, before: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        return bases_now(
            self.engine,
            wanted.dockerfile,
            build_args=wanted.build_args,
            target=wanted.target,
            isolation=wanted.isolation,
            before=before,
        )

    def frontend_replaced_now(self, dockerfile: str, build_args: Mapping[str, str]) -> str | None:
        return frontend_replaced_now(self.engine, dockerfile, build_args)

    def unfetched_frontend(self, said: str, wanted: BasesWanted) -> str | None:
        image = unfetched_frontend(said, wanted.dockerfile, wanted.build_args)
        if image is not None:
            note_unanswered(self.engine, image)
        return image

    def read_context(self, folder: Path, dockerfile: Path, is_over: Callable[[], bool]) -> Manifest:
        return read_context(folder, dockerfile=dockerfile, is_over=is_over)

    def building(self, tag: str) -> AbstractContextManager[None]:
        return note_build(self.engine, tag)

    def ready(self, request: BuildRequest, command: Command) -> AbstractContextManager[BuildRequest]:  # noqa: ARG002
        return nullcontext(request)

    def solve(self, request: BuildRequest, *, command: Command, on_line: Callable[[bytes], None]) -> Finished:
        return run_buildx(self.engine, request, command=command, on_line=on_line)

    def describe(self, image: str, *, tag: str, bases: BuildBases) -> dict[str, Any]:
        note_image(self.engine, image, "result", name=tag)
        described = describe_image(self.engine, image, bases.final_layers)
        note_image(self.engine, image, "result", name=tag, layers=layers_on(described))
        note_use(self.engine, [str(base["id"]) for base in bases.facts.values()])
        return described

    def ask(self, image: str, probe: Probe, *, give_up: Callable[[], bool]) -> dict[str, Any] | None:
        return answer_of(self.engine, image, probe, give_up=give_up)

    def machine(self) -> dict[str, Any]:
        return machine_of(self.engine)
