"""The Chinese README follows the English one."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, CHINESE = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))


def commands(text: str) -> list[str]:
    """The lines of code without their comments."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines() if line.startswith("    ")]
    return [line for line in lines if line and not re.search(r"[\u4e00-\u9fff]", line)]


def test_each_leads_to_the_other():
    assert "(README.zh-CN.md)" in ENGLISH
    assert "(README.md)" in CHINESE


def test_both_have_the_same_commands_links_and_headings():
    assert [line for line in commands(ENGLISH) if line.startswith((".venv", "make", "python"))] == [
        line for line in commands(CHINESE) if line.startswith((".venv", "make", "python"))
    ]
    links = re.compile(r"\]\((?!README)([^)]*)\)")
    assert sorted(links.findall(CHINESE)) == sorted(links.findall(ENGLISH))
    assert re.findall(r"^#+", CHINESE, re.MULTILINE) == re.findall(r"^#+", ENGLISH, re.MULTILINE)
    code = re.compile(r"`[^`\n]+`")
    assert sorted(set(code.findall(ENGLISH)) - set(code.findall(CHINESE))) == []
