"""`speedkit build` and `speedkit compare`: real builds."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedkit.cli.arguments import (
    AsJson,
    BuildArgs,
    BuilderOption,
    FileOption,
    StrategyOption,
    TargetOption,
    app_named,
    parse_build_args,
)
from speedkit.cli.hiding import hide_on_command_line
from speedkit.cli.output import live_line, print_json, print_table, print_text, reason_json, say, say_log
from speedkit.errors import Misuse, SpeedkitError, UnknownEdit
from speedkit.messages import marked, message

if TYPE_CHECKING:
    from speedkit.apps import App, Edit
    from speedkit.experiment import RunningBuild
    from speedkit.history import Repeated
    from speedkit.images.comparing import Difference
    from speedkit.model import Build, Step

__all__ = ["register"]

SHOWN_DIFFERENCES = 20
CHANGES = {
    "content": marked("changed content"),
    "kind": marked("changed kind"),
    "owner or mode": marked("changed owner or mode"),
}
"""In what a file changed from one image to the other."""


def register(program: typer.Typer) -> None:
    once = message("Build once, for real, and record it.")
    with_twice = message(
        "With --twice, the JSON document has `twice`: the second `build`, the steps that `missed` and because of what, "
        "with --cold the `differences` of the files, and what is `unsteady`: instructions that may come out differently "
        "elsewhere."
    )
    program.command("build", help=f"{once}\n\n{with_twice}")(build)
    under_edits = message('Measure strategies under edits, interleaved; "cold" is an edit too.')
    program.command("compare", help=under_edits)(compare)


def build(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=message("The folder that holds the Dockerfile."))],
    strategy: StrategyOption = None,
    file: FileOption = None,
    target: TargetOption = None,
    build_arg: BuildArgs = None,
    builder: BuilderOption = None,
    cold: Annotated[
        bool, typer.Option("--cold", help=message("Find nothing that was built before; your cache stays."))
    ] = False,
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
) -> None:
    """Build, print what came of it, and exit with 3 where it failed, with 1 where a second build was not the same."""
    from speedkit.experiment import start_build

    hide_on_command_line([*(build_arg or ()), *(cache_from or ()), *(cache_to or ())])
    app = app_named(folder, strategy, file)
    running = start_build(
        app,
        strategy,
        cold=cold,
        target=target,
        build_args=parse_build_args(build_arg),
        builder=builder,
        cache_from=cache_from or (),
        cache_to=cache_to or (),
    )
    built = _watched(running)
    repeated, problem = None, None
    try:
        repeated = _repeated(app, running, built, cold=cold) if twice and built.ok else None
    except SpeedkitError as raised:
        problem = raised
    if as_json:
        print_json(build_json(built) | ({"twice": _repeated_json(repeated)} if repeated else {}))
    else:
        _print_build(built)
        if repeated:
            _print_repeated(repeated)
    _print_notices([built, *([repeated.second] if repeated else [])])
    if problem is not None:
        raise problem
    last = repeated.second if repeated else built
    if not last.ok:
        say_log(last.error or _ended_without_error(last))
        raise typer.Exit(3)
    if repeated and not repeated.same:
        raise typer.Exit(1)


def _ended_without_error(built: Build) -> str:
    if built.outcome == "running":
        return message("The build was told to end, and has not yet.")
    return message("The build failed.")


def _print_notices(builds: Iterable[Build]) -> None:
    """What could not be done once builds had ended, each sentence once. They are good nevertheless, and so is the exit code."""
    for notice in dict.fromkeys(notice for build in builds for notice in build.notices):
        say(f"! {notice}")


def _repeated(app: App, running: RunningBuild, built: Build, *, cold: bool) -> Repeated:
    from speedkit.experiment import start_again
    from speedkit.history import compare_cold_repeat, compare_with_repeat

    second = _watched(start_again(running, app, cold=cold))
    return compare_cold_repeat(built, second) if cold else compare_with_repeat(second)


def _watched(running: RunningBuild) -> Build:
    """The finished build, shown on stderr while it goes on. Ctrl-C cancels it, or what is still done once it is built."""
    try:
        # A view that breaks, as on a terminal that is gone, does not end a build.
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
            show(_frame(built, is_built=running.is_built))
            if built.outcome == "running" and built.notices and not is_told:
                _print_notices([built])  # where nobody sees the line, as in a pipe, and once
                is_told = True


def _repeated_json(repeated: Repeated) -> dict[str, Any]:
    return {
        "build": build_json(repeated.second),
        "missed": [reason_json(reason, "state") for reason in repeated.missed],
        "differences": None if repeated.differences is None else [asdict(one) for one in repeated.differences],
        "unsteady": [{"line": one.line, "instruction": one.instruction, "because": one.because} for one in repeated.unsteady],
    }


def _print_repeated(repeated: Repeated) -> None:
    from speedkit.words.amounts import seconds_text

    line, instruction, seconds, because = message("line"), message("instruction"), message("seconds"), message("because")
    columns = [line, instruction, seconds, because]
    missed = [[step.line, step.instruction, seconds_text(step.seconds), step.because] for step in repeated.missed]
    print_text("")
    print_table(repeated.finding, columns if missed else [], missed, numbers=[line, seconds])
    if repeated.differences:
        changed = [[one.path, _change(one)] for one in repeated.differences[:SHOWN_DIFFERENCES]]
        if more := len(repeated.differences) - len(changed):
            changed.append([message("and {more} more", more=more), ""])
        print_table("", [message("file"), message("in the second image")], changed)
    if repeated.unsteady:
        rows = []
        for number, found in groupby(repeated.unsteady, key=lambda one: one.line):
            first, *others = found
            rows += [[number, first.instruction, first.because], *(["", "", other.because] for other in others)]
        print_text("")
        title = message("What usually makes a step run again, or come out differently on another day or machine:")
        print_table(title, [line, instruction, because], rows, numbers=[line])


def _change(found: Difference) -> str:
    """How a file of the second image is unlike that of the first."""
    if found.kind == "changed":
        return message(CHANGES[found.what])
    return message("added") if found.kind == "added" else message("removed")


def build_json(built: Build) -> dict[str, Any]:
    """A build as `speedkit build --json` prints it."""
    return {
        "id": built.id,
        "exit_code": built.exit_code,
        "seconds": round(built.seconds, 4),
        "image": built.image,
        "image_bytes": built.image_bytes,
        "ok": built.ok,
        "stand_in_base": built.stand_in,
        "stand_in_frontend": built.replaced_frontend is not None,
        "notices": list(built.notices),
        "steps": [_step_json(step) for step in built.instructions],
    }


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "stage": step.stage,
        "instruction": step.instruction,
        "line": step.line,
        "state": step.state,
        "cached": step.cached,
        "seconds": round(step.seconds, 4),
        "bytes_fetched": step.bytes_fetched,
        "error": step.error,
    }


def _frame(built: Build, *, is_built: bool) -> str:
    from speedkit.words.amounts import seconds_text

    running = [step for step in built.step_list if step.state == "running"]
    if built.notices:
        now = " ".join(built.notices)
    elif is_built:
        now = message("built; looking at the image, and asking whether it works")
    elif running:
        now = running[-1].instruction
    else:
        now = message("getting context and base images ready")
    return f"{seconds_text(built.seconds)}  {now}"


def _print_build(built: Build) -> None:
    from speedkit.words import outcome_word, shown_state
    from speedkit.words.amounts import bytes_text, seconds_text

    rows = [
        [
            _stage_text(step),
            step.line,
            step.instruction,
            shown_state(step.state).word,
            seconds_text(step.seconds) if step.ran else "",
        ]
        for step in built.instructions
    ]
    took, outcome = seconds_text(built.seconds), outcome_word(built.outcome)
    facts = [message("{strategy}: {outcome} in {seconds}", strategy=built.strategy, outcome=outcome, seconds=took)]
    if built.image:
        # The beginning of its id, as `speedkit layers` takes it.
        facts.append(message("image {id}", id=built.image.removeprefix("sha256:")[:12]))
    if built.image_bytes is not None:
        facts.append(bytes_text(built.image_bytes))
    if replaced := ", ".join(base.reference for base in built.bases if base.stand_in):
        facts.append(message("stand-in base for {names}", names=replaced))
    if built.replaced_frontend is not None:
        facts.append(message("stand-in frontend for {name}", name=built.replaced_frontend))
    line, seconds = message("line"), message("seconds")
    columns = [message("stage"), line, message("instruction"), message("state"), seconds]
    print_table(", ".join(facts), columns, rows, numbers=[line, seconds])


def _stage_text(step: Step) -> str:
    from speedkit.recordings.steps import BEFORE_STAGES

    if step.kind == "host":
        return message("host")
    return message(BEFORE_STAGES) if step.stage == BEFORE_STAGES else step.stage


def compare(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help=message("A folder; the sample app by default."))
    ] = None,
    strategy: Annotated[
        list[str] | None, typer.Option("-s", "--strategy", help=message("A strategy; may be repeated."))
    ] = None,
    edit: Annotated[
        list[str] | None,
        typer.Option(
            "-e",
            "--edit",
            help=message(
                "An edit; may be repeated. For a folder of yours also FILE, to append an empty line to it, "
                "or FILE=OTHER, to put another file in its place."
            ),
        ),
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help=message("Trials of each."))] = 1,
    as_json: AsJson = False,
) -> None:
    """Measure, print the medians, and exit with 3 where a build failed."""
    from speedkit import experiment
    from speedkit.cli.progress import TerminalWatch

    edits = edit or (["cold", "none", "rename-field"] if folder is None else ["cold", "none"])
    with _app_to_compare(folder, edits) as app:
        result = experiment.compare(app, strategy, edits, repeat=repeat, watch=TerminalWatch)
    if as_json:
        print_json({"rows": result.rows})
    else:
        print_comparison(result)
    _print_notices(result.builds)
    if not all(row["ok"] for row in result.rows):
        raise typer.Exit(3)


def _app_to_compare(folder: Path | None, edits: list[str]) -> App:
    from speedkit.apps import COLD, own_app, sample_app

    if folder is None:
        return sample_app()
    app = own_app(folder)
    try:
        for name in edits:
            if name != COLD and name not in app.edits:
                app.edits[name] = _edit_of_a_file(app, name)
    except Misuse:
        app.close()
        raise
    return app


def _edit_of_a_file(app: App, name: str) -> Edit:
    """The edit that `FILE` or `FILE=OTHER` means.

    Raises: UnknownEdit, Misuse.
    """
    from speedkit.apps import append_line, replacement

    file, replaced, other = name.partition("=")
    if not (app.folder / file).is_file():
        raise UnknownEdit(name, [*app.edits, "FILE", "FILE=OTHER"])
    if not replaced:
        return append_line(file, "", called=name)
    if not Path(other).is_file():
        raise Misuse(
            message("{path} is not a file.", path=other),
            fix=message("Name the file to put in the place of {path}.", path=file),
        )
    return replacement(file, Path(other).resolve(), called=name)


def print_comparison(result: Any) -> None:
    """The medians of a comparison, strategy by edit, on stdout."""
    from speedkit.words.amounts import seconds_text

    def span(row: Any) -> str:
        if row["runs"] <= 1:
            return message("one run")
        return message("{low} to {high}", low=seconds_text(row["low_seconds"]), high=seconds_text(row["high_seconds"]))

    rows = [
        [
            row["strategy"],
            row["edit"],
            seconds_text(row["median_seconds"]) if row["ok"] else message("failed"),
            span(row),
            row["runs"],
            row["stand_ins"],
        ]
        for row in result.summary.to_dict("records")
    ]
    median, runs = message("median"), message("runs")
    columns = [message("strategy"), message("edit"), median, message("range"), runs, ""]
    print_table("", columns, rows, numbers=[median, runs])
