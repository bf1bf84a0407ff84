"""Other Dockerfiles for a small project, judged by real builds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from speedkit.engine import connect
from speedkit.proof import smoke
from speedkit.state import state_home
from tests.strict_schema import check
from tests.waiting import HANG_SECONDS

from .conftest import AS_IS, SPLIT

pytestmark = pytest.mark.engine


@pytest.fixture
def judged(speedkit, tmp_path):
    """Judges the text of a Dockerfile with the program: its exit code and its document."""

    def run(project, text, *arguments):
        other = tmp_path / "Dockerfile.other"
        other.write_text(text)
        code, out, err = speedkit("judge", str(project), "--against", str(other), "--json", *arguments)
        assert out, err
        document = json.loads(out)
        check("judge", document)
        return code, document

    return run


def everything(folder):
    return {
        path: (path.lstat().st_mtime_ns, path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


def test_a_better_order_runs_fewer_steps_and_its_image_is_equal_but_for_noise(judged, project):
    before = everything(project)
    _, document = judged(project, SPLIT, "--commits", "2")
    proof = document["proof"]
    assert proof["equal"]
    assert proof["smoke"]
    assert [commit["subject"] for commit in proof["commits"]] == ["edit 2", "edit 3"]
    assert all(commit["patched_steps"] < commit["as_is_steps"] for commit in proof["commits"])
    judgements = {one["path"]: one["judgement"] for one in proof["differences"]}
    assert "/stamp" in judgements
    assert all(one["noise"] for one in proof["differences"])
    assert proof["stand_ins"] in ([], ["alpine"])
    # Nothing of the reader's is touched, and nothing of the proof is left.
    assert everything(project) == before
    assert [path.name for path in (state_home() / "work").glob("*") if project.name in path.name] == []
    images = connect().api.images()
    assert not [image for image in images if any(f"{project.name}:" in name for name in image.get("RepoTags") or ())]


def test_a_dockerfile_of_equal_length_is_not_taken_for_the_other_one(judged, project, git):
    (project / "Dockerfile").write_text("# a\n" + AS_IS)
    git(project, "commit", "-qam", "a comment")
    _, document = judged(project, "# b\n" + AS_IS, "--commits", "1")
    judgements = {one["path"]: one["noise"] for one in document["proof"]["differences"]}
    assert judgements["/src/Dockerfile"]
    assert document["proof"]["equal"]


def test_an_image_that_lacks_a_file_and_has_another_setting_is_not_equal(judged, project):
    code, document = judged(project, SPLIT.replace("cp /src/deps.txt /deps &&", "") + "ENV MODE=fast\n", "--commits", "1")
    assert code == 1
    assert document["proof"]["verdict"] == "not-equal"
    real = {one["path"] for one in document["proof"]["differences"] if not one["noise"]}
    assert real == {"/deps", "Env MODE"}
    assert "/deps" in document["why_not"]


def test_a_dockerfile_that_does_not_build_is_a_no_and_not_an_error(judged, project):
    code, document = judged(project, SPLIT + "RUN false\n", "--commits", "1")
    assert code == 1
    assert document["proof"]["verdict"] == "does-not-build"


def test_a_smoke_command_that_hangs_is_ended_and_said(judged, project, monkeypatch):
    monkeypatch.setattr(smoke, "OWN_SECONDS", 1.0)
    code, document = judged(project, AS_IS + "LABEL a=b\n", "--commits", "1", "--smoke", "sleep 1000")
    assert code == 1
    assert document["proof"]["smoke"] is False
    assert "1 s" in document["proof"]["smoke_said"]
    assert connect().api.containers(all=True, filters={"ancestor": f"speedkit/{project.name}:dockerfile-as-is"}) == []


def test_without_a_history_the_kit_edits_a_copy_and_says_so(judged, folder):
    place = folder({"Dockerfile": AS_IS, "deps.txt": "a\n", "main.txt": "1\n", "a.py": "x = 1\n"})
    before = everything(place)
    _, document = judged(place, SPLIT, "--commits", "1")
    proof = document["proof"]
    assert proof["history"] is False
    assert [commit["commit"] for commit in proof["commits"]] == ["a.py"]
    assert proof["notices"]
    assert proof["equal"]
    assert everything(place) == before


def test_commits_that_the_change_does_not_fit_and_unsaved_changes_are_said(judged, project, git):
    (project / "Dockerfile").write_text("# renamed\n" + AS_IS)
    git(project, "commit", "-qam", "a comment")
    (project / "Dockerfile").write_text(AS_IS.replace("sleep 1", "sleep 0"))
    _, document = judged(project, SPLIT.replace("sleep 1", "sleep 0"), "--commits", "2")
    proof = document["proof"]
    assert any("Dockerfile" in notice for notice in proof["notices"])
    assert proof["equal"]
    assert proof["commits"]


def test_a_build_that_asks_git_finds_the_commit_in_the_build_context(judged, folder, git):
    text = "FROM alpine\nCOPY . /src\nRUN cat /src/.git/HEAD > /commit && wc -c < /src/.git/index\n"
    place = folder({"Dockerfile": text, "a.txt": "1\n"})
    git(place, "init", "-q")
    for number in (1, 2):
        (place / "a.txt").write_text(f"{number}\n")
        git(place, "add", "-A")
        git(place, "commit", "-qm", f"edit {number}")
    _, document = judged(place, text.replace("COPY", "# the same\nCOPY"), "--commits", "1")
    assert document["proof"]["equal"]
    assert len(document["proof"]["commits"]) == 1


def test_an_original_that_does_not_build_is_an_error_that_says_so(speedkit, project, tmp_path):
    (project / "Dockerfile").write_text(AS_IS + "RUN false\n")
    (tmp_path / "other").write_text(AS_IS)
    code, _, err = speedkit("judge", str(project), "--against", str(tmp_path / "other"), "--commits", "1")
    assert code == 3
    assert "original" in err


def test_misuse_is_said_before_anything_is_built(speedkit, project, tmp_path):
    assert speedkit("judge", str(project), "--against", str(tmp_path / "nothing"))[0] == 2
    assert speedkit("judge", str(tmp_path / "nothing"), "--against", str(project / "Dockerfile"))[0] == 2
    assert speedkit("judge", str(project), "--against", str(project / "Dockerfile"))[0] == 2
    (tmp_path / "other").write_text(SPLIT)
    assert speedkit("judge", str(project), "--against", str(tmp_path / "other"), "--smoke", "'a")[0] == 2


@pytest.mark.slow
def test_ctrl_c_ends_the_build_keeps_the_recordings_and_leaves_nothing_else(project, tmp_path):
    (project / "Dockerfile").write_text(AS_IS.replace("sleep 1", "sleep 2"))
    other, home = tmp_path / "other", tmp_path / "home"
    other.write_text(SPLIT.replace("sleep 1", "sleep 600"))
    command = [sys.executable, "-m", "speedkit", "judge", str(project), "--against", str(other), "--commits", "1"]
    with subprocess.Popen(command, env=os.environ | {"SPEEDKIT_HOME": str(home)}, stderr=subprocess.PIPE) as program:
        # The second build is the one that does not end.
        assert program.stderr is not None
        assert b"as it is" in program.stderr.readline()
        program.send_signal(signal.SIGINT)
        try:
            _, err = program.communicate(timeout=HANG_SECONDS)
        finally:
            program.kill()
    assert program.returncode == 3
    assert b"Cancelled" in err
    assert list((home / "work").iterdir()) == []
    assert list((home / "recordings").glob("*as-is*"))
