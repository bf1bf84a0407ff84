"""What is said of an engine that gives no sign of life, and when."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from speedkit.builds import engine_silence, start_replay
from speedkit.builds.engine_silence import Silence
from speedkit.builds.transcript import Transcript
from speedkit.recordings import read_recording
from tests.waiting import HANG_SECONDS, wait_until

MADE_BEFORE = Path(__file__).parents[1] / "recordings" / "made_before"


@pytest.fixture(autouse=True)
def asked_at_once(monkeypatch):
    monkeypatch.setattr(engine_silence, "ASK_AFTER_SECONDS", 0.0)


def test_an_engine_that_does_not_answer_is_silent_until_it_says_something():
    one = Silence(lambda: False)
    wait_until(lambda: one.seconds() is not None)
    first = one.seconds()
    wait_until(lambda: one.seconds() > first)
    one.note_sign_of_life()
    assert one.seconds() is None


def test_a_build_without_a_sign_of_its_builder_says_which_builder_and_for_how_long(monkeypatch):
    monkeypatch.setattr(Transcript, "silent_seconds", lambda _: 20.2)
    recording = read_recording(next(MADE_BEFORE.iterdir()))
    running = start_replay(recording, speed=1e-6)
    notices = running.snapshot().notices
    running.stop()
    assert notices[0].startswith(f"The recording {recording.meta.id} has answered nothing for 20.2 s. The build goes on")


def test_an_engine_that_answers_is_not_silent_however_little_it_says():
    answered = []

    def answer() -> bool:
        answered.append(True)
        return True

    one = Silence(answer)
    said = []
    wait_until(lambda: said.append(one.seconds()) or len(answered) > 3)
    assert set(said) == {None}


def test_an_engine_that_answers_again_is_silent_no_more():
    answers = [False]
    one = Silence(lambda: answers[0])
    wait_until(lambda: one.seconds() is not None)
    answers[0] = True
    wait_until(lambda: one.seconds() is None)


def test_one_question_is_asked_at_a_time_and_nobody_waits_for_it():
    go_on, asked = threading.Event(), []

    def hang() -> bool:
        asked.append(True)
        return go_on.wait(HANG_SECONDS) and False

    one = Silence(hang)
    wait_until(lambda: one.seconds() is None and asked)
    assert [one.seconds() for _ in range(5)] == [None] * 5
    assert asked == [True]
    # What it says meanwhile counts for more than that it did not answer then.
    one.note_sign_of_life()
    go_on.set()
    assert one.seconds() is None


def test_it_is_not_asked_while_it_says_something(monkeypatch):
    monkeypatch.setattr(engine_silence, "ASK_AFTER_SECONDS", HANG_SECONDS)
    asked = []
    one = Silence(lambda: bool(asked.append(True)))
    assert [one.seconds() for _ in range(5)] == [None] * 5
    assert asked == []
