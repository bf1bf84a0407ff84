"""The forecast while somebody types: reasons, and how long a step may take, from what was recorded before."""

from __future__ import annotations

import pytest

from speedkit.apps import own_app
from speedkit.builds import build
from speedkit.history import LiveForecast
from speedkit.history.forecast_while_typing import MANY_FILES

pytestmark = pytest.mark.engine

TEXT = "FROM alpine\nCOPY . .\nRUN sleep 0.3 && cat main.go > /out\nRUN echo done\n"


def by_line(forecasts):
    *_, entries = forecasts
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
        assert (entries[2]["short"], entries[2]["ran"]) == ("main.go", "main.go changed")
        assert (entries[3]["short"], entries[3]["after"]) == ("line 2", [2])
        assert entries[3]["seconds"] == entries[3]["usual"] > 0.25
    with own_app(place) as another_copy:
        from_recordings = by_line(LiveForecast()(another_copy, "Dockerfile", []))
        assert from_recordings[3]["seconds"] > 0.25


def test_a_line_that_the_linter_warns_of_has_its_warnings(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    with own_app(folder({"Dockerfile": "FROM alpine\nWORKDIR app\nCMD echo hello\n"})) as app:
        entries = by_line(LiveForecast()(app, "Dockerfile", []))
    assert {line: len(entry["warnings"]) for line, entry in entries.items()} == {1: 0, 2: 1, 3: 1}
    assert entries[2]["forecast"] == "miss"
    assert "(WorkdirRelativePath)" in entries[2]["warnings"][0]
    assert entries[3]["forecast"] == "no-step"


def test_a_large_context_is_forecast_from_what_was_typed_first_and_then_from_all_its_files(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    files = {f"data/{number}.txt": "" for number in range(MANY_FILES)}
    place = folder({"Dockerfile": "FROM alpine\nCOPY main.go .\nCOPY . .\n", "main.go": "package main\n", **files})
    live = LiveForecast()
    with own_app(place) as app:
        built = build(app)
        assert len(list(live(app, "Dockerfile", [built]))) == 1
        app.write("main.go", "package other\n")
        (app.folder / "data" / "0.txt").write_text("changed by somebody else")
        first, second = (by_line([entries]) for entries in live(app, "Dockerfile", [built]))
        assert first[3]["because"].startswith("main.go changed,")
        assert second[3]["because"].startswith("data/0.txt and main.go changed,")
        app.write("main.go", "package main\n")
        assert by_line(live(app, "Dockerfile", [built]))[2]["forecast"] == "hit"
        app.write("new.go", "package main\n")
        (only,) = live(app, "Dockerfile", [built])
        assert "new.go was added" in by_line([only])[3]["because"]
