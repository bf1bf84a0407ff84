"""Advice for small projects, with and without proof."""

from __future__ import annotations

import json
import subprocess

import pytest

from speedkit.advice import Suggestion
from speedkit.proof import Advice, advice_with_proof, advise
from tests.strict_schema import check

from .conftest import AS_IS, GAIN_SECONDS, SPLIT, long_step

GO = "FROM golang:1.24 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\nFROM scratch\nCOPY --from=build /app /app\n"


@pytest.fixture
def advised(speedkit):
    """The program's advice for a folder: its exit code and its document."""

    def run(project, *arguments):
        code, out, err = speedkit("advise", str(project), "--json", *arguments)
        assert out, err
        document = json.loads(out)
        check("advise", document)
        return code, document

    return run


@pytest.fixture
def rules(monkeypatch):
    """Rules that suggest these Dockerfiles, by their names, in place of the kit's own rules."""

    def put(**texts):
        def suggestion(view, names):
            made = [texts[name] for name in names]
            return Suggestion.of(view, "+".join(names), "because", {"Dockerfile": made[-1]})

        monkeypatch.setattr(
            advice_with_proof, "suggest", lambda view: [suggestion(view, [name]) for name in texts if name != "all"]
        )

        def combined(view, without=()):
            names = [name for name in texts if name != "all" and name not in without]
            if len(names) == len(texts) - 1 and "all" in texts:
                return Suggestion.of(view, "+".join(names), "because", {"Dockerfile": texts["all"]})
            return suggestion(view, names) if names else None

        monkeypatch.setattr(advice_with_proof, "combined", combined)

    return put


def test_a_project_without_anything_to_change_gets_no_advice(advised, folder, git):
    place = folder({"Dockerfile": "FROM alpine\nCMD true\n"})
    git(place, "init", "-q")
    git(place, "add", "-A")
    git(place, "commit", "-qm", "start")
    assert advised(place) == (0, {"advice": [], "tried": [], "notices": []})
    assert advised(place, "--prove") == (0, {"advice": [], "tried": [], "notices": []})


def test_the_patch_applies_to_the_file_in_the_folder_even_with_changes_that_are_not_committed(advised, folder, git, tmp_path):
    place = folder({"Dockerfile": GO, "go.mod": "module a\n", "main.go": "package main\n"})
    git(place, "init", "-q")
    git(place, "add", "-A")
    git(place, "commit", "-qm", "start")
    (place / "Dockerfile").write_text("# new\n" + GO)
    code, document = advised(place, "--write", str(tmp_path / "patch.diff"))
    assert code == 0
    assert any("not committed" in notice for notice in document["notices"])
    assert document["advice"][0]["proof"] is None
    assert (tmp_path / "patch.diff").read_text() == document["advice"][0]["patch"]
    subprocess.run(["git", "apply", str(tmp_path / "patch.diff")], cwd=place, check=True)
    assert (place / "Dockerfile").read_text().startswith("# new\n")
    assert "--mount=type=cache" in (place / "Dockerfile").read_text()


@pytest.mark.engine
def test_what_is_proven_is_the_only_advice(advised, long_project, rules):
    rules(split=long_step(SPLIT))
    code, document = advised(long_project, "--prove", "--commits", "2")
    assert code == 0
    [piece] = document["advice"]
    assert piece["proof"]["equal"]
    assert piece["proof"]["verdict"] == "better"
    # The replay learns the seconds of steps from the builds of the proof.
    assert piece["predicted_seconds_saved"] is not None
    assert document["tried"] == []


@pytest.mark.engine
def test_a_rule_whose_image_differs_is_left_out_of_the_patch_and_named(advised, long_project, rules):
    wrong = long_step(AS_IS).replace("cp /src/deps.txt /deps", "cp /src/deps.txt /elsewhere")
    rules(
        split=long_step(SPLIT),
        wrong=wrong,
        all=long_step(SPLIT).replace("cp /src/deps.txt /deps", "cp /src/deps.txt /elsewhere"),
    )
    _, document = advised(long_project, "--prove", "--commits", "1")
    assert [piece["rule"] for piece in document["advice"]] == ["split"]
    assert document["advice"][0]["proof"]["equal"]
    assert [piece["rule"] for piece in document["tried"]] == ["all", "wrong"]
    assert all("/deps" in piece["why_not"] or "/elsewhere" in piece["why_not"] for piece in document["tried"])
    assert [part["rule"] for part in document["tried"][0]["parts"]] == ["split", "wrong"]


@pytest.mark.engine
def test_a_change_that_saves_nothing_is_tried_and_not_advised(advised, project, rules):
    rules(comment="# nothing\n" + AS_IS)
    _, document = advised(project, "--prove", "--commits", "1")
    assert document["advice"] == []
    assert [piece["proof"]["verdict"] for piece in document["tried"]] == ["no-gain"]
    assert document["tried"][0]["why_not"]


@pytest.mark.engine
@pytest.mark.long
def test_a_rule_that_is_worth_it_alone_is_found_when_all_together_save_nothing(advised, long_project, rules):
    def slower(text):
        return text.replace("cat /src/main.txt", f"sleep {GAIN_SECONDS + 1} && cat /src/main.txt")

    rules(split=long_step(SPLIT), slow=slower(long_step(AS_IS)), all=slower(long_step(SPLIT)))
    _, document = advised(long_project, "--prove", "--commits", "1")
    assert [piece["rule"] for piece in document["advice"]] == ["split"]
    assert document["advice"][0]["proof"]["verdict"] == "better"
    assert [piece["rule"] for piece in document["tried"]] == ["all", "slow"]


def test_python_gives_the_same(folder):
    advice = advise(folder({"Dockerfile": GO, "go.mod": "module a\n", "main.go": "package main\n"}))
    assert isinstance(advice, Advice)
    assert "--mount=type=cache" in advice.patch
    assert "no git repository" in " ".join(advice.notices)


def test_a_secret_in_a_line_of_the_patch_is_only_in_the_file_that_is_asked_for(advised, folder, tmp_path):
    planted = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    place = folder(
        {
            "Dockerfile": GO.replace("COPY . .", f"COPY . .\nENV TOKEN={planted}"),
            "go.mod": "module a\n",
            "main.go": "package main\n",
        }
    )
    _, document = advised(place, "--write", str(tmp_path / "patch.diff"))
    assert planted not in json.dumps(document)
    assert any("--write" in notice for notice in document["notices"])
    assert planted in (tmp_path / "patch.diff").read_text()
    assert planted not in advise(place)._repr_html_()


def test_a_dockerfile_that_cannot_be_read_is_an_error(speedkit, folder):
    code, _, err = speedkit("advise", str(folder({"Dockerfile": "FROM alpine\nNONSENSE\n"})))
    assert code == 3
    assert "NONSENSE" in err
