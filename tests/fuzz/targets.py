"""What is fuzzed: for each reader, bytes in, everything that can be asked of the result asked, and seeds to begin with."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from speedkit.advice import unsteady_steps
from speedkit.apps.sample import sample_folder
from speedkit.build_records.text_log import read_text_log
from speedkit.cache import CacheModel, Situation
from speedkit.context import IgnorePatterns, Manifest, PathPattern, read_ignore_file
from speedkit.dockerfile import external_bases, needed_stages, read_dockerfile, stage_bases, target_index
from speedkit.dockerfile.expansion import SubstitutionError, expand
from speedkit.engine.unix_socket import Answer
from speedkit.errors import SpeedkitError
from speedkit.host_packages.debian import main_source, read_release
from speedkit.images.archive import read_archive
from speedkit.images.bytestream import ByteStream
from speedkit.images.dive import dive_figures
from speedkit.images.image import make_image
from speedkit.images.layer_reader import read_layer
from speedkit.images.manifests import choose_image, describe_images
from speedkit.images.plain_data import to_json
from speedkit.images.store import LayerStore
from speedkit.page.failure_marks import failing_line, marks_of, moved_mark
from speedkit.page.log_lines import LogLines
from speedkit.recordings.log_limit import limited
from speedkit.recordings.rawjson import read_rawjson
from speedkit.recordings.recording import Meta, read_recording, write_recording
from speedkit.recordings.recording_reader import read_build
from speedkit.recordings.redaction import Redaction
from speedkit.recordings.steps import derive_steps
from speedkit.rendering.ansi import ansi_to_html, plain_log
from tests.fuzz.shown import HTML_SEEDS, TERMINAL_SEEDS, html_of_a_text, terminal_of_a_text
from tests.images.archives import COMPRESSIONS, config, docker_archive, layer
from tests.widgets.builds import FAILED, a_build

__all__ = ["SECONDS_FOR_4_KB", "TARGETS", "Target", "read"]

SECONDS_FOR_4_KB = 1.0
"""Processor time, so that a busy machine makes no difference. What is longer may take longer."""

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
SECRET = "tok-8f3kq0zx71mw"  # noqa: S105 (it is looked for in what comes out)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
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
    CacheModel(()).predict(Situation(read_dockerfile(DOCKERFILE), read))


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


def _store(data: bytes) -> None:
    """The store stays true: whatever was read before, an archive is read as by an empty store; and the other way round."""
    with tempfile.TemporaryDirectory() as place:
        made_up, good = Path(place) / "made-up.tar", Path(place) / "good.tar"
        made_up.write_bytes(data if data[:2] == b"\x1f\x8b" else _sealed(data))
        good.write_bytes(TARGETS["store"].seeds[0])
        shared = LayerStore(Path(place) / "shared")
        first = _seen_in(made_up, shared)
        assert _seen_in(good, shared) == _seen_in(good, LayerStore(Path(place) / "empty"))
        assert _seen_in(made_up, shared) == first


def _seen_in(archive: Path, store: LayerStore) -> object:
    """What an archive is said to hold, or that it is refused."""
    try:
        return to_json(read_archive(archive, store=store), files=True)
    except SpeedkitError as problem:
        return type(problem)


def _shell_commands(data: bytes) -> None:
    """A command line of a RUN, looked through for what does not come out the same twice."""
    command = " ".join(data.decode("utf-8", "replace").split())
    dockerfile = read_dockerfile(f"FROM scratch\nRUN {command}\n")
    unsteady_steps(Situation(dockerfile, CONTEXT))


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
    CacheModel(()).predict(Situation(read, CONTEXT))


def _ignore_file(data: bytes) -> None:
    patterns = IgnorePatterns(read_ignore_file(data.decode("utf-8", "surrogateescape")))
    matched: tuple[bool, ...] = ()
    for path in ("a", "a/b.go", "a/b.go/.git"):
        _, matched = patterns.match(path, matched)
        patterns.may_hold_exceptions(path)


def _patterns(data: bytes) -> None:
    """A pattern, a text to hold it against, and a word to expand, parted by null bytes."""
    pattern, name, word = [*data.decode("utf-8", "surrogateescape").split("\0"), "", ""][:3]
    for text in (name, "a" * 200):
        PathPattern(pattern).fits(text)
        with contextlib.suppress(SpeedkitError):
            IgnorePatterns([pattern]).match(text, ())
        with contextlib.suppress(SubstitutionError):
            expand(word, {"A": text})
        for modifier in ("#", "##", "%", "%%", "/", "//"):
            with contextlib.suppress(SubstitutionError):
                expand(f"${{A{modifier}{pattern}/x}}", {"A": text})


def _log(data: bytes) -> None:
    """The first byte says into how large chunks the log is cut. Nothing of an escape sequence or of markup gets through."""
    size, data = (data[0] or 256, data[1:]) if data else (1, b"")
    lines = LogLines()
    for start in range(0, len(data), size):
        lines.feed_chunks([data[start : start + size]])
    shown = lines.page(0, lines.total)
    texts = [part for line in shown for part in ([line] if isinstance(line, str) else [text for text, _ in line])]
    assert not _CONTROL.search("".join([*texts, *lines.plain()]))
    assert "".join(texts) == "".join(lines.plain())
    lines.find("a")
    text = data.decode("utf-8", "replace")
    assert not _CONTROL.search(plain_log(text))
    html = ansi_to_html(text)
    assert not _CONTROL.search(html)
    assert "<" not in re.sub(r"</span>|<span style=\"[a-z0-9:#;()., A-Z-]*\">", "", html)


def _text_log(data: bytes) -> None:
    """A log of CI. Its builds count no more cached steps than steps, and what is read of them can be read as a recording."""
    for build in read_text_log(io.BytesIO(data)):
        assert 0 <= build.cached_steps <= build.steps
        assert all(line.endswith(b"\n") for line in build.status_lines)
        solve = read_rawjson(build.status_lines)
        assert len(solve.vertices) <= build.steps
        assert all(0 <= vertex.seconds(solve.last) < 1e12 for vertex in solve.vertices.values())
        derive_steps(None, solve, outcome=build.outcome or "cancelled", build_args={}, target=None)


def _failure_marks(data: bytes) -> None:
    """A log whose lines name lines of a file, and the error of the build."""
    text = data.decode("utf-8", "replace")
    for build in (a_build(*FAILED, outcome="failed", step_error=text), a_build(outcome="failed", error=text)):
        log = text.split("\n")
        for mark in marks_of(build, dockerfile="./Dockerfile", log=log, has_file={"main.go", "a/b.go"}.__contains__):
            assert mark.line >= 0
            moved_mark(mark, text)
        assert failing_line(log) is not None


def _stream(data: bytes) -> None:
    """Lines of BuildKit as a build takes them in: cut, redacted, folded; what is told before is found again."""
    redaction = Redaction({"API_TOKEN": SECRET}, {}, dockerfile=DOCKERFILE)
    lines = [kept for line in limited(data.splitlines(keepends=True)) for kept in redaction.lines(line)]
    solve = read_rawjson([*lines, *redaction.rest()])
    derive_steps(read_dockerfile(DOCKERFILE), solve, outcome="running", build_args={}, target=None, now=solve.last)


def _redaction(data: bytes) -> None:
    """A log with a secret in it, cut into chunks anywhere. The first two bytes say where it stands and how it is cut."""
    place, size, data = (*data[:2], data[2:]) if len(data) > 1 else (0, 1, data)
    log = data[:place] + b"\n" + SECRET.encode() + b"\n" + data[place:]
    chunks = [log[start : start + (size or 256)] for start in range(0, len(log), size or 256)]
    redaction = Redaction({"API_TOKEN": SECRET}, {}, dockerfile=DOCKERFILE)
    lines = [kept for chunk in chunks for kept in redaction.lines(_log_line(chunk))]
    solve = read_rawjson([*lines, *redaction.rest()])
    assert SECRET not in "".join(vertex.log for vertex in solve.vertices.values())
    text = log.decode("utf-8", "replace")
    assert SECRET not in redaction.text(text)
    assert SECRET not in json.dumps(redaction.document({"said": text, "more": [text]}))


def _log_line(chunk: bytes) -> bytes:
    entry = {"vertex": "sha256:1", "stream": 1, "data": base64.b64encode(chunk).decode()}
    return json.dumps({"logs": [entry]}).encode() + b"\n"


class _Line(io.RawIOBase):
    """A socket, as a file, that says what a fuzzer made up, a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = min(len(buffer), 1 + len(self._data) // 3, len(self._data))
        buffer[:size], self._data = self._data[:size], self._data[size:]
        return size


def _engine_answer(data: bytes) -> None:
    try:
        answer = Answer(_Line(data))
        answer.read_all()
    except OSError:
        return


def _debian(data: bytes) -> None:
    """What the lists of packages of this machine may say."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "sources.list.d").mkdir()
        for name in ("sources.list", "sources.list.d/a.list", "sources.list.d/a.sources", "release"):
            (folder / name).write_bytes(data)
        read_release(folder / "release")
        main_source("bookworm", folder)


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


_COMMANDS = (
    b"apt-get update && pip install a==1.* https://x/y@1.2 && npm i -g c@^1.2.3 && go install a.b/c@latest",
    b"git clone https://x/y; cargo install a@1 -- ; gem install a:1.2; apk add --no-cache b=~1; curl http://x/latest | sh",
)
_DEBIAN_LISTS = (
    b"Types: deb\nURIs: http://deb.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k.gpg\n",
    b"# x\ndeb [signed-by=/k.gpg arch=amd64] http://deb.example/debian bookworm main\n",
    b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian \xe9"\n',
)

PLAIN_LOG = (
    b"#0 building with x\n#1 [internal] load build definition from D\n#1 transferring dockerfile: 2B done\n#1 DONE 0.0s\n\n"
    b"#2 [a 1/2] FROM x\n#2 sha256:1 1.2MB / 3MB 0.3s\n#2 CACHED\n\n#3 [a 2/2] RUN y\n#3 0.512 text\n#3 ...\n\n"
    b"#4 [b 1/1] RUN z\n#4 CANCELED\n\n#3 [a 2/2] RUN y\n#3 ERROR: exit code: 1\n------\n > [a 2/2] RUN y:\n0.512 text\n"
    b"------\nD:2\n--------------------\n   2 | >>> RUN y\n--------------------\nERROR: failed to solve: exit code: 1\n"
)
PREFIXED_LOG = (
    b"2024-05-01T12:00:00.1234567Z ##[group]#1 [1/1] RUN \xe9\r\n12:00:01 [a] #1 0.5 \x1b[1mx\x1b[0m\n#1*** DONE 1.***s\n"
)
CLASSIC_LOG = (
    b"Sending build context to Docker daemon  9kB\nStep 1/2 : FROM a AS b\na: Pulling from a\n1: Pull complete\n"
    b" ---> 0a29ea7cbdfd\n# Executing 1 build trigger\n ---> Using cache\nweb | Step 2/2 : RUN c\n ---> Running in 06b96b3ef8\n"
    b"x\nThe command '/bin/sh -c c' returned a non-zero code: 1\nSuccessfully built 194daff60077\n"
)

TARGETS: dict[str, Target] = {
    "rawjson": Target(_rawjson, (RAW,)),
    "recording": Target(_recording, _parts()),
    "manifest": Target(_manifest, (CONTEXT.to_json().encode(),)),
    "layer": Target(_layer, (LAYER, gzip.compress(LAYER))),
    "archive": Target(_archive, tuple(_archives())),
    "store": Target(_store, tuple(_archives())),
    "shell-commands": Target(_shell_commands, _COMMANDS),
    "image-documents": Target(_image_documents, (_documents(),)),
    "dockerfile": Target(_dockerfile, _dockerfiles()),
    "html": Target(html_of_a_text, HTML_SEEDS),
    "terminal": Target(terminal_of_a_text, TERMINAL_SEEDS),
    "dockerignore": Target(_ignore_file, (b"*\n!a/b.go\n# no\n**/[a-c]?.go\n/x\\*y\n",)),
    "patterns": Target(_patterns, (b"*a[b-c]?**/x\0a/bcd\0${A%*.?}", b"\\*[^a-]{2}|x\0aab\0'$A'\"${B:-${A//a/b}}\"")),
    "log": Target(
        _log, (b"\x05\x1b[1;31mred\x1b[0m\rover\n\x1b]0;title\x07<b>", b"\0\x1b[38;5;3mx\x1b[38;2;1;2;3my\r\n\xc2\x9b")
    ),
    "text-log": Target(_text_log, (PLAIN_LOG, PREFIXED_LOG, CLASSIC_LOG)),
    "failure-marks": Target(
        _failure_marks, (b"./main.go:12:3: boom\na/b.go:1: x\nexit code: 2", b"Dockerfile:7\nparse error on line 3")
    ),
    "stream": Target(_stream, (RAW,)),
    "redaction": Target(_redaction, (b"\x05\x03Bearer abc https://u:p@h/x -----BEGIN", b"\0\0password=hunter2000\n")),
    "engine-answer": Target(_engine_answer, (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"HTTP/1.1 404 no\r\n\r\n{}")),
    "debian-lists": Target(_debian, _DEBIAN_LISTS),
}


def read(name: str, data: bytes) -> None:
    """Give the data to a reader; its refusal is what is wanted, too. An AssertionError when it takes too long."""
    _warm_up(name)
    began = time.process_time()
    with contextlib.suppress(SpeedkitError):
        TARGETS[name].read(data)
    taken, allowed = time.process_time() - began, SECONDS_FOR_4_KB * max(1.0, len(data) / 4096)
    assert taken <= allowed, f"{name} took {taken:.2f} s of processor time for {len(data)} bytes; {allowed:.2f} s are allowed"


@cache
def _warm_up(name: str) -> None:
    """What is loaded or compiled when a reader is first used counts for no input."""
    for seed in TARGETS[name].seeds:
        TARGETS[name].read(seed)
