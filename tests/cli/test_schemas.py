"""Each JSON document that the program prints is as its schema in docs/schemas says, with nothing that the schema leaves out."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.build_records.archives import status_line
from tests.git_history.small_repository import SmallRepository
from tests.strict_schema import FOLDER, check, read_schema

NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
DOCKERFILE = "FROM alpine\nARG TOKEN\nCOPY . /here/\nRUN date > /day && head -c 9 /dev/urandom > /now\n"
NOT_OF_THE_PROGRAM = {"recording", "speedkit-toml"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))


@pytest.fixture
def document(speedkit, home):
    """Runs the program with --json: its document, once it is as the schema of that name says."""

    def run(name: str, *arguments: str) -> Any:
        _, out, err = speedkit(*arguments, "--json")
        assert out, err
        found = json.loads(out)
        check(name, found)
        return found

    return run


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_and_has_its_name_and_version(name):
    schema = read_schema(name)
    Draft202012Validator.check_schema(schema)
    assert re.fullmatch(rf"urn:speedkit:{name}:[1-9]\d*", schema["$id"])
    assert schema["description"]


def test_each_verb_that_prints_json_has_a_schema():
    """The verbs are found by their option, so that a new one is not forgotten."""
    verbs = set()
    for path in (FOLDER.parents[1] / "speedkit" / "cli").glob("*.py"):
        for function in re.split(r"^def ", path.read_text(), flags=re.MULTILINE)[1:]:
            signature = function.partition(") -> None:")[0]
            if "as_json: AsJson" in signature and not signature.startswith("_"):
                verbs.add(signature.partition("(")[0].rstrip("_").replace("_", "-"))
    assert verbs == set(NAMES) - NOT_OF_THE_PROGRAM


def test_what_needs_no_engine(document, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    assert document("history", "history") == {"builds": []}
    assert document("doctor", "doctor")["ready"] is False
    assert document("engine-status", "engine", "status")["answers"] is False
    document("clean", "clean")


def test_replay(document, tmp_path):
    small = SmallRepository(tmp_path / "repository")
    files = {".dockerignore": ".git\n", "Dockerfile": DOCKERFILE, "package.json": "1", "a/b": "1"}
    small.commit({**files, "Dockerfile": "FROM alpine\nCOPY . .\nRUN npm ci\nRUN npm run build\n"})
    small.commit({"a/b": "2"})
    small.commit({"a/b": "3", "Dockerfile": None})
    small.commit({"Dockerfile": "FROM alpine\nCOPY . .\nRUN npm ci\nRUN npm run build\n"})
    replayed = document("replay", "replay", str(small.folder))
    assert [one["trouble"] for one in replayed["commits"]] == [None, "no-dockerfile", None]
    assert replayed["blame"][0]["files"] == ["a/b"]
    assert replayed["splits"][0]["line"] == 2


def test_import(document, tmp_path):
    progress = tmp_path / "progress.json"
    progress.write_text(f"{status_line(name='[1/2] FROM alpine')}+ echo\n{status_line(name='[2/2] RUN true', cached=True)}")
    imported = document("import", "import", str(progress))["imported"]
    assert [(one["steps"], one["cached_steps"], one["not_understood"]) for one in imported] == [
        (2, 1, [{"line": 2, "text": "+ echo"}])
    ]
    assert [one["imported"]["kind"] for one in document("history", "history")["builds"]] == ["rawjson"]


def test_check(document, folder, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    limits = '[budget]\nimage_size = "1 MB"\ncontext_size = "1 MB"\n[[budget.rebuild]]\nwhen = "a.txt"\nsteps = 0\n'
    claim = '[[claim]]\nwhen = "a.txt"\nstays_cached = "RUN date"\n'
    app = folder({"Dockerfile": DOCKERFILE, "a.txt": "a", "speedkit.toml": limits + claim})
    checked = document("check", "check", str(app))
    assert [(one["kind"], one["ok"]) for one in checked["claims"]] == [
        ("context_size", True),
        ("image_size", None),
        ("rebuild_steps", False),
        ("claim", False),
    ]
    assert checked["claims"][3]["steps"][0]["files"] == ["a.txt"]


@pytest.mark.engine
def test_builds_and_all_that_is_asked_about_them(document, folder):
    app = folder({"Dockerfile": DOCKERFILE, "a.txt": os.urandom(6).hex()})
    first = document("build", "build", str(app), "--build-arg", "TOKEN=ghp_0123456789abcdefghijABCDEFGHIJ012345")
    assert first["ok"]
    assert document("predict", "predict", str(app))["steps"]
    (app / "a.txt").write_text(os.urandom(6).hex())
    assert {step["forecast"] for step in document("predict", "predict", str(app))["steps"]} >= {"miss"}
    twice = document("build", "build", str(app), "--twice", "--cold")["twice"]
    assert twice["differences"]
    assert twice["unsteady"]
    assert document("explain", "explain")["steps"]
    assert document("explain", "explain", first["id"])["steps"]
    assert len(document("history", "history")["builds"]) == 3
    layers = document("layers", "layers", twice["build"]["image"], "--other", first["image"], "--files", "--forbid", "now")
    assert layers["violations"]
    assert layers["comparison"]["differences"]
    assert document("layers", "layers", first["image"])["image_bytes"] > 0


@pytest.mark.engine
def test_a_build_that_fails(document, folder):
    app = folder({"Dockerfile": "FROM alpine\nRUN false\nRUN true\n"})
    assert document("build", "build", str(app))["ok"] is False
    assert document("explain", "explain")["steps"]


@pytest.mark.engine
def test_comparisons_the_state_of_the_engine_and_what_clean_says(document, folder):
    app = folder({"Dockerfile": "FROM alpine\nCOPY a.txt /\n", "a.txt": "a"})
    assert len(document("compare", "compare", str(app), "-e", "cold", "-e", "a.txt")["rows"]) == 2
    assert document("engine-status", "engine", "status")["answers"]
    document("doctor", "doctor")
    assert document("clean", "clean")["images"] > 0
