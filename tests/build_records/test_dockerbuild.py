"""`.dockerbuild` files are read as buildx writes them, and refused where they are not what they say."""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import tarfile
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speedkit.build_records import read_records
from speedkit.build_records.status_messages import rawjson_lines
from speedkit.errors import BuildRecordError

from .archives import DOCKERFILE, STATUSES, Archive, digest_of, encoded, framed, record_file, varint


def the_build(path):
    (file,) = read_records(path)
    if file.problem is not None:
        raise file.problem
    (build,) = file.builds
    return build


@pytest.fixture
def write(tmp_path):
    def written(content: bytes, name: str = "a.dockerbuild"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return written


def test_the_messages_of_a_record_are_the_lines_of_rawjson():
    assert [json.loads(line) for line in rawjson_lines(framed(STATUSES))] == list(STATUSES)


def test_fields_of_later_versions_are_passed_over():
    unknown = varint(15 << 3) + varint(7) + varint(99 << 3 | 2) + varint(3) + b"abc" + varint(98 << 3 | 1) + bytes(8)
    message = encoded(STATUSES[1]) + unknown + varint(97 << 3 | 5) + bytes(4)
    assert [json.loads(line) for line in rawjson_lines(struct.pack("<I", len(message)) + message)] == [STATUSES[1]]


@pytest.mark.parametrize(
    "blob",
    [
        b"\x01\x00",
        struct.pack("<I", 9) + b"abc",
        struct.pack("<I", 2) + b"\x0a\x7f",
        struct.pack("<I", 11) + b"\xff" * 11,
        struct.pack("<I", 1) + b"\x0b",
        # A vertex that started in the year 30,000.
        framed([{"vertexes": []}]) + struct.pack("<I", 12) + b"\x0a\x0a\x2a\x08\x08" + varint(1 << 40) + b"\x00",
    ],
)
def test_a_message_that_ends_too_early_is_refused(blob):
    with pytest.raises(BuildRecordError, match="The progress in it is damaged"):
        list(rawjson_lines(blob))


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_the_reader_of_messages_fail_in_another_way(blob):
    try:
        for line in rawjson_lines(blob):
            json.loads(line)
    except BuildRecordError:
        pass


def test_a_record_has_its_counts_its_seconds_its_dockerfile_and_its_commit(write):
    attributes = {
        "vcs:revision": "4547922f",
        "vcs:source": "https://git.example/a.git",
        "build-arg:MODE": "fast",
        "target": "x",
    }
    build = the_build(write(record_file(FrontendAttrs=attributes, localState={"LocalPath": "/home/me/a"})))
    assert (build.kind, build.reference, build.steps, build.cached_steps, build.seconds) == ("dockerbuild", "ref1", 3, 1, 2.5)
    assert (build.dockerfile, build.vertex_lines) == (DOCKERFILE, {digest_of("[1/2] COPY a.txt /"): [[2, 2]]})
    assert (build.commit, build.repository, build.folder) == ("4547922f", "https://git.example/a.git", "/home/me/a")
    assert (build.build_args, build.target, build.outcome) == ({"MODE": "fast"}, "x", "done")


def test_the_times_of_older_versions_are_texts(write):
    build = the_build(write(record_file(CreatedAt="2026-03-01T10:00:00.5Z", CompletedAt="2026-03-01T10:00:03Z")))
    assert (build.started, build.seconds) == (1_772_359_200.5, 2.5)


def test_a_count_that_is_left_out_beside_another_one_is_zero(write):
    assert the_build(write(record_file(numCachedSteps=None))).cached_steps == 0


def test_without_any_count_the_vertices_are_counted(write):
    build = the_build(write(record_file(numTotalSteps=None, numCachedSteps=None)))
    assert (build.steps, build.cached_steps) == (3, 1)


def test_the_progress_may_be_one_json_document(write):
    build = the_build(write(record_file(folded=True)))
    assert b"[1/2] COPY a.txt" in b"".join(build.status_lines)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [({"code": 2, "message": "exit code: 1"}, "failed"), ({"code": 1, "message": "context canceled"}, "cancelled")],
)
def test_a_failed_build_has_its_error_and_no_dockerfile(write, error, outcome):
    build = the_build(write(record_file(error=error, dockerfile=None)))
    assert (build.outcome, build.error, build.dockerfile) == (outcome, error["message"], None)


def test_a_record_without_an_end_has_no_seconds_and_no_outcome(write):
    build = the_build(write(record_file(CompletedAt=None)))
    assert (build.seconds, build.outcome) == (None, None)


@pytest.mark.parametrize("is_packed", [True, False])
def test_an_index_may_have_several_records(write, is_packed):
    archive = Archive()
    manifests = [archive.record("one"), archive.record("two")]
    (file,) = read_records(write(archive.packed(*manifests, is_packed=is_packed)))
    assert [build.reference for build in file.builds] == ["one", "two"]


def test_a_zip_may_wrap_it_and_a_folder_may_hold_it(tmp_path, write):
    with zipfile.ZipFile(tmp_path / "artifact", "w") as archive:
        archive.writestr("docker~app~REF1.dockerbuild", record_file())
        archive.writestr("README", "none\n")
    write(record_file("two"))
    files = [file for file in read_records(tmp_path) if file.builds]
    assert [(file.name, file.builds[0].reference) for file in files] == [
        (str(tmp_path / "a.dockerbuild"), "two"),
        (f"docker~app~REF1.dockerbuild in {tmp_path / 'artifact'}", "ref1"),
    ]


def test_an_unpacked_record_is_read_from_its_folder(tmp_path):
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(record_file()))) as tar:
        tar.extractall(tmp_path / "folder", filter="data")
    assert the_build(tmp_path / "folder").steps == 3


# What lies


def with_other_bytes(archive: Archive) -> bytes:
    manifest = archive.record()
    digest = next(digest for digest, data in archive.blobs.items() if data == framed(STATUSES))
    archive.blobs[digest] = framed(STATUSES[:-1])
    return archive.packed(manifest)


def with_another_size(archive: Archive) -> bytes:
    return archive.packed(archive.record() | {"size": 1})


def with_a_missing_part(archive: Archive) -> bytes:
    manifest = archive.record()
    del archive.blobs[manifest["digest"]]
    return archive.packed(manifest)


def with_an_index_in_itself(archive: Archive) -> bytes:
    manifest = archive.record()
    for _ in range(6):
        manifest = archive.add({"manifests": [manifest]}, "application/vnd.oci.image.index.v1+json")
    return archive.packed(manifest)


def with_brackets(archive: Archive) -> bytes:
    return archive.packed(archive.add(b"[" * 100_000, "application/vnd.oci.image.manifest.v1+json"))


def of_an_image(archive: Archive) -> bytes:
    config = archive.add({}, "application/vnd.oci.image.config.v1+json")
    return archive.packed(archive.add({"config": config, "layers": []}, "application/vnd.oci.image.manifest.v1+json"))


def that_is_cut(archive: Archive) -> bytes:
    return archive.packed(archive.record())[:-40]


def that_unpacks_to_much_more(archive: Archive) -> bytes:
    header = tarfile.TarInfo("blobs/sha256/" + "0" * 64)
    header.size = 300 << 20
    return gzip.compress(header.tobuf() + bytes(1 << 20))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (with_other_bytes, "do not match their digest|does not have the size"),
        (with_another_size, "does not have the size"),
        (with_a_missing_part, "is missing"),
        (with_an_index_in_itself, "too deep"),
        (with_brackets, "no JSON"),
        (of_an_image, "without a record of a build"),
        (that_is_cut, "ends in the middle|cut short|damaged"),
        (that_unpacks_to_much_more, "unpacks to more than 256 MiB"),
    ],
)
def test_what_is_not_as_it_says_is_refused_with_one_sentence_and_3(write, content, words):
    path = write(content(Archive()))
    with pytest.raises(BuildRecordError, match=words) as refused:
        the_build(path)
    assert refused.value.exit_code == 3
    assert refused.value.what.startswith(f"{path}: ")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_byte_that_changed_is_noticed_or_changes_nothing(tmp_path_factory, data):
    archive = Archive()
    content = bytearray(archive.packed(archive.record(), is_packed=False))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("changed") / "a.dockerbuild"
    path.write_bytes(content)
    for file in read_records(path):
        assert file.problem is not None or not file.builds or file.builds[0].steps == 3


@pytest.mark.parametrize("wrapped", ["gzip", "zip"])
def test_a_log_that_unpacks_to_hundreds_of_times_its_size_is_refused(tmp_path, wrapped):
    path = tmp_path / "log"
    zeros = bytes(101 << 20)
    if wrapped == "gzip":
        path.write_bytes(gzip.compress(zeros))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("build.log", zeros)
    (file,) = read_records(path)
    assert "unpacks to more than 100 MiB" in file.problem.what


def test_zips_in_zips_are_read_no_further_than_two(tmp_path):
    inner = record_file()
    for _ in range(4):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("a", inner)
        inner = buffer.getvalue()
    (tmp_path / "a.zip").write_bytes(inner)
    (file,) = read_records(tmp_path / "a.zip")
    assert "zip in a zip" in file.problem.what


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (file,) = read_records(tmp_path / "pipe")
    assert "It is a pipe" in file.problem.what
