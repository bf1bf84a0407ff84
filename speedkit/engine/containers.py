"""Runs an image and asks it over HTTP; the container is always removed again.

Its port is published on the loopback address of the engine's machine, and only where that is this machine: nobody else
can reach it. Where the port cannot be reached, because the engine is elsewhere or this program is in a container itself, a
second container in the network of the first one asks.
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
"""For how long a port may refuse connections before it is taken for one that cannot be reached from here."""
PIECE_BYTES = 4096
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
    """What an image answers to `GET path`, asked until it does or `seconds` have passed; None when `give_up` says so.

    AppAnswer.ok means HTTP 200; what the body should hold is for the caller to judge.
    Raises: EngineError when the engine cannot make the container, NotAsked where nobody can reach it.
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
    """Where the container's port is published: on a port that the engine chooses, or that is free here; None for nowhere.

    What is reached over TCP at the loopback address may be a tunnel to another machine. There, the port that is free here
    answers nobody, while one of the engine's choice could belong to another program here.
    """
    if engine.is_local:
        return LOOPBACK, None
    if (urlsplit(engine.host).hostname or "") not in (LOOPBACK, "localhost", "::1"):
        return None
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
    is_over = lambda: give_up() or time.monotonic() > deadline or _ended(engine, container) is not None  # noqa: E731
    try:
        answer = ask_inside(engine, container, image, port=port, path=path, is_over=is_over)
    except NotAsked as problem:
        raise NotAsked(
            message("The image could not be asked: {why}, and {reason}", why=why, reason=problem.what), fix=problem.fix
        ) from None
    if answer is not None or give_up():
        return answer
    return _ended(engine, container) or AppAnswer(ok=False, text=message("No answer from the container; {why}.", why=why))


def _published(engine: Engine, container: str, port: int) -> int:
    """The host port the engine chose; none when the container has already ended."""
    ports = engine.api.inspect_container(container)["NetworkSettings"]["Ports"].get(f"{port}/tcp") or []
    return int(ports[0]["HostPort"]) if ports else 0


class _Unreached(Exception):
    """Nobody takes connections at the published port, though the container runs."""


def _ask(
    engine: Engine, container: str, port: int, path: str, deadline: float, give_up: Callable[[], bool]
) -> AppAnswer | None:
    """Raises: _Unreached."""
    problem, is_reached, began = message("it never answered"), False, time.monotonic()
    while time.monotonic() < deadline and not give_up():
        if ended := _ended(engine, container):
            return ended
        # Neither a proxy of the environment, which does not know this machine's loopback address, nor a redirect: an image
        # must not choose which other address this machine asks.
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
    """What comes over a connection that was asked on, as far as it comes soon.

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
        raise ConnectionError(message("the head of its answer does not end"))
    with reply, _cut_after(REPLY_SECONDS, line):
        if reply.status == HTTPStatus.OK:
            return AppAnswer(ok=True, text=_text(reply, 65536))
        return AppAnswer(ok=False, text=f"HTTP {reply.status}: {_text(reply, 2048)}")


@contextlib.contextmanager
def _cut_after(seconds: float, line: socket.socket) -> Iterator[Callable[[], bool]]:
    """Ends a connection when the block lasts longer; whether that was so.

    The time-out of a socket does not do that: a server may send a byte now and then, or `100 Continue` again and again.
    """
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


def _text(reply: HTTPResponse, most_bytes: int) -> str:
    """The beginning of the body, as far as it comes soon."""
    body, deadline = b"", time.monotonic() + REPLY_SECONDS
    while len(body) < most_bytes and time.monotonic() < deadline and (piece := reply.read1(PIECE_BYTES)):
        body += piece
    return body[:most_bytes].decode("utf-8", "replace")


def _ended(engine: Engine, container: str) -> AppAnswer | None:
    state = engine.api.inspect_container(container)["State"]
    if state.get("Status") not in ("exited", "dead"):
        return None
    try:
        log = engine.api.logs(container, tail=20).decode("utf-8", "replace").strip()
    except EngineError:
        log = ""
    ended = message("The container ended with exit code {code}.", code=state.get("ExitCode"))
    return AppAnswer(ok=False, text=f"{ended} {log}".strip())
