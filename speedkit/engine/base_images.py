"""The images that builds start from: the engine's own, pulled, extended by the host's certificates, or stand-ins.

Dockerfiles stay as they are: what is found here takes an image's place as a named build context. All that is made is noted in
the ledger, and only what stands there is ever removed again.
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

from .certificates import BUNDLE_IN_IMAGES, host_bundle, system_bundle
from .children import run_child
from .connection import Engine
from .derived_image import derive_image
from .host_go import find_go
from .identity import installation_id, our_labels
from .image_names import ONLY_HERE, STAND_INS, family_of, name_on_hub, stand_in_of
from .images import describe_image, inspect_image, layers_on
from .ledger import ImageKind, note_image, note_making, note_use

__all__ = [
    "BASES",
    "ISOLATION_MARKS",
    "ResolvedBase",
    "extended_names",
    "go_settings",
    "has_image",
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
LOOK_SECONDS = 30.0
QUICK_SECONDS = 2.0
SERVER_ERROR = 500
TRUST_LABEL = "dev.speedkit.trusts"
ISOLATION_MARKS = frozenset({"/etc/.speedkit-mark", BUNDLE_IN_IMAGES})
"""Files that differ between isolated images and say nothing about what was built on them."""
GO_SETTINGS = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE")

BASES = ("golang:alpine", "alpine", "debian", "ubuntu")
"""The images that set-up pulls, or makes stand-ins for."""

_refused: set[str] = set()
"""Images that no registry handed out, so that this process asks once for each."""


@dataclass(frozen=True, slots=True)
class ResolvedBase:
    """What stands in a build for an image that a Dockerfile names. described: what the engine says of it."""

    reference: str
    used: str
    stand_in: bool
    described: dict[str, Any] = field(repr=False)


def has_image(engine: Engine, name: str) -> bool:
    """Whether the engine has an image of this name."""
    return _described(engine, name) is not None


def _described(engine: Engine, name: str) -> dict[str, Any] | None:
    try:
        return inspect_image(engine, name)
    except NoSuchImage:
        return None


def pull_image(engine: Engine, reference: str) -> str | None:
    """Pull an image; the reason when no registry hands it out, None when it is here.

    A registry that does not answer within 10 seconds is given up; one that answers has all the time it needs.
    """
    if reason := _silence(engine, reference):
        return reason
    name, _, tag = reference.partition("@") if "@" in reference else _name_and_tag(reference)
    try:
        told = _while_engine_answers(engine, partial(engine.api.pull, name, tag=tag))
    except EngineRefused as problem:
        return problem.reason
    if has_image(engine, reference):
        return None
    # An error in the middle of a pull comes as the last line of a reply that began well.
    return message("it stopped half-way: {error}", error=told.strip().splitlines()[-1][:300])


def _silence(engine: Engine, reference: str) -> str | None:
    """Why no registry answers, None when one does, or when it fails so quickly that a pull may try for itself.

    It is asked without credentials, so a refusal proves nothing.
    """
    try:
        reply = engine.api.get(f"{engine.api.base_url}/distribution/{reference}/json", timeout=ANSWER_SECONDS)
    except EngineSilent:
        if not engine.answers():
            raise
        return message("no registry answered within {seconds:.0f} seconds", seconds=ANSWER_SECONDS)
    slow = reply.elapsed.total_seconds() > QUICK_SECONDS
    if not slow or reply.status_code < SERVER_ERROR:
        return None
    try:
        return str(reply.json()["message"])
    except (ValueError, LookupError, TypeError):
        return str(reply.text)


def _while_engine_answers(engine: Engine, work: Callable[[], str]) -> str:
    """What `work` gives, however long it takes, as long as the engine answers otherwise.

    Raises: EngineLost, what `work` raises.
    """
    # Its thread does not keep Python from ending, as those of concurrent.futures do.
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


def _name_and_tag(reference: str) -> tuple[str, str, str]:
    name, colon, tag = reference.rpartition(":")
    return (name, ":", tag) if colon and "/" not in tag else (reference, ":", "latest")


def resolve_base(engine: Engine, reference: str, *, extend_ca: bool = False) -> ResolvedBase:
    """What stands in a build for an image: itself, an extension by the host's certificates, or a stand-in.

    extend_ca: extend it even when the environment names no bundle, because a build did not trust a certificate.
    Raises: NoBaseImage, EngineLost.
    """
    found = reference
    described = _described(engine, reference)
    if described is None:
        found, described = _missing_base(engine, reference)
    used, described = _trusting(engine, found, described, *_additions(reference, extend_ca=extend_ca))
    return ResolvedBase(reference, used, stand_in=found != reference, described=described)


def ready_base(engine: Engine, reference: str, *, extend_ca: bool = False) -> str | None:
    """The image that `resolve_base` would give; None when it would first have to be pulled or made."""
    candidate = plain_base(engine, reference)
    if candidate is None:
        return None
    described = inspect_image(engine, candidate)
    name = _trusting_name(candidate, described, *_additions(reference, extend_ca=extend_ca))
    return name if has_image(engine, name) else None


def extended_names(engine: Engine, reference: str) -> tuple[str, ...]:
    """The names that `resolve_base` may give: of the image that it extends if it has to, and if it may; made or not."""
    candidate = plain_base(engine, reference)
    if candidate is None:
        return ()
    described = inspect_image(engine, candidate)
    return tuple(_trusting_name(candidate, described, *_additions(reference, extend_ca=ca)) for ca in (False, True))


def plain_base(engine: Engine, reference: str) -> str | None:
    """The image that `resolve_base` would take as it is or extend, itself or its stand-in; None when neither is here."""
    candidates = (reference, stand_in_of(reference))
    return next((name for name in candidates if name is not None and has_image(engine, name)), None)


def _additions(reference: str, *, extend_ca: bool) -> tuple[Path | None, dict[str, str]]:
    """The CA bundle and the Go settings that an image is extended by."""
    bundle = system_bundle() if extend_ca else host_bundle()
    return bundle, go_settings() if family_of(reference) in STAND_INS else {}


def _missing_base(engine: Engine, reference: str) -> tuple[str, dict[str, Any]]:
    """What takes the place of an image that is not here: the image, pulled, or its stand-in where no registry hands it out.

    For the images of `BASES`, set-up has asked already.
    """
    name = stand_in_of(reference)
    stand_in = _described(engine, name) if name is not None else None
    if name is None or stand_in is None:
        if reason := pull_image(engine, reference):
            raise NoBaseImage(
                message(
                    "The base image {reference} is not on this machine and could not be pulled: {reason}.",
                    reference=reference,
                    reason=reason.strip().rstrip("."),
                ),
                fix=message("Pull or load it yourself, or run `speedkit setup` for the images that the kit has stand-ins for."),
            )
        return reference, inspect_image(engine, reference)
    if name_on_hub(reference).removesuffix(":latest") in BASES or reference in _refused or pull_image(engine, reference):
        _refused.add(reference)
        return name, stand_in
    return reference, inspect_image(engine, reference)


def trust_labels(bundle: Path | None, settings: Mapping[str, str]) -> dict[str, str]:
    """The label of an image that has these certificates and these settings of Go already."""
    content = bundle.read_bytes() if bundle is not None else b""
    return {TRUST_LABEL: hashlib.sha256(f"{sorted(settings.items())}".encode() + content).hexdigest()[:16]}


def _trusting(
    engine: Engine, image: str, described: dict[str, Any], bundle: Path | None, settings: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """The image, or one made from it once, with the host's certificates and what the host's Go is told; and its description."""
    name = _trusting_name(image, described, bundle, settings)
    if name == image:
        return image, described
    if known := _described(engine, name):
        return name, known
    files = {BUNDLE_IN_IMAGES: bundle.read_bytes()} if bundle is not None else {}
    labels = trust_labels(bundle, settings)
    derive_image(engine, image, name=name, kind="trusting", files=files, environment=settings, labels=labels)
    return name, inspect_image(engine, name)


def _trusting_name(image: str, described: Mapping[str, Any], bundle: Path | None, settings: Mapping[str, str]) -> str:
    """What the image is called once it is extended; its own name when there is nothing to add."""
    if bundle is None and not settings:
        return image
    label = trust_labels(bundle, settings)[TRUST_LABEL]
    if ((described.get("Config") or {}).get("Labels") or {}).get(TRUST_LABEL) == label:
        return image
    return f"{ONLY_HERE}/trusting:{_own_hash(described['Id'] + label)}"


def go_settings() -> dict[str, str]:
    """What the host's Go is told about proxies and sums, where it differs from Go's defaults; never with credentials."""
    go = find_go()
    if go is None:
        return {}
    told = _go_env(go, tuple(os.environ.get(name) for name in GO_SETTINGS))
    return {name: value for name, value in told if value and "@" not in value}


@lru_cache(maxsize=16)
def _go_env(go: Path, own: tuple[str | None, ...]) -> tuple[tuple[str, str], ...]:
    """What `go env` says differs from Go's defaults, asked once for each state of the environment.

    own: the settings in the environment; they are all that a Go before 1.23, which knows no `-changed`, is asked for.
    """
    told = subprocess.run([str(go), "env", "-changed", "-json", *GO_SETTINGS], capture_output=True, text=True, check=False)
    if told.returncode:
        return tuple((name, value) for name, value in zip(GO_SETTINGS, own, strict=True) if value)
    return tuple(json.loads(told.stdout).items())


def isolated_base(engine: Engine, image: str, token: str, *, mark_certificates: bool) -> str:
    """An image equal to another but for a mark, so that nothing built on it was ever built before.

    Only layers count for BuildKit's cache, so the mark is a small file in a layer of its own.
    mark_certificates: mark the CA bundle as well. COPY --from looks at content alone: a `FROM scratch` stage that takes the
    certificates first is then new, too.
    """
    name = isolated_name(engine, image, token, mark_certificates=mark_certificates)
    if (described := _described(engine, name)) is not None:
        note_use(engine, [described["Id"]])
        return name
    mark = f"# {token}\n".encode()
    appended = {BUNDLE_IN_IMAGES: mark} if mark_certificates else {}
    derive_image(engine, image, name=name, kind="isolated", files={"/etc/.speedkit-mark": mark}, appended=appended)
    return name


def isolated_name(engine: Engine, image: str, token: str, *, mark_certificates: bool) -> str:
    """What `isolated_base` calls the image that it gives, made or not."""
    found = inspect_image(engine, image)["Id"]
    return f"{ONLY_HERE}/isolated:{_own_hash(f'{found}{token}{mark_certificates}')}"


def _own_hash(text: str) -> str:
    """Another one in each installation, so that none builds on an image that another one may remove."""
    with contextlib.suppress(StateRefused):
        text += installation_id()
    return hashlib.sha256(text.encode()).hexdigest()[:20]


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
    """Build an image of the kit's own from the files in a folder, labelled and noted as such.

    base: the image that `FROM base` means.
    Raises: EngineError.
    """
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    argv = [str(engine.buildx), "build", "--progress=plain", "--builder=default", f"--tag={name}"]
    argv += [f"--label={key}={value}" for key, value in (our_labels() | dict(labels or {})).items()]
    argv += [f"--build-context=base=docker-image://{base}"] if base else []
    with note_making(engine, kind, name):
        done = run_child([*argv, str(folder)], env=engine.environment)
        if done.returncode:
            tail = "\n".join(done.stderr.strip().splitlines()[-5:])
            raise EngineError(message("The image {name} could not be made:", name=name), quoted=tail)
        below = tuple(inspect_image(engine, base)["RootFS"]["Layers"]) if base else ()
        made = inspect_image(engine, name)["Id"]
        note_image(engine, made, kind, name=name, layers=layers_on(describe_image(engine, made, below)))
