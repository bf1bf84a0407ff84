"""A recording: all facts of one build, as they came, in a folder of its own.

    meta.json        request, outcome, times, versions and facts of the machine
    raw.jsonl        every line of BuildKit's progress, without secrets; the logs of steps in whole lines
    Dockerfile       the text that was built, without secrets
    context.json     the build context's manifest
    contexts.json    the manifests of the named build contexts that are folders, by name; only where a build has some
    image.json       the image's history, layers and size; `null` when none was made

It is written under a temporary name and then renamed, so a crash never leaves half a recording. Facts that come after the end
of the build, such as the image's layers, replace its files in the same way, one by one.

Recordings are ordered by a number that only grows, because the clock of a machine may be set back between two builds.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from speedkit.context import Manifest
from speedkit.errors import NO_ROOM, DiskFull, NewerRecording, RecordingError, SpeedkitError, StateRefused
from speedkit.messages import message
from speedkit.model import Outcome
from speedkit.ownership import claimed
from speedkit.regular_file import open_regular, read_regular
from speedkit.state import open_private, private_folder

from .numbering import next_number

__all__ = [
    "FORMAT",
    "Meta",
    "Recording",
    "complete_recording",
    "list_recordings",
    "new_id",
    "new_number",
    "read_recording",
    "write_recording",
]

FORMAT = 1
UNFINISHED = ".unfinished-"
META_BYTES = 64 << 20
PART_BYTES = 1 << 29
"""No build leaves as much. A larger file comes from somebody else, and must not stop the kit from working."""


@dataclass(frozen=True, slots=True)
class Meta:
    """The request for a build, and how the build ended.

    source: the app's own folder. folder: the folder that was built; later builds find earlier ones by it.
    session: names builds that belong together, such as those of one tour. bases: the facts of each base image, as in
    `BuildBases`, by its name in the Dockerfile. host_seconds: of host commands, before BuildKit began. answer: `{"ok", "said"}`
    or None. vertex_lines: the lines of the Dockerfile that BuildKit gives for each vertex, by its digest; a failed build has
    none. build_args, cache_from, cache_to: a keyed hash stands for each secret. builder: None is the one inside the engine.
    number: grows from build to build, whatever the clock shows; 0 in recordings of older versions, which come before all
    others. replaced_frontend: the frontend that `# syntax=` names, where the engine's own frontend read the Dockerfile.
    notices: sentences about what failed after the end of the build. options: those of `speedkit.engine.CommandOptions` that the
    build had, by name; of a secret and of an SSH agent only the id. imported: where a build that was made elsewhere came from,
    and what its record counts and lacks; None of a build that the kit made. reference: the build's name in the history of its
    builder; None where BuildKit did not give it.
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
    vertex_lines: dict[str, list[list[int]]] = field(default_factory=dict)
    number: int = 0
    notices: list[str] = field(default_factory=list)
    replaced_frontend: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    imported: dict[str, Any] | None = None
    reference: str | None = None

    @property
    def platform(self) -> str:
        """The platform that was built for; "" is the builder's own."""
        platforms = self.options.get("platforms")
        return str(platforms[0]) if isinstance(platforms, list) and platforms else ""

    @property
    def order(self) -> tuple[int, str]:
        """A key that sorts recordings from the oldest to the newest."""
        return self.number, self.id


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
    def named_contexts(self) -> dict[str, Manifest]:
        """The manifests of the named build contexts that are folders, by name."""
        if not (self.folder / "contexts.json").exists():
            return {}
        try:
            manifests = json.loads(self._text("contexts.json"))
            return {str(name): Manifest.from_json(json.dumps(manifest)) for name, manifest in manifests.items()}
        except (ValueError, AttributeError, RecursionError):
            raise RecordingError(
                message("{name} of recording {id} is cut short or damaged.", name="contexts.json", id=self.meta.id)
            ) from None

    @cached_property
    def image(self) -> dict[str, Any] | None:
        try:
            image = json.loads(self._text("image.json"))
        except (ValueError, RecursionError):
            raise RecordingError(
                message("{name} of recording {id} is cut short or damaged.", name="image.json", id=self.meta.id)
            ) from None
        if image is not None and not isinstance(image, dict):
            raise RecordingError(message("image.json of recording {id} is not what speedkit writes.", id=self.meta.id))
        return image

    def lines(self) -> Iterator[bytes]:
        """The raw lines, one at a time."""
        try:
            descriptor, status = open_regular(self.folder / "raw.jsonl")
            with os.fdopen(descriptor, "rb") as raw:
                if status.st_size > PART_BYTES:
                    raise RecordingError(
                        message("raw.jsonl of recording {id} is larger than what a build leaves.", id=self.meta.id)
                    )
                yield from raw
        except OSError as problem:
            raise self._unreadable("raw.jsonl", problem) from None

    def _text(self, name: str) -> str:
        return self._bytes(name).decode("utf-8", errors="replace")

    def _bytes(self, name: str) -> bytes:
        try:
            return read_regular(self.folder / name, at_most_bytes=PART_BYTES)
        except OSError as problem:
            raise self._unreadable(name, problem.strerror) from None

    def _unreadable(self, name: str, problem: object) -> RecordingError:
        return RecordingError(
            message("{name} of recording {id} cannot be read: {problem}.", name=name, id=self.meta.id, problem=problem)
        )


def new_id(strategy: str, started: datetime | None = None) -> str:
    """A new id for a recording: the time, the strategy, and letters that make it unique. started: None is now."""
    safe = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in strategy)[:40]
    return f"{started or datetime.now(UTC):%Y%m%dT%H%M%S%f}-{safe}-{uuid.uuid4().hex[:6]}"


def new_number(folder: Path) -> int:
    """The number of a build that begins now, greater than that of every recording under `folder`.

    0 where the number cannot be written. Such a build cannot be recorded either.
    """
    try:
        return next_number(folder, highest=lambda: max((one.meta.number for one in list_recordings(folder)), default=0))
    except OSError:
        return 0


def write_recording(
    folder: Path,
    meta: Meta,
    *,
    raw: Iterable[bytes],
    dockerfile: str,
    context: Manifest | None,
    image: dict[str, Any] | None,
    named_contexts: Mapping[str, Manifest] = MappingProxyType({}),
) -> Recording:
    """The recording, written under `folder`.

    context: None when it could not be read; such a recording can be shown, but no forecast uses it.
    named_contexts: the manifests of the named build contexts that are folders.
    Raises: DiskFull; StateRefused when the folder may not be written to.
    """
    final = folder / meta.id
    with claimed(folder / (UNFINISHED + meta.id)) as unfinished:
        try:
            private_folder(unfinished)
            _write(unfinished / "raw.jsonl", raw)
            # A Dockerfile need not be UTF-8: its bytes are written as they were read.
            _write(unfinished / "Dockerfile", [dockerfile.encode("utf-8", errors="surrogateescape")])
            if context is not None:
                _write(unfinished / "context.json", [context.to_json().encode()])
            if named_contexts:
                parts = (f"{json.dumps(name)}:{manifest.to_json()}" for name, manifest in named_contexts.items())
                _write(unfinished / "contexts.json", [("{" + ",".join(parts) + "}").encode()])
            _write(unfinished / "image.json", [json.dumps(image).encode()])
            _write(unfinished / "meta.json", [_meta_json(meta).encode()])
            unfinished.rename(final)
        except OSError as problem:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise _not_saved(folder, problem) from problem
    return Recording(final, meta)


def complete_recording(recording: Recording, meta: Meta, *, image: dict[str, Any] | None) -> Recording:
    """The recording with later facts: of the image, and in `meta`. Where they cannot be written, it stays as it was.

    Raises: DiskFull, StateRefused.
    """
    try:
        # meta.json comes last: when it no longer says that the image lacks a description, image.json has one.
        for name, text in (("image.json", json.dumps(image)), ("meta.json", _meta_json(meta))):
            new = recording.folder / (UNFINISHED + name)
            try:
                _write(new, [text.encode()])
                new.replace(recording.folder / name)
            except OSError:
                new.unlink(missing_ok=True)
                raise
    except OSError as problem:
        raise _not_saved(recording.folder.parent, problem) from problem
    return Recording(recording.folder, meta)


def _write(path: Path, parts: Iterable[bytes]) -> None:
    with open_private(path) as out:
        out.writelines(parts)


def _meta_json(meta: Meta) -> str:
    return json.dumps({"format": FORMAT} | asdict(meta))


def _not_saved(folder: Path, problem: OSError) -> SpeedkitError:
    sentence = message(
        "The recording of this build could not be saved in {folder}: {problem}.",
        folder=folder,
        problem=problem.strerror or problem,
    )
    if problem.errno in NO_ROOM:
        fix = message("Free some room (`speedkit clean`, or move the state folder with SPEEDKIT_HOME).")
        return DiskFull(sentence, fix=fix)
    return StateRefused(sentence, fix=message("Set SPEEDKIT_HOME to a folder that you may write to."))


def read_recording(folder: Path) -> Recording:
    """The recording in a folder.

    Raises: RecordingError when it is damaged, NewerRecording when a newer speedkit wrote it.
    """
    try:
        fields = json.loads(read_regular(folder / "meta.json", at_most_bytes=META_BYTES))
    except (OSError, ValueError, RecursionError):
        sentence = message("{folder} holds no readable recording: meta.json is missing or cut short.", folder=folder)
        raise RecordingError(sentence) from None
    if not isinstance(fields, dict) or not isinstance(fields.get("format"), int):
        raise RecordingError(
            message("{folder} holds no readable recording: meta.json is not what speedkit writes.", folder=folder)
        )
    if fields["format"] > FORMAT:
        raise NewerRecording(
            message("The recording {name} was made by a newer speedkit.", name=folder.name),
            fix=message("Update speedkit to read it."),
        )
    del fields["format"]
    try:
        meta = Meta(**fields)
    except TypeError:
        sentence = message("{folder} holds no readable recording: meta.json lacks something.", folder=folder)
        raise RecordingError(sentence) from None
    _check(meta, folder)
    if meta.builder is not None and not meta.bases:
        # Older versions recorded a private cache for builds on another builder, though nothing isolated their base images.
        meta = replace(meta, isolation=None)
    return Recording(folder, meta)


def _check(meta: Meta, folder: Path) -> None:
    # By type alone: readers use each field as what it is declared to be, and nothing else checks it.
    texts = (meta.id, meta.app, meta.source, meta.folder, meta.strategy, meta.edit, meta.started_at)
    numbers = (meta.seconds, meta.host_seconds, meta.exit_code)
    tables = (meta.build_args, meta.bases, meta.machine, meta.options)
    good = (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(number, int | float) for number in numbers)
        and all(isinstance(table, dict) for table in tables)
        and all(isinstance(base, dict) for base in meta.bases.values())
        and isinstance(meta.vertex_lines, dict)
        and all(isinstance(ranges, list) for ranges in meta.vertex_lines.values())
        and all(
            isinstance(span, list) and len(span) == 2 and all(isinstance(line, int) for line in span)
            for ranges in meta.vertex_lines.values()
            for span in ranges
        )
        and isinstance(meta.reference, str | None)
        and isinstance(meta.builder, str | None)
        and isinstance(meta.replaced_frontend, str | None)
        and type(meta.number) is int
        and isinstance(meta.notices, list)
        and all(isinstance(places, list) for places in (meta.cache_from, meta.cache_to))
        and (meta.answer is None or isinstance(meta.answer, dict))
        and (meta.imported is None or _is_imported(meta.imported))
        and meta.outcome in get_args(Outcome)
    )
    if not good:
        raise RecordingError(
            message("{folder} holds no readable recording: a value in meta.json has the wrong type.", folder=folder)
        )


def _is_imported(facts: Any) -> bool:
    """Whether the facts of a build that was made elsewhere have the types that their readers use them as."""
    return (
        isinstance(facts, dict)
        and all(isinstance(facts.get(name), str) for name in ("kind", "source", "record"))
        and all(isinstance(facts.get(name), int) for name in ("steps", "cached_steps"))
        and isinstance(facts.get("seconds", ""), int | float | None)
        and all(isinstance(facts.get(name), str | None) for name in ("commit", "repository"))
        and all(isinstance(facts.get(name), list) for name in ("not_understood", "unknown"))
        and all(isinstance(place, list) and [*map(type, place)] == [int, str] for place in facts["not_understood"])
    )


def list_recordings(folder: Path, *, session: str | None = None, source: str | None = None) -> list[Recording]:
    """The recordings under a folder, oldest first; damaged and unfinished ones are left out."""
    try:
        # Names with a dot: unfinished and half-removed recordings, and the files of numbers and sizes.
        names = [entry.name for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as problem:
        raise StateRefused(
            message("The recordings in {folder} cannot be listed: {problem}.", folder=folder, problem=problem.strerror),
            fix=message("Set SPEEDKIT_HOME to a folder that you may read."),
        ) from None
    recordings = []
    for name in names:
        try:
            recording = read_recording(folder / name)
        except RecordingError:
            continue
        if session in (None, recording.meta.session) and source in (None, recording.meta.source):
            recordings.append(recording)
    return sorted(recordings, key=lambda recording: recording.meta.order)
