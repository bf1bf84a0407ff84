"""Files that BuildKit cannot take, though they are there: symlinks that lead in a circle, names that are not UTF-8."""

from __future__ import annotations

import os
import subprocess

import pytest

from speedkit.cache import Situation, predict
from speedkit.context import read_context
from speedkit.dockerfile import read_dockerfile
from tests.cache.situations import cause_of, manifest, situation
from tests.conformance.building import buildx
from tests.waiting import HANG_SECONDS

LOOP = manifest(a="-> b", b="-> a", d="", d_in_l="-> ../d/l", f="f", g="-> none")
BAD_NAME = os.fsdecode(b"caf\xe9")


@pytest.mark.parametrize(
    ("instruction", "path"),
    [
        ("COPY a /x", "a"),
        ("ADD a /x", "a"),
        ("COPY d/l /x", "d/l"),
        ("COPY a/b /x", "a/b"),
        ("COPY a* /x", "a*"),
        ("COPY --exclude=x a /x", "a"),
        ("RUN --mount=type=bind,source=a,target=/m true", "a"),
    ],
)
def test_symlinks_that_lead_in_a_circle_are_told_as_such(instruction, path):
    because = cause_of(predict([], situation(f"FROM base\n{instruction}\n", LOOP)).at(2))
    assert (because.kind, because.what) == ("refused-file", (path,))
    assert "too many links" in because.sentence


def test_a_folder_that_holds_a_circle_is_copied_as_it_is():
    text = "FROM base\nCOPY d /x\n"
    assert predict([situation(text, LOOP)], situation(text, LOOP)).at(2).forecast == "hit"


def test_a_symlink_to_nowhere_is_missing():
    assert cause_of(predict([], situation("FROM base\nCOPY g /x\n", LOOP)).at(2)).kind == "missing-file"


@pytest.fixture
def folder(tmp_path):
    """A context with a name that is not UTF-8."""
    (tmp_path / "f").write_text("f")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / BAD_NAME).write_text("x")
    return tmp_path


def _forecast(folder, text):
    (folder / "Dockerfile").write_text(text)
    context = read_context(folder, dockerfile=folder / "Dockerfile")
    return predict([], Situation(read_dockerfile(text), context))


@pytest.mark.parametrize("source", [".", "sub", "s*", "sub/c*"])
def test_a_step_that_takes_a_name_that_is_not_utf_8_says_that_the_build_stops(source, folder):
    because = cause_of(_forecast(folder, f"FROM scratch\nCOPY {source} /x/\n").at(2))
    assert (because.kind, because.what) == ("refused-file", (r"sub/caf\xe9",))
    assert "not UTF-8" in because.sentence
    assert "the build will stop here" in because.sentence


def test_a_name_that_is_not_utf_8_stops_no_build_that_does_not_take_it(folder):
    assert cause_of(_forecast(folder, "FROM scratch\nCOPY f /x/\n").at(2)).kind == "new"
    (folder / ".dockerignore").write_text("sub/c*\n")
    assert cause_of(_forecast(folder, "FROM scratch\nCOPY . /x/\n").at(2)).kind == "new"


def test_a_symlink_to_such_a_name_stops_it_too(folder):
    (folder / "link").symlink_to(BAD_NAME)
    assert cause_of(_forecast(folder, "FROM scratch\nCOPY link /x/\n").at(2)).kind == "refused-file"


def _built(folder, text):
    (folder / "Dockerfile").write_text(text)
    command = [buildx(), "build", "--progress=plain", "--output", "type=cacheonly", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)


@pytest.mark.engine
def test_buildkit_stops_at_a_circle(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    told = _built(tmp_path, "FROM scratch\nCOPY a /x\n")
    assert told.returncode
    assert "too many links" in told.stderr
    assert "Dockerfile:2" in told.stderr


@pytest.mark.engine
@pytest.mark.parametrize("source", [".", "sub", "s*", "sub/c*", "f"])
def test_buildkit_stops_where_it_would_be_sent_such_a_name(source, folder):
    text = f"FROM scratch\nCOPY {source} /x/\n"
    told, forecast = _built(folder, text), _forecast(folder, text)
    assert (told.returncode != 0) == (cause_of(forecast.at(2)).kind == "refused-file")
    assert ("invalid UTF-8" in told.stderr) == (told.returncode != 0)
