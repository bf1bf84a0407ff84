"""The switch from one language to another."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import speedkit as sk
from speedkit.errors import Misuse
from speedkit.languages import known_languages
from speedkit.messages import message


@pytest.fixture(autouse=True)
def english(language):
    language("en")


@pytest.mark.parametrize("name", ["zh-CN", "zh_CN", "zh", "zh-Hans", "zh_CN.UTF-8"])
def test_chinese_has_several_names(name):
    assert sk.language(name) == "zh-CN"
    assert message("the standard input") == "标准输入"


@pytest.mark.parametrize("name", ["zh_TW", "zh-Hant", "xx"])
def test_a_language_that_is_not_spoken_is_refused_and_changes_nothing(name):
    with pytest.raises(Misuse, match=r"speedkit does not speak"):
        sk.language(name)
    assert sk.language() == "en"


def test_a_switch_counts_for_what_is_said_later_and_for_processes_that_start_later():
    assert sk.language("zh-CN") == "zh-CN"
    code = "from speedkit.messages import language_tag; print(language_tag())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "zh-CN"
    assert sk.language("en") == "en"
    assert message("the standard input") == "the standard input"


def test_the_languages_are_english_and_those_of_the_catalogues():
    assert known_languages() == ["en", "zh-CN"]


def test_heads_and_words_of_a_table_follow_the_switch():
    from speedkit import lessons

    english = lessons.recap([])._repr_html_()
    sk.language("zh-CN")
    chinese = lessons.recap([])._repr_html_()
    assert "not built" in english
    assert "not built" not in chinese
    assert not {"way to build", "median time", "modules downloaded"} & set(re.findall(r"<th[^>]*>([^<]*)", chinese))
