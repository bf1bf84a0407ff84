"""Small records of builds: rawjson lines, the protobuf messages of a history record, and the archive that holds them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import tarfile
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from speedkit.build_records.status_messages import STATUS_RESPONSE

STARTED = "2026-03-01T10:00:00.000000000Z"
COMPLETED = "2026-03-01T10:00:02.500000000Z"
DOCKERFILE = "FROM scratch\nCOPY a.txt /\nCOPY b.txt /\n"
STATUS_TYPE = "application/vnd.buildkit.status.v0"
RECORD_TYPE = "application/vnd.buildkit.historyrecord.v0"


def digest_of(name: str) -> str:
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def vertex(name: str, *, started: str | None = STARTED, completed: str | None = COMPLETED, **more: Any) -> dict[str, Any]:
    times = {key: stamp for key, stamp in (("started", started), ("completed", completed)) if stamp}
    return {"digest": digest_of(name), "name": name, **times, **more}


def status_line(**facts: Any) -> str:
    """A line of rawjson with one vertex. facts: as of `vertex`."""
    return json.dumps({"vertexes": [vertex(**facts)]}) + "\n"


def log_status(name: str, text: bytes) -> dict[str, Any]:
    return {"logs": [{"vertex": digest_of(name), "stream": 1, "data": b64encode(text).decode(), "timestamp": STARTED}]}


STATUSES = (
    {"vertexes": [vertex("[internal] load build definition from Dockerfile")]},
    {"vertexes": [vertex("[1/2] COPY a.txt /", cached=True, inputs=[digest_of("a"), digest_of("b")])]},
    {"vertexes": [vertex("[2/2] COPY b.txt /", completed=None, progressGroup={"id": "one", "name": "two", "weak": True})]},
    {"statuses": [{"id": "transfer", "vertex": digest_of("[2/2] COPY b.txt /"), "current": 70_000, "total": 70_001}]},
    log_status("[2/2] COPY b.txt /", b"caf\xc3"),
    {"vertexes": [vertex("[2/2] COPY b.txt /")]},
    {"warnings": [{"vertex": digest_of("a"), "level": 1, "short": b64encode(b"why").decode(), "detail": ["YQ==", "Yg=="]}]},
)


def encoded(status: Mapping[str, Any], fields: Mapping[int, Any] = STATUS_RESPONSE) -> bytes:
    """A status as protobuf. fields: those of the message, as its reader has them."""
    parts = []
    for number, (name, holds, is_repeated) in fields.items():
        if name not in status:
            continue
        for value in status[name] if is_repeated else [status[name]]:
            if holds in ("number", "boolean"):
                parts.append(varint(number << 3) + varint(int(value)))
                continue
            content = _content(value, holds)
            parts.append(varint(number << 3 | 2) + varint(len(content)) + content)
    return b"".join(parts)


def _content(value: Any, holds: Any) -> bytes:
    if holds == "base64":
        return b64decode(value)
    if holds == "text":
        return value.encode()
    if holds == "time":
        whole, _, nanoseconds = value.removesuffix("Z").partition(".")
        seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
        return varint(1 << 3) + varint(seconds) + varint(2 << 3) + varint(int(nanoseconds))
    return encoded(value, holds)


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    digits = bytearray()
    while value >= 0x80:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])


def framed(statuses: Sequence[Mapping[str, Any]]) -> bytes:
    """The blob of a progress: each message behind its length."""
    return b"".join(struct.pack("<I", len(message)) + message for message in map(encoded, statuses))


def provenance(dockerfile: str, materials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    located = {"locations": [{"ranges": [{"start": {"line": 2}, "end": {"line": 2}}]}]}
    source = {
        "locations": {"step0": located},
        "infos": [{"filename": "Dockerfile", "data": b64encode(dockerfile.encode()).decode()}],
    }
    return {
        "materials": list(materials),
        "buildConfig": {"digestMapping": {digest_of("[1/2] COPY a.txt /"): "step0"}},
        "metadata": {"https://mobyproject.org/buildkit@v1#metadata": {"source": source}},
    }


@dataclass
class Archive:
    """An archive in the layout of OCI, in the making."""

    blobs: dict[str, bytes] = field(default_factory=dict)

    def add(self, content: bytes | Mapping[str, Any], media_type: str, **annotations: str) -> dict[str, Any]:
        """The descriptor of a new blob."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blobs[digest] = data
        more = {"annotations": {name.replace("__", "/"): text for name, text in annotations.items()}} if annotations else {}
        return {"mediaType": media_type, "digest": digest, "size": len(data), **more}

    def record(
        self,
        reference: str = "ref1",
        *,
        statuses: Sequence[Mapping[str, Any]] = STATUSES,
        dockerfile: str | None = DOCKERFILE,
        folded: bool = False,
        materials: Sequence[Mapping[str, Any]] = (),
        **facts: Any,
    ) -> dict[str, Any]:
        """The descriptor of a record's manifest.

        facts: fields of the record. folded: the progress as one JSON document. materials: of the provenance.
        """
        record = {
            "Ref": reference,
            "FrontendAttrs": {"filename": "Dockerfile"},
            "CreatedAt": {"seconds": 1_772_359_200, "nanos": 500_000_000},
            "CompletedAt": {"seconds": 1_772_359_203},
            "numTotalSteps": 3,
            "numCachedSteps": 1,
            **facts,
        }
        if folded:
            merged = {"vertexes": [vertex for status in statuses for vertex in status.get("vertexes", ())]}
            layers = [self.add(merged, "application/vnd.buildkit.solvestatus.v0")]
        else:
            layers = [self.add(framed(statuses), STATUS_TYPE)]
        if dockerfile is not None:
            kind = {"in-toto.io__predicate-type": "https://slsa.dev/provenance/v0.2"}
            layers.append(self.add(provenance(dockerfile, materials), "application/vnd.in-toto+json", **kind))
        config = self.add({name: value for name, value in record.items() if value is not None}, RECORD_TYPE)
        manifest = {"schemaVersion": 2, "config": config, "layers": layers}
        return self.add(manifest, "application/vnd.oci.image.manifest.v1+json")

    def packed(self, *manifests: Mapping[str, Any], is_packed: bool = True) -> bytes:
        """The archive. Several records are below an index of their own, as buildx writes them."""
        top = list(manifests)
        if len(top) > 1:
            media_type = "application/vnd.oci.image.index.v1+json"
            top = [self.add({"schemaVersion": 2, "manifests": top}, media_type)]
        files = {
            **{f"blobs/{digest.replace(':', '/')}": data for digest, data in self.blobs.items()},
            "index.json": json.dumps({"schemaVersion": 2, "manifests": top}).encode(),
            "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        }
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        return gzip.compress(buffer.getvalue()) if is_packed else buffer.getvalue()


def record_file(reference: str = "ref1", **facts: Any) -> bytes:
    """A `.dockerbuild` file with one record. facts: as of `Archive.record`."""
    archive = Archive()
    return archive.packed(archive.record(reference, **facts))
