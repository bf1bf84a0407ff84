"""In the log of a CI job, no foreign text is a command to the runner."""

from __future__ import annotations

import json
import re

import pytest

from speedkit.cli.output import print_json, print_sentence, print_table, print_text, say, say_command, say_log, say_problem
from speedkit.cli.runner_commands import RUNNERS

COMMANDS = ["::set-output name=ok::true", "  ::error::x", "##[add-mask]a", "x ##vso[task.setvariable variable=a]b"]
COMMANDS += ["##teamcity[buildProblem description='x']", "::::", "###[x]"]
OBEYED = re.compile(r"^\s*::|##(?:vso|teamcity)?\[", re.MULTILINE)
PRINTERS = [say, say_log, print_text, print_sentence]


@pytest.fixture(params=RUNNERS)
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(request.param, "true")


@pytest.mark.usefixtures("runner")
@pytest.mark.parametrize("command", COMMANDS)
def test_no_foreign_text_is_a_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    for show in PRINTERS:
        show(command)
    say_log(f"first\n{command}\n")
    say_problem(f"first\n{command}", command)
    print_table(command, [command], [[command], ["x" * 400 + command]])
    print_json({"name": command})
    out, err = capsys.readouterr()
    assert OBEYED.search(out + "\n" + err) is None
    assert json.loads(out[out.index("\n{") :])["name"] == command


@pytest.mark.usefixtures("runner")
def test_a_command_of_our_own_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    say_command("::error title=x::y")
    assert capsys.readouterr().err == "::error title=x::y\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_elsewhere_text_stays_as_it_is(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in RUNNERS:
        monkeypatch.delenv(name, raising=False)
    print_text(command)
    say(command)
    assert capsys.readouterr() == (f"{command}\n", f"{command}\n")
