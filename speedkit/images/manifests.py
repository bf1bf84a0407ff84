"""Reads the descriptions of the images in an archive: their layers in order, and the instructions that made them.

In: the JSON documents of the archive by name. Out: an ImageDescription for each image.
`docker save` writes manifest.json (docker-image-spec 1.2) and index.json; an OCI archive has only index.json (image-spec,
image-layout.md). An archive may also hold artifacts (image-spec, manifest.md, "Guidelines for Artifact Usage"). Artifacts and
damaged manifests are skipped, unless the archive holds no image.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from speedkit.errors import AlteredArchive, ArchiveError, NotInArchive
from speedkit.messages import Labels, join_names, marked, message

from .files import clean_path

__all__ = ["HOW_TO_SAVE", "INDEXES", "ImageDescription", "choose_image", "describe_images"]

INDEXES = ("manifest.json", "index.json")
"""The documents that list the images of an archive. `docker load` reads the first; with containerd's image store it reads the
second, as do OCI tools."""
INDEX_DEPTH_AT_MOST = 4
IMAGES_AT_MOST = 1000
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
NAMED_BY_DIGEST = re.compile(r"(?:blobs/sha256/)?([0-9a-f]{64})(?:\.json)?")
"""A document with its digest for a name: in OCI archives, and in archives of Docker before 25."""
IMAGE_CONFIGS = frozenset({"", "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"})
ARTIFACTS = Labels(
    {
        "application/vnd.buildkit.historyrecord": marked(
            "a record of a BuildKit build, which `docker buildx history import` takes"
        ),
        "application/vnd.cncf.helm": marked("a Helm chart"),
        "application/vnd.wasm": marked("a WebAssembly module"),
        "application/wasm": marked("a WebAssembly module"),
        "application/spdx": marked("a list of software (SBOM)"),
        "application/vnd.cyclonedx": marked("a list of software (SBOM)"),
        "application/vnd.in-toto": marked("an attestation"),
    }
)
"""The kinds of artifacts, by the beginning of their media type."""


@dataclass(frozen=True, slots=True)
class ImageDescription:
    """One image of an archive.

    id: the digest of its config. platform: such as `linux/amd64`. layers: the names of their archive members, lowest first.
    commands: the instruction of each layer.
    """

    id: str
    names: tuple[str, ...]
    platform: str
    layers: tuple[str, ...]
    diff_ids: tuple[str, ...]
    commands: tuple[str, ...]

    @property
    def architecture(self) -> str:
        return self.platform.split("/")[1]


def describe_images(documents: Mapping[str, bytes]) -> tuple[ImageDescription, ...]:
    """The images of an archive.

    Raises: ArchiveError if it holds none. The error names the artifacts in the archive, or the first damage.
    """
    contents = _Contents(documents)
    if "manifest.json" in documents:
        contents.read_docker_manifest()
    if "index.json" in documents:
        # Both are read, because programs that load the archive use one or the other: an image in only one of them counts, too.
        indexed = _Contents(documents)
        with indexed.noted():
            indexed.read_index("index.json", (), INDEX_DEPTH_AT_MOST)
        contents.take(indexed)
    if contents.images:
        return tuple(contents.images)
    if contents.problems:
        raise contents.problems[0]
    if contents.artifacts:
        raise ArchiveError(
            message("The archive holds no image, but {artifacts}.", artifacts=join_names(contents.artifacts)),
            fix=message(HOW_TO_SAVE),
        )
    if "manifest.json" in documents:
        return ()
    raise ArchiveError(
        message("This is not an image archive: it has no manifest.json and no usable index.json."), fix=message(HOW_TO_SAVE)
    )


HOW_TO_SAVE = marked("Make one with `docker save -o image.tar IMAGE`.")


def choose_image(images: Sequence[ImageDescription], name: str | None) -> ImageDescription:
    """The image with a name, id or platform; without a name, the only image, or the one for this machine.

    Raises: ArchiveError if there is no such image, or more than one.
    """
    fitting = [image for image in images if name is None or _is_called(image, name)]
    if len({image.id for image in fitting}) > 1:
        here = MACHINES.get(platform.machine().lower(), "")
        fitting = [image for image in fitting if image.architecture == here] if _same_names(fitting) else fitting
    if len({image.id for image in fitting}) == 1:
        return fitting[0]
    if not images:
        raise ArchiveError(message("The archive holds no image."), fix=message(HOW_TO_SAVE))
    held = ", ".join(sorted({label for image in images for label in _labels(image, images)}))
    fix = message("Name one, as in ARCHIVE#NAME. It holds: {images}.", images=held)
    if fitting:
        raise NotInArchive(message("The archive holds more than one image."), fix=fix)
    if name:
        raise NotInArchive(message("The archive has no image {name}.", name=name), fix=fix)
    raise NotInArchive(message("The archive has no image for this machine."), fix=fix)


def _labels(image: ImageDescription, images: Sequence[ImageDescription]) -> tuple[str, ...]:
    """The labels that distinguish an image from the others: its names, its platform if the names are equal, or its id."""
    if len({other.platform for other in images}) > 1 and _same_names(images):
        return (image.platform,)
    return image.names or (image.id,)


def _same_names(images: Sequence[ImageDescription]) -> bool:
    """Whether all images have the same names. index.json has names with the registry, manifest.json without."""
    return len({frozenset(re.sub("^docker.io/(library/)?", "", name) for name in image.names) for image in images}) == 1


def _is_called(image: ImageDescription, name: str) -> bool:
    spelled = {name, f"{name}:latest", f"docker.io/{name}", f"docker.io/library/{name}", f"docker.io/library/{name}:latest"}
    return (
        bool(spelled & set(image.names))
        or name == image.platform
        # A short id, as `docker images` prints it, or a longer part of the id.
        or (len(name) >= 12 and image.id.removeprefix("sha256:").startswith(name.removeprefix("sha256:")))
    )


@dataclass(slots=True)
class _Contents:
    """The contents of an archive: images, artifacts in words, and the errors in the other documents."""

    documents: Mapping[str, bytes]
    images: list[ImageDescription] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)
    problems: list[ArchiveError] = field(default_factory=list)
    _parsed: dict[str, Any] = field(default_factory=dict)
    _indexes: set[str] = field(default_factory=set)

    def read_docker_manifest(self) -> None:
        for entry in _items(self._document("manifest.json"), dict):
            with self.noted():
                layers = tuple(clean_path(name) for name in _items(entry.get("layers") or [], str))
                names = tuple(_items(entry.get("repotags") or [], str))
                self._add_image(clean_path(_text(entry.get("config"))), layers, names)

    def read_index(self, name: str, image_names: tuple[str, ...], depth: int) -> None:
        """Add the images of an index and of the indexes below it. Each index is read once, however many others name it."""
        if name in self._indexes:
            return
        self._indexes.add(name)
        for descriptor in _items(_mapping(self._document(name)).get("manifests") or [], dict):
            with self.noted():
                self._read_descriptor(descriptor, image_names, depth)

    def _read_descriptor(self, descriptor: Mapping[str, Any], image_names: tuple[str, ...], depth: int) -> None:
        member = _blob(descriptor)
        # BuildKit stores attestations as images for an unknown platform.
        is_attestation = _mapping(descriptor.get("platform") or {}).get("os") == "unknown"
        if member not in self.documents or not depth or is_attestation:
            return
        notes = _mapping(descriptor.get("annotations") or {})
        called = notes.get("io.containerd.image.name") or notes.get("org.opencontainers.image.ref.name")
        names = (_text(called),) if called else image_names
        document = _mapping(self._document(member))
        if "manifests" in document:
            self.read_index(member, names, depth - 1)
        elif artifact := _artifact(descriptor, document):
            if artifact not in self.artifacts:
                self.artifacts.append(artifact)
        else:
            layers = tuple(_blob(layer) for layer in _items(document.get("layers") or [], dict))
            self._add_image(_blob(_mapping(document.get("config"))), layers, names)

    def _add_image(self, config_name: str, layers: tuple[str, ...], names: tuple[str, ...]) -> None:
        if len(self.images) >= IMAGES_AT_MOST:
            raise ArchiveError(message("The archive lists more than {limit:,} images; no more are read.", limit=IMAGES_AT_MOST))
        config = _mapping(self._document(config_name))
        if "rootfs" not in config and layers:
            self.artifacts.append(message("something whose config describes no file system"))
            return
        # The id of an image is the digest of its config, also where the archive names the config in another way.
        digest = hashlib.sha256(self.documents[config_name]).hexdigest()
        self.images.append(_described(config, f"sha256:{digest}", layers, names))

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Skip a document that cannot be read, and keep the error."""
        try:
            yield
        except ArchiveError as problem:
            self.problems.append(problem)

    def take(self, other: _Contents) -> None:
        """Add the contents of another document, without images that are here already."""
        own_ids = {image.id for image in self.images}
        self.images += [image for image in other.images if image.id not in own_ids]
        self.artifacts += other.artifacts
        self.problems += other.problems

    def _document(self, name: str) -> Any:
        """A document, parsed once. If its name is a digest, its bytes must have that digest."""
        if name not in self._parsed:
            if name not in self.documents:
                raise ArchiveError(message("The archive lacks {name!r}.", name=name), fix=message(HOW_TO_SAVE))
            named = NAMED_BY_DIGEST.fullmatch(name)
            if named and hashlib.sha256(self.documents[name]).hexdigest() != named[1]:
                raise AlteredArchive(
                    message("The bytes of {name!r} do not match the digest in its name.", name=name),
                    fix=message("Save the image again."),
                )
            self._parsed[name] = _json(name, self.documents[name])
        return self._parsed[name]


def _artifact(descriptor: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """The kind of artifact that a manifest describes, in words; "" for an image."""
    config_type = str(_mapping(document.get("config") or {}).get("mediatype") or "")
    own_types = [str(part.get("artifacttype") or "") for part in (descriptor, document)]
    if config_type in IMAGE_CONFIGS and not any(own_types):
        return ""
    layers = [str(layer.get("mediatype") or "") for layer in _items(document.get("layers") or [], dict)]
    types = [name for name in (*own_types, config_type, *layers) if name]
    words = next((words for name in types for begins, words in ARTIFACTS.items() if name.startswith(begins)), None)
    return words or message("an artifact of the type {type!r}", type=_printable(types[0]))


def _described(config: Mapping[str, Any], image_id: str, layers: tuple[str, ...], names: tuple[str, ...]) -> ImageDescription:
    diff_ids = tuple(_items(_mapping(config.get("rootfs") or {}).get("diff_ids") or [], str))
    if len(diff_ids) != len(layers):
        raise ArchiveError(
            message("The archive lists {listed} layers, its image {own}.", listed=len(layers), own=len(diff_ids)),
            fix=message(HOW_TO_SAVE),
        )
    history = _items(config.get("history") or [], dict)
    from speedkit.secrets import hide_in_history  # loaded while the engine collects the image

    shown = hide_in_history([_printable(entry.get("created_by")) for entry in history])
    commands = [command for command, entry in zip(shown, history, strict=True) if not entry.get("empty_layer")]
    parts = [str(config.get(part) or "") for part in ("os", "architecture", "variant")]
    return ImageDescription(
        id=image_id,
        names=tuple(map(_printable, names)),
        platform=_printable("/".join([parts[0] or "linux", parts[1], *filter(None, parts[2:])])),
        layers=layers,
        diff_ids=diff_ids,
        commands=tuple((commands + [""] * len(layers))[: len(layers)]),
    )


def _json(name: str, data: bytes) -> Any:
    try:
        return json.loads(data, object_pairs_hook=_fields)
    except (ValueError, RecursionError):
        raise ArchiveError(message("{name!r} in the archive is not JSON.", name=name), fix=message(HOW_TO_SAVE)) from None


def _fields(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object as Go decodes it into a struct: names match in upper and lower case, and of equal names the last one counts."""
    return {name.casefold(): value for name, value in pairs}


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
    """Text that any terminal or file takes: JSON may hold half a surrogate pair, which becomes a backslash escape."""
    return str(value or "").encode("utf-8", "backslashreplace").decode()


def _unexpected(value: Any) -> ArchiveError:
    return ArchiveError(
        message("The archive's description of its image is damaged at {value!r}.", value=str(value)[:60]),
        fix=message(HOW_TO_SAVE),
    )
