"""Which commits a proof builds, and what it finds of them in its folders. Nothing is built here."""

from __future__ import annotations

import subprocess

import pytest

from speedkit.engine import CommandOptions
from speedkit.errors import SpeedkitError
from speedkit.proof.git_status import hide_from_git
from speedkit.proof.project_states import CONTEXT, ProjectFolder
from speedkit.proof.proof_project import proof_project


@pytest.fixture
def folders():
    made = []

    def make(name):
        made.append(ProjectFolder(name))
        return made[-1]

    yield make
    for one in made:
        one.discard()


def titles(project, commits=9):
    return [state.title for state in proof_project(project).states(commits).states]


def test_commits_that_change_nothing_of_the_build_are_passed_over(project):
    states = proof_project(project).states(2)
    assert [state.title for state in states.states][1:] == ["edit 2", "edit 3"]
    assert states.has_history
    assert any("1 commit" in notice for notice in proof_project(project).notices_of_proof(states))


def test_a_shallow_clone_has_the_commits_that_it_has(project, tmp_path):
    subprocess.run(["git", "clone", "-q", "--depth", "3", project.as_uri(), str(tmp_path / "clone")], check=True)
    assert titles(tmp_path / "clone")[1:] == ["edit 3"]


def test_a_clone_of_one_commit_has_no_history_to_build(project, tmp_path):
    subprocess.run(["git", "clone", "-q", "--depth", "1", project.as_uri(), str(tmp_path / "clone")], check=True)
    states = proof_project(tmp_path / "clone").states(5)
    assert not states.has_history
    assert [state.id for state in states.states][:1] == ["as-is"]


def test_a_commit_without_the_dockerfile_is_written_without_it_and_the_others_are_whole(project, git, folders):
    for number, (before, after) in enumerate([("Dockerfile", "Dockerfile.old"), ("Dockerfile.old", "Dockerfile")]):
        git(project, "mv", before, after)
        git(project, "commit", "-qm", f"move {number}")
    states, folder = proof_project(project).states(3), folders("states")
    found = {}
    for number, state in enumerate(states.states):
        states.write(state, folder.path, time_ns=(number + 1) * 10**9)
        found[state.title] = (folder.path / CONTEXT / "Dockerfile").is_file()
        assert (folder.path / CONTEXT / "main.txt").is_file()
    assert found == {"edit 2": True, "edit 3": True, "move 0": False, "move 1": True}


def test_a_commit_whose_files_are_missing_is_an_error_with_words_and_the_next_one_is_whole(project, git, folders):
    states, folder = proof_project(project).states(2), folders("states")
    blob = git(project, "rev-parse", "HEAD~2:main.txt").strip()
    (project / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    first, broken, last = states.states
    states.write(first, folder.path, time_ns=10**9)
    with pytest.raises(SpeedkitError, match="lacks"):
        states.write(broken, folder.path, time_ns=2 * 10**9)
    states.write(last, folder.path, time_ns=3 * 10**9)
    assert (folder.path / CONTEXT / "main.txt").read_text() == "3\n"


def test_a_folder_becomes_another_one_file_by_file(tmp_path, folders):
    other, folder = tmp_path / "other", folders("mine")
    (other / "sub").mkdir(parents=True)
    (other / "a").write_text("a")
    (other / "sub" / "run").write_text("run")
    (other / "sub" / "run").chmod(0o755)
    (other / "link").symlink_to("a")
    folder.become(other, {"a": b"changed", "sub/new": b"new"}, time_ns=10**9)
    assert (folder.path / "a").read_text() == "changed"
    assert (folder.path / "sub" / "new").read_text() == "new"
    assert (folder.path / "sub" / "run").stat().st_mode & 0o777 == 0o755
    assert (folder.path / "link").readlink().name == "a"
    assert (other / "a").read_text() == "a"
    assert folders("a").context.name != folders("a").context.name
    (other / "link").unlink()
    (other / "link").mkdir()
    folder.become(other, {"sub/run": None}, time_ns=2 * 10**9)
    assert sorted(path.relative_to(folder.path).as_posix() for path in folder.path.rglob("*")) == ["a", "link", "sub"]
    assert (folder.path / "a").read_text() == "a"


def test_a_base_that_the_user_names_is_in_every_build_of_the_proof(project):
    assert proof_project(project, options=CommandOptions(bases={"alpine": "mine"})).way.options.bases == {"alpine": "mine"}


def test_git_in_a_build_does_not_see_what_the_proof_changes(project, git, folders):
    (project / ".dockerignore").unlink()
    git(project, "commit", "-qam", "everything is sent")
    states, folder, variant = proof_project(project).states(1), folders("states"), folders("variant")
    changed = {f"{CONTEXT}/Dockerfile": b"FROM scratch\n", f"{CONTEXT}/.dockerignore": b"docs\n"}
    for number, state in enumerate(states.states, 1):
        states.write(state, folder.path, time_ns=number * 10**9)
        if (folder.path / CONTEXT / ".git").exists():
            hide_from_git(folder.path / CONTEXT, ["Dockerfile", ".dockerignore"], time_ns=number * 10**9)
        variant.become(folder.path, changed, time_ns=number * 10**9)
    assert git(variant.context, "rev-parse", "HEAD").strip() == states.states[-1].id
    assert git(variant.context, "status", "--porcelain") == ""
    (variant.context / "main.txt").unlink()
    assert git(variant.context, "status", "--porcelain") == " D main.txt\n"
