"""A builder of buildx beside the engine: in a container, in a cluster, on another machine. https://docs.docker.com/build/builders/

It has a cache of its own, and it does not see the engine's images. What has to take the place of a base image, because no
registry hands that out or because the build is to start cold, is handed over. The engine loads the image that comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from speedkit.builders.bases import BuildBases, build_bases, unfetched_frontend
from speedkit.builders.builder import BasesWanted
from speedkit.builders.engines_own import EnginesOwn
from speedkit.builders.handing_over import hand_over
from speedkit.engine.bases import plain_base
from speedkit.engine.build_request import BuildRequest
from speedkit.engine.buildx import Command, Finished, run_buildx
from speedkit.engine.certificates import host_bundle
from speedkit.messages import message
from speedkit.ownership import scratch_folder

__all__ = ["OtherBuilder"]

ENGINE_IMAGE = "docker-image://"


@dataclass(frozen=True)
class OtherBuilder(EnginesOwn):
    """A builder of buildx, called `name`."""

    @property
    def place(self) -> str:
        return message("the builder {name}", name=self.name)

    @property
    def exports_caches(self) -> bool:
        return True

    def prepare(self, wanted: BasesWanted, *, extend_ca: bool) -> BuildBases:
        """The bases that are handed over. The builder asks a registry for the others by itself; nothing is known of those."""
        is_every_one_extended = wanted.isolation is not None or extend_ca or host_bundle() is not None
        found = build_bases(
            self.engine,
            wanted.dockerfile,
            build_args=wanted.build_args,
            target=wanted.target,
            isolation=wanted.isolation,
            extend_ca=extend_ca,
            is_wanted=lambda name: is_every_one_extended or plain_base(self.engine, name) not in (None, name),
        )
        facts = {name: base for name, base in found.facts.items() if name in found.named_contexts}
        # Whether a registry answers the engine says nothing of whether it answers the builder.
        return replace(found, facts=facts, replaced_frontend=None)

    def bases_now(self, wanted: BasesWanted, before: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        found = super().bases_now(wanted, before)
        return {name: base for name, base in found.items() if base.get("used", name) != name or wanted.isolation is not None}

    def frontend_replaced_now(self, dockerfile: str, build_args: Mapping[str, str]) -> str | None:  # noqa: ARG002
        return None

    def unfetched_frontend(self, said: str, wanted: BasesWanted) -> str | None:
        return unfetched_frontend(said, wanted.dockerfile, wanted.build_args)

    def solve(self, request: BuildRequest, *, command: Command, on_line: Callable[[bytes], None]) -> Finished:
        with scratch_folder() as scratch:
            contexts = {
                name: hand_over(self.engine, source.removeprefix(ENGINE_IMAGE), scratch / f"image-{place}")
                for place, (name, source) in enumerate(request.named_contexts.items())
            }
            return run_buildx(self.engine, replace(request, named_contexts=contexts), command=command, on_line=on_line)

    def machine(self) -> dict[str, Any]:
        # Of the machine that builds only this is known: a BuildKit by itself merges layers as containerd's image store does.
        return super().machine() | {"storage_driver": "overlayfs"}
