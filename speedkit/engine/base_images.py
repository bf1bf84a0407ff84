"""The base images of builds: local, pulled, extended by the host's certificates, isolated, or stand-ins.

In: the reference in a FROM instruction. Out: the image that a build uses in its place, as a named build context, so that
Dockerfiles stay unchanged. Every image that is made here is noted in the ledger, and the kit removes only noted images.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from speedkit.errors import EngineError, EngineRefused, EngineSilent, NoBaseImage, NoSuchImage, StateRefused
from speedkit.messages import message
from speedkit.ownership import scratch_folder

from .certificates import BUNDLE_IN_IMAGES, host_bundle, system_bundle
from .children import run_child
from .connection import Engine
from .derived_image import derive_image
from .host_go import find_go
from .identity import installation_id, our_labels
from .image_names import CONTENTS_LABEL, ONLY_HERE, name_on_hub, stand_in_images, with_go_settings
from .images import describe_image, inspect_image, layers_on
from .ledger import ImageKind, note_image, note_making, note_use

__all__ = [
    "BASES",
    "ISOLATION_MARKS",
    "ResolvedBase",
    "exported_stage",
    "extended_names",
    "go_settings",
    "has_image",
    "image_labels",
    "isolated_base",
    "isolated_name",
    "make_image",
    "plain_base",
    "pull_image",
    "ready_base",
    "resolve_base",
    "trust_labels",
]

ANSWER_SECONDS = 10.0
"""How long a registry may take to answer, before it counts as unreachable."""
LOOK_SECONDS = 30.0
"""How often a long pull checks that the engine still answers."""
QUICK_SECONDS = 2.0
"""A registry that fails sooner than this does not need a check beforehand: the pull itself will fail as soon."""
SERVER_ERROR = 500
ERROR_LINES = 12
TRUST_LABEL = "dev.speedkit.trusts"
"""Holds a hash of the certificates and Go settings that were added to an image."""
ISOLATION_MARKS = frozenset({"/etc/.speedkit-mark", BUNDLE_IN_IMAGES})
"""Files that differ between isolated images, whatever was built on them."""
GO_SETTINGS = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE")

BASES = ("golang:alpine", "alpine", "debian", "ubuntu")
"""The images that set-up pulls, or makes stand-ins for."""

_refused: set[str] = set()
"""References that no registry delivered, so that this process tries each once."""


@dataclass(frozen=True, slots=True)
class ResolvedBase:
    """The image that a build uses for a base image of a Dockerfile.

    reference: the base image in the Dockerfile. used: the name of the image in its place. stand_in: it is another image, made
    by set-up. described: the engine's description of it (`inspect_image`).
    """

    reference: str
    used: str
    stand_in: bool
    described: dict[str, Any] = field(repr=False)

    @property
    def contents(self) -> str:
        """What a stand-in is made of, in a few words; "" for another image, and where the stand-in does not say it."""
        return _labels(self.described).get(CONTENTS_LABEL, "") if self.stand_in else ""


def has_image(engine: Engine, name: str) -> bool:
    """Whether the engine has an image of this name."""
    return _description(engine, name) is not None


def image_labels(engine: Engine, name: str) -> Mapping[str, str] | None:
    """The labels of an image; None where the engine has none of this name."""
    described = _description(engine, name)
    return _labels(described) if described is not None else None


def _labels(described: Mapping[str, Any]) -> Mapping[str, str]:
    return (described.get("Config") or {}).get("Labels") or {}


def _description(engine: Engine, name: str) -> dict[str, Any] | None:
    try:
        return inspect_image(engine, name)
    except NoSuchImage:
        return None


def pull_image(engine: Engine, reference: str) -> str | None:
    """Pull an image. None when it is here now, else the reason why no registry delivers it.

    A registry has 10 seconds to answer at all, and then all the time that it needs.
    """
    if reason := _silence(engine, reference):
        return reason
    if "@" in reference:
        name, _, tag = reference.partition("@")
    else:
        # A colon before the last slash belongs to the registry's port: `localhost:5000/app` has no tag.
        name, colon, tag = reference.rpartition(":")
        if not colon or "/" in tag:
            name, tag = reference, "latest"
    try:
        progress = _while_engine_answers(engine, partial(engine.api.pull, name, tag=tag))
    except EngineRefused as problem:
        return problem.reason
    if has_image(engine, reference):
        return None
    # The engine sends HTTP 200 before it begins to pull, so an error during the pull is the last line of the reply.
    return message("the pull stopped half-way: {error}", error=progress.strip().splitlines()[-1][:300])


def _silence(engine: Engine, reference: str) -> str | None:
    """Why no registry answers; None when one does, or when it fails so quickly that the pull itself may try."""
    # The engine asks the registry without credentials here. So a refusal proves nothing: a pull may have them.
    try:
        reply = engine.api.get(f"{engine.api.base_url}/distribution/{reference}/json", timeout=ANSWER_SECONDS)
    except EngineSilent:
        if not engine.answers():
            raise
        return message("no registry answered within {seconds:.0f} seconds", seconds=ANSWER_SECONDS)
    is_slow = reply.elapsed.total_seconds() > QUICK_SECONDS
    if not is_slow or reply.status_code < SERVER_ERROR:
        return None
    try:
        return str(reply.json()["message"])
    except (ValueError, LookupError, TypeError):
        return str(reply.text)


def _while_engine_answers(engine: Engine, work: Callable[[], str]) -> str:
    """The result of `work`, however long it takes, while the engine answers other requests.

    Raises: EngineLost, and the errors of `work`.
    """
    # A daemon thread: Python waits for the threads of a ThreadPoolExecutor before it ends, for a stuck pull forever.
    result: Future[str] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as problem:
            result.set_exception(problem)

    threading.Thread(target=run, name="speedkit pull", daemon=True).start()
    while True:
        try:
            return result.result(LOOK_SECONDS)
        except FutureTimeout:
            if not result.done() and not engine.answers():
                raise engine.lost() from None


def resolve_base(engine: Engine, reference: str, *, extend_ca: bool = False) -> ResolvedBase:
    """The image that a build uses for a base image: that image, one extended by the host's certificates, or a stand-in.

    extend_ca: extend it even when the environment names no bundle, because a build did not trust a certificate.
    Raises: NoBaseImage, EngineLost.
    """
    image = reference
    described = _description(engine, reference)
    if described is None:
        image, described = _pulled_or_stand_in(engine, reference)
    bundle, settings = _additions(reference, extend_ca=extend_ca)
    used = _extended_name(image, described, bundle, settings)
    if used != image:
        extended = _description(engine, used)
        if extended is None:
            files = {BUNDLE_IN_IMAGES: bundle.read_bytes()} if bundle is not None else {}
            labels = trust_labels(bundle, settings)
            derive_image(engine, image, name=used, kind="trusting", files=files, environment=settings, labels=labels)
            extended = inspect_image(engine, used)
        described = extended
    if image != reference:
        # The stand-ins that nobody uses for long are the first to go (`keep_stand_ins`).
        note_use(engine, [inspect_image(engine, image)["Id"]])
    return ResolvedBase(reference, used, stand_in=image != reference, described=described)


def ready_base(engine: Engine, reference: str, *, extend_ca: bool = False) -> str | None:
    """The name of the image that `resolve_base` gives, if that is on the engine; None if it has to be pulled or made first."""
    candidate = plain_base(engine, reference)
    if candidate is None:
        return None
    described = inspect_image(engine, candidate)
    name = _extended_name(candidate, described, *_additions(reference, extend_ca=extend_ca))
    return name if has_image(engine, name) else None


def extended_names(engine: Engine, reference: str) -> tuple[str, ...]:
    """The names of the images that `resolve_base` can give, without `extend_ca` and with it, whether they exist or not."""
    candidate = plain_base(engine, reference)
    if candidate is None:
        return ()
    described = inspect_image(engine, candidate)
    return tuple(_extended_name(candidate, described, *_additions(reference, extend_ca=ca)) for ca in (False, True))


def plain_base(engine: Engine, reference: str) -> str | None:
    """The local base image before any extension: the image itself or its stand-in; None when the engine has neither."""
    candidates = (reference, *stand_in_images(reference))
    return next((name for name in candidates if has_image(engine, name)), None)


def _additions(reference: str, *, extend_ca: bool) -> tuple[Path | None, dict[str, str]]:
    """The CA bundle and the Go settings to add to an image. Only images of a family with a stand-in get the settings."""
    bundle = system_bundle() if extend_ca else host_bundle()
    return bundle, go_settings() if with_go_settings(reference) else {}


def _pulled_or_stand_in(engine: Engine, reference: str) -> tuple[str, dict[str, Any]]:
    """The name and description of a base image that the engine lacked: now pulled, or its stand-in.

    Raises: NoBaseImage.
    """
    name = next((name for name in stand_in_images(reference) if has_image(engine, name)), None)
    if name is None:
        if reason := pull_image(engine, reference):
            raise NoBaseImage(
                message(
                    "The base image {reference} is not on this machine and could not be pulled: {reason}.",
                    reference=reference,
                    reason=reason.strip().rstrip("."),
                ),
                fix=message(
                    "Pull or load it yourself, name another image with --base NAME=IMAGE, or run `speedkit setup --for PATH`, "
                    "which makes the stand-ins that a project needs."
                ),
            )
        return reference, inspect_image(engine, reference)
    # A stand-in of an image of `BASES` exists only where set-up could not pull the image, so no registry is asked again.
    if name_on_hub(reference).removesuffix(":latest") in BASES or reference in _refused or pull_image(engine, reference):
        _refused.add(reference)
        return name, inspect_image(engine, name)
    return reference, inspect_image(engine, reference)


def trust_labels(bundle: Path | None, settings: Mapping[str, str]) -> dict[str, str]:
    """The label of an image to which these certificates and Go settings were added."""
    content = bundle.read_bytes() if bundle is not None else b""
    return {TRUST_LABEL: hashlib.sha256(f"{sorted(settings.items())}".encode() + content).hexdigest()[:16]}


def _extended_name(image: str, described: Mapping[str, Any], bundle: Path | None, settings: Mapping[str, str]) -> str:
    """The name of an image with certificates and Go settings added; its own name when there is nothing to add."""
    if bundle is None and not settings:
        return image
    label = trust_labels(bundle, settings)[TRUST_LABEL]
    # A stand-in gets certificates and settings when it is made. It needs an extension only after those have changed.
    if _labels(described).get(TRUST_LABEL) == label:
        return image
    return f"{ONLY_HERE}/trusting:{_own_hash(described['Id'] + label)}"


def go_settings() -> dict[str, str]:
    """The host's Go settings for proxies and checksums that differ from Go's defaults; never one with credentials."""
    go = find_go()
    if go is None:
        return {}
    settings = _go_env(go, tuple(os.environ.get(name) for name in GO_SETTINGS))
    # The settings become part of an image, which others may get. An address with `@` holds a password.
    return {name: value for name, value in settings if value and "@" not in value}


@lru_cache(maxsize=16)
def _go_env(go: Path, from_environment: tuple[str | None, ...]) -> tuple[tuple[str, str], ...]:
    """The settings that differ from Go's defaults, by `go env`, which runs once per state of the environment.

    from_environment: the values of the environment's variables, in the order of `GO_SETTINGS`.
    """
    command = [str(go), "env", "-changed", "-json", *GO_SETTINGS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        # Go before 1.23 has no `-changed`. Its settings in files stay unused.
        return tuple((name, value) for name, value in zip(GO_SETTINGS, from_environment, strict=True) if value)
    return tuple(json.loads(done.stdout).items())


def isolated_base(engine: Engine, image: str, token: str, *, mark_certificates: bool) -> str:
    """The name of a copy of an image with a mark in it, so that no step of a build on it is a cache hit.

    token: makes the mark differ from all others. mark_certificates: mark the CA bundle as well, for stages that are
    `FROM scratch` and copy the certificates first.
    """
    name = isolated_name(engine, image, token, mark_certificates=mark_certificates)
    if (described := _description(engine, name)) is not None:
        note_use(engine, [described["Id"]])
        return name
    # The cache key of an image is its chain of layers, not its configuration. So the mark is a file in a layer of its own, and
    # a label would change nothing. COPY --from compares content alone, so a copied file must have a mark of its own.
    mark = f"# {token}\n".encode()
    appended = {BUNDLE_IN_IMAGES: mark} if mark_certificates else {}
    derive_image(engine, image, name=name, kind="isolated", files={"/etc/.speedkit-mark": mark}, appended=appended)
    return name


def isolated_name(engine: Engine, image: str, token: str, *, mark_certificates: bool) -> str:
    """The name of the image that `isolated_base` gives, whether it exists or not."""
    image_id = inspect_image(engine, image)["Id"]
    return f"{ONLY_HERE}/isolated:{_own_hash(f'{image_id}{token}{mark_certificates}')}"


def _own_hash(text: str) -> str:
    """A hash that differs between installations, so that none builds on an image that another one may remove."""
    with contextlib.suppress(StateRefused):
        text += installation_id()
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def exported_stage(engine: Engine, folder: Path, lines: list[str], target: str, *, name: str, base: str | None = None) -> str:
    """The text of the files in a stage, which is built without making an image.

    name: of the image that the lines are of. The other arguments: as in `make_image`.

    Raises: EngineError.
    """
    with scratch_folder() as output:
        options = [f"--target={target}", f"--output=type=local,dest={output}"]
        _run_buildx(engine, folder, lines, options, name=name, base=base)
        return "\n".join(path.read_text(encoding="utf-8") for path in sorted(output.iterdir()) if path.is_file())


def _run_buildx(engine: Engine, folder: Path, lines: list[str], options: list[str], *, name: str, base: str | None) -> None:
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    argv = [str(engine.buildx), "build", "--progress=plain", "--builder=default", *options]
    argv += [f"--build-context=base=docker-image://{base}"] if base else []
    done = run_child([*argv, str(folder)], env=engine.environment)
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-ERROR_LINES:])
        raise EngineError(message("The image {name} could not be made:", name=name), quoted=tail)


def make_image(
    engine: Engine,
    folder: Path,
    lines: list[str],
    *,
    name: str,
    base: str | None = None,
    labels: Mapping[str, str] | None = None,
    kind: ImageKind = "result",
) -> None:
    """Build an image from the files in a folder, and label and note it as the kit's own.

    folder: the build context; the Dockerfile is written into it. lines: the instructions of the Dockerfile. name: of the new
    image. base: the image for `FROM base`. kind: how the ledger notes the image.
    Raises: EngineError.
    """
    argv = [f"--tag={name}"]
    argv += [f"--label={key}={value}" for key, value in (our_labels() | dict(labels or {})).items()]
    with note_making(engine, kind, name):
        _run_buildx(engine, folder, lines, argv, name=name, base=base)
        below = tuple(inspect_image(engine, base)["RootFS"]["Layers"]) if base else ()
        made = inspect_image(engine, name)["Id"]
        note_image(engine, made, kind, name=name, layers=layers_on(describe_image(engine, made, below)))
