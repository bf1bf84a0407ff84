"""`speedkit history`, `explain` and `predict` read recordings and ask no engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from speedkit.cli.arguments import AsJson, BuildArgs, FileOption, StrategyOption, TargetOption, app_named, parse_build_args
from speedkit.cli.output import print_json, print_table

if TYPE_CHECKING:
    from speedkit.history import Reasons
    from speedkit.rendering import Reason

__all__ = ["register"]


def register(program: typer.Typer) -> None:
    for verb in (predict, explain, history):
        program.command(verb.__name__)(verb)


def predict(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that holds the Dockerfile.")],
    strategy: StrategyOption = None,
    file: FileOption = None,
    target: TargetOption = None,
    build_arg: BuildArgs = None,
    change: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="What if this file changed; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what would run if you built now, and why. Nothing is built."""
    from speedkit.history import predict as forecast

    app = app_named(folder, strategy, file)
    arguments = parse_build_args(build_arg)
    found = forecast(app, strategy, build_args=arguments, target=target, changed=change or ())
    _print_reasons(found, "forecast", as_json=as_json)


def explain(
    build_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A build of `speedkit history`; the newest by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say why each step of a finished build was cached or ran."""
    from speedkit.history import explain as explanation

    _print_reasons(explanation(build_id), "state", as_json=as_json)


def _print_reasons(found: Reasons, key: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"steps": [_reason_json(reason, key) for reason in found.steps]})
        return
    rows = [[reason.line, reason.instruction, reason.state, reason.because] for reason in found.steps]
    print_table(found.title, ["line", "instruction", key, "because"], rows, numbers=["line"])


def _reason_json(reason: Reason, key: str) -> dict[str, object]:
    because = {"kind": reason.kind, "what": list(reason.what), "sentence": reason.because}
    cached = {} if key == "forecast" else {"cached": reason.state == "cached"}
    common = {"line": reason.line, "instruction": reason.instruction, "stage": reason.stage}
    return common | {key: reason.state} | cached | {"because": because}


def history(
    limit: Annotated[int, typer.Option(min=1, help="How many builds to list, the newest.")] = 30,
    as_json: AsJson = False,
) -> None:
    """List the builds that were recorded, oldest first."""
    from speedkit.history import recordings
    from speedkit.rendering import seconds_text

    metas = [recording.meta for recording in recordings()[-limit:]]
    if as_json:
        keys = ("id", "started_at", "app", "source", "strategy", "edit", "seconds", "outcome", "exit_code", "session")
        print_json({"builds": [{key: getattr(meta, key) for key in keys} for meta in metas]})
        return
    rows = [
        [
            meta.id,
            meta.started_at[:19].replace("T", " "),
            meta.app,
            meta.strategy,
            meta.edit,
            seconds_text(meta.seconds),
            meta.outcome,
        ]
        for meta in metas
    ]
    print_table("", ["id", "started (UTC)", "app", "strategy", "edit", "seconds", "outcome"], rows, numbers=["seconds"])
