"""The images that builds start from: the engine's own, pulled, extended by the host's certificates, or stand-ins.

Dockerfiles stay as they are: what is found here takes an image's place as a named build context. All that is made carries the
label `dev.speedkit`, and only what carries it is ever removed again.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from docker.errors import APIError, ImageNotFound

from speedkit.engine.certificates import BUNDLE_IN_IMAGES, host_bundle, system_bundle
from speedkit.engine.connection import Engine
from speedkit.engine.containers import LABEL
from speedkit.errors import EngineError, NoBaseImage

__all__ = [
    "STAND_INS",
    "ResolvedBase",
    "family_of",
    "has_image",
    "isolated_base",
    "make_image",
    "pull",
    "resolve_base",
]

STAND_INS = {
    "alpine": "speedkit/standin-alpine",
    "golang": "speedkit/standin-golang",
    "debian": "speedkit/standin-debian",
    "ubuntu": "speedkit/standin-debian",
}
"""Which local image takes the place of which family of images."""


@dataclass(frozen=True, slots=True)
class ResolvedBase:
    """What stands in a build for an image that a Dockerfile names."""

    reference: str
    used: str
    stand_in: bool


def family_of(reference: str) -> str:
    """The last part of an image's name, without registry, tag and digest: `golang` of `docker.io/library/golang:1.24`."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def has_image(engine: Engine, name: str) -> bool:
    """Whether the engine has an image of this name."""
    try:
        engine.api.inspect_image(name)
    except ImageNotFound:
        return False
    except APIError as problem:
        raise EngineError(f"The engine could not look up the image {name!r}: {problem.explanation}.") from None
    return True


def pull(engine: Engine, reference: str) -> str | None:
    """Pull an image; the reason when no registry hands it out, None when it is here."""
    name, _, tag = reference.partition("@") if "@" in reference else _name_and_tag(reference)
    try:
        engine.api.pull(name, tag=tag)
    except APIError as problem:
        return str(problem.explanation or problem)
    return None


def _name_and_tag(reference: str) -> tuple[str, str, str]:
    name, colon, tag = reference.rpartition(":")
    return (name, ":", tag) if colon and "/" not in tag else (reference, ":", "latest")


@lru_cache(maxsize=256)
def resolve_base(engine: Engine, reference: str, *, extend_ca: bool = False) -> ResolvedBase:
    """What stands in a build for an image: itself, an extension by the host's certificates, or a stand-in.

    extend_ca: extend it even when the environment names no bundle, because a build did not trust a certificate.
    Raises: NoBaseImage.
    """
    stand_in = STAND_INS.get(family_of(reference))
    if not has_image(engine, reference):
        if stand_in is not None and has_image(engine, stand_in):
            return ResolvedBase(reference, stand_in, stand_in=True)
        if reason := pull(engine, reference):
            raise NoBaseImage(
                f"The base image {reference} is not on this machine and could not be pulled: {reason.strip().rstrip('.')}.",
                fix="Pull or load it yourself, or run `speedkit setup` for the images that the kit has stand-ins for.",
            )
    bundle = system_bundle() if extend_ca else host_bundle()
    if bundle is None:
        return ResolvedBase(reference, reference, stand_in=False)
    return ResolvedBase(reference, _extended(engine, reference, bundle), stand_in=False)


def _extended(engine: Engine, reference: str, bundle: Path) -> str:
    """The image with the host's certificates, and for Go images the host's module proxy; made once."""
    settings = go_settings() if family_of(reference) == "golang" else {}
    image = engine.api.inspect_image(reference)["Id"]
    key = hashlib.sha256(f"{image}{sorted(settings.items())}".encode() + bundle.read_bytes()).hexdigest()[:16]
    name = f"speedkit/trusting:{key}"
    if not has_image(engine, name):
        lines = [
            "FROM base",
            f"COPY bundle {BUNDLE_IN_IMAGES}",
            *(f"ENV {key}={value}" for key, value in settings.items()),
        ]
        with tempfile.TemporaryDirectory(prefix="speedkit-") as folder:
            shutil.copy(bundle, Path(folder) / "bundle")
            make_image(engine, Path(folder), lines, name=name, base=reference)
    return name


def go_settings() -> dict[str, str]:
    """What the host's Go is told about proxies and sums, where it differs from Go's defaults; never with credentials."""
    if shutil.which("go") is None:
        return {}
    names = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE")
    told = subprocess.run(["go", "env", "-changed", *names], capture_output=True, text=True, check=False)
    pairs = (line.partition("=") for line in told.stdout.splitlines())
    return {name: value.strip("'\"") for name, _, value in pairs if value and "@" not in value}


@lru_cache(maxsize=256)
def isolated_base(engine: Engine, image: str, token: str, *, mark_certificates: bool) -> str:
    """An image equal to another but for a mark, so that nothing built on it was ever built before.

    Only layers count for BuildKit's cache, so the mark is a small file in a layer of its own.
    mark_certificates: mark the CA bundle as well. COPY --from looks at content alone: a `FROM scratch` stage that takes the
    certificates first is then new, too.
    """
    name = f"speedkit/isolated:{hashlib.sha256(f'{image}{token}'.encode()).hexdigest()[:20]}"
    if has_image(engine, name):
        return name
    with tempfile.TemporaryDirectory(prefix="speedkit-") as folder:
        (Path(folder) / "mark").write_text(f"{token}\n")
        lines = ["FROM base", "COPY mark /etc/.speedkit-mark"]
        if mark_certificates:
            lines.append(
                f"RUN if [ -f {BUNDLE_IN_IMAGES} ]; then echo '#' $(cat /etc/.speedkit-mark) >> {BUNDLE_IN_IMAGES}; fi"
            )
        make_image(engine, Path(folder), lines, name=name, base=image)
    return name


def make_image(engine: Engine, folder: Path, lines: list[str], *, name: str, base: str | None = None) -> None:
    """Build an image of the kit's own from the files in a folder, labelled as such.

    base: the image that `FROM base` means.
    Raises: EngineError.
    """
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    argv = [str(engine.buildx), "build", "--progress=plain", "--builder=default", f"--tag={name}", f"--label={LABEL}=1"]
    argv += [f"--build-context=base=docker-image://{base}"] if base else []
    done = subprocess.run([*argv, str(folder)], env=engine.environment, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise EngineError(f"The image {name} could not be made:\n{tail}")
