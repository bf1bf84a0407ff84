"""One thread paints: at once when it was quiet, not more than ten times a second, and the last state always."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from speedkit.widgets.forecast_worker import ForecastWorker
from speedkit.widgets.update_thread import Pace, Updater
from tests.waiting import HANG_SECONDS, wait_until

LONGER_THAN_ANY_TEST = 10 * HANG_SECONDS


class Canvas:
    def __init__(self) -> None:
        self.state, self.painted, self.threads, self.problems = 0, [], set(), []
        self.fails = False

    def paint(self) -> None:
        self.threads.add(threading.current_thread().name)
        if self.fails:
            self.fails = False
            raise ValueError("no paint")
        self.painted.append(self.state)


def times_of_paintings(until: float, *, painting_seconds: float = 0.0) -> list[float]:
    """When a updater paints that always has something new to paint, on a clock of its own."""
    pace, now, times = Pace(), 1000.0, []
    while now < 1000.0 + until:
        times.append(now - 1000.0)
        pace.start(now)
        now += painting_seconds
        now += pace.pause(now)
    return times


def test_a_flood_of_changes_is_ten_paintings_a_second():
    assert len(times_of_paintings(10.0)) == pytest.approx(100, abs=2)
    assert len(times_of_paintings(10.0, painting_seconds=0.04)) == pytest.approx(100, abs=2)


def test_two_paintings_after_quiet_follow_each_other_at_once_and_a_third_waits():
    assert times_of_paintings(0.25) == pytest.approx([0, 0, 0.1, 0.2])
    pace = Pace()
    pace.start(5.0)
    assert pace.pause(5.0) == 0
    pace.start(50.0)
    assert pace.pause(50.0) == 0


def test_a_painting_that_takes_longer_than_the_period_is_followed_at_once():
    assert times_of_paintings(1.0, painting_seconds=0.3) == pytest.approx([0, 0.3, 0.6, 0.9])


def test_the_last_state_of_a_flood_is_painted_by_the_one_thread():
    canvas = Canvas()
    updater = Updater(canvas.paint, canvas.problems.append)
    for _ in range(10_000):
        canvas.state += 1
        updater.request_paint()
    assert updater.flush(HANG_SECONDS)
    updater.stop()
    assert canvas.painted[-1] == canvas.state
    assert canvas.threads == {"widget updates"}


def test_an_error_while_painting_is_told_and_painting_goes_on():
    canvas = Canvas()
    canvas.fails = True
    updater = Updater(canvas.paint, canvas.problems.append)
    assert updater.flush(HANG_SECONDS)
    assert [str(problem) for problem in canvas.problems] == ["no paint"]
    assert updater.flush(HANG_SECONDS)
    assert canvas.painted
    updater.stop()


def test_without_changes_it_looks_again():
    canvas = Canvas()
    updater = Updater(canvas.paint, canvas.problems.append)
    wait_until(lambda: len(canvas.painted) >= 2)
    updater.stop()
    assert set(canvas.painted) == {0}


def test_a_stopped_updater_keeps_nobody_waiting():
    canvas = Canvas()
    updater = Updater(canvas.paint, canvas.problems.append)
    updater.stop()
    flushing = threading.Thread(target=updater.flush, args=(LONGER_THAN_ANY_TEST,), daemon=True)
    flushing.start()
    flushing.join(HANG_SECONDS)
    assert not flushing.is_alive()


def test_all_updaters_share_one_thread_which_ends_with_the_last_of_them():
    canvases = [Canvas() for _ in range(10)]
    updaters = [Updater(canvas.paint, canvas.problems.append) for canvas in canvases]
    assert all(updater.flush(HANG_SECONDS) for updater in updaters)
    assert [thread.name for thread in threading.enumerate()].count("widget updates") == 1
    del updaters
    wait_until(lambda: "widget updates" not in [thread.name for thread in threading.enumerate()])


def test_a_updater_that_nobody_holds_any_more_goes_though_it_paints_what_holds_it():
    class Widget:
        def __init__(self) -> None:
            self.updater = Updater(self.paint, lambda problem: None)

        def paint(self) -> None:
            return

    widget = Widget()
    assert widget.updater.flush(HANG_SECONDS)
    gone = weakref.ref(widget)
    del widget

    def is_gone() -> bool:
        gc.collect()
        return gone() is None

    wait_until(is_gone)


def test_a_updater_stopped_in_its_own_painting_does_not_wait_for_itself():
    stopped = threading.Event()
    updaters = []

    def paint() -> None:
        if updaters:
            updaters[0].stop()
            stopped.set()

    updaters.append(Updater(paint, lambda problem: None))
    updaters[0].request_paint()
    assert stopped.wait(HANG_SECONDS)


def test_a_forecast_has_a_thread_only_while_it_is_worked_out():
    worker = ForecastWorker(lambda app, strategy, builds: [[{"line": 1}]], lambda: None, lambda problem: None)
    for state in range(3):
        worker.ask(state, None, "x", [], wait_seconds=HANG_SECONDS)
        assert worker.entries_of(state) == [{"line": 1}]
    wait_until(lambda: "workbench forecast" not in [thread.name for thread in threading.enumerate()])
    worker.stop()


def test_a_dropped_widget_may_be_collected_in_the_thread_that_starts(monkeypatch):
    dropped = Updater(lambda: None, lambda problem: None)
    dropped.stop()
    wait_until(lambda: "widget updates" not in {thread.name for thread in threading.enumerate()})
    start = threading.Thread.start
    collected = []

    def collect_and_start(thread):
        if thread.name == "widget updates":
            collector = threading.Thread(target=dropped.stop, daemon=True)
            start(collector)
            collector.join(HANG_SECONDS)
            collected.append(not collector.is_alive())
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", collect_and_start)
    Updater(lambda: None, lambda problem: None).stop()
    assert collected == [True]
