"""A recording: everything known of one build, as it came, in a folder of its own.

    meta.json        request, outcome, times, versions and facts of the machine
    raw.jsonl        every line of BuildKit's progress, unchanged
    Dockerfile       the text that was built
    context.json     the build context's manifest
    image.json       the image's history, layers and size; `null` when none was made

It is written under a temporary name and renamed, so that a crash leaves no half of one.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from speedkit.context import Manifest
from speedkit.errors import DiskFull, NewerRecording, RecordingError
from speedkit.model import Outcome
from speedkit.ownership import claimed

__all__ = ["FORMAT", "Meta", "Recording", "list_recordings", "new_id", "read_recording", "write_recording"]

FORMAT = 1
UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True)
class Meta:
    """What was asked for and how it ended.

    source: the app's own folder; folder: the one that was built, by which later builds find earlier ones.
    session: builds that belong together, such as one tour. bases: what the Dockerfile names → what `BuildBases` says.
    host_seconds: time spent on host commands before BuildKit began. answer: `{"ok", "said"}` or None.
    build_args, cache_from, cache_to: credentials are replaced by their digest. builder: None is the engine's own.
    """

    id: str
    app: str
    source: str
    folder: str
    strategy: str
    edit: str
    started_at: str
    seconds: float
    outcome: Outcome
    exit_code: int
    dockerfile_name: str = "Dockerfile"
    target: str | None = None
    build_args: dict[str, str] = field(default_factory=dict)
    isolation: str | None = None
    builder: str | None = None
    cache_from: list[str] = field(default_factory=list)
    cache_to: list[str] = field(default_factory=list)
    session: str | None = None
    bases: dict[str, dict[str, Any]] = field(default_factory=dict)
    host_seconds: float = 0.0
    error: str | None = None
    answer: dict[str, Any] | None = None
    machine: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recording:
    """A finished recording on disk; its parts are read when asked for."""

    folder: Path
    meta: Meta

    @cached_property
    def dockerfile(self) -> str:
        return self._bytes("Dockerfile").decode("utf-8", errors="surrogateescape")

    @cached_property
    def context(self) -> Manifest:
        return Manifest.from_json(self._text("context.json"))

    @cached_property
    def image(self) -> dict[str, Any] | None:
        found = self._json("image.json")
        if found is not None and not isinstance(found, dict):
            raise RecordingError(f"image.json of recording {self.meta.id} is not what speedkit writes.")
        return found

    def lines(self) -> Iterator[bytes]:
        """The raw lines, one at a time."""
        try:
            with (self.folder / "raw.jsonl").open("rb") as raw:
                yield from raw
        except OSError as problem:
            raise RecordingError(f"raw.jsonl of recording {self.meta.id} cannot be read: {problem}.") from None

    def _text(self, name: str) -> str:
        return self._bytes(name).decode("utf-8", errors="replace")

    def _bytes(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError as problem:
            raise RecordingError(f"{name} of recording {self.meta.id} cannot be read: {problem.strerror}.") from None

    def _json(self, name: str) -> Any:
        try:
            return json.loads(self._text(name))
        except (ValueError, RecursionError):
            raise RecordingError(f"{name} of recording {self.meta.id} is cut short or damaged.") from None


def new_id(strategy: str) -> str:
    """A name for a recording that sorts by time and is unique on this machine."""
    safe = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in strategy)[:40]
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{safe}-{uuid.uuid4().hex[:6]}"


def write_recording(
    folder: Path, meta: Meta, *, raw: Iterable[bytes], dockerfile: str, context: Manifest, image: dict[str, Any] | None
) -> Recording:
    """The recording, saved under `folder`.

    Raises: DiskFull when there is no room.
    """
    unfinished, final = folder / (UNFINISHED + meta.id), folder / meta.id
    try:
        with claimed(unfinished):
            unfinished.mkdir(parents=True)
            with (unfinished / "raw.jsonl").open("wb") as out:
                out.writelines(raw)
            (unfinished / "Dockerfile").write_bytes(dockerfile.encode("utf-8", errors="surrogateescape"))
            (unfinished / "context.json").write_text(context.to_json(), encoding="utf-8")
            (unfinished / "image.json").write_text(json.dumps(image), encoding="utf-8")
            (unfinished / "meta.json").write_text(json.dumps({"format": FORMAT} | asdict(meta)), encoding="utf-8")
            unfinished.rename(final)
    except OSError as problem:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise DiskFull(
            f"The recording of this build could not be saved in {folder}: {problem.strerror}.",
            fix="Free some room (`speedkit clean`, or move the state folder with SPEEDKIT_HOME).",
        ) from problem
    return Recording(final, meta)


def read_recording(folder: Path) -> Recording:
    """The recording in a folder.

    Raises: RecordingError when it is damaged, NewerRecording when a newer speedkit wrote it.
    """
    try:
        found = json.loads((folder / "meta.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        raise RecordingError(f"{folder} holds no readable recording: meta.json is missing or cut short.") from None
    if not isinstance(found, dict) or not isinstance(found.get("format"), int):
        raise RecordingError(f"{folder} holds no readable recording: meta.json is not what speedkit writes.")
    if found["format"] > FORMAT:
        raise NewerRecording(f"The recording {folder.name} was made by a newer speedkit.", fix="Update speedkit to read it.")
    del found["format"]
    try:
        meta = Meta(**found)
    except TypeError:
        raise RecordingError(f"{folder} holds no readable recording: meta.json lacks something.") from None
    _check(meta, folder)
    return Recording(folder, meta)


def _check(meta: Meta, folder: Path) -> None:
    texts = (meta.id, meta.app, meta.source, meta.folder, meta.strategy, meta.edit, meta.started_at)
    numbers = (meta.seconds, meta.host_seconds, meta.exit_code)
    tables = (meta.build_args, meta.bases, meta.machine)
    good = (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(number, int | float) for number in numbers)
        and all(isinstance(table, dict) for table in tables)
        and all(isinstance(base, dict) for base in meta.bases.values())
        and isinstance(meta.builder, str | None)
        and all(isinstance(places, list) for places in (meta.cache_from, meta.cache_to))
        and (meta.answer is None or isinstance(meta.answer, dict))
        and meta.outcome in get_args(Outcome)
    )
    if not good:
        raise RecordingError(f"{folder} holds no readable recording: a value in meta.json has the wrong type.")


def list_recordings(folder: Path, *, session: str | None = None, source: str | None = None) -> list[Recording]:
    """The recordings under a folder, oldest first; damaged and unfinished ones are left out."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        try:
            recording = read_recording(folder / name)
        except RecordingError:
            continue
        if session in (None, recording.meta.session) and source in (None, recording.meta.source):
            found.append(recording)
    return found
