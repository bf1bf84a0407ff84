"""One thread paints: at once when it was quiet, not more than ten times a second, and the last state always."""

from __future__ import annotations

import threading
import time

from speedkit.widgets.painter import Painter


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


def test_a_flood_of_changes_is_ten_paints_a_second_and_the_last_state_is_painted():
    canvas = Canvas()
    painter = Painter(canvas.paint, canvas.problems.append)
    began = time.monotonic()
    while time.monotonic() - began < 0.55:
        canvas.state += 1
        painter.wake()
    assert painter.flush()
    painter.stop()
    assert 3 <= len(canvas.painted) <= 9
    assert canvas.painted[-1] == canvas.state
    assert canvas.threads == {"workbench painter"}


def test_the_first_change_after_quiet_is_painted_at_once():
    canvas = Canvas()
    painter = Painter(canvas.paint, canvas.problems.append)
    began = time.monotonic()
    assert painter.flush()
    assert time.monotonic() - began < 0.09
    painter.stop()


def test_two_paintings_after_quiet_follow_each_other_at_once_and_a_third_waits():
    canvas = Canvas()
    painter = Painter(canvas.paint, canvas.problems.append)
    began = time.monotonic()
    assert painter.flush()
    assert painter.flush()
    two = time.monotonic() - began
    assert painter.flush()
    assert two < 0.09 < time.monotonic() - began
    painter.stop()


def test_an_error_while_painting_is_told_and_painting_goes_on():
    canvas = Canvas()
    canvas.fails = True
    painter = Painter(canvas.paint, canvas.problems.append)
    assert painter.flush()
    assert [str(problem) for problem in canvas.problems] == ["no paint"]
    assert painter.flush()
    assert canvas.painted
    painter.stop()


def test_without_changes_it_looks_again_once_a_second():
    canvas = Canvas()
    painter = Painter(canvas.paint, canvas.problems.append)
    deadline = time.monotonic() + 5
    while not canvas.painted and time.monotonic() < deadline:
        time.sleep(0.02)
    painter.stop()
    assert canvas.painted == [0]


def test_a_stopped_painter_keeps_nobody_waiting():
    canvas = Canvas()
    painter = Painter(canvas.paint, canvas.problems.append)
    painter.stop()
    began = time.monotonic()
    painter.flush(5)
    assert time.monotonic() - began < 1
