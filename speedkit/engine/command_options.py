"""The options of `docker build` that neither name what is built nor belong to one engine: secrets, platforms, networks …"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CommandOptions"]


@dataclass(frozen=True, slots=True)
class CommandOptions:
    """Options of one build, each as its flag of `docker build` takes it (https://docs.docker.com/reference/cli/docker/buildx/build/).

    secrets: such as `id=token,src=token.txt`. ssh: such as `default`. named_contexts: by name in the Dockerfile, what
    `--build-context` puts in its place. platforms: such as `linux/amd64`; none is the builder's own.
    network: `default`, `none` or `host`. add_hosts: such as `registry.local:10.0.0.2`. ulimits: such as `nofile=1024:2048`.
    shm_size: such as `1g`. bases: by the name of a base image in the Dockerfile, the image to use in its place (`--base`).
    """

    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    named_contexts: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    network: str | None = None
    add_hosts: tuple[str, ...] = ()
    ulimits: tuple[str, ...] = ()
    shm_size: str | None = None
    bases: Mapping[str, str] = field(default_factory=dict)
