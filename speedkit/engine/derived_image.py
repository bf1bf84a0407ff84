"""Makes an image from another one by adding files and settings, without running a program in it.

The image is a commit of a container that never ran. A Dockerfile would need a shell in the base image, would run as the USER
of that image, and would use up its ONBUILD instructions. A commit needs nothing in the image, keeps its whole configuration,
and is faster.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from pathlib import PurePosixPath

from speedkit.errors import DiskFull, EngineError, EngineRefused
from speedkit.messages import message

from .client import errors_of_ours
from .connection import Engine
from .identity import our_labels
from .images import describe_image, inspect_image, layers_on
from .ledger import ImageKind, note_image, note_making
from .own_containers import own_container

__all__ = ["derive_image"]

NEVER_RUN = "added by speedkit"
"""The command of a container that never starts. The image's history shows it as the command that made the layer."""


def derive_image(
    engine: Engine,
    base: str,
    *,
    name: str,
    kind: ImageKind,
    files: Mapping[str, bytes] | None = None,
    appended: Mapping[str, bytes] | None = None,
    environment: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> None:
    """Make the image `name` from the image `base`, labelled and noted as the kit's own.

    Equal input makes an equal layer, so an image that was removed and is made again is the same base for BuildKit's cache.
    files: contents by absolute path. appended: bytes for the end of a file, by its path, where the base image has that file.
    environment: variables of the new image; they replace those of the same name. labels: besides `our_labels`.
    Raises: DiskFull, EngineError.
    """
    environment = environment or {}
    try:
        config = engine.api.inspect_image(base)["Config"] or {}
        with note_making(engine, kind, name), own_container(engine, base, [NEVER_RUN]) as container:
            contents = dict(files or {})
            for path, addition in (appended or {}).items():
                if (content := _read(engine, container, path)) is not None:
                    contents[path] = content + addition
            _add(engine, container, contents)

            kept = [variable for variable in config.get("Env") or () if variable.partition("=")[0] not in environment]
            changes = {
                "Env": kept + [f"{variable}={value}" for variable, value in environment.items()],
                "Labels": (config.get("Labels") or {}) | our_labels() | dict(labels or {}),
            }
            repository, _, tag = name.rpartition(":")
            engine.api.commit(container, repository, tag, conf=config | changes)
            image_id = inspect_image(engine, name)["Id"]
            base_layers = tuple(inspect_image(engine, base)["RootFS"]["Layers"])
            note_image(engine, image_id, kind, name=name, layers=layers_on(describe_image(engine, image_id, base_layers)))
    except EngineRefused as problem:
        sentence = message(
            "The image {name} could not be made from {base}: {reason}.", name=name, base=base, reason=problem.reason
        )
        if "no space left on device" in sentence:
            raise DiskFull(
                sentence, fix=message("Free some room (`docker system df` shows what takes it), then try again.")
            ) from None
        raise EngineError(sentence) from None


def _read(engine: Engine, container: str, path: str) -> bytes | None:
    """A file's content, read through a symlink; None where the container has no such file."""
    try:
        parts, stat = engine.api.get_archive(container, path)
        # The engine archives a symlink as such, so its target needs a request of its own.
        if stat["linkTarget"]:
            parts, stat = engine.api.get_archive(container, stat["linkTarget"])
    except EngineRefused as problem:
        if problem.status == HTTPStatus.NOT_FOUND:
            return None
        raise
    packed = io.BytesIO(b"".join(parts))
    with errors_of_ours(engine.host), tarfile.open(fileobj=packed, mode="r:") as archive:
        member = archive.next()
        content = archive.extractfile(member) if member is not None else None
        return content.read() if content is not None else None


def _add(engine: Engine, container: str, files: Mapping[str, bytes]) -> None:
    """Write files into a container, by absolute path."""
    # Every entry of the archive has the time 0, so that equal files make equal layers. The folders are in the archive for the
    # same reason: the engine would set the present time on folders that it makes.
    folders = {parent for path in files for parent in PurePosixPath(path).parents if parent.name}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for folder in sorted(folders):
            if (entry := _folder_entry(engine, container, folder)) is not None:
                archive.addfile(entry)
        for path, content in files.items():
            member = tarfile.TarInfo(str(PurePosixPath(path).relative_to("/")))
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    engine.api.put_archive(container, "/", packed.getvalue())


def _folder_entry(engine: Engine, container: str, folder: PurePosixPath) -> tarfile.TarInfo | None:
    """A folder's entry for an archive, with the container's mode and owner and the time 0; None where the path is a symlink.

    A folder that the container does not have gets mode 0755 and root as its owner.
    """
    entry = tarfile.TarInfo()
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    address = f"{engine.api.base_url}/v{engine.api_version}/containers/{container}/archive"
    # Without this header, the engine compresses the archive.
    headers = {"Accept-Encoding": "identity"}
    request = partial(engine.api.get, address, params={"path": str(folder)}, headers=headers, stream=True)
    with errors_of_ours(engine.host), request() as reply:
        if reply.status_code == HTTPStatus.OK:
            with tarfile.open(fileobj=reply.raw, mode="r|") as archive:
                # The folder's content follows. It is read to its end below, so that the connection can be used again.
                entry = archive.next() or entry
            reply.raw.drain_conn()
    # The image's own time of the folder is lost already: the engine writes into /etc when it makes a container.
    entry.name, entry.mtime = str(folder.relative_to("/")), 0
    return entry if entry.isdir() else None
