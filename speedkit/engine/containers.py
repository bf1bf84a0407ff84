"""Runs an image and asks it over HTTP; the container is always removed again."""

from __future__ import annotations

import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from speedkit.engine.connection import Engine
from speedkit.errors import EngineError, EngineRefused
from speedkit.model import Answer

__all__ = ["CONTAINER_PREFIX", "LABEL", "ask_image"]

LABEL = "dev.speedkit"
CONTAINER_PREFIX = "speedkit-"
"""How the names of our own containers begin. Labels would not do: anybody's container of our image inherits those."""
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
    container = _create(engine, image, port)
    try:
        engine.api.start(container)
        address = f"http://{_host(engine)}:{_published(engine, container, port)}{path}"
        return _ask(engine, container, address, time.monotonic() + seconds, give_up)
    except EngineRefused as problem:
        return Answer(ok=False, said=f"The container did not start: {problem.said}")
    finally:
        _remove(engine, container)


def _create(engine: Engine, image: str, port: int) -> str:
    api = engine.api
    config = api.create_host_config(port_bindings={port: ("127.0.0.1", None)} if engine.is_local else {port: None})
    try:
        name = f"{CONTAINER_PREFIX}{secrets.token_hex(6)}"
        made: dict[str, Any] = api.create_container(image, name=name, ports=[port], host_config=config, labels={LABEL: "1"})
    except EngineRefused as problem:
        raise EngineError(f"The engine could not make a container of {image}: {problem.said}.") from None
    return str(made["Id"])


def _remove(engine: Engine, container: str) -> None:
    """Remove a container. The answer counts, whatever becomes of that: one that stays is swept at a later start.

    The engine refuses with 409 while it removes the container already.
    """
    with suppress(EngineError):
        engine.api.remove_container(container, force=True, v=True)


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
