"""Pure readers of image layers: what is in each, what the final file system shows, and what is stored in vain.

In: an archive on disk, or the stream that an engine sends (speedkit.engine.saved_image). Out: an Image. What only shows one is
loaded when it is asked for: speedkit.images.summary, its words and HTML, and speedkit.images.tree, its files to be opened.
"""

from __future__ import annotations

from speedkit.images.archive import read_archive, read_archive_content
from speedkit.images.comparing import Difference, DifferenceKind, ImageComparison, compare_images
from speedkit.images.dive import DiveFigures, dive_figures
from speedkit.images.files import File
from speedkit.images.image import Change, Image, Layer, Waste
from speedkit.images.limits import Limits, Violation, check_limits
from speedkit.images.showing import TreemapRow, json_text, largest_file, to_json, treemap_rows

__all__ = [
    "Change",
    "Difference",
    "DifferenceKind",
    "DiveFigures",
    "File",
    "Image",
    "ImageComparison",
    "Layer",
    "Limits",
    "TreemapRow",
    "Violation",
    "Waste",
    "check_limits",
    "compare_images",
    "dive_figures",
    "json_text",
    "largest_file",
    "read_archive",
    "read_archive_content",
    "to_json",
    "treemap_rows",
]
