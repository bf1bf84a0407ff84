"""An image in a few words: the finding, the figures, a row per layer. For notebooks, the command line and the widget."""

from __future__ import annotations

from speedkit.images.comparing import ImageComparison
from speedkit.images.dive import dive_figures
from speedkit.images.image import Image
from speedkit.rendering.layers_html import LayerRow, layers_html
from speedkit.words.amounts import bytes_text, count_text, share_text

__all__ = ["comparison_finding", "facts", "finding", "image_html", "layer_rows"]

WASTE_SHOWN = 8


def finding(image: Image) -> str:
    """What is worth knowing first: how much is wasted, and by what."""
    total = bytes_text(image.image_bytes)
    if not image.waste:
        return f"Nothing is wasted: all {total} can be seen in the final file system" if image.image_bytes else "It is empty"
    worst = image.waste[0]
    by = f"most of it by {worst.path}" if len(image.waste) > 1 else f"by {worst.path}"
    return f"{bytes_text(image.wasted_bytes)} of {total} are wasted, {by}"


def facts(image: Image) -> tuple[str, ...]:
    """The figures, dive's own beside ours."""
    dive = dive_figures(image)
    return (
        image.short_name,
        bytes_text(image.image_bytes),
        count_text(len(image.layers), "layer"),
        count_text(image.file_count, "file"),
        f"{bytes_text(image.wasted_bytes)} wasted (dive: {bytes_text(dive.wasted_bytes)})",
        f"efficiency {share_text(image.efficiency)} (dive: {share_text(dive.efficiency)})",
        *filter(None, [image.source]),
    )


def layer_rows(image: Image) -> tuple[LayerRow, ...]:
    rows = []
    for place, layer in enumerate(image.layers):
        counts = image.change_counts(place)
        rows.append(LayerRow(layer.command, layer.size_bytes, **counts, wasted_bytes=image.wasted_by_layer[place]))
    return tuple(rows)


def image_html(image: Image) -> str:
    """The image as a notebook shows it."""
    waste = [(waste.path, waste.size_bytes) for waste in image.waste[:WASTE_SHOWN]]
    return layers_html(finding(image), facts(image), layer_rows(image), waste)


def comparison_finding(before: Image, after: Image, found: ImageComparison) -> str:
    """How the second image's size differs, and what the two share."""
    grown = after.image_bytes - before.image_bytes
    names = f"{after.short_name} is {{}} {before.short_name}"
    if grown:
        size = names.format(f"{bytes_text(abs(grown))} {'larger' if grown > 0 else 'smaller'} than")
    else:
        size = names.format("as large as")
    shared = len(found.shared_layers)
    told = f"{count_text(shared, 'layer')}, {bytes_text(found.shared_bytes)}" if shared else "no layer"
    return f"{size}; they share {told}"
