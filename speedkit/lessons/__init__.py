"""What the notebooks use besides builds: an app to build, tables and sentences about builds, Go on the host.

- `lesson_app`: the repository that a notebook looks at, and the copy that it builds.
- `dockerfile_tables`: a Dockerfile with line numbers, its stages, the strategies and edits of an app.
- `article_logs`: what the article's two logs show, beside builds of the reader's own.
- `build_tables`: which steps ran in one or two builds, and the times of many builds.
- `build_times`, `go_downloads`, `image_sizes`: sentences worked out from builds, so that other numbers give other words.
- `terminal_lines`: builds as a terminal shows them, with the `docker build` command to type.
- `base_sizes`: the base images of a build, their sizes, and whether the build fetched them.
- `lesson_runs`: what a lesson needs, how long its cells run, and how far a reader has come.
- `sample_languages`, `package_downloads`: the same rename in several languages.
- `recap`: the whole story on one page, with the figures of the reader's own builds.
- `host_programs`: Go on the host, and the bytes of the program that it makes.
- `notebook_files`: the notebooks themselves, as files; `notebook_translations`: their Markdown in other languages.
"""

from speedkit.cell_output import say

from .article_logs import beside_the_article
from .base_sizes import base_sizes
from .build_tables import empty_cells, overview, side_by_side, what_ran
from .build_times import beside_the_host, extremes, slowest_step, verdict, where_the_time_went
from .dockerfile_tables import Listing, dockerfile, stages, summaries
from .go_downloads import downloaded_again, downloads, downloads_and_compiling, modules_fetched
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
from .image_sizes import ImagesLeft, images_left, left_behind, size_difference, stand_ins
from .lesson_app import apply_advice, close_with_kernel, repository, small_app, write
from .lesson_runs import LessonRun, begin, done, progress, runs_by_lesson, where_to_go_on
from .notebook_files import FIRST_NOTEBOOK, copy_notebooks, notebook_content, notebooks_folder, notebooks_in
from .notebook_translations import TRANSLATIONS, markdown_cells
from .package_downloads import packages_downloaded
from .recap import recap
from .sample_languages import TOUR_VARIABLE, Renamed, carried_over, rename_in, rename_table, what_renames_share
from .terminal_lines import Terminal, terminal

__all__ = [
    "FIRST_NOTEBOOK",
    "TOUR_VARIABLE",
    "TRANSLATIONS",
    "ImagesLeft",
    "LessonRun",
    "Listing",
    "Renamed",
    "Terminal",
    "apply_advice",
    "ask",
    "base_sizes",
    "begin",
    "beside_the_article",
    "beside_the_host",
    "carried_over",
    "close_with_kernel",
    "copy_notebooks",
    "dockerfile",
    "done",
    "downloaded_again",
    "downloads",
    "downloads_and_compiling",
    "empty_cells",
    "extremes",
    "fingerprint",
    "first_bytes_of",
    "go_build",
    "host_paths",
    "images_left",
    "left_behind",
    "markdown_cells",
    "modules_fetched",
    "notebook_content",
    "notebooks_folder",
    "notebooks_in",
    "overview",
    "packages_downloaded",
    "packages_to_compile",
    "progress",
    "recap",
    "rename_in",
    "rename_table",
    "repository",
    "running",
    "runs_by_lesson",
    "say",
    "second_folder",
    "side_by_side",
    "size_difference",
    "slowest_step",
    "small_app",
    "stages",
    "stand_ins",
    "summaries",
    "terminal",
    "verdict",
    "what_ran",
    "what_renames_share",
    "where_it_runs",
    "where_the_time_went",
    "where_to_go_on",
    "write",
]
