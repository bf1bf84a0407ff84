"""Plays a recording again as if its build were made now: for tests, and for a machine without Docker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speedkit.apps import Probe
from speedkit.context import Manifest
from speedkit.engine import BuildRequest, Command, Finished
from speedkit.messages import message
from speedkit.recordings import Recording, Solve

from .base_choice import BuildBases
from .builder import BasesWanted

__all__ = ["Replay"]

LOOK_SECONDS = 0.05
"""How often a replay that waits for its next line looks whether it was cancelled."""


@dataclass(frozen=True)
class Replay:
    """A builder that repeats what BuildKit said in one recorded build.

    speed: how many times as quick as the build was; infinity leaves all waits out.
    """

    played: Recording
    speed: float = float("inf")
    engine: None = None

    @property
    def name(self) -> str | None:
        return self.played.meta.builder

    @property
    def place(self) -> str:
        return message("the recording {recording}", recording=self.played.meta.id)

    @property
    def exports_caches(self) -> bool:
        return False

    def answers(self) -> bool:
        return True

    def prepare(self, wanted: BasesWanted, *, extend_ca: bool) -> BuildBases:  # noqa: ARG002
        return BuildBases({}, self.played.meta.bases, "", self.played.meta.replaced_frontend)

    def bases_now(self, wanted: BasesWanted, before: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:  # noqa: ARG002
        return self.played.meta.bases

    def frontend_replaced_now(self, dockerfile: str, build_args: Mapping[str, str]) -> str | None:  # noqa: ARG002
        return self.played.meta.replaced_frontend

    def unfetched_frontend(self, said: str, wanted: BasesWanted) -> str | None:  # noqa: ARG002
        return None

    def read_context(self, folder: Path, dockerfile: Path, is_over: Callable[[], bool]) -> Manifest:  # noqa: ARG002
        return self.played.context

    def building(self, tag: str) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def ready(self, request: BuildRequest, command: Command) -> AbstractContextManager[BuildRequest]:  # noqa: ARG002
        return nullcontext(request)

    def solve(self, request: BuildRequest, *, command: Command, on_line: Callable[[bytes], None]) -> Finished:  # noqa: ARG002
        clock, began = Solve(), time.monotonic()
        for line in self.played.lines():
            clock.feed(line)
            if clock.last is not None and clock.first is not None:
                # A step that was shared with a build before may have begun long before this one.
                passed = min(clock.last - clock.first, self.played.meta.seconds)
                self._wait_until(began + passed / self.speed, command)
            if command.cancelled:
                return Finished(130, None)
            on_line(line)
        meta = self.played.meta
        image = (self.played.image or {}).get("id")
        return Finished(meta.exit_code, None if image is None else str(image), meta.vertex_lines)

    @staticmethod
    def _wait_until(moment: float, command: Command) -> None:
        while (left := moment - time.monotonic()) > 0 and not command.cancelled:
            time.sleep(min(left, LOOK_SECONDS))

    def describe(self, image: str, *, tag: str, bases: BuildBases) -> dict[str, Any]:  # noqa: ARG002
        return self.played.image or {"id": image}

    def ask(self, image: str, probe: Probe, *, give_up: Callable[[], bool]) -> dict[str, Any] | None:  # noqa: ARG002
        return self.played.meta.answer

    def machine(self) -> dict[str, Any]:
        return self.played.meta.machine
