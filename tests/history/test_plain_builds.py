"""Builds with plain `docker build` are found in the builder's history, and forecasts and explanations count them."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from speedkit.apps import own_app
from speedkit.builds import build
from speedkit.engine import connect
from speedkit.history import explain, import_history, predict, recordings

pytestmark = pytest.mark.engine

TEXT = "FROM scratch\nCOPY a.txt /\nCOPY b.txt /\n"


@pytest.fixture
def app(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    files = {"Dockerfile": TEXT, "a.txt": os.urandom(6).hex(), "b.txt": os.urandom(6).hex(), "unused/c.txt": "c"}
    with own_app(folder(files)) as opened:
        yield opened


def plain_build(app) -> bool:
    """Builds as `docker build` does; out: whether it went well."""
    engine = connect()
    done = subprocess.run(
        [str(engine.buildx), "build", "--builder=default", "--progress=quiet", str(app.folder)],
        env=engine.environment,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def states(reasons) -> list[str]:
    return [step.state for step in reasons.steps]


def test_a_forecast_and_an_explanation_see_a_plain_build(app):
    assert plain_build(app)
    assert states(predict(app))[1:] == ["hit", "hit"]
    (app.folder / "b.txt").write_text(os.urandom(6).hex())
    assert states(predict(app))[1:] == ["hit", "miss"]
    assert plain_build(app)
    assert states(predict(app))[1:] == ["hit", "hit"]
    first, second = recordings()
    assert states(explain(first.meta.id))[1:] == ["ran", "ran"]
    why = explain(second.meta.id).steps[2]
    assert (why.state, why.because) == ("ran", "b.txt changed, and this step reads it.")
    assert second.meta.imported["unknown"] == []
    assert second.meta.imported["source"] == "the history of the builder default"


def test_builds_of_the_kit_are_no_plain_builds(app):
    build(app)
    (app.folder / "Dockerfile").write_text(f"{TEXT}COPY missing /\n")
    assert not build(app).ok
    predict(app)
    assert [one.meta.imported for one in recordings()] == [None, None]


def test_plain_builds_and_those_of_the_kit_keep_their_order(app):
    build(app)
    assert plain_build(app)
    predict(app)
    build(app)
    assert [one.meta.imported is None for one in recordings()] == [True, False, True]


def test_a_build_whose_files_have_gone_counts_for_no_forecast(app):
    assert plain_build(app)
    (app.folder / "unused" / "c.txt").unlink()
    assert states(predict(app))[1:] == ["miss", "miss"]
    (recording,) = recordings()
    assert recording.meta.imported["unknown"] == ["build context"]


def test_a_plain_build_that_failed_is_found_with_the_dockerfile_of_its_folder(app):
    (app.folder / "Dockerfile").write_text(f"{TEXT}COPY missing /\n")
    assert not plain_build(app)
    predict(app)
    (recording,) = recordings()
    assert (recording.meta.outcome, recording.dockerfile) == ("failed", f"{TEXT}COPY missing /\n")


def test_a_build_that_buildkit_must_have_forgotten_is_not_looked_for(app, monkeypatch, tmp_path):
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path / "buildx"))
    assert plain_build(app)
    (note,) = (tmp_path / "buildx" / "refs").glob("*/*/*")
    four_days_ago = time.time() - 4 * 24 * 3600
    os.utime(note, (four_days_ago, four_days_ago))
    for number in range(50):
        (note.parent / f"newer{number}").write_text("{}")
    predict(app)
    assert recordings() == []
    (note.parent / "newer0").unlink()
    predict(app)
    assert len(recordings()) == 1


def test_an_import_without_a_path_reads_the_history_of_the_builder(app):
    assert plain_build(app)
    (imported,) = [one for one in import_history().builds if one.id.endswith(recordings()[-1].meta.id[-6:])]
    assert (imported.kind, imported.steps, imported.cached_steps) == ("buildx history", 6, 0)
    assert states(predict(app))[1:] == ["hit", "hit"]
