"""What a working copy holds of a folder, whatever lies in it: real files, links, pipes, devices, mounts and rights."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from speedkit.apps import file_copy, own_app, working_copy
from speedkit.context import read_context
from speedkit.errors import DiskFull, FileRefused, Misuse
from speedkit.ownership import discard
from speedkit.secrets import secrets_of_folder
from speedkit.state import state_folder
from tests.unprivileged import needs_root, run_as_nobody

FILES = {"Dockerfile": "FROM scratch\nCOPY . /\n", "a.txt": "a\n"}
MB = 1_000_000


@pytest.fixture
def place(folder):
    return folder(FILES)


def disk_bytes(folder: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def sparse(path: Path, size_bytes: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size_bytes)
    return path


# What is ignored


def test_a_large_ignored_file_is_left_out_and_a_small_one_can_be_edited(place):
    (place / ".dockerignore").write_text("data\nnotes.txt\n")
    sparse(place / "data/disk.img", 800 * MB)
    (place / "notes.txt").write_text("mine\n")
    with own_app(place) as app:
        assert app.left_out.keys() == {"data/disk.img"}
        with pytest.raises(FileRefused, match=r"not in the working copy: 800\.0 MB that an ignore file excludes"):
            app.read("data/disk.img")
        assert disk_bytes(app.folder) < MB
        assert app.read("notes.txt") == "mine\n"
        assert app.changed() == ()


def test_what_an_ignore_file_no_longer_leaves_out_comes_into_the_copy(place):
    (place / ".dockerignore").write_text("data\n")
    (place / "data").mkdir(mode=0o750)
    (place / "data/large.bin").write_bytes(b"x" * (2 * MB))
    (place / "data/larger.bin").write_bytes(b"x" * (3 * MB))
    with own_app(place) as app:
        assert app.left_out.keys() == {"data/large.bin", "data/larger.bin"}
        app.write(".dockerignore", "data/larger.bin\n")
        assert (app.folder / "data/large.bin").stat().st_size == 2 * MB
        assert app.left_out.keys() == {"data/larger.bin"}
        assert app.changed() == (".dockerignore",)
        (app.folder / ".dockerignore").unlink()
        app.begin("Dockerfile", cold=False)
        assert app.left_out == {}
        names = {entry.path for entry in read_context(app.folder, dockerfile=app.strategy().dockerfile).entries}
        assert names == {path.relative_to(place).as_posix() for path in place.rglob("*")} - {".dockerignore"}
        assert (app.folder / "data").stat().st_mode & 0o777 == 0o750
        app.reset()
        assert app.changed() == ()


def test_much_comes_in_with_the_build_and_not_while_somebody_types(place):
    (place / ".dockerignore").write_text("large.bin\n")
    sparse(place / "large.bin", 60 * MB)
    with own_app(place) as app:
        app.write(".dockerignore", "\n")
        assert app.left_out.keys() == {"large.bin"}
        before = app.changes
        app.begin("Dockerfile", cold=False)
        assert (app.folder / "large.bin").is_file()
        assert app.changed_since(before) == ("large.bin",)


def test_a_strategy_with_another_ignore_file_brings_in_what_that_one_lets_through(place):
    (place / "Dockerfile.dockerignore").write_text("large.bin\n")
    (place / "large.bin").write_bytes(b"x" * (2 * MB))
    with own_app(place) as app:
        assert app.left_out.keys() == {"large.bin"}
        app.add_strategy("mine", "FROM scratch\nCOPY . /\n")
        assert (app.folder / "large.bin").is_file()


def test_a_pattern_that_is_typed_by_halves_brings_nothing_in(place):
    (place / ".dockerignore").write_text("large.bin\n")
    (place / "large.bin").write_bytes(b"x" * (2 * MB))
    with own_app(place) as app:
        app.write(".dockerignore", "large.bin\n[a-\n")
        assert app.left_out.keys() == {"large.bin"}


def test_many_ignored_files_are_left_out_as_a_folder(place, monkeypatch):
    monkeypatch.setattr(working_copy, "IGNORED_FILES_AT_MOST", 10)
    (place / ".dockerignore").write_text("cache\n")
    (place / "cache/deep").mkdir(parents=True)
    for number in range(30):
        (place / f"cache/{number:02}.txt").write_text("x")
    (place / "cache/deep/x.txt").write_text("x")
    with own_app(place) as app:
        assert len(list((app.folder / "cache").iterdir())) == 10
        assert set(app.left_out) == {"cache"}
        assert app.changed() == ()
        app.write(".dockerignore", "\n")
        assert len(list((app.folder / "cache").rglob("*"))) == 32
        assert app.left_out == {}


def test_exceptions_in_an_ignored_folder_are_copied_however_large(place):
    (place / ".dockerignore").write_text("data\n!data/keep\n")
    for name in ("data/keep/large.bin", "data/gone/large.bin"):
        (place / name).parent.mkdir(parents=True)
        (place / name).write_bytes(b"x" * (2 * MB))
    with own_app(place) as app:
        assert (app.folder / "data/keep/large.bin").is_file()
        assert app.left_out.keys() == {"data/gone/large.bin"}


def test_a_dockerfile_and_its_ignore_file_are_copied_though_they_are_ignored(folder):
    ignored = {"docker/Dockerfile.dockerignore": "docker\n" + "# long\n" * 200_000, "docker/Dockerfile": "FROM scratch\n"}
    place = folder(ignored | {"a.txt": "a"})
    with own_app(place, "docker/Dockerfile") as app:
        assert (app.folder / "docker/Dockerfile.dockerignore").is_file()
        assert app.read("docker/Dockerfile") == "FROM scratch\n"


@needs_root
@pytest.mark.slow
def test_an_ignored_folder_that_cannot_be_read_is_left_out_and_one_that_counts_is_named():
    """As a user that is not root: a database's folder in a project, say."""
    code = """
import os, sys
from pathlib import Path
import speedkit as sk
place = Path(sys.argv[1])
(place / ".dockerignore").write_text("data\\nsecret.txt\\n")
(place / "Dockerfile").write_text("FROM scratch\\nCOPY . /\\n")
(place / "data").mkdir(); (place / "data/x").write_text("x"); (place / "data").chmod(0)
(place / "secret.txt").write_text("x"); (place / "secret.txt").chmod(0)
app = sk.app(place)
print(sorted(app.left_out), app.changed())
try:
    app.write(".dockerignore", "data\\n")
except Exception as problem:
    print(type(problem).__name__, problem)
(place / ".dockerignore").unlink()
try:
    sk.app(place)
except Exception as problem:
    print(type(problem).__name__, problem)
print(len(list((Path(os.environ["SPEEDKIT_HOME"]) / "work").iterdir())))
(place / "data").chmod(0o700)
"""
    done = run_as_nobody(code)
    lines = done.stdout.splitlines()
    assert done.stderr == ""
    assert lines[0] == "['data', 'secret.txt'] ()"
    assert "secret.txt could not be copied: Permission denied" in lines[1]
    assert "secret.txt could not be copied: Permission denied" in lines[2]  # files come before folders
    assert lines[3] == "1"


# The state folder inside the project


@pytest.mark.parametrize("inside", [".s", "deep/er/.s"])
def test_the_state_folder_inside_the_project_is_not_copied(place, monkeypatch, inside):
    monkeypatch.setenv("SPEEDKIT_HOME", str(place / inside))
    (place / "large.bin").write_bytes(b"x" * MB)
    with own_app(place) as app, own_app(place) as again:
        assert disk_bytes(again.folder) < 2 * MB
        assert again.changed() == ()
        assert inside in app.left_out
        names = {entry.path for entry in read_context(again.folder, dockerfile=again.strategy().dockerfile).entries}
        assert not any(name.startswith(inside) for name in names)


def test_a_state_folder_that_is_reached_by_a_link_is_not_copied_either(place, monkeypatch, tmp_path):
    (place / "state").mkdir()
    (tmp_path / "link").symlink_to(place / "state")
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "link"))
    with own_app(place) as app:
        assert app.left_out.keys() == {"state"}
        assert {path.name for path in app.folder.iterdir()} == {"Dockerfile", "a.txt"}


def test_a_project_that_is_the_state_folder_is_refused(place, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(place))
    with pytest.raises(Misuse, match="own state folder"):
        own_app(place)


@needs_root
def test_a_state_folder_that_is_mounted_into_the_project_is_not_copied(place, tmp_path):
    (place / "mounted").mkdir()
    (tmp_path / "state").mkdir()
    code = f"import speedkit as sk; app = sk.app({str(place)!r}); print(sorted(app.left_out), len(list(app.folder.rglob('*'))))"
    script = f"mount --bind {tmp_path}/state {place}/mounted && exec {sys.executable} -c '{code.replace(chr(39), chr(34))}'"
    environment = os.environ | {"SPEEDKIT_HOME": str(tmp_path / "state")}
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout == "['mounted'] 2\n", done.stderr


# Rights, times, holes


def test_rights_of_an_owner_do_not_survive_and_all_other_permissions_do(place):
    modes = {"run": 0o4755, "group": 0o2711, "plain": 0o640, "read": 0o444}
    for name, mode in modes.items():
        (place / name).write_text("#!/bin/sh\n")
        (place / name).chmod(mode)
    (place / "shared").mkdir()
    (place / "shared").chmod(0o3775)
    (place / "locked").mkdir()
    (place / "locked/x").write_text("x")
    (place / "locked").chmod(0o555)
    with own_app(place) as app:
        assert {name: stat.S_IMODE((app.folder / name).stat().st_mode) for name in modes} == {
            name: mode & 0o777 for name, mode in modes.items()
        }
        assert stat.S_IMODE((app.folder / "shared").stat().st_mode) == 0o775
        assert stat.S_IMODE((app.folder / "locked").stat().st_mode) == 0o555
        assert stat.S_IMODE(app.folder.stat().st_mode) == 0o700
        assert app.changed() == ()
        assert set(app.without_rights) == {"run", "group", "shared"}
        app.write("run", "#!/bin/sh\nfalse\n")
        (place / "run").chmod(0o4755)
        app.reset("run")
        assert stat.S_IMODE((app.folder / "run").stat().st_mode) == 0o755
    assert not app.folder.exists()


def test_times_links_and_attributes_are_as_they_were(place):
    (place / "odd").symlink_to("./a//b")
    os.utime(place / "a.txt", ns=(1_000_000_001, 1_234_567_891))
    try:
        os.setxattr(place / "a.txt", "user.note", b"x")
    except OSError:
        pytest.skip("this file system keeps no extended attributes")
    with own_app(place) as app:
        assert os.readlink(app.folder / "odd") == "./a//b"  # noqa: PTH115 - as it was written
        assert (app.folder / "a.txt").stat().st_mtime_ns == 1_234_567_891
        assert os.getxattr(app.folder / "a.txt", "user.note") == b"x"


def test_holes_stay_holes_and_what_is_between_them_is_copied(place):
    path = sparse(place / "disk.img", 300 * MB)
    with path.open("r+b") as file:
        file.seek(100 * MB)
        file.write(b"in the middle")
        file.seek(300 * MB - 3)
        file.write(b"end")
    with own_app(place) as app:
        copy = app.folder / "disk.img"
        assert copy.stat().st_size == 300 * MB
        assert copy.stat().st_blocks * 512 < MB
        with copy.open("rb") as file:
            file.seek(100 * MB)
            assert file.read(13) == b"in the middle"
            file.seek(-3, os.SEEK_END)
            assert file.read() == b"end"


@pytest.mark.parametrize("within_kernel", [True, False])
def test_a_file_of_many_pieces_is_copied_whole(place, monkeypatch, within_kernel):
    content = os.urandom(3 * MB)
    (place / "large.bin").write_bytes(content)
    if not within_kernel:

        def cannot(*_: object) -> int:
            raise OSError(errno.EXDEV, "Invalid cross-device link")

        monkeypatch.setattr(os, "copy_file_range", cannot)
        monkeypatch.setattr(file_copy, "CHUNK_BYTES", 1000)
    with own_app(place) as app:
        assert (app.folder / "large.bin").read_bytes() == content


# What cannot be copied, and odd names


def test_pipes_sockets_devices_and_links_that_lead_nowhere_do_not_stop_a_copy(place, monkeypatch):
    os.mkfifo(place / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(place)  # the name of a socket may have 108 characters
        listening.bind("socket")
    for name, leads_to in {"zero": "/dev/zero", "to-pipe": "pipe", "loop": "loop", "nowhere": "no/where", "up": ".."}.items():
        (place / name).symlink_to(leads_to)
    with own_app(place) as app:
        assert {path.name for path in app.folder.iterdir()} == {"zero", "to-pipe", "loop", "nowhere", "up", *FILES}
        assert app.changed() == ()


NAMES = ["new\nline", "esc\x1b[2J", "n" * 255, "-rf", 'it\'s "quoted"', "tab\t", "cr\r", " ", "<b>", "*", "\udcff"]


@pytest.mark.parametrize("name", NAMES)
def test_files_and_folders_of_odd_names_are_copied_and_edited(place, name):
    (place / name).mkdir()
    (place / name / name).write_text("before\n")
    with own_app(place) as app:
        inner = f"{name}/{name}"
        assert app.read(inner) == "before\n"
        app.write(inner, "after\n")
        assert app.changed() == (inner,)
        app.reset()
        assert app.read(inner) == "before\n"
        assert app.changed() == ()


@pytest.mark.parametrize("name", [name for name in NAMES if name != " "])
def test_a_project_of_an_odd_name_has_a_copy_of_a_plain_one(tmp_path, name):
    place = tmp_path / name
    place.mkdir()
    (place / "Dockerfile").write_text("FROM scratch\n")
    with own_app(place) as app:
        assert app.folder.name.isascii()
        assert len(app.folder.name) < 100
        assert app.folder.name.replace("-", "").replace("_", "").replace(".", "").isalnum()


@pytest.mark.slow
def test_a_folder_of_great_depth_is_copied(place, request):
    name = "d/" * 1000
    for end in range(2, len(name) + 1, 2):
        os.mkdir(place / name[:end])  # noqa: PTH102 - `Path` goes down and up again for each
    (place / name / "x.txt").write_text("x")
    (place / name / ".env").write_text("API_TOKEN=c0rrect-h0rse\n")
    request.addfinalizer(lambda: discard(place))  # pytest cannot, when it cleans up
    with own_app(place) as app:
        assert app.changed() == ()
        assert app.text_files() == ("Dockerfile", "a.txt", f"{name}.env", f"{name}x.txt")
        assert "c0rrect-h0rse" in secrets_of_folder(app.folder)
        assert len(read_context(app.folder, dockerfile=app.strategy().dockerfile).entries) == 1004
        app.write(f"{name}x.txt", "y")
        assert app.changed() == (f"{name}x.txt",)
    assert not app.folder.exists()


# What goes wrong


@needs_root
def test_a_full_disk_is_a_sentence_and_leaves_nothing(place, tmp_path):
    (place / "large.bin").write_bytes(os.urandom(4 * MB))
    (tmp_path / "small").mkdir()
    code = f"""
import os, speedkit as sk
try:
    sk.app({str(place)!r})
except Exception as problem:
    print(type(problem).__name__, problem)
print(os.listdir(os.environ["SPEEDKIT_HOME"] + "/work"))
"""
    script = f'mount -t tmpfs -o size=2m none {tmp_path}/small && exec {sys.executable} -c "$CODE"'
    environment = os.environ | {"SPEEDKIT_HOME": str(tmp_path / "small"), "CODE": code}
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    problem, left = done.stdout.splitlines()
    assert problem.startswith("DiskFull")
    assert "could not be copied: No space left on device" in problem
    assert left == "[]"


def test_whatever_ends_a_copy_nothing_is_left_of_it(place, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(working_copy, "copy_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        own_app(place)
    assert list(state_folder("work").glob(f"{place.name}-*")) == []


def test_a_file_that_goes_while_it_is_copied_is_no_error(place, monkeypatch):
    original = working_copy.copy_file

    def goes(source: str, target: str) -> None:
        if source.endswith("a.txt"):
            Path(source).unlink()
        original(source, target)

    monkeypatch.setattr(working_copy, "copy_file", goes)
    with own_app(place) as app:
        assert app.text_files() == ("Dockerfile",)


def test_no_file_stays_open(place):
    for number in range(300):
        (place / f"{number}.txt").write_text("x")
    before = open_files()
    with own_app(place) as app:
        app.changed()
        assert open_files() <= before + 1  # this process's own file of what it owns


@pytest.mark.parametrize("problem", [errno.ENOSPC, errno.EIO])
def test_what_cannot_be_brought_in_is_a_sentence_and_comes_with_the_next_build(place, monkeypatch, problem):
    (place / ".dockerignore").write_text("large.bin\n")
    (place / "large.bin").write_bytes(b"x" * (2 * MB))
    with own_app(place) as app:

        def fails(source: str, _target: str) -> None:
            raise OSError(problem, os.strerror(problem), source)

        with monkeypatch.context() as patch:
            patch.setattr(working_copy, "copy_file", fails)
            with pytest.raises(DiskFull if problem == errno.ENOSPC else FileRefused, match="could not be copied"):
                app.write(".dockerignore", "\n")
        assert not (app.folder / "large.bin").exists()
        app.begin("Dockerfile", cold=False)
        assert (app.folder / "large.bin").is_file()
