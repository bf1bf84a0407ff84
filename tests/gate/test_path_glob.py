"""Globs match what bash matches, and take no longer for a hostile pattern."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speedkit.gate.path_glob import BadGlob, PathGlob

PATHS = (
    "a",
    "b.md",
    ".env",
    "ab",
    "src/a",
    "src/b.md",
    "src/.c",
    "src/d/a",
    "src/d/e/b.md",
    "d/src/a",
    "[x]",
    "a-b",
    "src/[a]",
)
PIECES = st.sampled_from(["*", "**", "?", "a", "b", "src", "d", ".", "[ab]", "[!a]", "[a-c]*", "*.md", "\\[", "e", ".*"])
GLOBS = st.lists(st.lists(PIECES, min_size=1, max_size=2).map("".join), min_size=1, max_size=4).map("/".join)
BASH = shutil.which("bash")


def matching(glob: str) -> list[str]:
    try:
        pattern = PathGlob(glob)
    except BadGlob:
        return []
    return [path for path in PATHS if pattern.matches(path)]


@pytest.mark.parametrize(
    ("glob", "paths"),
    [
        ("src/**", ["src/a", "src/b.md", "src/.c", "src/d/a", "src/d/e/b.md", "src/[a]"]),
        ("**/*.md", ["b.md", "src/b.md", "src/d/e/b.md"]),
        ("*.md", ["b.md"]),
        ("./src/*", ["src/a", "src/b.md", "src/.c", "src/[a]"]),
        ("src", []),
        ("**", list(PATHS)),
        ("src/**/a", ["src/a", "src/d/a"]),
        ("\\[x\\]", ["[x]"]),
        ("[]x[]*", ["[x]"]),
        ("a[+-]b", ["a-b"]),
    ],
)
def test_a_glob_matches_whole_paths_from_the_folder_on(glob, paths):
    assert matching(glob) == paths


@pytest.mark.skipif(BASH is None, reason="needs bash")
@settings(deadline=None, max_examples=5)
@given(globs=st.lists(GLOBS, min_size=40, max_size=40, unique=True))
def test_globs_match_as_in_bash(tmp_path_factory, globs):
    folder = tmp_path_factory.mktemp("tree")
    for path in PATHS:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")
    # In bash, `**` reaches into folders only as a whole name, too; without a match the word would stay as it is.
    lines = ["shopt -s globstar dotglob nullglob", "LC_ALL=C"]
    lines += [f'for one in {glob}; do [ -f "$one" ] && printf "%s\\t" "$one"; done; echo' for glob in globs]
    printed = subprocess.run([BASH, "-c", "\n".join(lines)], cwd=folder, capture_output=True, text=True, check=True).stdout
    in_bash = [sorted(set(filter(None, line.split("\t")))) for line in printed.split("\n")[: len(globs)]]
    for glob, paths in zip(globs, in_bash, strict=True):
        if {".", ".."} & set(glob.split("/")):
            continue  # not a path below the folder, and refused
        assert sorted(matching(glob)) == paths, glob


@pytest.mark.parametrize("glob", ["", "/a", "a//b", "a/", "../a", "a/./b", "[a", "a\\", "a\0b", "a" * 1001, "[z-a]"])
def test_what_is_no_glob_is_refused(glob):
    with pytest.raises(BadGlob):
        PathGlob(glob)


def test_a_hostile_glob_takes_no_longer_than_its_path():
    # A matcher that goes back would need longer than the universe is old.
    assert not PathGlob("**/" * 100 + "*a" * 200 + "b").matches("a/" * 500 + "a" * 5000)
    assert PathGlob("*").matches("a\nb")
    assert PathGlob("?").matches("\udcff")
