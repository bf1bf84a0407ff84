"""`speedkit layers`: the layers, files and wasted bytes of an image, a comparison of two images, and limits for CI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from importlib import import_module
from math import isnan
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedkit.errors import Misuse
from speedkit.messages import facts_in_one, marked, message, plural

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
MODULES_FOR_JSON = ("speedkit.images.plain_data",)
MODULES_FOR_TABLES = ("speedkit.images.summary", "speedkit.rendering.layers_table", "rich.console", "rich.table")
SIGNS: dict[DifferenceKind, str] = {"added": "+", "changed": "~", "removed": "−"}
KINDS: dict[DifferenceKind, str] = {"added": marked("added"), "changed": marked("changed"), "removed": marked("removed")}


def register(program: typer.Typer) -> None:
    purpose = message("Show the layers of an image: their instructions, their sizes, and the bytes that are wasted.")
    program.command("layers", help=purpose)(layers)


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
    """Print the layers of an image, or one file of it. Exit with 1 if the image exceeds a limit."""
    from speedkit.engine import file_content, layers_of
    from speedkit.images import Limits, check_limits

    limits = Limits(max_wasted, min_efficiency, max_size, tuple(forbid or ()))
    _refuse_misuse(limits, cat, layer, ci=ci)
    if cat is not None:
        if other or files or as_json or limits != Limits():
            raise Misuse(
                message("--cat prints one file and does nothing else."),
                fix=message("Leave out the other options, except --layer."),
            )
        print_file(file_content(image, cat, place=None if layer is None else layer - 1))
        return
    # These modules take 0.1 s of CPU to load: now, while the engine collects the image (see cli.start).
    for module in MODULES_FOR_JSON if as_json else MODULES_FOR_TABLES:
        import_module(module)

    read_image: Callable[[], Image] | None = context.obj
    first = layers_of(image) if read_image is None else read_image()
    second = layers_of(other) if other else None
    violations = check_limits(first, limits)
    if as_json:
        _print_json(first, second, violations, files=files)
    else:
        _print_image(first, files=files)
        if second is not None:
            _print_comparison(first, second)
    _exit_by_limits(violations, ci=ci)


def _refuse_misuse(limits: Limits, cat: str | None, layer: int | None, *, ci: bool) -> None:
    # `Limits` is imported late, as the program must start quickly; the type of the value makes an empty one here.
    if ci and limits == type(limits)():
        raise Misuse(
            message("--ci checks limits, and there are none."),
            fix=message("Give one or more of --max-wasted, --min-efficiency, --max-size, --forbid."),
        )
    # typer accepts "nan" as a float, and no efficiency is below it: the limit would never apply.
    if limits.efficiency is not None and isnan(limits.efficiency):
        raise Misuse(message("--min-efficiency is not a number."), fix=message("Give one from 0 to 1, such as 0.95."))
    for pattern in limits.forbidden:
        # Such a pattern matches no path, so the check would pass by mistake.
        if not pattern.strip("/."):
            raise Misuse(
                message("--forbid {pattern!r} names no path.", pattern=pattern),
                fix=message("Give a path such as /root/.ssh, or a name such as *.pem."),
            )
    if layer is not None and cat is None:
        raise Misuse(message("--layer chooses the layer for --cat, and --cat is missing."), fix=message("Add --cat PATH."))


def _exit_by_limits(violations: Sequence[Violation], *, ci: bool) -> None:
    """Print the limits that the image exceeds, and exit with 1 if there are any."""
    for violation in violations[:SHOWN_VIOLATIONS]:
        say(f"✗ {violation.message}")
    if len(violations) > SHOWN_VIOLATIONS:
        say(message("✗ … and {more:,} more.", more=len(violations) - SHOWN_VIOLATIONS))
    if violations:
        raise typer.Exit(1)
    if ci:
        say(message("✓ The image is within all limits."))


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
    """Print the changes line by line: rich takes minutes to lay out a table of a million files, and cuts long paths."""
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

    comparison = compare_images(image, other)
    rows = [
        [*row, message("= shared") if layer.digest in comparison.shared_layers else ""]
        for row, layer in zip(_layer_rows(other), other.layers, strict=True)
    ]
    print_text("")
    print_sentence(comparison_finding(image, other, comparison))
    print_text("")
    title = message("Layers of {name}", name=other.short_name)
    columns = [message(column) for column in LAYER_COLUMNS]
    print_table(title, [*columns, message("command"), ""], rows, numbers=columns)
    counts = Counter(difference.kind for difference in comparison.differences)
    changes = facts_in_one(f"{SIGNS[kind]}{counts[kind]:,} {message(word)}" for kind, word in KINDS.items())
    print_text("")
    print_sentence(
        message("Files of {name} against {other}: {changes}", name=other.short_name, other=image.short_name, changes=changes)
    )
    # The largest first: of thousands of different files, a few explain the size.
    largest = sorted(comparison.differences, key=lambda one: (-max(one.before_bytes, one.after_bytes), one.path))
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
