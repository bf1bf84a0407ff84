"""What a Dockerfile's text becomes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedkit.dockerfile import external_bases, needed_stages, read_dockerfile
from speedkit.errors import DockerfileError


def test_stages_have_names_bases_and_lines():
    dockerfile = read_dockerfile("FROM a AS Build\nRUN x\nFROM b\nCOPY --from=build /x /y\n")
    assert [(stage.name, stage.base, stage.line, stage.named) for stage in dockerfile.stages] == [
        ("build", "a", 1, True),
        ("stage-1", "b", 3, False),
    ]
    assert [step.stage for step in dockerfile.instructions] == [0, 0, 1, 1]


def test_arguments_before_the_first_from_are_global():
    dockerfile = read_dockerfile("ARG V=1\nFROM a:$V\nARG V\n")
    assert [step.text for step in dockerfile.global_args] == ["ARG V=1"]
    assert dockerfile.global_args[0].stage is None


def test_an_instruction_on_several_lines_is_one_line_of_text_with_its_range():
    run = read_dockerfile("FROM a\nrun  --network=none one && \\\n  # a comment\n\n   two\n").instructions[1]
    assert (run.keyword, run.text) == ("RUN", "RUN --network=none one && two")
    assert (run.line, run.end_line, run.flags) == (2, 5, ("--network=none",))
    assert run.args == ("one &&    two",)


def test_exec_form_is_told_from_shell_form():
    steps = read_dockerfile('FROM a\nRUN ["b", "c d"]\nRUN b c\n').instructions
    assert (steps[1].json, steps[1].args) == (True, ("b", "c d"))
    assert (steps[2].json, steps[2].args) == (False, ("b c",))


def test_heredoc_bodies_keep_their_quoting_and_tabs():
    copy = read_dockerfile('FROM a\nCOPY <<"one" <<-two /d/\n$x\none\n\t$y\n\ttwo\n').instructions[1]
    assert [(doc.name, doc.expand, doc.chomp) for doc in copy.heredocs] == [("one", False, False), ("two", True, True)]
    assert [doc.body for doc in copy.heredocs] == ["$x\n", "$y\n"]
    assert (copy.line, copy.end_line) == (2, 6)
    assert copy.text == 'COPY <<"one" <<-two /d/'


def test_onbuild_holds_back_an_instruction_with_its_flags_and_body():
    first, second = read_dockerfile(
        "FROM a\nONBUILD RUN --mount=type=cache,target=/c make\nONBUILD RUN <<EOF\nhi\nEOF\n"
    ).instructions[1:]
    assert first.trigger is not None
    assert (first.trigger.keyword, first.trigger.flags) == ("RUN", ("--mount=type=cache,target=/c",))
    assert second.trigger is not None
    assert second.trigger.heredocs[0].content == "hi\n"
    assert second.trigger.line == 3


def test_directives_are_read_only_at_the_top():
    dockerfile = read_dockerfile("# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN x `\n  y\n# syntax=late\n")
    assert (dockerfile.syntax, dockerfile.escape) == ("docker/dockerfile:1", "`")
    assert dockerfile.instructions[1].end_line == 5
    assert read_dockerfile("# hello\n# escape=`\nFROM a\n").escape == "\\"


def test_flags_are_looked_up_by_name():
    copy = read_dockerfile("FROM a\nCOPY --link --exclude=x --exclude=y a b\n").instructions[1]
    assert copy.flag("link") == "true"
    assert copy.flag_values("exclude") == ("x", "y")
    assert copy.flag("chown") is None


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter():
    dockerfile = read_dockerfile("\ufeffFROM a\r\nRUN b\r\n")
    assert [step.text for step in dockerfile.instructions] == ["FROM a", "RUN b"]


REJECTED = {
    "": (None, "the Dockerfile cannot be empty"),
    "# only a comment\n": (1, "file with no instructions"),
    "ARG A=1\n": (None, "no stages"),
    "RUN x\nFROM a\n": (1, "no build stage in current context"),
    "FROM a\nFOO b\n": (2, "unknown instruction: FOO"),
    "FROM a\n\nENV A\n": (3, "ENV must have two arguments"),
    "FROM a\nLABEL a=b \\\n c\n": (2, "can't find = in"),
    "FROM a\n# c\nRUN <<EOF\nx\n": (3, "unterminated heredoc"),
    "FROM a b\n": (1, "FROM requires either one or three arguments"),
    "FROM a AS 1x\n": (1, "invalid name for build stage"),
    "FROM a\nCOPY a\n": (2, "COPY requires at least two arguments"),
    "FROM a\nADD a <<EOF\nx\nEOF\n": (2, "cannot accept a heredoc as a destination"),
    "FROM a\nCOPY --nope=1 a b\n": (2, "unknown flag: --nope"),
    "FROM a\nCOPY --chown=1 --chown=2 a b\n": (2, "duplicate flag specified: --chown"),
    "FROM a\nCOPY --link=maybe a b\n": (2, "expecting boolean value for flag --link"),
    "FROM a\nCOPY --chown a b\n": (2, "missing a value on flag: --chown"),
    "FROM a\nUSER\n": (2, "USER requires exactly one argument"),
    "FROM a\nEXPOSE\n": (2, "EXPOSE requires at least one argument"),
    "FROM a\nONBUILD ONBUILD RUN x\n": (2, "isn't allowed"),
    "FROM a\nONBUILD FROM b\n": (2, "FROM isn't allowed as an ONBUILD trigger"),
    "FROM a\nSHELL bash\n": (2, "SHELL requires the arguments to be in JSON form"),
    "FROM a\nHEALTHCHECK NONE x\n": (2, "HEALTHCHECK NONE takes no arguments"),
    "FROM a\nHEALTHCHECK CMD\n": (2, "Missing command after HEALTHCHECK CMD"),
    "FROM a\nHEALTHCHECK SOME x\n": (2, 'Unknown type "SOME" in HEALTHCHECK'),
}


@pytest.mark.parametrize("text", REJECTED)
def test_what_buildkit_rejects_is_rejected_with_its_line_and_reason(text):
    line, reason = REJECTED[text]
    with pytest.raises(DockerfileError) as caught:
        read_dockerfile(text)
    assert caught.value.line == line
    assert reason in caught.value.what


def test_another_frontend_may_know_other_flags():
    assert read_dockerfile("# syntax=docker/dockerfile:1\nFROM a\nCOPY --parents a b\n").instructions[1].flag("parents")


def test_numbers_of_mounts_may_be_variables():
    run = read_dockerfile("FROM a\nRUN --mount=type=cache,target=/x,uid=$U,mode=0700 x\n").instructions[1]
    assert run.flags == ("--mount=type=cache,target=/x,uid=$U,mode=0700",)


@given(st.text(alphabet=st.sampled_from("FROM RUNCOPYARGENVa\n\\$<>E{}=-'\"[],#:/ \t")))
def test_only_the_packages_own_errors_leave_the_reader(text):
    with contextlib.suppress(DockerfileError):
        dockerfile = read_dockerfile(f"FROM a\n{text}")
        needed_stages(dockerfile)
        external_bases(dockerfile)


@pytest.mark.parametrize("text", ["FROM a\nRUN \udcff b\n", "FROM \ud800", "FROM a\nRUN \0 b\n"])
def test_bytes_that_are_no_text_do_not_end_the_process(text):
    assert read_dockerfile(text).stages


@pytest.mark.parametrize("text", ["FROM a\nRUN \udcff\nNO\n", '# \udc8e\nca/speedup"]\n', "FROM a\nRUN <<E \ud800\n"])
def test_an_error_beside_bytes_that_are_no_text_does_not_end_the_process(text):
    with pytest.raises(DockerfileError):
        read_dockerfile(text)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(DockerfileError):
        read_dockerfile(text)


@pytest.mark.parametrize(
    ("command", "name", "expand"),
    [
        ("cat << EOF > /x", "EOF", True),
        ("cat <<  'EOF' > /x", "EOF", False),
        ("true && \\\n  cat <<\tEOF", "EOF", True),
        ("cat 0<< EOF", "EOF", True),
    ],
)
def test_the_name_of_a_heredoc_may_stand_apart(command, name, expand):
    run, after = read_dockerfile(f"FROM a\nRUN {command}\n<< b\n{name}\nRUN x\n").instructions[1:]
    assert [(body.name, body.content, body.expand) for body in run.heredocs] == [(name, "<< b\n", expand)]
    assert run.args == (command.replace("\\\n", ""),)
    assert after.text == "RUN x"


def test_a_heredoc_beside_an_expansion_that_the_parser_does_not_know_is_found():
    run = read_dockerfile("FROM a\nRUN cat > ${A%.*}/${B#v} <<EOF\n${C/a/b}\nEOF\n").instructions[1]
    assert [(body.name, body.content) for body in run.heredocs] == [("EOF", "${C/a/b}\n")]
    assert run.text == "RUN cat > ${A%.*}/${B#v} <<EOF"


@pytest.mark.parametrize("command", ["'<< b'", '"a << b"', "a\\<< b", "a<< b", "<<- b", "$((1<<3))"])
def test_what_only_looks_like_a_heredoc_is_none(command):
    assert [step.text for step in read_dockerfile(f"FROM a\nRUN echo {command}\nRUN x\n").instructions[2:]] == ["RUN x"]


def test_a_shift_with_spaces_opens_a_heredoc():
    with pytest.raises(DockerfileError, match="unterminated heredoc") as caught:
        read_dockerfile("FROM a\nRUN echo $((1 << 3))\n")
    assert caught.value.line == 2


def test_two_heredocs_of_which_one_stands_apart():
    run = read_dockerfile("FROM a\nRUN cat <<A && cat << B\n1\nA\n2\nB\n").instructions[1]
    assert [(body.name, body.content) for body in run.heredocs] == [("A", "1\n"), ("B", "2\n")]


def test_bytes_that_are_no_text_stay_in_a_heredoc():
    copy = read_dockerfile("FROM a\nCOPY <<E /x\n\udce9\nE\n").instructions[1]
    assert copy.heredocs[0].content == "\udce9\n"


@pytest.mark.parametrize(
    ("line", "args"),
    [
        ('RUN ["a"] || b', ('["a"] || b',)),
        ('COPY ["a", "b"] c', ('["a",', '"b"]', "c")),
        ('HEALTHCHECK CMD ["a"] b', ("CMD", '["a"] b')),
    ],
)
def test_a_list_with_something_behind_it_is_no_list(line, args):
    step = read_dockerfile(f"FROM a\n{line}\n").instructions[1]
    assert (step.json, step.args) == (False, args)
