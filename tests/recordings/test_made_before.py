"""Recordings of the first version are opened for ever, and new ones are as docs/schemas/recording.json says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from speedkit.history import explain, recorded_builds
from speedkit.recordings.recording import list_recordings
from speedkit.recordings.recording_reader import read_build
from tests.strict_schema import check

FOLDER = Path(__file__).parent / "made_before"
OLD = sorted(FOLDER.iterdir())


def described(recording: Path) -> dict:
    """The files of a recording that the schema describes, by their names."""
    return {path.name: json.loads(path.read_text()) for path in recording.glob("*.json")}


@pytest.mark.parametrize("recording", OLD, ids=lambda path: path.name)
def test_an_old_recording_is_as_the_schema_says(recording):
    check("recording", described(recording))


def test_old_recordings_are_listed_opened_and_explained(tmp_path, monkeypatch):
    shutil.copytree(FOLDER, tmp_path / "recordings")
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path))
    before = {path: path.read_bytes() for path in (tmp_path / "recordings").rglob("*") if path.is_file()}
    first, second = map(read_build, list_recordings(tmp_path / "recordings"))
    assert [step.state for step in second.instructions] == ["cached", "no-step", "ran", "ran"]
    assert (second.ok, second.notices, second.replaced_frontend) == (True, (), None)
    assert [build.id for build in recorded_builds("greeting")] == [first.id, second.id]
    reasons = {step.line: step for step in explain(second.id).steps}
    assert "greeting.txt" in reasons[3].because
    assert "line 3" in reasons[4].because
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.engine
def test_a_new_recording_is_as_the_schema_says(folder):
    from speedkit.apps import own_app
    from speedkit.builds import build
    from speedkit.engine import CommandOptions
    from speedkit.state import state_folder

    place = folder({"Dockerfile": "FROM alpine\nRUN true\nCOPY --from=shared a /\n", "shared/a": "a"})
    options = CommandOptions(named_contexts={"shared": str(place / "shared")}, labels={"a": "b"}, ulimits=("nofile=9",))
    with own_app(place) as app:
        built = build(app, options=options)
    documents = described(state_folder("recordings") / built.id)
    assert set(documents) == {"meta.json", "context.json", "contexts.json", "image.json"}
    assert documents["meta.json"]["options"].keys() == {"named_contexts", "labels", "ulimits"}
    check("recording", documents)
