from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

import speedkit as sk
from speedkit.apps import App, Probe, own_app
from speedkit.builds import start_build
from speedkit.cli.printed_builds import build_json
from speedkit.engine.base_images import resolve_base
from speedkit.engine.connection import Engine
from speedkit.history import explain, predict
from speedkit.history.find_builds import recording_of
from speedkit.recordings.recording_reader import read_build
from speedkit.rendering.build_steps import build_html
from speedkit.widgets import Workbench
from tests.planted_secrets import Planted, command_lines, planted, remains
from tests.waiting import wait_until

pytestmark = pytest.mark.engine


@pytest.fixture
def app_with_secrets(engine: Engine, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    for name in ("temporary", "app"):
        (tmp_path / name).mkdir()
    found = planted(tmp_path / "app", resolve_base(engine, "alpine").used, engine.api)
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    yield found
    engine.api.remove_image(found.base, force=True)


def test_forty_secrets_are_left_nowhere(engine: Engine, app_with_secrets: Planted, tmp_path: Path, monkeypatch):
    secrets = app_with_secrets.secrets
    assert len(secrets) >= 40
    monkeypatch.setattr(App, "probe", Probe(8080, "/", "field", "value"))
    app = own_app(app_with_secrets.folder)
    running = start_build(app, build_args=app_with_secrets.build_args, engine=Engine(*engine))
    shown = ""
    while not running.done:
        shown += command_lines()
        running.wait_briefly(0.1)
    built = running.wait()
    assert built.outcome == "done", built.error
    assert built.answer is not None
    assert "BASE_PASSWORD=sha256:" in built.answer.text

    recorded = read_build(recording_of(built.id))
    assert [step.state for step in recorded.instructions] == [step.state for step in built.instructions]
    assert "unclear" not in {step.state for step in recorded.instructions}
    forecast = predict(app, build_args=app_with_secrets.build_args)
    assert {step.state for step in forecast.steps} == {"hit", "no-step"}

    bench = Workbench(app)
    bench._state.choose({"tab": ".env"}, page="p", number=1)
    notebook = json.dumps([bench.get_state(), bench._twin_html(), bench._view_data()], default=str)
    bench._state.choose({"tab": "./Dockerfile"}, page="p", number=2)
    notebook += json.dumps([bench.get_state(), bench._twin_html()], default=str)
    bench.close()
    assert "left out" in notebook
    commands = "\n".join(layer.command for layer in sk.layers(built.image).layers)
    labels = json.dumps(
        [found["Labels"] for found in engine.api.images(filters={"label": "dev.speedkit"}) if found["Id"] == built.image]
    )
    app.close()

    texts = [
        ("ps", shown),
        ("the build", json.dumps(build_json(built), default=str)),
        ("the build in words", repr(built)),
        ("the page", build_html(built)),
        ("explain", repr(explain(built))),
        ("predict", repr(forecast)),
        ("the notebook", notebook),
        ("layers", commands),
    ]
    assert remains(secrets, [tmp_path / "home", tmp_path / "temporary", *texts]) == []
    planted_label = secrets["LABEL"]
    assert planted_label not in labels.replace(f'"com.example.token": "{planted_label}"', "")


@pytest.mark.usefixtures("app_with_secrets")
def test_secrets_of_cache_options_and_of_a_failed_build_are_left_nowhere(
    engine: Engine, app_with_secrets: Planted, tmp_path: Path
):
    dockerfile = app_with_secrets.folder / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + 'RUN env && echo "$DB_PASS" >&2 && exit 1\n')
    app = own_app(app_with_secrets.folder)
    running = start_build(
        app, build_args=app_with_secrets.build_args, cache_from=app_with_secrets.cache_from, engine=Engine(*engine)
    )
    shown = ""
    wait_until(lambda: running.done)
    shown += command_lines()
    built = running.wait()
    app.close()
    assert built.outcome == "failed"
    texts = [("ps", shown), ("the error", built.error or ""), ("the build", repr(built))]
    assert remains(app_with_secrets.secrets, [tmp_path / "home", tmp_path / "temporary", *texts]) == []
