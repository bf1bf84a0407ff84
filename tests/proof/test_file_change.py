"""A change of a file as a patch for git, and in other versions of the file."""

from __future__ import annotations

import subprocess

import pytest

from speedkit.proof.file_change import DoesNotFit, FileChange, apply_changes, unified_patch

BEFORE = b"FROM alpine\nRUN one\nRUN two\nRUN three\nRUN four\nRUN five\n"
AFTER = BEFORE.replace(b"RUN two\n", b"RUN two, better\n")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("Dockerfile", BEFORE, AFTER),
        ("Dockerfile", BEFORE.replace(b"\n", b"\r\n"), AFTER.replace(b"\n", b"\r\n")),
        ("Dockerfile", BEFORE, AFTER[:-1]),
        ("Dockerfile", BEFORE[:-1], AFTER),
        (".dockerignore", None, b".git\n"),
        ("sub/my Dockerfile", BEFORE, AFTER),
        ("sub/Dockerf\xefle", BEFORE, AFTER),
        ("Dockerfile", b"RUN caf\xe9\n", b"RUN caf\xe9 au lait\n"),
    ],
)
def test_git_takes_the_patch_and_makes_the_file_of_it_byte_for_byte(tmp_path, name, before, after):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    if before is not None:
        file.write_bytes(before)
    patch = FileChange(name, before, after).patch.encode("utf-8", "surrogateescape")
    subprocess.run(["git", "apply"], input=patch, cwd=tmp_path, check=True)
    assert file.read_bytes() == after


def test_a_change_moves_with_its_lines_into_another_version_of_the_file():
    change = FileChange("Dockerfile", BEFORE, AFTER)
    older = b"# older\n" + BEFORE.replace(b"RUN five\n", b"")
    assert change.applied_to(older) == b"# older\n" + AFTER.replace(b"RUN five\n", b"")
    assert change.applied_to(BEFORE) == AFTER
    assert change.applied_to(AFTER) == AFTER


def test_a_change_of_lines_that_were_different_does_not_fit():
    change = FileChange("Dockerfile", BEFORE, AFTER)
    with pytest.raises(DoesNotFit, match="Dockerfile"):
        change.applied_to(BEFORE.replace(b"RUN two", b"RUN 2"))
    with pytest.raises(DoesNotFit):
        change.applied_to(None)
    with pytest.raises(DoesNotFit):
        FileChange(".dockerignore", None, b".git\n").applied_to(b"docs\n")


def test_several_files_change_together():
    changes = [FileChange("Dockerfile", BEFORE, AFTER), FileChange(".dockerignore", None, b".git\n")]
    assert apply_changes(changes, {"Dockerfile": BEFORE}) == {"Dockerfile": AFTER, ".dockerignore": b".git\n"}
    assert unified_patch(changes).count("diff --git") == 2
    assert unified_patch([FileChange("Dockerfile", BEFORE, BEFORE)]) == ""
