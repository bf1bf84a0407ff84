"""Reads the layers of an image that an engine holds, from the stream that `docker save` also gets.

Layers known by their diffID are not read again; when all are known, nothing is streamed at all. Nothing is written to
disk but what speedkit.images keeps of a layer: names, sizes and digests of its files.

The engine gathers a whole image before it sends any of it, so it is asked first, and what reads the image is loaded meanwhile:
that is why some imports here stand in functions.
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
from speedkit.images import CHUNK_BYTES, PATH_BEGINS, ByteStream, LayerStore, archive_named
from speedkit.messages import message

from . import unix_socket
from .connection import Engine, connect
from .images import describe_image, inspect_image

if TYPE_CHECKING:
    from speedkit.images import Files, Image
    from speedkit.model import Build

__all__ = ["AskedImage", "asked_ahead", "content_of", "layers_of", "read_image", "saved_stream"]

CONNECT_SECONDS = 30
MESSAGE_BYTES = 500


def layers_of(image: str | Path | Build, *, engine: Engine | None = None) -> Image:
    """The layers of an image of the engine, by name or id, of a build, or of an archive on disk, by its path.

    image: of an archive that holds several, `image.tar#NAME` is one. A folder in the layout of OCI is an archive, too.
    engine: the one the `docker` command would use, when None.
    Raises: NoSuchImage, ArchiveError, EngineError.
    """
    if not isinstance(image, str | Path):
        image = _made_by(image)
    text = _written(image)
    if archive := archive_named(text):
        from speedkit.images import read_archive

        path, name = archive
        return read_archive(path, name=name)
    if PATH_BEGINS.match(text):
        what = (
            message("{image} is a folder without an image.", image=image)
            if Path(image).is_dir()
            else message("There is no archive {image}.", image=image)
        )
        raise ArchiveError(what, fix=message("Make one with `docker save -o image.tar IMAGE`, or name an image."))
    try:
        return read_image(engine or connect(), text)
    except NoSuchImage as problem:
        if _is_there(text):
            raise NoSuchImage(
                problem.what, fix=message("The file or folder here is read when it is named ./{text}.", text=text)
            ) from None
        raise


def _written(image: str | Path) -> str:
    """An image's name, or an archive's path written so that it cannot be taken for a name."""
    return f"./{image}" if isinstance(image, Path) and not image.is_absolute() else str(image)


def _is_there(text: str) -> bool:
    try:
        return Path(text.partition("#")[0]).exists()
    except (OSError, ValueError):
        return False


@contextmanager
def asked_ahead(name: str) -> Iterator[Callable[[], Image]]:
    """Ask the engine for an image now, and give what reads it later or says why it cannot be read."""
    try:
        asked = None if PATH_BEGINS.match(name) or archive_named(name) else AskedImage(connect(), name)
    except NoSuchImage:
        yield partial(layers_of, name)
        return
    except SpeedkitError as problem:
        yield partial(_refuse, problem)
        return
    if asked is None:
        yield partial(layers_of, name)
        return
    with asked:
        yield asked.read


def content_of(image: str | Path | Build, path: str, *, place: int | None = None, engine: Engine | None = None) -> bytes:
    """The bytes of a file as the image shows it, or as the layer at a place (0 is the lowest) has it; at most 16 MiB.

    Raises: NoSuchImage, ArchiveError, EngineError.
    """
    from speedkit.images import read_archive_content, read_content

    if not isinstance(image, str | Path):
        image = _made_by(image)
    found = layers_of(image, engine=engine)
    file = found.locate(path, place=place)
    if archive := archive_named(_written(image)):
        return read_archive_content(archive[0], file)
    with saved_stream(engine or connect(), found.id) as stream:
        return read_content(stream, file, [layer.digest for layer in found.layers], store=LayerStore())


def read_image(engine: Engine, name: str, *, store: LayerStore | None = None) -> Image:
    """The layers of an image that the engine holds.

    Raises: NoSuchImage, ArchiveError, EngineError.
    """
    with AskedImage(engine, name, store=store) as asked:
        return asked.read()


class AskedImage:
    """An image of the engine, which was asked to send it where layers of it were never read.

    The engine takes its time, and so may whoever reads the image.
    Raises: NoSuchImage, EngineError.
    """

    def __init__(self, engine: Engine, name: str, *, store: LayerStore | None = None) -> None:
        self.name = name
        self._engine = engine
        self._store = store or LayerStore()
        self._facts = inspect_image(engine, name)
        self._id: str = self._facts["Id"]
        self._diff_ids: list[str] = list((self._facts.get("RootFS") or {}).get("Layers") or ())
        self._known = {diff_id: files for diff_id in self._diff_ids if (files := self._store.layer(diff_id)) is not None}
        self._opened = ExitStack()
        self._stream: ByteStream | None = None
        if len(self._known) < len(set(self._diff_ids)):
            self._stream = self._opened.enter_context(saved_stream(engine, self._id))

    def __enter__(self) -> AskedImage:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def read(self) -> Image:
        """Its layers.

        Raises: ArchiveError, EngineError.
        """
        from speedkit.images import make_image

        files = self._known if self._stream is None else self._known | self._sent(self._stream)
        commands = self._store.commands(self._id) or _told_by_history(self._engine, self._id)
        padded = (commands + [""] * len(self._diff_ids))[: len(self._diff_ids)]
        tags = self._facts.get("RepoTags") or [self.name]
        layers = [(diff_id, command, files.get(diff_id)) for diff_id, command in zip(self._diff_ids, padded, strict=True)]
        name = tags[0] if self.name.startswith("sha256:") else self.name
        return make_image(
            self._id, name, layers, source=message("the engine's image {image}", image=self._id.removeprefix("sha256:")[:12])
        )

    def _sent(self, stream: ByteStream) -> dict[str, Files]:
        from speedkit.images import about, read_saved_image

        with self._opened, about(self.name):
            saved = read_saved_image(stream, self._diff_ids, store=self._store, known=self._known)
        _keep_commands(self._store, self._id, self._diff_ids, saved.documents)
        return saved.files


def _refuse(problem: SpeedkitError) -> NoReturn:
    raise problem


def _made_by(build: Build) -> str:
    if build.image is None:
        raise NoSuchImage(message("The build {build} made no image.", build=build.id), fix=message("Take one that ended well."))
    return build.image


def _keep_commands(store: LayerStore, image_id: str, diff_ids: list[str], documents: dict[str, bytes]) -> None:
    """Layers whose documents say nothing of use are still good layers; the engine's history then tells the commands."""
    from speedkit.images import describe_images

    with suppress(ArchiveError):
        for image in describe_images(documents):
            if list(image.diff_ids) == diff_ids:
                store.keep_commands(image_id, list(image.commands))


def _told_by_history(engine: Engine, image_id: str) -> list[str]:
    """The engine's history does not mark instructions without a layer; the image's own, once streamed, does."""
    from speedkit.secrets import hide_in_history  # loaded while the engine gathers the image

    return hide_in_history([layer["command"] for layer in describe_image(engine, image_id, ())["layers"]])


@contextmanager
def saved_stream(engine: Engine, image_id: str) -> Iterator[ByteStream]:
    """The stream of `GET /images/{name}/get`, asked for now; the answer is waited for when the stream is first read."""
    path = f"/v{engine.api_version}/images/{quote(image_id, safe=':')}/get"
    ended = []

    def chunks(answer: unix_socket.Answer | _ClientAnswer) -> Iterator[bytes]:
        if answer.status != HTTPStatus.OK:
            told = next(answer.pieces(), b"")[:MESSAGE_BYTES].decode("utf-8", "replace").strip()
            raise EngineError(
                message("The engine could not save the image {image}: {reason}.", image=image_id, reason=told or answer.reason)
            )
        yield from answer.pieces()
        ended.append(True)

    try:
        with _asked(engine, path) as answer:
            yield ByteStream(chunks(answer))
    except OSError as problem:
        raise _gone(engine, image_id, str(problem)) from None
    except ArchiveError:
        if ended:  # more was announced than came
            raise _gone(engine, image_id, message("the stream ends in the middle")) from None
        raise


def _gone(engine: Engine, image_id: str, why: str) -> EngineLost:
    return EngineLost(
        message(
            "The engine at {host} went away while it sent the image {image}: {why}.", host=engine.host, image=image_id, why=why
        ),
        fix=message("Start it again and repeat the last step."),
    )


def _asked(engine: Engine, path: str) -> AbstractContextManager[unix_socket.Answer | _ClientAnswer]:
    return unix_socket.ask(engine.host, path) if engine.host.startswith(unix_socket.UNIX) else _through_client(engine, path)


@contextmanager
def _through_client(engine: Engine, path: str) -> Iterator[_ClientAnswer]:
    from http.client import HTTPException

    from urllib3.exceptions import HTTPError

    try:
        with engine.api.get(f"{engine.api.base_url}{path}", stream=True, timeout=(CONNECT_SECONDS, None)) as response:
            yield _ClientAnswer(response.raw)
    except (HTTPError, HTTPException, ValueError) as problem:
        raise OSError(str(problem)) from problem


class _ClientAnswer:
    """The answer of the client library, read as one of speedkit.engine.unix_socket is."""

    def __init__(self, raw: Any) -> None:
        self.status: int = raw.status
        self.reason: str = raw.reason
        self._read: Callable[[int], bytes] = raw.read

    def pieces(self) -> Iterator[bytes]:
        return iter(lambda: self._read(CHUNK_BYTES), b"")
