"""`action.yml` and `.pre-commit-hooks.yaml`, run as their runners do, on a repository of git."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.gate.composite_action import run_action
from tests.gate.project import FILES
from tests.gate.test_formats import SARIF
from tests.git_history.small_repository import SmallRepository

ROOT = Path(__file__).parent.parent.parent
ACTION = ROOT / "action.yml"
PROGRAM = Path(sys.executable).with_name("speedkit")
LIMITS = """\
[budget]
context_size = "20 MB"

[[claim]]
name = "no install | ::error::after a change of the sources"
when = "src/**"
stays_cached = ["RUN install"]
"""
BROKEN = LIMITS.replace("src/**", "lock")


@pytest.fixture(autouse=True)
def without_engine(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))


@pytest.fixture
def repository(tmp_path) -> SmallRepository:
    small = SmallRepository(tmp_path / "repository")
    small.commit({**FILES, "speedkit.toml": LIMITS})
    return small


@pytest.fixture
def runner(tmp_path, repository):
    """Runs the action without its first step: the program is installed already."""
    temporary = tmp_path / "temporary"
    (temporary / "speedkit" / "bin").mkdir(parents=True)
    (temporary / "speedkit" / "bin" / "speedkit").symlink_to(PROGRAM)
    document = yaml.safe_load(ACTION.read_text())
    document["runs"]["steps"] = document["runs"]["steps"][1:]
    action = tmp_path / "action" / "action.yml"
    action.parent.mkdir()
    action.write_text(yaml.safe_dump(document))
    return lambda **inputs: run_action(action, inputs, repository.folder, temporary)


def test_the_action_writes_the_summary_and_passes(runner):
    run = runner()
    assert (run.exit_code, run.outputs) == (0, {"ok": "true", "sarif": ""})
    assert run.summary.startswith("### ✅ ")
    assert "::error" not in run.log


def test_the_action_fails_with_the_line_and_the_file(runner, repository):
    repository.commit({"speedkit.toml": BROKEN})
    run = runner(sarif="out.sarif")
    assert (run.exit_code, run.outputs) == (1, {"ok": "false", "sarif": "out.sarif"})
    assert "lock changed" in run.summary
    (command,) = [line for line in run.log.splitlines() if line.startswith("::")]
    assert command.startswith("::error file=Dockerfile,line=5,title=no install | %3A%3Aerror%3A%3Aafter")
    document = json.loads((repository.folder / "out.sarif").read_text())
    Draft202012Validator(SARIF).validate(document)


@pytest.mark.parametrize("path", ["; touch owned `touch owned` $(touch owned)", "--help\n::error::x"])
def test_no_input_is_a_command(runner, repository, path):
    (repository.folder / path).mkdir()
    run = runner(path=path, sarif=f"{path}/out.sarif", way=path)
    assert run.exit_code == 2  # no speedkit.toml there
    assert not list(repository.folder.rglob("owned"))


def test_the_action_refuses_what_it_does_not_know(runner):
    assert runner(build="maybe").exit_code == 2
    budget = runner(build="false")
    assert budget.exit_code == 0


def test_an_old_file_is_no_answer_of_a_check_that_did_not_run(runner, repository):
    repository.commit({"speedkit.toml": "[nothing]", "out.sarif": "{}"})
    run = runner(sarif="out.sarif")
    assert (run.exit_code, run.outputs) == (2, {"ok": "false", "sarif": ""})


def test_no_script_has_an_expression_in_it():
    """The runner replaces expressions by text, before bash reads the script: a value could be a command."""
    for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"]:
        assert "${{" not in step["run"]


@pytest.mark.slow
def test_the_whole_action_installs_the_kit_and_checks(tmp_path, repository, monkeypatch):
    """The packages of the lock are those of this environment, so that nothing is downloaded; all else is as on a runner."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    python = tmp_path / "python"
    packages = [path for path in sys.path if path.endswith("site-packages")] or [sysconfig.get_path("purelib")]
    lines = "".join(f"{path}\\n" for path in packages)
    # A venv of Python 3.11 brings a setuptools of its own, which would hide that of the lock.
    python.write_text(
        f'#!/bin/bash\nset -e\n{shlex.quote(sys.executable)} "$@"\n'
        'if [ "$2" = venv ]; then site=$(echo "$3"/lib/python*/site-packages); rm -rf "$site"/setuptools* "$site"/_distutils*\n'
        f'printf {shlex.quote(lines)} > "$site/here.pth"; fi\n'
    )
    python.chmod(0o755)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    run = run_action(ACTION, {"python": str(python)}, repository.folder, temporary)
    assert run.exit_code == 0, run.log
    assert run.summary.startswith("### ✅ ")
    installed = [temporary / "speedkit" / "bin" / "python", "-m", "pip", "show", "speedkit"]
    shown = subprocess.run(installed, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert str(temporary) in shown or str(ROOT) in shown


def test_an_old_python_is_refused_with_a_way_out(tmp_path, repository):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    run = run_action(ACTION, {"python": str(python)}, repository.folder, tmp_path)
    assert run.exit_code == 2
    assert "needs Python 3.11 or newer" in run.log


def hook_run(repository: SmallRepository) -> subprocess.CompletedProcess[str]:
    """The hook as pre-commit runs it: its words, with the programs of its environment first, in the repository's folder."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["language"] == "python"
    assert hook["always_run"]
    assert hook["pass_filenames"] is False
    environment = {**os.environ, "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}", "PRE_COMMIT": "1"}
    command = shlex.split(hook["entry"])
    return subprocess.run(command, cwd=repository.folder, env=environment, capture_output=True, text=True, check=False)


def test_the_hook_of_pre_commit_checks_what_needs_no_build(repository):
    assert hook_run(repository).returncode == 0
    repository.commit({"speedkit.toml": BROKEN + '[[budget.rebuild]]\nwhen = "src/**"\nseconds = 1\n'})
    broken = hook_run(repository)
    assert broken.returncode == 1
    assert "Dockerfile:5: RUN --mount" in broken.stdout
    assert "1 was not checked" in broken.stdout
