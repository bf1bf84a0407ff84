"""Pipes, devices, links out of the folder, huge files: whatever reads or writes them ends, and says what is the matter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from speedkit.apps import app_in_place, append_line, own_app, replacement
from speedkit.builds.build_inputs import dockerfile_text
from speedkit.context import read_context
from speedkit.errors import FileRefused, NoDockerfile
from tests.unprivileged import needs_root, run_as_nobody

FILES = {"Dockerfile": "FROM scratch\nCOPY . /\n", "a.txt": "a\n"}


@pytest.fixture
def place(folder):
    return folder(FILES)


@pytest.mark.slow
def test_a_workbench_of_links_to_devices_and_pipes_and_of_huge_files_needs_little_memory(place):
    """In a process that may have 3 GB of address space, as long as it takes."""
    (place / "zero").symlink_to("/dev/zero")
    os.mkfifo(place / "pipe")
    (place / "to-pipe").symlink_to("pipe")
    (place / "outside-pipe").symlink_to(place / "pipe")
    with (place / "huge.bin").open("wb") as file:
        file.truncate(3_000_000_000)
    (place / "to-huge").symlink_to(place / "huge.bin")
    (place / ".dockerignore").write_text("huge.bin\n")
    code = f"""
import os, resource
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
import speedkit as sk
with sk.app({str(place)!r}) as app:
    os.mkfifo(app.folder / "pipe")
    (app.folder / "new.bin").open("wb").truncate(3_000_000_000)
    bench = sk.Workbench(app, forecaster=lambda *_: [])
    print(sorted((file["path"], file["state"]) for file in bench.files))
    bench.close()
    print(app.text_files())
    print(app.changed())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files, texts, changed = done.stdout.splitlines()
    assert "('zero', 'refused')" in files
    assert "('to-pipe', 'refused')" in files
    assert "('new.bin', 'refused')" in files
    assert texts == "('.dockerignore', 'Dockerfile', 'a.txt')"
    assert changed == "('new.bin',)"


@pytest.mark.parametrize("leads_to", ["/dev/zero", "pipe", "../outside.txt", "/etc/hostname", "sub", "loop", "nowhere"])
def test_nothing_is_read_or_written_through_a_link_that_leads_elsewhere(place, leads_to):
    (place / "sub").mkdir()
    (place.parent / "outside.txt").write_text("theirs\n")
    with own_app(place) as app:
        os.mkfifo(app.folder / "pipe")
        (app.folder / "loop").symlink_to("loop")
        outside = app.folder.parent / "outside.txt"
        outside.write_text("theirs\n")
        (app.folder / "link").symlink_to(leads_to)
        with pytest.raises(FileRefused):
            app.read("link")
        if leads_to != "nowhere":
            with pytest.raises(FileRefused):
                app.write("link", "mine\n")
            for edit in (append_line("link", "x"), replacement("link", place / "a.txt")):
                with pytest.raises(Exception, match=r"link|leads"):
                    edit.make(app.folder)
        assert outside.read_text() == "theirs\n"
        outside.unlink()


def test_a_pipe_in_place_of_a_file_is_refused_and_reset_puts_the_file_back(place):
    with own_app(place) as app:
        (app.folder / "a.txt").unlink()
        os.mkfifo(app.folder / "a.txt")
        with pytest.raises(FileRefused, match="It is a pipe, not a file"):
            app.read("a.txt")
        with pytest.raises(FileRefused, match="It is a pipe, not a file"):
            app.write("a.txt", "x")
        app.reset("a.txt")
        assert app.read("a.txt") == "a\n"


@pytest.mark.parametrize("source", ["pipe", "/dev/zero", "huge.bin", "folder", "nothing"])
def test_a_file_is_not_replaced_by_what_is_none(place, source):
    os.mkfifo(place / "pipe")
    (place / "folder").mkdir()
    with (place / "huge.bin").open("wb") as file:
        file.truncate(3_000_000_000)
    (place / ".dockerignore").write_text("huge.bin\n")
    with own_app(place) as app:
        with pytest.raises(FileRefused, match="cannot be read"):
            replacement("a.txt", place / source).make(app.folder)
        assert app.read("a.txt") == "a\n"


def test_an_edit_that_finds_no_room_leaves_the_file_as_it_was(place, monkeypatch):
    with own_app(place) as app:

        def full(path: Path, _data: bytes) -> None:
            raise OSError(28, "No space left on device", str(path))

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(FileRefused, match=r"a\.txt cannot be written: No space left on device"):
            app.write("a.txt", "b\n")
        assert app.read("a.txt") == "a\n"
        assert [path.name for path in app.folder.parent.iterdir() if path.name.startswith(f".{app.folder.name}")] == []


def test_an_edit_keeps_the_permissions_of_a_file_and_the_link_to_it(place):
    (place / "a.txt").chmod(0o755)
    (place / "link").symlink_to("a.txt")
    with own_app(place) as app:
        app.write("link", "b\n")
        assert (app.folder / "link").is_symlink()
        assert (app.folder / "a.txt").read_text() == "b\n"
        assert (app.folder / "a.txt").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", [".dockerignore", "Dockerfile.dockerignore"])
@pytest.mark.parametrize("what", ["pipe", "zero", "huge"])
def test_an_ignore_file_that_is_none_never_holds_a_build_up(place, name, what):
    if what == "pipe":
        os.mkfifo(place / name)
    elif what == "zero":
        (place / name).symlink_to("/dev/zero")
    else:
        with (place / name).open("wb") as file:
            file.truncate(3_000_000_000)
        for call in (lambda: read_context(place, dockerfile=place / "Dockerfile"), lambda: own_app(place)):
            with pytest.raises(FileRefused, match="at most 10 MB"):
                call()
        return
    assert "a.txt" in read_context(place, dockerfile=place / "Dockerfile").by_path
    own_app(place).close()


# Dockerfiles


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: os.mkfifo(path), "is a pipe, not a Dockerfile"),
        (lambda path: path.mkdir(), "is a folder, not a Dockerfile"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, not a Dockerfile"),
        (lambda path: path.symlink_to("nowhere"), "leads nowhere"),
        (lambda path: path.symlink_to("Dockerfile"), "symbolic links"),
    ],
)
def test_what_is_called_dockerfile_and_is_none_is_named_as_what_it_is(folder, make, words):
    place = folder({"a.txt": "a"})
    make(place / "Dockerfile")
    for call in (
        lambda: own_app(place),
        lambda: own_app(place, "Dockerfile"),
        lambda: app_in_place(place),
        lambda: app_in_place(place, dockerfile=Path("Dockerfile")),
    ):
        with pytest.raises(FileRefused, match=words):
            call()


def test_a_huge_dockerfile_is_refused_and_one_that_is_not_there_is_no_other_error(place):
    with (place / "Dockerfile").open("wb") as file:
        file.truncate(3_000_000_000)
    with pytest.raises(FileRefused, match="at most 16 MB"):
        dockerfile_text(place / "Dockerfile")
    for name in ("nothing", "a.txt/nothing"):
        with pytest.raises(NoDockerfile):
            dockerfile_text(place / name)


@needs_root
@pytest.mark.slow
def test_a_dockerfile_or_folder_that_cannot_be_read_is_told_by_its_permission():
    code = """
from pathlib import Path
from speedkit.apps import app_in_place, own_app
from speedkit.builds.build_inputs import dockerfile_text
place = Path(sys.argv[1])
(place / "Dockerfile").write_text("FROM scratch"); (place / "Dockerfile").chmod(0)
(place / "closed").mkdir(); (place / "closed/Dockerfile").write_text("FROM scratch"); (place / "closed").chmod(0)
(place / "listed").mkdir(); (place / "listed/Dockerfile").write_text("FROM scratch"); (place / "listed").chmod(0o444)
for call in (
    lambda: own_app(place),
    lambda: dockerfile_text(app_in_place(place).strategy().dockerfile),
    lambda: own_app(place / "closed"),
    lambda: app_in_place(place / "closed"),
    lambda: own_app(place / "listed"),
    lambda: app_in_place(place / "listed"),
    lambda: own_app(place, "closed/Dockerfile"),
    lambda: app_in_place(place, dockerfile=Path("closed/Dockerfile")),
    lambda: own_app(place / "closed/deeper"),
):
    try:
        call()
        print("nothing was said")
    except Exception as problem:
        print(type(problem).__name__, problem)
(place / "closed").chmod(0o700); (place / "listed").chmod(0o700)
"""
    done = run_as_nobody(code)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 9
    for line in lines:
        assert line.startswith("FileRefused"), line
        assert "Permission denied" in line
        assert "Make it readable" in line


@needs_root
@pytest.mark.slow
def test_files_in_folders_that_nobody_may_write_to_can_be_edited_and_the_folders_keep_their_permissions():
    code = """
from speedkit.apps import own_app
from pathlib import Path
place = Path(sys.argv[1])
(place / "deep").mkdir()
(place / "Dockerfile").write_text("FROM scratch"); (place / "Dockerfile").chmod(0o444)
(place / "deep/a.txt").write_text("a"); (place / "deep/a.txt").chmod(0o444)
(place / "deep").chmod(0o555); place.chmod(0o555)
app = own_app(place)
for name in ("Dockerfile", "deep/a.txt"):
    app.write(name, "FROM typed")
print(app.changed(), oct((app.folder / "deep").stat().st_mode & 0o777), oct((app.folder / "deep/a.txt").stat().st_mode & 0o777))
app.reset()
print(app.changed())
app.close()
print(app.folder.exists())
(place / "deep").chmod(0o700); place.chmod(0o700)
"""
    done = run_as_nobody(code)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["('Dockerfile', 'deep/a.txt') 0o555 0o444", "()", "False"]
