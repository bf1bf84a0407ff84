"""Arguments that several verbs share, and their parsers."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from speedkit.errors import Misuse
from speedkit.messages import message
from speedkit.words import read_bytes

from .argv_secrets import hide_on_command_line
from .output import say

if TYPE_CHECKING:
    from speedkit.apps import App
    from speedkit.engine import CommandOptions

__all__ = [
    "AsJson",
    "BaseOption",
    "BuildArgs",
    "BuilderOption",
    "CommitsOption",
    "FileOption",
    "ProjectArgument",
    "SinceOption",
    "SmokeOption",
    "StrategyOption",
    "TargetOption",
    "WayOption",
    "app_named",
    "parse_bases",
    "parse_build_args",
    "parse_size",
    "with_docker_options",
]

AsJson = Annotated[bool, typer.Option("--json", help=message("Print one JSON document."))]
BuildArgs = Annotated[
    list[str] | None,
    typer.Option(
        "--build-arg",
        metavar="K=V",
        help=message("Set a build argument; K alone takes its value from the environment."),
    ),
]
BaseOption = Annotated[
    list[str] | None,
    typer.Option(
        "--base",
        metavar="NAME=IMAGE",
        help=message("Use another image in place of a base image of the Dockerfile; may be repeated."),
    ),
]
BuilderOption = Annotated[str | None, typer.Option(help=message("A buildx builder in place of the one inside the engine."))]
StrategyOption = Annotated[str | None, typer.Option("-s", "--strategy", help=message("A strategy of the app."))]
FileOption = Annotated[Path | None, typer.Option("-f", "--file", help=message("A Dockerfile."))]
TargetOption = Annotated[str | None, typer.Option(help=message("The stage to build."))]
OF_DOCKER = message("Options of `docker build`")
"""The heading of the options that `with_docker_options` gives a verb."""
WayOption = Annotated[
    str | None, typer.Option(metavar="NAME", help=message("The way to build, as `speedkit project` names it."))
]
CommitsOption = Annotated[
    int, typer.Option(min=1, max=100, metavar="K", help=message("How many of the last commits to build."))
]
ProjectArgument = Annotated[Path, typer.Argument(metavar="PATH", help=message("The folder of the project."))]
SinceOption = Annotated[
    str | None, typer.Option(metavar="DATE", help=message("Commits since then, as `git log --since` takes it."))
]
SmokeOption = Annotated[
    str | None,
    typer.Option(metavar="CMD", help=message("A command to run in both images, such as 'app --version'.")),
]


def parse_size(text: str) -> int:
    """Bytes from `1500`, `20MB` or `1.5GiB`.

    Raises: typer.BadParameter.
    """
    size = read_bytes(text)
    if size is None:
        raise typer.BadParameter(message("{text!r} is not a size. Write bytes, or a number with kB, MB or GB.", text=text[:40]))
    return size


def with_docker_options(verb: Callable[..., None]) -> Callable[..., None]:
    """A verb that also has the options of `docker build`. It gets them as one parameter, `options`, a `CommandOptions`."""
    # typer reads the parameters of a verb from its signature. There, the shared ones replace the parameter `options`.
    hints = get_type_hints(verb, localns={"CommandOptions": object}, include_extras=True)
    shared_hints = get_type_hints(_command_options, localns={"CommandOptions": object}, include_extras=True)
    shared = inspect.signature(_command_options).parameters
    parameters = []
    for parameter in inspect.signature(verb).parameters.values():
        if parameter.name == "options":
            parameters += [one.replace(annotation=shared_hints[one.name]) for one in shared.values()]
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))

    @wraps(verb)
    def verb_with_options(**values: Any) -> None:
        shared_values = {name: values.pop(name) for name in shared}
        verb(**values, options=_command_options(**shared_values))

    verb_with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    verb_with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return verb_with_options


def _command_options(
    secret: Annotated[
        list[str] | None,
        typer.Option(
            metavar="id=NAME,src=FILE|env=VAR",
            help=message("A secret for `RUN --mount=type=secret`; may be repeated."),
            rich_help_panel=OF_DOCKER,
        ),
    ] = None,
    ssh: Annotated[
        list[str] | None,
        typer.Option(
            metavar="default|NAME=PATH",
            help=message("An SSH agent or key for `RUN --mount=type=ssh`."),
            rich_help_panel=OF_DOCKER,
        ),
    ] = None,
    build_context: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SOURCE",
            help=message("A folder, image or address in place of a name in the Dockerfile."),
            rich_help_panel=OF_DOCKER,
        ),
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OS/ARCH", help=message("The platform to build for, such as linux/arm64."), rich_help_panel=OF_DOCKER
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help=message("A label of the image; may be repeated."), rich_help_panel=OF_DOCKER),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "-t",
            "--tag",
            metavar="NAME:TAG",
            help=message("One more name for the image that a build makes."),
            rich_help_panel=OF_DOCKER,
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            metavar="none|host", help=message("The network of RUN: default, none or host."), rich_help_panel=OF_DOCKER
        ),
    ] = None,
    add_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:IP", help=message("An address of a host for RUN; may be repeated."), rich_help_panel=OF_DOCKER
        ),
    ] = None,
    ulimit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SOFT:HARD", help=message("A limit for RUN, such as nofile=1024:2048."), rich_help_panel=OF_DOCKER
        ),
    ] = None,
    shm_size: Annotated[
        str | None,
        typer.Option(metavar="BYTES", help=message("The size of /dev/shm in RUN, such as 1g."), rich_help_panel=OF_DOCKER),
    ] = None,
    base: BaseOption = None,
) -> CommandOptions:
    from speedkit.engine import CommandOptions

    # Labels and addresses may hold secrets, and every user can see this process's command line.
    hide_on_command_line([*(label or ()), *(build_context or ())])
    return CommandOptions(
        secrets=tuple(secret or ()),
        ssh=tuple(ssh or ()),
        named_contexts=_pairs(build_context or (), is_complete=True),
        platforms=tuple(platform or ()),
        labels=_pairs(label or (), is_complete=False),
        tags=tuple(tag or ()),
        network=network,
        add_hosts=tuple(add_host or ()),
        ulimits=tuple(ulimit or ()),
        shm_size=shm_size,
        bases=parse_bases(base),
    )


def _pairs(options: Iterable[str], *, is_complete: bool) -> dict[str, str]:
    """`NAME=VALUE` options as a dictionary. is_complete: a name without a value is an error; otherwise the value is empty."""
    pairs = {}
    for option in options:
        name, equals, value = option.partition("=")
        if is_complete and not equals:
            raise Misuse(
                message("--build-context {option!r} names no source.", option=option),
                fix=message("Write NAME=FOLDER or NAME=docker-image://IMAGE."),
            )
        pairs[name] = value
    return pairs


def app_named(folder: Path, strategy: str | None, file: Path | None, way: str | None, options: CommandOptions) -> App:
    """The app in a folder, used in place: with one Dockerfile, with one way to build, or with its own strategies.

    Raises: Misuse, NotAFolder, NoDockerfile, UnknownWay.
    """
    from speedkit.apps import app_in_place

    if strategy and file:
        raise Misuse(message("The command has both a strategy and a Dockerfile."), fix=message("Give -s or -f, not both."))
    if way is not None:
        from speedkit.projects import open_project

        if strategy or file:
            raise Misuse(
                message("The command has both a way and a strategy or a Dockerfile."), fix=message("Give --way, or -s or -f.")
            )
        # A build from here may leave out parts of the way. The reader gets a sentence about each, and the build goes on.
        project = open_project(folder)
        for sentence in project.departures(project.without_secrets(project.way(way))):
            say(sentence)
        return project.app(way, named_contexts=options.named_contexts)
    return app_in_place(folder, dockerfile=file)


def parse_bases(options: list[str] | None) -> dict[str, str]:
    """`NAME=IMAGE` pairs as a dictionary.

    Raises: Misuse for a pair without a name or an image.
    """
    pairs = {}
    for pair in options or []:
        name, _, image = pair.partition("=")
        if not name.strip() or not image.strip():
            raise Misuse(
                message("The base image {argument!r} has no image to use in its place.", argument=pair),
                fix=message("Write --base NAME=IMAGE, with the name as the Dockerfile has it: --base alpine:3=my/alpine."),
            )
        pairs[name.strip()] = image.strip()
    return pairs


def parse_build_args(options: list[str] | None) -> dict[str, str]:
    """`K=V` pairs as a dictionary. A `K` alone gets its value from the environment, which `ps` does not show.

    Raises: Misuse for a build argument without a value. `docker build` silently leaves it out, but here that would measure a
    build that nobody asked for.
    """
    pairs = {}
    for pair in options or []:
        name, equals, value = pair.partition("=")
        if not name or (not equals and name not in os.environ):
            raise Misuse(
                message("The build argument {argument!r} has no value.", argument=pair),
                fix=message(
                    "Write --build-arg NAME=VALUE, or set the variable NAME, which nobody sees, and write --build-arg NAME."
                ),
            )
        pairs[name] = value if equals else os.environ[name]
    return pairs
