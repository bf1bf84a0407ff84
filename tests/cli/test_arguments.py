"""What is typed behind an option."""

from __future__ import annotations

import re
import subprocess

import pytest
import typer

from speedkit.apps import SAMPLE_LANGUAGES
from speedkit.cli.arguments import parse_size


def test_a_size_is_read_with_its_unit():
    assert [parse_size(text) for text in ("1500", "20MB", "1.5GiB")] == [1500, 20_000_000, 1_610_612_736]


@pytest.mark.parametrize("text", ["", "much", "9" * 400, "1e999"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(typer.BadParameter, match="is not a size"):
        parse_size(text)


OF_DOCKER = ("--secret", "--ssh", "--build-context", "--platform", "--label", "--tag", "--network", "--add-host", "--ulimit")


@pytest.mark.parametrize("verb", ["build", "predict", "compare", "replay", "advise", "judge"])
def test_a_verb_has_the_options_of_docker_build(speedkit, verb):
    code, out, _ = speedkit(verb, "--help")
    assert code == 0
    assert {*OF_DOCKER, "--shm-size", "--build-arg", "--target"} <= set(out.split())


@pytest.mark.parametrize("verb", ["build", "predict", "compare", "advise"])
@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--platform", "nonsense/x/y/z"), "--platform linux/arm64"),
        (("--platform", "linux/amd64,linux/arm64"), "Build for one of them"),
        (("--secret", "token"), "id=NAME,src=FILE"),
        (("--ssh", "=x"), "--ssh default"),
        (("--build-context", "x"), "NAME=FOLDER"),
        (("--build-context", "x=missing"), "does not exist"),
        (("--network", "mine"), "default, none or host"),
        (("--add-host", "x"), "NAME:ADDRESS"),
        (("--ulimit", "nofile"), "NAME=SOFT:HARD"),
        (("--shm-size", "x"), "1g"),
        (("--label", "dev.speedkit=x"), "speedkit's own"),
        (("--tag", "speedkit/x"), "its own images"),
        (("--build-arg", "SPEEDKIT_UNSET_VARIABLE"), "has no value"),
    ],
)
def test_a_malformed_option_is_misuse_whose_fix_names_the_form(speedkit, folder, verb, option, words):
    place = folder({"Dockerfile": "FROM scratch\nCOPY a /\n", "a": "a"})
    code, out, err = speedkit(verb, str(place), *option)
    assert (code, out) == (2, "")
    assert words in " ".join(err.split())


@pytest.mark.parametrize("verb", ["build", "compare"])
@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--secret", "id=x,src=missing"), "missing of the secret x does not exist"),
        (("--ssh", "default"), "needs an SSH agent"),
        (("--ssh", "key=missing"), "does not exist"),
    ],
)
def test_a_secret_that_is_not_there_is_misuse_before_anything_is_built(speedkit, folder, verb, option, words, monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    place = folder({"Dockerfile": "FROM scratch\nCOPY a /\n", "a": "a"})
    code, _, err = speedkit(verb, str(place), *option)
    assert code == 2
    assert words in " ".join(err.split())
    assert speedkit("predict", str(place), *option)[0] == 0


@pytest.mark.parametrize("verb", ["replay", "advise", "report", "judge", "check", "build", "predict", "compare"])
def test_the_cure_for_a_missing_dockerfile_names_only_options_of_the_verb(speedkit, tmp_path, verb):
    project = tmp_path / "project"
    project.mkdir()
    for command in (["init", "-q"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x", "--allow-empty"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    against = ["--against", str(tmp_path / "Dockerfile")] if verb == "judge" else []
    code, _, stderr = speedkit(verb, str(project), *against)
    _, usage, _ = speedkit(verb, "--help")
    assert code == 2
    for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", stderr):
        assert re.search(rf"(?<![\w-]){re.escape(option)}\b", usage), option


def test_compare_takes_a_folder_or_the_sample_app_of_a_language_that_has_one(speedkit, tmp_path):
    for arguments, fix in (([str(tmp_path), "--app", "rust"], "not both"), (["--app", "cobol"], "Use one of: go, python")):
        code, _, stderr = speedkit("compare", *arguments)
        assert code == 2, arguments
        assert fix in stderr
    _, usage, _ = speedkit("compare", "--help")
    assert all(language in usage for language in SAMPLE_LANGUAGES)


def test_compare_takes_another_dockerfile_of_the_folder(speedkit, tmp_path):
    other = tmp_path / "other.Dockerfile"
    other.write_text("FROM scratch\n")
    for arguments, fix in (
        (["-f", str(other)], "Name a folder before -f"),
        ([str(tmp_path), "-f", str(other), "--way", "x"], "Give --way or -f"),
        ([str(tmp_path), "-f", str(other), "-e", "no-such-file"], "FILE=OTHER"),
    ):
        code, _, stderr = speedkit("compare", *arguments)
        assert code == 2, arguments
        assert fix in stderr
