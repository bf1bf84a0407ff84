"""What the live widgets show: frozen values, and their HTML, which the page, the saved notebook and exports share.

In: builds, their reasons and forecasts, what is chosen. Out: a `WorkbenchPage`, and its HTML. Pure: no thread, no engine, no
Jupyter.
"""

from __future__ import annotations

from .builds_html import BarPart, BuildRow
from .comparison import BuildComparison, compare_two
from .failure_marks import Mark, failed_step, failing_line, lines_of, marks_of, moved_with
from .forecast_summary import noted, outlook
from .log_lines import LogLines, Runs
from .miss_origins import reasons_of
from .selection import PAGES_KEPT, Choices
from .short_names import short_command
from .steps import Background, StepList, build_counts, planned_steps, shown_build, step_id, step_of
from .workbench_html import TwinTexts, twin_html
from .workbench_page import AppFacts, ChosenStrategy, FileTab, LogMatches, Named, Notice, ShownLog, WorkbenchPage

__all__ = [
    "PAGES_KEPT",
    "AppFacts",
    "Background",
    "BarPart",
    "BuildComparison",
    "BuildRow",
    "Choices",
    "ChosenStrategy",
    "FileTab",
    "LogLines",
    "LogMatches",
    "Mark",
    "Named",
    "Notice",
    "Runs",
    "ShownLog",
    "StepList",
    "TwinTexts",
    "WorkbenchPage",
    "build_counts",
    "compare_two",
    "failed_step",
    "failing_line",
    "lines_of",
    "marks_of",
    "moved_with",
    "noted",
    "outlook",
    "planned_steps",
    "reasons_of",
    "short_command",
    "shown_build",
    "step_id",
    "step_of",
    "twin_html",
]
