"""The files that contributors and services read: well-formed, and true of what they name."""

from __future__ import annotations

import re
from pathlib import Path

import json5
import pytest
import yaml

ROOT = Path(__file__).parent.parent
VERBS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
MAKE = re.compile(r"(?:`|^ {4}|^)make ([a-z]+)", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
DOCUMENTS = [path.name for path in sorted(ROOT.glob("*.md"))]


def workflow() -> dict:
    return yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())


def test_each_hook_runs_a_program_of_the_project_and_fetches_nothing():
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in configuration["repos"]] == ["local"]
    pinned = (ROOT / "tests" / "requirements.txt").read_text()
    for hook in configuration["repos"][0]["hooks"]:
        program = hook["entry"].split()[0]
        assert hook["language"] == "system"
        assert program.startswith(".venv/bin/")
        package = {"lint-imports": "import-linter"}.get(Path(program).name, Path(program).name)
        assert f"\n{package}==" in pinned


def test_the_workflow_runs_the_projects_own_verbs():
    lines = [step["run"] for job in workflow()["jobs"].values() for step in job["steps"] if "run" in step]
    assert {MAKE.search(line)[1] for line in lines} == {"quick", "test"}
    assert workflow()["permissions"] == {"contents": "read"}


def test_the_devcontainer_sets_the_project_up_by_its_own_verb():
    container = json5.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert container["postCreateCommand"].endswith("make setup")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_names_verbs_and_files_that_are_there(name):
    text = (ROOT / name).read_text()
    assert set(MAKE.findall(text)) - {"exe"} <= VERBS
    assert [link for link in LINK.findall(text) if not (ROOT / link).exists()] == []


def test_the_changelog_says_first_what_is_not_released_yet():
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert headings[0] == "Unreleased"
