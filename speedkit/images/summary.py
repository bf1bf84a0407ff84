"""An image in words: a sentence, the figures, and a row per layer, for notebooks, the program and the widget."""

from __future__ import annotations

from speedkit.messages import message, plural
from speedkit.rendering import LayerRow, layers_table_html
from speedkit.words import bytes_text, share_text

from .dive import dive_figures
from .image import Image
from .image_comparison import ImageComparison

__all__ = ["comparison_finding", "image_figures", "image_finding", "image_html", "layer_rows"]

WASTE_SHOWN = 8


def image_finding(image: Image) -> str:
    """A sentence: the wasted bytes, and the path that wastes most."""
    total = bytes_text(image.image_bytes)
    if not image.waste:
        if not image.image_bytes:
            return message("It is empty")
        return message("Nothing is wasted: all {total} can be seen in the final file system", total=total)
    wasted, path = bytes_text(image.wasted_bytes), image.waste[0].path
    if len(image.waste) > 1:
        return message("{wasted} of {total} are wasted, most of it by {path}", wasted=wasted, total=total, path=path)
    return message("{wasted} of {total} are wasted, by {path}", wasted=wasted, total=total, path=path)


def image_figures(image: Image) -> tuple[str, ...]:
    """The figures of an image, with dive's figures for comparison."""
    dive = dive_figures(image)
    return (
        image.short_name,
        bytes_text(image.image_bytes),
        plural("{count:,} layer", "{count:,} layers", len(image.layers)),
        plural("{count:,} file", "{count:,} files", image.file_count),
        message("{size} wasted (dive: {dive})", size=bytes_text(image.wasted_bytes), dive=bytes_text(dive.wasted_bytes)),
        message("efficiency {share} (dive: {dive})", share=share_text(image.efficiency), dive=share_text(dive.efficiency)),
        *filter(None, [image.source]),
    )


def layer_rows(image: Image) -> tuple[LayerRow, ...]:
    rows = []
    for place, layer in enumerate(image.layers):
        counts = image.change_counts(place)
        rows.append(LayerRow(layer.command, layer.size_bytes, **counts, wasted_bytes=image.wasted_by_layer[place]))
    return tuple(rows)


def image_html(image: Image) -> str:
    """The image in HTML, for a notebook."""
    waste = [(waste.path, waste.size_bytes) for waste in image.waste[:WASTE_SHOWN]]
    return layers_table_html(image_finding(image), image_figures(image), layer_rows(image), waste)


def comparison_finding(before: Image, after: Image, comparison: ImageComparison) -> str:
    """A sentence: the difference of the sizes, and the layers that both images have."""
    grown = after.image_bytes - before.image_bytes
    new, old, size = after.short_name, before.short_name, bytes_text(abs(grown))
    if grown > 0:
        sizes = message("{new} is {size} larger than {old}", new=new, size=size, old=old)
    elif grown < 0:
        sizes = message("{new} is {size} smaller than {old}", new=new, size=size, old=old)
    else:
        sizes = message("{new} is as large as {old}", new=new, old=old)
    if not comparison.shared_layers:
        return message("{sizes}; they share no layer", sizes=sizes)
    return plural(
        "{sizes}; they share {count:,} layer, {size}",
        "{sizes}; they share {count:,} layers, {size}",
        len(comparison.shared_layers),
        sizes=sizes,
        size=bytes_text(comparison.shared_bytes),
    )
