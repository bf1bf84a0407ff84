"""An exercise in a notebook: the task, buttons, and what the check saw. The check runs in a thread, so the page stays alive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets

from speedkit.control_characters import visible_line
from speedkit.errors import in_words
from speedkit.messages import message

from .checked_builds import CheckCancelled
from .exercise_html import ExerciseFacts, diff_html, hints_html, notice_html, running_html, task_html, twin_html, verdict_html
from .learner_exercise import TRIES_BEFORE_SOLUTION, Exercise, progress_words

if TYPE_CHECKING:
    from speedkit.widgets import Workbench

    from .checking import RunningCheck

__all__ = ["ExerciseView"]


class ExerciseView:
    """The widget of an exercise. `box` is what a page shows; each part of it can be used from Python as well."""

    def __init__(self, exercise: Exercise) -> None:
        self._exercise = exercise
        self._running: RunningCheck | None = None
        self._thread: threading.Thread | None = None
        self._workbench: Workbench | None = None
        self._task, self._hints, self._answer, self._solution = (ipywidgets.HTML() for _ in range(4))
        self.check_button = self._button(message("Check"), self.check, style="primary")
        self.cancel_button = self._button(message("Cancel"), self.cancel)
        self.edit_button = self._button(message("Edit and build"), self.open_workbench)
        self.hint_button = self._button(message("Hint"), self.hint)
        self.reset_button = self._button(message("Reset"), self.reset)
        self.solution_button = self._button(message("Show a solution"), self.show_solution)
        self.use_button = self._button(message("Use this solution"), self.use_solution)
        buttons = ipywidgets.HBox(
            [
                self.check_button,
                self.cancel_button,
                self.edit_button,
                self.hint_button,
                self.reset_button,
                self.solution_button,
                self.use_button,
            ],
            layout=ipywidgets.Layout(flex_flow="row wrap"),
        )
        self.box = ipywidgets.VBox([self._task, self._hints, buttons, self._answer, self._solution])
        self._refresh()

    # What the buttons do

    def check(self) -> None:
        """Start a check in the background."""
        if self._running is not None:
            return
        self._running = self._exercise.start_check(on_begin=lambda when: self._show(running_html(when)))
        self._show(running_html(message("The check begins.")))
        self._refresh()
        self._thread = threading.Thread(target=self._run, args=(self._running,), name="speedkit check", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """End the check that runs."""
        if self._running is not None:
            self._running.cancel()

    def wait(self) -> None:
        """Wait until the check that runs has ended."""
        if self._thread is not None:
            self._thread.join()

    def hint(self) -> None:
        """Show the next hint."""
        self._exercise.hint()
        self._refresh()

    def reset(self) -> None:
        """Give the learner the first files again."""
        self._exercise.reset()
        self._say_replaced(message("The files are as they were at first."))
        self._refresh()

    def show_solution(self) -> None:
        """Show what the solution changes."""
        self._solution.value = diff_html(self._exercise.solution())
        self._refresh()

    def use_solution(self) -> None:
        """Put the solution into the learner's files."""
        self._exercise.solve()
        self._say_replaced(message("The files have the solution now. Check them, and look at the reasons."))
        self._refresh()

    def open_workbench(self) -> None:
        """Show the editor below the exercise."""
        if self._workbench is None:
            from speedkit.widgets import Workbench

            self._workbench = Workbench(self._exercise.app)
            self.box.children = (*self.box.children, self._workbench)
        self._refresh()

    def _button(self, label: str, action: Callable[[], None], *, style: str = "") -> Any:
        def act(_button: object) -> None:
            try:
                action()
            except Exception as problem:
                # No reader would see an exception of a callback.
                self._show(notice_html(in_words(problem)))

        button = ipywidgets.Button(description=label, button_style=style, layout=ipywidgets.Layout(width="auto"))
        button.on_click(act)
        return button

    # Showing

    def _ipython_display_(self) -> None:
        from IPython.display import publish_display_data

        data = {**self.box._repr_mimebundle_(), "text/html": self.html(), "text/plain": visible_line(self._exercise.title)}
        publish_display_data(data)  # type: ignore[no-untyped-call]

    def html(self) -> str:
        """The exercise without buttons."""
        return twin_html(self._facts(), self._exercise.hints[: self._exercise.progress.hints])

    def _facts(self) -> ExerciseFacts:
        one = self._exercise
        return ExerciseFacts(one.name, one.title, one.task, one.minutes, str(one.folder), progress_words(one.progress))

    def _run(self, running: RunningCheck) -> None:
        try:
            answer = verdict_html(self._exercise.finish_check(running))
        except CheckCancelled:
            answer = notice_html(message("The check was cancelled."))
        except Exception as problem:
            # Nobody would see an exception of this thread.
            answer = notice_html(in_words(problem))
        self._running = None
        self._show(answer)
        self._refresh()

    def _show(self, answer: str) -> None:
        self._answer.value = answer

    def _say_replaced(self, sentence: str) -> None:
        replaced = self._exercise.replaced
        if replaced.is_dir():
            sentence += " " + message("What was replaced last is kept in {folder}.", folder=replaced)
        self._show(notice_html(sentence))

    def _refresh(self) -> None:
        """Show the progress, and the buttons that do something now."""
        progress, hints = self._exercise.progress, self._exercise.hints
        self._task.value = task_html(self._facts())
        self._hints.value = hints_html(hints[: progress.hints])
        is_running = self._running is not None
        _show_if(self.cancel_button, is_running)
        _show_if(self.hint_button, progress.hints < len(hints))
        may_look = progress.passed or progress.solution_shown or progress.tries >= TRIES_BEFORE_SOLUTION
        _show_if(self.solution_button, may_look and not self._solution.value)
        _show_if(self.use_button, bool(self._solution.value))
        _show_if(self.edit_button, self._workbench is None)
        for button in (self.check_button, self.reset_button, self.use_button):
            button.disabled = is_running


def _show_if(button: Any, is_shown: bool) -> None:
    button.layout.display = None if is_shown else "none"
