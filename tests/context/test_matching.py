"""Patterns that others wrote: matched as Go matches them, and in a time that grows with the text."""

from __future__ import annotations

import json

import pytest

from speedkit.context import IgnorePatterns, PathPattern
from tests.conformance.matching import GOLDEN, disagreements
from tests.cpu_budget import within_cpu_seconds


def test_patterns_match_what_go_matches():
    pairs = [json.loads(line) for line in GOLDEN.read_text().splitlines()]
    assert len(pairs) > 500
    assert disagreements([asked for asked, _ in pairs], [answer for _, answer in pairs]) == []


SLOW_FOR_A_BACKTRACKING_MATCHER = {
    "ignore": "IgnorePatterns(['*a' * 9 + '*b']).match('a' * 240, ())",
    "ignore, many stars": "IgnorePatterns(['*a' * 2000 + '*b']).match('a' * 4000, ())",
    "ignore, folders": "IgnorePatterns(['**/a' * 1000 + '*b']).match('a/' * 2000, ())",
    "ignore, one line of 64 kB": "IgnorePatterns(['[^a]' * 16000]).match('a' * 4000, ())",
    "COPY": "PathPattern('*a' * 2000 + '*b').fits('a' * 4000)",
    "COPY, not ASCII": "PathPattern('*a' * 2000 + '*b').fits('é' + 'a' * 4000)",
    "suffix": "expand('${A%' + '*a' * 2000 + '*b}', {'A': 'a' * 4000})",
    "longest suffix": "expand('${A%%' + '*a' * 2000 + '*b}', {'A': 'a' * 4000})",
    "prefix": "expand('${A##' + '*a' * 2000 + '*b}', {'A': 'a' * 4000})",
    "replaced": "expand('${A//' + '*a' * 2000 + '*b/x}', {'A': 'a' * 4000})",
    "nested": "expand('${B:-' * 12000 + '}' * 12000, {})",
    "nested in quotes": "expand('\"${B:-' * 9000 + '}\"' * 9000, {})",
    "many variables": "expand('$A ' * 20000, {'A': 'x'})",
    "one long name": "expand('$' + 'x' * 60000, {})",
}


@pytest.mark.slow
def test_no_pattern_is_slow():
    code = "from speedkit.context import IgnorePatterns, PathPattern\nfrom speedkit.dockerfile import expand\n"
    for what, call in SLOW_FOR_A_BACKTRACKING_MATCHER.items():
        code += f"print({what!r}, flush=True)\n{call}\n"
    within_cpu_seconds(30, code)


@pytest.mark.slow
def test_a_hundred_thousand_lines_are_read_and_matched():
    lines = ("'dir%d/x'", "'**/x%d'", "'*.x%d'")
    code = "from speedkit.context import IgnorePatterns, read_ignore_file\n"
    for line in lines:
        code += f"patterns = IgnorePatterns(read_ignore_file('\\n'.join({line} % n for n in range(100_000))))\n"
        code += "for n in range(100): patterns.match(f'src/deep/file{n}.go', ())\n"
    within_cpu_seconds(60, code)


def test_a_bar_in_a_pattern_means_or_as_moby_leaves_it_to_gos_regexp():
    patterns = IgnorePatterns(["a|b*"])
    assert [patterns.match(name, ())[0] for name in ("ab", "a", "bc", "c")] == [True, True, True, False]


def test_a_class_that_fits_a_slash_is_tried_once_as_in_go():
    assert not PathPattern("*[^a]*").fits("aab/b")
    assert PathPattern("*??").fits("中")
