from __future__ import annotations

import pytest

from speedkit.errors import FileRefused
from speedkit.lessons import notebook_files
from speedkit.lessons.notebook_files import FIRST_NOTEBOOK, copy_notebooks, notebooks_folder


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The kit's own folder, with two notebooks."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / FIRST_NOTEBOOK).write_text("first")
    (folder / "01_second.ipynb").write_text("second")
    monkeypatch.setattr(notebook_files, "FOLDERS", (folder,))
    return folder


def texts(folder):
    return {path.name: path.read_text() for path in folder.glob("*.ipynb")}


def test_a_reader_gets_copies_once(own, tmp_path):
    mine = tmp_path / "deep" / "mine"
    assert copy_notebooks(mine).copied == (FIRST_NOTEBOOK, "01_second.ipynb")
    assert texts(mine) == {FIRST_NOTEBOOK: "first", "01_second.ipynb": "second"}
    assert copy_notebooks(mine).copied == ()


def test_a_new_version_replaces_only_what_nobody_changed(own, tmp_path):
    mine = tmp_path / "mine"
    copy_notebooks(mine)
    (mine / FIRST_NOTEBOOK).write_text("first, with my answer")
    for name, text in ((FIRST_NOTEBOOK, "first, newer"), ("01_second.ipynb", "second, newer")):
        (own / name).write_text(text)
    done = copy_notebooks(mine)
    assert done.copied == ("01_second.ipynb",)
    assert done.beside == {FIRST_NOTEBOOK: "00_start_here-new.ipynb"}
    assert texts(mine) == {
        FIRST_NOTEBOOK: "first, with my answer",
        "00_start_here-new.ipynb": "first, newer",
        "01_second.ipynb": "second, newer",
    }


def test_the_new_version_is_put_beside_once_and_never_over_another_file(own, tmp_path):
    mine = tmp_path / "mine"
    copy_notebooks(mine)
    (mine / FIRST_NOTEBOOK).write_text("mine")
    (mine / "00_start_here-new.ipynb").write_text("mine, too")
    (own / FIRST_NOTEBOOK).write_text("newer")
    assert copy_notebooks(mine).beside == {FIRST_NOTEBOOK: "00_start_here-new2.ipynb"}
    assert copy_notebooks(mine).beside == {}
    assert texts(mine)["00_start_here-new.ipynb"] == "mine, too"


def test_where_the_note_is_lost_no_file_is_taken_for_an_unchanged_one(own, tmp_path):
    mine = tmp_path / "mine"
    copy_notebooks(mine)
    (mine / notebook_files.NOTE).write_text("{")
    (own / FIRST_NOTEBOOK).write_text("newer")
    assert copy_notebooks(mine).beside == {FIRST_NOTEBOOK: "00_start_here-new.ipynb"}
    assert texts(mine)[FIRST_NOTEBOOK] == "first"


def test_in_the_kits_own_folder_nothing_is_copied(own):
    assert copy_notebooks(own).copied == ()
    assert sorted(path.name for path in own.iterdir()) == [FIRST_NOTEBOOK, "01_second.ipynb"]


def test_a_folder_that_cannot_be_made_is_a_sentence(own, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileRefused, match="The notebooks cannot be copied to"):
        copy_notebooks(tmp_path / "file")


def test_the_notebooks_of_a_checkout_are_those_beside_the_package():
    assert (notebooks_folder() / FIRST_NOTEBOOK).is_file()
