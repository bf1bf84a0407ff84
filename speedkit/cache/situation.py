"""The inputs of a build, past or next: everything that decides its cache keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from speedkit.context import Manifest
from speedkit.dockerfile import host_platform, image_platform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from speedkit.dockerfile import Dockerfile
    from speedkit.model import StepState

__all__ = ["BaseImage", "NamedContext", "Situation"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_BROKE_OFF = frozenset({"failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class BaseImage:
    """The part of a base image that decides cache keys.

    layers: the digests of its layers, oldest first; the image's id where a recording has no digests.
    environment: `NAME=value`, in order. None: a recording did not keep it, and `configuration` is compared instead.
    configuration: the id of the image. gone: the image is no longer on the machine; the other fields describe it as it was.
    platform: such as `linux/amd64`; "" for an unknown one.
    """

    layers: tuple[str, ...]
    environment: tuple[str, ...] | None = ()
    workdir: str = ""
    user: str = ""
    shell: tuple[str, ...] = ()
    on_build: tuple[str, ...] = ()
    configuration: str = ""
    gone: bool = False
    platform: str = ""

    @classmethod
    def from_inspect(cls, document: Mapping[str, Any]) -> BaseImage:
        """The base image that `docker image inspect` describes."""
        configuration = document.get("Config") or {}
        return cls(
            layers=tuple((document.get("RootFS") or {}).get("Layers") or ()),
            environment=tuple(configuration.get("Env") or ()),
            workdir=configuration.get("WorkingDir") or "",
            user=configuration.get("User") or "",
            shell=tuple(configuration.get("Shell") or ()),
            on_build=tuple(configuration.get("OnBuild") or ()),
            configuration=str(document.get("Id") or ""),
            platform=image_platform(document),
        )


NamedContext = Manifest | BaseImage | str
"""The value of `--build-context NAME=…`: a folder's manifest, an image, or an address (git, https)."""


@dataclass(frozen=True, eq=False)
class Situation:
    """Everything that decides the cache keys of one build.

    bases: the base image for each name in the Dockerfile. contexts: the named build contexts that are no base image,
    by `context_name`.
    folder: the path of the build context. BuildKit compares the context with the last one whose folder had the same name
    (`context_transfer`); "" for none.
    options: options of the build command that reach every RUN: `network`, `add-host`, `shm-size`, `ulimit`, `cgroup-parent`.
    secrets, agents: the ids of the secrets and SSH agents that the build has.
    states: of a past build, the state of each instruction, by line; None when no state was recorded.
    errors: BuildKit's error for each failed instruction, by line.
    triggers: the states of the base image's ONBUILD instructions, by line of the FROM and text.
    products: paths of the context that commands on the host rewrite before the build, so their content is still unknown.
    finished: the build came to its end. A build that broke off left only the steps that are shown to be done (`lookup`).
    lineage: "What changed?" is answered by comparing with the last build of the same lineage.
    merge: the engine makes a layer of its own for `COPY --link`, as the containerd image store does.
    """

    dockerfile: Dockerfile
    context: Manifest
    build_args: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    target: str | None = None
    bases: Mapping[str, BaseImage] = field(default_factory=lambda: _NOTHING)
    contexts: Mapping[str, NamedContext] = field(default_factory=lambda: _NOTHING)
    platform: str = field(default_factory=host_platform)
    folder: str = ""
    options: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    secrets: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    states: Mapping[int, StepState] | None = None
    errors: Mapping[int, str] = field(default_factory=dict)
    triggers: Mapping[tuple[int, str], StepState] = field(default_factory=dict)
    products: frozenset[str] = frozenset()
    finished: bool = True
    lineage: str = ""
    merge: bool = False

    @property
    def broke_off(self) -> bool:
        """The build ended before all of its steps were done."""
        return not self.finished or not _BROKE_OFF.isdisjoint((self.states or {}).values())
