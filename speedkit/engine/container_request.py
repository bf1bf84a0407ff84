"""Asks a container over HTTP from inside of its own network, by a second container: no port is opened for that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus

from speedkit.errors import EngineRefused, NotAsked
from speedkit.messages import message
from speedkit.model import AppAnswer

from .base_images import BASES, has_image
from .connection import Engine
from .image_names import STAND_INS
from .own_containers import own_container

__all__ = ["ask_inside"]

LOOK_SECONDS = 0.1
MOST_BYTES = 65536
ASK = r"""
nc --help 2>&1 | grep -q "[-]e PROG" || exit 127
while :; do
  said=$(nc 127.0.0.1 "$0" -e sh -c 'printf "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n" "$0"; head -c 70000 >&3' "$1" 3>&1)
  [ -n "$said" ] && printf %s "$said" && exit
  sleep 0.2 || sleep 1
done
"""
"""nc as busybox has it, with port and path. It goes on as long as nobody listens; its side of the connection stays open,
since some servers take a client that has closed it for one that has gone. wget of some busyboxes crashes."""


def ask_inside(
    engine: Engine, container: str, image: str, *, port: int, path: str, is_over: Callable[[], bool]
) -> AppAnswer | None:
    """What a running container answers to `GET path`; None when that is over before it does.

    image: that of the container, which asks if it can.
    Raises: NotAsked where no image on the engine has busybox.
    """
    for asker in _askers(engine, image):
        try:
            return _asked_by(engine, asker, container, (str(port), path), is_over)
        except (EngineRefused, _CannotAsk):
            if is_over():
                return None
    raise NotAsked(
        message("no image on the engine has busybox to ask it from inside."),
        fix=message("Pull or load one, such as alpine or busybox, and build again."),
    )


def _askers(engine: Engine, image: str) -> Iterator[str]:
    yield image
    yield from (name for name in dict.fromkeys((*STAND_INS.values(), *BASES, "busybox")) if has_image(engine, name))


class _CannotAsk(Exception):
    pass


def _asked_by(
    engine: Engine, asker: str, container: str, port_and_path: tuple[str, str], is_over: Callable[[], bool]
) -> AppAnswer | None:
    """Raises: EngineRefused where the image has no shell, _CannotAsk where it has no busybox."""
    config = engine.api.create_host_config(network_mode=f"container:{container}")
    settings = {"host_config": config, "entrypoint": ["sh", "-c", ASK, *port_and_path]}
    with own_container(engine, asker, settings=settings) as asking:
        engine.api.start(asking)
        while (state := engine.api.inspect_container(asking)["State"])["Status"] == "running":
            if is_over():
                return None
            time.sleep(LOOK_SECONDS)
        if state["ExitCode"] != 0:
            raise _CannotAsk
        return _read(engine.api.logs(asking, stdout=True, stderr=False)[:MOST_BYTES].decode("utf-8", "replace"))


def _read(reply: str) -> AppAnswer:
    """What a server sent: `HTTP/1.1 200 OK`, headers, an empty line, and the body."""
    head, _, body = reply.partition("\r\n\r\n")
    status = head.partition("\r\n")[0].split()
    if len(status) < len(("HTTP/1.1", "200")) or not status[0].startswith("HTTP/"):
        return AppAnswer(ok=False, text=message("It does not speak HTTP: {reply}", reply=reply[:200]))
    is_ok = status[1] == str(int(HTTPStatus.OK))
    return AppAnswer(ok=is_ok, text=body if is_ok else f"HTTP {status[1]}: {body}")
