"""`speedkit project`: the ways to build a team's own folder, and the base images that they need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedkit.errors import SpeedkitError
from speedkit.messages import message

from .arguments import AsJson, WayOption
from .output import print_json, print_sentence, print_table, print_text, say

if TYPE_CHECKING:
    from speedkit.engine import Engine
    from speedkit.projects import Base, Project, Way

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    summary = message("List the ways to build a folder, as its files describe them, and the base images that they need.")
    program.command("project", help=summary)(project)


def project(
    path: Annotated[Path, typer.Argument(metavar="PATH", help=message("A folder of yours; it is only read."))],
    way: WayOption = None,
    as_json: AsJson = False,
) -> None:
    """Print the ways and the base images. Exit with 1 when there is no way."""
    from speedkit.projects import open_project
    from speedkit.secrets import hide_secrets

    read = open_project(path)
    ways = read.ways if way is None else (read.way(way),)
    # The ways need no engine, so a machine without one gets them as well.
    engine, why_none = _engine()
    bases = read.bases(engine, ways)
    if as_json:
        print_json(_document(read, ways, bases))
    else:
        _print_ways(read, ways)
        if bases:
            rows = [[base.reference, _used_text(base, why_none)] for base in bases]
            print_text("")
            print_table(message("Base images:"), [message("in the Dockerfile"), message("built from here")], rows)
        if bases and why_none:
            print_sentence(message("There is no engine to ask for its images: {why}", why=why_none))
    for one in read.unread:
        say(message("{path} cannot be read: {why}.", path=one.path, why=hide_secrets(one.why).rstrip(".")))
    if not ways:
        say(message("No file of {folder} says how to build an image.", folder=read.folder))
        raise typer.Exit(1)


def _engine() -> tuple[Engine | None, str]:
    """The engine, which is asked for its images; or None, and the reason."""
    from speedkit.engine import connect

    try:
        return connect(), ""
    except SpeedkitError as problem:
        return None, problem.what_visible


def _document(read: Project, ways: Sequence[Way], bases: Sequence[Base]) -> dict[str, Any]:
    from speedkit.secrets import hide_secrets

    default = read.default
    return {
        "ways": [_way_json(read, way, is_default=default is not None and way.name == default.name) for way in ways],
        "bases": [
            {"reference": base.reference, "used": base.used, "stand_in": base.stand_in, "ways": list(base.ways)}
            for base in bases
        ],
        "unread": [{"path": one.path, "why": hide_secrets(one.why)} for one in read.unread],
    }


def _way_json(read: Project, way: Way, *, is_default: bool) -> dict[str, Any]:
    shown = read.without_secrets(way)
    return {
        "name": shown.name,
        "kind": shown.kind,
        "file": shown.file,
        "target": shown.target,
        # A build arg whose value only a run would know is null, so that a program sees its name.
        "build_args": dict(shown.build_args) | dict.fromkeys(shown.unknown_build_args),
        "platforms": list(shown.platforms),
        "context": shown.context,
        "found_in": shown.found_in,
        "also_found_in": list(shown.also_found_in),
        "cache_from": list(shown.cache_from),
        "cache_to": list(shown.cache_to),
        "tags": list(shown.options.tags),
        "publishes": shown.publishes,
        "without_cache": shown.without_cache,
        "linked": dict(shown.linked),
        "not_resolved": dict(shown.not_resolved),
        "problem": shown.problem or None,
        "default": is_default,
    }


def _print_ways(read: Project, ways: Sequence[Way]) -> None:
    name, dockerfile, context, options = message("way"), message("Dockerfile"), message("context"), message("options")
    default = read.default
    rows = []
    for way in map(read.without_secrets, ways):
        mark = "*" if default is not None and way.name == default.name else ""
        rows.append([mark, way.name, way.file or message("in {file}", file=way.found_in), way.context, _options_text(way)])
    if rows:
        print_table(message("Ways to build {folder}:", folder=read.folder), ["", name, dockerfile, context, options], rows)
    if default is not None and default in ways:
        print_text("", message("* is the way that is built without --way."))


def _options_text(way: Way) -> str:
    """The options of a way besides its Dockerfile and context, after the reason why it cannot be built, if there is one."""
    parts = [message("cannot be built from here: {why}", why=way.problem)] if way.problem else []
    parts += [f"--target {way.target}"] if way.target else []
    parts += [f"--build-arg {name}={value}" for name, value in way.build_args.items()]
    parts += [f"--platform {','.join(way.platforms)}"] if way.platforms else []
    parts += [f"--cache-from {place}" for place in way.cache_from]
    parts += [f"--cache-to {place}" for place in way.cache_to]
    parts += [f"--build-context {name}=target:{target}" for name, target in way.linked.items()]
    parts += ["--no-cache"] if way.without_cache else []
    # Tags and labels change no step of a build, so a reader does not miss them.
    unknown = ", ".join(
        f"{option} ({text})" for option, text in way.not_resolved.items() if option != "tag" and not option.startswith("label")
    )
    if unknown:
        parts.append(message("known only when it runs: {options}", options=unknown))
    return "; ".join(parts)


def _used_text(base: Base, why_none: str) -> str:
    if base.stand_in and base.used is not None:
        # Without the address before it, which only tells BuildKit that the image is in no registry.
        return message("the stand-in {name}", name=base.used.rpartition("/")[2].removeprefix("standin-"))
    if base.used is not None:
        return base.used if base.used != base.reference else message("the image itself")
    if why_none:
        return "?"
    if base.may_stand_in:
        return message("no registry hands it out; `speedkit setup --for PATH` makes a stand-in")
    return message("cannot be had: no registry hands it out, and it has no stand-in")
