"""Every message has a translation, which says the same values and keeps the rules of its language."""

from __future__ import annotations

import re
import string
from collections import Counter

import pytest
from babel.messages.catalog import Message

from .chinese import slips
from .files import (
    LANGUAGES,
    catalogue_path,
    compiled,
    complete,
    forms,
    key,
    messages_of_the_code,
    read,
    untranslated,
)
from .glossary import terms_not_kept

CODE = re.compile(r"`[^`]*`")


def translated(language: str) -> list[Message]:
    return [text for text in read(catalogue_path(language), language) if text.id and text.string]


def places(text: str) -> set[tuple[str, str]]:
    """The values of a text, each with its conversion. A date may be written in another form, or in its parts."""
    parsed = string.Formatter().parse(text)
    return {(name.partition(".")[0], how or "") for _, name, _, how in parsed if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_has_a_translation(language):
    """`make catalogue` puts the new ones into the file, without one."""
    assert untranslated(read(catalogue_path(language), language), messages_of_the_code()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_program_reads_is_what_was_translated(language):
    assert compiled(language) == complete(read(catalogue_path(language), language)), "run `make catalogue`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_values_and_the_code_of_its_message(language):
    wrong = [
        (english, form)
        for text in translated(language)
        for english in [text.id if isinstance(text.id, str) else text.id[1]]
        for form in forms(text)
        if places(form) != places(english) or Counter(CODE.findall(form)) != Counter(CODE.findall(english))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_terms_of_the_glossary(language):
    assert [
        (key(text), form) for text in translated(language) for form in forms(text) if terms_not_kept(language, key(text), form)
    ] == []


def test_chinese_keeps_the_rules_of_its_typography():
    assert [
        (form, slips(key(text), form)) for text in translated("zh_CN") for form in forms(text) if slips(key(text), form)
    ] == []
