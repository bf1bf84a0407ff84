"""Runs an image and asks it over HTTP; the container is always removed again."""

from __future__ import annotations

import secrets
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from docker.errors import APIError, DockerException, NotFound

from speedkit.engine.connection import Engine
from speedkit.errors import EngineError
from speedkit.model import Answer

__all__ = ["CONTAINER_PREFIX", "LABEL", "ask_image"]

LABEL = "dev.speedkit"
CONTAINER_PREFIX = "speedkit-"
"""How the names of our own containers begin. Labels would not do: anybody's container of our image inherits those."""
ATTEMPT_SECONDS = 0.05


def ask_image(engine: Engine, image: str, *, port: int, path: str, seconds: float = 15.0) -> Answer:
    """What an image answers to `GET path`, asked until it does or `seconds` have passed.

    The container publishes `port` on a free port of the loopback address, so nothing on the host is in its way.
    Answer.ok means HTTP 200; what the body should hold is for the caller to judge.
    Raises: EngineError when the engine cannot make the container.
    """
    container = _create(engine, image, port)
    try:
        engine.api.start(container)
        address = f"http://{_host(engine)}:{_published(engine, container, port)}{path}"
        return _ask(engine, container, address, time.monotonic() + seconds)
    except APIError as problem:
        return Answer(ok=False, said=f"The container did not start: {problem.explanation}")
    finally:
        _remove(engine, container)


def _create(engine: Engine, image: str, port: int) -> str:
    api = engine.api
    config = api.create_host_config(port_bindings={port: ("127.0.0.1", None)} if engine.is_local else {port: None})
    try:
        name = f"{CONTAINER_PREFIX}{secrets.token_hex(6)}"
        made: dict[str, Any] = api.create_container(image, name=name, ports=[port], host_config=config, labels={LABEL: "1"})
    except APIError as problem:
        raise EngineError(f"The engine could not make a container of {image}: {problem.explanation}.") from None
    return str(made["Id"])


def _remove(engine: Engine, container: str) -> None:
    try:
        engine.api.remove_container(container, force=True, v=True)
    except NotFound:
        return


def _host(engine: Engine) -> str:
    return "127.0.0.1" if engine.is_local else (urlsplit(engine.host).hostname or "127.0.0.1")


def _published(engine: Engine, container: str, port: int) -> int:
    """The host port the engine chose; none when the container has already ended."""
    ports = engine.api.inspect_container(container)["NetworkSettings"]["Ports"].get(f"{port}/tcp") or []
    return int(ports[0]["HostPort"]) if ports else 0


def _ask(engine: Engine, container: str, address: str, deadline: float) -> Answer:
    problem = "it never answered"
    while time.monotonic() < deadline:
        if ended := _ended(engine, container):
            return ended
        try:
            with urllib.request.urlopen(address, timeout=2) as reply:  # noqa: S310 (an address of our own making)
                return Answer(ok=True, said=reply.read(65536).decode("utf-8", "replace"))
        except urllib.error.HTTPError as reply:
            return Answer(ok=False, said=f"HTTP {reply.code}: {reply.read(2048).decode('utf-8', 'replace')}")
        except (urllib.error.URLError, OSError) as refused:
            problem = str(refused)
        time.sleep(ATTEMPT_SECONDS)
    return Answer(ok=False, said=f"No answer from the container: {problem}.")


def _ended(engine: Engine, container: str) -> Answer | None:
    state = engine.api.inspect_container(container)["State"]
    if state.get("Status") not in ("exited", "dead"):
        return None
    try:
        log = engine.api.logs(container, tail=20).decode("utf-8", "replace").strip()
    except DockerException:
        log = ""
    return Answer(ok=False, said=f"The container ended with exit code {state.get('ExitCode')}. {log}".strip())
