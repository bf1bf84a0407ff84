"""Plays a recording again as if its build were made now: for tests, and for a machine without Docker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speedkit.context import Manifest
from speedkit.engine import BuildRequest, CancellableCommand, SolveResult
from speedkit.messages import message
from speedkit.recordings import Recording, Solve

from .base_choice import BuildBases
from .builder import BaseRequest

__all__ = ["Replay"]

LOOK_SECONDS = 0.05
"""How often a replay that waits for its next line checks whether it was cancelled."""


@dataclass(frozen=True)
class Replay:
    """A builder that hands out the lines of one recorded build again.

    speed: how many times as fast as the build was; infinity leaves all waits out.
    """

    played: Recording
    speed: float = float("inf")
    engine: None = None

    @property
    def name(self) -> str | None:
        return self.played.meta.builder

    @property
    def display_name(self) -> str:
        return message("the recording {recording}", recording=self.played.meta.id)

    @property
    def exports_caches(self) -> bool:
        return False

    def answers(self) -> bool:
        return True

    def prepare(self, request: BaseRequest, *, extend_ca: bool) -> BuildBases:  # noqa: ARG002
        return BuildBases({}, self.played.meta.bases, "", self.played.meta.replaced_frontend)

    def bases_now(self, request: BaseRequest, before: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:  # noqa: ARG002
        return self.played.meta.bases

    def frontend_replaced_now(self, dockerfile: str, build_args: Mapping[str, str]) -> str | None:  # noqa: ARG002
        return self.played.meta.replaced_frontend

    def unfetched_frontend(self, error_text: str, request: BaseRequest) -> str | None:  # noqa: ARG002
        return None

    def read_context(self, folder: Path, dockerfile: Path | None, is_over: Callable[[], bool]) -> Manifest:  # noqa: ARG002
        return self.played.context

    def guard_from_clean(self, tag: str) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def ready(self, request: BuildRequest, command: CancellableCommand) -> AbstractContextManager[BuildRequest]:  # noqa: ARG002
        return nullcontext(request)

    def solve(self, request: BuildRequest, *, command: CancellableCommand, on_line: Callable[[bytes], None]) -> SolveResult:  # noqa: ARG002
        clock, began = Solve(), time.monotonic()
        for line in self.played.lines():
            clock.feed(line)
            if clock.last is not None and clock.first is not None:
                # A step that an earlier build began may have started long before this one: no wait is longer than the build.
                passed = min(clock.last - clock.first, self.played.meta.seconds)
                moment = began + passed / self.speed
                while (left := moment - time.monotonic()) > 0 and not command.cancelled:
                    time.sleep(min(left, LOOK_SECONDS))
            if command.cancelled:
                return SolveResult(130, None)
            on_line(line)
        meta = self.played.meta
        image = (self.played.image or {}).get("id")
        return SolveResult(meta.exit_code, None if image is None else str(image), meta.vertex_lines)

    def machine(self) -> dict[str, Any]:
        return self.played.meta.machine
