"""Runs an image and sends it an HTTP request; the container is always removed again.

The container's port is published only where the engine runs on this machine, on the loopback address, so that no other
machine can reach it. Where this program cannot reach the port, because the engine is elsewhere or this program itself is in a
container, a second container in the network of the first one sends the request.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit

from speedkit.errors import EngineError, EngineRefused, NotAsked
from speedkit.messages import message
from speedkit.model import AppAnswer

from .connection import Engine
from .container_request import ask_inside
from .own_containers import own_container

__all__ = ["ask_image"]

ATTEMPT_SECONDS = 0.05
REPLY_SECONDS = 2.0
UNREACHED_SECONDS = 3.0
"""How long a port may refuse connections before it counts as one that this program cannot reach."""
PIECE_BYTES = 4096
BODY_BYTES_AT_MOST = 65536
ERROR_BYTES_AT_MOST = 2048
LOOPBACK = "127.0.0.1"


def ask_image(
    engine: Engine,
    image: str,
    *,
    port: int,
    path: str,
    seconds: float = 15.0,
    give_up: Callable[[], bool] = lambda: False,
) -> AppAnswer | None:
    """The answer of an image to `GET path`; None when `give_up` becomes true first.

    The request is sent again until there is an answer or `seconds` have passed. An answer is `ok` when its status is HTTP 200;
    the caller judges the body.
    Raises: EngineError when the engine cannot make the container, NotAsked where no request can reach it.
    """
    settings: dict[str, object] = {}
    place = _publishing_place(engine)
    if place is not None:
        settings = {"ports": [port], "host_config": engine.api.create_host_config(port_bindings={port: place})}
    try:
        with own_container(engine, image, settings=settings) as container:
            return _start_and_ask(engine, container, image, port, path, seconds, give_up, is_published=place is not None)
    except EngineRefused as problem:
        raise EngineError(
            message("The engine could not make a container of {image}: {reason}.", image=image, reason=problem.reason)
        ) from None


def _publishing_place(engine: Engine) -> tuple[str, int | None] | None:
    """The address and port to publish the container's port on; no port lets the engine choose one, None publishes nothing."""
    if engine.is_local:
        return LOOPBACK, None
    if (urlsplit(engine.host).hostname or "") not in (LOOPBACK, "localhost", "::1"):
        return None
    # TCP on the loopback address may be a tunnel to an engine on another machine. Then a port that the engine chose could
    # belong to another program here, and the kit would ask that program. A port that is free here answers nothing.
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return LOOPBACK, int(free.getsockname()[1])


def _start_and_ask(
    engine: Engine,
    container: str,
    image: str,
    port: int,
    path: str,
    seconds: float,
    give_up: Callable[[], bool],
    *,
    is_published: bool,
) -> AppAnswer | None:
    deadline = time.monotonic() + seconds
    try:
        engine.api.start(container)
    except EngineRefused as problem:
        return AppAnswer(ok=False, text=message("The container did not start: {reason}", reason=problem.reason))
    try:
        if is_published:
            return _ask(engine, container, _published(engine, container, port), path, deadline, give_up)
        why = message("the engine at {host} is on another machine", host=engine.host)
    except _Unreached as unreached:
        why = message("its port cannot be reached from here: {unreached}", unreached=unreached)

    def is_over() -> bool:
        return give_up() or time.monotonic() > deadline or _ended(engine, container) is not None

    try:
        answer = ask_inside(engine, container, image, port=port, path=path, is_over=is_over)
    except NotAsked as problem:
        raise NotAsked(
            message("No request could reach the container: {why}, and {reason}", why=why, reason=problem.what), fix=problem.fix
        ) from None
    if answer is not None or give_up():
        return answer
    return _ended(engine, container) or AppAnswer(ok=False, text=message("No answer from the container; {why}.", why=why))


def _published(engine: Engine, container: str, port: int) -> int:
    """The container's port on this machine; 0 when the container has ended already."""
    ports = engine.api.inspect_container(container)["NetworkSettings"]["Ports"].get(f"{port}/tcp") or []
    return int(ports[0]["HostPort"]) if ports else 0


class _Unreached(Exception):
    """The published port accepts no connections, though the container runs."""


def _ask(
    engine: Engine, container: str, port: int, path: str, deadline: float, give_up: Callable[[], bool]
) -> AppAnswer | None:
    """The answer over a port of this machine; None when `give_up` becomes true first. Raises: _Unreached."""
    problem, is_reached, began = message("it never answered"), False, time.monotonic()
    while time.monotonic() < deadline and not give_up():
        if ended := _ended(engine, container):
            return ended
        # http.client uses no proxy and follows no redirect, unlike urllib. A proxy has a loopback address of its own, and a
        # redirect would let the image choose which address this machine connects to.
        connection = HTTPConnection(LOOPBACK, port, timeout=REPLY_SECONDS)
        with contextlib.closing(connection):
            try:
                connection.request("GET", path, headers={"Connection": "close"})
            except OSError as refused:
                problem = str(refused)
                if not is_reached and time.monotonic() - began > UNREACHED_SECONDS:
                    raise _Unreached(problem) from None
            else:
                try:
                    return _reply(connection)
                except (OSError, HTTPException, ValueError) as broken:
                    problem, is_reached = str(broken) or type(broken).__name__, True
        time.sleep(ATTEMPT_SECONDS)
    return None if give_up() else AppAnswer(ok=False, text=message("No answer from the container: {problem}.", problem=problem))


def _reply(connection: HTTPConnection) -> AppAnswer:
    """The answer to a request that was sent over a connection: as much of it as arrives within two seconds.

    Raises: OSError, HTTPException, ValueError.
    """
    line = connection.sock
    with _cut_after(REPLY_SECONDS, line) as is_cut:
        try:
            reply = connection.getresponse()
        except (OSError, HTTPException):
            if not is_cut():
                raise
    if is_cut():
        raise ConnectionError(message("the headers of its answer do not end"))
    with reply, _cut_after(REPLY_SECONDS, line):
        if reply.status == HTTPStatus.OK:
            return AppAnswer(ok=True, text=_text(reply, BODY_BYTES_AT_MOST))
        return AppAnswer(ok=False, text=f"HTTP {reply.status}: {_text(reply, ERROR_BYTES_AT_MOST)}")


@contextlib.contextmanager
def _cut_after(seconds: float, line: socket.socket) -> Iterator[Callable[[], bool]]:
    """Ends a connection when the block lasts longer than `seconds`. The block gets a function that tells whether it did."""
    # A socket's time-out is not enough: it starts again with every byte, and a server may send `100 Continue` for ever.
    cut = threading.Event()

    def end() -> None:
        cut.set()
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield cut.is_set
    finally:
        timer.cancel()


def _text(reply: HTTPResponse, limit_bytes: int) -> str:
    """The beginning of the body: at most `limit_bytes`, and as much as arrives within two seconds."""
    body, deadline = b"", time.monotonic() + REPLY_SECONDS
    while len(body) < limit_bytes and time.monotonic() < deadline and (piece := reply.read1(PIECE_BYTES)):
        body += piece
    return body[:limit_bytes].decode("utf-8", "replace")


def _ended(engine: Engine, container: str) -> AppAnswer | None:
    """Exit code and last log lines of a container that has ended; None while it runs."""
    state = engine.api.inspect_container(container)["State"]
    if state.get("Status") not in ("exited", "dead"):
        return None
    try:
        log = engine.api.logs(container, tail=20).decode("utf-8", "replace").strip()
    except EngineError:
        log = ""
    ended = message("The container ended with exit code {code}.", code=state.get("ExitCode"))
    return AppAnswer(ok=False, text=f"{ended} {log}".strip())
