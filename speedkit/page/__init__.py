"""What the live widgets show: frozen values, and their HTML, which the page, the saved notebook and exports share.

In: builds, their reasons and forecasts, images, what is chosen. Out: a `WorkbenchPage` or a `LayersPage`, and its HTML. Pure:
no thread, no engine, no Jupyter.
"""

from __future__ import annotations

from .builds_html import BarPart, BuildRow
from .comparison import BuildComparison, compare_two
from .failure_marks import Mark, failed_step, failing_line, lines_of, marks_of, moved_with
from .forecast_summary import noted, outlook
from .layer_selection import DIFFERENCE, FIRST, SECOND, WHOLE, LayerSelection
from .layers_html import layers_traits, layers_twin_html
from .layers_page import FileList, FileMap, LayersPage, MapBox, ShownImage, ShownLayer, WastedPath
from .log_lines import LogLines, Runs
from .miss_origins import reasons_of
from .selection import PAGES_KEPT, Selection
from .short_names import short_command
from .shown_content import NOTHING_SHOWN, ShownContent, loading, refusal, shown_content
from .steps import Background, StepList, build_counts, planned_steps, shown_build, step_id, step_of
from .workbench_html import TwinTexts, twin_html
from .workbench_page import AppFacts, ChosenStrategy, FileTab, LogMatches, Named, Notice, ShownLog, WorkbenchPage

__all__ = [
    "DIFFERENCE",
    "FIRST",
    "NOTHING_SHOWN",
    "PAGES_KEPT",
    "SECOND",
    "WHOLE",
    "AppFacts",
    "Background",
    "BarPart",
    "BuildComparison",
    "BuildRow",
    "ChosenStrategy",
    "FileList",
    "FileMap",
    "FileTab",
    "LayerSelection",
    "LayersPage",
    "LogLines",
    "LogMatches",
    "MapBox",
    "Mark",
    "Named",
    "Notice",
    "Runs",
    "Selection",
    "ShownContent",
    "ShownImage",
    "ShownLayer",
    "ShownLog",
    "StepList",
    "TwinTexts",
    "WastedPath",
    "WorkbenchPage",
    "build_counts",
    "compare_two",
    "failed_step",
    "failing_line",
    "layers_traits",
    "layers_twin_html",
    "lines_of",
    "loading",
    "marks_of",
    "moved_with",
    "noted",
    "outlook",
    "planned_steps",
    "reasons_of",
    "refusal",
    "short_command",
    "shown_build",
    "shown_content",
    "step_id",
    "step_of",
    "twin_html",
]
