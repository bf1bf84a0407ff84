from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speedkit.context import Manifest
from speedkit.errors import DiskFull, NewerRecording, RecordingError, StateRefused
from speedkit.recordings import recording as module
from speedkit.recordings.recording import (
    Meta,
    complete_recording,
    list_recordings,
    new_id,
    new_number,
    read_recording,
    write_recording,
)
from speedkit.recordings.recording_reader import read_build
from tests.waiting import HANG_SECONDS


def meta(**changes) -> Meta:
    known = {
        "id": new_id("naive"),
        "app": "app",
        "source": "/src",
        "folder": "/copy",
        "strategy": "naive",
        "edit": "none",
        "started_at": "2026-01-01T00:00:00+00:00",
        "seconds": 1.5,
        "outcome": "done",
        "exit_code": 0,
    }
    return Meta(**(known | changes))


def save(folder: Path, **changes):
    return write_recording(
        folder, meta(**changes), raw=[b"{}\n"], dockerfile="FROM scratch\n", context=Manifest(()), image=None
    )


def test_what_was_written_is_read_back(tmp_path):
    saved = save(tmp_path, build_args={"A": "1"}, session="s")
    found = read_recording(saved.folder)
    assert found.meta == saved.meta
    assert found.dockerfile == "FROM scratch\n"
    assert found.context == Manifest(())
    assert found.image is None
    assert list(found.lines()) == [b"{}\n"]


def test_ids_sort_by_time_and_hold_nothing_strange():
    first, second = new_id("a/b ../c"), new_id("a/b ../c")
    assert first < second
    assert "/" not in first
    assert "." not in first


def test_a_crash_while_writing_leaves_nothing_to_list(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path)
    assert list_recordings(tmp_path) == []


def test_a_full_disk_is_told_and_leaves_no_half(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.json, "dumps", full)
    with pytest.raises(DiskFull, match="could not be saved"):
        save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_recordings_are_listed_oldest_first_and_by_session_and_source(tmp_path):
    one, two = save(tmp_path, session="s"), save(tmp_path, source="/other")
    assert [found.meta.id for found in list_recordings(tmp_path)] == [one.meta.id, two.meta.id]
    assert [found.meta.id for found in list_recordings(tmp_path, session="s")] == [one.meta.id]
    assert [found.meta.id for found in list_recordings(tmp_path, source="/other")] == [two.meta.id]
    assert list_recordings(tmp_path / "nothing") == []


def test_recordings_are_ordered_by_their_numbers_whatever_the_clock_said(tmp_path):
    future = save(tmp_path, id="20990101T000000000000-naive-aaaaaa", number=new_number(tmp_path))
    now = save(tmp_path, id="20261126T000000000000-naive-bbbbbb", number=new_number(tmp_path))
    of_an_older_version = save(tmp_path, id="20270101T000000000000-naive-cccccc")
    listed = [found.meta.id for found in list_recordings(tmp_path)]
    assert listed == [of_an_older_version.meta.id, future.meta.id, now.meta.id]


@pytest.mark.parametrize("damage", [b"", b"12", b"garbage, which is no number\n", None])
def test_a_lost_number_is_found_again_in_the_recordings(tmp_path, damage):
    save(tmp_path, number=7)
    if damage is not None:
        (tmp_path / ".last-number").write_bytes(damage)
    assert [new_number(tmp_path), new_number(tmp_path)] == [8, 9]


@pytest.mark.slow
def test_no_number_is_given_twice_to_processes_that_ask_at_once(tmp_path):
    program = (
        "import sys; from pathlib import Path; from speedkit.recordings.recording import new_number\n"
        "print(*(new_number(Path(sys.argv[1])) for _ in range(50)))"
    )
    argv = [sys.executable, "-c", program, str(tmp_path)]
    asking = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    numbers = [int(number) for one in asking for number in one.communicate(timeout=HANG_SECONDS)[0].split()]
    assert sorted(numbers) == list(range(1, 201))


def test_where_no_number_can_be_kept_there_is_none(tmp_path):
    (tmp_path / "file").write_text("")
    assert new_number(tmp_path / "file") == 0


def test_a_recording_is_completed_by_what_is_learned_later(tmp_path):
    saved = save(tmp_path, notices=["not asked"])
    image = {"id": "sha256:1", "size_bytes": 3, "layers": []}
    completed = complete_recording(saved, meta(id=saved.meta.id, answer={"ok": True, "said": "hello"}), image=image)
    found = read_recording(saved.folder)
    assert (found.image, found.meta) == (image, completed.meta)
    assert {path.name for path in saved.folder.iterdir()} == {
        "Dockerfile",
        "context.json",
        "image.json",
        "meta.json",
        "raw.jsonl",
    }


def test_a_recording_that_cannot_be_completed_stays_as_it_was(tmp_path, monkeypatch):
    saved = save(tmp_path)
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(DiskFull):
        complete_recording(saved, meta(id=saved.meta.id), image={"id": "sha256:1"})
    assert read_recording(saved.folder).image is None
    assert not [path.name for path in saved.folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(("number", "kind"), [(28, DiskFull), (122, DiskFull), (30, StateRefused), (13, StateRefused)])
def test_what_keeps_a_recording_from_being_written_is_told_apart(tmp_path, monkeypatch, number, kind):
    def fail(*_, **__):
        raise OSError(number, "as the system says")

    monkeypatch.setattr(module.json, "dumps", fail)
    with pytest.raises(kind, match="as the system says") as raised:
        save(tmp_path)
    assert ("Free some room" in str(raised.value)) == (kind is DiskFull)


def test_damaged_recordings_are_left_out_of_a_list_and_refused_when_read(tmp_path):
    good, bad = save(tmp_path), save(tmp_path)
    path = bad.folder / "meta.json"
    path.write_bytes(path.read_bytes()[:40])
    assert [found.meta.id for found in list_recordings(tmp_path)] == [good.meta.id]
    with pytest.raises(RecordingError, match="cut short"):
        read_recording(bad.folder)


def test_a_recording_of_a_newer_format_says_to_update(tmp_path):
    saved = save(tmp_path)
    path = saved.folder / "meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": module.FORMAT + 1}))
    with pytest.raises(NewerRecording, match="Update speedkit"):
        read_recording(saved.folder)


@pytest.mark.parametrize("name", ["Dockerfile", "context.json", "image.json", "raw.jsonl"])
def test_a_missing_part_is_an_error_of_ours(tmp_path, name):
    saved = save(tmp_path)
    (saved.folder / name).unlink()
    fresh = read_recording(saved.folder)
    with pytest.raises(RecordingError, match=name):
        [fresh.dockerfile, fresh.context, fresh.image, list(fresh.lines())]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "layers", "format", "size_bytes"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.sampled_from([*Meta.__dataclass_fields__, "format", "extra"]), json_values)
@pytest.mark.slow
def test_no_meta_whatsoever_gives_another_error_than_ours(tmp_path, key, value):
    saved = save(tmp_path)
    path = saved.folder / "meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    try:
        read_build(read_recording(saved.folder))
    except RecordingError:
        return


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(json_values)
@pytest.mark.slow
def test_no_image_facts_whatsoever_give_another_error_than_ours(tmp_path, value):
    saved = save(tmp_path)
    (saved.folder / "image.json").write_text(json.dumps(value))
    try:
        read_build(read_recording(saved.folder))
    except RecordingError:
        return


def span(number: int, started: str, completed: str) -> bytes:
    vertex = {
        "digest": f"sha256:{number}",
        "name": f"[{number}/3] RUN step-{number}",
        "started": started,
        "completed": completed,
    }
    return json.dumps({"vertexes": [vertex]}).encode() + b"\n"


@pytest.mark.parametrize(
    "spans",
    [
        # Two hours forward in the second step, by summer time or by hand.
        [("10:00:00Z", "10:00:01Z"), ("10:00:01Z", "12:00:02Z"), ("12:00:02Z", "12:00:03Z")],
        # And back.
        [("10:00:00Z", "10:00:01Z"), ("10:00:01Z", "08:00:02Z"), ("08:00:02Z", "08:00:03Z")],
        # The same moments, written in other zones.
        [("10:00:00Z", "12:00:01+02:00"), ("05:00:01-05:00", "10:00:02Z"), ("15:30:02+05:30", "10:00:03Z")],
    ],
    ids=["forward", "back", "zones"],
)
def test_no_step_lasts_longer_than_its_build_or_less_than_nothing_whatever_the_engines_clock_does(tmp_path, spans):
    text = "FROM scratch\nRUN step-1\nRUN step-2\nRUN step-3\n"
    raw = [span(number, *(f"2026-10-25T{at}" for at in pair)) for number, pair in enumerate(spans, 1)]
    saved = write_recording(tmp_path, meta(seconds=3.5), raw=raw, dockerfile=text, context=Manifest(()), image=None)
    built = read_build(read_recording(saved.folder))
    ran = [step for step in built.step_list if step.ran]
    assert len(ran) == 3
    for step in ran:
        assert 0 <= step.started_seconds <= built.seconds
        assert 0 <= step.seconds <= built.seconds


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders")
@pytest.mark.parametrize("name", ["meta.json", "raw.jsonl", "Dockerfile", "context.json", "image.json"])
def test_what_somebody_put_in_place_of_a_part_is_refused_and_never_waited_for(tmp_path, name):
    def put_pipe(part):
        os.mkfifo(part)

    def put_device(part):
        part.symlink_to("/dev/zero")

    def put_huge(part):
        part.touch()
        os.truncate(part, 1 << 40)

    good = save(tmp_path)
    for put in (put_pipe, put_device, put_huge):
        damaged = save(tmp_path, id=new_id("damaged"))
        part = damaged.folder / name
        part.unlink()
        put(part)
        with pytest.raises(RecordingError):
            _read_all(damaged.folder)
    assert good.meta.id in [found.meta.id for found in list_recordings(tmp_path)]


def _read_all(folder: Path) -> None:
    found = read_recording(folder)
    read_build(found)
    assert found.context


@pytest.mark.parametrize(("bases", "isolation"), [({}, None), ({"alpine": {"used": "x"}}, "token")])
def test_a_build_on_another_builder_that_had_no_base_of_its_own_shared_the_cache_whatever_an_older_version_noted(
    tmp_path, bases, isolation
):
    made_before = sorted((Path(__file__).parent / "made_before").iterdir())[0]
    place = tmp_path / made_before.name
    shutil.copytree(made_before, place)
    written = place / "meta.json"
    other = {"builder": "other", "isolation": "token", "bases": bases}
    written.write_text(json.dumps(json.loads(written.read_text()) | other))
    assert read_recording(place).meta.isolation == isolation
