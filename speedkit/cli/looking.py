"""`speedkit history`, `explain` and `predict` read recordings; `predict` asks an engine, too, which base images it has.
`layers` reads images.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedkit.cli.arguments import AsJson, BuildArgs, FileOption, StrategyOption, TargetOption, app_named, parse_build_args
from speedkit.cli.output import print_json, print_table, stderr

if TYPE_CHECKING:
    from speedkit.history import Reasons
    from speedkit.rendering import Reason

__all__ = ["register"]

SHOWN_WASTE = 10


def register(program: typer.Typer) -> None:
    for verb in (predict, explain, layers, history):
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


def layers(
    image: Annotated[str, typer.Argument(help="An image of the engine by name or id, or an archive of `docker save`.")],
    other: Annotated[str | None, typer.Option(help="Another image, to compare with.")] = None,
    files: Annotated[bool, typer.Option("--files", help="With --json: list the files, too.")] = False,
    max_wasted: Annotated[int | None, typer.Option(min=0, help="Exit with 1 above so many wasted bytes.")] = None,
    min_efficiency: Annotated[float | None, typer.Option(min=0, max=1, help="Exit with 1 below this efficiency.")] = None,
    max_size: Annotated[int | None, typer.Option(min=0, help="Exit with 1 above so many bytes.")] = None,
    forbid: Annotated[
        list[str] | None, typer.Option(help="Exit with 1 when a layer holds such a path; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the layers of an image: what made them, how large they are, and what is stored in vain."""
    from speedkit.engine.saved_image import layers_of
    from speedkit.images import Limits, check_limits, to_json

    found = layers_of(image)
    document = to_json(found, layers_of(other) if other else None, files=files)
    if as_json:
        print_json(document)
    else:
        _print_layers(document)
    violations = check_limits(found, Limits(max_wasted, min_efficiency, max_size, tuple(forbid or ())))
    for violation in violations:
        stderr.print(violation.message, highlight=False, markup=False, soft_wrap=True)
    if violations:
        raise typer.Exit(1)


def _print_layers(document: dict[str, Any]) -> None:
    from speedkit.rendering import bytes_text

    rows = [
        [
            bytes_text(layer["size_bytes"]),
            layer["files"] if isinstance(layer["files"], int) else len(layer["files"]),
            layer["command"],
        ]
        for layer in document["layers"]
    ]
    title = f"{bytes_text(document['image_bytes'])}, {bytes_text(document['wasted_bytes'])} wasted"
    print_table(title, ["size", "files", "command"], rows, numbers=["size", "files"])
    if document["waste"]:
        wasted = [[bytes_text(entry["bytes"]), entry["path"]] for entry in document["waste"][:SHOWN_WASTE]]
        print_table("Wasted most", ["bytes", "path"], wasted, numbers=["bytes"])


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
