"""How variables in a Dockerfile's words are replaced."""

from __future__ import annotations

import pytest

from speedkit.dockerfile import SubstitutionError, expand
from speedkit.dockerfile.expansion import expand_unquoted, expand_where_set

VALUES = {"A": "one", "EMPTY": "", "PATH": "/usr/local/bin", "v1_x": "under"}

EXPANDED = {
    "plain": "plain",
    "$A": "one",
    "${A}/x": "one/x",
    "$v1_x-": "under-",
    "$NONE.": ".",
    "${NONE:-alt}": "alt",
    "${NONE-alt}": "alt",
    "${EMPTY-alt}": "",
    "${EMPTY:-alt}": "alt",
    "${A:+alt}": "alt",
    "${EMPTY:+alt}": "",
    "${EMPTY+alt}": "alt",
    "${NONE+alt}": "",
    "${NONE:-${A}}": "one",
    "${A:?must}": "one",
    "'$A'": "$A",
    '"$A b"': "one b",
    '"\\$A"': "$A",
    '"a\\b"': "a\\b",
    "\\$A": "$A",
    "a\\ b": "a b",
    "$": "$",
    "$1x": "x",
    "${PATH#*/}": "usr/local/bin",
    "${PATH##*/}": "bin",
    "${PATH%/*}": "/usr/local",
    "${PATH%%/*}": "",
    "${PATH%/zzz}": "/usr/local/bin",
    "${PATH#zzz}": "/usr/local/bin",
    "${PATH/l/L}": "/usr/Local/bin",
    "${PATH//l/L}": "/usr/LocaL/bin",
    "${PATH//\\//.}": ".usr.local.bin",
    "${A#?}": "ne",
    "<<EOF": "<<EOF",
}


@pytest.mark.parametrize("word", EXPANDED)
def test_words_are_expanded_as_buildkit_does(word):
    assert expand(word, VALUES) == EXPANDED[word]


REJECTED = {
    "${A": "unsupported modifier",
    "${": "missing '}'",
    "${}": "bad substitution",
    "${A:x}": "unsupported modifier (:x)",
    "${A!x}": "unsupported modifier (!)",
    "${A:#x}": "unsupported modifier (:#)",
    "'open": "matching single-quote",
    '"open': "matching double-quote",
    "${NONE?}": "NONE: is not allowed to be unset",
    "${NONE:?give one}": "NONE: give one",
    "${A#\\n}": "invalid pattern",
    "${A:-x": "missing '}'",
}


@pytest.mark.parametrize("word", REJECTED)
def test_words_that_cannot_be_expanded_say_why(word):
    with pytest.raises(SubstitutionError) as caught:
        expand(word, VALUES)
    assert REJECTED[word] in str(caught.value)


def test_the_escape_character_is_the_dockerfiles():
    assert expand("`$A\\x", VALUES, escape="`") == "$A\\x"


def test_in_a_heredoc_quotes_stay():
    assert expand_unquoted("'$A' \"x\"\n", VALUES) == "'one' \"x\"\n"


@pytest.mark.parametrize("word", ["${X:=a}", "${X:=a}${X:-b}", "${X/a/b}", "${X/\\a/b}", "'${X=a}'"])
def test_in_a_steps_name_a_variable_without_a_value_stays_whatever_its_modifier(word):
    assert expand_where_set(f"{word} $A", {"A": "1"}) == f"{word} 1"


def test_in_a_steps_name_a_variable_without_a_value_loses_its_second_slash_as_in_buildkit():
    assert expand_where_set("${X//a/b}", {}) == "${X/a/b}"


def test_in_a_steps_name_an_unknown_modifier_of_a_variable_with_a_value_is_refused():
    with pytest.raises(SubstitutionError, match="unsupported modifier"):
        expand_where_set("${A:=a}", {"A": "1"})
