"""What a build was given, or would be given now: everything that decides its cache keys."""

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

    layers: the digests of its layers, oldest first; the id of the image where they are not known.
    environment: `NAME=value`, in order. None: the configuration is not known, and `configuration` stands for it.
    gone: it is no longer on the machine, and this is what it was. platform: what it is for, such as `linux/amd64`; "" where
    that is not known.
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
"""What `--build-context NAME=…` stands for: a folder's manifest, an image, or an address (git, https)."""


@dataclass(frozen=True, eq=False)
class Situation:
    """Everything that decides the cache keys of one build.

    bases: what the Dockerfile names → the image that stands there. contexts: named build contexts other than those.
    folder: the context's own folder, which decides what BuildKit compares it with (`syncing`); "" for none.
    options: of the build command, where they reach RUN (`network`, `add-host`, `shm-size`, `ulimit`, `cgroup-parent`).
    states: for a build that took place, what became of the instruction on a line; None when nothing is known of it.
    errors: what BuildKit said of the instructions that failed, by line.
    triggers: what became of the ONBUILD instructions of a base, by the line of the FROM and the text.
    products: paths of the context that commands on the host make anew before the build, so what they hold is not known.
    finished: it came to its end; one that did not left only what is seen to have run.
    lineage: builds of one lineage are those that a person compares with each other, to say what changed.
    merge: the engine makes `COPY --link` its own layer (the containerd image store does).
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
    states: Mapping[int, StepState] | None = None
    errors: Mapping[int, str] = field(default_factory=dict)
    triggers: Mapping[tuple[int, str], StepState] = field(default_factory=dict)
    products: frozenset[str] = frozenset()
    finished: bool = True
    lineage: str = ""
    merge: bool = False

    @property
    def broke_off(self) -> bool:
        """It took place, and ended before all of its steps were done."""
        return not self.finished or not _BROKE_OFF.isdisjoint((self.states or {}).values())
