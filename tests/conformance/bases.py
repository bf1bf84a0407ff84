"""Tiny base images for real builds, made once on the engine and labelled as the kit's own."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from speedkit.cache import BaseImage
from speedkit.engine.connection import connect
from speedkit.engine.image_names import STAND_INS
from speedkit.errors import EngineRefused
from tests.conformance.building import buildx
from tests.conformance.modules import paths_of_images

__all__ = ["NUMBERED", "VARIANTS", "base_images", "inspected", "make_image", "numbered_images"]

VARIANTS = {
    "speedkit-conformance/plain": "",
    "speedkit-conformance/variable": "ENV FROM_BASE=yes",
    "speedkit-conformance/label": "LABEL only=a-label",
    "speedkit-conformance/layer": "RUN echo more > /more",
    "speedkit-conformance/triggers": "\n".join(
        ["ONBUILD RUN echo trigger", "ONBUILD WORKDIR /t/$A", "ONBUILD ENV A=one", "ONBUILD COPY . /t/$A"]
    ),
    "speedkit-conformance/settings": 'ENV A=base\nWORKDIR /home/base\nSHELL ["/bin/sh", "-e", "-c"]',
}
NUMBERED = tuple(f"speedkit-conformance/number-{number}" for number in range(9))
_MADE_OF = "dev.speedkit.made-of"
_CANDIDATES = ("alpine", STAND_INS["alpine"])


@functools.cache
def base_images() -> dict[str, BaseImage]:
    """What the Dockerfiles of the tests may start from, by name.

    They are made from alpine, its stand-in, or what SPEEDKIT_TEST_BASE names: anything small with a shell.
    """
    return _made(VARIANTS)


@functools.cache
def numbered_images() -> dict[str, BaseImage]:
    """Images that take the place of real ones: no two have the same layers."""
    files = [f"{path}made" if path.endswith("/") else path for path in paths_of_images()]
    makes = " && ".join(f"mkdir -p $(dirname {file}) && echo made > {file}" for file in files)
    return _made({name: f"RUN echo {name} > /etc/image && {makes}" for name in NUMBERED})


def _made(variants: dict[str, str]) -> dict[str, BaseImage]:
    small = next(name for name in (os.environ.get("SPEEDKIT_TEST_BASE"), *_CANDIDATES) if name and inspected(name))
    origin = (inspected(small) or {})["Id"]
    for name, instructions in variants.items():
        make_image(name, f"FROM {small}\n{instructions}\n", made_of=f"{origin} {instructions}")
    found = {name: BaseImage.from_inspect(inspected(name) or {}) for name in variants}
    return found | {f"docker.io/{name}:latest": image for name, image in found.items()}


def inspected(name: str) -> dict[str, Any] | None:
    try:
        return dict(connect().api.inspect_image(name))
    except EngineRefused:
        return None


def make_image(name: str, dockerfile: str, *, made_of: str) -> None:
    """Makes an image unless it is there; making it anew could drop what other builds keep on top of it."""
    existing = inspected(name)
    if existing is not None and (existing["Config"]["Labels"] or {}).get(_MADE_OF) == made_of:
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_text(dockerfile)
        labels = ["--label", "dev.speedkit=1", "--label", f"{_MADE_OF}={made_of}"]
        subprocess.run([buildx(), "build", "--quiet", *labels, "-t", name, folder], capture_output=True, check=True)
