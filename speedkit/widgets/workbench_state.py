"""The state behind one workbench, and what can be done with it; it knows nothing of Jupyter.

In: requests (`build`, `cancel` …) and the page's messages. Out: `page()`, everything that is to be seen, made
anew each time it is painted. Every method may be called from any thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from speedkit.builds import dockerfile_without_secrets
from speedkit.engine import Engine, connect
from speedkit.errors import EngineError, SpeedkitError, StateBusy
from speedkit.messages import message
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
    compare_two,
    failed_step,
    failing_line,
    marks_of,
    noted,
    outlook,
    planned_steps,
    reasons_of,
    shown_build,
    step_id,
)
from speedkit.secrets import hide_secrets, is_secret_file

from .build_list import BuildList, Running, SessionBuild
from .build_start import start_with_cache_of
from .engine_watch import EngineWatch
from .forecast_worker import Forecaster, ForecastWorker
from .open_files import DOCKERFILE, OpenFiles

if TYPE_CHECKING:
    from speedkit.apps import App
    from speedkit.model import Build
    from speedkit.page import Runs
    from speedkit.rendering import Reason


__all__ = ["Starter", "WorkbenchState"]

WATCH_SECONDS = 0.1
MOST_LINES_A_PAGE = 1000
LOOK_AT_DISK_SECONDS = 1.0
WAIT_FOR_FORECAST_SECONDS = 0.045

Starter = Callable[..., Running]


class WorkbenchState:
    """An app under work: its files, its builds, what is chosen.

    changed: called whenever there may be something new to paint. strategy: chosen at first. start, find_engine,
    forecaster, reasons_of: how builds begin, engines are found, what the next build does is foreseen and what one did is
    explained.
    """

    def __init__(
        self,
        app: App,
        changed: Callable[[], None],
        *,
        strategy: str | None = None,
        start: Starter = start_with_cache_of,
        find_engine: Callable[[], Engine] = connect,
        forecaster: Forecaster | None = None,
        reasons_of: Callable[[Build], dict[int, Reason]] = reasons_of,
    ) -> None:
        self._app, self._changed = app, changed
        self._start, self._reasons_of = start, reasons_of
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        self.open_files = OpenFiles(app, strategy)
        self.builds = BuildList()
        self.selection = Selection(tab=self.open_files.first_tab())
        self._marks: tuple[Mark, ...] = ()
        self._notice: Notice | None = None
        self._is_silent = False
        self.engine = EngineWatch(find_engine, self._hear_of_engine)
        self._next_look = 0.0
        self._forecast_worker = None if forecaster is None else ForecastWorker(forecaster, changed, self.complain)
        self._log_at: dict[tuple[int, str], int | None] = {}

    # What can be asked for

    def build(self, *, cold: bool = False) -> None:
        """Start a build of the files as they are now.

        Raises: StateBusy when one is running.
        """
        with self._lock:
            if self.builds.running is not None:
                raise StateBusy(message("This workbench is building already."), fix=message("Wait for it, or cancel it."))
            self.open_files.look()
            listed = self.builds.add(
                strategy=self.open_files.strategy, cache_of=self.open_files.cache_of, edit=self._app.edit_name, cold=cold
            )
            listed.asked = self._forecast_key()
            self._notice, self._marks = None, ()
            self.selection = replace(self.selection, shown=listed.number, step=None, before=None, after=None, follow=True)
        thread = threading.Thread(target=self._run, args=(listed,), name=f"workbench build {listed.number}", daemon=True)
        try:
            thread.start()
        except RuntimeError as problem:
            # The machine lets this process have no more threads. Else nobody would ever end the build that is listed.
            self._end(listed, None, problem)
            self._explain(listed)
        self._changed()

    def cancel(self) -> None:
        with self._lock:
            listed = self.builds.running
            if listed is not None:
                listed.cancelled = True
                if listed.running is not None:
                    listed.running.cancel()
        self._changed()

    def wait(self) -> SessionBuild | None:
        """The last build, once it has ended; None when none was started."""
        with self._idle:
            self._idle.wait_for(lambda: self.builds.running is None)
            return self.builds.listed[-1] if self.builds.listed else None

    def settle(self, seconds: float) -> None:
        """Wait, at most so long, for what comes by itself: the engine, why the steps ran, the forecast."""
        deadline = time.monotonic() + seconds
        self.engine.wait(seconds)
        with self._idle:
            self._idle.wait_for(lambda: not self.builds.unexplained, max(0.0, deadline - time.monotonic()))
        self.forecast(wait_seconds=max(0.0, deadline - time.monotonic()))

    def choose_strategy(self, name: str) -> None:
        with self._lock:
            self.open_files.choose(name)
            self._marks = ()
            self.selection = replace(self.selection, shown=0, step=None).opened(DOCKERFILE)

    def save_strategy(self, name: str) -> None:
        """Keep the edited Dockerfile as a strategy of that name."""
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
        """Take over what was typed on a page."""
        with self._lock:
            was = self.open_files.dockerfile_text()
            self.open_files.write(path, text, by=page)
            self._keep_marks()
            if self.open_files.dockerfile_text() != was and self.builds.running is None:
                self.selection = replace(self.selection, shown=0, step=None)

    def reset(self, path: str | None) -> None:
        """Bring back the original of one file, or of all."""
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

    def complain(self, problem: BaseException) -> None:
        """Show an error in the workbench."""
        with self._lock:
            self._notice = _notice_of(problem)
        if isinstance(problem, EngineError):
            self.engine.look()
        self._changed()

    def _hear_of_engine(self, problem: Exception | None, is_news: bool) -> None:
        """Show that the engine is lost, or that it is back; another error that is shown stays."""
        with self._lock:
            if is_news and (self._notice is None or self._notice.kind != "error"):
                self._notice = _back_again() if problem is None else _notice_of(problem)
        self._changed()

    # What a page asks for and Python holds

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

    # What is seen

    def look_at_disk(self) -> bool:
        """Notice files that were changed, added or removed outside the workbench; rarely where looking takes long."""
        with self._lock:
            began = time.monotonic()
            if began < self._next_look:
                return False
            is_news = self.open_files.look()
            if is_news:
                self._keep_marks()
            ended = time.monotonic()
            self._next_look = ended + max(LOOK_AT_DISK_SECONDS, 20 * (ended - began))
            return is_news

    def forecast(self, *, wait_seconds: float = WAIT_FOR_FORECAST_SECONDS) -> list[dict[str, Any]] | None:
        """What the next build would do, as far as it is known after `wait_seconds`; None where nobody forecasts."""
        if self._forecast_worker is None:
            return None
        with self._lock:
            builds = self.builds.by_cache(self.open_files.cache_of, name=self.open_files.strategy)
            state = self._forecast_key()
        self._forecast_worker.ask(state, self._app, self.open_files.strategy, builds, wait_seconds=wait_seconds)
        self._keep_for_running_build(self._forecast_worker)
        return self._forecast_worker.entries

    def _forecast_key(self) -> object:
        """What a forecast depends on."""
        return (self.open_files.strategy, self.open_files.versions(), len(self.builds.finished()))

    def _keep_for_running_build(self, foresight: ForecastWorker) -> None:
        """A forecast is held against what happens, and says meanwhile why and how long."""
        with self._lock:
            running = self.builds.running
            if running is not None and running.expected is None:
                running.expected = foresight.of(running.asked)

    def page(self, forecast: Sequence[Mapping[str, Any]] = ()) -> WorkbenchPage:
        """What is to be seen, as of now. forecast: what the next build would do, as `forecast` gives it."""
        forecast = noted(forecast)
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
                log=self._log_shown(steps, focus),
                matches=self._matches(steps.number, focus),
                history=tuple(listed.row() for listed in self.builds.listed),
                rebuilding=self.builds.rebuilding(),
                comparison=self._comparison(),
                marks=tuple(_shown_mark(mark) for mark in (*self._marks, *self._rejected(steps))),
                notice=self._notice,
                engine=self.engine.found,
                said=self._said(),
                forecast=forecast,
                outlook=outlook(forecast),
            )

    def twin_text(self, path: str) -> str | None:
        """What a saved notebook may hold of a file; None for one that is made for secrets."""
        if path == DOCKERFILE:
            return self._shown_dockerfile()
        return None if is_secret_file(path) else hide_secrets(self.open_files.text_or_empty(path))

    def _shown_dockerfile(self) -> str:
        return dockerfile_without_secrets(self.open_files.dockerfile_text())

    def twin_log(self, count: int) -> tuple[list[Runs], int]:
        """The lines of the shown log that matter most, failing or last, and the 0-based number of the first."""
        with self._lock:
            steps = self._steps()
            focus = self.selection.step or steps.focus
            lines = self.builds.log(steps.number, focus) if focus else None
            if lines is None:
                return [], 0
            at = self._log_at.get((steps.number, focus or ""))
            first = max(0, lines.total - count if at is None else min(at - count // 2, lines.total - count))
            return lines.page(first, count), first

    def _steps(self) -> StepList:
        listed = self.builds.get(self.selection.shown)
        build = listed.now() if listed is not None else None
        if listed is None:
            return planned_steps(self._shown_dockerfile(), strategy=self.open_files.strategy)
        if build is None:
            return replace(
                planned_steps(self._shown_dockerfile(), strategy=listed.strategy),
                number=listed.number,
                title=message("Build {number}: {label}", number=listed.number, label=listed.label),
                outcome="broken" if listed.ended else "running",
                started_ms=None if listed.ended else listed.started_ms,
                error=str(listed.problem) if listed.problem else "",
            )
        return shown_build(
            build,
            number=listed.number,
            label=listed.label,
            started_ms=None if listed.ended else listed.started_ms,
            is_cold=listed.cold,
            is_current=listed.ended and build.dockerfile == self._shown_dockerfile(),
            background=listed.background,
        )

    def _log_shown(self, steps: StepList, focus: str | None) -> ShownLog:
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
            at=self._log_at.get((steps.number, row.id)),
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
        known = {listed.number: listed for listed in finished}
        after = known.get(self.selection.after or 0, finished[-1])
        before = known.get(self.selection.before or 0, self._before(finished, after))
        if before.build is None or after.build is None:
            return None
        numbers = (before.number, after.number)
        return compare_two(before.build, after.build, numbers=numbers, reasons=after.reasons or {})

    def _before(self, finished: list[SessionBuild], after: SessionBuild) -> SessionBuild:
        place = finished.index(after)
        return finished[place - 1] if place else finished[0]

    def _rejected(self, steps: StepList) -> list[Mark]:
        """The mark of a Dockerfile in the editor that BuildKit would reject."""
        if steps.error_line is None or any(mark.path == DOCKERFILE for mark in self._marks):
            return []
        return [Mark(DOCKERFILE, steps.error_line, None, steps.error)]

    def _said(self) -> str:
        if not self.builds.listed:
            return ""
        listed = self.builds.listed[-1]
        if not listed.ended:
            return message("Build {number} is running.", number=listed.number)
        row = listed.row()
        return message(
            "Build {number}: {outcome}, {seconds:.1f} seconds, {cached} cached, {ran} ran.",
            number=listed.number,
            outcome=_outcome_text(row.outcome),
            seconds=row.seconds,
            cached=row.cached,
            ran=row.ran,
        )

    def _keep_marks(self) -> None:
        self._marks = tuple(moved for mark in self._marks if (moved := self.open_files.mark_moved(mark)) is not None)

    # A build, from its own thread

    def _run(self, listed: SessionBuild) -> None:
        build: Build | None = None
        problem: BaseException | None = None
        try:
            running = self._start(self._app, listed.strategy, cache_of=listed.cache_of, cold=listed.cold)
            with self._lock:
                listed.running = running
                if listed.cancelled:
                    running.cancel()
            self._watch(listed, running)
            build = running.wait()
        except BaseException as error:
            # Whatever it is, the build is over: else `wait` would never return.
            problem = error
        self._end(listed, build, problem)
        self._explain(listed)

    def _watch(self, listed: SessionBuild, running: Running) -> None:
        """Have the build painted while it goes on. One that cannot be painted goes on as well."""
        is_told = False
        while not running.done:
            try:
                snapshot = running.wait_briefly(WATCH_SECONDS)
                with self._lock:
                    listed.build = snapshot
                self._show_silence(snapshot)
                self._changed()
            except Exception as problem:
                if not is_told:
                    self._attempt(self.complain, problem)
                is_told = True
                time.sleep(WATCH_SECONDS)

    def _show_silence(self, shown: Build) -> None:
        """Say that the engine has stopped answering as long as it has, and no longer."""
        if shown.outcome == "running" and (shown.notices or self._is_silent):
            self._is_silent = bool(shown.notices)
            self._notice = Notice("error", " ".join(shown.notices), "") if shown.notices else None

    def _end(self, listed: SessionBuild, build: Build | None, problem: BaseException | None) -> None:
        """The build has ended, whatever becomes of what is said about it."""
        with self._idle:
            trouble = self._attempt(self.builds.end, listed, build, problem)
            if build is not None:
                if build.notices:
                    self._notice = Notice("error", " ".join(build.notices), "")
                trouble = self._attempt(self._point_at_failure, listed, build) or trouble
            self._idle.notify_all()
        if problem is not None or trouble is not None:
            self._attempt(self.complain, problem or trouble)
        self._attempt(self._changed)

    def _explain(self, listed: SessionBuild) -> None:
        reasons: dict[int, Reason] = {}
        try:
            if listed.build is not None and listed.problem is None and listed.is_recorded:
                reasons = self._reasons_of(listed.build)
        except Exception as problem:
            self._attempt(self.complain, problem)
        with self._idle:
            listed.reasons = reasons
            self._idle.notify_all()
        self._attempt(self._changed)

    @staticmethod
    def _attempt(call: Callable[..., object], *arguments: object) -> Exception | None:
        """Say something of a build: what goes wrong in that is handed back, and never takes the build with it."""
        try:
            call(*arguments)
        except Exception as problem:
            return problem
        return None

    def _point_at_failure(self, listed: SessionBuild, build: Build) -> None:
        failed = failed_step(build)
        if failed is not None:
            lines = self.builds.log(listed.number, step_id(failed))
            log = list(lines.plain()) if lines is not None else []
            self._log_at[listed.number, step_id(failed)] = failing_line(log)
            self.selection = replace(self.selection, step=None, follow=False, query="")
        else:
            log = []
        marks = marks_of(build, dockerfile=DOCKERFILE, log=log, has_file=self.open_files.has_file)
        self._marks = tuple(self.open_files.mark_anchored(mark) for mark in marks)
        if self._marks:
            self.selection = self.selection.opened(self._marks[0].path)


def _shown_mark(mark: Mark) -> Mark:
    """A mark as a saved notebook may hold it."""
    return replace(mark, text="" if is_secret_file(mark.path) else hide_secrets(mark.text))


def _outcome_text(outcome: str) -> str:
    """What became of a build that has ended, in a word."""
    words = {"done": message("done"), "failed": message("failed"), "cancelled": message("cancelled")}
    return words.get(outcome) or message("broken")


def _back_again() -> Notice:
    return Notice("info", message("The Docker engine answers again."), message("Press Build."))


def _notice_of(problem: BaseException) -> Notice:
    if isinstance(problem, SpeedkitError):
        return Notice("engine" if isinstance(problem, EngineError) else "error", problem.what, problem.fix)
    what = message("Something in speedkit broke: {kind}: {problem}", kind=type(problem).__name__, problem=problem)
    return Notice("error", what, "")
