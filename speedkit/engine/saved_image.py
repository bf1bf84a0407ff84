"""Reads the layers of an image that an engine holds, from the stream that `docker save` also gets.

A layer that is in the store, by its diffID, is not read again. When all layers of an image are, nothing is streamed. Only the
names, sizes and digests of a layer's files are written to disk (speedkit.images).

The engine collects a whole image before it sends any of it. So the request goes out first, and the modules that read the
image are loaded while the engine works: for that, some imports here are in functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from speedkit.errors import ArchiveError, EngineError, EngineLost, NoSuchImage, SpeedkitError
from speedkit.images import CHUNK_BYTES, PATH_START, ByteStream, LayerStore, archive_named
from speedkit.messages import message

from . import unix_socket
from .connection import Engine, connect
from .images import describe_image, inspect_image

if TYPE_CHECKING:
    from speedkit.images import Files, Image
    from speedkit.model import Build

__all__ = ["RequestedImage", "file_content", "layers_of", "read_image", "request_image", "saved_stream"]

CONNECT_SECONDS = 30
MESSAGE_BYTES = 500


def layers_of(image: str | Path | Build, *, engine: Engine | None = None) -> Image:
    """The layers of an image: of the engine, by name or id; of a build; or of an archive on disk, by its path.

    image: `image.tar#NAME` is one image of an archive that has several. A folder in the layout of OCI is an archive, too.
    engine: None for the one that the `docker` command would use.
    Raises: NoSuchImage, ArchiveError, EngineError.
    """
    if not isinstance(image, str | Path):
        image = _image_of(image)
    text = _written(image)
    if archive := archive_named(text):
        from speedkit.images import read_archive

        path, name = archive
        return read_archive(path, name=name)
    if PATH_START.match(text):
        sentence = (
            message("{image} is a folder without an image.", image=image)
            if Path(image).is_dir()
            else message("There is no archive {image}.", image=image)
        )
        raise ArchiveError(sentence, fix=message("Make one with `docker save -o image.tar IMAGE`, or name an image."))
    try:
        return read_image(engine or connect(), text)
    except NoSuchImage as problem:
        if _is_there(text):
            raise NoSuchImage(
                problem.what, fix=message("To read the file or folder of this name, write ./{text}.", text=text)
            ) from None
        raise


def _written(image: str | Path) -> str:
    """An image's name, or an archive's path in a form that no image's name has."""
    return f"./{image}" if isinstance(image, Path) and not image.is_absolute() else str(image)


def _is_there(text: str) -> bool:
    try:
        return Path(text.partition("#")[0]).exists()
    except (OSError, ValueError):
        return False


@contextmanager
def request_image(name: str) -> Iterator[Callable[[], Image]]:
    """Ask the engine for an image now. The block gets a function that reads the image, or raises the error of the request."""
    try:
        requested = None if PATH_START.match(name) or archive_named(name) else RequestedImage(connect(), name)
    except NoSuchImage:
        # `layers_of` asks again, and its error mentions a file of this name, where there is one.
        yield partial(layers_of, name)
        return
    except SpeedkitError as problem:
        yield partial(_refuse, problem)
        return
    if requested is None:
        yield partial(layers_of, name)
        return
    with requested:
        yield requested.read


def file_content(image: str | Path | Build, path: str, *, place: int | None = None, engine: Engine | None = None) -> bytes:
    """The bytes of a file in the final file system of an image, or in one of its layers; at most 16 MiB.

    place: of the layer, 0 for the lowest; None for the final file system.
    Raises: NoSuchImage, ArchiveError, EngineError.
    """
    from speedkit.images import SentImage, errors_about, read_content, source_on_disk

    if not isinstance(image, str | Path):
        image = _image_of(image)
    layers = layers_of(image, engine=engine)
    file = layers.locate(path, place=place)
    if archive := archive_named(_written(image)):
        with errors_about(archive[0]):
            return read_content(source_on_disk(archive[0]), file)
    with saved_stream(engine or connect(), layers.id) as stream:
        return read_content(SentImage(stream, frozenset(layer.digest for layer in layers.layers)), file)


def read_image(engine: Engine, name: str, *, store: LayerStore | None = None) -> Image:
    """The layers of an image that the engine holds.

    Raises: NoSuchImage, ArchiveError, EngineError.
    """
    with RequestedImage(engine, name, store=store) as requested:
        return requested.read()


class RequestedImage:
    """An image of the engine. If a layer of it is not in the store, the engine has been asked to send the image.

    Raises: NoSuchImage, EngineError.
    """

    def __init__(self, engine: Engine, name: str, *, store: LayerStore | None = None) -> None:
        self.name = name
        self._engine = engine
        self._store = store or LayerStore()
        self._description = inspect_image(engine, name)
        self._id: str = self._description["Id"]
        self._diff_ids: list[str] = list((self._description.get("RootFS") or {}).get("Layers") or ())
        self._stored = {layer: files for layer in self._diff_ids if (files := self._store.layer(layer)) is not None}
        self._opened = ExitStack()
        self._stream: ByteStream | None = None
        if len(self._stored) < len(set(self._diff_ids)):
            self._stream = self._opened.enter_context(saved_stream(engine, self._id))

    def __enter__(self) -> RequestedImage:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def read(self) -> Image:
        """The image's layers.

        Raises: ArchiveError, EngineError.
        """
        from speedkit.images import make_image

        files = self._stored if self._stream is None else self._stored | self._sent(self._stream)
        commands = self._store.commands(self._id) or _commands_in_history(self._engine, self._id)
        padded = (commands + [""] * len(self._diff_ids))[: len(self._diff_ids)]
        tags = self._description.get("RepoTags") or [self.name]
        layers = [(diff_id, command, files.get(diff_id)) for diff_id, command in zip(self._diff_ids, padded, strict=True)]
        name = tags[0] if self.name.startswith("sha256:") else self.name
        return make_image(
            self._id, name, layers, source=message("the engine's image {image}", image=self._id.removeprefix("sha256:")[:12])
        )

    def _sent(self, stream: ByteStream) -> dict[str, Files]:
        from speedkit.images import SentImage, describe_images, errors_about, read_saved_image

        with self._opened, errors_about(self.name):
            source = SentImage(stream, frozenset(self._diff_ids))
            saved = read_saved_image(source, store=self._store, skipped=self._stored)

        # The layers are good even where the image's config cannot be read. The engine's history gives the commands then.
        with suppress(ArchiveError):
            for image in describe_images(saved.documents):
                if list(image.diff_ids) == self._diff_ids:
                    self._store.keep_commands(self._id, list(image.commands))
        return saved.files


def _refuse(problem: SpeedkitError) -> NoReturn:
    raise problem


def _image_of(build: Build) -> str:
    if build.image is None:
        raise NoSuchImage(
            message("The build {build} made no image.", build=build.id), fix=message("Name a build that succeeded.")
        )
    return build.image


def _commands_in_history(engine: Engine, image_id: str) -> list[str]:
    """The commands of an image's layers by the engine's history."""
    # The image's config is the better source, once streamed: it marks instructions without a layer, and the history does not.
    from speedkit.secrets import hide_in_history  # loaded while the engine collects the image

    return hide_in_history([layer["command"] for layer in describe_image(engine, image_id, ())["layers"]])


@contextmanager
def saved_stream(engine: Engine, image_id: str) -> Iterator[ByteStream]:
    """The stream of `GET /images/{name}/get`. The request is sent now; the first read waits for the answer."""
    path = f"/v{engine.api_version}/images/{quote(image_id, safe=':')}/get"
    ended = []

    @contextmanager
    def lost_as_ours() -> Iterator[None]:
        # Only what reads from the engine is in here: an OSError of the caller's, such as a full disk, is not the engine's.
        try:
            yield
        except OSError as problem:
            raise _gone(engine, image_id, str(problem)) from None

    def chunks(answer: unix_socket.Answer | _ClientAnswer) -> Iterator[bytes]:
        with lost_as_ours():
            if answer.status != HTTPStatus.OK:
                text = next(answer.pieces(), b"")[:MESSAGE_BYTES].decode("utf-8", "replace").strip()
                raise EngineError(
                    message(
                        "The engine could not save the image {image}: {reason}.", image=image_id, reason=text or answer.reason
                    )
                )
            yield from answer.pieces()
        ended.append(True)

    try:
        with ExitStack() as stack:
            with lost_as_ours():
                answer = stack.enter_context(_answer_to(engine, path))
            yield ByteStream(chunks(answer))
    except ArchiveError:
        # The stream ended normally, but the archive in it did not: the engine broke off.
        if ended:
            raise _gone(engine, image_id, message("the stream ends in the middle")) from None
        raise


def _gone(engine: Engine, image_id: str, why: str) -> EngineLost:
    return EngineLost(
        message(
            "The engine at {host} went away while it sent the image {image}: {why}.", host=engine.host, image=image_id, why=why
        ),
        fix=message("Start it again and repeat the last step."),
    )


def _answer_to(engine: Engine, path: str) -> AbstractContextManager[unix_socket.Answer | _ClientAnswer]:
    return unix_socket.ask(engine.host, path) if engine.host.startswith(unix_socket.UNIX) else _through_client(engine, path)


@contextmanager
def _through_client(engine: Engine, path: str) -> Iterator[_ClientAnswer]:
    with ExitStack() as stack:
        with _client_errors():
            request = engine.api.get(f"{engine.api.base_url}{path}", stream=True, timeout=(CONNECT_SECONDS, None))
            response = stack.enter_context(request)
        yield _ClientAnswer(response.raw)


@contextmanager
def _client_errors() -> Iterator[None]:
    """Turns what the client library raises while it reads into an OSError, as unix_socket raises."""
    from http.client import HTTPException

    from urllib3.exceptions import HTTPError

    try:
        yield
    except (HTTPError, HTTPException, ValueError) as problem:
        raise OSError(str(problem)) from problem


class _ClientAnswer:
    """An answer through the client library, with the interface of one from speedkit.engine.unix_socket."""

    def __init__(self, raw: Any) -> None:
        self.status: int = raw.status
        self.reason: str = raw.reason
        self._read: Callable[[int], bytes] = raw.read

    def pieces(self) -> Iterator[bytes]:
        with _client_errors():
            yield from iter(lambda: self._read(CHUNK_BYTES), b"")
