"""`speedkit build`: a real build, or the same build twice."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedkit.errors import SpeedkitError
from speedkit.messages import marked, message

from .arguments import (
    AsJson,
    BuildArgs,
    BuilderOption,
    FileOption,
    StrategyOption,
    TargetOption,
    WayOption,
    app_named,
    parse_build_args,
    with_docker_options,
)
from .argv_secrets import hide_on_command_line
from .output import live_line, print_json, print_table, print_text, reason_json, say_log
from .printed_builds import build_json, line_of_running, print_build, print_notices

if TYPE_CHECKING:
    from speedkit.apps import App
    from speedkit.builds import RunningBuild
    from speedkit.engine import CommandOptions
    from speedkit.history import RepeatedBuild
    from speedkit.images import Difference
    from speedkit.model import Build

__all__ = ["register"]

SHOWN_DIFFERENCES = 20
CHANGES = {
    "content": marked("changed content"),
    "kind": marked("changed kind"),
    "owner or mode": marked("changed owner or mode"),
}
"""The part of a file that differs between two images."""


def register(program: typer.Typer) -> None:
    once = message("Build once, for real, and record it.")
    with_twice = message(
        "With --twice, the JSON document has `twice`: the second `build`, the steps that `missed` and because of what, "
        "with --cold the `differences` of the files, and what is `unsteady`: instructions that may come out differently "
        "elsewhere."
    )
    program.command("build", help=f"{once}\n\n{with_twice}")(with_docker_options(build))


def build(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=message("The folder that holds the Dockerfile."))],
    strategy: StrategyOption = None,
    file: FileOption = None,
    way: WayOption = None,
    target: TargetOption = None,
    build_arg: BuildArgs = None,
    builder: BuilderOption = None,
    cold: Annotated[bool, typer.Option("--cold", help=message("Build with an empty cache; yours stays as it is."))] = False,
    cache_from: Annotated[
        list[str] | None,
        typer.Option(metavar="type=…", help=message("A cache to import, as buildx takes it; may be repeated.")),
    ] = None,
    cache_to: Annotated[
        list[str] | None, typer.Option(metavar="type=…", help=message("Where to export the cache to; may be repeated."))
    ] = None,
    twice: Annotated[
        bool,
        typer.Option(
            "--twice",
            help=message(
                "Build again at once, say what ran again and why, and exit with 1 if anything did. With --cold: build from "
                "cold twice, and exit with 1 if a file came out differently."
            ),
        ),
    ] = False,
    as_json: AsJson = False,
    *,
    options: CommandOptions,
) -> None:
    """Build, and print the result. Exit with 3 if the build failed, with 1 if a second build was not the same."""
    from speedkit.builds import start_build

    # Before anything else: build args may be secrets, and every user can see this process's command line.
    hide_on_command_line([*(build_arg or ()), *(cache_from or ()), *(cache_to or ())])
    app = app_named(folder, strategy, file, way, options)
    running = start_build(
        app,
        strategy,
        cold=cold,
        target=target,
        build_args=parse_build_args(build_arg),
        builder=builder,
        cache_from=cache_from or (),
        cache_to=cache_to or (),
        options=options,
    )
    built = _watched(running)
    repeated, problem = None, None
    try:
        # After a failed build, a second one has nothing to be compared with.
        repeated = _repeated(app, running, built, cold=cold) if twice and built.ok else None
    except SpeedkitError as raised:
        problem = raised
    # The first build is printed even where the second one could not start: its error is raised afterwards.
    if as_json:
        print_json(build_json(built) | ({"twice": _repeated_json(repeated)} if repeated else {}))
    else:
        print_build(built)
        if repeated:
            _print_repeated(repeated)
    print_notices([built, *([repeated.second] if repeated else [])])
    if problem is not None:
        raise problem
    # The exit code is that of the last build: a second one may fail where the first one did not.
    last = repeated.second if repeated else built
    if not last.ok:
        still_running = message("The build was told to stop, and still runs.")
        say_log(last.error or (still_running if last.outcome == "running" else message("The build failed.")))
        raise typer.Exit(3)
    if repeated and not repeated.same:
        raise typer.Exit(1)


def _repeated(app: App, running: RunningBuild, built: Build, *, cold: bool) -> RepeatedBuild:
    from speedkit.builds import start_again
    from speedkit.history import compare_cold_repeat, compare_with_repeat

    second = _watched(start_again(running, app, cold=cold))
    return compare_cold_repeat(built, second) if cold else compare_with_repeat(second)


def _watched(running: RunningBuild) -> Build:
    """The finished build, shown on stderr while it runs. Ctrl-C cancels the build, or the checks after it."""
    try:
        # An error in the view, as when the terminal has gone, must not end the build.
        with suppress(Exception):
            _show_live(running)
        return running.wait()
    except KeyboardInterrupt:
        running.stop()
        return running.wait() if running.done else running.result_so_far()


def _show_live(running: RunningBuild) -> None:
    is_told = False
    with live_line() as show:
        while not running.done:
            built = running.wait_briefly(0.12)
            show(line_of_running(built, is_built=running.is_built))
            if built.outcome == "running" and built.notices and not is_told:
                print_notices([built])  # once, because a pipe does not show the live line
                is_told = True


def _repeated_json(repeated: RepeatedBuild) -> dict[str, Any]:
    return {
        "build": build_json(repeated.second),
        "missed": [reason_json(reason, "state") for reason in repeated.missed],
        "differences": None if repeated.differences is None else [asdict(one) for one in repeated.differences],
        "unsteady": [{"line": one.line, "instruction": one.instruction, "because": one.because} for one in repeated.unsteady],
    }


def _print_repeated(repeated: RepeatedBuild) -> None:
    from speedkit.words import seconds_text

    line, instruction, seconds, because = message("line"), message("instruction"), message("seconds"), message("because")
    columns = [line, instruction, seconds, because]
    missed = [[step.line, step.instruction, seconds_text(step.seconds), step.because] for step in repeated.missed]
    print_text("")
    print_table(repeated.summary, columns if missed else [], missed, numbers=[line, seconds])
    if repeated.differences:
        changed = [[one.path, _change_text(one)] for one in repeated.differences[:SHOWN_DIFFERENCES]]
        if more := len(repeated.differences) - len(changed):
            changed.append([message("and {more} more", more=more), ""])
        print_table("", [message("file"), message("in the second image")], changed)
    if repeated.unsteady:
        rows = []
        for number, findings in groupby(repeated.unsteady, key=lambda one: one.line):
            # The line and the instruction stand once, before the first finding.
            first, *others = findings
            rows += [[number, first.instruction, first.because], *(["", "", other.because] for other in others)]
        print_text("")
        title = message("What usually makes a step run again, or come out differently on another day or machine:")
        print_table(title, [line, instruction, because], rows, numbers=[line])


def _change_text(difference: Difference) -> str:
    if difference.kind == "changed":
        return message(CHANGES[difference.what])
    return message("added") if difference.kind == "added" else message("removed")
