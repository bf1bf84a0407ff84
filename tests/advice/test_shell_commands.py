"""The commands in a shell's text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedkit.advice.shell_commands import read_shell


def words_of(text):
    return [command.words for command in read_shell(text).commands]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("npm ci && npm run build", [("npm", "ci"), ("npm", "run", "build")]),
        ("echo 'a && b' \"c; d\" e\\ f", [("echo", "a && b", "c; d", "e f")]),
        ("A=1 B='x y' go build", [("go", "build")]),
        ("if [ -f x ]; then make a; else make b; fi", [("[", "-f", "x", "]"), ("make", "a"), ("make", "b")]),
        ("(cd web && npm ci)", [("cd", "web"), ("npm", "ci")]),
        ("V=$(git describe) make", [("git", "describe"), ("make",)]),
        ("echo `date`", [("date",), ("echo", "`date`")]),
        ("make 2>&1 >/dev/null", [("make",)]),
        ("a | b || c; d & e", [("a",), ("b",), ("c",), ("d",), ("e",)]),
        ("a # b && c\nd", [("a",), ("d",)]),
        ('echo "it\'s" done', [("echo", "it's", "done")]),
    ],
)
def test_words_of_commands(text, words):
    assert words_of(text) == words


def test_a_command_knows_its_place_its_variables_and_where_it_writes():
    text = "set -e && A=1 tool --x=2 file > out"
    command = read_shell(text).pieces[1].command
    assert command is not None
    assert text[command.start : command.end] == "A=1 tool --x=2 file > out"
    assert (command.assignments, command.options, command.operands) == (("A=1",), {"--x"}, ("file",))
    assert command.redirections == ("out",)


def test_only_pieces_joined_by_and_are_a_chain():
    assert read_shell("a && if b; then c; fi && d").is_and_chain
    assert not read_shell("a; b").is_and_chain
    assert not read_shell("a && b || c").is_and_chain


def test_a_command_in_a_group_is_no_command_of_its_own():
    piece = read_shell("{ a; }").pieces[0]
    assert piece.command is None
    assert [command.nested for command in piece.commands] == [True]


@given(st.text(alphabet="ab \t\n\\'\"$(){}`;&|<>#=-!", max_size=60))
def test_any_text_is_read_and_pieces_are_in_order(text):
    places = [place for piece in read_shell(text).pieces for place in (piece.start, piece.end)]
    assert places == sorted(places)
    assert all(0 <= place <= len(text) for place in places)
