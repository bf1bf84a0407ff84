"""All ways to build a project, from each of its files.

The same image is often built in several places: by a compose file for development, by a workflow for release. Each file gives
its ways, in the order of `KIND_ORDER`; `way_names` merges equal ones.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from speedkit.messages import message

from .bake_files import (
    BAKE_NAMES,
    COMPOSE_NAMES,
    COMPOSE_OVERRIDES,
    BakeReader,
    BakeRefused,
    Definition,
    build_calls,
    files_of_bake,
    services_of,
)
from .build_call import BuildCall, way_of
from .command_files import CommandBuild, gitlab_builds, makefile_builds, package_builds, script_builds
from .docker_command import BakeCall, ComposeCall
from .guessed_folder import copied_files, folder_with_files, folder_with_targets
from .pipeline_files import cloud_builds, jenkins_builds, skaffold_builds
from .project_files import ProjectFiles
from .unresolved import ROOT, as_written, is_resolved
from .way import Way, WayKind
from .way_names import FoundWay, merged, named_apart
from .workflows import workflow_builds
from .yaml_documents import YamlRefused, read_yaml

__all__ = ["ProjectWays", "UnreadFile", "find_ways"]

BAKES_AT_ONCE = 4
MOST_BAKES = 100
KIND_ORDER: tuple[WayKind, ...] = ("dockerfile", "bake", "compose", "workflow", "command")
OF_CONTAINERS = re.compile(r"docker|podman|buildah|nerdctl|container|/executor|skaffold|_BIN\b", re.IGNORECASE)
OF_CALLS = re.compile(r"uses:\s*['\"]?\./")
OF_BUILDS = re.compile(r"\b(?:build|bud|bake)\b|--dockerfile|build-push-action|bake-action", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A file that may describe a build, and cannot be read. why: the reason, in words."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class ProjectWays:
    """The ways of a project, sorted by kind. other_names: for the name of a merged way, the name of the way that has it now."""

    ways: tuple[Way, ...]
    other_names: Mapping[str, str]
    unread: tuple[UnreadFile, ...]


@dataclass(slots=True)
class _CalledBuild:
    """One build in a workflow, a makefile or a script."""

    name: str
    kind: WayKind
    found_in: str
    call: BuildCall | BakeCall | ComposeCall
    qualifiers: Mapping[str, str]
    also_found_in: tuple[str, ...] = ()


def find_ways(files: ProjectFiles, folder: Path, buildx: Callable[[], Path]) -> ProjectWays:
    """The ways to build a project. folder: its own, in files.repository. buildx: gives the program, or raises BakeRefused."""
    with ThreadPoolExecutor(BAKES_AT_ONCE) as pool:
        return _Finder(files, folder, BakeReader(files.repository, buildx, pool)).run()


class _Finder:
    def __init__(self, files: ProjectFiles, folder: Path, reader: BakeReader) -> None:
        self.files, self.repository, self.reader = files, files.repository, reader
        own = folder.relative_to(files.repository).as_posix()
        self.own = "" if own == "." else own
        self.found_ways: list[FoundWay] = []
        self.unread: list[UnreadFile] = []

    def run(self) -> ProjectWays:
        definitions = [*self._compose_files(), *self._bake_files()]
        for path in [*self.files.compose, *self.files.bake][MOST_BAKES:]:
            self._refuse(path, message("of so many bake and compose files, only the first {count} are read", count=MOST_BAKES))
        # While bake reads its files in other processes, this process reads workflows and commands.
        called_builds = [*self._of_workflows(), *self._of_commands(), *self._of_pipelines()]
        for one in called_builds:
            if isinstance(one.call, BakeCall):
                self._bake_reading(one.call, {})
        for add in definitions:
            add()
        for one in called_builds:
            self._add_called(one)
        self._add_dockerfiles()
        self.found_ways.sort(key=lambda one: KIND_ORDER.index(one.way.kind))

        # Files of the whole repository are read, as its workflows build its parts. Only ways with a part in the folder stay.
        about_project = [
            one for one in self.found_ways if any(map(self._is_own, (one.way.found_in, one.way.context, one.way.file)))
        ]
        ways, other_names = named_apart(merged(about_project))
        unread = tuple(UnreadFile(self._relative(one.path), one.why) for one in self.unread if self._is_own(one.path))
        return ProjectWays(tuple(map(self._in_project, ways)), other_names, unread)

    # Paths

    def _is_own(self, path: str) -> bool:
        return not self.own or path == self.own or path.startswith(f"{self.own}/")

    def _relative(self, path: str) -> str:
        return posixpath.relpath(path, self.own or ".")

    def _label(self, path: str) -> str:
        """A file or folder in a way's name: its path in the project, or for one outside of it, in the repository."""
        return self._relative(path) if self._is_own(path) else path

    def _in_project(self, way: Way) -> Way:
        """A way with paths that begin in the project's own folder."""
        has_places = not way.problem or os.path.isdir(self.repository / way.context)  # noqa: PTH112 (never raises)
        return replace(
            way,
            found_in=self._relative(way.found_in),
            also_found_in=tuple(map(self._relative, way.also_found_in)),
            context=self._relative(way.context) if has_places else way.context,
            file=self._relative(way.file) if has_places and way.file and "file" not in way.not_resolved else way.file,
        )

    # Files

    def _refuse(self, path: str, why: object) -> None:
        self.unread.append(UnreadFile(path, str(why)))

    def _text(self, path: str) -> str:
        """The text of a file about builds of images; "" for any other file. One that cannot be read is noted."""
        try:
            text = self.files.text(path)
        except OSError as problem:
            self._refuse(path, problem.strerror)
            return ""
        return text if (OF_CONTAINERS.search(text) and OF_BUILDS.search(text)) or OF_CALLS.search(text) else ""

    def _document(self, path: str) -> Any:
        """The document in a file of YAML; None for one that is not about builds of images. One that cannot be read is noted."""
        try:
            return read_yaml(self._text(path))
        except YamlRefused as problem:
            self._refuse(path, problem)
            return None

    # Bake and compose

    def _compose_files(self) -> Iterator[Callable[[], None]]:
        """For each compose file, a function that adds its ways once bake has read it."""
        for folder, names in _by_folder(self.files.compose[:MOST_BAKES]).items():
            for group in self._compose_groups(folder, names):
                # An override has no services of its own, so its ways are in the main file. Otherwise they are in the last file.
                name = group[0] if group[-1] in COMPOSE_OVERRIDES else group[-1]
                path = posixpath.join(folder, name)
                label = self._label(posixpath.dirname(path) or ".") if name in COMPOSE_NAMES else self._label(path)
                reading = self.reader.compose(folder, group)
                yield self._adding(reading, path, "compose", label, folder)

    def _compose_groups(self, folder: str, names: Sequence[str]) -> list[list[str]]:
        """The files of a folder that belong together: the main one with its override, and each other one.

        A file such as `compose.dev.yml` usually changes services of the main file. Then both belong together, in this order.
        """
        main = [name for name in COMPOSE_NAMES if name in names][:1]
        overrides = [name for name in COMPOSE_OVERRIDES if name in names]
        groups = [[*main, *overrides[:1]]] if main else []
        others = [name for name in names if name not in (*main, *overrides)]
        services = self._services(folder, main[0]) if main and others else set()
        return groups + [[main[0], name] if services & self._services(folder, name) else [name] for name in others]

    def _services(self, folder: str, name: str) -> set[str]:
        try:
            return set(services_of(read_yaml(self.files.text(posixpath.join(folder, name)))))
        except (YamlRefused, OSError):
            return set()

    def _bake_files(self) -> Iterator[Callable[[], None]]:
        """For each bake file, a function that adds its ways once bake has read it."""
        for folder, names in _by_folder(self.files.bake[:MOST_BAKES]).items():
            siblings = [name for place, name in map(posixpath.split, self.files.compose) if place == folder]
            by_default = files_of_bake([*names, *siblings])
            groups = [by_default] if set(by_default) & set(BAKE_NAMES) else []
            for group in groups + [[name] for name in names if name not in BAKE_NAMES]:
                name = next(name for name in group if name not in COMPOSE_NAMES)
                path = posixpath.join(folder, name)
                label = self._label(posixpath.dirname(path) or ".") if name in BAKE_NAMES else self._label(path)
                of_compose = [name for name in group if name in COMPOSE_NAMES]
                services = self.reader.compose(folder, of_compose) if of_compose else None
                yield self._adding(self.reader.bake(folder, group), path, "bake", label, folder, services)

    def _adding(
        self,
        reading: Future[Definition],
        path: str,
        kind: WayKind,
        label: str,
        folder: str,
        services: Future[Definition] | None = None,
    ) -> Callable[[], None]:
        """A function that adds the targets of a definition. services: of compose files, whose equal targets count once."""
        prefix = f"{kind}:" if label == "." else f"{kind}:{label}:"

        def add() -> None:
            try:
                targets = reading.result().targets
                others = services.result().targets if services is not None else {}
            except BakeRefused as problem:
                # bake's reason begins with the name of a file, which may be another one of the group.
                self._refuse(path, str(problem).removeprefix(f"{posixpath.basename(path)}: "))
                return
            own = {name: target for name, target in targets.items() if others.get(name) != target}
            for name, call in build_calls(own, folder_with_targets(self.repository, folder, own)).items():
                self._add(f"{prefix}{name}", call, kind=kind, found_in=path, qualifiers={"file": path})

        return add

    # Workflows and commands

    def _of_workflows(self) -> Iterator[_CalledBuild]:
        documents = {path: self._document(path) for path in [*self.files.workflows, *self.files.actions]}
        called: set[str] = set()

        def path_of(name: str) -> str:
            """The path of an action, which callers name by its folder, or of a workflow, which they name by its file."""
            path = posixpath.normpath(name)
            return next((one for one in (path, f"{path}/action.yml", f"{path}/action.yaml") if one in documents), "")

        def document_of(name: str) -> Any:
            called.add(path_of(name))
            return documents.get(path_of(name))

        builds = {path: list(workflow_builds(document, document_of)) for path, document in documents.items()}
        for path, job_builds in builds.items():
            # A workflow or action that others call has its builds there, with the inputs of each caller.
            document = documents[path]
            triggers = document.get("on") if isinstance(document, dict) else None
            names = [triggers] if isinstance(triggers, str) else list(triggers or ())
            if path in called and (path in self.files.actions or names == ["workflow_call"]):
                continue
            for one in job_builds:
                place = path_of(one.called) if one.called else path
                others = {path, path_of(one.action) if one.action else path} - {place}
                label = place.rpartition("/")[2] if place in self.files.workflows else place
                name = f"workflow:{label}:{one.job}" if one.job else f"workflow:{label}"
                kind: WayKind = "workflow" if one.is_action else "command"
                yield _CalledBuild(
                    name, kind, place, one.call, {**one.qualifiers, "workflow": path.rpartition("/")[2]}, tuple(sorted(others))
                )

    def _of_commands(self) -> Iterator[_CalledBuild]:
        for path in self.files.makefiles:
            for one in self._command_builds(path, makefile_builds(self._text(path), path, self._included)):
                # `make -f build/Makefile` runs in the repository's folder.
                self._settle_folder(one.call, ".")
                yield one
        for path in self.files.packages:
            yield from self._command_builds(path, package_builds(self._text(path), path))
        for path in self.files.scripts:
            for one in self._command_builds(path, script_builds(self._text(path), path)):
                self._settle_folder(one.call, posixpath.dirname(path) or ".")
                yield one
        for path in self.files.gitlab:
            yield from self._command_builds(path, gitlab_builds(self._document(path)))

    def _of_pipelines(self) -> Iterator[_CalledBuild]:
        for path in self.files.skaffold:
            try:
                yield from self._command_builds(path, skaffold_builds(self._text(path), path))
            except YamlRefused as problem:
                self._refuse(path, problem)
        for path in [*self.files.cloud_build, *self.files.jenkins]:
            builds = jenkins_builds(self._text(path)) if path in self.files.jenkins else cloud_builds(self._document(path))
            for one in self._command_builds(path, builds):
                self._settle_folder(one.call, posixpath.dirname(path) or ".")
                yield one

    def _command_builds(self, path: str, builds: Iterable[CommandBuild]) -> Iterator[_CalledBuild]:
        for one in builds:
            name = f"{self._label(path)}:{one.place}" if one.place else self._label(path)
            qualifiers = {}
            if isinstance(one.call, BuildCall):
                call = one.call
                qualifiers = {"target": call.target or "", "file": call.file or "", "tag": next(iter(call.tags), "")}
                qualifiers["context"] = call.context or ""
            yield _CalledBuild(name, "command", path, one.call, qualifiers)

    def _included(self, path: str) -> str:
        """The text of a file that a makefile includes; "" when there is none."""
        try:
            return self.files.text(path)
        except OSError:
            return ""

    def _settle_folder(self, call: BuildCall | BakeCall | ComposeCall, other: str) -> None:
        """Moves a call to another folder when it can be built only there. No file tells in which folder it runs."""
        if not isinstance(call, BuildCall) or call.folder.startswith(ROOT):
            return
        there = replace(call, folder=posixpath.normpath(posixpath.join(other, call.folder if other != "." else ".")))
        problems = [way_of(one, self.repository, kind="command", found_in="").problem for one in (call, there)]
        if problems[0] and not problems[1]:
            call.folder = there.folder

    def _add_called(self, one: _CalledBuild) -> None:
        if isinstance(one.call, BuildCall):
            self._add_of(one, one.call, one.qualifiers)
        elif isinstance(one.call, BakeCall):
            self._add_bake(one, one.call)
        else:
            self._note_compose(one.call, one.found_in)

    def _bake_reading(self, call: BakeCall, missing: dict[str, str]) -> Future[Definition] | str:
        """The definition for a call of bake, or the reason why only its run has one. missing: gets the unresolved values."""
        for option, texts in (("files", call.files), ("targets", call.targets), ("set", call.overrides)):
            if unknown := [as_written(text) for text in texts if not is_resolved(text)]:
                missing[option] = ", ".join(unknown)
        if "targets" in missing or not is_resolved(call.folder):
            return message("which targets are built, only its run knows")
        # Files with unresolved names are left out. Most are from docker/metadata-action, which adds only tags and labels.
        names = [one.removeprefix("cwd://").removeprefix("./") for one in call.files if is_resolved(one)]
        folder = posixpath.normpath(call.folder.replace(ROOT, "."))
        if not names:
            paths = [*self.files.compose, *self.files.bake]
            names = files_of_bake(
                [name for place, name in map(posixpath.split, paths) if posixpath.normpath(place or ".") == folder]
            )
        if not names:
            return message("there is no bake file in {path}", path=folder)
        overrides = [one for one in call.overrides if is_resolved(one)]
        targets = (call.targets or ["default"]) if overrides else []
        folder = "" if folder == "." else folder
        variables = self.reader.variables_of(folder, names, call.environment)
        missing |= {f"variable {name}": as_written(value) for name, value in variables.items() if not is_resolved(value)}
        environment = {name: value for name, value in variables.items() if is_resolved(value)}
        return self.reader.bake(folder, names, targets=targets, overrides=overrides, environment=environment)

    def _add_bake(self, one: _CalledBuild, call: BakeCall) -> None:
        """The targets of a `docker buildx bake`, with its overrides."""
        missing: dict[str, str] = {}
        reading = self._bake_reading(call, missing)
        try:
            targets = reading if isinstance(reading, str) else reading.result().of(call.targets or ["default"])
        except BakeRefused as problem:
            targets = str(problem)
        if isinstance(targets, str):
            refused = BuildCall(context=".", not_resolved=missing, problem=targets)
            self._add_of(one, refused, one.qualifiers)
            return
        for name, built in build_calls(targets, call.folder).items():
            built.publishes = built.publishes or call.publishes
            built.not_resolved |= missing
            self._add_of(one, built, {**one.qualifiers, "target": name})

    def _add_of(self, build: _CalledBuild, call: BuildCall, qualifiers: Mapping[str, str]) -> None:
        self._add(build.name, call, kind=build.kind, found_in=build.found_in, qualifiers=qualifiers)
        self.found_ways[-1].way = replace(self.found_ways[-1].way, also_found_in=build.also_found_in)

    def _note_compose(self, call: ComposeCall, found_in: str) -> None:
        """Adds a file with `docker compose build` to the ways of these services, which come from the compose file itself."""
        folder = posixpath.normpath(as_written(call.folder))
        names = [posixpath.normpath(posixpath.join(folder, as_written(one))) for one in call.files]
        for one in self.found_ways:
            place = one.way.found_in
            is_meant = place in names if names else (posixpath.dirname(place) or ".") == folder
            is_meant = is_meant and one.way.kind == "compose" and found_in not in one.way.also_found_in
            if is_meant and (not call.services or one.name.rpartition(":")[2] in call.services):
                one.way = replace(one.way, also_found_in=(*one.way.also_found_in, found_in))

    def _add(
        self, name: str, call: BuildCall, *, kind: WayKind, found_in: str, qualifiers: Mapping[str, str] | None = None
    ) -> None:
        way = way_of(call, self.repository, kind=kind, found_in=found_in)
        own = {"file": way.file} if kind in ("workflow", "command") else {}
        self.found_ways.append(FoundWay(name, way, {**(qualifiers or {}), **own}))

    # Dockerfiles

    def _add_dockerfiles(self) -> None:
        """Adds each Dockerfile, with the context of another way that builds it; a way that publishes wins."""
        contexts: dict[str, str] = {}
        for one in sorted(self.found_ways, key=lambda one: not one.way.publishes):
            if not one.way.problem and one.way.file:
                contexts.setdefault(one.way.file, one.way.context)
        for path in self.files.dockerfiles:
            context = contexts.get(path)
            if context is None:
                own = posixpath.dirname(path) or "."
                context = folder_with_files(self.repository, own, copied_files(self._included(path)))
            self._add(self._label(path), BuildCall(context=context, file=path), kind="dockerfile", found_in=path)


def _by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    folders: dict[str, list[str]] = {}
    for path in paths:
        folder, name = posixpath.split(path)
        folders.setdefault(folder, []).append(name)
    return folders
