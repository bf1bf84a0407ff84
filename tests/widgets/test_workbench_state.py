"""The state behind the widget: builds, logs, choices, errors. Builds are scripted here; real ones are in tests/browser."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from speedkit.apps import append_line, own_app
from speedkit.causes import FileChange, FilesChanged
from speedkit.errors import EngineLost, NoEngine, StateBusy, UnknownStrategy
from speedkit.page import BarPart
from speedkit.rendering.reasons_html import Reason
from speedkit.widgets.build_list import LOGS_OF_BUILDS_KEPT, BuildList
from speedkit.widgets.open_files import DOCKERFILE
from speedkit.widgets.workbench_state import WorkbenchState
from tests.waiting import HANG_SECONDS, wait_until
from tests.widgets.builds import CACHED, FAILED, Scripted, a_build
from tests.widgets.builds import DOCKERFILE as STORY

WHY = Reason(line=2, stage="b", instruction="COPY . .", state="ran", cause=FilesChanged((FileChange("main.go", "content"),)))
EXIT_1 = 'process "/bin/sh -c make" did not complete successfully: exit code: 1'


ROUNDED_TO_MS = 200


class Found:
    version, cpus = "28.5", 2


@pytest.fixture
def app(folder):
    files = {"Dockerfile": STORY, "main.go": "package main\nbroken()\n"}
    with own_app(folder(files), edits={"append": append_line("main.go", "// more")}) as made:
        yield made


class Set:
    """A bench with scripted builds: `running` is the newest, `started` what was asked for."""

    def __init__(self, app, **options) -> None:
        self.started: list[dict] = []
        self.scripts: list[Scripted] = []
        self.wakes = 0
        self.problem: Exception | None = None
        self.arrived = threading.Event()
        options.setdefault("find_engine", Found)
        self.bench = WorkbenchState(app, self._wake, start=self._start, **options)

    def _wake(self) -> None:
        self.wakes += 1

    def _start(self, _app, strategy, **options) -> Scripted:
        if self.problem is not None:
            raise self.problem
        self.started.append({"strategy": strategy} | options)
        self.scripts.append(Scripted())
        self.arrived.set()
        return self.scripts[-1]

    def build(self, result=None, **options):
        self.arrived.clear()
        self.bench.build(**options)
        assert self.arrived.wait(HANG_SECONDS)
        if result is not None:
            self.scripts[-1].finish(result)
            self.bench.wait()
        return self.scripts[-1]

    def until(self, true) -> None:
        wait_until(true)


@pytest.fixture
def scene(app):
    made = Set(app)
    yield made
    made.bench.close()


def test_before_any_build_the_steps_of_the_dockerfile_wait(scene):
    steps = scene.bench.page().steps
    assert steps.number == 0
    assert [stage.title for stage in steps.stages] == ["builder", "final image"]
    assert {step.state for stage in steps.stages for step in stage.steps} == {"waiting"}


def test_a_dockerfile_of_nothing_says_so_and_marks_no_line_that_is_not_there(scene):
    scene.bench.type_text(DOCKERFILE, "", page="p")
    page = scene.bench.page()
    assert page.steps.error
    assert page.steps.stages == ()


def test_a_dockerfile_that_buildkit_would_reject_is_marked_while_typing(scene):
    scene.bench.type_text(DOCKERFILE, "FROM alpine\nRUNN x\n", page="p")
    (mark,) = scene.bench.page().marks
    assert (mark.path, mark.line) == (DOCKERFILE, 2)
    scene.bench.type_text(DOCKERFILE, "FROM alpine\nRUN x\n", page="p")
    assert scene.bench.page().marks == ()


def test_a_running_build_shows_its_step_with_a_clock_and_its_log(scene):
    began_ms = 1000 * time.time()
    script = scene.build()
    script.printed = [b"one\ntwo\n"]
    page = scene.bench.page()
    run = page.steps.stages[0].steps[2]
    assert (run.state, page.steps.focus, page.running) == ("running", run.id, 1)
    step_began_ms = run.started_ms - 1000 * (script.running.seconds - script.running.instructions[2].seconds)
    assert began_ms - ROUNDED_TO_MS <= step_began_ms <= 1000 * time.time() + ROUNDED_TO_MS
    assert (page.log.step, page.log.lines) == (run.id, 2)
    script.printed.append(b"three")
    assert scene.bench.page().log.lines == 3
    assert scene.bench.log_page(1, run.id, 0, 10)["lines"] == ["one", "two", "three"]
    script.finish(a_build(log="one\ntwo\nthree"))
    scene.bench.wait()
    assert scene.bench.page().running == 0
    assert scene.bench.log_text(1, run.id) == "one\ntwo\nthree\n"


def test_the_log_of_a_build_that_starts_over_begins_anew():
    builds = BuildList()
    started = builds.add(strategy="naive", cache_of="naive", edit="", cold=False)
    logs = {"sha256:3": [b"first try\n"], "sha256:again": [b"second try\n"]}
    started.running = SimpleNamespace(log_chunks=lambda digest, first=0: logs[digest][first:])
    started.build = a_build(outcome="running")
    assert list(builds.log(1, "line-3").plain()) == ["first try"]
    again = tuple(replace(step, digest="sha256:again") if step.line == 3 else step for step in started.build.step_list)
    started.build = replace(started.build, step_list=again)
    assert list(builds.log(1, "line-3").plain()) == ["second try"]


def test_between_press_and_first_news_the_build_is_shown_running(app):
    gate = threading.Event()

    def slow(*_args, **_options):
        gate.wait(HANG_SECONDS)
        return script

    script = Scripted()
    bench = WorkbenchState(app, lambda: None, start=slow, find_engine=Found)
    bench.build()
    steps = bench.page().steps
    assert (steps.number, steps.outcome) == (1, "running")
    bench.cancel()
    gate.set()
    bench.wait()
    assert script.cancelled
    assert bench.page().history[0].outcome == "cancelled"


def test_one_build_at_a_time(scene):
    script = scene.build()
    with pytest.raises(StateBusy):
        scene.bench.build()
    script.finish(a_build())


def test_finished_builds_join_the_history_and_the_last_two_are_compared(scene):
    scene.build(a_build(seconds=30.0))
    scene.bench.edit("append")
    scene.build(a_build(*CACHED, seconds=1.0))
    page = scene.bench.page()
    assert [row.label for row in page.history] == ["Dockerfile", "Dockerfile, append"]
    assert [row.cached for row in page.history] == [1, 4]
    assert (page.comparison.before, page.comparison.after) == (1, 2)
    assert page.announcement.startswith("Build 2: done, 1.0 seconds, 4 cached")


def test_any_two_builds_can_be_compared(scene):
    for seconds in (10.0, 20.0, 30.0):
        scene.build(a_build(seconds=seconds))
    scene.bench.choose({"before": 3, "after": 1}, page="p", number=1)
    found = scene.bench.page().comparison
    assert (found.before, found.after) == (3, 1)
    scene.bench.choose({"before": None, "after": 1}, page="p", number=2)
    assert scene.bench.page().comparison.before == 1


def test_a_cold_build_and_an_edited_dockerfile_say_whose_cache_they_use(scene):
    scene.build(a_build(), cold=True)
    scene.bench.type_text(DOCKERFILE, STORY + "# mine\n", page="p")
    scene.build(a_build())
    assert scene.started == [
        {"strategy": "Dockerfile", "cache_of": "Dockerfile", "cold": True},
        {"strategy": "custom", "cache_of": "Dockerfile", "cold": False},
    ]
    assert [row.label for row in scene.bench.page().history] == ["Dockerfile, from cold", "custom"]


def test_a_failed_build_opens_at_the_failing_line_and_marks_source_and_instruction(scene):
    log = "# app\n./main.go:2:1: undefined: broken\n"
    scene.build(a_build(*FAILED, outcome="failed", log=log, step_error=EXIT_1, error=log))
    page = scene.bench.page()
    assert page.steps.focus == "line-3"
    assert page.log.at == 1
    assert page.selection.tab == "main.go"
    assert [(mark.path, mark.line, mark.column) for mark in page.marks] == [
        ("main.go", 2, 1),
        (DOCKERFILE, 3, None),
    ]
    scene.bench.type_text("main.go", "package main\n\nbroken()\n", page="p")
    assert scene.bench.page().marks[0].line == 3
    scene.bench.type_text("main.go", "package main\nmended()\n", page="p")
    assert [mark.path for mark in scene.bench.page().marks] == [DOCKERFILE]


def test_the_twins_log_is_the_part_around_the_failing_line_or_the_end(scene):
    log = "".join(f"line {n}\n" for n in range(100)) + "./main.go:2:1: bad\n" + "after\n" * 100
    scene.build(a_build(*FAILED, outcome="failed", log=log, step_error=EXIT_1))
    lines, first = scene.bench.twin_log(scene.bench.page().log, 10)
    assert (first, lines[5]) == (95, "./main.go:2:1: bad")
    scene.build(a_build(log="".join(f"line {n}\n" for n in range(100))))
    assert scene.bench.twin_log(scene.bench.page().log, 10) == ([f"line {n}" for n in range(90, 100)], 90)


def test_a_search_finds_lines_in_the_shown_log(scene):
    scene.build(a_build(log="alpha\nbeta\nALPHA\n"))
    scene.bench.choose({"query": "alpha"}, page="p", number=1)
    found = scene.bench.page().matches
    assert (found.lines, found.total, found.step) == ((0, 2), 2, "line-3")


def test_unknown_steps_and_builds_have_no_log(scene):
    scene.build(a_build())
    assert scene.bench.log_page(1, "nowhere", 0, 10) is None
    assert scene.bench.log_text(9, "line-3") is None


def test_choosing_a_strategy_shows_its_steps_and_an_unknown_one_is_refused(scene):
    scene.build(a_build())
    scene.bench.choose_strategy("Dockerfile")
    assert scene.bench.page().steps.number == 0
    with pytest.raises(UnknownStrategy):
        scene.bench.choose_strategy("nowhere")


def test_typing_in_the_dockerfile_turns_to_the_next_build_and_typing_elsewhere_does_not(scene):
    scene.build(a_build())
    scene.bench.type_text("main.go", "x", page="p")
    assert scene.bench.page().steps.number == 1
    scene.bench.type_text(DOCKERFILE, "FROM scratch\n", page="p")
    assert scene.bench.page().steps.number == 0
    scene.bench.save_strategy("mine")
    assert scene.bench.page().strategy.name == "mine"
    scene.bench.reset(None)
    assert scene.bench.page().files[0].changed is False


def test_logs_of_old_builds_leave_memory(scene):
    for _ in range(LOGS_OF_BUILDS_KEPT + 2):
        scene.build(a_build(log="x" * 1000, folder=scene.bench.open_files._app.folder))
    kept = [session_build.build.step_list[2].log for session_build in scene.bench.builds.finished()]
    assert [len(log) for log in kept] == [0, 0, 1000, 1000]


def test_an_error_outside_the_dockerfile_is_shown_and_raised_nowhere_else(scene):
    scene.problem = ValueError("odd")
    scene.bench.build()
    session_build = scene.bench.wait()
    scene.until(lambda: scene.bench.page().notice is not None)
    page = scene.bench.page()
    assert page.notice.what == "Something in speedkit broke: ValueError: odd"
    assert (page.history[0].outcome, page.steps.outcome) == ("broken", "broken")
    assert session_build.problem is scene.problem
    scene.bench.dismiss()
    assert scene.bench.page().notice is None


def test_an_engine_lost_in_the_middle_is_said_and_found_again(app):
    engines: list[object] = [NoEngine("No engine.", fix="Start it."), Found()]

    def find():
        found = engines.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    scene = Set(app, find_engine=find)
    script = scene.build()
    script.finish(EngineLost("It went away.", fix="Start it again."))
    scene.bench.wait()
    scene.until(lambda: getattr(scene.bench.page().notice, "kind", None) == "engine")
    assert scene.bench.page().steps.outcome == "broken"
    states = [step.state for stage in scene.bench.page().steps.stages for step in stage.steps]
    assert "running" not in states
    scene.until(lambda: getattr(scene.bench.page().notice, "what", None) == "The Docker engine answers again.")
    assert scene.bench.page().engine == "Docker 28.5, 2 CPUs"
    scene.bench.close()


def test_a_lost_engine_does_not_hide_another_error(scene):
    scene.bench.show_error(ValueError("first"))
    scene.bench._on_engine_result(NoEngine("none"), True)
    assert "first" in scene.bench.page().notice.what


def test_a_forecast_is_made_for_the_newest_files_and_told_when_it_breaks(app):
    seen = []

    def forecaster(given, strategy, builds):
        seen.append((given, strategy, len(builds)))
        if "boom" in given.read("main.go"):
            raise ValueError("boom")
        return [[{"line": 2, "forecast": "miss", "because": "main.go changed", "seconds": 2.0}]]

    scene = Set(app, forecaster=forecaster)
    scene.until(lambda: bool(scene.bench.forecast()))
    assert scene.bench.forecast()[0]["because"] == "main.go changed"
    assert seen[-1] == (app, "Dockerfile", 0)
    scene.bench.type_text("main.go", "boom", page="p")
    scene.until(lambda: scene.bench.forecast() == [])
    assert "boom" in scene.bench.page().notice.what
    scene.bench.close()


def test_a_better_forecast_takes_the_place_of_the_first_unless_somebody_types_on(app):
    def forecaster(given, _strategy, _builds):
        for because in ("at first sight", "on closer look"):
            yield [{"line": 2, "forecast": "miss", "because": f"{because}: {given.read('main.go')}", "seconds": None}]

    scene = Set(app, forecaster=forecaster)
    seen = []
    scene.bench.type_text("main.go", "one", page="p")
    scene.bench.forecast(wait_seconds=HANG_SECONDS)
    scene.bench.type_text("main.go", "two", page="p")
    scene.until(lambda: seen.append(scene.bench.forecast()[0]["because"]) or seen[-1] == "on closer look: two")
    assert "at first sight: two" in seen
    assert "on closer look: one" not in seen
    scene.bench.close()


def test_a_forecaster_is_told_which_builds_share_the_next_ones_cache(app):
    seen = []
    scene = Set(app, forecaster=lambda _app, strategy, builds: seen.append((strategy, [b.strategy for b in builds])) or [[]])
    scene.build(a_build())
    scene.build(a_build(), cold=True)
    scene.bench.type_text(DOCKERFILE, STORY + "# mine\n", page="p")
    scene.bench.forecast()
    scene.until(lambda: bool(seen))
    assert seen[-1] == ("custom", ["custom", ""])
    scene.bench.close()


def test_without_a_forecaster_nothing_is_forecast(scene):
    assert scene.bench.forecast() is None


def test_the_disk_is_looked_at_once_a_second_at_most(scene, app):
    scene.bench.look_at_disk()
    app.write("main.go", "changed on disk\n")
    scene.bench.look_at_disk()
    assert not scene.bench.page().files[0].changed

    def is_seen() -> bool:
        scene.bench.look_at_disk()
        return scene.bench.page().files[0].changed

    scene.until(is_seen)


def test_a_finished_build_is_explained_and_held_against_its_forecast(app):
    def forecaster(_app, _strategy, _builds):
        return [[{"line": line, "forecast": "miss", "because": "x", "seconds": None} for line in (2, 3, 6)]]

    scene = Set(app, forecaster=forecaster, reasons_of=lambda build: {2: WHY})
    scene.bench.look_for_engine()
    scene.bench.settle(HANG_SECONDS)
    script = scene.build()
    scene.bench.forecast(wait_seconds=HANG_SECONDS)
    script.finish(a_build(seconds=30.0))
    scene.bench.wait()
    scene.bench.settle(HANG_SECONDS)
    steps = scene.bench.page().steps
    assert steps.agreement == "As forecast: all 3 steps."
    assert steps.stages[0].steps[1].note == "main.go changed"
    assert scene.bench.page().rebuilding == ""
    scene.build(a_build(seconds=20.0))
    scene.build(a_build(seconds=99.0), cold=True)
    page = scene.bench.page()
    assert page.rebuilding == "Rebuilding took 20.0 s with Dockerfile"
    assert page.history[0].parts == (BarPart(1.67, 6.67, "make", is_failed=False),)
    scene.bench.close()


def test_an_explanation_that_breaks_is_told_and_nothing_waits_for_it(app):
    def broken(_build):
        raise ValueError("odd")

    scene = Set(app, reasons_of=broken)
    scene.bench.look_for_engine()
    scene.build(a_build())
    scene.bench.settle(HANG_SECONDS)
    assert "ValueError: odd" in scene.bench.page().notice.what
    scene.bench.close()


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[" + "0" * 4400 + "1mred",
        "\x1b[" + "9" * 4400 + "m",
        f"main.go:{'1' * 4400}: boom",
        f"main.go:1:{'1' * 4400}: boom",
    ],
)
def test_a_build_ends_whatever_its_log_says(scene, text):
    scene.bench.look_for_engine()
    scene.build(a_build(*FAILED, outcome="failed", step_error=EXIT_1, log=text))
    page = scene.bench.page()
    assert (page.running, page.steps.outcome, page.notice) == (0, "failed", None)


@pytest.mark.parametrize(
    "broken", ["speedkit.widgets.workbench_state.marks_of", "speedkit.widgets.workbench_state.failing_line"]
)
def test_a_build_ends_with_its_result_when_what_points_at_its_failure_breaks(scene, monkeypatch, broken):
    def raising(*_arguments, **_options):
        raise RecursionError("too deep")

    monkeypatch.setattr(broken, raising)
    scene.bench.look_for_engine()
    scene.build(a_build(*FAILED, outcome="failed", step_error=EXIT_1))
    assert scene.bench.builds.all[-1].build.outcome == "failed"
    assert scene.bench.builds.all[-1].problem is None
    assert "RecursionError: too deep" in scene.bench.page().notice.what


def test_a_build_goes_on_when_it_cannot_be_painted(app):
    def unpaintable():
        raise ValueError("no canvas")

    scene = Set(app)
    script = scene.build()
    woken, scene.bench._changed = scene.bench._changed, unpaintable
    script.finish(a_build())
    session_build = scene.bench.wait()
    scene.bench._changed = woken
    assert (session_build.build.outcome, session_build.problem) == ("done", None)
    scene.bench.close()


def test_a_build_whose_state_cannot_be_read_ends_with_its_result(scene):
    script = scene.build()

    def unreadable(*_arguments):
        raise OverflowError("cannot convert float infinity to integer")

    script.snapshot = script.wait_briefly = unreadable
    scene.until(lambda: scene.bench.page().notice is not None)
    script.finish(a_build())
    session_build = scene.bench.wait()
    assert (session_build.build.outcome, session_build.problem) == ("done", None)


@pytest.mark.parametrize("method", ["wait", "wait_briefly"])
def test_a_build_whose_thread_is_told_to_exit_ends_as_broken(scene, method):
    def leaving(*_arguments):
        raise SystemExit("leave")

    script = Scripted()
    setattr(script, method, leaving)
    script.finish(a_build())
    scene.bench._start = lambda *_arguments, **_options: script
    if method == "wait_briefly":
        script._ended.clear()
    scene.bench.look_for_engine()
    scene.bench.build()
    scene.until(lambda: scene.bench.builds.running is None)
    session_build = scene.bench.wait()
    assert isinstance(session_build.problem, SystemExit)
    assert "SystemExit: leave" in scene.bench.page().notice.what


def test_a_build_for_which_the_machine_has_no_thread_left_ends_as_broken_and_the_next_one_builds(scene, monkeypatch):
    def refused(_thread):
        raise RuntimeError("can't start new thread")

    scene.bench.look_for_engine()
    with monkeypatch.context() as full:
        full.setattr("speedkit.widgets.workbench_state.threading.Thread.start", refused)
        scene.bench.build()
    assert scene.bench.builds.running is None
    assert "can't start new thread" in scene.bench.page().notice.what
    scene.build(a_build())
    assert [session_build.problem is None for session_build in scene.bench.builds.all] == [False, True]


def test_an_engine_that_stops_answering_is_said_as_long_as_it_does_and_no_longer(scene):
    script = scene.build()
    going_on = script.running
    script.running = replace(going_on, notices=("The engine has answered nothing for 20 s.",))
    scene.until(lambda: scene.bench.page().notice is not None)
    assert scene.bench.page().notice.what == "The engine has answered nothing for 20 s."
    script.running = going_on
    scene.until(lambda: scene.bench.page().notice is None)
    script.finish(a_build())
    assert scene.bench.wait().build.outcome == "done"
