"""Image archives of every kind are read once, and damaged ones are refused."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import json
import lzma
import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from speedkit.errors import AlteredArchive, ArchiveError
from speedkit.images.archive import read_archive, read_content, read_saved_image
from speedkit.images.archive_names import archive_named
from speedkit.images.bytestream import ByteStream, gunzip, unzstd
from speedkit.images.image import StoredFile
from speedkit.images.manifests import MACHINES, describe_images
from speedkit.images.sources import SentImage, source_on_disk
from speedkit.images.store import LayerStore

from .archives import COMPRESSIONS, Compress, blob, config, digest, docker_archive, layer, oci_archive, write_archive

LOWER = layer(("etc", None), ("etc/a", b"first"), ("b", b"22"))
UPPER = layer(("etc/a", b"second"), (".wh.b", b""))
ZSTD_COMMENT = b"\x50\x2a\x4d\x18\4\0\0\0text"
"""A frame that holds no data."""
COMMANDS = ["COPY a /", None, "RUN rm /b"]


def sent(stream: ByteStream, diff_ids: Iterable[str]) -> SentImage:
    """What an engine sends for an image of these layers."""
    return SentImage(stream, frozenset(diff_ids))


@pytest.fixture
def store(tmp_path: Path) -> LayerStore:
    return LayerStore(tmp_path / "store")


@pytest.mark.parametrize("compress", COMPRESSIONS)
def test_a_docker_archive_gives_layers_with_their_commands(tmp_path: Path, store: LayerStore, compress: Compress) -> None:
    path = docker_archive(tmp_path / "image.tar", [LOWER, UPPER], COMMANDS, compress=compress)
    image = read_archive(path, store=store)
    assert [(item.digest, item.command, item.size_bytes) for item in image.layers] == [
        (f"sha256:{digest(LOWER)}", "COPY a /", 7),
        (f"sha256:{digest(UPPER)}", "RUN rm /b", 6),
    ]
    assert (image.name, image.wasted_bytes) == ("test:1", 7)
    assert image.id == f"sha256:{digest(config([LOWER, UPPER], COMMANDS))}"


def test_a_command_that_is_no_text_can_still_be_printed(tmp_path: Path, store: LayerStore) -> None:
    path = docker_archive(tmp_path / "image.tar", [LOWER], ["RUN \ud800"])
    assert read_archive(path, store=store).layers[0].command == "RUN \\ud800"


def test_an_archive_compressed_as_a_whole_is_read_too(tmp_path: Path, store: LayerStore) -> None:
    path = docker_archive(tmp_path / "image.tar", [LOWER])
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert read_archive(path, store=store).image_bytes == 7


def test_an_archive_compressed_with_zstd_is_read_as_its_ending_promises(tmp_path: Path, store: LayerStore) -> None:
    path = docker_archive(tmp_path / "image.tar.zst", [LOWER, UPPER], COMMANDS)
    path.write_bytes(ZSTD_COMMENT + zstandard.compress(path.read_bytes()))
    assert len(read_archive(path, store=store).layers) == 2


def test_a_layer_whose_first_zstd_frame_holds_no_data_is_read(tmp_path: Path, store: LayerStore) -> None:
    path = docker_archive(tmp_path / "image.tar", [LOWER], compress=lambda data: ZSTD_COMMENT + zstandard.compress(data))
    assert read_archive(path, store=store).layers[0].contents.count == 2


@pytest.mark.parametrize(("compress", "name"), [(bz2.compress, "bzip2"), (lzma.compress, "xz")])
def test_what_is_compressed_in_another_way_is_called_that(
    tmp_path: Path, store: LayerStore, compress: Compress, name: str
) -> None:
    whole = docker_archive(tmp_path / "whole.tar", [LOWER])
    whole.write_bytes(compress(whole.read_bytes()))
    for path in (whole, docker_archive(tmp_path / "layer.tar", [LOWER], compress=compress)):
        with pytest.raises(ArchiveError, match=f"compressed with {name}"):
            read_archive(path, store=store)


def test_a_layer_whose_first_file_is_called_like_compressed_data_is_read(tmp_path: Path, store: LayerStore) -> None:
    path = docker_archive(tmp_path / "image.tar", [layer(("BZh9", b"x"))])
    assert [file.path for file in read_archive(path, store=store).files] == ["/BZh9"]


def test_an_archive_is_believed_of_no_layer_even_when_the_store_knows_it(tmp_path: Path, store: LayerStore) -> None:
    path = docker_archive(tmp_path / "image.tar", [LOWER, UPPER])
    read_archive(path, store=store)
    path.write_bytes(path.read_bytes().replace(b"second", b"xxxxxx"))
    for kept in (store, LayerStore(tmp_path / "empty")):
        with pytest.raises(AlteredArchive, match="do not match the digest in its name") as problem:
            read_archive(path, store=kept)
        assert problem.value.exit_code == 1


def test_a_layer_under_a_plain_name_is_held_against_what_the_image_says(tmp_path: Path, store: LayerStore) -> None:
    read_archive(docker_archive(tmp_path / "good.tar", [LOWER]), store=store)
    members = {"manifest.json": manifest_of("config.json", "a"), "config.json": config([LOWER], []), "a": UPPER}
    evil = write_archive(tmp_path / "evil.tar", members)
    with pytest.raises(AlteredArchive, match="does not match its digest in the image"):
        read_archive(evil, store=store)


def test_an_archive_cannot_give_another_layers_digest_a_meaning(tmp_path: Path, store: LayerStore) -> None:
    """Else the store would take the good layer for the other one, in every archive and stream from then on."""
    good, other = gzip.compress(LOWER), gzip.compress(UPPER)
    about = config([UPPER], [])
    members = {"manifest.json": manifest_of("config.json", blob(good)), "config.json": about, blob(good): other}
    with pytest.raises(AlteredArchive):
        read_archive(write_archive(tmp_path / "poison.tar", members), store=store)
    assert store.diff_id_of_blob(f"sha256:{digest(good)}") is None
    read_archive(docker_archive(tmp_path / "good.tar", [LOWER], compress=gzip.compress), store=store)
    assert store.diff_id_of_blob(f"sha256:{digest(good)}") in (None, f"sha256:{digest(LOWER)}")


def test_a_document_must_have_the_digest_that_it_is_named_by(tmp_path: Path, store: LayerStore) -> None:
    about, other = config([LOWER], []), config([LOWER], ["RUN another"])
    members = {"manifest.json": manifest_of(blob(about), "a"), blob(about): other, "a": LOWER}
    with pytest.raises(AlteredArchive, match="do not match the digest in its name"):
        read_archive(write_archive(tmp_path / "image.tar", members), store=store)


def test_a_damaged_entry_of_the_store_is_read_again(tmp_path: Path, store: LayerStore) -> None:
    path = docker_archive(tmp_path / "image.tar", [LOWER, UPPER])
    first = read_archive(path, store=store)
    for kept in store.folder.glob("[0-9a-f]*"):
        if kept.is_file():
            kept.write_bytes(kept.read_bytes()[:-3])
    assert read_archive(path, store=store).files == first.files
    assert store.layer(first.layers[0].digest) is not None


def test_what_the_store_keeps_comes_back_as_it_was(store: LayerStore) -> None:
    from .archives import files_of

    files = files_of(layer(("ü" * 100, b"x"), ("s", "-> a b"), ("d", 0o1700), ("h", "link s"), (".wh.z", b"")))
    store.keep(f"sha256:{'0' * 64}", files)
    found = store.layer(f"sha256:{'0' * 64}")
    assert found is not None
    for column in files.__slots__:
        assert getattr(found, column) == getattr(files, column)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_a_damaged_store_never_raises(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    from .archives import files_of

    store = LayerStore(tmp_path_factory.mktemp("store"))
    name = f"sha256:{'0' * 64}"
    store.keep(name, files_of(LOWER))
    path = store.folder / ("0" * 64)
    whole = bytearray(path.read_bytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    found = store.layer(name)
    assert found is None or found.paths == files_of(LOWER).paths


def test_a_store_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = LayerStore(tmp_path / "file" / "store")
    assert read_archive(docker_archive(tmp_path / "image.tar", [LOWER]), store=store).image_bytes == 7
    assert store.commands("sha256:" + "0" * 64) is None
    assert store.layer("no digest") is None


def test_the_commands_of_an_image_are_kept(store: LayerStore) -> None:
    name = f"sha256:{'1' * 64}"
    store.keep_commands(name, ["COPY . ."])
    assert store.commands(name) == ["COPY . ."]
    (store.folder / "images" / ("1" * 64)).write_text("{")
    assert store.commands(name) is None


def test_an_oci_archive_gives_the_image_of_this_machine(
    tmp_path: Path, store: LayerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = oci_archive(tmp_path / "oci.tar", [("amd64", "", [LOWER]), ("arm64", "", [UPPER])])
    for machine, architecture in MACHINES.items():
        monkeypatch.setattr("platform.machine", lambda machine=machine: machine)
        expected = {"amd64": LOWER, "arm64": UPPER}[architecture]
        assert [item.digest for item in read_archive(path, store=store).layers] == [f"sha256:{digest(expected)}"]
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(ArchiveError, match="this machine"):
        read_archive(path, store=store)


def test_an_archive_of_several_images_asks_for_a_name(tmp_path: Path, store: LayerStore) -> None:
    path = oci_archive(tmp_path / "oci.tar", [("amd64", "one:latest", [LOWER]), ("amd64", "docker.io/library/two:1", [UPPER])])
    with pytest.raises(ArchiveError, match="more than one"):
        read_archive(path, store=store)
    one = read_archive(path, name="one", store=store)
    assert one.layers[0].digest == f"sha256:{digest(LOWER)}"
    assert read_archive(path, name=one.id[:20], store=store).id == one.id
    assert read_archive(path, name="two:1", store=store).name == "docker.io/library/two:1"
    with pytest.raises(ArchiveError, match="no image three"):
        read_archive(path, name="three", store=store)


def test_a_repeated_layer_of_an_old_archive_is_a_symlink(tmp_path: Path, store: LayerStore) -> None:
    about = config([LOWER, LOWER], ["COPY a /", "COPY a /"])
    manifest = [{"Config": "config.json", "RepoTags": None, "Layers": ["1/layer.tar", "2/layer.tar"]}]
    data = layer(
        ("1/layer.tar", LOWER),
        ("2/layer.tar", "-> ../1/layer.tar"),
        ("config.json", about),
        ("manifest.json", json.dumps(manifest).encode()),
    )
    path = tmp_path / "old.tar"
    path.write_bytes(data)
    image = read_archive(path, store=store)
    assert [item.digest for item in image.layers] == [f"sha256:{digest(LOWER)}"] * 2
    assert (image.name, image.wasted_bytes) == ("old.tar", 7)
    assert read_content(source_on_disk(path), image.locate("/etc/a", place=0), store=store) == b"first"


@pytest.mark.parametrize("compress", COMPRESSIONS)
def test_the_content_of_a_file_is_that_of_the_layer_asked_for(tmp_path: Path, store: LayerStore, compress: Compress) -> None:
    path = docker_archive(tmp_path / "image.tar", [LOWER, UPPER], compress=compress)
    for again in range(2):
        assert read_content(source_on_disk(path), StoredFile(f"sha256:{digest(LOWER)}", "etc/a"), store=store) == b"first"
        assert read_content(source_on_disk(path), StoredFile(f"sha256:{digest(UPPER)}", "etc/a"), store=store) == b"second"
        assert len(read_archive(path, store=store).layers) == 2, again
    with pytest.raises(ArchiveError, match="has no file"):
        read_content(source_on_disk(path), StoredFile(f"sha256:{digest(UPPER)}", "b"), store=store)


def test_content_that_is_too_large_or_has_holes_is_not_shown(tmp_path: Path, store: LayerStore) -> None:
    from .test_tar import pax

    for data in (layer(("a", bytes((16 << 20) + 1))), pax({"GNU.sparse.realsize": "9", "GNU.sparse.map": "0,1"})):
        path = docker_archive(tmp_path / "image.tar", [data])
        with pytest.raises(ArchiveError):
            read_content(source_on_disk(path), StoredFile(f"sha256:{digest(data)}", "a"), store=store)


def test_a_stream_is_read_in_one_pass_and_known_layers_are_passed_over(tmp_path: Path, store: LayerStore) -> None:
    data = docker_archive(tmp_path / "image.tar", [LOWER, UPPER], COMMANDS).read_bytes()
    diff_ids = [f"sha256:{digest(LOWER)}", f"sha256:{digest(UPPER)}"]
    first = read_saved_image(sent(ByteStream([data]), diff_ids), store=store)
    assert set(first.files) == set(diff_ids)
    assert describe_images(first.documents)[0].commands == ("COPY a /", "RUN rm /b")
    assert read_saved_image(sent(ByteStream([data]), diff_ids), store=store, skipped=diff_ids).files == {}
    assert read_content(sent(ByteStream([data]), diff_ids), StoredFile(diff_ids[1], "etc/a"), store=store) == b"second"


def test_compressed_layers_of_a_stream_are_known_by_their_blob(tmp_path: Path, store: LayerStore) -> None:
    data = docker_archive(tmp_path / "image.tar", [LOWER], compress=gzip.compress).read_bytes()
    diff_ids = [f"sha256:{digest(LOWER)}"]
    assert set(read_saved_image(sent(ByteStream([data]), diff_ids), store=store).files) == set(diff_ids)
    assert read_saved_image(sent(ByteStream([data]), diff_ids), store=store, skipped=diff_ids).files == {}
    assert read_saved_image(sent(ByteStream([data]), []), store=store).files == {}


@pytest.mark.parametrize("compress", COMPRESSIONS)
def test_a_layer_that_another_process_keeps_meanwhile_is_read_all_the_same(
    tmp_path: Path, store: LayerStore, compress: Compress
) -> None:
    data = docker_archive(tmp_path / "image.tar", [LOWER, UPPER], compress=compress).read_bytes()
    diff_ids = [f"sha256:{digest(LOWER)}", f"sha256:{digest(UPPER)}"]
    read_saved_image(sent(ByteStream([data]), diff_ids), store=store)
    assert set(read_saved_image(sent(ByteStream([data]), diff_ids), store=store, skipped=diff_ids[:1]).files) == {diff_ids[1]}


@pytest.mark.parametrize("compress", COMPRESSIONS)
def test_the_stream_is_left_as_soon_as_the_file_is_found(tmp_path: Path, store: LayerStore, compress: Compress) -> None:
    big = layer(("etc/a", b"first"), ("big", os.urandom(1 << 20)), ("etc/a", b"again"), ("rest", bytes(9)))
    path = docker_archive(tmp_path / "image.tar", [big], compress=compress)
    image = read_archive(path, store=store)
    data, taken = path.read_bytes(), []

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(data), 1000):
            taken.append(start)
            yield data[start : start + 1000]

    first = StoredFile(image.layers[0].digest, "etc/a")
    assert read_content(sent(ByteStream(chunks()), [first.digest]), first, store=store) == b"first"
    assert len(taken) < 300
    last = image.locate("/etc/a")
    assert read_content(sent(ByteStream(chunks()), [last.digest]), last, store=store) == b"again"
    assert read_content(source_on_disk(path), last, store=store) == b"again"


@pytest.mark.parametrize("compress", COMPRESSIONS)
@pytest.mark.parametrize("size", [1, 7, 511, 512, 4000])
def test_a_stream_whose_chunks_are_overwritten_is_read_as_a_whole_one(
    tmp_path: Path, store: LayerStore, compress: Compress, size: int
) -> None:
    large = layer(("long/" * 60 + "name", os.urandom(5000)), ("link", "-> " + "far/" * 80), ("b", b"22"))
    data = docker_archive(tmp_path / "image.tar", [LOWER, large], COMMANDS, compress=compress).read_bytes()
    buffer = bytearray(size)

    def chunks() -> Iterator[memoryview]:
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            buffer[: len(piece)] = piece
            yield memoryview(buffer)[: len(piece)]
            buffer[:] = b"\xff" * size

    diff_ids = [f"sha256:{digest(LOWER)}", f"sha256:{digest(large)}"]
    whole = read_saved_image(sent(ByteStream([data]), diff_ids), store=store)
    found = read_saved_image(sent(ByteStream(chunks()), diff_ids), store=store)
    assert found.documents == whole.documents
    for diff_id in diff_ids:
        files, expected = found.files[diff_id], whole.files[diff_id]
        assert [files.file(at) for at in range(len(files))] == [expected.file(at) for at in range(len(expected))]


def test_a_folder_in_the_layout_of_oci_is_an_archive_too(tmp_path: Path, store: LayerStore) -> None:
    path = oci_archive(tmp_path / "oci.tar", [("amd64", "one:1", [LOWER]), ("amd64", "two:1", [LOWER, UPPER])])
    folder = tmp_path / "oci"
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
    (folder / "loop").symlink_to(folder)
    image = read_archive(folder, name="two:1", store=store)
    assert image.layers == read_archive(path, name="two:1", store=store).layers
    assert read_content(source_on_disk(folder), image.locate("/etc/a"), store=store) == b"second"
    (folder / "oci-layout").unlink()
    with pytest.raises(ArchiveError, match="folder without an image"):
        read_archive(folder, store=store)


def test_a_refusal_says_which_archive_and_which_layer_it_is_about(tmp_path: Path, store: LayerStore) -> None:
    about = config([LOWER], [])
    members = {"manifest.json": manifest_of("config.json", "a"), "config.json": about, "a": gzip.compress(b"no layer" * 99)}
    path = write_archive(tmp_path / "image.tar", members)
    with pytest.raises(ArchiveError, match=r"image\.tar: a: This is not a tar archive") as problem:
        read_archive(path, store=store)
    assert problem.value.fix
    with pytest.raises(ArchiveError, match="holds no image"):
        read_archive(write_archive(tmp_path / "none.tar", {"manifest.json": b"[]"}), store=store)


def manifest_of(config_name: str, *layers: str) -> bytes:
    return json.dumps([{"Config": config_name, "RepoTags": [], "Layers": layers}]).encode()


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"manifest.json": b"{"},
        {"manifest.json": b"[" * 100_000},
        {"manifest.json": b"[]"},
        {"manifest.json": b'{"Config": 1}'},
        {"manifest.json": b'[{"Config": 1, "Layers": []}]'},
        {"manifest.json": manifest_of("config.json")},
        {"manifest.json": manifest_of("config.json"), "config.json": b"[1]"},
        {"manifest.json": manifest_of("config.json", "a"), "config.json": config([], [])},
        {"manifest.json": manifest_of("config.json", "a"), "config.json": config([LOWER], [])},
        {"manifest.json": manifest_of("config.json", "a"), "config.json": config([LOWER], []), "a": b"no layer"},
        {
            "manifest.json": manifest_of("config.json", "a"),
            "config.json": config([LOWER], []),
            "a": b"\x28\xb5\x2f\xfd" + LOWER,
        },
        {"manifest.json": manifest_of("config.json", "a"), "config.json": config([LOWER], []), "a": b"\x1f\x8b" + LOWER},
        {"manifest.json": manifest_of("config.json", "a"), "config.json": config([LOWER], []), "a": gzip.compress(LOWER)[:-9]},
        {"index.json": b'{"manifests": [{"digest": "sha256:0"}]}'},
        {"index.json": b'{"manifests": [{"digest": 1}]}'},
    ],
)
def test_an_archive_that_is_no_image_is_refused(tmp_path: Path, store: LayerStore, members: dict[str, bytes]) -> None:
    with pytest.raises(ArchiveError) as problem:
        read_archive(write_archive(tmp_path / "image.tar", members), store=store)
    assert problem.value.what


def test_an_index_that_names_itself_ends(tmp_path: Path, store: LayerStore) -> None:
    inner = json.dumps({"manifests": [{"digest": "sha256:x"}]}).encode()
    index = inner.replace(b"sha256:x", f"sha256:{digest(inner)}".encode())
    path = write_archive(tmp_path / "oci.tar", {"index.json": index, blob(inner): inner, "blobs/sha256/x": inner})
    with pytest.raises(ArchiveError):
        read_archive(path, store=store)


def test_an_index_is_read_once_however_often_it_is_named(tmp_path: Path, store: LayerStore) -> None:
    """Fourteen entries on four levels would be 38,416 images."""
    members: dict[str, bytes] = {"a": LOWER}
    about = config([], [])
    document = json.dumps({"config": {"digest": f"sha256:{digest(about)}"}, "layers": []}).encode()
    members |= {blob(about): about}
    for _ in range(4):
        members[blob(document)] = document
        document = json.dumps({"manifests": [{"digest": f"sha256:{digest(document)}"}] * 14}).encode()
    images = describe_images(members | {"index.json": document})
    assert len(images) <= 14


def test_more_images_than_anybody_saves_are_refused() -> None:
    about = config([], [])
    entries = [{"Config": "config.json", "RepoTags": [f"image:{place}"], "Layers": []} for place in range(1001)]
    assert len(describe_images({"manifest.json": json.dumps(entries).encode(), "config.json": about})) == 1000


def test_one_odd_manifest_does_not_hide_the_others(tmp_path: Path, store: LayerStore) -> None:
    odd = {"Config": "missing.json", "RepoTags": ["odd:1"], "Layers": ["a"]}
    good = {"Config": "config.json", "RepoTags": ["good:1"], "Layers": ["a"]}
    members = {"manifest.json": json.dumps([odd, good]).encode(), "config.json": config([LOWER], []), "a": LOWER}
    path = write_archive(tmp_path / "image.tar", members)
    assert read_archive(path, store=store).name == "good:1"
    with pytest.raises(ArchiveError, match="no image odd:1"):
        read_archive(path, name="odd:1", store=store)


EMPTY_CONFIG = "application/vnd.oci.empty.v1+json"


def artifact(config_type: str, layer_type: str, own_type: str = "") -> dict[str, bytes]:
    """An OCI archive of one artifact and nothing else."""
    document = {
        "config": {"mediaType": config_type, "digest": f"sha256:{digest(b'{}')}"},
        "layers": [{"mediaType": layer_type, "digest": f"sha256:{digest(b'x')}"}],
    } | ({"artifactType": own_type} if own_type else {})
    data = json.dumps(document).encode()
    index = {"manifests": [{"digest": f"sha256:{digest(data)}"}]}
    return {blob(b"{}"): b"{}", blob(b"x"): b"x", blob(data): data, "index.json": json.dumps(index).encode()}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (artifact(EMPTY_CONFIG, "application/spdx+json", "application/spdx+json"), "a list of software"),
        (artifact(EMPTY_CONFIG, "x", "application/vnd.buildkit.historyrecord.v0"), "a record of a BuildKit build"),
        (artifact("application/vnd.buildkit.historyrecord.v0", "x"), "a record of a BuildKit build"),
        (artifact("application/vnd.wasm.config.v0+json", "application/wasm"), "a WebAssembly module"),
        (artifact("application/vnd.cncf.helm.config.v1+json", "x"), "a Helm chart"),
        (artifact("application/vnd.example.thing", "x"), "an artifact of the type 'application/vnd.example.thing'"),
    ],
)
def test_an_artifact_alone_is_called_what_it_is(
    tmp_path: Path, store: LayerStore, members: dict[str, bytes], words: str
) -> None:
    with pytest.raises(ArchiveError, match=f"holds no image, but {words}"):
        read_archive(write_archive(tmp_path / "artifact.tar", members), store=store)


def test_an_artifact_beside_an_image_is_passed_over(tmp_path: Path, store: LayerStore) -> None:
    about = config([LOWER], [])
    image = {"config": {"digest": f"sha256:{digest(about)}"}, "layers": [{"digest": f"sha256:{digest(LOWER)}"}]}
    data = json.dumps(image).encode()
    beside = artifact(EMPTY_CONFIG, "application/spdx+json", "application/spdx+json")
    listed = json.loads(beside["index.json"])["manifests"] + [{"digest": f"sha256:{digest(data)}"}]
    members = beside | {blob(about): about, blob(LOWER): LOWER, blob(data): data}
    members["index.json"] = json.dumps({"manifests": listed}).encode()
    path = write_archive(tmp_path / "image.tar", members)
    assert read_archive(path, store=store).layers[0].digest == f"sha256:{digest(LOWER)}"


def test_other_platforms_alone_are_named_and_can_be_chosen(
    tmp_path: Path, store: LayerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    path = oci_archive(tmp_path / "oci.tar", [("arm64", "app:1", [LOWER]), ("s390x", "app:1", [UPPER])])
    with pytest.raises(ArchiveError, match=r"this machine.*linux/arm64, linux/s390x"):
        read_archive(path, store=store)
    assert read_archive(path, name="linux/s390x", store=store).layers[0].digest == f"sha256:{digest(UPPER)}"


def test_layers_that_unpack_without_end_are_refused(tmp_path: Path, store: LayerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speedkit.images.archive.UNPACKED_BYTES_AT_MOST", 1 << 20)
    bomb = layer(("zeros", bytes(2 << 20)))
    path = docker_archive(tmp_path / "bomb.tar", [bomb], compress=gzip.compress)
    with pytest.raises(ArchiveError, match="unpack to more than"):
        read_archive(path, store=store)


@pytest.mark.parametrize(
    ("text", "is_archive"),
    [
        ("app:latest", False),
        ("app", False),
        ("team/app", False),
        ("./app:latest", True),
        ("./app", True),
        ("app.tar", True),
        ("app.tar#name", True),
        ("./app#name", True),
    ],
)
def test_an_archive_is_named_as_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, is_archive: bool) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "team").mkdir()
    for name in ("app:latest", "app", "team/app", "app.tar"):
        (tmp_path / name).write_bytes(b"x")
    assert (archive_named(text) is not None) == is_archive
    assert archive_named(str(tmp_path / "app:latest")) == (tmp_path / "app:latest", None)


def _held(*layers: bytes) -> dict[str, bytes]:
    """A config and a layer for each, under plain names, and what `docker save` would say of the first."""
    return {f"{place}.json": config([data], []) for place, data in enumerate(layers)} | {
        f"{place}.tar": data for place, data in enumerate(layers)
    }


def _manifest(place: int) -> bytes:
    return json.dumps([{"Config": f"{place}.json", "RepoTags": ["test:1"], "Layers": [f"{place}.tar"]}]).encode()


def _oci(data: bytes) -> dict[str, bytes]:
    """index.json and what it needs, for an image of one layer."""
    about = config([data], [])
    document = json.dumps(
        {"config": {"digest": f"sha256:{digest(about)}"}, "layers": [{"digest": f"sha256:{digest(data)}"}]}
    ).encode()
    index = json.dumps({"manifests": [{"digest": f"sha256:{digest(document)}"}]}).encode()
    return {blob(one): one for one in (about, data, document)} | {"index.json": index}


CLEAN, EVIL = layer(("etc/motd", b"x")), layer(("root/k.pem", b"x"))
EVIL_ENTRY = b',"config":"1.json","layers":["1.tar"]}]'


def _seen(path: Path, store: LayerStore) -> str:
    try:
        return "evil" if any(file.path == "/root/k.pem" for file in read_archive(path, store=store).files) else "clean"
    except ArchiveError:
        return "refused"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param([("manifest.json", _manifest(0)), ("e", _manifest(1)), ("manifest.json", "-> e")], id="a symlink later"),
        pytest.param(
            [("manifest.json", _manifest(0)), ("e", _manifest(1)), ("manifest.json", "link e")], id="a hard link later"
        ),
        pytest.param([*_oci(CLEAN).items(), ("e", _manifest(1)), ("manifest.json", "-> e")], id="a symlink beside an index"),
        pytest.param(
            [("manifest.json", _manifest(0)), ("d", "-> ."), ("d/manifest.json", _manifest(1))], id="through a link to a folder"
        ),
        pytest.param([("manifest.json", _manifest(0)), ("manifest.json", b" " * 600 + _manifest(1))], id="spaces before it"),
        pytest.param([*_oci(CLEAN).items(), ("manifest.json", b" " * 600 + _manifest(1))], id="spaces, beside an index"),
        pytest.param([("manifest.json", _manifest(0)), ("manifest.json", _manifest(1) + b" " * (5 << 20))], id="a large one"),
        pytest.param([*_oci(CLEAN).items(), ("manifest.json", _manifest(1) + b" " * (5 << 20))], id="a large one, an index"),
        pytest.param([("manifest.json", _manifest(0)[:-2] + EVIL_ENTRY)], id="keys in lower case"),
        pytest.param([("manifest.json", _manifest(0)[:-2] + EVIL_ENTRY.replace(b"s", "ſ".encode()))], id="keys that fold"),
        pytest.param([*_oci(EVIL).items(), ("manifest.json", _manifest(0))], id="another image in the index"),
    ],
)
def test_the_image_that_is_read_is_the_one_that_an_engine_would_load(
    tmp_path: Path, store: LayerStore, members: list[tuple[str, object]]
) -> None:
    path = tmp_path / "two-faced.tar"
    path.write_bytes(layer(*_held(CLEAN, EVIL).items(), *members))
    assert _seen(path, store) in ("evil", "refused")


def test_an_archive_with_both_descriptions_of_an_image_holds_one(tmp_path: Path, store: LayerStore) -> None:
    named = {"manifest.json": json.dumps([{"Config": blob(config([CLEAN], [])), "RepoTags": ["a:1"], "Layers": [blob(CLEAN)]}])}
    path = write_archive(tmp_path / "both.tar", _oci(CLEAN) | {name: text.encode() for name, text in named.items()})
    assert read_archive(path, store=store).name == "a:1"


@pytest.mark.slow
def test_a_long_chain_of_links_takes_no_time(tmp_path: Path, store: LayerStore) -> None:
    chain = [(f"l{place}", f"-> l{place + 1}") for place in range(20_000)]
    path = tmp_path / "chain.tar"
    path.write_bytes(layer(*chain, *_held(CLEAN).items(), ("manifest.json", _manifest(0))))
    assert _seen(path, store) == "clean"


def test_too_many_documents_are_refused_and_a_huge_one_is_passed_over(tmp_path: Path, store: LayerStore) -> None:
    many = {f"{place}.json": b"{" + bytes(4_000_000) for place in range(5)}
    with pytest.raises(ArchiveError, match="16 MiB"):
        read_archive(write_archive(tmp_path / "many.tar", many), store=store)
    huge = {"other.json": b"[" + bytes(5 << 20), "manifest.json": b"[]"}
    with pytest.raises(ArchiveError, match="holds no image"):
        read_archive(write_archive(tmp_path / "huge.tar", huge), store=store)


def test_a_file_that_is_missing_empty_a_folder_or_cut_short_is_refused(tmp_path: Path, store: LayerStore) -> None:
    (tmp_path / "empty").write_bytes(b"")
    cut = docker_archive(tmp_path / "cut.tar", [LOWER])
    cut.write_bytes(cut.read_bytes()[:3000])
    for path in (tmp_path / "missing", tmp_path / "empty", tmp_path, cut):
        with pytest.raises(ArchiveError):
            read_archive(path, store=store)


@settings(deadline=None, max_examples=150)
@given(st.data())
@pytest.mark.slow
def test_a_damaged_archive_gives_archive_errors_only(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    path = docker_archive(folder / "image.tar", [LOWER, UPPER], COMMANDS, compress=data.draw(st.sampled_from(COMPRESSIONS)))
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(whole[: data.draw(st.integers(len(whole) // 2, len(whole)))]))
    with contextlib.suppress(ArchiveError):
        read_archive(path, store=LayerStore(folder / "store"))


def test_zstd_frames_one_after_the_other_are_one_stream_given_in_small_pieces() -> None:
    data = zstandard.compress(b"a" * 3_000_000) + zstandard.compress(b"b")
    assert b"".join(unzstd([data[:100], data[100:]])) == b"a" * 3_000_000 + b"b"
    assert max(len(piece) for piece in unzstd([data])) <= 1 << 20


def test_gzip_members_one_after_the_other_are_one_stream_and_padding_is_ignored() -> None:
    data = gzip.compress(b"a" * 3_000_000) + gzip.compress(b"b") + bytes(20)
    assert b"".join(gunzip([data[:100], data[100:]])) == b"a" * 3_000_000 + b"b"
    assert max(len(piece) for piece in gunzip([data])) <= 1 << 20
