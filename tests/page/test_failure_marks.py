"""A failed build points at the instruction, and at the line that a compiler names."""

from __future__ import annotations

import pytest

from speedkit.page.failure_marks import Mark, failing_line, marks_of, moved_mark
from tests.widgets.builds import FAILED, a_build

EXIT_1 = 'process "/bin/sh -c make" did not complete successfully: exit code: 1'
FILES = {"main.go", "pkg/echo.go"}


def marks(log: list[str], **changes):
    build = a_build(*FAILED, outcome="failed", step_error=EXIT_1, **changes)
    return marks_of(build, dockerfile="./Dockerfile", log=log, has_file=FILES.__contains__)


def test_the_go_line_that_the_compiler_names_comes_first_and_the_instruction_too():
    found = marks(["# example.com/app", "./main.go:12:3: undefined: x"])
    assert [(mark.path, mark.line, mark.column) for mark in found] == [("main.go", 12, 3), ("./Dockerfile", 3, None)]
    assert found[0].message == "line 12: undefined: x"
    assert found[1].message == "This step failed: exit code 1, see its log"


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("/workspace/pkg/echo.go:3:1: syntax error", "pkg/echo.go"),
        ("main.go:7: no column", "main.go"),
        ("elsewhere.go:7:1: not of this app", None),
        ("../main.go:7:1: outside", "main.go"),
        ("time 12:30:45: not a file", None),
    ],
)
def test_a_name_counts_when_the_app_has_such_a_file(line, path):
    assert [mark.path for mark in marks([line])][:-1] == ([path] if path else [])


OF_PYTHON = """\
*** Error compiling 'main.py'...
  File "main.py", line 18
    return Reply(text=text
                ^
SyntaxError: '(' was never closed"""
OF_NODE = """\
/app/main.js:7
  response.json({ text: '' };
                           ^

SyntaxError: missing ) after argument list
    at checkSyntax (node:internal/main/check_syntax:74:5)"""
OF_RUST = """\
   Compiling speedup v1.0.0
warning: unused import
 --> src/main.rs:2:1
error[E0432]: unresolved import
  --> src/main.rs:27:9
   |"""
OF_MAVEN = "[ERROR] /workspace/src/Main.java:[18,58] ')' expected"


@pytest.mark.parametrize(
    ("log", "path", "line", "column", "said"),
    [
        (OF_PYTHON, "main.py", 18, None, "SyntaxError: '(' was never closed"),
        (OF_NODE, "main.js", 7, None, "SyntaxError: missing ) after argument list"),
        (OF_RUST, "src/main.rs", 27, 9, "unresolved import"),
        (OF_MAVEN, "src/Main.java", 18, 58, "')' expected"),
    ],
)
def test_the_place_that_a_compiler_of_another_language_names_is_marked(log, path, line, column, said):
    build = a_build(*FAILED, outcome="failed", step_error=EXIT_1)
    first, *_ = marks_of(build, dockerfile="./Dockerfile", log=log.split("\n"), has_file={path}.__contains__)
    assert (first.path, first.line, first.column, first.message) == (path, line, column, f"line {line}: {said}")
    assert f"{line}" in log.split("\n")[failing_line(log.split("\n"))]


def test_a_place_far_from_any_error_is_no_message():
    log = ['  File "main.go", line 3', *["x"] * 20, "ValueError: far away"]
    assert [mark.path for mark in marks(log)] == ["./Dockerfile"]


def test_at_most_twenty_lines_are_marked():
    assert len(marks([f"main.go:{n}:1: bad" for n in range(1, 50)])) == 21


def test_a_dockerfile_that_buildkit_rejects_is_marked_at_its_line():
    build = a_build(outcome="failed", step_list=(), error="Dockerfile:2\n>>> RUNN x\nparse error on line 2: unknown: RUNN")
    found = marks_of(build, dockerfile="./Dockerfile", log=(), has_file=FILES.__contains__)
    assert found == (Mark("./Dockerfile", 2, None, "parse error on line 2: unknown: RUNN", "COPY . ."),)


def test_a_good_build_has_no_marks_and_a_failure_without_a_place_none_either():
    assert marks_of(a_build(), dockerfile="./Dockerfile", log=["main.go:1:1: x"], has_file=FILES.__contains__) == ()
    broken = a_build(outcome="failed", step_list=(), error="no idea")
    assert marks_of(broken, dockerfile="./Dockerfile", log=(), has_file=FILES.__contains__) == ()


def test_the_log_opens_at_the_compilers_line_else_at_the_last_trouble_else_at_the_end():
    assert failing_line(["# x", "./main.go:1:1: bad", "error: later"]) == 1
    assert failing_line(["error: first", "fatal: cannot", "bye"]) == 1
    assert failing_line(["all", "quiet"]) == 1
    assert failing_line([]) is None


def test_a_mark_follows_its_line_and_goes_when_the_line_is_mended():
    mark = Mark("main.go", 2, 1, "bad", "broken()")
    assert moved_mark(mark, "a\nbroken()\n") == mark
    assert moved_mark(mark, "new\nnew\na\nbroken()\n") == Mark("main.go", 4, 1, "bad", "broken()")
    assert moved_mark(mark, "a\nmended()\n") is None


def test_a_line_number_of_endless_digits_is_none():
    assert [mark.path for mark in marks([f"main.go:{'1' * 4400}: boom", f"main.go:3:{'1' * 4400}: boom"])] == ["./Dockerfile"]


def test_an_error_that_names_a_line_of_endless_digits_marks_none():
    build = a_build(outcome="failed", error=f"Dockerfile:{'1' * 4400}\nboom")
    assert marks_of(build, dockerfile="./Dockerfile", log=[], has_file=FILES.__contains__) == ()


def test_a_name_of_very_many_folders_is_not_looked_up():
    asked = []
    build = a_build(*FAILED, outcome="failed", step_error=EXIT_1)
    marks_of(build, dockerfile="./Dockerfile", log=["a/" * 10_000 + "x:1: no"], has_file=lambda path: bool(asked.append(path)))
    assert asked == []
