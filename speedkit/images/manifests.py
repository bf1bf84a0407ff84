"""What an image archive says about its images: which files are the layers, in which order, and what made them.

In: the JSON documents of the archive by name. Out: an ImageDescription for each image.
`docker save` writes manifest.json (docker-image-spec 1.2) beside index.json; an OCI archive has index.json alone
(image-spec, image-layout.md).
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speedkit.errors import ArchiveError
from speedkit.images.files import clean_path
from speedkit.secrets import hide_secrets

__all__ = ["HOW_TO_SAVE", "ImageDescription", "choose_image", "describe_images"]

INDEX_DEPTH_AT_MOST = 4
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class ImageDescription:
    """One image of an archive.

    id: the digest of its config. layers: names of archive members, lowest first. commands: the instruction of each.
    """

    id: str
    names: tuple[str, ...]
    architecture: str
    layers: tuple[str, ...]
    diff_ids: tuple[str, ...]
    commands: tuple[str, ...]


def describe_images(documents: Mapping[str, bytes]) -> tuple[ImageDescription, ...]:
    """The images of an archive.

    Raises: ArchiveError when it is no image archive or contradicts itself.
    """
    if "manifest.json" in documents:
        return tuple(_from_docker(documents))
    if "index.json" in documents:
        found = tuple(_from_index(documents, _document(documents, "index.json"), (), INDEX_DEPTH_AT_MOST))
        if found:
            return found
    raise ArchiveError("This is not an image archive: it has no manifest.json and no usable index.json.", fix=HOW_TO_SAVE)


HOW_TO_SAVE = "Make one with `docker save -o image.tar IMAGE`."


def choose_image(images: Sequence[ImageDescription], name: str | None) -> ImageDescription:
    """The image of that name or id; without a name the only one, or the one for this machine.

    Raises: ArchiveError when there is no such image, or more than one.
    """
    fitting = [image for image in images if name is None or _is_called(image, name)]
    if len({image.id for image in fitting}) > 1:
        here = MACHINES.get(platform.machine().lower(), "")
        fitting = [image for image in fitting if image.architecture == here] if _same_names(fitting) else fitting
    if len({image.id for image in fitting}) == 1:
        return fitting[0]
    if not images:
        raise ArchiveError("The archive holds no image.", fix=HOW_TO_SAVE)
    held = ", ".join(sorted({known for image in images for known in image.names or (image.id,)}))
    if not fitting:
        raise ArchiveError(f"The archive has no image {name or 'for this machine'}.", fix=f"It holds: {held}.")
    raise ArchiveError("The archive holds more than one image.", fix=f"Name one, as in ARCHIVE#NAME. It holds: {held}.")


def _same_names(images: Sequence[ImageDescription]) -> bool:
    return len({image.names for image in images}) == 1


def _is_called(image: ImageDescription, name: str) -> bool:
    spelled = {name, f"{name}:latest", f"docker.io/{name}", f"docker.io/library/{name}", f"docker.io/library/{name}:latest"}
    return bool(spelled & set(image.names)) or (
        len(name) >= 12 and image.id.removeprefix("sha256:").startswith(name.removeprefix("sha256:"))
    )


def _from_docker(documents: Mapping[str, bytes]) -> Iterator[ImageDescription]:
    for entry in _items(_document(documents, "manifest.json"), dict):
        layers = tuple(clean_path(name) for name in _items(entry.get("Layers") or [], str))
        names = tuple(_items(entry.get("RepoTags") or [], str))
        yield _described(documents, clean_path(_text(entry.get("Config"))), layers, names)


def _from_index(documents: Mapping[str, bytes], index: Any, names: tuple[str, ...], depth: int) -> Iterator[ImageDescription]:
    for descriptor in _items(_mapping(index).get("manifests") or [], dict):
        member = _blob(descriptor)
        if member not in documents or not depth or _is_attestation(descriptor):
            continue
        notes = _mapping(descriptor.get("annotations") or {})
        called = notes.get("io.containerd.image.name") or notes.get("org.opencontainers.image.ref.name")
        known = (_text(called),) if called else names
        document = _mapping(_document(documents, member))
        if "manifests" in document:
            yield from _from_index(documents, document, known, depth - 1)
        else:
            layers = tuple(_blob(layer) for layer in _items(document.get("layers") or [], dict))
            yield _described(documents, _blob(_mapping(document.get("config"))), layers, known)


def _is_attestation(descriptor: Mapping[str, Any]) -> bool:
    return _mapping(descriptor.get("platform") or {}).get("os") == "unknown"


def _described(
    documents: Mapping[str, bytes], config_name: str, layers: tuple[str, ...], names: tuple[str, ...]
) -> ImageDescription:
    config = _mapping(_document(documents, config_name))
    diff_ids = tuple(_items(_mapping(config.get("rootfs") or {}).get("diff_ids") or [], str))
    if len(diff_ids) != len(layers):
        raise ArchiveError(f"The archive lists {len(layers)} layers, its image {len(diff_ids)}.", fix=HOW_TO_SAVE)
    history = _items(config.get("history") or [], dict)
    commands = [hide_secrets(_printable(entry.get("created_by"))) for entry in history if not entry.get("empty_layer")]
    return ImageDescription(
        id=f"sha256:{hashlib.sha256(documents[config_name]).hexdigest()}",
        names=tuple(map(_printable, names)),
        architecture=str(config.get("architecture") or ""),
        layers=layers,
        diff_ids=diff_ids,
        commands=tuple((commands + [""] * len(layers))[: len(layers)]),
    )


def _document(documents: Mapping[str, bytes], name: str) -> Any:
    if name not in documents:
        raise ArchiveError(f"The archive lacks {name!r}.", fix=HOW_TO_SAVE)
    try:
        return json.loads(documents[name])
    except (ValueError, RecursionError):
        raise ArchiveError(f"{name!r} in the archive is not JSON.", fix=HOW_TO_SAVE) from None


def _blob(descriptor: Mapping[str, Any]) -> str:
    return f"blobs/{_text(descriptor.get('digest')).replace(':', '/', 1)}"


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _unexpected(value)
    return value


def _items(value: Any, kind: type) -> list[Any]:
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise _unexpected(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _unexpected(value)
    return value


def _printable(value: Any) -> str:
    """JSON may hold half a surrogate pair, which no terminal or file takes."""
    return str(value or "").encode("utf-8", "backslashreplace").decode()


def _unexpected(value: Any) -> ArchiveError:
    return ArchiveError(f"The archive's description of its image is damaged at {str(value)[:60]!r}.", fix=HOW_TO_SAVE)
