"""A recording that is played again gives its build once more, with no engine anywhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from speedkit.builders import Replay
from speedkit.builds import start_replay
from speedkit.errors import Misuse
from speedkit.history import play
from speedkit.recordings.recording import list_recordings, read_recording
from speedkit.recordings.recording_reader import read_build
from speedkit.state import state_home
from tests.waiting import wait_until

MADE_BEFORE = sorted((Path(__file__).parents[1] / "recordings" / "made_before").iterdir())


@pytest.fixture(autouse=True)
def no_engine(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/engine/here")


@pytest.mark.parametrize("folder", MADE_BEFORE, ids=lambda folder: folder.name)
def test_a_recorded_build_comes_out_as_it_was(folder):
    recording = read_recording(folder)
    assert start_replay(recording).wait() == read_build(recording)


def test_it_is_not_recorded_once_more():
    before = list_recordings(state_home() / "recordings")
    start_replay(read_recording(MADE_BEFORE[0])).wait()
    assert list_recordings(state_home() / "recordings") == before


def test_it_can_be_watched_and_cancelled_as_a_build_can():
    running = start_replay(read_recording(MADE_BEFORE[0]), speed=1e-6)
    wait_until(lambda: bool(running.snapshot().step_list))
    assert running.snapshot().outcome == "running"
    running.cancel()
    built = running.wait()
    assert (built.outcome, built.error) == ("cancelled", "The build was cancelled.")


def test_a_replay_that_is_cancelled_after_its_last_line_has_the_image_of_its_build(monkeypatch):
    solve = Replay.solve

    def solve_and_cancel(self, request, *, command, on_line):
        finished = solve(self, request, command=command, on_line=on_line)
        command.cancel()
        return finished

    monkeypatch.setattr(Replay, "solve", solve_and_cancel)
    recording = next(one for one in map(read_recording, MADE_BEFORE) if one.image)
    built, recorded = start_replay(recording).wait(), read_build(recording)
    assert (built.outcome, built.image, built.layers) == ("done", recorded.image, recorded.layers)


def test_a_recorded_build_is_played_by_its_id(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path))
    shutil.copytree(MADE_BEFORE[0], tmp_path / "recordings" / MADE_BEFORE[0].name)
    built = play(MADE_BEFORE[0].name, speed=1e6)
    assert (built.id, built.outcome) == (MADE_BEFORE[0].name, "done")
    assert play(built, speed=1e6) == built


@pytest.mark.parametrize(
    "change",
    [
        {"answer": {"ok": False, "said": "nothing"}, "error": "The image did not answer as expected: nothing"},
        {"answer": {"ok": True, "said": "{}"}},
        {"outcome": "failed", "exit_code": 1, "error": "x509: certificate signed by unknown authority"},
        {"outcome": "broken", "exit_code": 1, "error": "no space left on device"},
        {"outcome": "cancelled", "exit_code": 130, "error": "The build was cancelled.", "notices": ["It said so."]},
    ],
)
@pytest.mark.parametrize("lacks", ["", "context.json"])
def test_however_a_build_ended_it_ends_so_again(tmp_path, change, lacks):
    place = tmp_path / MADE_BEFORE[0].name
    shutil.copytree(MADE_BEFORE[0], place)
    meta = place / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | change))
    if lacks:
        (place / lacks).unlink()
    recording = read_recording(place)
    assert start_replay(recording).wait() == read_build(recording)


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_that_is_none_is_refused(speed):
    with pytest.raises(Misuse, match="cannot have the speed"):
        start_replay(read_recording(MADE_BEFORE[0]), speed=speed)
