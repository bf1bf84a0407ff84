"""The forecast while somebody types: reasons, and how long a step may take, from what was recorded before."""

from __future__ import annotations

import pytest

from speedkit.apps import own_app
from speedkit.experiment import build
from speedkit.history import LiveForecast

pytestmark = pytest.mark.engine

TEXT = "FROM alpine\nCOPY . .\nRUN sleep 0.3 && cat main.go > /out\nRUN echo done\n"


def by_line(entries):
    return {entry["line"]: entry for entry in entries}


def test_it_names_what_changed_and_how_long_the_step_took_when_it_ran_last(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    place = folder({"Dockerfile": TEXT, "main.go": "package main\n"})
    with own_app(place) as app:
        before = by_line(LiveForecast()(app, "Dockerfile", []))
        assert (before[3]["forecast"], before[3]["seconds"], before[3]["usual"]) == ("miss", None, None)
        built = build(app)
        app.write("main.go", "package other\n")
        entries = by_line(LiveForecast()(app, "Dockerfile", [built]))
        assert (entries[2]["short"], entries[2]["kind"], entries[2]["what"]) == ("main.go", "files", ["main.go (content)"])
        assert (entries[3]["short"], entries[3]["after"]) == ("line 2", [2])
        assert entries[3]["seconds"] == entries[3]["usual"] > 0.25
    with own_app(place) as another_copy:
        from_recordings = by_line(LiveForecast()(another_copy, "Dockerfile", []))
        assert from_recordings[3]["seconds"] > 0.25
