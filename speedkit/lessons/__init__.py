"""What the notebooks look at beyond builds: tables of many builds, sentences worked out from them, a program's bytes."""

from speedkit.cell_output import say

from .findings import (
    ImagesLeft,
    downloaded_again,
    downloads,
    extremes,
    images_left,
    modules_fetched,
    size_difference,
    slowest_step,
    stand_ins,
    verdict,
    where_the_time_went,
)
from .host_programs import (
    ask,
    fingerprint,
    first_bytes_of,
    go_build,
    host_paths,
    packages_to_compile,
    running,
    second_folder,
    where_it_runs,
)
from .lesson_projects import close_with_kernel, project
from .lesson_tables import (
    Listing,
    dockerfile,
    empty_cells,
    overview,
    side_by_side,
    stages,
    summaries,
    what_ran,
)
from .notebook_files import FIRST_NOTEBOOK, copy_notebooks, notebooks_folder, notebooks_in

__all__ = [
    "FIRST_NOTEBOOK",
    "ImagesLeft",
    "Listing",
    "ask",
    "close_with_kernel",
    "copy_notebooks",
    "dockerfile",
    "downloaded_again",
    "downloads",
    "empty_cells",
    "extremes",
    "fingerprint",
    "first_bytes_of",
    "go_build",
    "host_paths",
    "images_left",
    "modules_fetched",
    "notebooks_folder",
    "notebooks_in",
    "overview",
    "packages_to_compile",
    "project",
    "running",
    "say",
    "second_folder",
    "side_by_side",
    "size_difference",
    "slowest_step",
    "stages",
    "stand_ins",
    "summaries",
    "verdict",
    "what_ran",
    "where_it_runs",
    "where_the_time_went",
]
