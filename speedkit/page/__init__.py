"""What the live widgets show: frozen values, and their HTML, which the page, the saved notebook and exports share.

In: builds, their reasons and forecasts, images, selections. Out: a `WorkbenchPage` or a `LayersPage`, and its HTML. Pure: no
thread, no engine, no Jupyter.
"""

from __future__ import annotations

from .builds_html import BarPart, BuildRow
from .comparison import BuildComparison, compare_builds
from .failure_marks import Mark, failed_step, failing_line, marks_of, moved_mark, text_lines
from .forecast_summary import outlook_of, with_notes
from .layer_selection import ALL_LAYERS, DIFFERENCE, FIRST, SECOND, LayerSelection
from .layers_html import difference_counts, layers_traits, layers_twin_html, signed_counts
from .layers_page import FileList, FileMap, LayersPage, MapBox, ShownImage, ShownLayer, WastedPath
from .log_lines import LogLines, StyledLine
from .miss_origins import reasons_of
from .selection import PAGES_KEPT, Selection
from .short_names import short_command
from .shown_content import NOTHING_SHOWN, ShownContent, loading_content, refused_content, shown_content
from .steps import ForecastAndReasons, StepList, build_counts, planned_steps, step_id, step_of, steps_of_build
from .workbench_html import TwinTexts, twin_html
from .workbench_page import AppFacts, ChosenStrategy, FileTab, LogMatches, Named, Notice, ShownLog, WorkbenchPage

__all__ = [
    "ALL_LAYERS",
    "DIFFERENCE",
    "FIRST",
    "NOTHING_SHOWN",
    "PAGES_KEPT",
    "SECOND",
    "AppFacts",
    "BarPart",
    "BuildComparison",
    "BuildRow",
    "ChosenStrategy",
    "FileList",
    "FileMap",
    "FileTab",
    "ForecastAndReasons",
    "LayerSelection",
    "LayersPage",
    "LogLines",
    "LogMatches",
    "MapBox",
    "Mark",
    "Named",
    "Notice",
    "Selection",
    "ShownContent",
    "ShownImage",
    "ShownLayer",
    "ShownLog",
    "StepList",
    "StyledLine",
    "TwinTexts",
    "WastedPath",
    "WorkbenchPage",
    "build_counts",
    "compare_builds",
    "difference_counts",
    "failed_step",
    "failing_line",
    "layers_traits",
    "layers_twin_html",
    "loading_content",
    "marks_of",
    "moved_mark",
    "outlook_of",
    "planned_steps",
    "reasons_of",
    "refused_content",
    "short_command",
    "shown_content",
    "signed_counts",
    "step_id",
    "step_of",
    "steps_of_build",
    "text_lines",
    "twin_html",
    "with_notes",
]
