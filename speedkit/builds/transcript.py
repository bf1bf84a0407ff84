"""What BuildKit has said of a build so far: without secrets, within the limit of a log, and folded into steps line by line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from speedkit.errors import in_words
from speedkit.messages import message
from speedkit.model import Build
from speedkit.recordings import LogLimit, Meta, Redaction, Solve, assemble_build

from .engine_silence import Silence

__all__ = ["Transcript"]


class Transcript:
    """The lines of one build. One thread hears them, others look at what they say so far.

    answers: asks whether the builder is there, while it says nothing.
    """

    def __init__(self, redaction: Redaction, answers: Callable[[], bool]) -> None:
        self._redaction = redaction
        self._lock = threading.Lock()
        self._limit = LogLimit()
        self._heard = time.monotonic()
        self._silence = Silence(answers)
        self.solve = Solve()
        self.lines: list[bytes] = []

    @property
    def is_cut(self) -> bool:
        """More was printed than is kept."""
        return self._limit.has_cut

    def hear(self, line: bytes) -> None:
        """Take in a line of BuildKit's progress."""
        # Without secrets first: half of one would be left where a long log is cut.
        self._keep_within_limit(self._redaction.lines(line))

    def finish(self) -> None:
        """Take in what was held back in case that a line went on."""
        self._keep_within_limit(self._redaction.rest())
        self._keep([*self._limit.rest()])

    def begin_anew(self) -> None:
        """Forget all lines: the build is made once more."""
        with self._lock:
            self.solve, self.lines, self._limit = Solve(), [], LogLimit()

    def silent_seconds(self) -> float | None:
        """How long the builder has given no sign of life; None while it answers."""
        return self._silence.seconds()

    def build_so_far(self, meta: Meta, dockerfile: str) -> Build:
        """The build as far as it has come, its steps without their logs."""
        with self._lock:
            now = None if self.solve.last is None else self.solve.last + time.monotonic() - self._heard
            return assemble_build(meta, self.solve, dockerfile, now=now, with_logs=False)

    def log(self, digest: str) -> bytes:
        """What the step with this digest has printed so far."""
        with self._lock:
            vertex = self.solve.vertices.get(digest)
            return b"".join(vertex.log_chunks) if vertex else b""

    def _keep_within_limit(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            self._keep([*self._limit.lines(line)])

    def _keep(self, lines: Sequence[bytes]) -> None:
        with self._lock:
            self._heard = time.monotonic()
            self._silence.heard()
            self.lines += lines
            try:
                for line in lines:
                    self.solve.feed(line)
            except Exception as problem:
                # The build goes on, whatever this version makes of what BuildKit says.
                self.solve.text.append(message("A line of BuildKit's could not be read: {problem}", problem=in_words(problem)))
