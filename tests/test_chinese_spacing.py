from __future__ import annotations

import pytest

from speedkit.chinese_spacing import filled_in_chinese


@pytest.mark.parametrize(
    ("text", "value", "whole"),
    [
        ("它与{x}是同一个步骤", "第 3 行", "它与第 3 行是同一个步骤"),
        ("它与{x}是同一个步骤", "builder", "它与 builder 是同一个步骤"),
        ("{x} 已更改", "main.go 以及另外 2 个", "main.go 以及另外 2 个已更改"),
        ("{x} 已更改", "main.go", "main.go 已更改"),
        ("在 {x}后失败", "3.2 秒", "在 3.2 秒后失败"),
        ("{x}，然后", "构建 ", "构建，然后"),
        ("  第 {x} 行", 3, "  第 3 行"),
        ("{x:,} 个", 1200, "1,200 个"),
        ("没有 {x!r}", "a", "没有 'a'"),
        ("{{{x}}}", "a", "{a}"),
        ("{x}", "新 文件", "新 文件"),
    ],
)
def test_a_space_stands_between_chinese_and_latin_alone(text, value, whole):
    assert filled_in_chinese(text, {"x": value}) == whole


def test_a_value_that_is_not_there_is_an_error():
    with pytest.raises(LookupError):
        filled_in_chinese("{x}", {})
