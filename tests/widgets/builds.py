"""Builds for the widget's tests, made by hand, and one that goes on until it is told to end."""

from __future__ import annotations

import threading
from dataclasses import replace

from speedkit.model import Build, ImageLayer, Step

DOCKERFILE = "FROM alpine AS builder\nCOPY . .\nRUN make\n\nFROM scratch\nCOPY --from=builder /out /out\n"


def steps(*states: str, log: str = "", error: str | None = None) -> tuple[Step, ...]:
    """The steps of DOCKERFILE in these states; the log is RUN's."""
    lines = ((1, "builder", "FROM alpine AS builder"), (2, "builder", "COPY . ."), (3, "builder", "RUN make"))
    lines = (*lines, (5, "stage-1", "FROM scratch"), (6, "stage-1", "COPY --from=builder /out /out"))
    made = []
    for (line, stage, text), state in zip(lines, states, strict=True):
        is_run = text == "RUN make"
        made.append(
            Step(
                name=text,
                stage=stage,
                instruction=text,
                line=line,
                state=state,
                seconds=2.0 if is_run and state != "cached" else 0.0,
                started_seconds=0.5,
                bytes_fetched=41_000_000 if line == 1 else 0,
                log=log if is_run else "",
                error=error if state == "failed" else None,
                digest=f"sha256:{line}",
            )
        )
    return tuple(made)


RAN = ("cached", "ran", "ran", "no-step", "ran")
CACHED = ("cached", "cached", "cached", "no-step", "cached")
FAILED = ("cached", "ran", "failed", "no-step", "waiting")


def a_build(*states: str, log: str = "", step_error: str | None = None, **changes: object) -> Build:
    build = Build(
        id="one",
        app="app",
        strategy="Dockerfile",
        edit="none",
        started_at="2026-01-01T00:00:00+00:00",
        seconds=3.0,
        outcome="done",
        exit_code=0,
        dockerfile=DOCKERFILE,
        step_list=steps(*(states or RAN), log=log, error=step_error),
        image="sha256:abc",
        image_bytes=15_000_000,
        layers=(ImageLayer("COPY /out", 15_000_000, from_base=False),),
    )
    return replace(build, **changes)


class Scripted:
    """A build under way that shows `running` until `finish` gives its result, or an error to raise."""

    def __init__(self, running: Build | None = None) -> None:
        self.running = running or a_build("cached", "ran", "running", "no-step", "waiting", outcome="running")
        self.printed: list[bytes] = []
        self.cancelled = False
        self._result: Build | Exception | None = None
        self._ended = threading.Event()

    def finish(self, result: Build | Exception) -> None:
        self._result = result
        self._ended.set()

    @property
    def done(self) -> bool:
        return self._ended.is_set()

    def cancel(self) -> None:
        self.cancelled = True
        self.finish(replace(self.running, outcome="cancelled", exit_code=130, error="The build was cancelled."))

    def wait(self) -> Build:
        self._ended.wait()
        if isinstance(self._result, Exception):
            raise self._result
        assert self._result is not None
        return self._result

    def wait_briefly(self, seconds: float) -> Build:
        self._ended.wait(seconds)
        return self.snapshot()

    def snapshot(self) -> Build:
        return self._result if isinstance(self._result, Build) else self.running

    def log_chunks(self, digest: str, first: int = 0) -> list[bytes]:
        return self.printed[first:] if digest == "sha256:3" else []
