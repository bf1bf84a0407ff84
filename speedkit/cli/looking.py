"""`speedkit history`, `explain` and `predict` read recordings; `predict` also asks an engine which base images it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from speedkit.cli.output import print_json, print_table, reason_json
from speedkit.errors import DockerfileError
from speedkit.messages import message

if TYPE_CHECKING:
    from speedkit.history import Reasons
    from speedkit.recordings.recording import Meta

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    if_built = message("Say what would run if you built now, and why. Nothing is built.")
    program.command("predict", help=if_built)(predict)
    program.command("explain", help=message("Say why each step of a finished build was cached or ran."))(explain)
    program.command("history", help=message("List the builds that were recorded, oldest first."))(history)


def predict(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=message("The folder that holds the Dockerfile."))],
    strategy: StrategyOption = None,
    file: FileOption = None,
    target: TargetOption = None,
    build_arg: BuildArgs = None,
    builder: BuilderOption = None,
    change: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help=message("What if this file changed; may be repeated."))
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the forecast of a build; an error quotes the line of the Dockerfile that it is about."""
    from speedkit.history import predict as forecast

    hide_on_command_line(build_arg or ())
    app = app_named(folder, strategy, file)
    arguments = parse_build_args(build_arg)
    try:
        found = forecast(app, strategy, build_args=arguments, target=target, builder=builder, changed=change or ())
    except DockerfileError as problem:
        raise _quoting(problem, app.strategy(strategy).dockerfile) from None
    _print_reasons(found, "forecast", as_json=as_json)


def _quoting(problem: DockerfileError, dockerfile: Path) -> DockerfileError:
    """The same error with the line that it is about."""
    # BuildKit counts line feeds alone; Python would also end a line at a carriage return or a line separator.
    lines = dockerfile.read_bytes().decode("utf-8", "backslashreplace").replace("\r\n", "\n").split("\n")
    if problem.line is None or problem.line > len(lines):
        return problem
    quoted = f"  {problem.line} | {lines[problem.line - 1]}"
    return DockerfileError(problem.what, line=problem.line, fix=problem.fix, quoted=quoted)


def explain(
    build_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help=message("A build of `speedkit history`; the newest by default."))
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the reason of each step of a finished build."""
    from speedkit.history import explain as explanation

    _print_reasons(explanation(build_id), "state", as_json=as_json)


def _print_reasons(found: Reasons, key: str, *, as_json: bool) -> None:
    if as_json:
        steps = [reason_json(reason, key) for reason in found.steps]
        print_json({"steps": steps, "stand_in_frontend": found.replaced_frontend is not None})
        return
    from speedkit.words import shown_state
    from speedkit.words.amounts import seconds_text

    timed = any(reason.seconds for reason in found.steps)
    rows = [
        [
            reason.line,
            reason.instruction,
            shown_state(reason.state).word,
            *([seconds_text(reason.seconds) if reason.seconds else ""] if timed else []),
            reason.because,
        ]
        for reason in found.steps
    ]
    line, seconds = message("line"), message("seconds")
    state = message("forecast") if key == "forecast" else message("state")
    columns = [line, message("instruction"), state, *([seconds] if timed else []), message("because")]
    print_table(found.title, columns, rows, numbers=[line, seconds])


def _count_left_out(meta: Meta) -> int:
    """How many secrets of a build's arguments, caches, base images, answer and error were replaced in its recording."""
    from speedkit.secrets import count_substitutes

    parts = (meta.build_args, meta.cache_from, meta.cache_to, meta.bases, meta.answer, meta.error)
    return count_substitutes(json.dumps(parts))


def history(
    limit: Annotated[int, typer.Option(min=1, help=message("How many builds to list, the newest."))] = 30,
    as_json: AsJson = False,
) -> None:
    """Print a row per recorded build, oldest first."""
    from speedkit.history import recordings
    from speedkit.words import outcome_word
    from speedkit.words.amounts import seconds_text

    metas = [recording.meta for recording in recordings()[-limit:]]
    if as_json:
        keys = ("id", "started_at", "app", "source", "strategy", "edit", "seconds", "outcome", "exit_code", "session")
        builds = [{key: getattr(meta, key) for key in keys} | {"secrets_left_out": _count_left_out(meta)} for meta in metas]
        print_json({"builds": builds})
        return
    rows = [
        [
            meta.id.partition("-")[0],
            meta.started_at[:16].replace("T", " "),
            meta.app,
            meta.strategy,
            meta.edit,
            seconds_text(meta.seconds),
            outcome_word(meta.outcome),
        ]
        for meta in metas
    ]
    build_id, seconds = message("id"), message("seconds")
    columns = [
        build_id,
        message("started (UTC)"),
        message("app"),
        message("strategy"),
        message("edit"),
        seconds,
        message("outcome"),
    ]
    print_table("", columns, rows, numbers=[seconds], unbroken=[build_id])
