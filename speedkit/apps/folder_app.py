"""Apps from any folder with a Dockerfile: as a working copy, or built in place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from speedkit.context import file_in_root
from speedkit.errors import FileRefused, NoDockerfile, NotAFolder
from speedkit.messages import message
from speedkit.regular_file import kind_in_words

from .app import App, Strategy
from .edits import Edit, nothing, touch
from .sample import SampleApp, language_of, sample_strategies
from .text_files import text_files
from .working_copy import working_copy

__all__ = ["app_in_place", "named_dockerfile", "own_app"]


def own_app(path: Path | str, dockerfile: str | Iterable[str] | None = None, *, edits: Mapping[str, Edit] | None = None) -> App:
    """A folder with one or more Dockerfiles as an app: a working copy of it, with a cache of its own.

    The user's folder is only read. It is copied now, not at the first edit: BuildKit recognises a build context by the name of
    its folder, so the builds before and after the first edit must be of the same folder.
    dockerfile: names in the folder or paths elsewhere, a strategy each; by default all files `Dockerfile*` in the folder, and
    `dockerfile` when there is no `Dockerfile`.
    edits: by name, made with `append_line` and `replacement`. The edits `none` and `touch` are always there.
    The folder of a sample app gives the sample app, unless a Dockerfile or edits are named.
    Raises: NotAFolder, NoDockerfile, and what `working_copy` raises.
    """
    source = _folder(path)
    language = language_of(source)
    if language is not None and dockerfile is None and edits is None:
        return SampleApp.copied(language, source)
    names = [dockerfile] if isinstance(dockerfile, str) else list(dockerfile or _dockerfiles(source))
    dockerfiles = _dockerfiles_by_strategy(source, names)
    copy = working_copy(source, list(dockerfiles.values()))
    folder = copy.folder
    strategies = {}
    for strategy, path in dockerfiles.items():
        own_path = folder / path.relative_to(source) if path.is_relative_to(source) else path
        strategies[strategy] = Strategy(strategy, own_path, message("{name} of {app}", name=strategy, app=source.name))
    # Not translated: recordings are looked up by the name of their app.
    name = f"{source.name}, as your own" if language is not None else source.name
    own_edits = {edit.name: edit for edit in (nothing(), _touch(folder, strategies))}
    return App(name, source, folder, strategies, own_edits | dict(edits or {}), private_cache=True, copy=copy)


def _dockerfiles_by_strategy(source: Path, names: list[str]) -> dict[str, Path]:
    """The paths of Dockerfiles by the name of their strategy.

    The name is the path in the folder. For a file elsewhere it is the file's name, or its whole path when another Dockerfile
    has that name. A link that leads out of the folder counts as a file elsewhere: in a copy it would lead nowhere.
    """
    by_strategy: dict[str, Path] = {}
    for name in names:
        path = Path(os.path.normpath(source / Path(name).expanduser()))
        if not _is_dockerfile(path):
            raise _refusal(path)
        is_here = path.is_relative_to(source) and _readable_by_buildkit(path).is_relative_to(source)
        strategy = path.relative_to(source).as_posix() if is_here else path.name
        by_strategy[strategy if strategy not in by_strategy else str(path)] = _readable_by_buildkit(path)
    return by_strategy


def named_dockerfile(folder: Path, dockerfile: Path) -> Path:
    """The path of the Dockerfile that a command names, as for `docker build -f`.

    A relative path counts from the current folder; then from the folder of the app.
    Raises: NotAFolder, NoDockerfile, FileRefused.
    """
    folder = _folder(folder)
    candidates = (dockerfile, folder / dockerfile)
    first = next(filter(_is_dockerfile, candidates), None)
    if first is None:
        raise _refusal(next(filter(os.path.lexists, candidates), folder / dockerfile), called=dockerfile)
    return first


def _is_dockerfile(path: Path) -> bool:
    """Whether the path is a file, or a link that BuildKit resolves to a file inside of the folder."""
    is_file = os.path.isfile(path)  # noqa: PTH113 - `Path.is_file` fails in a folder that cannot be read
    return is_file or file_in_root(path.parent.resolve(), path.name) is not None


def _readable_by_buildkit(path: Path) -> Path:
    """The path at which BuildKit can read a Dockerfile: it follows a link only inside of the folder of the link.

    The link itself when BuildKit follows it, because the `<name>.dockerignore` beside it counts; otherwise its target.
    Raises: NoDockerfile.
    """
    folder, target = path.parent.resolve(), path.resolve()
    if file_in_root(folder, path.name) is not None:
        return folder / path.name
    if target.is_relative_to(folder):
        raise NoDockerfile(path, link=os.readlink(path) if path.is_symlink() else "")  # noqa: PTH115 - the text of the link
    return target


def _touch(copy: Path, strategies: Mapping[str, Strategy]) -> Edit:
    """The edit that touches the first Dockerfile; the first text file when all Dockerfiles are elsewhere."""
    names = [name for name, strategy in strategies.items() if strategy.dockerfile.is_relative_to(copy)]
    first = next(iter(names or text_files(copy)), None)
    return touch(first) if first is not None else Edit("touch", message("no file to touch"), lambda _: ())


def app_in_place(path: Path | str, *, dockerfile: Path | None = None) -> App:
    """A folder as an app that is built in place, with the engine's common cache. It cannot be edited through the kit.

    dockerfile: one Dockerfile, in the folder or elsewhere; by default all of the folder.
    Raises: NotAFolder, NoDockerfile.
    """
    source = _folder(path)
    if dockerfile is not None:
        path_to_build = _readable_by_buildkit(named_dockerfile(source, dockerfile))
        # The whole path of a file elsewhere: with its name alone, two Dockerfiles would share one history of builds.
        is_here = path_to_build.is_relative_to(source)
        name = path_to_build.relative_to(source).as_posix() if is_here else str(path_to_build)
        strategies = {name: Strategy(name, path_to_build, message("{name} of {app}", name=name, app=source.name))}
        return App(source.name, source, source, strategies, {"none": nothing()}, private_cache=False)
    if (language := language_of(source)) is not None:
        return SampleApp(language, source, source, sample_strategies(language, source), private_cache=False)
    strategies = {
        name: Strategy(name, _readable_by_buildkit(source / name), message("{name} of {app}", name=name, app=source.name))
        for name in _dockerfiles(source)
    }
    short = {name.removeprefix("Dockerfile."): strategy for name, strategy in strategies.items()}
    return App(source.name, source, source, strategies | short, {"none": nothing()}, private_cache=False)


def _folder(path: Path | str) -> Path:
    """The absolute path of a folder. Raises: NotAFolder, FileRefused."""
    folder = Path(path).expanduser()
    try:
        if not folder.is_dir():
            raise NotAFolder(path)
        return folder.resolve()
    except OSError as problem:
        raise FileRefused(
            message("The folder {path} cannot be read: {problem}.", path=path, problem=problem.strerror),
            fix=message("Make it readable."),
        ) from None


def _dockerfiles(folder: Path) -> list[str]:
    """Names of the Dockerfiles in a folder, sorted. Raises: FileRefused, NoDockerfile when there is none."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as problem:
        raise FileRefused(
            message("The folder {folder} cannot be read: {problem}.", folder=folder, problem=problem.strerror),
            fix=message("Make it readable."),
        ) from None
    names = [
        path.name
        for path in entries
        if path.name.startswith("Dockerfile") and not path.name.endswith(".dockerignore") and _is_dockerfile(path)
    ]
    # Without a `Dockerfile`, buildx takes `dockerfile`.
    if "Dockerfile" not in names and _is_dockerfile(folder / "dockerfile"):
        names.insert(0, "dockerfile")
    if not names:
        raise _refusal(folder / "Dockerfile")
    return names


def _refusal(path: Path, *, called: Path | None = None) -> NoDockerfile | FileRefused:
    """The error for a path without a Dockerfile: nothing is there, or it cannot be read. called: the path as typed."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        if path.is_symlink():
            return FileRefused(
                message("{path} is a link that leads nowhere.", path=path), fix=message("Name another Dockerfile.")
            )
        return NoDockerfile(called or path)
    except OSError as problem:
        return FileRefused(
            message("The Dockerfile {path} cannot be read: {problem}.", path=path, problem=problem.strerror),
            fix=message("Make it readable."),
        )
    return FileRefused(
        message("{path} is {kind}, not a Dockerfile.", path=path, kind=kind_in_words(mode)),
        fix=message("Name a file with -f FILE."),
    )
