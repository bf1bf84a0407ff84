"""The program in another language: its help pages and its errors."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def speedkit(*argv, **variables):
    command = [sys.executable, "-m", "speedkit", *argv]
    environment = os.environ | {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"} | variables
    return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("argv", [["--lang", "zh-CN", "layers", "-h"], ["--lang=zh-CN", "layers", "-h"]], ids=" ".join)
def test_a_help_page_is_chinese_to_the_last_word_and_nothing_of_it_is_cut(argv):
    page = speedkit(*argv).stdout
    assert "用法：python -m speedkit layers" in page
    assert "选项" in page
    assert "显示此帮助并退出。" in page
    assert "…" not in page
    assert "Show" not in page


def test_the_variable_chooses_the_language_and_the_option_comes_before_it():
    assert "选项" in speedkit("-h", SPEEDKIT_LANG="zh").stdout
    assert "Options" in speedkit("--lang", "en", "-h", SPEEDKIT_LANG="zh").stdout


def test_an_unknown_language_is_misuse():
    done = speedkit("--lang", "xx", "doctor")
    assert done.returncode == 2
    assert "speedkit does not speak 'xx'." in done.stderr
    assert "zh-CN" in done.stderr


def test_a_wrong_command_is_said_in_chinese():
    done = speedkit("--lang", "zh-CN", "frob")
    assert done.returncode == 2
    assert "没有命令 'frob'。" in done.stderr
