from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speedkit.context import Manifest
from speedkit.errors import DiskFull, NewerRecording, RecordingError
from speedkit.recordings import recording as module
from speedkit.recordings.reading import read_build
from speedkit.recordings.recording import Meta, list_recordings, new_id, read_recording, write_recording


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
def test_no_image_facts_whatsoever_give_another_error_than_ours(tmp_path, value):
    saved = save(tmp_path)
    (saved.folder / "image.json").write_text(json.dumps(value))
    try:
        read_build(read_recording(saved.folder))
    except RecordingError:
        return
