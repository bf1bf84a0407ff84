"""Edits of a Dockerfile leave everything else as its author wrote it."""

from __future__ import annotations

import pytest

from speedkit.dockerfile import CannotEdit, DockerfileEditor, read_dockerfile


def editor_of(text):
    dockerfile = read_dockerfile(text)
    return dockerfile, DockerfileEditor(dockerfile)


def last(dockerfile, keyword="RUN"):
    return [step for step in dockerfile.instructions if step.keyword == keyword][-1]


def with_flag(text):
    dockerfile, editor = editor_of(text)
    run = last(dockerfile)
    editor.replace_within(run, editor.with_flags(run, ["--mount=type=cache,target=/a", "--mount=type=cache,target=/b"]))
    return editor.text


def test_flags_come_one_a_line_with_the_author_s_own_indentation():
    text = with_flag("FROM a\nRUN apt-get update \\\n\t&& x\nRUN make\n")
    assert text.endswith("RUN --mount=type=cache,target=/a \\\n\t--mount=type=cache,target=/b \\\n\tmake\n")


def test_flags_take_the_first_line_of_a_run_that_begins_in_the_next():
    text = with_flag("FROM a\nrun \\\n  make \\\n  all\n")
    assert text == ("FROM a\nrun --mount=type=cache,target=/a \\\n  --mount=type=cache,target=/b \\\n  make \\\n  all\n")


def test_flags_come_behind_those_that_are_there():
    text = with_flag("FROM a\nRUN --network=host --mount=type=tmpfs,target=/t make\n")
    assert "RUN --network=host --mount=type=tmpfs,target=/t --mount=type=cache,target=/a \\\n" in text


def test_line_ends_of_windows_stay():
    text = with_flag("FROM a\r\nRUN make\r\n")
    assert text.count("\r\n") == text.count("\n") == 4


def test_a_here_document_keeps_its_lines():
    text = with_flag("FROM a\nRUN <<EOF\n# no comment\nmake \\\nEOF\n")
    assert text.endswith("<<EOF\n# no comment\nmake \\\nEOF\n")
    assert read_dockerfile(text).instructions[-1].heredocs[0].content == "# no comment\nmake \\\n"


def test_the_flat_text_has_each_word_at_its_place():
    dockerfile, editor = editor_of("FROM a\nRUN first \\\n # why && not\n\n  && second\n")
    run = last(dockerfile)
    flat, source = editor.flat(run), editor.source_of(run)
    assert len(flat) == len(source)
    assert flat.split() == ["RUN", "first", "&&", "second"]
    assert flat.index("second") == source.index("second")


def test_a_comment_belongs_to_the_instruction_below_it_but_a_directive_does_not():
    dockerfile, editor = editor_of("# syntax=docker/dockerfile:1\n# the base\nFROM a\n\n# one\n# two\nCOPY . .\n")
    copy = last(dockerfile, "COPY")
    assert editor.block(copy) == "# one\n# two\nCOPY . ."
    assert editor.first_line(dockerfile.instructions[0]) == 2
    editor.remove(copy, with_comments=True)
    assert editor.text == "# syntax=docker/dockerfile:1\n# the base\nFROM a\n\n"


def test_a_keyword_over_two_lines_is_left_alone():
    dockerfile, editor = editor_of("FROM a\nRU\\\nN make\n")
    with pytest.raises(CannotEdit):
        editor.arguments_start(last(dockerfile))


def test_two_edits_of_one_place_are_refused():
    dockerfile, editor = editor_of("FROM a\nRUN b\n")
    editor.replace(last(dockerfile), "RUN c")
    editor.remove(last(dockerfile))
    with pytest.raises(CannotEdit):
        _ = editor.text
