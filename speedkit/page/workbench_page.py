"""Everything that a workbench shows, as one value, for the live page and for the saved notebook.

`WorkbenchPage` is made anew for each update. Lists and tables go to the page as HTML. What the editor, the log and the buttons
need goes as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from speedkit.model import StepState

from .builds_html import BuildRow, builds_html, comparison_html
from .comparison import BuildComparison
from .failure_marks import Mark
from .forecast_summary import Outlook
from .outlook_html import outlook_html
from .selection import Selection
from .steps import StepList
from .steps_html import shows_forecast, steps_html

__all__ = ["AppFacts", "ChosenStrategy", "FileTab", "LogMatches", "Named", "Notice", "ShownLog", "WorkbenchPage"]


@dataclass(frozen=True, slots=True)
class AppFacts:
    name: str
    folder: str
    is_read_only: bool


@dataclass(frozen=True, slots=True)
class Named:
    """A strategy or an edit in a list to select from."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class ChosenStrategy:
    """The selected strategy. base: for an edited Dockerfile, the strategy that it came from."""

    name: str
    base: str
    is_custom: bool


@dataclass(frozen=True, slots=True)
class FileTab:
    """A file of the app in the editor.

    version: grows with each change. by: the page that made the last change, or `disk`. reason: why a refused file is not shown.
    """

    path: str
    label: str
    is_dockerfile: bool
    version: int
    by: str
    state: Literal["text", "missing", "refused"]
    reason: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """An error outside the Dockerfile or a piece of news, and what to do next."""

    kind: Literal["info", "error", "engine"]
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class ShownLog:
    """The step whose log is shown, and how long the log is.

    number: of the build, 0 for the next one. step: the id of the step, None when no log is shown; `hint` then says why.
    lines: their number. chars: the number of characters, by which the page sees growth. at: the 0-based line that explains a
    failure.
    """

    number: int
    step: str | None
    hint: str = ""
    line: int | None = None
    text: str = ""
    state: StepState = "waiting"
    error: str = ""
    lines: int = 0
    chars: int = 0
    at: int | None = None


@dataclass(frozen=True, slots=True)
class LogMatches:
    """The lines of the shown log that contain `query`: the 0-based numbers of the first ones, and the total."""

    number: int
    step: str | None
    query: str
    lines: tuple[int, ...]
    total: int


@dataclass(frozen=True, slots=True)
class WorkbenchPage:
    """Everything that a workbench shows at one moment.

    running: the number of the running build, 0 for none. history: the builds, oldest first. rebuilding: a sentence about the
    last rebuilds. forecast: an entry per line of the Dockerfile, see `widgets.forecast_worker`. engine: the engine in a few
    words. announcement: what a screen reader says when a build begins or ends.
    """

    app: AppFacts
    strategies: tuple[Named, ...]
    strategy: ChosenStrategy
    edits: tuple[Named, ...]
    files: tuple[FileTab, ...]
    selection: Selection
    running: int
    is_cancelling: bool
    steps: StepList
    log: ShownLog
    matches: LogMatches
    history: tuple[BuildRow, ...]
    rebuilding: str
    comparison: BuildComparison | None
    marks: tuple[Mark, ...]
    notice: Notice | None
    engine: str
    announcement: str
    forecast: Sequence[Mapping[str, Any]]
    outlook: Outlook | None

    @property
    def open_file(self) -> FileTab | None:
        return next((file for file in self.files if file.path == self.selection.tab), None)

    def why(self, step: str | None) -> str:
        """The cause of the state of a step; before its build, the cause from the forecast."""
        row = self.steps.row(step)
        if row is None or row.why or not shows_forecast(self.steps, self.forecast):
            return row.why if row is not None else ""
        return next((str(entry.get("because", "")) for entry in self.forecast if entry["line"] == row.line), "")

    def steps_html(self, *, is_live: bool) -> str:
        return steps_html(
            self.steps,
            self.forecast,
            is_live=is_live,
            pressed=self.log.step,
            shows_internal=self.selection.internal,
        )

    def builds_html(self, *, is_live: bool) -> str:
        builds = builds_html(self.history, self.rebuilding, shown=self.steps.number, is_live=is_live)
        return builds + comparison_html(
            self.comparison, self.history, is_live=is_live, shows_all=is_live and self.selection.all
        )

    def traits(self) -> dict[str, Any]:
        """The value of each trait of the widget."""
        return {
            "app_facts": asdict(self.app),
            "strategies": [asdict(strategy) for strategy in self.strategies],
            "strategy": asdict(self.strategy),
            "edits": [asdict(edit) for edit in self.edits],
            "files": [asdict(file) for file in self.files],
            "view": self.selection.as_trait(),
            "running": {"number": self.running, "cancelling": self.is_cancelling},
            "shown_log": asdict(self.log) | {"why": self.why(self.log.step)},
            "found": asdict(self.matches) | {"lines": list(self.matches.lines)},
            "marks": [asdict(mark) for mark in self.marks],
            "forecast": list(self.forecast),
            "notice": None if self.notice is None else asdict(self.notice),
            "engine": self.engine,
            "said": self.announcement,
            "outlook_html": "" if self.outlook is None else outlook_html(self.outlook),
            "steps_html": self.steps_html(is_live=True),
            "builds_html": self.builds_html(is_live=True),
        }
