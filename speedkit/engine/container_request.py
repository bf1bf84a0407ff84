"""Asks a container over HTTP from a second container in its network, so that no port has to be published."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from itertools import chain

from speedkit.errors import EngineRefused, NotAsked
from speedkit.messages import message
from speedkit.model import AppAnswer

from .base_images import BASES, has_image
from .connection import Engine
from .image_names import STAND_INS
from .own_containers import own_container

__all__ = ["ask_inside"]

LOOK_SECONDS = 0.1
REPLY_BYTES_AT_MOST = 65536
ASK = r"""
nc --help 2>&1 | grep -q "[-]e PROG" || exit 127
while :; do
  reply=$(nc 127.0.0.1 "$0" -e sh -c 'printf "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n" "$0"; head -c 70000 >&3' "$1" 3>&1)
  [ -n "$reply" ] && printf %s "$reply" && exit
  sleep 0.2 || sleep 1
done
"""
"""A shell script for busybox's nc; its arguments are the port and the path. It tries again until a server answers.

nc keeps its side of the connection open, because some servers end a request whose client has closed its side. busybox's wget
would be shorter, but crashes in some versions.
"""


def ask_inside(
    engine: Engine, container: str, image: str, *, port: int, path: str, is_over: Callable[[], bool]
) -> AppAnswer | None:
    """The answer of a running container to `GET path`; None when `is_over` becomes true before it answers.

    image: the container's own image, which is tried first for the second container. is_over: asked every 0.1 seconds.
    Raises: NotAsked where no image on the engine has busybox.
    """
    others = dict.fromkeys((*STAND_INS.values(), *BASES, "busybox"))
    # The chain is lazy: the other images matter only where the container's own image has no busybox.
    for asking_image in chain([image], (name for name in others if has_image(engine, name))):
        try:
            return _answer_to(engine, asking_image, container, (str(port), path), is_over)
        except (EngineRefused, _CannotAsk):
            if is_over():
                return None
    raise NotAsked(
        message("no image on the engine has busybox, to send a request from inside."),
        fix=message("Pull or load one, such as alpine or busybox, and build again."),
    )


class _CannotAsk(Exception):
    """An image without busybox."""


def _answer_to(
    engine: Engine, asking_image: str, container: str, port_and_path: tuple[str, str], is_over: Callable[[], bool]
) -> AppAnswer | None:
    """The answer to a container of `asking_image`; None when `is_over` becomes true first.

    Raises: EngineRefused where the image has no shell, _CannotAsk where it has no busybox.
    """
    config = engine.api.create_host_config(network_mode=f"container:{container}")
    settings = {"host_config": config, "entrypoint": ["sh", "-c", ASK, *port_and_path]}
    with own_container(engine, asking_image, settings=settings) as asking:
        engine.api.start(asking)
        while (state := engine.api.inspect_container(asking)["State"])["Status"] == "running":
            if is_over():
                return None
            time.sleep(LOOK_SECONDS)
        if state["ExitCode"] != 0:
            raise _CannotAsk
        return _read(engine.api.logs(asking, stdout=True, stderr=False)[:REPLY_BYTES_AT_MOST].decode("utf-8", "replace"))


def _read(reply: str) -> AppAnswer:
    """The answer in the bytes that a server sent: `HTTP/1.1 200 OK`, headers, an empty line, and the body."""
    head, _, body = reply.partition("\r\n\r\n")
    status = head.partition("\r\n")[0].split()
    if len(status) < len(("HTTP/1.1", "200")) or not status[0].startswith("HTTP/"):
        return AppAnswer(ok=False, text=message("It does not speak HTTP: {reply}", reply=reply[:200]))
    is_ok = status[1] == str(int(HTTPStatus.OK))
    return AppAnswer(ok=is_ok, text=body if is_ok else f"HTTP {status[1]}: {body}")
