"""A builder of buildx beside the engine: in a container, in a cluster, on another machine. https://docs.docker.com/build/builders/

It has a cache of its own, and it does not see the engine's images. Some base images come from the engine all the same, and are
sent to the builder: stand-ins for images that no registry hands out, images with the host's certificates, and isolated ones,
without which a build cannot start cold. The engine loads the image that the build makes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from speedkit.dockerfile import context_name
from speedkit.engine import (
    DOCKER_IMAGE,
    BuildRequest,
    CancellableCommand,
    go_settings,
    has_image,
    host_bundle,
    plain_base,
    with_go_settings,
)
from speedkit.errors import BuilderCannot
from speedkit.messages import join_names, message
from speedkit.ownership import scratch_folder

from .base_choice import BuildBases, base_names, unfetched_frontend
from .builder import BaseRequest
from .buildx_commands import is_reachable
from .engine_builder import EngineBuilder
from .image_transfer import hand_over

__all__ = ["OtherBuilder"]

OF_THIS_PROGRAM = ("platform", "python", "speedkit", "buildx", "go")


@dataclass(frozen=True)
class OtherBuilder(EngineBuilder):
    """A builder of buildx, called `name`.

    platforms: the platforms it builds for, such as `linux/amd64`; none when buildx lists none.
    """

    platforms: tuple[str, ...] = ()

    @property
    def display_name(self) -> str:
        return message("the builder {name}", name=self.name)

    @property
    def exports_caches(self) -> bool:
        return True

    def answers(self) -> bool:
        # The engine is needed, too: it loads the image that the build makes.
        return super().answers() and is_reachable(self.engine, str(self.name))

    def prepare(self, request: BaseRequest, *, extend_ca: bool) -> BuildBases:
        """The bases that are sent to the builder. The builder gets the others from a registry, so nothing is recorded of them.

        Raises: NoBaseImage; BuilderCannot where a build cannot be isolated, or its platform is not one of the builder's.
        """
        bases = super().prepare(request, extend_ca=extend_ca)
        sent = {name for name in bases.facts if {name, context_name(name)} & bases.named_contexts.keys()}
        missing = [name for name in base_names(request) if name not in sent]
        if request.isolation is not None and missing:
            raise BuilderCannot(
                message(
                    "The engine cannot get {images}, so this build on the builder {name} cannot have a cache of its own: it "
                    "would find the results of other builds there.",
                    images=join_names(missing),
                    name=self.name,
                ),
                fix=message(
                    "`docker pull` or `docker load` it first. Builds with --cold and those of `sk.app`, which works on a copy, "
                    "need a cache of their own: `speedkit build` in the folder, without --cold, shares the builder's."
                ),
            )
        facts = {name: base for name, base in bases.facts.items() if name in sent}
        for name, base in facts.items():
            self._require_platform(name, str(base.get("platform") or ""))
        # A registry that does not answer the engine may still answer the builder, which may be on another network.
        return replace(bases, facts=facts, replaced_frontend=None)

    def _provides(self, name: str, request: BaseRequest, *, extend_ca: bool = False) -> bool:
        """Whether an image of the engine has to take the place of `name`. Otherwise the builder gets `name` from a registry."""
        is_extended = extend_ca or host_bundle() is not None or (with_go_settings(name) and bool(go_settings()))
        here = plain_base(self.engine, name)
        # An image that the user names as a build context is often one that only this engine has.
        is_named = name in request.options.images.values() and here is not None
        return request.isolation is not None or is_extended or is_named or here not in (None, name)

    def _require_platform(self, image: str, platform: str) -> None:
        """Raises BuilderCannot where an image of the engine is for none of the platforms that the builder lists."""
        # Without the variant: a builder for linux/amd64/v3 runs images for linux/amd64 as well.
        supported = {"/".join(one.split("/")[:2]) for one in self.platforms}
        if supported and platform and "/".join(platform.split("/")[:2]) not in supported:
            raise BuilderCannot(
                message(
                    "The builder {name} builds for {platforms}, but the local image that takes the place of {image} is for "
                    "{platform}.",
                    name=self.name,
                    platforms=join_names(sorted(supported)),
                    image=image,
                    platform=platform,
                ),
                fix=message("Name a builder of that platform, or leave out --builder."),
            )

    def bases_now(self, request: BaseRequest, before: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        facts = super().bases_now(request, before)
        images = request.options.images
        return {name: base for name, base in facts.items() if self._provides(images.get(context_name(name), name), request)}

    def frontend_replaced_now(self, dockerfile: str, build_args: Mapping[str, str]) -> str | None:  # noqa: ARG002
        return None

    def unfetched_frontend(self, error_text: str, request: BaseRequest) -> str | None:
        return unfetched_frontend(error_text, request.dockerfile, request.build_args)

    @contextmanager
    def ready(self, request: BuildRequest, command: CancellableCommand) -> Iterator[BuildRequest]:
        with scratch_folder() as scratch:
            # Two names in a Dockerfile may lead to one image, which is written once.
            handed_over: dict[str, str] = {}
            for source in dict.fromkeys(request.named_contexts.values()):
                folder = scratch / f"image-{len(handed_over)}"
                image = source.removeprefix(DOCKER_IMAGE)
                # Folders and addresses are as good for this builder, and an image that the engine lacks comes from a registry.
                if image != source and has_image(self.engine, image):
                    handed_over[source] = hand_over(self.engine, image, folder, is_over=lambda: command.cancelled)
            contexts = {name: handed_over.get(source, source) for name, source in request.named_contexts.items()}
            yield replace(request, named_contexts=contexts)

    def machine(self) -> dict[str, Any]:
        # The engine's other facts are not the builder's. A BuildKit outside of an engine can merge layers, as the containerd
        # image store does, so `COPY --link` is two vertices there (docs/buildkit-cache-rules.md).
        facts = super().machine()
        return {name: facts[name] for name in OF_THIS_PROGRAM if name in facts} | {"storage_driver": "overlayfs"}
