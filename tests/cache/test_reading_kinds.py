"""What was read or explained wrongly once, a test for each kind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from speedkit.cache import BaseImage, Situation, explain, predict
from speedkit.context import Manifest, read_context
from speedkit.dockerfile import read_dockerfile
from speedkit.errors import DockerfileError
from tests.cache.situations import cause_of

BASE = BaseImage(("sha256:one",), platform="linux/amd64")


def situation(text: str, folder: Path | None = None, **options) -> Situation:
    context = read_context(folder, dockerfile=folder / "Dockerfile") if folder is not None else Manifest(())
    given = {"bases": {"base": BASE}, "platform": "linux/amd64", "folder": str(folder or "")}
    return Situation(read_dockerfile(text), context, **{**given, **options})


@pytest.mark.parametrize(("asked", "verdict"), [("linux/arm64", "miss"), ("linux/amd64", "hit"), ("amd64", "hit")])
def test_an_image_of_another_platform_is_not_on_the_machine(asked, verdict):
    text = f"FROM --platform={asked} base\nRUN x\n"
    step = predict([situation("FROM base\nRUN x\n")], situation(text)).at(1)
    assert step.forecast == verdict
    if verdict == "miss":
        assert (
            cause_of(step).sentence
            == "base is on this machine for linux/amd64, not for linux/arm64: it has to be pulled first."
        )


def test_before_any_build_an_image_of_another_platform_is_told_too():
    because = cause_of(predict([], situation("FROM --platform=linux/s390x base\n")).at(1))
    assert "not for linux/s390x" in because.sentence


def test_the_same_name_may_be_there_for_one_stage_and_not_for_another():
    found = predict([], situation("FROM base AS one\nFROM --platform=linux/s390x base\nCOPY --from=one / /\n"))
    assert (found.at(1).forecast, found.at(2).forecast) == ("hit", "miss")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "f").write_text("one")
    (tmp_path / "d").mkdir(mode=0o755)
    (tmp_path / "d/x").write_text("x")
    return tmp_path


def test_content_that_is_not_noticed_is_said_to_have_changed(folder):
    before = situation("FROM base\nCOPY f /f\n", folder)
    status = (folder / "f").stat()
    (folder / "f").write_text("two")
    os.utime(folder / "f", ns=(status.st_atime_ns, status.st_mtime_ns))
    now = situation("FROM base\nCOPY f /f\n", folder)
    step = predict([before], now).at(2)
    assert (step.forecast, cause_of(step).kind, cause_of(step).what) == ("hit", "unnoticed", ("f",))
    assert "`touch f` makes it notice" in cause_of(step).sentence
    explained = explain(situation("FROM base\nCOPY f /f\n", folder, states={2: "cached"}), [before]).at(2)
    assert "BuildKit did not notice" in cause_of(explained).sentence


def test_a_folders_mode_that_is_not_noticed_is_said_to_have_changed(folder):
    before = situation("FROM base\nCOPY d /d\n", folder)
    (folder / "d").chmod(0o700)
    step = predict([before], situation("FROM base\nCOPY d /d\n", folder)).at(2)
    assert (step.forecast, cause_of(step).kind, cause_of(step).what) == ("hit", "unnoticed", ("d (mode)",))


def test_stale_content_is_told_too_where_a_step_runs_for_another_reason(folder):
    before = situation("FROM base\nCOPY f /f\n", folder)
    status = (folder / "f").stat()
    (folder / "f").write_text("two")
    os.utime(folder / "f", ns=(status.st_atime_ns, status.st_mtime_ns))
    step = predict([before], situation("FROM base\nCOPY f /g\n", folder)).at(2)
    assert step.forecast == "miss"
    assert "will not notice" in cause_of(step).sentence


@pytest.mark.parametrize(
    "seconds", ["9223372036854775808", "-9223372036854775809", "9" * 5000, "0x10", "1_000", " 5", "٣", "253402300800"]
)
def test_a_build_time_that_the_engine_refuses_is_refused(seconds):
    with pytest.raises(DockerfileError):
        predict([], situation("FROM base\n", build_args={"SOURCE_DATE_EPOCH": seconds}))


@pytest.mark.parametrize("seconds", ["0", "+5", "-1", "253402300799", ""])
def test_a_build_time_that_the_engine_takes_is_taken(seconds):
    assert predict([], situation("FROM base\n", build_args={"SOURCE_DATE_EPOCH": seconds})).steps


@pytest.mark.parametrize(
    "line",
    [
        f"STOPSIGNAL {'9' * 5000}",
        f"EXPOSE {'9' * 5000}",
        f"HEALTHCHECK --retries={'9' * 5000} CMD x",
        f"RUN --mount=type=cache,target=/c,uid={'9' * 5000} x",
    ],
)
def test_numbers_of_any_length_are_refused_and_do_no_more(line):
    with pytest.raises(DockerfileError):
        predict([], situation(f"FROM base\n{line}\n"))


@pytest.mark.parametrize("line", [f"COPY --from={'9' * 25} a /x", f"COPY --chown={'9' * 5000} f /x"])
def test_numbers_that_are_too_large_for_a_number_are_names(line, folder):
    assert predict([], situation(f"FROM base\n{line}\n", folder)).at(2).forecast == "miss"


BACKSLASH = [
    ("COPY back\\\\slash /y/", False),
    ('COPY ["back\\\\\\\\slash", "/y/"]', False),
    ("ADD back\\\\slash /y/", False),
    ("COPY back* /y/", True),
    ("COPY back?slash /y/", True),
    ("COPY . /w/\nCOPY back\\\\slash /y/", True),
]


@pytest.mark.parametrize(("lines", "finds"), BACKSLASH)
def test_a_backslash_in_a_path_of_the_context_is_an_escape(folder, lines, finds):
    (folder / "back\\slash").write_text("x")
    step = predict([], situation(f"FROM base\n{lines}\n", folder)).steps[-1]
    assert (cause_of(step).kind != "missing-file") == finds
    if not finds:
        assert "`back?slash` takes it" in cause_of(step).sentence


def test_several_files_that_are_missing_are_told_in_the_plural(folder):
    assert (
        "a and b are not in the build context"
        in cause_of(predict([], situation("FROM base\nCOPY a b /x/\n", folder)).at(2)).sentence
    )


def test_an_ignore_file_is_named_where_a_file_is_missing(folder):
    (folder / ".dockerignore").write_text("f\n")
    sentence = cause_of(predict([], situation("FROM base\nCOPY f /x/\n", folder)).at(2)).sentence
    assert sentence.startswith("f is not in the build context (it is not in the folder, or .dockerignore leaves it out)")


def test_a_base_of_unknown_configuration_is_told_in_words():
    before = situation("FROM other\nRUN x\n", bases={"other": BASE})
    unknown = situation("FROM other\nRUN x\n", bases={"other": BaseImage(("sha256:one",), environment=None, configuration="?")})
    assert "the configuration of the base image" in cause_of(predict([before], unknown).at(2)).sentence.lower()


def test_a_checksum_that_does_not_fit_is_told():
    line = f"ADD --checksum=sha256:{'0' * 64} https://x.org/f /f"
    errors = {2: "digest mismatch sha256:aa: sha256:00"}
    found = explain(situation(f"FROM base\n{line}\n", states={2: "failed"}, errors=errors, finished=False), []).at(2)
    assert cause_of(found).sentence == "What https://x.org/f serves has another digest than `--checksum` says."


def test_a_step_that_is_not_told_apart_is_said_to_be_so():
    found = explain(situation("FROM base\nRUN x\n", states={2: "unclear"}), []).at(2)
    assert cause_of(found).kind == "unclear"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding_is_named(encoding):
    text = "FROM base\nRUN x\n".encode(encoding).decode("utf-8", "surrogateescape")
    with pytest.raises(DockerfileError, match=r"UTF-(16|32), but BuildKit reads UTF-8"):
        read_dockerfile(text)


def test_a_no_break_space_is_made_visible():
    with pytest.raises(DockerfileError, match=r"RUN<U\+00A0>echo") as raised:
        read_dockerfile("FROM base\nRUN\u00a0echo\n")
    assert "no-break space" in raised.value.fix
    with pytest.raises(DockerfileError) as raised:
        read_dockerfile("FROM base\nCOPY a\u00a0/b\n")
    assert "no-break space" in raised.value.fix


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a device node")
def test_a_device_node_counts_by_its_numbers(folder):
    def made(minor: int):
        (folder / "node").unlink(missing_ok=True)
        os.mknod(folder / "node", 0o20644, os.makedev(1, minor))
        return situation("FROM base\nCOPY . /x\n", folder)

    assert predict([made(3)], made(5)).at(2).forecast == "miss"


@pytest.mark.parametrize(
    "word",
    ["<<E", "<<E\u0085", "<<E\u2028", "<<E\u00a0", "<<E\u3000", "3<<E", "<<-E", "<<'E'", '<<E""', "<<\\E", '<<"E"\u0085'],
)
@pytest.mark.parametrize("line", ["COPY {} /x", "COPY {} f /x/", "ADD {} /x"])
def test_a_here_document_is_one_however_its_mark_is_written(folder, word, line):
    text = f"FROM base\n{line.format(word)}\nabc\nE\nRUN true\n"
    found = predict([situation(text, folder)], situation(text, folder))
    assert [found.at(2).forecast, found.at(5).forecast] == ["hit", "hit"], cause_of(found.at(2)).sentence


@pytest.mark.parametrize(
    ("lines", "is_refused"),
    [
        ("COPY a\x01b /x", True),
        ('COPY ["a\\tb", "/x"]', True),
        ("ADD f a\x7fb /x/", True),
        ("RUN --mount=type=bind,source=a\x02b,target=/m true", True),
        ("COPY a\x01b ü /x/", False),
        ("COPY a\x01b /x\nCOPY . /y", False),
        ("COPY f /x\x01y", False),
        ("COPY --from=base a\x01b /x", False),
    ],
)
def test_a_control_character_in_a_path_is_refused_as_the_engine_refuses_it(tmp_path, lines, is_refused):
    for name in ("f", "a\x01b", "a\tb", "a\x7fb", "a\x02b", "ü"):
        (tmp_path / name).write_text("1")
    now = situation(f"FROM base\n{lines}\n", tmp_path)
    if is_refused:
        with pytest.raises(DockerfileError, match=r'line 2: .*"followpaths" contains value with non-printable'):
            predict([], now)
    else:
        assert cause_of(predict([], now).at(2)).kind != "missing-file"
