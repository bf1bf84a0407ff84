"""Finds the builds of a folder that were made with plain `docker build`, and keeps them as recordings.

BuildKit keeps records of its last builds (50, and for two days more), and buildx keeps a small file for each build that it
started: the folder, and the Dockerfile. So a look at these files says whether anything is new, without a question to an engine.
The record of a build has its steps, and with provenance its Dockerfile; it does not have the build context. That is read now:
a file that was written after the build began counts as changed since, because nobody knows what it held.

The kit's own builds are in the same history. Their recordings have its names for them; a failed one has a label of the kit.
Source: docker/buildx, localstate/localstate.go.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from speedkit.build_records import ForeignBuild, ImportedRecords, KnownHere, Shelf, imported_build, read_exported
from speedkit.builders import Builder, builder_if_any, builder_named, built_references, export_records, plain_bases
from speedkit.builds import dockerfile_text
from speedkit.context import Entry, Manifest, read_context
from speedkit.engine import LABEL, Engine, buildx_folder, connect, endpoint_of_context
from speedkit.errors import EngineSilent, SpeedkitError
from speedkit.messages import message
from speedkit.ownership import scratch_folder
from speedkit.recordings import Recording
from speedkit.regular_file import read_regular
from speedkit.state import state_folder

from .find_builds import recordings

__all__ = ["find_plain_builds", "import_history"]

NEWEST = 50
"""How many builds are looked at."""
REMEMBERED_SECONDS = 3 * 24 * 3600.0
"""BuildKit remembers its newest 50 builds, and others for two days after their end; a build may take a day.
Source: moby/buildkit, solver/llbsolver/history.go."""
STATE_BYTES = 1 << 16
LOOKED_AT = ".looked-at"
"""A file beside the recordings, with the references of builds that gave no recording: those of the kit, and forgotten ones."""
LOOKED_AT_REFERENCES = 5000
FORGOTTEN_SECONDS = 3600.0
"""After this time, a build that is not in the history is not looked for again: it is over, and BuildKit has forgotten it."""


@dataclass(frozen=True, slots=True)
class _StartedBuild:
    """A build that buildx started, by its own notes. started: seconds since the epoch, by this machine's clock."""

    builder: str
    reference: str
    folder: str
    dockerfile: Path
    started: float


def find_plain_builds(folder: str | None = None, builder: str | None = None) -> None:
    """Keep the builds of a folder that a builder made for others than the kit. Where nobody answers, nothing is found.

    folder: None is the current one. builder: its name in buildx; None is the one inside the engine.
    """
    # The question is asked along the way: a forecast or an explanation goes on without the answer.
    with suppress(SpeedkitError, OSError, subprocess.TimeoutExpired):
        started = list(_started_builds(folder or str(Path.cwd())))
        if started:
            recorded = recordings()
            new = _new(started, recorded)
            asked = builder_if_any(builder) if new else None
            if asked is not None and asked.engine is not None:
                _Search(asked, asked.engine, recorded).keep(new)


def import_history(builder: str | None = None) -> ImportedRecords:
    """The builds in a builder's history that were made with plain `docker build`, each kept as a recording.

    builder: its name in buildx; None is the one inside the engine. Builds of folders that are gone are left out.
    Raises: NoEngine, UnknownBuilder; DiskFull, StateRefused; EngineSilent where the builder does not answer.
    """
    asked = builder_named(connect(), builder)
    recorded = recordings()
    started = [one for one in _started_builds() if Path(one.folder).is_dir()]
    if asked.engine is not None:
        try:
            _Search(asked, asked.engine, recorded).keep(_new(started, recorded))
        except subprocess.TimeoutExpired:
            raise EngineSilent(message("The builder {name} does not answer.", name=asked.display_name)) from None
    references = {one.reference for one in started}
    kept = [one for one in recordings() if one.meta.imported and one.meta.reference in references]
    return ImportedRecords(tuple(map(imported_build, kept)))


def _new(started: Iterable[_StartedBuild], recorded: Sequence[Recording]) -> list[_StartedBuild]:
    """The last builds of all that have no recording yet, and were not looked at in vain."""
    earlier = {one.meta.reference for one in recorded} | _looked_at()
    last = sorted(started, key=lambda one: one.started)[-NEWEST:]
    return [one for one in last if one.reference not in earlier]


def _started_builds(folder: str | None = None) -> Iterator[_StartedBuild]:
    """The builds of a folder, or of all, by the notes of buildx: `refs/BUILDER/NODE/REFERENCE`."""
    place = os.path.realpath(folder) if folder is not None else None
    for node in (buildx_folder() / "refs").glob("*/*"):
        for path, started in _remembered(node):
            with suppress(OSError, ValueError, RecursionError):
                notes = json.loads(read_regular(path, at_most_bytes=STATE_BYTES))
                context = notes.get("LocalPath") if isinstance(notes, dict) else None
                if isinstance(context, str) and context and place in (None, os.path.realpath(context)):
                    # buildx leaves the path empty for the Dockerfile that it takes without `-f`.
                    dockerfile = Path(context, str(notes.get("DockerfilePath") or "Dockerfile"))
                    yield _StartedBuild(node.parent.name, path.name, folder or context, dockerfile, started)


def _remembered(node: Path) -> list[tuple[Path, float]]:
    """The notes of a node's builds that BuildKit may remember, with the time of each. buildx keeps its notes for ever."""
    notes = list[tuple[Path, float]]()
    with suppress(OSError), os.scandir(node) as files:
        for file in files:
            # A build that ends at this moment removes its note.
            with suppress(OSError):
                notes.append((Path(file.path), file.stat().st_mtime))
    notes.sort(key=lambda note: note[1], reverse=True)
    oldest = time.time() - REMEMBERED_SECONDS
    return [note for place, note in enumerate(notes) if place < NEWEST or note[1] >= oldest]


def _is_of(builder: Builder, name: str) -> bool:
    """Whether a builder of buildx is the one that is asked about. The one inside an engine has the name of a Docker context."""
    if builder.name is not None:
        return name == builder.name
    endpoint = endpoint_of_context(name)
    return name == "default" or (endpoint is not None and builder.engine is not None and endpoint[0] == builder.engine.host)


@dataclass(frozen=True)
class _Search:
    builder: Builder
    engine: Engine
    recorded: Sequence[Recording]

    def keep(self, builds: Iterable[_StartedBuild]) -> None:
        """Keep builds that have no recording yet. Raises: OSError, TimeoutExpired, SpeedkitError."""
        new = {one.reference: one for one in builds if _is_of(self.builder, one.builder)}
        shelf, kept, ended = Shelf(), set[str](), set[str]()
        for name in sorted({one.builder for one in new.values()}):
            references = [one for one in built_references(self.engine, name) if one in new]
            ended.update(references)
            for build in self._exported(name, references):
                # The label tells failed builds of the kit: buildx gives its name of a build only where it ended well.
                if build.reference in new and LABEL not in build.labels:
                    source = message("the history of the builder {name}", name=name)
                    shelf.keep(build, source, self._own(build, new[build.reference]))
                    kept.add(build.reference)
        forgotten = {one.reference for one in new.values() if one.started < time.time() - FORGOTTEN_SECONDS}
        _write_looked_at(_looked_at() | ((ended | forgotten) - kept))

    def _exported(self, name: str, references: Sequence[str]) -> Iterator[ForeignBuild]:
        """The records of some builds. buildx exports all or none, so where one of them cannot be read, each is asked for."""
        with scratch_folder() as scratch:
            file = scratch / "history.dockerbuild"
            if references and export_records(self.engine, name, references, file):
                yield from read_exported(file)
                return
            for reference in references if len(references) > 1 else ():
                if export_records(self.engine, name, [reference], file):
                    yield from read_exported(file)

    def _own(self, build: ForeignBuild, started: _StartedBuild) -> KnownHere:
        dockerfile = build.dockerfile
        if dockerfile is None and _is_older(started.dockerfile, started.started):
            dockerfile = dockerfile_text(started.dockerfile)
        # The image that the Dockerfile names today: BuildKit's record has no layers of it that could be compared.
        bases = plain_bases(self.engine, dockerfile or "", build.build_args, build.target)
        return KnownHere(
            folder=started.folder,
            builder=self.builder.name,
            context=_context_at(Path(started.folder), started),
            dockerfile=dockerfile,
            bases=bases,
            machine=self.builder.machine(),
            # Between the recordings before and after it, which are ordered by number and then by time.
            number=max((one.meta.number for one in self.recorded if _start(one) <= started.started), default=0),
        )


def _start(recording: Recording) -> float:
    return datetime.fromisoformat(recording.meta.started_at).timestamp()


def _context_at(folder: Path, build: _StartedBuild) -> Manifest | None:
    """The build context as it was when a build began, as far as the files of today tell.

    None where a file has gone since: nobody knows its name. Raises: SpeedkitError.
    """
    manifest = read_context(folder, dockerfile=build.dockerfile)
    # Only of folders that are sent: what happens in an ignored one does not count.
    folders = [folder, *(folder / entry.path for entry in manifest.entries if entry.kind == "dir")]
    if any(_has_lost_a_file(place, build.started) for place in folders):
        return None
    entries = [
        entry if _is_older(folder / entry.path, build.started) else _unknown(entry, build.reference)
        for entry in manifest.entries
    ]
    return replace(manifest, entries=tuple(entries))


def _has_lost_a_file(folder: Path, started: float) -> bool:
    """Whether a folder has changed since, and nothing in it is new: a new or a renamed file changes its folder as well."""
    return folder.stat().st_mtime > started and all(_is_older(child, started) for child in folder.iterdir())


def _is_older(path: Path, started: float) -> bool:
    """Whether a file is as it was at a time. Its change time counts, which a program cannot set back."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return max(status.st_mtime, status.st_ctime) <= started


def _unknown(entry: Entry, reference: str) -> Entry:
    """An entry of unknown content, which equals no other. The permissions and names of folders are those of now."""
    if entry.kind == "dir":
        return entry
    digest = hashlib.sha256(f"unknown {reference} {entry.path}".encode("utf-8", "surrogateescape")).hexdigest()
    return entry._replace(digest=digest, mtime_ns=0)


def _looked_at() -> set[str]:
    try:
        return set(read_regular(state_folder("recordings") / LOOKED_AT, at_most_bytes=1 << 20).decode().split())
    except (OSError, UnicodeDecodeError):
        return set()


def _write_looked_at(references: set[str]) -> None:
    text = "\n".join(sorted(references)[-LOOKED_AT_REFERENCES:])
    (state_folder("recordings") / LOOKED_AT).write_text(text, encoding="utf-8")
