"""`speedkit check` on the command line: its forms, its exit codes, and what it refuses."""

from __future__ import annotations

import json

import pytest

FILES = {"Dockerfile": "FROM alpine\nCOPY a.txt /\nRUN true\n", "a.txt": "a", "b.txt": "b"}
HOLDS = "[[claim]]\nname = 'b'\nwhen = 'b.txt'\nstays_cached = 'RUN true'\n"
BROKEN = "[[claim]]\nname = 'a'\nwhen = 'a.txt'\nstays_cached = 'RUN true'\n"


@pytest.fixture
def checked(speedkit, folder, monkeypatch, tmp_path):
    """Runs `speedkit check` in a project with such a speedkit.toml: exit code, stdout and stderr."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))

    def run(limits: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.chdir(folder({**FILES, "speedkit.toml": limits}))
        return speedkit("check", *arguments)

    return run


def test_the_text_names_line_and_cause_and_the_exit_code_says_no(checked):
    code, out, _ = checked(HOLDS + BROKEN)
    assert code == 1
    assert "✓ b\n" in out
    assert "✗ a\n  Dockerfile:3: RUN true\n    It starts from the result of line 2" in out
    assert checked(HOLDS)[0] == 0


def test_sarif_and_markdown_go_to_stdout_and_annotations_to_stderr(checked, tmp_path):
    code, out, err = checked(BROKEN, "--format", "github", "--sarif", str(tmp_path / "out.sarif"))
    assert code == 1
    assert out.startswith("### ❌ ")
    assert err.startswith("::error file=Dockerfile,line=3,title=a::")
    _, printed, _ = checked(BROKEN, "--format", "sarif")
    assert json.loads(printed) == json.loads((tmp_path / "out.sarif").read_text())
    assert json.loads(checked(BROKEN, "--format", "json")[1])["ok"] is False


@pytest.mark.parametrize(
    ("limits", "arguments", "words"),
    [
        (HOLDS, ["--json", "--format", "sarif"], "are two forms"),
        (HOLDS, ["--sarif", "nowhere/out.sarif"], "cannot be written"),
        (HOLDS, ["--way", "Dockerfile", "-f", "Dockerfile"], "both a way and a Dockerfile"),
        ("[claim", [], "is no TOML"),
        ("[budgets]", [], "there is no such key"),
    ],
)
def test_misuse_is_told_with_the_exit_code_2(checked, limits, arguments, words):
    code, _, err = checked(limits, *arguments)
    assert code == 2
    assert words in err


def test_a_build_arg_that_looks_like_a_secret_is_nowhere_in_the_answer(checked):
    token = "ghp_0123456789abcdefghijABCDEFGHIJ012345"  # noqa: S105
    code, out, err = checked(BROKEN + f"[build_args]\nTOKEN = '{token}'\n", "--json")
    assert code == 1
    assert token not in out + err
