"""Imported builds are recordings: marked with where they came from, without secrets, and once for each record."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

import speedkit as sk
from speedkit.build_records import ELSEWHERE
from speedkit.errors import BuildRecordError, Misuse
from speedkit.recordings import list_recordings, read_build

from .archives import STATUSES, Archive, log_status, record_file, status_line


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def the_recording(home):
    (recording,) = list_recordings(home / "recordings")
    return recording


def test_a_record_becomes_a_build_with_the_steps_of_its_dockerfile(home, tmp_path):
    path = tmp_path / "a.dockerbuild"
    path.write_bytes(record_file())
    (imported,) = sk.import_records(path).builds
    recording = the_recording(home)
    build = read_build(recording)
    assert [(step.line, step.state) for step in build.instructions] == [(1, "no-step"), (2, "cached"), (3, "ran")]
    assert (imported.id, imported.steps, imported.cached_steps, imported.seconds) == (recording.meta.id, 3, 1, 2.5)
    assert recording.meta.builder == ELSEWHERE
    assert recording.meta.imported["unknown"] == ["build context"]


def test_a_record_that_is_imported_twice_is_one_recording(home, tmp_path):
    archive = Archive()
    (tmp_path / "a.dockerbuild").write_bytes(record_file())
    # The same build in another export: BuildKit's name of it is the same.
    (tmp_path / "b.dockerbuild").write_bytes(archive.packed(archive.record("other"), archive.record()))
    first = sk.import_records(tmp_path / "a.dockerbuild").builds
    second = sk.import_records(tmp_path / "b.dockerbuild", tmp_path / "a.dockerbuild").builds
    assert [build.id for build in second[1:]] == [first[0].id] * 2
    assert len(list_recordings(home / "recordings")) == 2


@pytest.mark.parametrize("token", ["ghp_0123456789abcdefghijABCDEFGHIJ012345", "glpat-0123456789abcdefghij"])
def test_no_secret_of_a_record_is_kept(home, tmp_path, token):
    name = "[2/2] COPY b.txt /"
    statuses = [*STATUSES, log_status(name, f"token is {token[:9]}".encode()), log_status(name, f"{token[9:]}\n".encode())]
    attributes = {"filename": "Dockerfile", "build-arg:TOKEN": token, "vcs:source": f"https://{token}@git.example/a"}
    dockerfile = f"FROM scratch\nENV TOKEN={token}\nCOPY a.txt /\nCOPY b.txt /\n"
    error = {"code": 2, "message": f"refused {token}"}
    path = tmp_path / "a.dockerbuild"
    path.write_bytes(record_file(statuses=statuses, FrontendAttrs=attributes, dockerfile=dockerfile, error=error))
    sk.import_records(path)
    kept = b"".join(file.read_bytes() for file in (home / "recordings").rglob("*") if file.is_file())
    assert b"refused" in kept
    assert token.encode() not in kept


def test_a_path_that_does_not_exist_is_misuse(home, tmp_path):
    with pytest.raises(Misuse, match="does not exist"):
        sk.import_records(tmp_path / "nothing")


def test_where_no_file_can_be_read_the_import_fails(home, tmp_path):
    (tmp_path / "a.dockerbuild").write_bytes(record_file()[:-30])
    with pytest.raises(BuildRecordError, match=r"a\.dockerbuild"):
        sk.import_records(tmp_path)


def test_the_standard_input_is_read(home, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(record_file())))
    assert [build.source for build in sk.import_records("-").builds] == ["the standard input"]


# rawjson


def test_a_file_of_rawjson_is_one_build(home, tmp_path):
    path = tmp_path / "progress"
    lines = [status_line(name="[1/2] FROM alpine", cached=True), "not of BuildKit\n", status_line(name="[2/2] RUN true")]
    path.write_text("".join(lines))
    (build,) = sk.import_records(path).builds
    assert (build.kind, build.steps, build.cached_steps, build.seconds) == ("rawjson", 2, 1, 2.5)
    assert [(place.line, place.text) for place in build.not_understood] == [(2, "not of BuildKit")]


def test_the_text_after_the_last_line_of_rawjson_says_why_the_build_failed(home, tmp_path):
    path = tmp_path / "progress"
    path.write_text(status_line(name="[2/2] RUN false", error="exit code: 1") + "ERROR: failed to solve\n")
    (build,) = sk.import_records(path).builds
    meta = the_recording(home).meta
    assert (meta.outcome, meta.error, build.not_understood) == ("failed", "ERROR: failed to solve", ())


def test_a_line_that_was_cut_is_not_understood_and_its_build_is_not_done(home, tmp_path):
    path = tmp_path / "progress"
    path.write_text(status_line(name="[2/2] RUN true", completed=None) + status_line(name="[2/2] RUN true")[:60])
    (build,) = sk.import_records(path).builds
    assert [place.line for place in build.not_understood] == [2]
    assert the_recording(home).meta.notices == ["The record ends before the build does."]
