"""Who owns what: real processes that live, end, are killed and fork."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from speedkit import ownership
from speedkit.errors import StateRefused
from speedkit.state import state_folder
from tests.processes import another_process


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    ownership._close_own_files()


CLAIMS = """
place = state_folder("work") / "copy"
ownership.claim(place)
place.mkdir()
(place / "file").write_text("x")
print(ownership.owner_id(), flush=True)
"""


def test_what_a_living_process_owns_is_left_and_what_a_killed_one_left_is_swept(home):
    with another_process(CLAIMS) as (running, owner):
        place = state_folder("work") / "copy"
        assert ownership.is_alive(owner)
        assert [(one.id, one.pid) for one in ownership.living_owners() if place in one.paths] == [(owner, running.pid)]
        assert ownership.sweep() == []
        running.send_signal(signal.SIGKILL)
        running.wait()
        assert not ownership.is_alive(owner)
        assert not any(place in one.paths for one in ownership.living_owners())
        assert ownership.sweep() == [place]
        assert not place.exists()
        assert list((home / "owners").iterdir()) == []


@pytest.mark.parametrize("own", [False, True])
def test_a_child_made_by_fork_does_not_keep_what_its_dead_parent_owned(own):
    more = "ownership.claim(state_folder('work') / 'childs'); (state_folder('work') / 'childs').mkdir()" if own else ""
    code = CLAIMS.replace(
        "print(ownership.owner_id(), flush=True)",
        f"""
child = os.fork()
if child == 0:
    {more}
    os.write(1, f"{{os.getpid()}}\\n".encode())
    import time
    time.sleep(60)
    os._exit(0)
""",
    )
    with another_process(code) as (running, child):
        running.kill()
        running.wait()
        try:
            swept = ownership.sweep()
            assert [path.name for path in swept] == ["copy"]
            assert (state_folder("work") / "childs").exists() is own
        finally:
            os.kill(int(child), signal.SIGKILL)


def test_a_process_that_ends_well_leaves_no_file_when_it_left_nothing(home):
    code = "with ownership.scratch_folder() as place: print(place, flush=True)"
    with another_process(code) as (running, place):
        running.stdin.close()
        assert running.wait() == 0
        assert not Path(place).exists()
        assert list((home / "owners").iterdir()) == []


def test_a_folder_for_temporary_files_of_a_killed_process_goes_with_the_next_sweep(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    code = "scratch = ownership.scratch_folder(); place = scratch.__enter__(); print(place, flush=True)"
    with another_process(code) as (running, place):
        assert Path(place).parent == tmp_path
        assert Path(place).stat().st_mode & 0o777 == 0o700
        assert ownership.sweep() == []
        running.kill()
        running.wait()
        assert ownership.sweep() == [Path(place)]


def test_a_link_in_place_of_what_was_owned_goes_and_what_it_leads_to_stays(tmp_path):
    with another_process(CLAIMS) as (running, _):
        running.kill()
        running.wait()
    place, theirs = state_folder("work") / "copy", tmp_path / "theirs"
    place.rename(theirs)
    place.symlink_to(theirs)
    assert ownership.sweep() == [place]
    assert (theirs / "file").is_file()


def test_nothing_outside_of_the_kits_places_is_ever_swept(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    with another_process(f"ownership.claim(Path({str(theirs)!r})); print('', flush=True)") as (
        running,
        _,
    ):
        running.kill()
        running.wait()
    assert ownership.sweep() == []
    assert theirs.is_dir()


def test_folders_without_write_permission_are_swept_too():
    code = CLAIMS + "\n(place / 'file').chmod(0o400); place.chmod(0o500)"
    with another_process(code) as (running, _):
        running.stdin.close()
        running.wait()
    assert [path.name for path in ownership.sweep()] == ["copy"]


def test_a_line_cut_off_by_a_kill_is_passed_over(home):
    with another_process(CLAIMS) as (running, owner):
        running.kill()
        running.wait()
    with (home / "owners" / owner).open("a") as file:
        file.write('["claim", "/ho')
    assert [path.name for path in ownership.sweep()] == ["copy"]


def test_what_cannot_be_seen_before_it_goes_stays_for_the_next_time():
    with another_process(CLAIMS) as (running, _):
        running.kill()
        running.wait()

    def full(path: Path, _typed: object) -> None:
        raise OSError(28, "No space left on device")

    assert ownership.sweep(full) == []
    assert [path.name for path in ownership.sweep()] == ["copy"]


def test_the_file_of_an_owner_does_not_grow_with_what_was_released(home):
    kept = state_folder("work") / "kept"
    ownership.claim(kept)
    for number in range(1000):
        with ownership.claimed(state_folder("work") / f"copy-{number}"):
            pass
        ownership.note_typed(kept, "a.txt")
        ownership.note_typed(kept, "a.txt", is_typed=False)
        ownership.note_typed(kept, "b.txt")
    assert (home / "owners" / ownership.owner_id()).stat().st_size < 40_000
    assert ownership.living_owners()[0].paths == {kept}
    read = ownership._read(home / "owners" / ownership.owner_id())
    assert read.paths == {kept}
    assert read.typed == {kept: ("b.txt",)}


def test_an_owner_on_another_machine_counts_as_alive_for_a_week(home, monkeypatch):
    with another_process(CLAIMS) as (running, owner):
        running.kill()
        running.wait()
    monkeypatch.setattr(ownership, "_node", lambda: "another")
    monkeypatch.setattr(ownership, "_boot", lambda: "another")
    assert ownership.is_alive(owner)
    assert ownership.sweep() == []
    before = time.time() - 8 * 24 * 3600
    os.utime(home / "owners" / owner, (before, before))
    assert not ownership.is_alive(owner)
    assert [path.name for path in ownership.sweep()] == ["copy"]


def test_where_the_file_system_knows_no_locks_the_process_is_asked_for(monkeypatch):
    import fcntl

    with another_process(CLAIMS) as (running, owner):

        def no_locks(*_: object) -> None:
            raise OSError(37, "No locks available")

        monkeypatch.setattr(fcntl, "flock", no_locks)
        assert ownership.is_alive(owner)
        assert ownership.sweep() == []
        running.kill()
        running.wait()
        assert not ownership.is_alive(owner)
        assert [path.name for path in ownership.sweep()] == ["copy"]


def test_a_state_folder_that_cannot_be_written_to_is_said_in_words_and_needs_no_temporary_files(home, monkeypatch):
    home.mkdir()
    (home / "owners").write_text("in the way")
    with pytest.raises(StateRefused, match="cannot be"):
        ownership.claim(home / "work" / "x")
    with pytest.raises(StateRefused, match="cannot be"):
        ownership.owner_id()
    with ownership.scratch_folder() as place:
        assert place.is_dir()
    assert ownership.sweep() == []


@pytest.mark.parametrize("name", ["../recordings", "", "..", "nobody"])
def test_an_identity_that_is_none_is_not_alive(name):
    assert not ownership.is_alive(name)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
def test_a_claim_after_one_that_a_full_disk_cut_short_is_swept_all_the_same(home):
    code = """
import resource
from speedkit.errors import StateRefused
ownership.owner_id()
size = next((state_folder() / "owners").iterdir()).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))
try:
    ownership.claim(state_folder("work") / "there-is-no-room-for-this")
except StateRefused:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    ownership.claim(state_folder("work") / "copy")
    (state_folder("work") / "copy").mkdir()
    print("claimed", flush=True)
"""
    with another_process(code) as (running, said):
        assert said == "claimed"
        running.kill()
        running.wait()
    assert [path.name for path in ownership.sweep()] == ["copy"]


def test_what_somebody_typed_while_the_disk_was_full_is_noted_the_next_time(home):
    code = """
import resource
place = state_folder("work") / "copy"
ownership.claim(place)
place.mkdir()
size = next((state_folder() / "owners").iterdir()).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))
ownership.note_typed(place, "a.txt")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
ownership.note_typed(place, "a.txt")
print("typed", flush=True)
"""
    typed = []
    with another_process(code) as (running, said):
        assert said == "typed"
        running.kill()
        running.wait()
    ownership.sweep(lambda _path, names: typed.extend(names))
    assert typed == ["a.txt"]


def test_a_scratch_folder_that_cannot_be_removed_yet_is_swept_later(home):
    code = """
from unittest import mock
with mock.patch.object(ownership, "_remove", side_effect=PermissionError(13, "busy")), ownership.scratch_folder() as place:
    print(place, flush=True)
"""
    with another_process(code) as (running, place):
        running.stdin.close()
        assert running.wait() == 0
    assert ownership.sweep() == [Path(place)]
