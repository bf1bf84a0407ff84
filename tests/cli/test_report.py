"""`speedkit report`: where the file is, and in which words it refuses."""

from __future__ import annotations

import json

import pytest

from tests.git_history.small_repository import SmallRepository
from tests.strict_schema import check

DOCKERFILE = (
    "FROM golang:alpine AS builder\nWORKDIR /src\nCOPY . .\nRUN go build -o /x .\nFROM scratch\nCOPY --from=builder /x /x\n"
)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A repository, on a machine without an engine."""
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    small = SmallRepository(tmp_path / "repository")
    small.commit({"Dockerfile": DOCKERFILE, ".dockerignore": ".git\n", "go.mod": "module x\n", "main.go": "package main\n"})
    small.commit({"main.go": "package main\n\nfunc main() {}\n"})
    return small


def test_the_program_writes_a_report_and_refuses_in_words(speedkit, small, tmp_path):
    out = tmp_path / "report.html"
    code, printed, _ = speedkit("report", str(small.folder), "--out", str(out))
    assert (code, printed.split()[-1]) == (0, out.as_uri())
    out.write_text("mine")
    code, _, said = speedkit("report", str(small.folder), "--out", str(out))
    assert code == 2
    assert "--force" in said
    assert speedkit("report", str(tmp_path / "nowhere"))[0] == 2


def test_a_proof_without_an_engine_is_a_problem_and_the_prediction_is_shown(speedkit, small, tmp_path):
    out = tmp_path / "report.html"
    code, _, said = speedkit("report", str(small.folder), "--out", str(out), "--prove", "--prove-commits", "1")
    assert code == 3
    assert "✗" in said
    assert "Predicted, not proven" in out.read_text()


def test_the_document_of_a_report_is_as_its_schema_says(speedkit, small, tmp_path):
    code, out, _ = speedkit("report", str(small.folder), "--out", str(tmp_path / "report.html"), "--json")
    document = json.loads(out)
    check("report", document)
    assert code == 0
    assert {one["part"] for one in document["missing"]} == {"reasons", "image"}
