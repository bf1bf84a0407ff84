"""The state of one workbench, and the actions that change it; it knows nothing of Jupyter.

In: calls from cells (`build`, `cancel` …) and messages from the page. Out: `page()`, everything that the workbench shows, made
anew for each update. Every method may be called from any thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from speedkit.builds import dockerfile_without_secrets
from speedkit.engine import Engine, connect
from speedkit.errors import EngineError, SpeedkitError, StateBusy
from speedkit.messages import message, sentences
from speedkit.page import (
    AppFacts,
    BuildComparison,
    LogMatches,
    Mark,
    Notice,
    Selection,
    ShownLog,
    StepList,
    WorkbenchPage,
    compare_builds,
    failed_step,
    failing_line,
    marks_of,
    outlook_of,
    planned_steps,
    reasons_of,
    step_id,
    steps_of_build,
    with_notes,
)
from speedkit.secrets import hide_secrets, is_secret_file

from .build_list import BuildInProgress, BuildList, SessionBuild
from .build_start import start_with_cache_of
from .engine_watch import EngineWatch
from .forecast_worker import Forecaster, ForecastWorker
from .open_files import DOCKERFILE, OpenFiles

if TYPE_CHECKING:
    from speedkit.apps import App
    from speedkit.model import Build
    from speedkit.page import StyledLine
    from speedkit.rendering import Reason


__all__ = ["Starter", "WorkbenchState"]

WATCH_SECONDS = 0.1
MOST_LINES_A_PAGE = 1000
LOOK_AT_DISK_SECONDS = 1.0
WAIT_FOR_FORECAST_SECONDS = 0.045
"""A forecast that is ready so soon after a key goes to the page in the same update; a later one takes another update."""

Starter = Callable[..., BuildInProgress]


class WorkbenchState:
    """An app in the workbench: its files, its builds, and what is selected.

    changed: called whenever the page may have changed. strategy: the strategy at the start. start: starts a build;
    build_options are further arguments of it. find_engine: connects to the engine. forecaster: forecasts the next build; None
    for no forecasts. reasons_of: explains the steps of a finished build.
    """

    def __init__(
        self,
        app: App,
        changed: Callable[[], None],
        *,
        strategy: str | None = None,
        start: Starter = start_with_cache_of,
        build_options: Mapping[str, Any] = MappingProxyType({}),
        find_engine: Callable[[], Engine] = connect,
        forecaster: Forecaster | None = None,
        reasons_of: Callable[[Build], dict[int, Reason]] = reasons_of,
    ) -> None:
        self._app, self._changed = app, changed
        self._start: Starter = partial(start, **build_options)
        self._reasons_of = reasons_of
        self._lock = threading.RLock()
        self._build_moved_on = threading.Condition(self._lock)
        self.open_files = OpenFiles(app, strategy)
        self.builds = BuildList()
        self.selection = Selection(tab=self.open_files.first_tab())
        self._marks: tuple[Mark, ...] = ()
        self._notice: Notice | None = None
        self._is_silent = False
        self.engine = EngineWatch(find_engine, self._on_engine_result)
        self._next_look = 0.0
        self._forecast_worker = None if forecaster is None else ForecastWorker(forecaster, changed, self.show_error)
        self._failing_lines: dict[tuple[int, str], int | None] = {}

    # Actions

    def build(self, *, cold: bool = False) -> None:
        """Start a build of the files as they are now.

        Raises: StateBusy when one is running.
        """
        with self._lock:
            if self.builds.running is not None:
                raise StateBusy(message("This workbench is building already."), fix=message("Wait for it, or cancel it."))
            self.open_files.look_at_disk()
            session_build = self.builds.add(
                strategy=self.open_files.strategy, cache_of=self.open_files.cache_of, edit=self._app.edit_name, cold=cold
            )
            session_build.forecast_key = self._forecast_key()
            # Errors of the last build are out of date.
            self._notice, self._marks = None, ()
            self.selection = replace(
                self.selection, shown=session_build.number, step=None, before=None, after=None, follow=True
            )
        thread = threading.Thread(
            target=self._run, args=(session_build,), name=f"workbench build {session_build.number}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as problem:
            # The system allows no more threads. Without these calls the build would be running for ever.
            self._end(session_build, None, problem)
            self._explain(session_build)
        self._changed()

    def cancel(self) -> None:
        with self._lock:
            session_build = self.builds.running
            if session_build is not None:
                session_build.cancelled = True
                if session_build.running is not None:
                    session_build.running.cancel()
        self._changed()

    def wait(self) -> SessionBuild | None:
        """Wait for the last build; None when no build was started."""
        with self._build_moved_on:
            self._build_moved_on.wait_for(lambda: self.builds.running is None)
            return self.builds.all[-1] if self.builds.all else None

    def settle(self, seconds: float) -> None:
        """Wait for the engine, the reasons of the steps and the forecast, `seconds` at most."""
        deadline = time.monotonic() + seconds
        self.engine.wait(seconds)
        with self._build_moved_on:
            self._build_moved_on.wait_for(lambda: not self.builds.unexplained, max(0.0, deadline - time.monotonic()))
        self.forecast(wait_seconds=max(0.0, deadline - time.monotonic()))

    def choose_strategy(self, name: str) -> None:
        with self._lock:
            self.open_files.choose(name)
            self._marks = ()
            self.selection = replace(self.selection, shown=0, step=None).opened(DOCKERFILE)

    def save_strategy(self, name: str) -> None:
        """Save the edited Dockerfile as a new strategy."""
        with self._lock:
            self.open_files.save_as(name)
            self.selection = self.selection.opened(DOCKERFILE)

    def edit(self, name: str) -> None:
        with self._lock:
            path = self.open_files.edit(name)
            self._keep_marks()
            if path is not None:
                self.selection = self.selection.opened(path)

    def type_text(self, path: str, text: str, *, page: str) -> None:
        """Save a text that was typed on a page."""
        with self._lock:
            old_dockerfile = self.open_files.dockerfile_text()
            self.open_files.write(path, text, by=page)
            self._keep_marks()
            # The steps of the last build have other lines now: show those of the next build.
            if self.open_files.dockerfile_text() != old_dockerfile and self.builds.running is None:
                self.selection = replace(self.selection, shown=0, step=None)

    def reset(self, path: str | None) -> None:
        """Restore the original of one file, or of all files."""
        with self._lock:
            self.open_files.reset(path)
            if not self.open_files.has_file(self.selection.tab):
                self.selection = self.selection.opened(DOCKERFILE)
            self._keep_marks()

    def choose(self, patch: dict[str, Any], *, page: str, number: int) -> None:
        with self._lock:
            self.selection = self.selection.patched(patch, page=page, number=number)

    def dismiss(self) -> None:
        with self._lock:
            self._notice = None

    def look_for_engine(self) -> None:
        self.engine.look()

    def close(self) -> None:
        self.engine.stop()
        if self._forecast_worker is not None:
            self._forecast_worker.stop()
        self.cancel()

    def show_error(self, problem: BaseException) -> None:
        """Show an error in the workbench."""
        with self._lock:
            self._notice = _notice_of(problem)
        if isinstance(problem, EngineError):
            self.engine.look()
        self._changed()

    def _on_engine_result(self, problem: Exception | None, is_news: bool) -> None:
        """Show that the engine is lost, or that it is back. The notice of another error stays."""
        with self._lock:
            if is_news and (self._notice is None or self._notice.kind != "error"):
                back = Notice("info", message("The Docker engine answers again."), message("Press Build."))
                self._notice = back if problem is None else _notice_of(problem)
        self._changed()

    # Logs and texts for the page

    def log_page(self, number: int, step: str, first: int, count: int) -> dict[str, Any] | None:
        with self._lock:
            lines = self.builds.log(number, step)
            if lines is None:
                return None
            page = lines.page(first, min(count, MOST_LINES_A_PAGE))
            return {"lines": page, "chars": lines.chars, "total": lines.total}

    def log_text(self, number: int, step: str) -> str | None:
        with self._lock:
            lines = self.builds.log(number, step)
            return None if lines is None else "\n".join(lines.plain()) + "\n"

    # The page

    def look_at_disk(self) -> bool:
        """Check for files that were changed, added or removed outside the workbench; True when any was.

        A check may take long in a large folder. The time between checks is twenty times as long, so that at most 5 % of the
        time is spent on them.
        """
        with self._lock:
            start = time.monotonic()
            if start < self._next_look:
                return False
            is_news = self.open_files.look_at_disk()
            if is_news:
                self._keep_marks()
            end = time.monotonic()
            self._next_look = end + max(LOOK_AT_DISK_SECONDS, 20 * (end - start))
            return is_news

    def forecast(self, *, wait_seconds: float = WAIT_FOR_FORECAST_SECONDS) -> list[dict[str, Any]] | None:
        """The newest forecast of the next build, after `wait_seconds` at most; None without a forecaster."""
        if self._forecast_worker is None:
            return None
        with self._lock:
            builds = self.builds.by_cache(self.open_files.cache_of, name=self.open_files.strategy)
            state = self._forecast_key()
        # Without the lock: the forecaster may take long, and other calls must not wait for it.
        self._forecast_worker.ask(state, self._app, self.open_files.strategy, builds, wait_seconds=wait_seconds)
        with self._lock:
            # The running build keeps its own forecast: notes on its steps use it, and its result is compared with it.
            running = self.builds.running
            if running is not None and running.forecast is None:
                running.forecast = self._forecast_worker.entries_of(running.forecast_key)
        return self._forecast_worker.entries

    def _forecast_key(self) -> object:
        """What a forecast depends on, for comparison."""
        return (self.open_files.strategy, self.open_files.versions(), len(self.builds.finished()))

    def page(self, forecast: Sequence[Mapping[str, Any]] = ()) -> WorkbenchPage:
        """Everything that the workbench shows now. forecast: the forecast of the next build, from `forecast`."""
        forecast = with_notes(forecast)
        with self._lock:
            steps = self._steps()
            focus = self.selection.step or steps.focus
            running = self.builds.running
            return WorkbenchPage(
                app=AppFacts(self._app.name, str(self._app.folder), is_read_only=not self._app.is_copy),
                strategies=self.open_files.strategies(),
                strategy=self.open_files.strategy_shown(),
                edits=self.open_files.edits(),
                files=self.open_files.files(),
                selection=self.selection,
                running=running.number if running else 0,
                is_cancelling=running.cancelled if running else False,
                steps=steps,
                log=self._shown_log(steps, focus),
                matches=self._matches(steps.number, focus),
                history=tuple(session_build.row() for session_build in self.builds.all),
                rebuilding=self.builds.rebuilding(),
                comparison=self._comparison(),
                marks=self._shown_marks(steps),
                notice=self._notice,
                engine=self.engine.description,
                announcement=self._announcement(),
                forecast=forecast,
                outlook=outlook_of(forecast),
            )

    def twin_text(self, path: str) -> str | None:
        """The text of a file for the saved notebook, without secrets; None for a file whose name says that it holds secrets."""
        with self._lock:
            if path == DOCKERFILE:
                return self._shown_dockerfile()
            return None if is_secret_file(path) else hide_secrets(self.open_files.text_or_empty(path))

    def _shown_dockerfile(self) -> str:
        return dockerfile_without_secrets(self.open_files.dockerfile_text())

    def twin_log(self, log: ShownLog, count: int) -> tuple[list[StyledLine], int]:
        """Lines of the shown log around the failing line, else the last ones, and the 0-based number of the first."""
        with self._lock:
            lines = None if log.step is None else self.builds.log(log.number, log.step)
            if lines is None:
                return [], 0
            first = max(0, lines.total - count if log.at is None else min(log.at - count // 2, lines.total - count))
            return lines.page(first, count), first

    def _steps(self) -> StepList:
        session_build = self.builds.get(self.selection.shown)
        build = session_build.now() if session_build is not None else None
        if session_build is None:
            return planned_steps(self._shown_dockerfile(), strategy=self.open_files.strategy)
        if build is None:
            return replace(
                planned_steps(self._shown_dockerfile(), strategy=session_build.strategy),
                number=session_build.number,
                title=message("Build {number}: {label}", number=session_build.number, label=session_build.label),
                outcome="broken" if session_build.ended else "running",
                started_ms=None if session_build.ended else session_build.started_ms,
                error=str(session_build.problem) if session_build.problem else "",
            )
        return steps_of_build(
            build,
            number=session_build.number,
            label=session_build.label,
            started_ms=None if session_build.ended else session_build.started_ms,
            is_cold=session_build.cold,
            is_current=session_build.ended and build.dockerfile == self._shown_dockerfile(),
            explanations=session_build.explanations,
        )

    def _shown_log(self, steps: StepList, focus: str | None) -> ShownLog:
        row = steps.row(focus)
        if row is None:
            hint = message("Click a step to read what it printed.") if steps.number else steps.hint
            return ShownLog(steps.number, None, hint)
        lines = self.builds.log(steps.number, row.id)
        return ShownLog(
            number=steps.number,
            step=row.id,
            line=row.line,
            text=row.text,
            state=row.state,
            error=row.error,
            lines=0 if lines is None else lines.total,
            chars=0 if lines is None else lines.chars,
            at=self._failing_lines.get((steps.number, row.id)),
        )

    def _matches(self, number: int, focus: str | None) -> LogMatches:
        query = self.selection.query
        lines = self.builds.log(number, focus) if focus and query else None
        places, total = lines.find(query) if lines is not None else ([], 0)
        return LogMatches(number, focus, query, tuple(places), total)

    def _comparison(self) -> BuildComparison | None:
        finished = self.builds.finished()
        if len(finished) < 2:
            return None
        by_number = {session_build.number: session_build for session_build in finished}
        after = by_number.get(self.selection.after or 0, finished[-1])
        previous = finished[max(0, finished.index(after) - 1)]
        before = by_number.get(self.selection.before or 0, previous)
        if before.build is None or after.build is None:
            return None
        numbers = (before.number, after.number)
        return compare_builds(before.build, after.build, numbers=numbers, reasons=after.reasons or {})

    def _shown_marks(self, steps: StepList) -> tuple[Mark, ...]:
        """The marks in the editor, without secrets: they are saved with the notebook."""
        marks = list(self._marks)
        if steps.error_line is not None and all(mark.path != DOCKERFILE for mark in marks):
            # BuildKit would reject the Dockerfile in the editor at this line.
            marks.append(Mark(DOCKERFILE, steps.error_line, None, steps.error))
        return tuple(replace(mark, text="" if is_secret_file(mark.path) else hide_secrets(mark.text)) for mark in marks)

    def _announcement(self) -> str:
        if not self.builds.all:
            return ""
        session_build = self.builds.all[-1]
        if not session_build.ended:
            return message("Build {number} is running.", number=session_build.number)
        row = session_build.row()
        outcomes = {"done": message("done"), "failed": message("failed"), "cancelled": message("cancelled")}
        return message(
            "Build {number}: {outcome}, {seconds:.1f} seconds, {cached} cached, {ran} ran.",
            number=session_build.number,
            outcome=outcomes.get(row.outcome) or message("broken"),
            seconds=row.seconds,
            cached=row.cached,
            ran=row.ran,
        )

    def _keep_marks(self) -> None:
        self._marks = tuple(moved for mark in self._marks if (moved := self.open_files.mark_moved(mark)) is not None)

    # A build, in its own thread

    def _run(self, session_build: SessionBuild) -> None:
        build: Build | None = None
        problem: BaseException | None = None
        try:
            running = self._start(self._app, session_build.strategy, cache_of=session_build.cache_of, cold=session_build.cold)
            with self._lock:
                session_build.running = running
                # The reader may have cancelled the build before it had started.
                if session_build.cancelled:
                    running.cancel()
            self._watch(session_build, running)
            build = running.wait()
        except BaseException as error:
            # Any exception ends the build: else `wait` would never return.
            problem = error
        self._end(session_build, build, problem)
        self._explain(session_build)

    def _watch(self, session_build: SessionBuild, running: BuildInProgress) -> None:
        """Show the progress of the build. An error in showing it does not end the build."""
        is_error_shown = False
        while not running.done:
            try:
                snapshot = running.wait_briefly(WATCH_SECONDS)
                with self._lock:
                    session_build.build = snapshot
                self._show_silence(snapshot)
                self._changed()
            except Exception as problem:
                if not is_error_shown:
                    self._attempt(self.show_error, problem)
                is_error_shown = True
                time.sleep(WATCH_SECONDS)

    def _show_silence(self, snapshot: Build) -> None:
        """Show that the engine has stopped answering, until it answers again."""
        if snapshot.outcome == "running" and (snapshot.notices or self._is_silent):
            with self._lock:
                self._is_silent = bool(snapshot.notices)
                self._notice = Notice("error", sentences(snapshot.notices), "") if snapshot.notices else None

    def _end(self, session_build: SessionBuild, build: Build | None, problem: BaseException | None) -> None:
        """Store the result of the build and show it. Errors in showing it do not undo the result."""
        with self._build_moved_on:
            display_error = self._attempt(self.builds.end, session_build, build, problem)
            if build is not None:
                if build.notices:
                    self._notice = Notice("error", sentences(build.notices), "")
                display_error = self._attempt(self._point_at_failure, session_build, build) or display_error
            self._build_moved_on.notify_all()
        if problem is not None or display_error is not None:
            self._attempt(self.show_error, problem or display_error)
        self._attempt(self._changed)

    def _explain(self, session_build: SessionBuild) -> None:
        reasons: dict[int, Reason] = {}
        try:
            if session_build.build is not None and session_build.problem is None and session_build.is_recorded:
                reasons = self._reasons_of(session_build.build)
        except Exception as problem:
            self._attempt(self.show_error, problem)
        with self._build_moved_on:
            session_build.reasons = reasons
            self._build_moved_on.notify_all()
        self._attempt(self._changed)

    @staticmethod
    def _attempt(call: Callable[..., object], *arguments: object) -> Exception | None:
        """Make a call for the display of a build. Returns its error, which must not end the build."""
        try:
            call(*arguments)
        except Exception as problem:
            return problem
        return None

    def _point_at_failure(self, session_build: SessionBuild, build: Build) -> None:
        failed = failed_step(build)
        if failed is not None:
            lines = self.builds.log(session_build.number, step_id(failed))
            log = list(lines.plain()) if lines is not None else []
            self._failing_lines[session_build.number, step_id(failed)] = failing_line(log)
            # Without a selected step the page shows the log of the failed one; without `follow`, at its failing line.
            self.selection = replace(self.selection, step=None, follow=False, query="")
        else:
            log = []
        marks = marks_of(build, dockerfile=DOCKERFILE, log=log, has_file=self.open_files.has_file)
        self._marks = tuple(self.open_files.mark_anchored(mark) for mark in marks)
        if self._marks:
            self.selection = self.selection.opened(self._marks[0].path)


def _notice_of(problem: BaseException) -> Notice:
    if isinstance(problem, SpeedkitError):
        return Notice("engine" if isinstance(problem, EngineError) else "error", problem.what, problem.fix)
    sentence = message("Something in speedkit broke: {kind}: {problem}", kind=type(problem).__name__, problem=problem)
    return Notice("error", sentence, "")
