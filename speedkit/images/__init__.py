"""Pure readers of images: the files of each layer, the final file system, and the wasted bytes.

In: a Source, which is an archive, a folder in the layout of OCI, or the stream of an engine (speedkit.engine.saved_image).
Out: an Image. Its analysis is computed once, and the tree, the treemap, the limits and the JSON document read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.lazy_imports import load_on_demand

if TYPE_CHECKING:
    from .archive import errors_about, read_archive, read_content, read_saved_image
    from .archive_names import PATH_START, archive_named
    from .bytestream import CHUNK_BYTES, ByteStream
    from .files import Files
    from .image import Image, make_image
    from .image_comparison import Difference, DifferenceKind, FilePart, compare_images, differing_parts
    from .limits import Limits, Violation, check_limits
    from .manifests import describe_images
    from .plain_data import json_text, largest_file, treemap_rows
    from .sources import Member, SentImage, Source, archive_members, source_on_disk
    from .store import LayerStore
    from .store_limit import keep_layers, size_of_layers
    from .summary import comparison_finding, image_figures, image_finding, layer_rows
    from .tree import FileTree, Sorting, TreeRow, tree_of_comparison, tree_of_image, tree_of_layer

__all__ = [
    "CHUNK_BYTES",
    "PATH_START",
    "ByteStream",
    "Difference",
    "DifferenceKind",
    "FilePart",
    "FileTree",
    "Files",
    "Image",
    "LayerStore",
    "Limits",
    "Member",
    "SentImage",
    "Sorting",
    "Source",
    "TreeRow",
    "Violation",
    "archive_members",
    "archive_named",
    "check_limits",
    "compare_images",
    "comparison_finding",
    "describe_images",
    "differing_parts",
    "errors_about",
    "image_figures",
    "image_finding",
    "json_text",
    "keep_layers",
    "largest_file",
    "layer_rows",
    "make_image",
    "read_archive",
    "read_content",
    "read_saved_image",
    "size_of_layers",
    "source_on_disk",
    "tree_of_comparison",
    "tree_of_image",
    "tree_of_layer",
    "treemap_rows",
]

if not TYPE_CHECKING:
    __getattr__ = load_on_demand(__name__)
