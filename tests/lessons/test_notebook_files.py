from __future__ import annotations

import json

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

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


MARKDOWN = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": ["# Start\n", "\n", "Build it."]}
CODE = {"cell_type": "code", "id": "build", "metadata": {}, "source": ["build()"], "outputs": [], "execution_count": None}


@pytest.fixture
def chinese(own, language):
    """Makes the first notebook a real one, with a translation of a text, and speaks Chinese."""

    def translate(english):
        (own / FIRST_NOTEBOOK).write_text(json.dumps({"cells": [MARKDOWN, CODE], "nbformat": 4}))
        path = own / "translations" / "zh_CN" / "00_start_here.po"
        path.parent.mkdir(parents=True)
        catalogue = Catalog(locale="zh_CN")
        catalogue.add(english, "# 开始\n\n构建它。", context="title")
        with path.open("wb") as file:
            write_po(file, catalogue)
        language("zh-CN")

    return translate


def sources(path):
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]


def test_a_reader_gets_the_markdown_in_their_language_and_the_code_as_it_is(chinese, tmp_path):
    chinese("# Start\n\nBuild it.")
    copy_notebooks(tmp_path / "mine")
    assert sources(tmp_path / "mine" / FIRST_NOTEBOOK) == ["# 开始\n\n构建它。", "build()"]
    assert texts(tmp_path / "mine")["01_second.ipynb"] == "second"


def test_markdown_that_changed_after_its_translation_stays_english(chinese, tmp_path):
    chinese("# Start\n\nBuild it, once.")
    copy_notebooks(tmp_path / "mine")
    assert sources(tmp_path / "mine" / FIRST_NOTEBOOK)[0] == "# Start\n\nBuild it."


def test_with_another_language_unchanged_copies_are_replaced_and_changed_ones_stay(chinese, language, tmp_path):
    chinese("# Start\n\nBuild it.")
    language("en")
    mine = tmp_path / "mine"
    copy_notebooks(mine)
    language("zh-CN")
    assert copy_notebooks(mine).copied == (FIRST_NOTEBOOK,)
    (mine / FIRST_NOTEBOOK).write_text("my answers")
    language("en")
    assert copy_notebooks(mine).beside == {FIRST_NOTEBOOK: "00_start_here-new.ipynb"}
    language("zh-CN")
    assert copy_notebooks(mine).beside == {FIRST_NOTEBOOK: "00_start_here-zh-CN.ipynb"}
    assert texts(mine)[FIRST_NOTEBOOK] == "my answers"


def test_the_kits_own_folder_stays_english_and_the_copies_come_beside_it(chinese, own):
    chinese("# Start\n\nBuild it.")
    before = (own / FIRST_NOTEBOOK).read_text()
    done = copy_notebooks(own)
    assert done.folder == own.with_name("own-zh-CN")
    assert sources(done.folder / FIRST_NOTEBOOK)[0] == "# 开始\n\n构建它。"
    assert (own / FIRST_NOTEBOOK).read_text() == before
