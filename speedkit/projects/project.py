"""A team's own folder: the ways to build it, and the base images that they need. The folder is only read."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from speedkit.apps import App, Strategy, app_in_place, own_app
from speedkit.context import file_in_root
from speedkit.dockerfile import external_bases, host_platform, read_dockerfile
from speedkit.engine import Engine, find_buildx, plain_base, stand_in_images
from speedkit.errors import (
    DockerfileError,
    FileRefused,
    Misuse,
    NoBuildKit,
    NoDockerfile,
    NotAFolder,
    SpeedkitError,
    UnknownWay,
)
from speedkit.messages import message
from speedkit.recordings import Redaction
from speedkit.regular_file import read_regular

from .bake_files import BakeRefused
from .project_files import find_files
from .way import Way
from .ways import ProjectWays, UnreadFile, find_ways

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Base", "Project", "open_project", "way_to_build"]

LARGEST_DOCKERFILE_BYTES = 16_000_000
LARGEST_DOTENV_BYTES = 1_000_000
BESIDE = frozenset({"test", "tests", "testdata", "example", "examples", "docs", "hack", "tools", "e2e", "fixtures"})
WITHOUT_EFFECT = frozenset({"tag", "label", "cache-from", "cache-to", "build-arg", "platform", "variable", "files", "set"})
ANSWER_SECONDS = 5.0
ASKED_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Base:
    """A base image of some ways.

    reference: as the Dockerfile names it. used: the image that a build from here would start from: that one, or the name of its
    stand-in; None when there is neither, or no engine answers. stand_in: whether `used` is a stand-in. may_stand_in: whether
    `speedkit setup --for PATH` can make one. ways: the names of the ways that need the image.
    """

    reference: str
    used: str | None
    stand_in: bool
    may_stand_in: bool
    ways: tuple[str, ...]


class Project:
    """A folder of a team, and the ways to build it.

    folder: an absolute path. repository: the folder of its git repository; its own folder where there is none.
    unread: files that may describe a build, and cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        files = find_files(folder)
        self.repository = files.repository
        self._all: ProjectWays = find_ways(files, folder, _buildx)

    def __repr__(self) -> str:
        return f"Project({str(self.folder)!r}, ways={[way.name for way in self.ways]})"

    @property
    def ways(self) -> tuple[Way, ...]:
        return self._all.ways

    @property
    def unread(self) -> tuple[UnreadFile, ...]:
        return self._all.unread

    @cached_property
    def default(self) -> Way | None:
        """The way that is used when none is named; None when no way can be built.

        The folder's own Dockerfile comes first, then a workflow that publishes an image, a bake file's `default` or first
        target, a service of a compose file, any other Dockerfile of the folder itself, and then the first way of all. Ways from
        a folder with another purpose, such as `.devcontainer`, `tests` or `docs`, come last.
        """

        def rank(way: Way) -> tuple[bool, int]:
            orders = (
                way.kind == "dockerfile" and way.file in ("Dockerfile", "dockerfile", "Containerfile"),
                way.kind == "workflow" and way.publishes,
                way.kind == "bake" and way.name == "bake:default",
                way.kind == "bake" and way.name.count(":") == 1,
                way.kind == "compose" and way.name.count(":") == 1,
                way.kind == "dockerfile" and "/" not in way.file,
                way.kind == "workflow",
                way.kind == "command",
            )
            folders = [part for part in PurePosixPath(way.file).parts[:-1] if part != ".."]
            is_beside = any(part.startswith(".") or part in BESIDE for part in folders)
            return is_beside, next((number for number, fits in enumerate(orders) if fits), len(orders))

        return min((way for way in self.ways if not way.problem and not way.linked), key=rank, default=None)

    def way(self, name: str | None = None) -> Way:
        """The way of a name; without a name, the default one.

        Raises: UnknownWay; Misuse for a project without a way that can be built.
        """
        # A name of a merged way is as good as the one that it has now: scripts may hold it.
        if name is None:
            if self.default is None:
                raise self._no_way()
            return self.default
        own_name = self._all.other_names.get(name, name)
        for way in self.ways:
            if way.name == own_name:
                return way
        raise UnknownWay(name, [way.name for way in self.ways])

    def _no_way(self) -> SpeedkitError:
        if self.ways:
            first = self.ways[0]
            return Misuse(
                message(
                    "No way to build {folder} works here. {name}: {problem}.",
                    folder=self.folder,
                    name=first.name,
                    problem=first.problem,
                ),
                fix=message("`speedkit project` lists them all, with the reason of each."),
            )
        fix = message("Name a folder with a Dockerfile, or with a file that says how to build one, such as compose.yaml.")
        return NoDockerfile(self.folder / "Dockerfile", fix=fix)

    def app(self, way: Way | str | None = None, *, named_contexts: Container[str] = ()) -> App:
        """An app that is built in place, whose only strategy is a way: its context, Dockerfile, target, build args and options.

        Options with an effect beyond the build are left out: tags, and the import and export of caches. Of several platforms,
        only the one of this machine is built.
        named_contexts: the names of the contexts that the build will name itself; a target that is linked to another one needs
        them.
        Raises: UnknownWay, Misuse for a way that cannot be built from here.
        """
        built_way = self.buildable(way, named_contexts)
        context = self.folder / built_way.context
        app = app_in_place(context, dockerfile=self._dockerfile(built_way))
        return self._with_strategy(app, built_way)

    def app_copy(self, way: Way | str | None = None, *, named_contexts: Container[str] = ()) -> App:
        """An app as `app` gives it, but of a working copy of the build context, which can be edited.

        Raises: as `app`, and what `own_app` raises.
        """
        built_way = self.buildable(way, named_contexts)
        return self._with_strategy(own_app(self.folder / built_way.context, str(self._dockerfile(built_way))), built_way)

    def buildable(self, way: Way | str | None = None, named_contexts: Container[str] = ()) -> Way:
        """The way of a name, or the default one. named_contexts: as in `app`.

        Raises: UnknownWay, Misuse for a way that cannot be built from here.
        """
        named_way = way if isinstance(way, Way) else self.way(way)
        if named_way.problem:
            raise Misuse(
                message("{name} cannot be built from here: {problem}.", name=named_way.name, problem=named_way.problem),
                fix=message("`speedkit project` lists the other ways; choose one with --way."),
            )
        for name, target in named_way.linked.items():
            if name not in named_contexts:
                raise Misuse(
                    message(
                        "{way} takes {name} from the result of {target}, which bake builds first. speedkit builds one target "
                        "at a time.",
                        way=named_way.name,
                        name=name,
                        target=target,
                    ),
                    fix=message(
                        "Build {target} and name its image: --build-context {name}=docker-image://IMAGE.",
                        name=name,
                        target=target,
                    ),
                )
        return named_way

    def _dockerfile(self, way: Way) -> Path:
        """The path of a way's Dockerfile; for one inside of a bake or compose file, the path of that file."""
        name = way.file if way.dockerfile_text is None else way.found_in
        return Path(os.path.normpath(self.folder / name))

    def _with_strategy(self, app: App, way: Way) -> App:
        dockerfile = app.strategy().dockerfile
        if way.dockerfile_text is not None:
            dockerfile = app.keep_dockerfile("inline", way.dockerfile_text)
        app.name = self.folder.name
        built, summary = self.here(way), message("{name} of {app}", name=way.name, app=self.folder.name)
        app.strategies = {
            way.name: Strategy(
                way.name, dockerfile, summary, target=built.target, build_args=built.build_args, options=built.options
            )
        }
        return app

    def here(self, way: Way) -> Way:
        """A way as it is built from here: for this machine alone, with values of the environment, and without tags.

        A tag would take the name away from an image of the user's.
        """
        from_environment = {
            name: os.environ[name]
            for name in way.unknown_build_args
            if name in os.environ and way.not_resolved[f"build-arg {name}"] == f"${name}"
        }
        # bake's `local` is the builder's own platform.
        named = tuple(one for one in way.platforms if one != "local")
        platforms = named if len(named) == 1 else tuple(one for one in named if one == host_platform())
        return replace(
            way,
            build_args={**from_environment, **way.build_args},
            options=replace(way.options, tags=(), platforms=platforms),
        )

    def departures(self, way: Way) -> tuple[str, ...]:
        """The differences between a build from here and the way itself, as sentences."""
        built = self.here(way)
        sentences = []
        if way.platforms and set(way.platforms) - {"local", *built.platforms}:
            words = message("{name} is for {platforms}.", name=way.name, platforms=", ".join(way.platforms))
            sentences.append(f"{words} {message('Only {platform} is built here.', platform=host_platform())}")
        if way.without_cache:
            sentences.append(message("{name} says --no-cache. It is built with the cache here.", name=way.name))
        left_out = {
            f"build-arg {name}": message("Give it with --build-arg {argument}=VALUE.", argument=name)
            for name in way.unknown_build_args
            if name not in built.build_args
        }
        # Tags, labels and the place of a cache change nothing about the steps.
        others = {option: "" for option in way.not_resolved if option.partition(" ")[0] not in WITHOUT_EFFECT}
        for option, fix in (left_out | others).items():
            text = way.not_resolved[option]
            words = message("{option} of {name} is {text}, and left out here.", option=option, name=way.name, text=text)
            sentences.append(f"{words} {fix}".strip())
        return tuple(sentences)

    @property
    def table(self) -> pd.DataFrame:
        """A row per way, without secrets, in the columns name, kind, file, context, target, build_args, platforms and more."""
        from speedkit.data_frame import Frame

        ways = map(self.without_secrets, self.ways)
        return Frame(
            [
                {
                    "name": way.name,
                    "kind": way.kind,
                    "file": way.file,
                    "context": way.context,
                    "target": way.target,
                    "build_args": " ".join(f"{name}={value}" for name, value in way.build_args.items()),
                    "platforms": ",".join(way.platforms),
                    "found_in": way.found_in,
                    "problem": way.problem,
                    "default": self.default is not None and way.name == self.default.name,
                }
                for way in ways
            ]
        )

    def without_secrets(self, way: Way) -> Way:
        """A way for readers: with substitutes for secrets in its build args, labels and options."""
        caches = [*way.cache_from, *way.cache_to]
        redaction = Redaction({**self._dotenv(way), **way.build_args}, os.environ, caches)
        options = replace(
            way.options,
            labels=redaction.build_args(way.options.labels),
            tags=tuple(map(redaction.text, way.options.tags)),
            named_contexts={name: redaction.text(source) for name, source in way.options.named_contexts.items()},
        )
        return replace(
            way,
            context=redaction.text(way.context),
            build_args=redaction.build_args(way.build_args),
            cache_from=tuple(map(redaction.cache_option, way.cache_from)),
            cache_to=tuple(map(redaction.cache_option, way.cache_to)),
            options=options,
            not_resolved={name: redaction.text(text) for name, text in way.not_resolved.items()},
            problem=redaction.text(way.problem),
        )

    def _dotenv(self, way: Way) -> dict[str, str]:
        """The variables of the `.env` file beside a compose file, which may hold secrets that compose puts into build args."""
        if way.kind != "compose":
            return {}
        path = (self.folder / way.found_in).parent / ".env"
        try:
            text = read_regular(path, at_most_bytes=LARGEST_DOTENV_BYTES).decode("utf-8", "replace")
        except OSError:
            return {}
        pairs = (line.removeprefix("export ").partition("=") for line in text.splitlines())
        return {name.strip(): value.strip().strip("\"'") for name, equals, value in pairs if equals}

    def dockerfile_text(self, way: Way) -> str | None:
        """The text of a way's Dockerfile; None when it cannot be read."""
        if way.dockerfile_text is not None:
            return way.dockerfile_text
        path = self.folder / way.file
        place = file_in_root(path.parent.resolve(), path.name) or path
        try:
            return read_regular(place, at_most_bytes=LARGEST_DOCKERFILE_BYTES).decode("utf-8", "surrogateescape")
        except OSError:
            return None

    def base_references(self, ways: Iterable[Way]) -> dict[str, tuple[str, ...]]:
        """The base images that the Dockerfiles of ways name, each with the names of the ways that need it."""
        users: dict[str, list[str]] = {}
        for way in ways:
            text = None if way.problem and not way.file else self.dockerfile_text(way)
            if text is None:
                continue
            try:
                references = external_bases(read_dockerfile(text), build_args=way.build_args, target=way.target)
            except DockerfileError:
                continue
            for reference in references:
                if reference not in way.options.named_contexts and reference not in way.linked:
                    users.setdefault(reference, []).append(way.name)
        return {reference: tuple(names) for reference, names in users.items()}

    def bases(self, engine: Engine | None, ways: Iterable[Way] | None = None) -> tuple[Base, ...]:
        """The base images of ways, each with the image that a build from here would use. Nothing is pulled or made.

        engine: it is asked for its images, and whether a registry has the others; None when no engine answers.
        ways: all of the project by default.
        """
        # A registry that does not answer keeps a thread for seconds, so they are asked side by side, and each only once.
        references = self.base_references(self.ways if ways is None else ways)
        silent: set[str] = set()
        with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
            return tuple(pool.map(lambda one: _base(engine, one, references[one], silent), references))


def open_project(path: Path | str = ".") -> Project:
    """A team's own folder as a project: the ways to build it that its files describe. The folder is only read.

    Raises: NotAFolder, FileRefused.
    """
    folder = Path(path).expanduser()
    try:
        if not folder.is_dir():
            raise NotAFolder(path)
        return Project(folder.resolve())
    except OSError as problem:
        raise FileRefused(
            message("The folder {path} cannot be read: {problem}.", path=path, problem=problem.strerror),
            fix=message("Make it readable."),
        ) from None


def way_to_build(folder: Path | str, name: str | None = None) -> Way:
    """The way of `--way`, or a project's default one, as it is built from here. Paths are those in the folder.

    Raises: what `open_project` raises, UnknownWay, Misuse for a way that cannot be built from here.
    """
    opened = open_project(folder)
    return opened.here(opened.buildable(name))


def _buildx() -> Path:
    try:
        return find_buildx()
    except NoBuildKit as problem:
        raise BakeRefused(f"{problem.what} {problem.fix}") from None


def _base(engine: Engine | None, reference: str, ways: tuple[str, ...], silent: set[str]) -> Base:
    """silent: registries that did not answer, so that each is asked once."""
    may_stand_in = bool(stand_in_images(reference))
    local = plain_base(engine, reference) if engine is not None else None
    if engine is not None and local != reference and _registry_has(engine, reference, silent):
        # BuildKit pulls an image that a registry has, even where the engine has a stand-in.
        local = reference
    return Base(reference, local, local not in (None, reference), may_stand_in, ways)


def _registry_has(engine: Engine, reference: str, silent: set[str]) -> bool:
    """Whether a registry has an image. The engine asks it (DistributionInspect in its API)."""
    registry = host if "." in (host := reference.partition("/")[0]) or ":" in host else ""
    if registry in silent:
        return False
    try:
        status, _ = engine.get(f"/distribution/{quote(reference)}/json", seconds=ANSWER_SECONDS)
    except SpeedkitError:
        status = HTTPStatus.GATEWAY_TIMEOUT
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        silent.add(registry)
    # 401 and 403: a registry answers, and a pull may have the credentials that this question has not.
    return status < HTTPStatus.NOT_FOUND
