"""Reads `.dockerbuild` files, which `docker buildx history export`, Docker Desktop and Docker's GitHub actions write.

In: the members of the archive, in the layout of OCI. Out: a `ForeignBuild` for each record in it.
The oddities: the config of a record's manifest is JSON although protobuf has a message for it, and its times are texts or
`{"seconds", "nanos"}`, as the version of buildx will have it. Several records hang below an index of their own. Fields that are
zero or empty are left out, so a record with steps and without `numCachedSteps` has none cached. A failed build has no
provenance, so its Dockerfile is not in the record.
Source: docker/buildx, util/desktop/bundle/export.go; moby/buildkit, api/services/control/control.proto (BuildHistoryRecord).

Nothing in the archive is believed before its digest fits.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from speedkit.errors import BuildRecordError
from speedkit.images import Member, source_on_disk
from speedkit.messages import message
from speedkit.recordings import Solve, base_digests, built_dockerfile, read_rawjson, vertex_lines

from .foreign_build import ForeignBuild, Outcome, RecordKind
from .progress_lines import ProgressLines
from .status_messages import rawjson_lines

__all__ = ["read_dockerbuild", "read_exported"]

UNPACKED_BYTES_AT_MOST = 256 << 20
"""A build with 328 steps unpacks to 12 MB, and a builder keeps the records of 50 builds by default."""
DOCUMENT_BYTES_AT_MOST = 32 << 20
DEPTH_AT_MOST = 4
RECORDS_AT_MOST = 1000
BLOB_NAME = re.compile(r"(?:\./)?blobs/(sha256)/([0-9a-f]{64})")
RECORD = "application/vnd.buildkit.historyrecord"
STATUS = "application/vnd.buildkit.status"
FOLDED_STATUS = "application/vnd.buildkit.solvestatus"
ATTESTATION = "application/vnd.in-toto+json"
PREDICATE = "in-toto.io/predicate-type"
CANCELED = 1
"""The code of gRPC for a request that was cancelled."""


@dataclass(slots=True)
class _Archive:
    """The documents and blobs of an archive, by name and by digest."""

    index: bytes | None = None
    blobs: dict[str, bytes] = field(default_factory=dict)

    def blob(self, descriptor: Any) -> bytes:
        """The bytes that a descriptor names. Raises: BuildRecordError where they are missing, or other ones."""
        digest, size = _text(descriptor, "digest") or "?", _field(descriptor, "size")
        data = self.blobs.get(digest)
        if data is None:
            raise _damaged(message("the part {digest} is missing", digest=digest[:19]))
        if isinstance(size, int) and size != len(data):
            raise _damaged(message("the part {digest} does not have the size that is written for it", digest=digest[:19]))
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            raise _damaged(message("the bytes of {digest} do not match their digest", digest=digest[:19]))
        return data

    def document(self, descriptor: Any) -> dict[str, Any]:
        return _json(self.blob(descriptor))


def read_dockerbuild(members: Iterable[Member], *, kind: RecordKind = "dockerbuild") -> tuple[ForeignBuild, ...]:
    """The builds in an archive, in the order of its index.

    Raises: BuildRecordError when it is damaged, too large, or holds no record of a build; ArchiveError of its reader.
    """
    archive = _read_members(members)
    if archive.index is None:
        raise BuildRecordError(message("It is an archive without an index, so it holds no record of a build."))
    records = list(_records(archive, _json(archive.index), 0))
    if not records:
        raise BuildRecordError(
            message("It is an archive without a record of a build."),
            fix=message("`speedkit layers` reads the archive of an image."),
        )
    return tuple(_build(archive, manifest, kind) for manifest in records)


def read_exported(path: Path) -> tuple[ForeignBuild, ...]:
    """The builds in a file that `docker buildx history export` has just written.

    Raises: BuildRecordError, ArchiveError.
    """
    with source_on_disk(path).members() as members:
        return read_dockerbuild(members, kind="buildx history")


def _read_members(members: Iterable[Member]) -> _Archive:
    # All blobs are held: the index that says which of them count comes last in the archive.
    archive, left_bytes = _Archive(), UNPACKED_BYTES_AT_MOST
    for header, stream in members:
        # Also of members without data, of which an archive may have any number.
        left_bytes -= header.stored_bytes + 512
        if left_bytes < 0:
            raise BuildRecordError(
                message("It unpacks to more than {mib} MiB; no more is read.", mib=UNPACKED_BYTES_AT_MOST >> 20)
            )
        name = BLOB_NAME.fullmatch(header.name)
        if header.type != "0":
            continue
        if name is not None:
            archive.blobs[f"{name[1]}:{name[2]}"] = stream.take_all(header.stored_bytes)
        elif header.name.removeprefix("./") == "index.json":
            archive.index = stream.take_all(header.stored_bytes)
    return archive


def _records(archive: _Archive, index: Mapping[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    """The manifests of the records below an index."""
    manifests = _field(index, "manifests")
    if depth > DEPTH_AT_MOST or (isinstance(manifests, list) and len(manifests) > RECORDS_AT_MOST):
        raise _damaged(message("its index is too long or too deep"))
    for descriptor in manifests if isinstance(manifests, list) else ():
        document = archive.document(descriptor)
        if isinstance(_field(document, "manifests"), list):
            yield from _records(archive, document, depth + 1)
        elif (_text(_field(document, "config"), "mediaType") or "").startswith(RECORD):
            yield document


def _build(archive: _Archive, manifest: Mapping[str, Any], kind: RecordKind) -> ForeignBuild:
    record = archive.document(_field(manifest, "config"))
    attributes = _texts(record.get("FrontendAttrs"))
    provenance = _provenance(archive, manifest)
    built = next(filter(None, map(built_dockerfile, provenance)), None)
    state = record.get("localState")
    progress = _progress(archive, manifest)
    solve = read_rawjson(progress.lines)
    steps, cached = _counts(record, solve)
    started, ended = _seconds(record.get("CreatedAt")), _seconds(record.get("CompletedAt"))
    outcome, error = _outcome(record, ended)
    return ForeignBuild(
        kind=kind,
        status_lines=tuple(progress.lines),
        steps=steps,
        cached_steps=cached,
        seconds=ended - started if started is not None and ended is not None else None,
        outcome=outcome,
        error=error,
        started=started,
        reference=_text(record, "Ref"),
        dockerfile=built[1] if built else None,
        dockerfile_name=attributes.get("filename") or (built[0] if built else None),
        folder=_text(state, "LocalPath"),
        commit=attributes.get("vcs:revision"),
        repository=attributes.get("vcs:source"),
        context_path=attributes.get("vcs:localdir:context"),
        dockerfile_path=attributes.get("vcs:localdir:dockerfile"),
        bases={name: digest for one in provenance for name, digest in base_digests(one).items()},
        target=attributes.get("target"),
        platform=attributes.get("platform") or _text(record, "DefaultPlatform"),
        build_args=_below(attributes, "build-arg:"),
        named_contexts=_below(attributes, "context:"),
        labels=_below(attributes, "label:"),
        cache_from=_cache_imports(attributes.get("cache-imports")),
        vertex_lines={digest: lines for one in provenance for digest, lines in vertex_lines(one).items()},
    )


def _progress(archive: _Archive, manifest: Mapping[str, Any]) -> ProgressLines:
    """The progress of a build: the messages of its log, or else the last state of its vertices, which some records add."""
    layers = _layers(manifest)
    progress = ProgressLines()
    # Where a record has both, only the messages have the logs and all the times of each step.
    for layer in layers:
        if (_text(layer, "mediaType") or "").startswith(STATUS):
            progress.add_all(rawjson_lines(archive.blob(layer)))
            return progress
    for layer in layers:
        if (_text(layer, "mediaType") or "").startswith(FOLDED_STATUS):
            progress.add(json.dumps(archive.document(layer)).encode() + b"\n")
    return progress


def _provenance(archive: _Archive, manifest: Mapping[str, Any]) -> list[Any]:
    """The provenance of each image of a build."""
    documents = []
    for layer in _layers(manifest):
        kind = _text(_field(layer, "annotations"), PREDICATE) or ""
        if _text(layer, "mediaType") == ATTESTATION and kind.startswith("https://slsa.dev/provenance/"):
            document = archive.document(layer)
            # A record has the bare predicate; in an attestation of an image, it stands in a statement.
            documents.append(document.get("predicate", document))
    return documents


def _counts(record: Mapping[str, Any], solve: Solve) -> tuple[int, int]:
    """The steps, and the cached ones of them. A record of an old BuildKit has no counts, but the same vertices."""
    total, cached = record.get("numTotalSteps"), record.get("numCachedSteps", 0)
    if isinstance(total, int) and total > 0 and isinstance(cached, int):
        return total, cached
    return len(solve.vertices), sum(vertex.cached for vertex in solve.vertices.values())


def _outcome(record: Mapping[str, Any], ended: float | None) -> tuple[Outcome | None, str | None]:
    problem = record.get("error")
    if problem is None:
        return ("done", None) if ended is not None else (None, None)
    text = _text(problem, "message") or message("The record does not say why it failed.")
    # BuildKit passes on the code of gRPC in most versions, and this text in all of them.
    is_cancelled = _field(problem, "code") == CANCELED or "context canceled" in text
    return "cancelled" if is_cancelled else "failed", text


def _cache_imports(text: str | None) -> tuple[str, ...]:
    """The caches that the build imported, as `--cache-from` takes them; buildx keeps of them only `ref` and `scope`."""
    try:
        imports = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return ()
    return tuple(
        ",".join([f"type={_text(one, 'Type')}", *(f"{name}={value}" for name, value in _texts(_field(one, "Attrs")).items())])
        for one in (imports if isinstance(imports, list) else ())
    )


def _seconds(stamp: Any) -> float | None:
    """Seconds since the epoch."""
    if isinstance(stamp, dict):
        seconds, nanoseconds = stamp.get("seconds", 0), stamp.get("nanos", 0)
        return seconds + nanoseconds / 1e9 if isinstance(seconds, int) and isinstance(nanoseconds, int) else None
    try:
        return datetime.fromisoformat(stamp).timestamp() if isinstance(stamp, str) else None
    except (ValueError, OverflowError):
        return None


def _json(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data) if len(data) <= DOCUMENT_BYTES_AT_MOST else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _damaged(message("a document in it is no JSON, or too long"))
    return document


def _damaged(why: str) -> BuildRecordError:
    return BuildRecordError(message("The record is damaged: {why}.", why=why), fix=message("Copy or export it again."))


def _layers(manifest: Mapping[str, Any]) -> list[Any]:
    layers = _field(manifest, "layers")
    return layers if isinstance(layers, list) else []


def _field(document: Any, name: str) -> Any:
    return document.get(name) if isinstance(document, dict) else None


def _text(document: Any, name: str) -> str | None:
    value = _field(document, name)
    return value if isinstance(value, str) else None


def _texts(table: Any) -> dict[str, str]:
    return {str(name): value for name, value in table.items() if isinstance(value, str)} if isinstance(table, dict) else {}


def _below(attributes: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in attributes.items() if name.startswith(prefix)}
