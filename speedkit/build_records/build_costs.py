"""What each of many imported builds cost: its cached share, its seconds, and those of exporting and importing caches.

In: recordings of foreign builds. Out: a `BuildCost` for each, and the step that got slower from the first of them to the last.

Where a COPY asks for a file that is not there, BuildKit fails before it runs the steps above, and calls those cached
(https://github.com/moby/buildkit/issues/5644). So such a build has no share.

The cached share divides by the steps that can be cached: the instructions that BuildKit ran or had in its cache. Docker's own
summary divides by exporters, the reading of the Dockerfile and the pull of base images, too, so it never comes to 100 %.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from speedkit.recordings import Recording, Solve, Vertex, read_rawjson

from .step_names import exports_cache, imported_cache, instruction_of

__all__ = ["BuildCost", "SlowerStep", "build_cost", "calls_unreached_steps_cached", "slower_step"]

_NO_FILE = re.compile(r'failed to (?:calculate checksum of ref|compute cache key|walk) |" not found: not found')
"""The errors of a COPY whose file is missing, of newer and older versions of BuildKit."""
SLOWER_SECONDS = 1.0
SLOWER_TIMES = 1.25
"""A step that got slower by less is within the noise of a shared builder."""


@dataclass(frozen=True, slots=True)
class BuildCost:
    """The cost of one build. A figure that its record does not have is None.

    started: when it began. cacheable_steps: the steps that can be cached. cached_steps: those of them that were; None where
    the record calls steps cached that it did not come to.
    export_seconds, import_seconds: of exporting and importing caches. ran: the seconds of each step that ran, by its text.
    """

    id: str
    started: datetime | None
    seconds: float | None
    cacheable_steps: int
    cached_steps: int | None
    export_seconds: float
    import_seconds: float
    ran: dict[str, float] = field(repr=False)

    @property
    def cached_share(self) -> float | None:
        """From 0 to 1; None where the record has no step that can be cached, which is not 0 %, or does not tell which were."""
        return self.cached_steps / self.cacheable_steps if self.cacheable_steps and self.cached_steps is not None else None


@dataclass(frozen=True, slots=True)
class SlowerStep:
    """A step that took longer in the later half of some builds: its median seconds in each half, where it ran."""

    text: str
    before_seconds: float
    after_seconds: float


def build_cost(recording: Recording) -> BuildCost:
    """The cost of a foreign build. Raises: RecordingError."""
    imported = recording.meta.imported or {}
    solve = read_rawjson(recording.lines())
    steps = [(text, vertex) for vertex in solve.vertices.values() if (text := _cacheable(vertex)) is not None]
    ran: dict[str, float] = {}
    for text, vertex in steps:
        if not vertex.cached and not vertex.error:
            # A build for several platforms runs a step once for each of them.
            ran[text] = max(ran.get(text, 0.0), vertex.seconds(solve.last))
    return BuildCost(
        id=recording.meta.id,
        started=None if "date" in imported.get("unknown", ()) else datetime.fromisoformat(recording.meta.started_at),
        seconds=imported.get("seconds"),
        cacheable_steps=len(steps),
        cached_steps=None if calls_unreached_steps_cached(solve) else sum(vertex.cached for _, vertex in steps),
        export_seconds=_seconds_of(solve, exports_cache),
        import_seconds=_seconds_of(solve, lambda name: imported_cache(name) is not None),
        ran=ran,
    )


def calls_unreached_steps_cached(solve: Solve) -> bool:
    """Whether a build failed before it ran steps that its record calls cached."""
    vertices = solve.vertices.values()
    has_no_file = any(_NO_FILE.search(vertex.error) for vertex in vertices if vertex.error)
    return has_no_file and any(vertex.cached and _cacheable(vertex) is not None for vertex in vertices)


def _cacheable(vertex: Vertex) -> str | None:
    """The text of a step that can be cached; None for other vertices, and for a step that the build did not come to."""
    text = instruction_of(vertex.name)
    is_step = text is not None and not text.startswith("FROM ") and (vertex.cached or bool(vertex.spans))
    return text if is_step else None


def _seconds_of(solve: Solve, is_meant: Callable[[str], bool]) -> float:
    return sum(vertex.seconds(solve.last) for vertex in solve.vertices.values() if is_meant(vertex.name))


def slower_step(costs: Sequence[BuildCost]) -> SlowerStep | None:
    """The step that lost most seconds from the first half of the builds to the second; None where none got slower.

    Only builds in which the step ran count, so a step that is cached more often is not quicker, and none is slower for one.
    """
    # Halves in place of first and last: one build more or less on a busy machine changes a median little.
    middle = len(costs) // 2
    halves = [costs[:middle], costs[middle:]]
    texts = {text for cost in halves[0] for text in cost.ran} & {text for cost in halves[1] for text in cost.ran}
    slower = []
    for text in sorted(texts):
        before, after = (median(cost.ran[text] for cost in half if text in cost.ran) for half in halves)
        if after - before >= SLOWER_SECONDS and after >= before * SLOWER_TIMES:
            slower.append(SlowerStep(text, before, after))
    return max(slower, key=lambda step: step.after_seconds - step.before_seconds, default=None)
