"""Runs the steps of a composite action as GitHub's runner does.

In: an action.yml, inputs, a workspace. Out: for the whole action its exit code, outputs, summary and log. The runner replaces
expressions by text, writes `run` into a file for `bash --noprofile --norc -eo pipefail`, gives each step files for its outputs
and its summary, and ends the action at the first step that fails.
Sources: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax (shell),
https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax (runs for composite actions).
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

__all__ = ["ActionRun", "run_action"]

EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
OF_THE_MACHINE = ("PATH", "HOME", "SPEEDKIT_HOME", "DOCKER_HOST", "PIP_NO_INDEX")
SHELLS = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"]}


@dataclass(frozen=True)
class ActionRun:
    exit_code: int
    outputs: Mapping[str, str]
    summary: str
    log: str


def run_action(action: Path, inputs: Mapping[str, str], workspace: Path, temporary: Path) -> ActionRun:
    """Raises: AssertionError for an input that the action does not have, and for an expression of another kind."""
    document = yaml.safe_load(action.read_text())
    assert document["runs"]["using"] == "composite"
    assert inputs.keys() <= document["inputs"].keys()
    values = {f"inputs.{name}": str(one.get("default", "")) for name, one in document["inputs"].items()}
    values |= {f"inputs.{name}": value for name, value in inputs.items()}
    values["github.action_path"] = str(action.parent)
    summary, log, code = "", "", 0
    for number, step in enumerate(document["runs"]["steps"]):
        output, step_summary, script = (temporary / f"{name}-{number}" for name in ("output", "summary", "script"))
        for file in (output, step_summary):
            file.touch()
        script.write_text(_replaced(step["run"], values))
        environment = {
            **{
                name: os.environ[name]
                for name in ("PATH", "HOME", "SPEEDKIT_HOME", "DOCKER_HOST", "PIP_NO_INDEX")
                if name in os.environ
            },
            **{name: _replaced(text, values) for name, text in step.get("env", {}).items()},
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(step_summary),
            "GITHUB_WORKSPACE": str(workspace),
            "RUNNER_TEMP": str(temporary),
        }
        command = [*SHELLS[step["shell"]], str(script)]
        ended = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            values[f"steps.{step.get('id', number)}.outputs.{name}"] = value
        summary += step_summary.read_text()
        log += ended.stdout + ended.stderr
        if code := ended.returncode:
            break
    outputs = {name: _replaced(one["value"], values) for name, one in document["outputs"].items()}
    return ActionRun(code, outputs, summary, log)


def _replaced(text: str, values: Mapping[str, str]) -> str:
    def value(expression: re.Match[str]) -> str:
        name = expression[1]
        # An output that no step has set is empty; any other name has to be there.
        assert name in values or name.startswith("steps."), name
        return values.get(name, "")

    return EXPRESSION.sub(value, text)
