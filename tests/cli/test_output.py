"""Tables and sentences as a terminal of a given width shows them, and as they are written to a file."""

from __future__ import annotations

import pytest

from speedkit.cli.output import print_sentence, print_table

LONG = "RUN --mount=type=cache,target=/root/.cache/go-build,id=a-rather-long-name go build ./... && " + "go vet ./... && " * 20
PATH = "/usr/local/go/src/" + "a-rather-long-name/" * 6


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal 80 columns wide, without colours."""
    for name, value in {"TTY_COMPATIBLE": "1", "COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("narrow")
def test_long_text_goes_on_in_the_next_line_and_no_path_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("", ["size", "path"], [["3.0 MB", PATH]], numbers=["size"])
    lines = printed(capsys)
    assert max(map(len, lines)) <= 80
    assert "".join(line[8:].strip() for line in lines[1:]) == PATH


@pytest.mark.usefixtures("narrow")
def test_an_instruction_takes_a_few_lines_at_most_and_says_that_it_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("", ["line", "instruction", "because"], [[4, LONG, "It runs again. " * 3]], numbers=["line"])
    lines = printed(capsys)
    assert len(lines) <= 6
    assert "…" in "".join(lines)


@pytest.mark.usefixtures("narrow")
def test_an_unbroken_column_stays_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("", ["id", "edit"], [["20261125T030037406050", PATH]], unbroken=["id"])
    assert printed(capsys)[1].startswith("20261125T030037406050 ")


@pytest.mark.usefixtures("narrow")
def test_a_sentence_is_broken_between_words(capsys: pytest.CaptureFixture[str]) -> None:
    text = "speedkit/app:1 · 15.3 MB · 4 layers · 273 files · 3.0 MB wasted · efficiency 80.3 % in all"
    print_sentence(text)
    lines = printed(capsys)
    assert len(lines) == 2
    assert " ".join(line.strip() for line in lines) == text


def test_a_file_gets_instructions_whole_and_sentences_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("", ["line", "instruction"], [[4, LONG]], numbers=["line"])
    assert "…" not in capsys.readouterr().out
    print_sentence("word " * 60)
    assert len(printed(capsys)) == 1
