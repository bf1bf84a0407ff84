"""Patches that `git apply` takes, whatever the names, line ends and bytes of a file."""

from __future__ import annotations

import subprocess

import pytest

from speedkit.advice import unified_diff


@pytest.mark.parametrize(
    "name", ["Dockerfile", "a b/Dockerfile", "ä/Dockerfile", 'quote"d/back\\slash', "tab\there", "docker\udcff/x"]
)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\nb\nc\n", "a\nx\nc\n"),
        ("a\nb", "a\nb\nc"),
        ("a\nb", "a\nc\n"),
        ("a\r\nb\r\n", "a\r\nx\r\nb\r\n"),
        ("a\u2028b\x0cc\n", "a\u2028b\x0cd\n"),
        ("\udcff\n", "\udcff\n\udcfe\n"),
        (None, "a\nb\n"),
        ("a\nb\n", None),
        ("", "a"),
    ],
)
def test_git_applies_a_patch(name, before, after, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if before is not None:
        path.write_bytes(before.encode("utf-8", "surrogateescape"))
    patch = unified_diff(name, before, after).encode("utf-8", "surrogateescape")
    subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=tmp_path, input=patch, check=True)
    assert (path.read_bytes() if path.exists() else None) == (
        None if after is None else after.encode("utf-8", "surrogateescape")
    )


def test_nothing_is_written_where_nothing_changed():
    assert unified_diff("a", "b\n", "b\n") == ""
