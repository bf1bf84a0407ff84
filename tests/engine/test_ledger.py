"""Whose an object on an engine is, with an engine that is asked nothing."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from speedkit.engine import identity
from speedkit.engine.identity import CONTAINER_NAME, INSTALLATION_LABEL, LABEL, installation_id, our_labels
from speedkit.engine.ledger import note_build, note_container, note_image, note_making, note_use, notes_of
from speedkit.ownership import owner_id
from tests.processes import another_process

IMAGE = "sha256:" + "a" * 64


class _Engine:
    identity = "an engine's id"


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def engine(home):
    return _Engine()


def test_an_installation_has_one_private_random_name(home, monkeypatch, tmp_path):
    first = installation_id()
    assert len(first) == 32
    assert stat.S_IMODE((home / "installation").stat().st_mode) == 0o600
    code = "from speedkit.engine.identity import installation_id; print(installation_id())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == first
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "other"))
    assert installation_id() != first


def test_many_that_start_at_once_agree_on_the_name(home):
    home.mkdir()
    made = identity._installation_of.__wrapped__
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(made, [home] * 64))
    assert len(names) == 1
    assert [path.name for path in home.iterdir()] == ["installation"]


@pytest.mark.parametrize("text", ["", "nonsense", "a" * 31, "a" * 32 + "b"])
def test_a_damaged_name_is_made_anew(home, text):
    home.mkdir()
    (home / "installation").write_text(text)
    name = installation_id()
    assert (home / "installation").read_text().strip() == name
    assert name != text


def test_a_state_folder_that_cannot_be_written_fails_no_build(monkeypatch, tmp_path, engine):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "file" / "home"))
    assert our_labels() == {LABEL: "1"}
    with note_build(engine, "speedkit/a:1"):
        note_image(engine, IMAGE, "result", name="speedkit/a:1")
    assert CONTAINER_NAME.fullmatch(note_container(engine).name)


def test_what_is_under_way_is_noted_until_it_ends(engine):
    assert our_labels()[INSTALLATION_LABEL] == installation_id()
    with note_build(engine, "speedkit/a:1"):
        assert sorted(note.kind for note in notes_of(engine)) == ["build", "making"]
        assert all(note.owner_lives and note.names == ("speedkit/a:1",) for note in notes_of(engine))
    assert notes_of(engine) == []
    container = note_container(engine)
    assert CONTAINER_NAME.fullmatch(container.name)["owner"] == owner_id()
    container.is_gone()
    assert notes_of(engine) == []


def test_an_image_in_the_making_is_remembered_when_that_is_broken_off(engine):
    with pytest.raises(KeyboardInterrupt), note_build(engine, "speedkit/a:1"):
        raise KeyboardInterrupt
    assert [(note.kind, note.will_be) for note in notes_of(engine)] == [("making", "result")]


def test_names_add_up_and_layers_stay(engine):
    note_image(engine, IMAGE, "result", name="speedkit/a:1", layers={"sha256:l": 7})
    note_image(engine, IMAGE, "result", name="speedkit/a:2")
    (note,) = notes_of(engine)
    assert (note.image_id, note.names, note.layers, note.owner) == (
        IMAGE,
        ("speedkit/a:1", "speedkit/a:2"),
        {"sha256:l": 7},
        None,
    )


@pytest.mark.parametrize("text", ["", "{", "[]", '{"names": 1, "layers": [], "will_be": "container"}', "[" * 100_000])
def test_a_damaged_note_still_tells_whose_the_image_is(engine, text):
    note_image(engine, IMAGE, "trusting", name="x:1")
    (note,) = notes_of(engine)
    note.path.write_text(text)
    (note,) = notes_of(engine)
    assert (note.image_id, note.names, note.layers, note.will_be) == (IMAGE, (), {}, None)


def test_files_of_other_kinds_are_no_notes(engine):
    note_image(engine, IMAGE, "trusting", name="x:1")
    (note,) = notes_of(engine)
    for name in ("other.aaaaaaaaaaaa", "result.xyz", ".result.aaaaaaaaaaaa", "result." + "a" * 64 + ".b"):
        (note.path.parent / name).write_text("{}")
    assert [found.kind for found in notes_of(engine)] == ["trusting"]


NOTING = """
from speedkit.engine.ledger import note_container, note_image
class Engine:
    identity = "an engine's id"
note_image(Engine(), "sha256:" + "b" * 64, "isolated", name="x:1")
print(note_container(Engine()).name, flush=True)
"""


def test_an_owner_lives_until_its_process_ends_however_that_is(engine):
    with another_process(NOTING) as (process, name):
        assert sorted((note.kind, note.owner_lives) for note in notes_of(engine)) == [("container", True), ("isolated", True)]
        process.kill()
        process.wait()
    notes = notes_of(engine)
    assert not any(note.owner_lives for note in notes)
    assert {note.owner for note in notes} == {CONTAINER_NAME.fullmatch(name)["owner"]}
    assert os.getpid() != process.pid


def test_making_knows_what_the_image_is_to_be(engine):
    with note_making(engine, "isolated", "x:1"):
        (note,) = notes_of(engine)
        assert (note.kind, note.will_be, note.names) == ("making", "isolated", ("x:1",))


def test_only_looking_makes_no_folder(engine, home):
    assert notes_of(engine) == []
    assert not home.exists()


def test_images_used_right_one_after_another_are_in_the_order_of_their_use(engine):
    ids = [f"sha256:{number:064x}" for number in range(20)]
    for image_id in ids:
        note_image(engine, image_id, "stand-in", name=f"image:{image_id[-2:]}")
    made = {note.image_id: note.used_ns for note in notes_of(engine)}
    assert sorted(ids, key=lambda one: made[one]) == ids
    for image_id in reversed(ids):
        note_use(engine, [image_id])
    used = {note.image_id: note.used_ns for note in notes_of(engine)}
    assert sorted(ids, key=lambda one: used[one]) == ids[::-1]
    assert len({*made.values(), *used.values()}) == 40
