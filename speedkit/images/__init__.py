"""Pure readers of image layers: what is in each, what the final file system shows, and what is stored in vain.

In: an archive on disk, or the stream that an engine sends (speedkit.engine.saved_image). Out: an Image.
"""

from __future__ import annotations

from speedkit.images.archive import read_archive, read_archive_content
from speedkit.images.comparing import Difference, DifferenceKind, ImageComparison, compare_images
from speedkit.images.dive import DiveFigures, dive_figures
from speedkit.images.files import File
from speedkit.images.image import Change, Image, Layer, Waste
from speedkit.images.limits import Limits, Violation, check_limits
from speedkit.images.showing import TreemapRow, largest_file, to_json, treemap_rows
from speedkit.images.summary import comparison_finding, facts, finding, layer_rows
from speedkit.images.tree import FileTree, Sorting, TreeRow, tree_of_comparison, tree_of_image, tree_of_layer

__all__ = [
    "Change",
    "Difference",
    "DifferenceKind",
    "DiveFigures",
    "File",
    "FileTree",
    "Image",
    "ImageComparison",
    "Layer",
    "Limits",
    "Sorting",
    "TreeRow",
    "TreemapRow",
    "Violation",
    "Waste",
    "check_limits",
    "compare_images",
    "comparison_finding",
    "dive_figures",
    "facts",
    "finding",
    "largest_file",
    "layer_rows",
    "read_archive",
    "read_archive_content",
    "to_json",
    "tree_of_comparison",
    "tree_of_image",
    "tree_of_layer",
    "treemap_rows",
]
