"""`speedkit exercises`."""

from __future__ import annotations

import json

import pytest

from speedkit.checked_exercises.content import TASKS
from tests.cli.conftest import speedkit
from tests.strict_schema import check

__all__ = ["speedkit"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))


def test_the_list_has_every_exercise_with_the_progress(speedkit):
    code, out, _ = speedkit("exercises")
    assert code == 0
    assert all(task.name in out for task in TASKS)
    assert "not begun" in out
    code, out, _ = speedkit("exercises", "--json")
    check("exercises", json.loads(out))
    assert [one["name"] for one in json.loads(out)["exercises"]] == [task.name for task in TASKS]


def test_an_unknown_name_is_a_misuse_with_a_suggestion(speedkit):
    code, out, err = speedkit("exercises", "--check", "03-download-twice")
    assert (code, out) == (2, "")
    assert "03-download-once" in err


def test_without_an_engine_the_check_fails_with_a_sentence(speedkit, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    code, out, err = speedkit("exercises", "--check", "03-download-once", "--json")
    assert (code, out) == (3, "")
    assert "Traceback" not in err
    assert "✗" in err
