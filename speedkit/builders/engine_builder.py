"""The builder inside an engine: it sees the engine's images, and the engine has the images that it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speedkit.context import Manifest, read_context
from speedkit.engine import (
    OCI_LAYOUT,
    BuildRequest,
    CancellableCommand,
    Engine,
    SolveResult,
    note_build,
    note_unanswered,
    run_buildx,
)
from speedkit.errors import BuilderCannot
from speedkit.messages import capital, join_names, message
from speedkit.recordings import Recording

from .base_choice import BuildBases, bases_now, build_bases, frontend_replaced_now, unfetched_frontend
from .builder import BaseRequest
from .machine_facts import machine_of

__all__ = ["EngineBuilder"]


@dataclass(frozen=True)
class EngineBuilder:
    """The builder inside an engine."""

    engine: Engine
    name: str | None = None
    played: Recording | None = None

    @property
    def display_name(self) -> str:
        return message("the Docker engine at {host}", host=self.engine.host)

    @property
    def exports_caches(self) -> bool:
        return self.engine.keeps_images_in_containerd

    def answers(self) -> bool:
        return self.engine.answers()

    def prepare(self, request: BaseRequest, *, extend_ca: bool) -> BuildBases:
        layouts = [name for name, source in request.options.named_contexts.items() if source.startswith(OCI_LAYOUT)]
        if layouts and not self.exports_caches:
            raise BuilderCannot(
                message(
                    "{builder} takes no OCI image layout as the build context {names}: that needs the containerd image store.",
                    builder=capital(self.display_name),
                    names=join_names(layouts),
                ),
                fix=message(
                    "`docker load` the image, and name it: --build-context {name}=docker-image://IMAGE. Or name another "
                    "builder with --builder.",
                    name=layouts[0],
                ),
            )
        return build_bases(
            self.engine,
            request.dockerfile,
            build_args=request.build_args,
            target=request.target,
            isolation=request.isolation,
            extend_ca=extend_ca,
            is_provided=lambda name: self._provides(name, request, extend_ca=extend_ca),
            options=request.options,
        )

    def _provides(self, name: str, request: BaseRequest, *, extend_ca: bool = False) -> bool:  # noqa: ARG002
        """Whether the build takes an image of the engine where the Dockerfile names `name`."""
        return True

    def bases_now(self, request: BaseRequest, before: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        return bases_now(
            self.engine,
            request.dockerfile,
            build_args=request.build_args,
            target=request.target,
            isolation=request.isolation,
            before=before,
            options=request.options,
        )

    def frontend_replaced_now(self, dockerfile: str, build_args: Mapping[str, str]) -> str | None:
        return frontend_replaced_now(self.engine, dockerfile, build_args)

    def unfetched_frontend(self, error_text: str, request: BaseRequest) -> str | None:
        image = unfetched_frontend(error_text, request.dockerfile, request.build_args)
        if image is not None:
            note_unanswered(self.engine, image)
        return image

    def read_context(self, folder: Path, dockerfile: Path | None, is_over: Callable[[], bool]) -> Manifest:
        return read_context(folder, dockerfile=dockerfile, is_over=is_over)

    def guard_from_clean(self, tag: str) -> AbstractContextManager[None]:
        return note_build(self.engine, tag)

    def ready(self, request: BuildRequest, command: CancellableCommand) -> AbstractContextManager[BuildRequest]:  # noqa: ARG002
        return nullcontext(request)

    def solve(self, request: BuildRequest, *, command: CancellableCommand, on_line: Callable[[bytes], None]) -> SolveResult:
        return run_buildx(self.engine, request, command=command, on_line=on_line)

    def machine(self) -> dict[str, Any]:
        return machine_of(self.engine)
