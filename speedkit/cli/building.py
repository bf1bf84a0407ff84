"""`speedkit build` and `speedkit compare`: real builds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedkit.cli.arguments import AsJson, BuildArgs, FileOption, StrategyOption, TargetOption, app_named, parse_build_args
from speedkit.cli.output import print_json, print_table, stderr
from speedkit.model import Build, Step

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    program.command("build")(build)
    program.command("compare")(compare)


def build(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that holds the Dockerfile.")],
    strategy: StrategyOption = None,
    file: FileOption = None,
    target: TargetOption = None,
    build_arg: BuildArgs = None,
    builder: Annotated[str | None, typer.Option(help="A buildx builder in place of the engine's own.")] = None,
    cold: Annotated[bool, typer.Option("--cold", help="Find nothing that was built before; your cache stays.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build once, for real, and record it."""
    from rich.live import Live

    from speedkit.experiment import start_build

    app = app_named(folder, strategy, file)
    running = start_build(app, strategy, cold=cold, target=target, build_args=parse_build_args(build_arg), builder=builder)
    try:
        with Live(console=stderr.console, refresh_per_second=8, transient=True) as live:
            while not running.done:
                live.update(_frame(running.wait_briefly(0.12)))
        built = running.wait()
    except KeyboardInterrupt:
        running.cancel()
        built = running.wait()
    if as_json:
        print_json(build_json(built))
    else:
        _print_build(built)
    if not built.ok:
        stderr.print(built.error or "The build failed.", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(3)


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


def _frame(built: Build) -> Text:
    from rich.text import Text

    from speedkit.rendering import seconds_text

    running = [step for step in built.step_list if step.state == "running"]
    now = running[-1].instruction if running else "waiting for BuildKit"
    return Text(f"{seconds_text(built.seconds)}  {now}", no_wrap=True, overflow="ellipsis")


def _print_build(built: Build) -> None:
    from speedkit.rendering import bytes_text, seconds_text

    rows = [
        [step.stage, step.line, step.instruction, step.state, seconds_text(step.seconds) if step.ran else ""]
        for step in built.instructions
    ]
    size = f", image {bytes_text(built.image_bytes)}" if built.image_bytes is not None else ""
    stand_in = ", stand-in base" if built.stand_in else ""
    title = f"{built.strategy}: {built.outcome} in {seconds_text(built.seconds)}{size}{stand_in}"
    print_table(title, ["stage", "line", "instruction", "state", "seconds"], rows, numbers=["line", "seconds"])


def compare(
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="A folder; the sample app by default.")] = None,
    strategy: Annotated[list[str] | None, typer.Option("-s", "--strategy", help="A strategy; may be repeated.")] = None,
    edit: Annotated[list[str] | None, typer.Option("-e", "--edit", help="An edit; may be repeated.")] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Trials of each.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Measure strategies under edits, interleaved; "cold" is an edit too."""
    from speedkit import experiment
    from speedkit.apps import own_app, sample_app
    from speedkit.cli.progress import TerminalWatch

    app = sample_app() if folder is None else own_app(folder)
    with app:
        edits = edit or (["cold", "none", "rename-field"] if folder is None else ["cold", "none"])
        result = experiment.compare(app, strategy, edits, repeat=repeat, watch=TerminalWatch)
    if as_json:
        print_json({"rows": result.rows})
    else:
        print_comparison(result)
    if not all(row["ok"] for row in result.rows):
        raise typer.Exit(3)


def print_comparison(result: Any) -> None:
    """The medians of a comparison, strategy by edit, on stdout."""
    from speedkit.rendering import seconds_text

    rows = [
        [
            row["strategy"],
            row["edit"],
            seconds_text(row["median_seconds"]) if row["ok"] else "failed",
            f"{seconds_text(row['low_seconds'])} to {seconds_text(row['high_seconds'])}" if row["runs"] > 1 else "one run",
            row["runs"],
            "stand-in base" if row["stand_in"] else "",
        ]
        for row in result.summary.to_dict("records")
    ]
    print_table("", ["strategy", "edit", "median", "range", "runs", ""], rows, numbers=["median", "runs"])
