"""Each rule changes what its cases say and nothing else, and says nothing where it is not certain."""

from __future__ import annotations

import subprocess

import pytest

from speedkit.advice import combined, suggest
from speedkit.advice.suggestions import all_rules
from speedkit.dockerfile import read_dockerfile
from tests.advice.rule_cases import CASES, all_cases, read

RULE_CASES = [case for case in all_cases() if case.rule != "silent"]
SILENT_CASES = [case for case in all_cases() if case.rule == "silent"]


def name_of(case):
    return f"{case.rule}/{case.folder.name}"


def suggestion_of(case):
    return next((suggestion for suggestion in suggest(case.view) if suggestion.rule == case.rule), None)


@pytest.mark.parametrize("case", RULE_CASES, ids=name_of)
def test_a_rule_changes_what_its_case_says_and_nothing_else(case):
    suggestion = suggestion_of(case)
    assert (suggestion and dict(suggestion.files)) == case.after


@pytest.mark.parametrize("case", [case for case in RULE_CASES if case.after is not None], ids=name_of)
def test_a_rule_is_silent_on_its_own_result(case):
    suggestion = suggestion_of(case)
    assert suggestion is not None
    again = suggest(case.view.with_files(suggestion.files))
    assert [other for other in again if other.rule == case.rule] == []


@pytest.mark.parametrize("case", SILENT_CASES, ids=name_of)
def test_no_rule_has_something_to_say_about_a_dockerfile_that_is_good(case):
    assert [(suggestion.rule, suggestion.files) for suggestion in suggest(case.view)] == []
    assert combined(case.view) is None


@pytest.mark.parametrize("case", all_cases(), ids=name_of)
def test_git_applies_every_patch_to_the_original_and_gets_the_new_files(case, tmp_path):
    together = combined(case.view)
    for number, suggestion in enumerate([*suggest(case.view), *([together] if together else [])]):
        folder = tmp_path / str(number)
        subprocess.run(["cp", "-r", case.folder / "before", folder], check=True)
        patch = suggestion.patch.encode("utf-8", "surrogateescape")
        subprocess.run(["git", "apply", "-"], cwd=folder, input=patch, check=True)
        assert {path: read(folder / path) for path in suggestion.files} == dict(suggestion.files)
        read_dockerfile(suggestion.files.get("Dockerfile") or case.view.dockerfile)
        assert suggestion.because


@pytest.mark.parametrize("case", all_cases(), ids=name_of)
def test_all_rules_together_come_to_an_end(case):
    together = combined(case.view)
    if together is not None:
        assert combined(case.view.with_files(together.files)) is None


def test_each_rule_has_a_case_in_which_it_speaks_and_one_in_which_it_does_not():
    for rule in all_rules():
        cases = [case for case in RULE_CASES if case.rule == rule.name]
        assert any(case.after is not None for case in cases), rule.name
        assert any(case.after is None for case in cases), rule.name


def test_there_is_no_case_of_an_unknown_rule():
    assert {folder.name for folder in CASES.iterdir()} - {rule.name for rule in all_rules()} == {"silent"}
