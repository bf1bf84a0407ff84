from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from speedkit.state import open_private, private_folder, state_folder, state_home
from tests.recordings.test_recording import save
from tests.waiting import HANG_SECONDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")


def others_may(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode) & 0o077


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o377])
def test_folders_and_files_are_private_whatever_the_umask(home, umask):
    before = os.umask(umask)
    try:
        folder = private_folder(state_folder("recordings") / "one" / "two")
        with open_private(folder / "file") as file:
            file.write(b"x")
    finally:
        os.umask(before)
    places = [home, home / "recordings", folder.parent, folder]
    assert [stat.S_IMODE(place.stat().st_mode) for place in places] == [0o700] * 4
    assert stat.S_IMODE((folder / "file").stat().st_mode) == 0o600


def test_a_recording_is_private(home, tmp_path):
    written = save(state_folder("recordings"))
    assert {others_may(path) for path in (written.folder, *written.folder.iterdir())} == {0}


def test_what_an_earlier_version_left_open_is_closed_at_first_use(home):
    (home / "recordings" / "one").mkdir(parents=True)
    (home / "recordings" / "one" / "meta.json").write_text("{}")
    (home / "work" / "copy").mkdir(parents=True)
    (home / "work" / "copy" / "run.sh").write_text("")
    (home / "work" / "copy" / "run.sh").chmod(0o755)
    for path in (home, *home.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    state_home()
    assert {others_may(path) for path in (home, *home.rglob("recordings"), *(home / "recordings").rglob("*"))} == {0}
    assert others_may(home / "work") == 0
    # Modes count for BuildKit's cache: those of a working copy stay.
    assert stat.S_IMODE((home / "work" / "copy" / "run.sh").stat().st_mode) == 0o755


def test_a_folder_that_holds_other_things_stays_as_it_is(home):
    (home / "recordings").mkdir(parents=True)
    (home / "theirs").mkdir()
    for path in (home, home / "recordings", home / "theirs"):
        path.chmod(0o755)
    state_home()
    assert (others_may(home), others_may(home / "theirs")) == (0o055, 0o055)
    assert others_may(home / "recordings") == 0


def test_a_file_that_others_could_read_is_closed_when_it_is_written_again(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    path.chmod(0o644)
    open_private(path).close()
    assert others_may(path) == 0


@pytest.mark.slow
def test_every_program_closes_what_was_left_open(home):
    (home / "recordings").mkdir(parents=True)
    home.chmod(0o755)
    subprocess.run([sys.executable, "-m", "speedkit", "history"], check=True, capture_output=True, timeout=HANG_SECONDS)
    assert others_may(home) == 0


NO_HOME = """
import os, sys
import speedkit.cli.program, platformdirs, pwd
os.environ.pop("SPEEDKIT_HOME", None)
os.environ.pop("HOME", None)
for name in [name for name in os.environ if name.startswith("XDG")]:
    del os.environ[name]
def nobody_knows(_):
    raise KeyError
pwd.getpwuid = nobody_knows
os.chdir(sys.argv[1])
sys.argv = ["speedkit", *sys.argv[2:]]
speedkit.cli.program.run(None)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is always a profile")
@pytest.mark.parametrize("verb", [["history"], ["engine", "status"], ["doctor"], ["predict", "."], ["clean"]])
@pytest.mark.slow
def test_without_a_home_a_sentence_says_what_to_set_and_nothing_is_made_here(tmp_path, verb):
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    done = subprocess.run([sys.executable, "-c", NO_HOME, str(tmp_path), *verb], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1, 3)
    assert "Traceback" not in done.stderr
    assert "no words for" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["Dockerfile"]


def test_a_home_in_a_setting_that_no_shell_has_seen_is_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SPEEDKIT_HOME", "~/kept")
    assert state_home() == tmp_path / "kept"
