"""Which part of a `go build` was spent on downloads: what is said follows the times in the log."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from speedkit import lessons
from speedkit.builds import build
from speedkit.context import Manifest
from speedkit.model import Build, Step
from speedkit.recordings import Meta, write_recording
from speedkit.state import state_folder


def stamp(second: float) -> str:
    return f"2026-01-01T00:00:{second:09.6f}Z"


def go_build(monkeypatch: pytest.MonkeyPatch, home: Path, *, named_at: list[float], seconds: float) -> str:
    """What is said of a step that ran for some seconds, and named a module at each of these moments."""
    monkeypatch.setenv("SPEEDKIT_HOME", str(home))
    vertex = {"digest": "sha256:1", "name": "RUN go build", "started": stamp(0), "completed": stamp(seconds)}
    texts = [(at, f"go: downloading example.com/m{number} v1.0.0\n") for number, at in enumerate(named_at)]
    logs = [
        {"vertex": "sha256:1", "stream": 2, "data": base64.b64encode(text.encode()).decode(), "timestamp": stamp(at)}
        for at, text in [*texts, (seconds, "done\n")]
    ]
    raw = [json.dumps(status).encode() + b"\n" for status in ({"vertexes": [vertex]}, {"logs": logs})]
    meta = Meta("one", "app", "/app", "/app", "naive", "cold", stamp(0), seconds, "done", 0)
    write_recording(state_folder("recordings"), meta, raw=raw, dockerfile="", context=Manifest(()), image=None)
    log = "".join(text for _, text in texts)
    step = Step("RUN go build", "builder", "RUN go build", 6, "ran", seconds, log=log, digest="sha256:1")
    return lessons.downloads_and_compiling(Build("one", "app", "naive", "cold", "", seconds, "done", 0, "", (step,)))


def test_most_of_the_time_is_what_the_log_says(monkeypatch, tmp_path):
    assert go_build(monkeypatch, tmp_path / "a", named_at=[0.5, 2.0], seconds=20.0) == (
        "Line 6 ran for 20.0 s. Go named the last of 2 modules after 2.0 s. In the other 18.0 s it ended the downloads, "
        "compiled and linked. Most of the time did not go into downloads: they took 10.0 %."
    )
    assert go_build(monkeypatch, tmp_path / "b", named_at=[1.0, 15.0], seconds=20.0).endswith(
        "In the other 5.0 s it ended the downloads, compiled and linked. Most of the time went into downloads (75.0 %)."
    )


def test_without_a_download_nothing_is_told_apart(monkeypatch, tmp_path):
    said = go_build(monkeypatch, tmp_path, named_at=[], seconds=20.0)
    assert said == "No `go build` of this build downloaded a module."


@pytest.mark.engine
def test_a_base_image_that_is_here_is_not_fetched(engine):
    built = build(lessons.small_app("FROM alpine\nRUN true\n"))
    said = lessons.base_sizes(built)
    assert said.startswith("alpine: ")
    assert said.endswith("This build fetched nothing of it.")
    assert ("a stand-in of" in said) == built.stand_in
