"""Runs a command in a container of an image, without network, with limits, and no longer than a time-out allows."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from speedkit.errors import EngineError, EngineRefused
from speedkit.messages import message

from .connection import Engine
from .own_containers import own_container

__all__ = ["CommandRun", "run_in_image"]

LOOK_SECONDS = 0.1
MEMORY = "1g"
PROCESSES_AT_MOST = 512
LOG_BYTES_AT_MOST = "1m"
LOG_LINES = 20
CANNOT_START = frozenset({126, 127})
"""What the engine notes as the exit code of a container whose program is not there, or is none."""


@dataclass(frozen=True, slots=True)
class CommandRun:
    """How a command in a container ended.

    exit_code: None where it did not end by itself in time, and where it could not be started. refusal: the engine's words when
    it could not be started; "" otherwise. log: its last lines.
    """

    exit_code: int | None
    refusal: str
    log: str

    @property
    def was_ended(self) -> bool:
        """It still ran when its time was over."""
        return self.exit_code is None and not self.refusal


def run_in_image(
    engine: Engine,
    image: str,
    *,
    entrypoint: Sequence[str] | None,
    command: Sequence[str] | None,
    seconds: float,
    give_up: Callable[[], bool] = lambda: False,
) -> CommandRun:
    """The end of a command in a new container, which is removed again.

    entrypoint, command: as the engine takes them; None leaves those of the image. seconds: after which it is ended.
    Raises: EngineError when the engine cannot make a container.
    """
    from docker.types import LogConfig  # the client's types take a moment to load, and no other verb needs them

    limits = engine.api.create_host_config(
        network_mode="none",
        mem_limit=MEMORY,
        memswap_limit=MEMORY,
        pids_limit=PROCESSES_AT_MOST,
        security_opt=["no-new-privileges"],
        # A command that prints without end would fill the engine's disk.
        log_config=LogConfig(type="json-file", config={"max-size": LOG_BYTES_AT_MOST, "max-file": "1"}),
    )
    settings: dict[str, Any] = {"host_config": limits}
    if entrypoint is not None:
        settings["entrypoint"] = list(entrypoint)
    try:
        with own_container(engine, image, list(command) if command is not None else None, settings=settings) as container:
            try:
                engine.api.start(container)
            except EngineRefused as problem:
                return CommandRun(None, problem.reason, "")
            return _end_of(engine, container, time.monotonic() + seconds, give_up)
    except EngineRefused as problem:
        # Such as "no command specified", for an image that holds files only.
        if "no command" in problem.reason.lower():
            return CommandRun(None, problem.reason, "")
        raise EngineError(
            message("The engine could not make a container of {image}: {reason}.", image=image, reason=problem.reason)
        ) from None


def _end_of(engine: Engine, container: str, deadline: float, give_up: Callable[[], bool]) -> CommandRun:
    while (state := engine.api.inspect_container(container)["State"]).get("Status") not in ("exited", "dead"):
        if give_up() or time.monotonic() > deadline:
            return CommandRun(None, "", _log(engine, container))
        time.sleep(LOOK_SECONDS)
    if state.get("Error") and state.get("ExitCode") in CANNOT_START:
        return CommandRun(None, str(state["Error"]), "")
    return CommandRun(int(state.get("ExitCode") or 0), "", _log(engine, container))


def _log(engine: Engine, container: str) -> str:
    with contextlib.suppress(EngineError):
        return str(engine.api.logs(container, tail=LOG_LINES).decode("utf-8", "replace")).strip()
    return ""
