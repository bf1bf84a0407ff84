"""`speedkit layers`: an image's layers, files and waste; two images compared; limits for builds that nobody watches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from importlib import import_module
from math import isnan
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedkit.errors import Misuse
from speedkit.messages import marked, message, plural

from .arguments import AsJson, parse_size
from .output import (
    print_file,
    print_json_pieces,
    print_sentence,
    print_table,
    print_text,
    say,
    takes_all_characters,
)

if TYPE_CHECKING:
    from speedkit.images import DifferenceKind, Image, Limits, Violation

__all__ = ["register"]

SHOWN_WASTE = 10
SHOWN_VIOLATIONS = 20
SHOWN_DIFFERENCES = 20
LAYER_COLUMNS = (
    marked("#"),
    marked("size"),
    marked("files"),
    marked("added"),
    marked("changed"),
    marked("removed"),
    marked("wasted"),
)
SHOWN_BY_JSON = ("speedkit.images.plain_data",)
SHOWN_BY_TABLES = ("speedkit.images.summary", "speedkit.rendering.layers_html", "rich.console", "rich.table")
SIGNS: dict[DifferenceKind, str] = {"added": "+", "changed": "~", "removed": "−"}
KINDS: dict[DifferenceKind, str] = {"added": marked("added"), "changed": marked("changed"), "removed": marked("removed")}


def register(program: typer.Typer) -> None:
    what_it_shows = message("Show the layers of an image: what made them, how large they are, and what is stored in vain.")
    program.command("layers", help=what_it_shows)(layers)


def layers(
    context: typer.Context,
    image: Annotated[
        str,
        typer.Argument(
            help=message("An image of the engine by name or id, or an archive by its path: ./FILE, ./FILE#NAME of several.")
        ),
    ],
    other: Annotated[str | None, typer.Option(help=message("Another image, to compare with."))] = None,
    files: Annotated[
        bool, typer.Option("--files", help=message("List what each layer changes; with --json all files."))
    ] = False,
    cat: Annotated[
        str | None, typer.Option(metavar="PATH", help=message("Print the content of a file, and nothing else."))
    ] = None,
    layer: Annotated[int | None, typer.Option(min=1, help=message("With --cat: as this layer has it, counted from 1."))] = None,
    ci: Annotated[
        bool, typer.Option("--ci", help=message("Check limits: say which are kept, exit with 1 when one is not."))
    ] = False,
    max_wasted: Annotated[
        int | None,
        typer.Option(parser=parse_size, metavar="SIZE", help=message("Exit with 1 above so much waste, such as 20MB.")),
    ] = None,
    min_efficiency: Annotated[
        float | None, typer.Option(min=0, max=1, help=message("Exit with 1 below this efficiency."))
    ] = None,
    max_size: Annotated[
        int | None, typer.Option(parser=parse_size, metavar="SIZE", help=message("Exit with 1 above this size, such as 200MB."))
    ] = None,
    forbid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help=message("Exit with 1 when a layer holds such a path, or a name without a slash anywhere."),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print what is asked of an image, and exit with 1 where a limit is not kept."""
    from speedkit.engine import file_content, layers_of
    from speedkit.images import Limits, check_limits

    limits = Limits(max_wasted, min_efficiency, max_size, tuple(forbid or ()))
    _refuse_misuse(limits, cat, layer, ci=ci)
    if cat is not None:
        _refuse_more_than_a_file(other, files, as_json, limits != Limits())
        print_file(file_content(image, cat, place=None if layer is None else layer - 1))
        return
    _load_what_shows(as_json=as_json)
    read_image: Callable[[], Image] | None = context.obj
    found = layers_of(image) if read_image is None else read_image()
    second = layers_of(other) if other else None
    violations = check_limits(found, limits)
    if as_json:
        _print_json(found, second, violations, files=files)
    else:
        _print_image(found, files=files)
        if second is not None:
            _print_comparison(found, second)
    _judge(violations, ci=ci)


def _load_what_shows(*, as_json: bool) -> None:
    """Before the image is read, as the engine may not be ready to send it."""
    for module in SHOWN_BY_JSON if as_json else SHOWN_BY_TABLES:
        import_module(module)


def _refuse_misuse(limits: Limits, cat: str | None, layer: int | None, *, ci: bool) -> None:
    if ci and limits == type(limits)():
        raise Misuse(
            message("--ci checks limits, and none is given."),
            fix=message("Give one or more of --max-wasted, --min-efficiency, --max-size, --forbid."),
        )
    if limits.efficiency is not None and isnan(limits.efficiency):
        raise Misuse(message("--min-efficiency is no number."), fix=message("Give one from 0 to 1, such as 0.95."))
    for pattern in limits.forbidden:
        if not pattern.strip("/."):
            raise Misuse(
                message("--forbid {pattern!r} names no path.", pattern=pattern),
                fix=message("Give a path such as /root/.ssh, or a name such as *.pem."),
            )
    if layer is not None and cat is None:
        raise Misuse(message("--layer says which layer --cat reads."), fix=message("Give --cat PATH, too."))


def _refuse_more_than_a_file(*others: object) -> None:
    if any(others):
        raise Misuse(
            message("--cat prints one file and does nothing else."),
            fix=message("Leave the other options out, but for --layer."),
        )


def _judge(violations: Sequence[Violation], *, ci: bool) -> None:
    for violation in violations[:SHOWN_VIOLATIONS]:
        say(f"✗ {violation.message}")
    if len(violations) > SHOWN_VIOLATIONS:
        say(message("✗ … and {more:,} more.", more=len(violations) - SHOWN_VIOLATIONS))
    if violations:
        raise typer.Exit(1)
    if ci:
        say(message("✓ All limits are kept."))


def _print_json(image: Image, other: Image | None, violations: Sequence[Violation], *, files: bool) -> None:
    from speedkit.images import json_text
    from speedkit.secrets import count_substitutes

    more: dict[str, Any] = {"violations": [{"rule": one.rule, "message": one.message} for one in violations]}
    if count := count_substitutes("\n".join(layer.command for one in filter(None, (image, other)) for layer in one.layers)):
        more["secrets_left_out"] = count
    print_json_pieces(json_text(image, other, files=files, more=more, ascii_only=not takes_all_characters()))


def _print_image(image: Image, *, files: bool) -> None:
    from speedkit.images import image_figures, image_finding
    from speedkit.words import bytes_text

    print_sentence(image_finding(image))
    print_sentence(" · ".join(image_figures(image)))
    print_text("")
    columns = [message(column) for column in LAYER_COLUMNS]
    print_table("", [*columns, message("command")], _layer_rows(image), numbers=columns)
    if image.waste:
        print_text("")
        wasted = [[bytes_text(waste.size_bytes), waste.path] for waste in image.waste[:SHOWN_WASTE]]
        head = message("wasted")
        print_table(message("Wasted most"), [head, message("path")], wasted, numbers=[head])
    for place in range(len(image.layers) if files else 0):
        print_text("")
        _print_changes(image, place)


def _layer_rows(image: Image) -> list[list[object]]:
    from speedkit.images import layer_rows
    from speedkit.rendering import changes_text, command_text
    from speedkit.words import bytes_text

    return [
        [
            number,
            bytes_text(row.size_bytes),
            f"{layer.file_count:,}",
            *(changes_text(kind, getattr(row, kind)) for kind in SIGNS),
            bytes_text(row.wasted_bytes) if row.wasted_bytes else "–",
            command_text(row.command),
        ]
        for number, (row, layer) in enumerate(zip(layer_rows(image), image.layers, strict=True), 1)
    ]


def _print_changes(image: Image, place: int) -> None:
    """Line by line: a table of a million files would take minutes to lay out, and cuts long paths."""
    from speedkit.words import bytes_text

    head = f"{message('change'):<9} {message('size'):>10}  {message('path')}"
    print_text(message("Layer {number}", number=place + 1), head)
    signed = _signed_kinds()
    for change in image.changes(place):
        size = bytes_text(change.size_bytes or change.before_bytes)
        print_text(f"{signed[change.kind]:<9} {size:>10}  {change.path}")


def _signed_kinds() -> dict[DifferenceKind, str]:
    return {kind: f"{SIGNS[kind]} {message(word)}" for kind, word in KINDS.items()}


def _print_comparison(image: Image, other: Image) -> None:
    from speedkit.images import compare_images, comparison_finding
    from speedkit.words import bytes_text

    found = compare_images(image, other)
    rows = [
        [*row, message("= shared") if layer.digest in found.shared_layers else ""]
        for row, layer in zip(_layer_rows(other), other.layers, strict=True)
    ]
    print_text("")
    print_sentence(comparison_finding(image, other, found))
    print_text("")
    title = message("Layers of {name}", name=other.short_name)
    columns = [message(column) for column in LAYER_COLUMNS]
    print_table(title, [*columns, message("command"), ""], rows, numbers=columns)
    counts = Counter(difference.kind for difference in found.differences)
    changes = ", ".join(f"{SIGNS[kind]}{counts[kind]:,} {message(word)}" for kind, word in KINDS.items())
    print_text("")
    print_sentence(
        message("Files of {name} against {other}: {changes}", name=other.short_name, other=image.short_name, changes=changes)
    )
    largest = sorted(found.differences, key=lambda one: (-max(one.before_bytes, one.after_bytes), one.path))
    signed = _signed_kinds()
    differences = [
        [signed[one.kind], bytes_text(one.before_bytes), bytes_text(one.after_bytes), one.path]
        for one in largest[:SHOWN_DIFFERENCES]
    ]
    if differences:
        before, after = message("before"), message("after")
        print_table("", [message("change"), before, after, message("path")], differences, numbers=[before, after])
    if len(largest) > SHOWN_DIFFERENCES:
        left_out = plural(
            "{count:,} smaller one left out; --json has all.",
            "{count:,} smaller ones left out; --json has all.",
            len(largest) - SHOWN_DIFFERENCES,
        )
        print_text(left_out)
