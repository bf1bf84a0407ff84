"""Any folder with a Dockerfile as an app."""

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
from .sample import SampleApp, is_sample_folder, sample_strategies
from .text_files import text_files
from .working_copy import working_copy

__all__ = ["app_in_place", "own_app"]


def own_app(path: Path | str, dockerfile: str | Iterable[str] | None = None, *, edits: Mapping[str, Edit] | None = None) -> App:
    """A folder with one or more Dockerfiles as an app: a private copy of it, with a cache of its own.

    The folder is copied at once, not at the first edit: BuildKit tells contexts apart by their folder's name, so builds
    before and after the first edit must be of one folder. The user's own is only ever read.
    dockerfile: names in the folder or paths elsewhere, each a strategy; by default all files `Dockerfile*` in the folder
    (or `dockerfile`, where there is no `Dockerfile`).
    edits: by name, made with `append_line` and `replacement`; `none` and `touch` are always there.
    The sample app's folder is the sample app, unless a Dockerfile or edits are named: then it is a folder like any other.
    Raises: NotAFolder, NoDockerfile, and what `working_copy` raises.
    """
    source = _folder(path)
    if is_sample_folder(source) and dockerfile is None and edits is None:
        return SampleApp.copied()
    found = _named(source, [dockerfile] if isinstance(dockerfile, str) else list(dockerfile or _dockerfiles(source)))
    copy = working_copy(source, list(found.values()))
    folder = copy.folder
    strategies = {
        name: Strategy(name, _copied(path, source, folder), message("{name} of {app}", name=name, app=source.name))
        for name, path in found.items()
    }
    # Recordings are found by this name, whatever the language.
    name = f"{source.name}, as your own" if is_sample_folder(source) else source.name
    known = {edit.name: edit for edit in (nothing(), _touch(folder, strategies))}
    return App(name, source, folder, strategies, known | dict(edits or {}), private_cache=True, copy=copy)


def _named(source: Path, names: list[str]) -> dict[str, Path]:
    """Dockerfiles by the name of their strategy: the path in the folder, or the file's name for one that is elsewhere.

    One that is elsewhere, and would have another's name, is called by its whole path. A link that leads out of the folder
    counts as elsewhere: it would lead nowhere in a copy.
    """
    found = {}
    for name in names:
        path = Path(os.path.normpath(source / Path(name).expanduser()))
        if not _is_dockerfile(path):
            raise _refusal(path)
        is_here = path.is_relative_to(source) and _readable_by_buildkit(path).is_relative_to(source)
        called = path.relative_to(source).as_posix() if is_here else path.name
        found[called if called not in found else str(path)] = _readable_by_buildkit(path)
    return found


def _is_dockerfile(path: Path) -> bool:
    """Whether there is a file for BuildKit, or one that a link leads to elsewhere."""
    is_file = os.path.isfile(path)  # noqa: PTH113 - no error where a folder is closed
    return is_file or file_in_root(path.parent.resolve(), path.name) is not None


def _readable_by_buildkit(path: Path) -> Path:
    """Where BuildKit finds a Dockerfile: it follows a link only inside of the folder that the link lies in.

    The name of such a link is kept, because the `<name>.dockerignore` beside it counts.
    Raises: NoDockerfile.
    """
    folder, place = path.parent.resolve(), path.resolve()
    if file_in_root(folder, path.name) is not None:
        return folder / path.name
    if place.is_relative_to(folder):
        raise NoDockerfile(path, link=os.readlink(path) if path.is_symlink() else "")  # noqa: PTH115 - as the link says it
    return place


def _copied(path: Path, source: Path, copy: Path) -> Path:
    return copy / path.relative_to(source) if path.is_relative_to(source) else path


def _touch(copy: Path, strategies: Mapping[str, Strategy]) -> Edit:
    """Touches the first Dockerfile, or where all are elsewhere the first text file."""
    names = [name for name, strategy in strategies.items() if strategy.dockerfile.is_relative_to(copy)]
    first = next(iter(names or text_files(copy)), None)
    return touch(first) if first is not None else Edit("touch", message("no file to touch"), lambda _: ())


def app_in_place(path: Path | str, *, dockerfile: Path | None = None) -> App:
    """A folder as it is, built with the engine's common cache; it cannot be edited through the kit.

    dockerfile: one Dockerfile, in the folder or elsewhere; by default those of the folder.
    Raises: NotAFolder, NoDockerfile.
    """
    source = _folder(path)
    if dockerfile is not None:
        places = (dockerfile, source / dockerfile)
        found = next(filter(_is_dockerfile, places), None)
        if found is None:
            something = next(filter(os.path.lexists, places), None)
            raise _refusal(something or source / dockerfile, called=dockerfile)
        place = _readable_by_buildkit(found)
        # Two Dockerfiles of one name would be taken for one another's history.
        name = place.relative_to(source).as_posix() if place.is_relative_to(source) else str(place)
        strategies = {name: Strategy(name, place, message("{name} of {app}", name=name, app=source.name))}
        return App(source.name, source, source, strategies, {"none": nothing()}, private_cache=False)
    if is_sample_folder(source):
        return SampleApp(source, source, sample_strategies(source), private_cache=False)
    strategies = {
        name: Strategy(name, _readable_by_buildkit(source / name), message("{name} of {app}", name=name, app=source.name))
        for name in _dockerfiles(source)
    }
    short = {name.removeprefix("Dockerfile."): strategy for name, strategy in strategies.items()}
    return App(source.name, source, source, strategies | short, {"none": nothing()}, private_cache=False)


def _folder(path: Path | str) -> Path:
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
    # The name in lower case is what buildx takes where the other is not there.
    if "Dockerfile" not in names and _is_dockerfile(folder / "dockerfile"):
        names.insert(0, "dockerfile")
    if not names:
        raise _refusal(folder / "Dockerfile")
    return names


def _refusal(path: Path, *, called: Path | None = None) -> NoDockerfile | FileRefused:
    """Why there is no Dockerfile: nothing is there, or what is there cannot be read. called: as the user names it."""
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
