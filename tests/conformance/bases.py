"""Tiny base images for real builds, made once on the engine and labelled as the kit's own."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import tempfile
from pathlib import Path

from speedkit.forecast import BaseImage
from tests.conformance.building import BUILDX

__all__ = ["base_images"]

_VARIANTS = {
    "speedkit-conformance/plain": "",
    "speedkit-conformance/variable": "ENV FROM_BASE=yes",
    "speedkit-conformance/label": "LABEL only=a-label",
    "speedkit-conformance/layer": "RUN echo more > /more",
    "speedkit-conformance/settings": 'ENV A=base\nWORKDIR /home/base\nSHELL ["/bin/sh", "-e", "-c"]',
    "speedkit-conformance/trigger": "ONBUILD RUN echo triggered > /triggered",
}
_CANDIDATES = ("speedkit/standin-alpine", "alpine", "bb:1")


@functools.cache
def base_images() -> dict[str, BaseImage]:
    """What the Dockerfiles of the tests may start from, by name."""
    small = next(name for name in (os.environ.get("SPEEDKIT_TEST_BASE"), *_CANDIDATES) if name and _inspect(name))
    for name, instructions in _VARIANTS.items():
        _make(name, f"FROM {small}\n{instructions}\n")
    return {name: BaseImage.from_inspect(_inspect(name) or {}) for name in _VARIANTS}


def _inspect(name: str) -> dict[str, object] | None:
    asked = subprocess.run(["docker", "image", "inspect", name], capture_output=True, text=True, check=False)
    found = json.loads(asked.stdout or "[]")
    return found[0] if found else None


def _make(name: str, dockerfile: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_text(dockerfile)
        subprocess.run(
            [BUILDX, "build", "--quiet", "--label", "dev.speedkit=1", "-t", name, folder],
            capture_output=True,
            check=True,
        )
