"""Any folder with a Dockerfile as an app."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from speedkit.apps.app import App, Strategy
from speedkit.apps.copying import working_copy
from speedkit.apps.edits import Edit, nothing, touch
from speedkit.apps.sample import SampleApp, sample_folder, sample_strategies
from speedkit.errors import NoDockerfile, NotAFolder

__all__ = ["app_in_place", "own_app"]


def own_app(path: Path | str, dockerfile: str | Iterable[str] | None = None, *, edits: Mapping[str, Edit] | None = None) -> App:
    """A folder with one or more Dockerfiles as an app: a private copy of it, with a cache of its own.

    dockerfile: names in the folder, each a strategy; by default all called `Dockerfile` or `Dockerfile.NAME`.
    edits: by name, made with `append_line` and `replacement`; `none` and `touch` are always there.
    The sample app's folder is the sample app, unless a Dockerfile or edits are named: then it is a folder like any other.
    Raises: NotAFolder, NoDockerfile.
    """
    source = _folder(path)
    if source == sample_folder() and dockerfile is None and edits is None:
        return SampleApp.copied()
    names = [dockerfile] if isinstance(dockerfile, str) else list(dockerfile or _dockerfiles(source))
    copy = working_copy(_with_dockerfiles(source, names))
    known = {edit.name: edit for edit in (nothing(), touch(names[0]))}
    strategies = {name: Strategy(name, copy / name, f"{name} of {source.name}") for name in names}
    name = f"{source.name}, as your own" if source == sample_folder() else source.name
    return App(name, source, copy, strategies, known | dict(edits or {}), private_cache=True)


def app_in_place(path: Path | str, *, dockerfile: Path | None = None) -> App:
    """A folder as it is, built with the engine's common cache; it cannot be edited through the kit.

    dockerfile: one Dockerfile, in the folder or elsewhere; by default those of the folder.
    Raises: NotAFolder, NoDockerfile.
    """
    source = _folder(path)
    if dockerfile is not None:
        found = dockerfile if dockerfile.is_file() else source / dockerfile
        if not found.is_file():
            raise NoDockerfile(dockerfile)
        strategies = {found.name: Strategy(found.name, found.resolve(), f"{found.name} of {source.name}")}
        return App(source.name, source, source, strategies, {"none": nothing()}, private_cache=False)
    if source == sample_folder():
        return SampleApp(source, source, sample_strategies(source), private_cache=False)
    strategies = {name: Strategy(name, source / name, f"{name} of {source.name}") for name in _dockerfiles(source)}
    short = {name.removeprefix("Dockerfile."): strategy for name, strategy in strategies.items()}
    return App(source.name, source, source, strategies | short, {"none": nothing()}, private_cache=False)


def _folder(path: Path | str) -> Path:
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise NotAFolder(path)
    return folder.resolve()


def _dockerfiles(folder: Path) -> list[str]:
    names = sorted(
        path.name for path in folder.glob("Dockerfile*") if path.is_file() and not path.name.endswith(".dockerignore")
    )
    if not names:
        raise NoDockerfile(folder / "Dockerfile")
    return names


def _with_dockerfiles(folder: Path, names: list[str]) -> Path:
    for name in names:
        if not (folder / name).is_file():
            raise NoDockerfile(folder / name)
    return folder
