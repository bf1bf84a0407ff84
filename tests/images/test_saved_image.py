"""Images of a real engine: the same layers as in what `docker save` writes, read once, compared and shown."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest

from speedkit.engine import saved_image
from speedkit.engine.connection import Engine
from speedkit.engine.saved_image import file_content, layers_of, read_image
from speedkit.errors import ArchiveError, EngineError, EngineLost, NoSuchImage
from speedkit.images.image_comparison import compare_images
from speedkit.images.store import LayerStore
from speedkit.model import Build

pytestmark = pytest.mark.engine

DOCKERFILE = """\
FROM scratch
LABEL dev.speedkit=1
COPY big kept /files/
ENV A=1
COPY other /files/big
COPY other /last
"""


@pytest.fixture(scope="module", params=["engine", "containerd_engine"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """The two ways in which an engine keeps images."""
    found: Engine = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def image(engine: Engine, folder: Callable[..., Path]) -> Iterator[str]:
    """An image of 14,000 bytes in three layers, of which 3,000 are overwritten."""
    context = folder({"Dockerfile": DOCKERFILE, "big": "a" * 3000, "kept": "b" * 1000, "other": f"{uuid4().hex:5000}"})
    name = f"speedkit/layers-{uuid4().hex[:8]}:1"
    command = [str(engine.buildx), "build", "--quiet", "--load", "--tag", name, str(context)]
    subprocess.run(command, check=True, capture_output=True, env=_with_attestations(engine.environment))
    yield name
    engine.api.remove_image(name)


def _with_attestations(environment: dict[str, str]) -> dict[str, str]:
    """As people's own images have them, where the engine can keep them."""
    return environment | {"BUILDX_NO_DEFAULT_ATTESTATIONS": "0"}


@pytest.fixture
def finished() -> Build:
    return Build("1", "app", "optimized", "", "2026-01-01T00:00:00+00:00", 1.0, "done", 0, "FROM scratch", ())


@pytest.fixture
def store(tmp_path: Path) -> LayerStore:
    return LayerStore(tmp_path / "store")


@pytest.fixture
def no_stream(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, whoever asks the engine for an archive fails."""

    def forbid() -> None:
        def refuse(*_: object) -> None:
            raise AssertionError("the image was read again")

        monkeypatch.setattr(saved_image, "saved_stream", refuse)

    return forbid


def test_layers_are_those_of_the_image_and_the_overwritten_file_is_waste(engine: Engine, image: str, store: LayerStore) -> None:
    found = read_image(engine, image, store=store)
    about = engine.api.inspect_image(image)
    assert [layer.digest for layer in found.layers] == about["RootFS"]["Layers"]
    assert [(layer.size_bytes, layer.file_count) for layer in found.layers] == [(4000, 2), (5000, 1), (5000, 1)]
    assert [layer.command.split(" #")[0] for layer in found.layers] == [
        "COPY big kept /files/",
        "COPY other /files/big",
        "COPY other /last",
    ]
    assert (found.image_bytes, found.wasted_bytes, [waste.path for waste in found.waste]) == (14000, 3000, ["/files/big"])


def test_the_final_file_system_is_what_a_container_sees(engine: Engine, image: str, store: LayerStore) -> None:
    found = read_image(engine, image, store=store)
    made = engine.api.create_container(image, ["-"], labels={"dev.speedkit": "1"})["Id"]
    try:
        exported = b"".join(engine.api.export(made))
    finally:
        engine.api.remove_container(made)
    with tarfile.open(fileobj=io.BytesIO(exported)) as archive:
        seen = {f"/{info.name.strip('/')}": (info.isdir(), info.size, info.mode) for info in archive}
    for file in found.files:
        assert seen[file.path] == (file.kind == "directory", file.size_bytes, file.mode)
    assert {path for path in seen if path.startswith(("/files", "/last"))} == {file.path for file in found.files}


def test_a_second_look_streams_nothing(engine: Engine, image: str, store: LayerStore, no_stream: Callable[[], None]) -> None:
    first = read_image(engine, image, store=store)
    no_stream()
    second = read_image(engine, first.id, store=store)
    assert (second.layers, second.files) == (first.layers, first.files)


def test_an_image_whose_layers_are_all_known_is_not_streamed_and_has_its_commands(
    engine: Engine, image: str, store: LayerStore, no_stream: Callable[[], None]
) -> None:
    first = read_image(engine, image, store=store)
    for kept in (store.folder / "images").iterdir():
        kept.unlink()
    no_stream()
    assert [layer.command for layer in read_image(engine, image, store=store).layers] == [
        layer.command for layer in first.layers
    ]


def test_a_damaged_entry_is_streamed_again_and_only_that_one(engine: Engine, image: str, store: LayerStore) -> None:
    first = read_image(engine, image, store=store)
    entries = [store.folder / layer.digest.removeprefix("sha256:") for layer in first.layers]
    entries[1].write_bytes(b"damaged")
    untouched = entries[0].stat().st_mtime_ns
    assert read_image(engine, image, store=store).files == first.files
    assert store.layer(first.layers[1].digest) is not None
    assert entries[0].stat().st_mtime_ns == untouched


def test_an_archive_of_the_image_says_the_same(engine: Engine, image: str, tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(b"".join(engine.api.get_image(image)))
    of_engine, of_archive = layers_of(image, engine=engine), layers_of(path)
    assert of_archive.name == image
    assert of_archive.layers == of_engine.layers
    assert compare_images(of_engine, of_archive).differences == ()
    assert file_content(path, "/files/kept") == file_content(image, "/files/kept", engine=engine) == b"b" * 1000


def test_the_content_of_a_file_can_be_that_of_a_lower_layer(engine: Engine, image: str) -> None:
    assert file_content(image, "/files/big", place=0, engine=engine) == b"a" * 3000
    assert file_content(image, "/files/big", engine=engine).startswith(file_content(image, "/last", engine=engine)[:32])


def test_a_build_stands_for_its_image(engine: Engine, image: str, finished: Build) -> None:
    made = replace(finished, image=engine.api.inspect_image(image)["Id"])
    assert layers_of(made, engine=engine).layers == layers_of(image, engine=engine).layers
    assert file_content(made, "/files/kept", engine=engine) == b"b" * 1000
    with pytest.raises(NoSuchImage, match="made no image"):
        layers_of(replace(finished, image=None), engine=engine)


def test_one_of_several_images_of_an_archive_is_named_behind_its_path(tmp_path: Path) -> None:
    from .archives import layer, oci_archive

    first, second = layer(("a", b"1")), layer(("a", b"22"))
    path = oci_archive(tmp_path / "two#.tar", [("amd64", "one:1", [first]), ("amd64", "two:1", [second])])
    assert layers_of(f"{path}#two:1").image_bytes == 2
    assert file_content(f"{path}#one:1", "/a") == b"1"
    with pytest.raises(ArchiveError, match=r"two#\.tar: The archive holds more than one image\. Name one, as in ARCHIVE#NAME"):
        layers_of(path)
    with pytest.raises(ArchiveError, match="has no image three"):
        layers_of(f"{path}#three")
    with pytest.raises(ArchiveError, match="folder without an image"):
        layers_of(tmp_path)


@pytest.mark.parametrize("name", ["", "a/../../info", "a//b", "\udcff", "a" * 5000, "a b", "a\0b", "#", "x#y"])
def test_what_no_image_can_be_called_is_said_not_to_be_there(engine: Engine, name: str) -> None:
    with pytest.raises(EngineError):
        layers_of(name, engine=engine)


def test_an_engine_behind_the_ordinary_client_gives_the_same(engine: Engine, image: str, tmp_path: Path) -> None:
    other = engine._replace(host="tcp://as-far-as-the-reader-knows")
    vars(other)["api"] = engine.api
    assert read_image(other, image, store=LayerStore(tmp_path / "a")).layers == read_image(engine, image).layers


def test_an_image_that_is_not_there_is_named(engine: Engine) -> None:
    with pytest.raises(NoSuchImage, match="speedkit/nothing"):
        read_image(engine, "speedkit/nothing:1")


def test_an_engine_that_breaks_off_is_said_so_and_damage_is_told_from_it(
    engine: Engine, image: str, store: LayerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = b"".join(engine.api.get_image(image))

    @contextmanager
    def sent(data: bytes) -> Iterator[object]:
        yield SimpleNamespace(status=200, pieces=lambda: iter([data]))

    for data, error in ((whole[:5000], EngineLost), (b"no tar" * 100_000, ArchiveError)):
        monkeypatch.setattr(saved_image, "_answer_to", lambda *_, data=data: sent(data))
        with pytest.raises(error):
            read_image(engine, image, store=store)


def test_an_engine_that_refuses_or_is_gone_is_said_so(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="could not save"), saved_image.saved_stream(engine, f"sha256:{'0' * 64}") as stream:
        stream.take(1)
    gone = engine._replace(host=f"unix://{tmp_path}/no.sock")
    with pytest.raises(EngineLost), saved_image.saved_stream(gone, "sha256:0") as stream:
        stream.take(1)
