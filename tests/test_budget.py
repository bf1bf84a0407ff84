"""Limits of what the kit keeps: how they are set, and what goes when one is passed."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict

import pytest

from speedkit import budget
from speedkit.apps import own_app
from speedkit.budget import limit_bytes
from speedkit.builds import housekeeping, running_build, start_build
from speedkit.builds.housekeeping import disk_use, keep_in_background, keep_limits
from speedkit.context import Manifest
from speedkit.history.find_builds import recorded_builds, recordings
from speedkit.images import store_limit
from speedkit.images.store_limit import keep_layers, size_of_layers
from speedkit.recordings import recording_limit as module
from speedkit.recordings.recording import FORMAT, Meta, complete_recording, list_recordings, read_recording, write_recording
from speedkit.recordings.recording_limit import keep_recordings, size_of_recordings
from speedkit.state import state_folder
from tests.waiting import HANG_SECONDS, wait_until


@pytest.mark.parametrize(
    ("text", "size"),
    [("20 GB", 20e9), ("1.5mb", 1.5e6), ("300", 300), ("0", 0), ("2TiB", 2e12), ("much", None), ("", None), ("-1", None)],
)
def test_a_limit_is_a_size_or_what_it_was(monkeypatch, text, size):
    monkeypatch.setenv("SPEEDKIT_RECORDINGS_LIMIT", text)
    assert limit_bytes("recordings") == (budget.DEFAULT_LIMITS["recordings"] if size is None else size)


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def record(home):
    """Writes a recording of 10 kB."""
    numbers = iter(range(1, 1000))

    def write(folder: str, *, strategy: str = "one", isolation: str | None = None) -> str:
        number = next(numbers)
        meta = Meta(
            id=f"build-{number:03}",
            app="app",
            source=folder,
            folder=folder,
            strategy=strategy,
            edit="none",
            started_at="2026-01-01T00:00:00+00:00",
            seconds=1.0,
            outcome="done",
            exit_code=0,
            isolation=isolation,
            number=number,
        )
        raw = [b"{}\n" + b" " * 10_000 + b"\n"]
        write_recording(state_folder("recordings"), meta, raw=raw, dockerfile="FROM a\n", context=Manifest(()), image=None)
        return meta.id

    return write


def ids() -> list[str]:
    return [recording.meta.id for recording in recordings()]


def test_the_oldest_recordings_go_first_and_the_newest_of_each_strategy_stays(record, home, tmp_path):
    here, there = str(tmp_path), str(home)
    first = record(here, strategy="rare")
    many = [record(here) for _ in range(8)]
    other = record(there)
    assert size_of_recordings(home / "recordings") > 100_000
    removed = keep_recordings(home / "recordings", 60_000)
    assert removed == many[: len(removed)]
    assert ids() == [first, *many[len(removed) :], other]
    assert size_of_recordings(home / "recordings") <= 60_000
    keep_recordings(home / "recordings", 0)
    assert ids() == [first, many[-1], other]


def test_what_forecasts_look_back_on_goes_last(record, home, tmp_path, monkeypatch):
    monkeypatch.setattr("speedkit.recordings.recording_limit.NEEDED", 3)
    rare = [record(str(tmp_path), strategy="rare") for _ in range(3)]
    many = [record(str(tmp_path)) for _ in range(6)]
    keep_recordings(home / "recordings", 75_000)
    assert ids() == [*rare, *many[3:]]


def test_a_folder_that_is_gone_needs_no_recording(record, home, tmp_path):
    gone = [record(str(tmp_path / "gone"), isolation=f"token-{number}") for number in range(5)]
    here = record(str(tmp_path))
    assert keep_recordings(home / "recordings", 0) == gone
    assert ids() == [here]


def test_builds_from_cold_in_a_folder_that_stays_are_kept_within_the_limit(record, home, tmp_path):
    for number in range(10):
        record(str(tmp_path), isolation=f"token-{number}")
    plain, newest = record(str(tmp_path)), record(str(tmp_path), isolation="token-10")
    keep_recordings(home / "recordings", 40_000)
    assert size_of_recordings(home / "recordings") <= 40_000
    assert ids()[-2:] == [plain, newest]


def test_nothing_goes_within_the_limit_and_sizes_are_measured_once(record, home, tmp_path):
    record(str(tmp_path))
    folder = home / "recordings"
    assert keep_recordings(folder, 1_000_000) == []
    noted = json.loads((folder / ".sizes").read_text())
    assert noted == {"build-001": [size_of_recordings(folder), (folder / "build-001").stat().st_mtime_ns]}
    for damaged in ("[nonsense", '{"build-001": 7}', '{"build-001": [7, "now"]}', "7"):
        (folder / ".sizes").write_text(damaged)
        assert size_of_recordings(folder) == noted["build-001"][0]


def test_a_recording_that_is_completed_after_it_was_measured_is_measured_again(record, home, tmp_path):
    name = record(str(tmp_path))
    folder = home / "recordings"
    before = size_of_recordings(folder)
    recording = read_recording(folder / name)
    complete_recording(recording, recording.meta, image={"id": "sha256:1" + "0" * 20_000})
    assert size_of_recordings(folder) > before + 20_000


def test_what_is_no_recording_is_neither_counted_nor_removed(record, home, tmp_path):
    ids_before = [record(str(tmp_path / "gone"), isolation=f"token-{number}") for number in range(3)]
    foreign = home / "recordings" / "notes of mine"
    foreign.mkdir()
    (foreign / "large").write_bytes(b"x" * 1_000_000)
    (foreign / "meta.json").write_text("{}")
    assert keep_recordings(home / "recordings", 500_000) == []
    assert ids() == ids_before
    assert (foreign / "large").is_file()


def test_two_that_keep_the_limit_at_once_remove_no_more_than_one(record, home, tmp_path, monkeypatch):
    """The other one has removed by then what this one is about to remove."""
    many = [record(str(tmp_path / "gone"), isolation=f"token-{number}") for number in range(8)]
    remove = module._remove

    def removed_by_the_other(recording):
        assert remove(recording)
        return remove(recording)

    monkeypatch.setattr(module, "_remove", removed_by_the_other)
    assert keep_recordings(home / "recordings", 80_000) == []
    assert ids() == many[2:]


def test_what_was_half_removed_goes(record, home, tmp_path):
    record(str(tmp_path))
    left = home / "recordings" / ".removed-build-000"
    left.mkdir()
    (left / "raw.jsonl").write_text("x")
    keep_recordings(home / "recordings", 1_000_000)
    assert not left.exists()


def test_recordings_are_read_while_others_remove_them(record, home, tmp_path):
    folder = home / "recordings"
    for number in range(40):
        record(str(tmp_path / "gone"), isolation=f"token-{number}")
    last = record(str(tmp_path))
    problems: list[BaseException] = []
    going = threading.Event()

    def read() -> None:
        try:
            while not going.is_set():
                recorded_builds("app")
                list_recordings(folder)
        except BaseException as problem:
            problems.append(problem)

    readers = [threading.Thread(target=read) for _ in range(2)]
    removers = [threading.Thread(target=keep_recordings, args=(folder, 0)) for _ in range(3)]
    for thread in (*readers, *removers):
        thread.start()
    for thread in removers:
        thread.join()
    going.set()
    for thread in readers:
        thread.join()
    assert problems == []
    assert ids() == [last]


def test_layers_that_were_not_used_for_long_go_first(home):
    folder = state_folder("layers")
    for age, name in enumerate(("new", "old", "older")):
        path = folder / name
        path.write_bytes(b"x" * 1000)
        os.utime(path, (1_000_000_000 - age, 1_000_000_000 - age))
    (folder / "blobs").mkdir()
    (folder / "blobs" / "just-written").write_bytes(b"x" * 1000)
    assert keep_layers(folder, 4000) == 0
    assert keep_layers(folder, 2500) == 2000
    assert sorted(path.name for path in folder.iterdir()) == ["blobs", "new"]
    assert keep_layers(folder, 0) == 1000
    assert size_of_layers(folder) == 1000  # it may be in use
    assert store_limit.IN_USE_SECONDS > 0


def test_a_build_keeps_the_limits_and_doctor_names_them(record, home, tmp_path, monkeypatch):
    for number in range(5):
        record(str(tmp_path / "gone"), isolation=f"token-{number}")
    record(str(tmp_path))
    monkeypatch.setenv("SPEEDKIT_RECORDINGS_LIMIT", "30 kB")
    over = next(use for use in disk_use(None) if use.part == "recordings")
    assert over.used_bytes > over.limit_bytes
    keep_limits(None)
    use = next(use for use in disk_use(None) if use.part == "recordings")
    assert use.used_bytes <= use.limit_bytes
    assert use.limit_bytes == 30_000


def test_a_recording_that_was_written_is_one_that_is_read(record, home, tmp_path):
    name = record(str(tmp_path))
    meta = read_recording(home / "recordings" / name).meta
    assert json.loads((home / "recordings" / name / "meta.json").read_text()) == {"format": FORMAT} | asdict(meta)


@pytest.mark.engine
def test_the_limits_are_kept_again_for_a_build_that_ends_while_they_are_kept(home, engine, monkeypatch):
    begun, go_on, kept = threading.Event(), threading.Event(), []

    def keep(_engine):
        kept.append(len(kept))
        begun.set()
        assert go_on.wait(HANG_SECONDS)

    monkeypatch.setattr(housekeeping, "keep_limits", keep)
    keep_in_background(engine)
    assert begun.wait(HANG_SECONDS)
    for _ in range(3):
        keep_in_background(engine)
    go_on.set()
    wait_until(lambda: not housekeeping._threads)
    assert kept == [0, 1]


@pytest.mark.engine
def test_the_limits_are_being_kept_by_the_time_a_build_is_done(home, folder, monkeypatch):
    done_then, begun = [], threading.Event()

    def note(_engine):
        assert begun.wait(HANG_SECONDS)
        done_then.append(running.done)

    monkeypatch.setattr(running_build, "keep_in_background", note)
    running = start_build(own_app(folder({"Dockerfile": "FROM scratch\nCOPY one.txt /\n", "one.txt": "one"})))
    begun.set()
    assert running.wait().ok
    assert done_then == [False]
