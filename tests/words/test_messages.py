"""Every sentence that a reader sees goes through one door, with the values that it names, and the catalogue knows it."""

from __future__ import annotations

import ast
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest

import speedkit
from speedkit import messages
from speedkit.messages import CATALOGUES, PSEUDO

PACKAGE = Path(speedkit.__file__).parent
NOT_MESSAGES = Path(__file__).with_name("not_messages")
"""By room: what looks like a sentence and is none that anybody reads, or is not ours: a text for BuildKit, a shell, a page."""
DOOR = {"message": 1, "marked": 1, "plural": 2}
SENTENCE = re.compile(r"[A-Za-z]{2,},? [a-z]{2,}")
FILES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def calls_of_the_door(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in DOOR:
            yield node


def places_of(text: str) -> set[str]:
    return {name.partition(".")[0].partition("[")[0] for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_message_is_given_the_values_that_it_names(path):
    for call in calls_of_the_door(ast.parse(path.read_text())):
        assert isinstance(call.func, ast.Name)
        where = f"{name_of(path)}, line {call.lineno}"
        texts = call.args[: DOOR[call.func.id]]
        for text in texts:
            assert not isinstance(text, ast.JoinedStr), f"{where}: values go in by name"
        given = {keyword.arg for keyword in call.keywords}
        literal = [text.value for text in texts if isinstance(text, ast.Constant)]
        if call.func.id == "marked" or not literal or None in given:
            continue
        named = set().union(*(places_of(text) for text in literal))
        assert named - {"count"} == given - {"count"}, where
        assert "count" not in named or call.func.id == "plural" or "count" in given, where


@cache
def sentences_past_the_door(path: Path) -> tuple[str, ...]:
    return tuple(_sentences_past_the_door(path))


def _sentences_past_the_door(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    inside = {id(node) for call in calls_of_the_door(tree) for node in ast.walk(call)}
    told = {id(node) for call in ast.walk(tree) if isinstance(call, ast.Call) for node in _of_no_reader(call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inside.add(id(node.value))
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in inside | told and SENTENCE.search(node.value):
            yield node.value


def _of_no_reader(call: ast.Call) -> Iterator[ast.AST]:
    """What stands in a pattern, or in an error that only a mistake of ours raises."""
    called = ast.unparse(call.func)
    if called in ("re.compile", "AssertionError", "_patterns", "TypeVar"):
        yield from ast.walk(call)


def allowed(room: str) -> list[str]:
    listed = NOT_MESSAGES / f"{room}.txt"
    return listed.read_text().splitlines() if listed.exists() else []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_sentence_goes_past_the_door(path):
    room = name_of(path).partition("/")[0].removesuffix(".py")
    known = set(allowed(room))
    past = [text for text in sentences_past_the_door(path) if text.strip().replace("\n", "\\n") not in known]
    assert past == []


@pytest.mark.parametrize("room", sorted(path.stem for path in NOT_MESSAGES.glob("*.txt")))
def test_what_is_listed_as_no_message_is_still_there(room):
    files = [path for path in FILES if name_of(path).partition("/")[0].removesuffix(".py") == room]
    there = {text.strip().replace("\n", "\\n") for path in files for text in sentences_past_the_door(path)}
    assert [line for line in allowed(room) if line not in there] == []


def test_english_is_the_message_itself(language):
    for name in ("", "en", "en_GB", "en-US", "xx"):
        language(name)
        assert messages.message("{a} and {b}", a=1, b="{c}") == "1 and {c}"
        assert messages.plural("one step", "{count:,} steps", 2000) == "2,000 steps"
        assert messages.plural("one step", "{count:,} steps", 1) == "one step"
        assert messages.language_tag() == "en"


def test_the_pseudo_language_marks_and_lengthens_each_message_and_keeps_its_values_and_commands(language):
    language(PSEUDO)
    assert (
        messages.message("Run `speedkit setup` for {name}.", name="alice") == "⟦Rún `speedkit setup` fór alice.·············⟧"
    )
    assert messages.plural("{count} step", "{count} steps", 3) == "⟦3 stéps·····⟧"
    assert messages.language_tag() == "en-XA"


def test_a_catalogue_translates_and_orders_the_values_its_own_way(language, tmp_path, monkeypatch):
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo

    catalogue = Catalog(locale="zh_CN")
    catalogue.add("{a} before {b}", "{b} 之后 {a}")
    catalogue.add(("{count} step", "{count} steps"), ("{count} 步",))
    folder = tmp_path / "zh_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "speedkit.mo").open("wb") as file:
        write_mo(file, catalogue)
    monkeypatch.setattr(messages, "CATALOGUES", tmp_path)
    language("zh-CN")
    assert messages.message("{a} before {b}", a="A", b="B") == "B 之后 A"
    assert messages.plural("{count} step", "{count} steps", 1) == "1 步"
    assert messages.message("not translated") == "not translated"
    assert messages.language_tag() == "zh-CN"


def test_the_collected_messages_are_those_of_the_code(tmp_path):
    """`make catalogue` collects them."""
    done = subprocess.run([sys.executable, "-m", "tests.catalogue", str(tmp_path / "found.pot")], check=False)
    assert done.returncode == 0
    assert (tmp_path / "found.pot").read_text() == (CATALOGUES / "speedkit.pot").read_text(), "run `make catalogue`"


def test_a_slip_in_a_translation_ends_no_program(monkeypatch):
    slips = {"{name} is here": "{nom} est ici", "{count} step": "{0}"}
    language = messages._Language(lambda text: slips.get(text, text), lambda one, many, count: slips[one])
    monkeypatch.setattr(messages, "_language", lambda: language)
    assert messages.message("{name} is here", name="a") == "a is here"
    assert messages.plural("{count} step", "{count} steps", 2) == "2 steps"


def misplaced(catalogue: bytes) -> list[str]:
    """The messages whose translation names a value that the message has not."""
    from babel.messages.pofile import read_po

    wrong = []
    for entry in read_po(BytesIO(catalogue)):
        texts = [entry.string] if isinstance(entry.string, str) else list(entry.string)
        original = entry.id if isinstance(entry.id, str) else entry.id[1]
        wrong += [original for text in texts if text and original and not places_of(text) <= places_of(original)]
    return wrong


def test_a_translation_has_the_places_of_its_message():
    slip = b'msgid "{name} is here"\nmsgstr "{nom} est ici"\n\nmsgid "{name} is there"\nmsgstr "l\xc3\xa0: {name}"\n'
    assert misplaced(slip) == ["{name} is here"]
    assert [path for path in CATALOGUES.glob("*/LC_MESSAGES/*.po") if misplaced(path.read_bytes())] == []
