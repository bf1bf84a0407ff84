"""What a folder becomes as a build context."""

from __future__ import annotations

import os
import shutil

import pytest

from speedkit.context import IgnorePatterns, Manifest, ReadingStopped, read_context, read_files_again, read_ignore_file
from speedkit.errors import FileRefused, Misuse, NotAFolder, RecordingError
from tests.unprivileged import needs_root, run_as_nobody


def _paths(manifest):
    return [entry.path for entry in manifest.entries]


def _read(folder, **options):
    return read_context(folder, dockerfile=folder / "Dockerfile", **options)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.go").write_text("package main\n")
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "link").symlink_to("a.txt")
    return tmp_path


def test_entries_have_kind_size_mode_digest_and_link(place):
    (place / "a.txt").chmod(0o755)
    found = _read(place).by_path
    assert list(found) == ["a.txt", "link", "src", "src/main.go"]
    assert (found["a.txt"].kind, found["a.txt"].size_bytes, found["a.txt"].mode) == ("file", 1, 0o755)
    assert found["a.txt"].digest == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert (found["link"].kind, found["link"].link, found["link"].digest) == ("symlink", "a.txt", "")
    assert found["src"].kind == "dir"
    assert _read(place).size_bytes == 14


def test_an_ignore_file_leaves_out_and_brings_back(place):
    (place / ".dockerignore").write_text("src\n*.txt\n!src/main.go\n")
    manifest = _read(place)
    assert _paths(manifest) == [".dockerignore", "link", "src", "src/main.go"]
    assert manifest.ignore_file == ".dockerignore"


def test_the_ignore_file_of_the_dockerfile_comes_first(place):
    (place / ".dockerignore").write_text("src\n")
    (place / "Dockerfile.dockerignore").write_text("*.txt\n")
    manifest = _read(place)
    assert "src/main.go" in _paths(manifest)
    assert "a.txt" not in _paths(manifest)
    assert manifest.ignore_file == "Dockerfile.dockerignore"


def test_an_ignore_file_beside_a_dockerfile_elsewhere_is_named(place, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "My.Dockerfile"
    elsewhere.with_name("My.Dockerfile.dockerignore").write_text("a.txt\n")
    manifest = read_context(place, dockerfile=elsewhere)
    assert manifest.ignore_file == "My.Dockerfile.dockerignore"
    assert "a.txt" not in _paths(manifest)


def test_what_did_not_change_is_not_read_again(place):
    before = _read(place)
    stamp = (place / "a.txt").stat().st_mtime_ns
    (place / "a.txt").write_text("b")
    os.utime(place / "a.txt", ns=(stamp, stamp))
    assert _read(place, previous=before).by_path["a.txt"] is before.by_path["a.txt"]
    os.utime(place / "a.txt", ns=(stamp + 1, stamp + 1))
    assert _read(place, previous=before).by_path["a.txt"].digest != before.by_path["a.txt"].digest


def test_a_change_of_mode_or_size_is_seen_at_the_same_time(place):
    before = _read(place)
    stamp = (place / "a.txt").stat().st_mtime_ns
    (place / "a.txt").chmod(0o600)
    assert _read(place, previous=before).by_path["a.txt"].mode == 0o600
    (place / "a.txt").write_text("longer")
    os.utime(place / "a.txt", ns=(stamp, stamp))
    assert _read(place, previous=before).by_path["a.txt"].size_bytes == 6


def test_a_pipe_is_of_another_kind(place):
    os.mkfifo(place / "pipe")
    assert _read(place).by_path["pipe"].kind == "other"


def test_extended_attributes_count(place):
    before = _read(place).by_path["a.txt"].digest
    try:
        os.setxattr(place / "a.txt", "user.speedkit", b"1")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    assert _read(place).by_path["a.txt"].digest != before


def test_a_manifest_survives_json(place):
    (place / os.fsdecode(b"not-utf8-\xff")).write_text("x")
    manifest = _read(place)
    assert Manifest.from_json(manifest.to_json()) == manifest


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"entries":[],"columns":[],"ignore_file":""}', "[" * 100_000, '{"entries": 3, "columns": null}'],
)
def test_anything_else_is_no_manifest(text):
    with pytest.raises(RecordingError):
        Manifest.from_json(text)


def test_a_manifest_with_a_broken_row_is_refused(place):
    text = _read(place).to_json().replace('"symlink"', '"wormhole"')
    with pytest.raises(RecordingError):
        Manifest.from_json(text)


def test_a_manifest_with_a_path_of_nothing_is_refused(place):
    text = _read(place).to_json().replace('"a.txt"', '""')
    with pytest.raises(RecordingError):
        Manifest.from_json(text)


def test_a_missing_folder_is_not_a_context(tmp_path):
    with pytest.raises(NotAFolder):
        _read(tmp_path / "nowhere")


def test_an_unreadable_folder_says_so(place, monkeypatch):
    real = os.scandir

    def refuse(path):
        if str(path).rstrip("/").endswith("src"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(FileRefused) as caught:
        _read(place)
    assert "src/" in caught.value.what


def test_lines_are_cleaned():
    text = "\ufeff# comment\n\n /a/ \n! b\n!\n./c/../d\n #no\n//e\n/\n"
    assert read_ignore_file(text) == ("a", "!b", "!", "d", "#no", "e", "/")


MATCHES = {
    ("*", "a"): True,
    ("*", "a/b"): False,
    ("**", "a/b/c"): True,
    ("a/**", "a/b/c"): True,
    ("a/**", "a"): False,
    ("**/a", "a"): True,
    ("**/a", "x/y/a"): True,
    ("**/a", "xa"): False,
    ("**a", "x/ya"): True,
    ("a?c", "abc"): True,
    ("a?c", "a/c"): False,
    ("[a-c]x", "bx"): True,
    ("[^a]x", "bx"): True,
    ("\\*", "*"): True,
    ("\\*", "x"): False,
    ("a.b", "axb"): False,
    ("a/**/b", "a/b"): True,
    ("a/**/b", "a/x/y/b"): True,
    ("*.md", "readme.md"): True,
    ("é", "é"): True,
}


@pytest.mark.parametrize("pattern", MATCHES)
def test_patterns_match_as_in_buildkit(pattern):
    text, path = pattern
    assert IgnorePatterns((text,)).match(path, ())[0] is MATCHES[pattern]


@pytest.mark.parametrize("pattern", ["[", "[]", "[a", "a\\", "[^]", "!", "[-]", "[a-]*", "[a\\]", "[a-\\"])
def test_patterns_that_buildkit_rejects_are_refused(pattern):
    with pytest.raises(Misuse):
        IgnorePatterns((pattern,))


def test_the_last_matching_line_wins():
    patterns = IgnorePatterns(("*.md", "!readme.md", "readme.*"))
    assert patterns.match("readme.md", ())[0] is True
    assert IgnorePatterns(("*.md", "!readme.md")).match("readme.md", ())[0] is False


def test_only_folders_that_exceptions_can_lie_in_are_searched():
    patterns = IgnorePatterns(("node_modules", "!node_modules/keep/x", "!other/*"))
    assert patterns.may_hold_exceptions("node_modules")
    assert not patterns.may_hold_exceptions("vendor")
    assert IgnorePatterns(("a", "!**/x")).may_hold_exceptions("anything")


def test_a_manifest_is_made_of_anothers_entries_where_they_are_equal(tmp_path):
    (tmp_path / "same").write_text("a")
    (tmp_path / "changed").write_text("a")
    before = read_context(tmp_path, dockerfile=tmp_path / "Dockerfile")
    (tmp_path / "changed").write_text("another")
    now = read_context(tmp_path, dockerfile=tmp_path / "Dockerfile")
    made = now.made_of(before)
    assert made == now
    assert made.by_path["same"] is before.by_path["same"]
    assert made.by_path["changed"] is now.by_path["changed"]


def test_named_files_are_read_again_and_the_others_taken_for_what_they_were(place):
    before = _read(place)
    (place / "a.txt").write_text("changed")
    (place / "src" / "main.go").write_text("package other\n")
    again = read_files_again(place, before, ["a.txt"])
    assert again.by_path["a.txt"] == _read(place).by_path["a.txt"] != before.by_path["a.txt"]
    assert again.by_path["src/main.go"] is before.by_path["src/main.go"]
    assert _paths(again) == _paths(before)
    assert read_files_again(place, before, []) == before


@pytest.mark.parametrize("name", ["new.txt", "gone.txt", "docs/.dockerignore"])
def test_what_came_went_or_ignores_is_not_told_without_the_other_files(place, name):
    (place / "gone.txt").write_text("soon")
    (place / "docs").mkdir()
    (place / "docs" / ".dockerignore").write_text("x")
    before = _read(place)
    (place / "gone.txt").unlink()
    (place / "new.txt").write_text("new")
    assert read_files_again(place, before, ["a.txt", name]) is None


@needs_root
@pytest.mark.slow
def test_a_folder_that_may_be_listed_and_not_entered_is_refused_by_name():
    done = run_as_nobody("""
from pathlib import Path
from speedkit.context import read_context
from speedkit.errors import FileRefused
Path("listed").mkdir()
Path("listed/file").write_text("text")
Path("listed").chmod(0o444)
try:
    read_context(Path(), dockerfile=Path("Dockerfile"))
except FileRefused as problem:
    print(problem.what)
""")
    assert done.stdout == "listed/file in the build context cannot be read: Permission denied.\n", done.stderr


def test_what_changes_while_it_is_read_is_left_out_or_named(place, monkeypatch):
    """The moments are those between two system calls, so the calls themselves are made to find something else."""
    scandir, readlink = os.scandir, os.readlink

    def folder_is_removed_before(path):
        if str(path).rstrip("/").endswith("src"):
            shutil.rmtree(place / "src", ignore_errors=True)
        return scandir(path)

    def link_is_replaced_before(path, **options):
        if os.fspath(path) == os.fspath(place / "link"):  # and not the ignore file, which is looked at before
            place.joinpath("link").unlink()
            place.joinpath("link").write_text("a file now")
        return readlink(path, **options)

    monkeypatch.setattr(os, "scandir", folder_is_removed_before)
    assert "src/main.go" not in _paths(_read(place))
    monkeypatch.setattr(os, "readlink", link_is_replaced_before)
    with pytest.raises(FileRefused, match="link in the build context cannot be read"):
        _read(place)


def test_reading_stops_between_files_and_within_one_when_nobody_needs_it_any_more(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}").write_bytes(b"x" * (3 << 20))
    asked: list[bool] = []

    def is_over() -> bool:
        asked.append(len(asked) >= 6)
        return asked[-1]

    with pytest.raises(ReadingStopped):
        read_context(tmp_path, dockerfile=tmp_path / "Dockerfile", is_over=is_over)
    assert asked == [False] * 6 + [True]


def test_an_ignored_folder_that_is_removed_while_it_is_read_is_left_out_with_its_files(tmp_path):
    """`!` brings back files in it, so that the folder's own entry is made last."""
    ignored = tmp_path / "ignored"
    ignored.mkdir()
    (ignored / "again.txt").write_text("a")
    (ignored / "last.txt").write_text("b")
    (tmp_path / ".dockerignore").write_text("*\n!ignored/*.txt\n")
    assert _paths(_read(tmp_path)) == ["ignored", "ignored/again.txt", "ignored/last.txt"]
    questions = iter(["of .dockerignore", "of the folder", "of again.txt", "of its content", "of last.txt"])

    def removes_it_before_the_last_file():
        if next(questions) == "of last.txt":
            shutil.rmtree(ignored)
        return False

    assert _paths(_read(tmp_path, is_over=removes_it_before_the_last_file)) == []
