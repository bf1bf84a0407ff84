"""The lines of BuildKit about a build so far: without secrets, within the limits of a log, and folded into vertices."""

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
    """The lines of one build. One thread adds them, others look at the build so far.

    answers: asks whether the builder is there; called while no line comes.
    """

    def __init__(self, redaction: Redaction, answers: Callable[[], bool]) -> None:
        self._redaction = redaction
        self._lock = threading.Lock()
        self._limit = LogLimit()
        self._last_line = time.monotonic()
        self._silence = Silence(answers)
        self.solve = Solve()
        self.lines: list[bytes] = []

    @property
    def is_cut(self) -> bool:
        """Whether the log is longer than the part that is kept."""
        return self._limit.has_cut

    def add(self, line: bytes) -> None:
        """Add a line of BuildKit's progress."""
        # Secrets go first: the limit may cut a log inside of a secret, and nobody would recognize the half that is left.
        self._keep_within_limit(self._redaction.lines(line))

    def finish(self) -> None:
        """Add the text that was held back, because its line or its step had not ended."""
        self._keep_within_limit(self._redaction.rest())
        self._keep([*self._limit.rest()])

    def begin_anew(self) -> None:
        """Forget all lines: the build is made once more."""
        with self._lock:
            self.solve, self.lines, self._limit = Solve(), [], LogLimit()

    def silent_seconds(self) -> float | None:
        """How long the builder has shown no sign of life; None while it answers."""
        return self._silence.seconds()

    def build_so_far(self, meta: Meta, dockerfile: str) -> Build:
        """The build as far as it has come, its steps without their logs."""
        with self._lock:
            # Times are by the daemon's clock, which may differ from this machine's: only the time since the last line is added.
            now = None if self.solve.last is None else self.solve.last + time.monotonic() - self._last_line
            return assemble_build(meta, self.solve, dockerfile, now=now, with_logs=False)

    def log_chunks(self, digest: str, first: int = 0) -> list[bytes]:
        """What the step with this digest has printed so far, in the pieces that BuildKit sent, from the 0-based one `first` on.

        A page asks ten times a second for what is new, and a log may have 200,000 lines: it is never joined for that.
        """
        with self._lock:
            vertex = self.solve.vertices.get(digest)
            return vertex.log_chunks[first:] if vertex else []

    def _keep_within_limit(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            self._keep([*self._limit.lines(line)])

    def _keep(self, lines: Sequence[bytes]) -> None:
        with self._lock:
            self._last_line = time.monotonic()
            self._silence.note_sign_of_life()
            self.lines += lines
            try:
                for line in lines:
                    self.solve.feed(line)
            except Exception as problem:
                # A newer BuildKit may write something that this version cannot read. Its build goes on all the same.
                self.solve.text.append(message("A line of BuildKit's could not be read: {problem}", problem=in_words(problem)))
