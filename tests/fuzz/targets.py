"""What is fuzzed: for each reader, bytes in, everything that can be asked of the result asked, and seeds to begin with."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from speedkit.apps.sample import sample_folder
from speedkit.context import IgnorePatterns, Manifest, read_ignore_file
from speedkit.dockerfile import external_bases, needed_stages, read_dockerfile, stage_bases, target_index
from speedkit.errors import SpeedkitError
from speedkit.forecast import Forecaster, Situation
from speedkit.images.archive import read_archive
from speedkit.images.bytestream import ByteStream
from speedkit.images.dive import dive_figures
from speedkit.images.image import make_image
from speedkit.images.manifests import choose_image, describe_images
from speedkit.images.reading import read_layer
from speedkit.images.showing import to_json
from speedkit.images.store import LayerStore
from speedkit.recordings.rawjson import read_rawjson
from speedkit.recordings.reading import read_build
from speedkit.recordings.recording import Meta, read_recording, write_recording
from speedkit.recordings.steps import derive_steps
from tests.images.archives import COMPRESSIONS, config, docker_archive, layer

__all__ = ["TARGETS", "Target", "read"]

DOCKERFILE = "FROM alpine AS builder\nCOPY . .\nRUN make\nFROM scratch\nCOPY --from=builder /out /out\n"
LAYER = layer(("etc", None), ("etc/a", b"one"), ("etc/b", "-> a"), ("c", "link etc/a"), ("etc/.wh.gone", b""), ("f", "fifo"))
RAW = b"".join(
    json.dumps(status).encode() + b"\n"
    for status in (
        {"vertexes": [{"digest": "sha256:1", "name": "[builder 2/3] COPY . .", "started": "2026-01-01T00:00:00.5Z"}]},
        {"vertexes": [{"digest": "sha256:1", "inputs": ["sha256:0"], "cached": True, "completed": "2026-01-01T00:00:01Z"}]},
        {"statuses": [{"id": "extracting", "vertex": "sha256:1", "current": 10, "total": 20}]},
        {"logs": [{"vertex": "sha256:1", "stream": 1, "data": "aGVsbG8K", "timestamp": "2026-01-01T00:00:00Z"}]},
        {"warnings": [{"vertex": "sha256:1", "short": "aGVsbG8K"}]},
    )
)
META = Meta("1", "app", "/app", "/app", "x", "none", "2026-01-01T00:00:00+00:00", 1.0, "done", 0)
CONTEXT = Manifest.from_json(
    '{"ignore_file":"","columns":["path","kind","size_bytes","mode","digest","link","mtime_ns"],'
    '"entries":[["a","file",1,420,"00","",5],["b","symlink",0,511,"","a",5],["c","dir",0,493,"","",5]]}'
)
IMAGE = {"id": "sha256:0", "size_bytes": 5, "layers": [{"command": "COPY", "size_bytes": 5, "from_base": False}]}
PARTS = ("meta.json", "raw.jsonl", "Dockerfile", "context.json", "image.json")


@dataclass(frozen=True, slots=True)
class Target:
    """A reader. read: raises SpeedkitError for what it refuses, and nothing else. seeds: what it accepts."""

    read: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def _rawjson(data: bytes) -> None:
    solve = read_rawjson(data.splitlines(keepends=True))
    for vertex in solve.vertices.values():
        assert vertex.seconds(solve.last) >= 0
    for dockerfile in (None, read_dockerfile(DOCKERFILE)):
        derive_steps(dockerfile, solve, outcome="failed", build_args={}, target=None)


def _recording(data: bytes) -> None:
    """The first byte says which part of a good recording is replaced by the rest."""
    with tempfile.TemporaryDirectory() as place:
        found = write_recording(Path(place), META, raw=[RAW], dockerfile=DOCKERFILE, context=CONTEXT, image=IMAGE)
        (found.folder / PARTS[data[0] % len(PARTS)] if data else found.folder / PARTS[0]).write_bytes(data[1:])
        recording = read_recording(found.folder)
        read_build(recording)
        assert len(recording.context.by_path) <= len(recording.context.entries)


def _manifest(data: bytes) -> None:
    read = Manifest.from_json(data.decode("utf-8", "surrogateescape"))
    assert Manifest.from_json(read.to_json()) == read
    Forecaster(()).predict(Situation(read_dockerfile(DOCKERFILE), read))


def _layer(data: bytes) -> None:
    data = _sealed(data)
    read = [read_layer(ByteStream([half]), len(half)) for half in (data, LAYER)]
    image = make_image("sha256:0", "fuzzed", [(one.diff_id, "", one.files) for one in read])
    assert 0 <= image.wasted_bytes <= image.image_bytes
    dive_figures(image)
    to_json(image, files=True)


def _archive(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "image.tar"
        path.write_bytes(data if data[:2] == b"\x1f\x8b" else _sealed(data))
        to_json(read_archive(path, store=LayerStore(Path(place) / "layers")), files=True)


def _sealed(data: bytes) -> bytes:
    """The data with the right checksum in each header of a tar archive: else nearly all would end at the first one."""
    sealed, place = bytearray(data), 0
    while place + 512 <= len(sealed) and any(sealed[place : place + 512]):
        header = sealed[place : place + 512]
        total = sum(header[:148]) + 8 * 32 + sum(header[156:])
        sealed[place + 148 : place + 156] = f"{total:06o}\0 ".encode()
        digits = bytes(header[124:135])
        size = int(digits, 8) if digits.isdigit() and not set(digits) & set(b"89") else 0
        place += 512 + -(-size // 512) * 512
    return bytes(sealed)


def _image_documents(data: bytes) -> None:
    """Documents of an archive, their names and texts parted by null bytes."""
    fields = data.split(b"\0")
    names = [name.decode("utf-8", "replace") for name in fields[::2]]
    found = describe_images(dict(zip(names, fields[1::2], strict=False)))
    choose_image(found, None)


def _dockerfile(data: bytes) -> None:
    read = read_dockerfile(data.decode("utf-8", "surrogateescape"))
    assert all(stage.instructions for stage in read.stages) or read.stages
    target_index(read, None)
    stage_bases(read, build_args={}, target=None)
    needed_stages(read, build_args={}, target=None)
    external_bases(read, build_args={"VERSION": "1"}, target=None)
    Forecaster(()).predict(Situation(read, CONTEXT))


def _ignore_file(data: bytes) -> None:
    patterns = IgnorePatterns(read_ignore_file(data.decode("utf-8", "surrogateescape")))
    matched: tuple[bool, ...] = ()
    for path in ("a", "a/b.go", "a/b.go/.git"):
        _, matched = patterns.match(path, matched)
        patterns.may_hold_exceptions(path)


def _archives() -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as place:
        yield docker_archive(Path(place) / "plain.tar", [LAYER], ["COPY . ."]).read_bytes()
        for compress in COMPRESSIONS[1:]:
            path = docker_archive(Path(place) / "packed.tar", [LAYER, LAYER], ["COPY . .", None], compress=compress)
            yield path.read_bytes()


def _documents() -> bytes:
    about = config([LAYER], ["COPY . ."])
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["test:1"], "Layers": ["l.tar"]}]).encode()
    return b"\0".join((b"manifest.json", manifest, b"c.json", about))


def _dockerfiles() -> tuple[bytes, ...]:
    more = (
        b"# escape=`\nARG V=1\nFROM a:${V:-2} AS b\nRUN --mount=type=cache,target=/c <<E\nx\nE\nONBUILD COPY --chown=1 *.go /\n"
    )
    return (
        more,
        *(path.read_bytes() for path in sorted(sample_folder().glob("Dockerfile.*")) if path.suffix != ".dockerignore"),
    )


def _parts() -> tuple[bytes, ...]:
    with tempfile.TemporaryDirectory() as place:
        found = write_recording(Path(place), META, raw=[RAW], dockerfile=DOCKERFILE, context=CONTEXT, image=IMAGE)
        return tuple(bytes([number]) + (found.folder / name).read_bytes() for number, name in enumerate(PARTS))


TARGETS: dict[str, Target] = {
    "rawjson": Target(_rawjson, (RAW,)),
    "recording": Target(_recording, _parts()),
    "manifest": Target(_manifest, (CONTEXT.to_json().encode(),)),
    "layer": Target(_layer, (LAYER, gzip.compress(LAYER))),
    "archive": Target(_archive, tuple(_archives())),
    "image-documents": Target(_image_documents, (_documents(),)),
    "dockerfile": Target(_dockerfile, _dockerfiles()),
    "dockerignore": Target(_ignore_file, (b"*\n!a/b.go\n# no\n**/[a-c]?.go\n/x\\*y\n",)),
}


def read(name: str, data: bytes) -> None:
    """Give the data to a reader; its refusal is what is wanted, too."""
    try:
        TARGETS[name].read(data)
    except SpeedkitError:
        return
