from __future__ import annotations

from speedkit.text_width import WORD, letters, wrapped


def test_a_chinese_character_is_as_wide_as_two_letters():
    assert letters("构建 image") == 10


def test_a_line_may_end_beside_each_chinese_character_but_not_before_its_punctuation():
    assert WORD.findall("用 docker build 构建（两次），然后看。") == [
        "用 ",
        "docker ",
        "build ",
        "构",
        "建",
        "（两",
        "次），",
        "然",
        "后",
        "看。",
    ]


def test_text_of_both_kinds_goes_on_in_the_next_line():
    assert wrapped("每个步骤都来自缓存，没有运行。", 12) == ["每个步骤都", "来自缓存，", "没有运行。"]
    assert wrapped("字段改名之后有两个步骤运行", 24) == ["字段改名之后有两个", "步骤运行"]
    assert wrapped("every step came from the cache", 12) == ["every step", "came from", "the cache"]
    assert wrapped("/a/path/longer/than/the/line and more", 8) == ["/a/path/longer/than/the/line", "and more"]
    assert wrapped("recorded 27\N{NO-BREAK SPACE}Nov", 10) == ["recorded", "27\N{NO-BREAK SPACE}Nov"]
    assert wrapped("", 10) == []
