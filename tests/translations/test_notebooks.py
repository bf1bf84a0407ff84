"""Every text of the notebooks has a translation that was made for it, and that keeps its code and its form."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from babel.messages.catalog import Message

from speedkit.lessons import notebook_content, notebooks_folder, notebooks_in

from .chinese import broken_rules
from .files import LANGUAGES, catalogue_path, forms, read, sources, untranslated
from .glossary import terms_not_kept

CASES = [
    pytest.param(language, path, id=f"{language}-{path.stem}")
    for language in LANGUAGES
    for path in sources(language)
    if path != catalogue_path(language)
]
CODE = re.compile(r"`[^`\n]+`")
FORM = re.compile(r"^(#+|-|\||<[a-z/]+>(?:<summary>)?)", re.MULTILINE)


def translated(language: str, path: Path) -> list[tuple[Message, str]]:
    return [(text, forms(text)[0]) for text in read(path, language) if text.id and text.string]


@pytest.mark.parametrize(("language", "path"), CASES)
class TestEach:
    def test_every_markdown_cell_has_a_translation_of_its_text_as_it_is_now(self, language, path):
        """`make catalogue` marks those of changed cells as fuzzy. The list has the ids of the cells."""
        assert untranslated(read(path, language), sources(language)[path]) == []

    def test_a_translation_has_the_code_and_the_form_of_its_text(self, language, path):
        wrong = [
            text.context
            for text, translation in translated(language, path)
            if Counter(CODE.findall(str(text.id))) != Counter(CODE.findall(translation))
            or FORM.findall(str(text.id)) != FORM.findall(translation)
        ]
        assert wrong == []

    def test_a_translation_keeps_the_terms_of_the_glossary(self, language, path):
        wrong = [
            (text.context, missed)
            for text, translation in translated(language, path)
            if (missed := terms_not_kept(language, str(text.id), translation))
        ]
        assert wrong == []

    def test_chinese_keeps_the_rules_of_its_typography(self, language, path):
        if language == "zh_CN":
            wrong = [(text.context, rules) for text, one in translated(language, path) if (rules := broken_rules(one))]
            assert wrong == []


def test_a_translated_notebook_has_the_cells_of_the_notebook_and_their_code(language):
    for path in notebooks_in(notebooks_folder()):
        language("zh-CN")
        nbformat.validate(nbformat.reads(notebook_content(path).decode(), as_version=4))
        chinese = json.loads(notebook_content(path))["cells"]
        english = json.loads(path.read_bytes())["cells"]
        assert [cell["id"] for cell in chinese] == [cell["id"] for cell in english]
        for one, other in zip(chinese, english, strict=True):
            assert (one == other) == (one["cell_type"] == "code"), one["id"]
