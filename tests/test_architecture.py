"""The page on the architecture is what the code says, and names nothing that is not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest

from tests.architecture import PAGE, PICTURE, ROOT, layers, page_now, picture_now

TEXT = PAGE.read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", TEXT)) - {"sk.build", "sk.explain"})
PAST_THE_FACE = {"speedkit.words.causes"}
"""Loading all causes takes 60 ms, which `speedkit layers` saves: it needs the other words only."""


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


def imports() -> Iterator[tuple[str, str, int, str]]:
    """Each import of one of the package's modules: the file, its room, how many dots it begins with, and the module."""
    for path in sorted((ROOT / "speedkit").rglob("*.py")):
        if "node_modules" in path.parts:
            continue
        within = path.relative_to(ROOT / "speedkit")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                yield str(within), within.parts[0], node.level, node.module or ""


def test_a_room_is_entered_by_its_face():
    """Other rooms import from a room's `__init__`, so that what a room offers can be read in one place."""
    past = [
        (file, module)
        for file, _room, level, module in imports()
        if level == 0 and module.startswith("speedkit.") and module.count(".") > 1 and module not in PAST_THE_FACE
    ]
    assert past == []


@pytest.mark.parametrize("room", sorted(path.parent.name for path in (ROOT / "speedkit").glob("*/__init__.py")))
def test_a_face_has_what_it_offers(room):
    """Also where a module of the room is loaded only when one of its names is used."""
    face = import_module(f"speedkit.{room}")
    offered = getattr(face, "__all__", [])
    assert [name for name in offered if isinstance(getattr(face, name), ModuleType)] == []
    with pytest.raises(AttributeError):
        face.nothing_of_this_name  # noqa: B018


def test_modules_of_a_room_import_each_other_by_relative_names():
    """A reader sees at the dot whether an import stays in the room."""
    wrong = [
        (file, module) for file, room, level, module in imports() if level == 0 and f"{module}.".startswith(f"speedkit.{room}.")
    ]
    assert wrong == []
