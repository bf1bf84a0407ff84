"""All ways to build of a project: from each of its files, with names that are unique and stay the same."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from speedkit.messages import message

from .bake_files import (
    BAKE_NAMES,
    COMPOSE_NAMES,
    COMPOSE_OVERRIDES,
    BakeRefused,
    bake_definition,
    build_calls,
    compose_definition,
    files_of_bake,
)
from .build_call import BuildCall, FoundWay, way_of
from .command_files import CommandBuild, gitlab_builds, makefile_builds, package_builds, script_builds
from .docker_command import BakeCall, ComposeCall
from .project_files import ProjectFiles
from .unresolved import as_written, is_resolved
from .way import Way, WayKind
from .workflows import workflow_builds
from .yaml_documents import YamlRefused, read_yaml

__all__ = ["FoundWays", "UnreadFile", "find_ways"]

BAKES_AT_ONCE = 4
MOST_BAKES = 100
SOURCES = re.compile(r"^[ \t]*(?:COPY|ADD)[ \t]+(?P<rest>(?:.*\\\r?\n)*.*)$", re.IGNORECASE | re.MULTILINE)
KIND_ORDER: tuple[WayKind, ...] = ("dockerfile", "bake", "compose", "workflow", "command")


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A file that may say how to build, and cannot be read. why: in words."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class FoundWays:
    """The ways of a project, sorted by kind. aliases: by another name, the name of an equal way that was found first."""

    ways: tuple[Way, ...]
    aliases: Mapping[str, str]
    unread: tuple[UnreadFile, ...]


def find_ways(files: ProjectFiles, folder: Path, buildx: Callable[[], Path]) -> FoundWays:
    """The ways to build a project. folder: its own, in files.repository. buildx: gives the program, or raises BakeRefused."""
    return _Finder(files, folder, buildx).run()


class _Finder:
    def __init__(self, files: ProjectFiles, folder: Path, buildx: Callable[[], Path]) -> None:
        self.files, self.repository, self.buildx = files, files.repository, buildx
        own = folder.relative_to(files.repository).as_posix()
        self.own = "" if own == "." else own
        self.found: list[FoundWay] = []
        self.unread: list[UnreadFile] = []
        self.named: dict[tuple[str, str], str] = {}

    def run(self) -> FoundWays:
        self._read_bake_and_compose()
        self._read_workflows()
        self._read_commands()
        self._add_dockerfiles()
        self.found.sort(key=lambda one: KIND_ORDER.index(one.way.kind))
        kept = [one for one in self.found if self._is_about(one.way)]
        ways, aliases = _named_apart(_merged(kept))
        return FoundWays(
            tuple(self._in_project(way) for way in ways),
            aliases,
            tuple(
                UnreadFile(self._relative(one.path), one.why) for one in self.unread if self._is_own(one.path) or not self.own
            ),
        )

    # Paths

    def _is_own(self, path: str) -> bool:
        return not self.own or path == self.own or path.startswith(f"{self.own}/")

    def _is_about(self, way: Way) -> bool:
        return self._is_own(way.found_in) or self._is_own(way.context) or self._is_own(way.file)

    def _relative(self, path: str) -> str:
        return posixpath.relpath(path, self.own or ".") if path and not path.startswith("/") else path

    def _label(self, path: str) -> str:
        """A file or folder in a way's name: its path in the project, or for one outside of it, in the repository."""
        return self._relative(path) if self._is_own(path) else path

    def _in_project(self, way: Way) -> Way:
        is_place = not way.problem or (self.repository / way.context).is_dir()
        return replace(
            way,
            found_in=self._relative(way.found_in),
            also_found_in=tuple(map(self._relative, way.also_found_in)),
            context=self._relative(way.context)
            if is_place and is_resolved(way.context) and ":" not in way.context
            else way.context,
            file=self._relative(way.file) if way.file and way.file != "-" and "$" not in way.file else way.file,
        )

    # Files

    def _refuse(self, path: str, why: object) -> None:
        self.unread.append(UnreadFile(path, str(why)))

    def _document(self, path: str) -> Any:
        """A YAML file; None for one that cannot be read, which is noted."""
        try:
            return read_yaml(self.files.text(path))
        except YamlRefused as problem:
            self._refuse(path, problem)
        except OSError as problem:
            self._refuse(path, problem.strerror)
        return None

    def _add(self, name: str, qualifiers: Sequence[str], call: BuildCall, *, kind: WayKind, found_in: str) -> None:
        way = way_of(call, self.repository, kind=kind, found_in=found_in)
        self.found.append(FoundWay(name, tuple(qualifiers), way))

    # Bake and compose

    def _read_bake_and_compose(self) -> None:
        readings: list[Callable[[], Callable[[], None]]] = []
        for folder, names in _by_folder(self.files.compose).items():
            readings += [partial(self._compose, folder, group) for group in self._compose_groups(folder, names)]
        for folder, names in _by_folder(self.files.bake).items():
            by_default = [name for name in names if name in BAKE_NAMES]
            groups = [by_default] if by_default else []
            groups += [[name] for name in names if name not in BAKE_NAMES]
            readings += [partial(self._bake, folder, group) for group in groups]
        for path in [*self.files.compose, *self.files.bake][MOST_BAKES:]:
            self._refuse(path, message("of so many bake and compose files, only the first {count} are read", count=MOST_BAKES))
        with ThreadPoolExecutor(BAKES_AT_ONCE) as pool:
            # Ways are added in the order of the files, whichever is read first.
            for add in pool.map(lambda read: read(), readings[:MOST_BAKES]):
                add()

    def _compose_groups(self, folder: str, names: Sequence[str]) -> list[list[str]]:
        """The files of a folder as they are used together: the main one with its override, and each other one.

        A file for a stage, such as `compose.dev.yml`, mostly changes services of the main one: then it comes on top of it.
        """
        main = [name for name in COMPOSE_NAMES if name in names][:1]
        groups = [[*main, *[name for name in COMPOSE_OVERRIDES if name in names][:1]]] if main else []
        others = [name for name in names if name not in (*main, *COMPOSE_OVERRIDES)]
        services = self._services(folder, main[0]) if main and others else set()
        for name in others:
            own = self._services(folder, name)
            groups.append([main[0], name] if services & own else [name])
        return groups

    def _services(self, folder: str, name: str) -> set[str]:
        try:
            document = read_yaml(self.files.text(posixpath.join(folder, name)))
        except (YamlRefused, OSError):
            return set()
        services = document.get("services") if isinstance(document, dict) else None
        return {str(one) for one in services} if isinstance(services, dict) else set()

    def _compose(self, folder: str, names: list[str]) -> Callable[[], None]:
        path = posixpath.normpath(
            posixpath.join(
                folder,
                names[-1] if names[0] in COMPOSE_NAMES and len(names) > 1 and names[1] not in COMPOSE_OVERRIDES else names[0],
            )
        )
        is_main = names[0] in COMPOSE_NAMES and path.rpartition("/")[2] == names[0]
        try:
            calls = build_calls(compose_definition(self.buildx(), self.repository / folder, names), folder or ".")
        except BakeRefused as problem:
            why = str(problem)
            return lambda: self._refuse(path, why)
        label = (self._label(folder or ".") if is_main else self._label(path)).removeprefix(".")
        prefix = f"compose:{label}:" if label else "compose:"

        def add() -> None:
            for service, call in calls.items():
                self._add(f"{prefix}{service}", (path,), call, kind="compose", found_in=path)

        return add

    def _bake(self, folder: str, names: list[str]) -> Callable[[], None]:
        by_default = names[0] in BAKE_NAMES
        path = posixpath.normpath(posixpath.join(folder, next((name for name in names if "override" not in name), names[0])))
        siblings = [name for path, name in map(posixpath.split, self.files.compose) if path == folder and name in COMPOSE_NAMES]
        used = files_of_bake([*names, *siblings]) if by_default else names
        place = self.repository / folder
        try:
            definition = bake_definition(self.buildx(), place, used)
            of_compose = (
                compose_definition(self.buildx(), place, [one for one in used if one in COMPOSE_NAMES])
                if siblings and by_default
                else {}
            )
        except BakeRefused as problem:
            why = str(problem)
            return lambda: self._refuse(path, why)
        calls = build_calls(
            {name: one for name, one in definition.items() if of_compose.get(name) != one},
            self._bake_folder(definition, folder),
        )
        label = (self._label(folder or ".") if by_default else self._label(path)).removeprefix(".")
        prefix = f"bake:{label}:" if label else "bake:"

        def add() -> None:
            for target, call in calls.items():
                self._add(f"{prefix}{target}", (path,), call, kind="bake", found_in=path)

        return add

    def _bake_folder(self, definition: Mapping[str, Any], folder: str) -> str:
        """Where bake is run for a file in a folder: there, or in the repository's folder when only there all contexts exist.

        A bake file's paths begin in the folder where bake runs, not in the file's own.
        """
        contexts = [str(target.get("context") or ".") for target in definition.values()]
        dockerfiles = [str(target.get("dockerfile") or "Dockerfile") for target in definition.values()]

        def there(place: str) -> int:
            at = self.repository / place
            return sum((at / context / file).is_file() for context, file in zip(contexts, dockerfiles, strict=True))

        return "." if folder and there(".") > there(folder) else folder or "."

    # Workflows and commands

    def _read_workflows(self) -> None:
        for path in [*self.files.workflows, *self.files.actions]:
            is_action = path not in self.files.workflows
            if is_action and not self._mentions_a_build(path):
                continue
            document = self._document(path)
            label = path if is_action else path.rpartition("/")[2]
            for one in workflow_builds(document):
                name = f"workflow:{label}" + (f":{one.job}" if one.job else "")
                self._add_call(name, one.qualifiers, one.call, kind="workflow" if one.is_action else "command", found_in=path)

    def _mentions_a_build(self, path: str) -> bool:
        try:
            text = self.files.text(path)
        except OSError:
            return False
        return ("docker" in text.lower() or "podman" in text or "buildah" in text) and ("build" in text or "bake" in text)

    def _read_commands(self) -> None:
        readers: tuple[tuple[list[str], Callable[[str, str], Iterable[CommandBuild]]], ...] = (
            (self.files.makefiles, makefile_builds),
            (self.files.packages, package_builds),
            (self.files.scripts, script_builds),
        )
        for paths, read in readers:
            for path in paths:
                try:
                    text = self.files.text(path)
                except OSError as problem:
                    self._refuse(path, problem.strerror)
                    continue
                if not re.search(r"docker|podman|buildah|nerdctl|container|/executor", text, re.IGNORECASE) or not re.search(
                    r"\b(?:build|bud|bake)\b|--dockerfile|-build\b|BUILD", text
                ):
                    continue
                for one in read(text, path):
                    self._add_command(path, one)
        for path in self.files.gitlab:
            for one in gitlab_builds(self._document(path)):
                self._add_command(path, one)

    def _add_command(self, path: str, one: CommandBuild) -> None:
        if isinstance(one.call, BuildCall) and path in self.files.scripts:
            self._settle_folder(one.call, posixpath.dirname(path))
        name = self._label(path) + (f":{one.place}" if one.place else "")
        qualifiers = (one.call.target or "", one.call.file or "", *one.call.tags[:1]) if isinstance(one.call, BuildCall) else ()
        self._add_call(name, qualifiers, one.call, kind="command", found_in=path)

    def _settle_folder(self, call: BuildCall, script_folder: str) -> None:
        """A script says not where it runs: in the repository's folder, or in its own when only that has the Dockerfile."""
        if not script_folder or call.folder.startswith("\ufdd2"):
            return
        place = posixpath.join(script_folder, call.folder)
        here = way_of(call, self.repository, kind="command", found_in="")
        there = way_of(replace(call, folder=place), self.repository, kind="command", found_in="")
        if here.problem and not there.problem:
            call.folder = place

    def _add_call(
        self, name: str, qualifiers: Sequence[str], call: BuildCall | BakeCall | ComposeCall, *, kind: WayKind, found_in: str
    ) -> None:
        if isinstance(call, BuildCall):
            self._add(name, qualifiers, call, kind=kind, found_in=found_in)
        elif isinstance(call, BakeCall):
            self._add_bake(name, call, kind=kind, found_in=found_in)
        else:
            self._note_compose(call, found_in)

    def _add_bake(self, name: str, call: BakeCall, *, kind: WayKind, found_in: str) -> None:
        """The targets of a `docker buildx bake`, with its overrides."""
        folder = posixpath.normpath(as_written(call.folder))
        place = self.repository / folder
        missing = {}
        for option, texts in (("files", call.files), ("targets", call.targets), ("set", call.overrides)):
            unknown = [as_written(text) for text in texts if not is_resolved(text)]
            if unknown:
                missing[option] = ", ".join(unknown)
        names = [one.removeprefix("cwd://").removeprefix("./") for one in call.files if is_resolved(one)]
        if not names and not call.files:
            names = files_of_bake([entry.name for entry in place.iterdir()]) if place.is_dir() else []
        if not names or not is_resolved(call.folder) or not place.resolve().is_relative_to(self.repository):
            words = (
                message("which bake file is read, only its run knows")
                if missing
                else message("there is no bake file in {path}", path=folder)
            )
            self._add(name, (), BuildCall(context=".", not_resolved=missing, problem=words), kind=kind, found_in=found_in)
            return
        targets = [one for one in call.targets if is_resolved(one)]
        overrides = [one for one in call.overrides if is_resolved(one)]
        try:
            definition = bake_definition(self.buildx(), place, names, targets=targets or ["default"], overrides=overrides)
        except BakeRefused as problem:
            self._add(
                name, (), BuildCall(context=".", not_resolved=missing, problem=str(problem)), kind=kind, found_in=found_in
            )
            return
        for target, one in build_calls(definition, folder).items():
            one.publishes = one.publishes or call.publishes
            one.not_resolved |= missing
            self._add(f"{name}:{target}", (), one, kind=kind, found_in=found_in)

    def _note_compose(self, call: ComposeCall, found_in: str) -> None:
        """A `docker compose build` names services that the compose files have told already: only where it is said is new."""
        folder = posixpath.normpath(as_written(call.folder))
        names = [posixpath.normpath(posixpath.join(folder, as_written(one))) for one in call.files]
        for one in self.found:
            is_meant = one.way.found_in in names if names else posixpath.dirname(one.way.found_in) == folder.removeprefix(".")
            service = one.name.rpartition(":")[2]
            is_meant = is_meant and one.way.kind == "compose" and (not call.services or service in call.services)
            if is_meant and found_in not in one.way.also_found_in:
                one.way = replace(one.way, also_found_in=(*one.way.also_found_in, found_in))

    # Dockerfiles

    def _add_dockerfiles(self) -> None:
        contexts: dict[str, str] = {}
        for one in sorted(self.found, key=lambda one: not one.way.publishes):
            if not one.way.problem and one.way.file:
                contexts.setdefault(one.way.file, one.way.context)
        for path in self.files.dockerfiles:
            context = contexts.get(path)
            if context is None:
                context = self._likely_context(path)
            self._add(self._label(path), (), BuildCall(context=context, file=path), kind="dockerfile", found_in=path)

    def _likely_context(self, path: str) -> str:
        """The nearest folder that has the files which a Dockerfile copies: its own, or one above it in the repository."""
        own = posixpath.dirname(path) or "."
        try:
            sources = _copied_files(self.files.text(path))
        except OSError:
            sources = []
        folders = [own]
        while folders[-1] != ".":
            folders.append(posixpath.dirname(folders[-1]) or ".")

        def missing(folder: str) -> int:
            return sum(not (self.repository / folder / source).exists() for source in sources)

        return min(folders, key=missing) if sources else own


def _by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    folders: dict[str, list[str]] = {}
    for path in paths:
        folder, name = posixpath.split(path)
        folders.setdefault(folder, []).append(name)
    return folders


def _copied_files(dockerfile: str) -> list[str]:
    """What a Dockerfile copies from the build context, where the name is plain."""
    sources: list[str] = []
    for match in SOURCES.finditer(dockerfile):
        text = match["rest"].replace("\\\n", " ").strip()
        words = [word for word in text.split() if not word.startswith("--")]
        if "--from" in text or text.endswith("]") or "<<" in text or len(words) < 2:
            continue
        sources += [word.lstrip("/") for word in words[:-1] if not re.search(r"[$*?\[\\\0]|://", word) and ".." not in word]
    return [source for source in sources if source]


def _merged(found: list[FoundWay]) -> Iterator[tuple[FoundWay, list[str]]]:
    """Equal ways of one kind as one, with the other names that it was found under."""
    groups: dict[object, tuple[FoundWay, list[str]]] = {}
    for one in found:
        key = repr(replace(one.way, found_in="", also_found_in=()))
        if key not in groups:
            groups[key] = (one, [])
            continue
        first, others = groups[key]
        if one.name != first.name:
            others.append(one.name)
        if one.way.found_in not in (first.way.found_in, *first.way.also_found_in):
            first.way = replace(first.way, also_found_in=(*first.way.also_found_in, one.way.found_in))
    return iter(groups.values())


def _named_apart(found: Iterable[tuple[FoundWay, list[str]]]) -> tuple[list[Way], dict[str, str]]:
    """Ways with a name each, and the other names of those that were found twice."""
    entries = list(found)
    by_name: dict[str, list[FoundWay]] = {}
    for one, _ in entries:
        by_name.setdefault(one.name, []).append(one)
    for name, group in by_name.items():
        if len(group) > 1:
            for one, suffix in zip(group, _suffixes(group), strict=True):
                one.name = f"{name}:{suffix}" if suffix else name
    taken: set[str] = set()
    for one, _ in entries:
        name, number = one.name, 2
        while one.name in taken:
            one.name = f"{name}:{number}"
            number += 1
        taken.add(one.name)
    aliases = {other: one.name for one, others in entries for other in others if other not in taken}
    return [replace(one.way, name=one.name) for one, _ in entries], aliases


def _suffixes(group: Sequence[FoundWay]) -> list[str]:
    """What tells ways of one name apart: the fewest of their qualifiers, the best first; else their number."""
    count = min(len(one.qualifiers) for one in group)
    for size in range(1, count + 1):
        for places in itertools.combinations(range(count), size):
            texts = [":".join(filter(None, (as_written(one.qualifiers[place]) for place in places))) for one in group]
            if len(set(texts)) == len(texts):
                return texts
    return ["", *(str(number) for number in range(2, len(group) + 1))]
