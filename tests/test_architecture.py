"""The page on the architecture is what the code says, and names nothing that is not there."""

from __future__ import annotations

import re

import pytest

from tests.architecture import PAGE, PICTURE, ROOT, layers, page_now, picture_now

TEXT = PAGE.read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", TEXT)) - {"sk.build", "sk.explain"})


def test_table_and_picture_are_those_of_the_code():
    """`python -m tests.architecture` writes both."""
    assert page_now() == TEXT
    assert picture_now() == PICTURE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMED)
def test_a_module_that_the_page_names_is_there(name):
    assert (ROOT / "speedkit" / f"{name.replace('.', '/')}.py").is_file()


def test_every_folder_of_the_package_is_a_room():
    folders = {path.parent.name for path in (ROOT / "speedkit").glob("*/__init__.py")}
    assert folders <= {room.name for layer in layers() for room in layer}
