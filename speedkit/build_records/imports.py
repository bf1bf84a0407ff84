"""Keeps foreign builds as recordings, so that everything that reads recordings reads them.

A foreign build has no `speedkit build` behind it: `Meta.imported` says where it came from, the counts of its record, and
the facts that the record lacks. It belongs to no builder of this machine, so no forecast takes its steps for cached here. The
same record, imported again, is the same recording.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from speedkit.context import Manifest
from speedkit.errors import BuildRecordError
from speedkit.messages import message
from speedkit.recordings import Meta, Recording, Redaction, Solve, list_recordings, new_id, read_rawjson, write_recording
from speedkit.state import state_folder

from .build_costs import BuildCost, SlowerStep, build_cost, calls_unreached_steps_cached, slower_step
from .commit_files import CommitSources
from .foreign_build import ForeignBuild, NotUnderstood, RecordKind
from .named_steps import dockerfile_of_names
from .record_files import read_records

if TYPE_CHECKING:
    from speedkit.data_frame import Frame

__all__ = ["ELSEWHERE", "ImportedBuild", "ImportedRecords", "KnownHere", "Shelf", "import_records", "imported_build"]

ELSEWHERE = "(elsewhere)"
"""The builder of a foreign build. No builder of buildx can have this name."""


@dataclass(frozen=True, slots=True)
class ImportedBuild:
    """A foreign build, kept as a recording.

    id: of the recording. source: the file, and the place in it. steps, cached_steps: as the record counts them. seconds: None
    where the record has no time.
    """

    id: str
    kind: RecordKind
    source: str
    steps: int
    cached_steps: int
    seconds: float | None
    not_understood: tuple[NotUnderstood, ...]
    recording: Recording = field(repr=False)


@dataclass(frozen=True)
class ImportedRecords:
    """What an import read. builds: in the order of the files. problems: of files that cannot be read.

    without_builds: the names of files that are no record of a build.
    """

    builds: tuple[ImportedBuild, ...]
    problems: tuple[BuildRecordError, ...] = ()
    without_builds: tuple[str, ...] = ()

    @cached_property
    def costs(self) -> tuple[BuildCost, ...]:
        """What each build cost, the oldest first; builds without a date come last, in the order of their files."""
        different = {build.id: build.recording for build in self.builds}
        costs = [build_cost(recording) for recording in different.values()]
        return tuple(sorted(costs, key=lambda cost: (cost.started is None, cost.started.timestamp() if cost.started else 0.0)))

    @property
    def slower_step(self) -> SlowerStep | None:
        """The step that lost most seconds from the first half of the builds to the second; None where none did."""
        return slower_step(self.costs)

    @property
    def table(self) -> Frame:
        """A row per build, the oldest first.

        Columns: id, kind, source, started, steps and cached_steps (as the record counts them), cacheable_steps, cached_share,
        seconds, export_seconds and import_seconds (of caches), not_understood (how many places of the record).
        """
        from speedkit.data_frame import Frame

        builds = {build.id: build for build in self.builds}
        figures = ["cacheable_steps", "cached_share", "seconds", "export_seconds", "import_seconds"]
        rows = []
        for cost in self.costs:
            build = builds[cost.id]
            named = [build.id, build.kind, build.source, cost.started, build.steps, build.cached_steps]
            rows.append([*named, *(getattr(cost, name) for name in figures), len(build.not_understood)])
        columns = ["id", "kind", "source", "started", "steps", "cached_steps", *figures, "not_understood"]
        return Frame(rows, columns=columns)

    def _repr_html_(self) -> str:
        return str(self.table._repr_html_())


def import_records(*paths: str | os.PathLike[str], repository: str | os.PathLike[str] | None = None) -> ImportedRecords:
    """The builds in the records at some paths, each kept as a recording.

    paths: `.dockerbuild` files, logs of builds, folders and zips of them; `-` is the standard input. repository: a folder in a
    git repository, None is the current one: where it has the commit of a build, its files are known, and so are the reasons of
    its misses.
    Raises: Misuse for a path that does not exist; BuildRecordError where no file of all can be read; DiskFull, StateRefused.
    """
    builds: list[ImportedBuild] = []
    problems: list[BuildRecordError] = []
    without_builds: list[str] = []
    shelf, sources = Shelf(), CommitSources(Path(repository or "."))
    for file in (file for path in paths for file in read_records(path)):
        if file.problem is not None:
            problems.append(file.problem)
        elif not file.builds:
            without_builds.append(file.name)
        builds.extend(imported_build(shelf.keep(build, file.name, _elsewhere(build, sources))) for build in file.builds)
    if problems and not builds:
        raise problems[0]
    return ImportedRecords(tuple(builds), tuple(problems), tuple(without_builds))


def imported_build(recording: Recording) -> ImportedBuild:
    """What a recording keeps of the record that it was made of."""
    facts = recording.meta.imported or {}
    return ImportedBuild(
        recording.meta.id,
        facts["kind"],
        facts["source"],
        facts["steps"],
        facts["cached_steps"],
        facts["seconds"],
        tuple(NotUnderstood(line, text) for line, text in facts["not_understood"]),
        recording,
    )


@dataclass(frozen=True, slots=True)
class KnownHere:
    """What this machine knows about a foreign build beside its record.

    folder: the build context; builds of one folder are compared with each other. builder: None is the one inside the engine.
    context: as it was when the build began. dockerfile: the text, where the record lacks it. bases, machine, number: as in
    `speedkit.recordings.Meta`.
    """

    folder: str
    builder: str | None
    context: Manifest | None
    dockerfile: str | None
    bases: Mapping[str, Mapping[str, Any]]
    machine: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0


def _elsewhere(build: ForeignBuild, sources: CommitSources) -> KnownHere:
    # Neither the folder of another machine nor its base images are those of this one, so each gets a name of its here.
    place = " ".join(
        filter(None, [build.repository or build.folder, build.dockerfile_path, build.dockerfile_name, build.target])
    )
    return KnownHere(
        folder=place,
        builder=ELSEWHERE,
        context=sources.context(build),
        dockerfile=sources.dockerfile(build),
        bases={name: {"used": name, "id": digest, "layers": [digest]} for name, digest in build.bases.items()},
    )


class Shelf:
    """The recordings of foreign builds, by their record."""

    def __init__(self) -> None:
        self._folder = state_folder("recordings")
        self._by_record = {
            recording.meta.imported["record"]: recording
            for recording in list_recordings(self._folder)
            if recording.meta.imported
        }

    def keep(self, build: ForeignBuild, source: str, facts: KnownHere) -> Recording:
        """The recording of a build: the one that it has already, or a new one. Raises: DiskFull, StateRefused."""
        record = _record_digest(build)
        if record not in self._by_record:
            self._by_record[record] = _write(self._folder, build, source, record, facts)
        return self._by_record[record]


def _record_digest(build: ForeignBuild) -> str:
    """Names a record. A build that BuildKit has named is the same one in an export, in a zip, and in a builder's history."""
    parts: Iterable[bytes] = [build.reference.encode()] if build.reference else [build.kind.encode(), *build.status_lines]
    # A log has no name of its build, so its content is the name: a log that was cut is another record than the whole one.
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _write(folder: Path, build: ForeignBuild, source: str, record: str, here: KnownHere) -> Recording:
    solve = read_rawjson(build.status_lines)
    dockerfile, lines = build.dockerfile or here.dockerfile or "", build.vertex_lines
    unknown = [*_unknown(build, dockerfile, here.context)]
    if not dockerfile and (by_names := dockerfile_of_names(solve.vertices.values())) is not None:
        dockerfile, lines = by_names
    redaction = Redaction(build.build_args, {}, dockerfile=dockerfile)
    text = redaction.text
    # A log without a date gets that of its import, and says so (`unknown`).
    started = datetime.fromtimestamp(build.started, UTC) if build.started is not None else datetime.now(UTC)
    strategy = text(" ".join(filter(None, [build.dockerfile_name or "Dockerfile", build.target])))
    repository, context = PurePosixPath((build.repository or "").removesuffix(".git")), PurePosixPath(build.folder or "")
    meta = Meta(
        id=new_id(strategy, started),
        app=text(repository.name or context.name or Path(source).name),
        source=text(here.folder),
        folder=text(here.folder),
        strategy=strategy,
        edit="",
        started_at=started.isoformat(),
        seconds=build.seconds or 0.0,
        # A record that ends too early shows its last steps as those of a build that was cancelled there.
        outcome=build.outcome or "cancelled",
        exit_code=0 if build.outcome == "done" else 1,
        dockerfile_name=text(build.dockerfile_name or "Dockerfile"),
        target=build.target,
        build_args=redaction.build_args(build.build_args),
        builder=here.builder,
        cache_from=[redaction.cache_option(option) for option in build.cache_from],
        bases=redaction.base_facts(here.bases),
        error=text(build.error) if build.error is not None else None,
        machine=dict(here.machine),
        vertex_lines=dict(lines),
        number=here.number,
        reference=build.reference,
        notices=[*_parts_missing(build, solve)],
        imported=_facts(build, redaction, source, record) | {"unknown": unknown},
    )
    # Only now: the redaction has learned the secrets of the build args and of the Dockerfile above.
    raw = _redacted(build.status_lines, redaction)
    return write_recording(folder, meta, raw=raw, dockerfile=text(dockerfile), context=here.context, image=None)


def _facts(build: ForeignBuild, redaction: Redaction, source: str, record: str) -> dict[str, Any]:
    text = redaction.text
    return {
        "kind": build.kind,
        "source": text(source),
        "record": record,
        "steps": build.steps,
        "cached_steps": build.cached_steps,
        "seconds": build.seconds,
        "not_understood": [[one.line, text(one.text)] for one in build.not_understood],
        "commit": build.commit,
        "repository": text(build.repository) if build.repository else None,
    }


def _parts_missing(build: ForeignBuild, solve: Solve) -> Iterator[str]:
    if build.lacks_first_steps:
        yield message("The record lacks the first steps of the build.")
    if build.outcome is None:
        yield message("The record ends before the build does.")
    if calls_unreached_steps_cached(solve):
        yield message("A file is missing, so the build failed before it ran its steps; BuildKit calls those cached, too.")


def _unknown(build: ForeignBuild, dockerfile: str, context: Manifest | None) -> Iterator[str]:
    """The facts that every build of the kit has, and this one has not."""
    if context is None:
        yield "build context"
    if not dockerfile:
        yield "Dockerfile"
    if build.started is None:
        yield "date"
    if build.seconds is None:
        yield "seconds"


def _redacted(lines: Sequence[bytes], redaction: Redaction) -> Iterator[bytes]:
    for line in lines:
        yield from redaction.lines(line)
    yield from redaction.rest()
