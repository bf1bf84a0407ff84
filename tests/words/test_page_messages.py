"""The page's own code says its messages through a door like Python's, and Python hands it their translations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from speedkit import messages
from speedkit.messages import PSEUDO, for_page
from speedkit.widgets.page_messages import LIST, page_messages
from tests.catalogue import PAGE, of_page, page_list

FILES = sorted([*PAGE.glob("*.ts"), *PAGE.glob("*.tsx")])
DOOR = re.compile(r"(?<!function )\b(message|marked|plural)\(\s*")
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"\s*')
PLACE = re.compile(r"\{(\w+)(?::,)?\}")
KEY = re.compile(r"(\w+)\s*[:,}]")
ATTRIBUTE = re.compile(r'\b(?:title|aria-[a-z]+|placeholder|label|alt)="([^"]*)"')
BETWEEN_TAGS = re.compile(r"[>}]([^<>{}()=;&?]*[A-Za-z]{2,}[^<>{}()=;&?]*)(?:</|\{)")
KEYWORDS = {"catch", "else", "try"}
LITERAL = re.compile(r'"[^"\n]*"|`[^`\n]*`')
SENTENCE = re.compile(r"[A-Za-z]{2,},? [a-z]{2,}")
CLASSES = re.compile(r"\bsk[wl]\b")
NOT_SAID = {"off", "polite", "true"}


def calls(source: str) -> Iterator[tuple[str, list[str], str]]:
    """Each call of the door with a text: its name, its texts, and the rest of what it is given."""
    for found in DOOR.finditer(source):
        texts, at = [], found.end()
        while len(texts) < 1 + (found[1] == "plural") and (text := TEXT.match(source, at)):
            texts.append(json.loads(f'"{text[1]}"'))
            comma = re.compile(r",\s*").match(source, text.end())
            at = comma.end() if comma else text.end()
        if texts:
            yield found[1], texts, source[at : _end(source, at)]


def _end(source: str, at: int) -> int:
    """Where the bracket that is open at a place is closed."""
    depth = 1
    while depth:
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(source[at], 0)
        at += 1
    return at - 1


def values_of(given: str) -> set[str] | None:
    """The names of the values that a call gives; None when they are in a variable."""
    inside = re.search(r"\{.*\}", given, re.DOTALL)
    if inside is None:
        return None if re.search(r",\s*\w+\s*$|^\w+$", given) else set()
    text, depth, plain = inside[0], 0, ""
    for sign in text:
        depth -= sign in ")}]"
        plain += sign if depth <= 1 else ""
        depth += sign in "({["
    return set(KEY.findall(re.sub(r":[^,}]*", ":", plain)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_catalogue_finds_every_message_of_the_page(path):
    written = {tuple(texts) for _, texts, _ in calls(path.read_text(encoding="utf-8"))}
    found = {(text,) if isinstance(text, str) else text for name, text in of_page() if name == path.name}
    assert written == found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_message_of_the_page_is_given_the_values_that_it_names(path):
    for name, texts, given in calls(path.read_text(encoding="utf-8")):
        values = values_of(given)
        if name == "marked" or values is None:
            continue
        named = {place for text in texts for place in PLACE.findall(text)}
        assert named - ({"count"} if name == "plural" else set()) == values, texts


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".tsx"], ids=lambda path: path.name)
def test_no_text_of_the_page_goes_past_the_door(path):
    source = path.read_text(encoding="utf-8")
    assert [text for text in ATTRIBUTE.findall(source) if text not in NOT_SAID] == []
    markup = re.sub(r'//.*|=>|"[^"\n]*"|`[^`\n]*`', "", source)
    assert [text.strip() for text in BETWEEN_TAGS.findall(markup) if text.strip() not in KEYWORDS] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_sentence_of_the_page_goes_past_the_door(path):
    source = re.sub(r"(?m)^\s*//.*|^import .*", "", path.read_text(encoding="utf-8"))
    said = {text for _, texts, _ in calls(source) for text in texts}
    literals = {found.strip('"`') for found in LITERAL.findall(source)}
    assert {text for text in literals - said if SENTENCE.search(text) and not CLASSES.search(text)} == set()


def test_the_list_of_the_pages_messages_is_up_to_date():
    assert LIST.read_text(encoding="utf-8") == page_list(), "run `make catalogue`"


def test_in_english_the_page_gets_nothing(language):
    language("en-GB")
    assert page_messages() == {}


def test_the_page_gets_each_of_its_messages_in_the_pseudo_language(language):
    language(PSEUDO)
    handed = page_messages()
    listed = json.loads(LIST.read_text(encoding="utf-8"))
    assert list(handed["texts"]) == listed["texts"]
    assert handed["texts"]["cached"] == "⟦çáçhéd··⟧"
    assert handed["plurals"]["{count:,} line"] == ["⟦{count:,} línés······⟧", "⟦{count:,} líné······⟧"]
    assert handed["form_of"][:3] == [0, 1, 0]


def test_a_language_with_more_forms_hands_them_all_to_the_page(language, tmp_path, monkeypatch):
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo

    catalogue = Catalog(locale="pl")
    catalogue.add(("{count} step", "{count} steps"), ("{count} krok", "{count} kroki", "{count} kroków"))
    folder = tmp_path / "pl" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "speedkit.mo").open("wb") as file:
        write_mo(file, catalogue)
    monkeypatch.setattr(messages, "CATALOGUES", tmp_path)
    language("pl")
    handed = for_page(["Step"], [("{count} step", "{count} steps")])
    assert handed["texts"] == {"Step": "Step"}
    forms = [handed["plurals"]["{count} step"][handed["form_of"][count]] for count in (1, 2, 5, 22, 112, 122)]
    assert forms == ["{count} krok", "{count} kroki", "{count} kroków", "{count} kroki", "{count} kroków", "{count} kroki"]
