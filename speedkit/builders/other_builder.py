"""A builder of buildx beside the engine: in a container, in a cluster, on another machine. https://docs.docker.com/build/builders/

It has a cache of its own, and it does not see the engine's images. What has to take the place of a base image, because no
registry hands that out or because the build is to start cold, is handed over. The engine loads the image that comes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from speedkit.engine import STAND_INS, BuildRequest, Command, family_of, go_settings, host_bundle, plain_base
from speedkit.errors import BuilderCannot
from speedkit.messages import listed, message
from speedkit.ownership import scratch_folder

from .base_choice import BuildBases, base_names, unfetched_frontend
from .builder import BasesWanted
from .engines_own import EnginesOwn
from .image_transfer import hand_over

__all__ = ["OtherBuilder"]

ENGINE_IMAGE = "docker-image://"
OF_THIS_PROGRAM = ("platform", "python", "speedkit", "buildx", "go")


@dataclass(frozen=True)
class OtherBuilder(EnginesOwn):
    """A builder of buildx, called `name`.

    platforms: what it builds for, such as `linux/amd64`; none where it does not say.
    """

    platforms: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return message("the builder {name}", name=self.name)

    @property
    def exports_caches(self) -> bool:
        return True

    def prepare(self, wanted: BasesWanted, *, extend_ca: bool) -> BuildBases:
        """The bases that are handed over. The builder asks a registry for the others by itself; nothing is known of those.

        Raises: NoBaseImage; BuilderCannot where a build cannot be isolated, or its platform is not one of the builder's.
        """
        found = super().prepare(wanted, extend_ca=extend_ca)
        names = base_names(wanted.dockerfile, wanted.build_args, wanted.target)
        missing = [name for name in names if name not in found.named_contexts]
        if wanted.isolation is not None and missing:
            raise BuilderCannot(
                message(
                    "The engine cannot get {images}, so the builder {name} cannot be given a base of its own: the build would "
                    "find what others built there.",
                    images=listed(missing),
                    name=self.name,
                ),
                fix=message("Pull or load it, or build without --cold; `sk.app` builds copies, which are always apart."),
            )
        facts = {name: base for name, base in found.facts.items() if name in found.named_contexts}
        for name, base in facts.items():
            self._require_platform(name, str(base.get("platform") or ""))
        # Whether a registry answers the engine says nothing of whether it answers the builder.
        return replace(found, facts=facts, replaced_frontend=None)

    def _provides(self, name: str, wanted: BasesWanted, *, extend_ca: bool = False) -> bool:
        """Whether something of the engine's has to take the place of an image: else the builder has the one it gets itself."""
        is_extended = extend_ca or host_bundle() is not None or (family_of(name) in STAND_INS and bool(go_settings()))
        return wanted.isolation is not None or is_extended or plain_base(self.engine, name) not in (None, name)

    def _require_platform(self, image: str, platform: str) -> None:
        """Raises BuilderCannot where the builder says what it builds for, and an image of the engine is for something else."""
        kinds = {"/".join(one.split("/")[:2]) for one in self.platforms}
        if kinds and platform and "/".join(platform.split("/")[:2]) not in kinds:
            raise BuilderCannot(
                message(
                    "The builder {name} builds for {platforms}, and what takes the place of {image} here is for {platform}.",
                    name=self.name,
                    platforms=listed(sorted(kinds)),
                    image=image,
                    platform=platform,
                ),
                fix=message("Name a builder of that platform, or leave out --builder."),
            )

    def bases_now(self, wanted: BasesWanted, before: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        found = super().bases_now(wanted, before)
        return {name: base for name, base in found.items() if self._provides(name, wanted)}

    def frontend_replaced_now(self, dockerfile: str, build_args: Mapping[str, str]) -> str | None:  # noqa: ARG002
        return None

    def unfetched_frontend(self, said: str, wanted: BasesWanted) -> str | None:
        return unfetched_frontend(said, wanted.dockerfile, wanted.build_args)

    @contextmanager
    def ready(self, request: BuildRequest, command: Command) -> Iterator[BuildRequest]:
        with scratch_folder() as scratch:
            handed_over: dict[str, str] = {}
            for source in dict.fromkeys(request.named_contexts.values()):
                folder = scratch / f"image-{len(handed_over)}"
                image = source.removeprefix(ENGINE_IMAGE)
                handed_over[source] = hand_over(self.engine, image, folder, is_over=lambda: command.cancelled)
            contexts = {name: handed_over[source] for name, source in request.named_contexts.items()}
            yield replace(request, named_contexts=contexts)

    def machine(self) -> dict[str, Any]:
        # Of the machine that builds, only this is known: a BuildKit by itself merges layers as containerd's image store does.
        own = super().machine()
        return {name: own[name] for name in OF_THIS_PROGRAM if name in own} | {"storage_driver": "overlayfs"}
