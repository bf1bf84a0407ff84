"""Runs an image and asks it over HTTP; the container is always removed again."""

from __future__ import annotations

import contextlib
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from speedkit.engine.connection import Engine
from speedkit.engine.identity import our_labels
from speedkit.engine.ledger import note_container
from speedkit.errors import EngineError, EngineRefused
from speedkit.model import Answer

__all__ = ["ask_image", "own_container"]

ATTEMPT_SECONDS = 0.05
REPLY_SECONDS = 2.0
PIECE_BYTES = 4096
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The proxies of the environment do not know the loopback address of this machine."""


def ask_image(
    engine: Engine,
    image: str,
    *,
    port: int,
    path: str,
    seconds: float = 15.0,
    give_up: Callable[[], bool] = lambda: False,
) -> Answer | None:
    """What an image answers to `GET path`, asked until it does or `seconds` have passed; None when `give_up` says so.

    The container publishes `port` on a free port of the loopback address, so nothing on the host is in its way.
    Answer.ok means HTTP 200; what the body should hold is for the caller to judge.
    Raises: EngineError when the engine cannot make the container.
    """
    config = engine.api.create_host_config(port_bindings={port: ("127.0.0.1", None)} if engine.is_local else {port: None})
    try:
        with own_container(engine, image, settings={"ports": [port], "host_config": config}) as container:
            return _start_and_ask(engine, container, port, path, seconds, give_up)
    except EngineRefused as problem:
        raise EngineError(f"The engine could not make a container of {image}: {problem.said}.") from None


def _start_and_ask(
    engine: Engine, container: str, port: int, path: str, seconds: float, give_up: Callable[[], bool]
) -> Answer | None:
    try:
        engine.api.start(container)
        address = f"http://{_host(engine)}:{_published(engine, container, port)}{path}"
        return _ask(engine, container, address, time.monotonic() + seconds, give_up)
    except EngineRefused as problem:
        return Answer(ok=False, said=f"The container did not start: {problem.said}")


@contextlib.contextmanager
def own_container(
    engine: Engine, image: str, command: Sequence[str] | None = None, *, settings: Mapping[str, Any] | None = None
) -> Iterator[str]:
    """A container of the kit's own, made and not started; removed in the end, with the volumes that it brought along.

    settings: further arguments of the client's `create_container`.
    Whatever happens to this process, the next start removes what is left of it.
    Raises: EngineRefused when it cannot be made.
    """
    noted = note_container(engine)
    try:
        made: dict[str, Any] = engine.api.create_container(
            image, command, name=noted.name, labels=our_labels(), **(settings or {})
        )
    except EngineRefused:
        noted.is_gone()
        raise
    try:
        yield str(made["Id"])
    finally:
        if _is_removed(engine, str(made["Id"])):
            noted.is_gone()


def _is_removed(engine: Engine, container: str) -> bool:
    """Whether the engine has removed it. The answer counts, whatever becomes of that: what stays is swept later.

    The engine refuses with 409 while it removes the container already.
    """
    try:
        engine.api.remove_container(container, force=True, v=True)
    except EngineError as problem:
        return isinstance(problem, EngineRefused) and problem.status == HTTPStatus.NOT_FOUND
    return True


def _host(engine: Engine) -> str:
    return "127.0.0.1" if engine.is_local else (urlsplit(engine.host).hostname or "127.0.0.1")


def _published(engine: Engine, container: str, port: int) -> int:
    """The host port the engine chose; none when the container has already ended."""
    ports = engine.api.inspect_container(container)["NetworkSettings"]["Ports"].get(f"{port}/tcp") or []
    return int(ports[0]["HostPort"]) if ports else 0


def _ask(engine: Engine, container: str, address: str, deadline: float, give_up: Callable[[], bool]) -> Answer | None:
    problem = "it never answered"
    while time.monotonic() < deadline and not give_up():
        if ended := _ended(engine, container):
            return ended
        try:
            with DIRECTLY.open(address, timeout=REPLY_SECONDS) as reply:
                return Answer(ok=True, said=_text(reply, 65536))
        except urllib.error.HTTPError as reply:
            return Answer(ok=False, said=f"HTTP {reply.code}: {_text(reply, 2048)}")
        except (OSError, HTTPException, ValueError) as refused:
            problem = str(refused) or type(refused).__name__
        time.sleep(ATTEMPT_SECONDS)
    return None if give_up() else Answer(ok=False, said=f"No answer from the container: {problem}.")


def _text(reply: HTTPResponse | urllib.error.HTTPError, most_bytes: int) -> str:
    """The body's beginning, as far as it comes soon: a server may send a byte now and then, for ever."""
    body, deadline = b"", time.monotonic() + REPLY_SECONDS
    while len(body) < most_bytes and time.monotonic() < deadline and (piece := reply.read1(PIECE_BYTES)):
        body += piece
    return body[:most_bytes].decode("utf-8", "replace")


def _ended(engine: Engine, container: str) -> Answer | None:
    state = engine.api.inspect_container(container)["State"]
    if state.get("Status") not in ("exited", "dead"):
        return None
    try:
        log = engine.api.logs(container, tail=20).decode("utf-8", "replace").strip()
    except EngineError:
        log = ""
    return Answer(ok=False, said=f"The container ended with exit code {state.get('ExitCode')}. {log}".strip())
