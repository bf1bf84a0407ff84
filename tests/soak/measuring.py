"""What a process, its engine and its state folder hold, and whether that grows."""

from __future__ import annotations

import gc
import os
import statistics
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from speedkit.engine.connection import Engine

__all__ = ["ALLOWED", "PAINTER", "Growth", "growth_of", "growths", "measure_engine", "measure_process", "measure_state"]

PAINTER = "widget updates"
"""The name of the one thread that paints all widgets."""

ALLOWED = {
    "memory_mb": 12.0,
    "threads": 1.0,
    "files": 2.0,
    "processes": 1.0,
    "containers": 1.0,
    "named_images": 1.0,
    "nameless_images": 10.0,
    "state_kb": 200.0,
}
"""How much more of each there may be after a whole soak than after half of one, were it to go on as in its second half.

A leak of one a build is a thousand; what is left for memory is what Python's own allocator moves by.
"""


@dataclass(frozen=True)
class Growth:
    """What one measure did in the second half of a soak. grown: by its median slope, over all builds of the soak."""

    measure: str
    half: float
    end: float
    grown: float

    @property
    def is_flat(self) -> bool:
        return self.grown <= ALLOWED[self.measure]


def measure_process() -> dict[str, float]:
    gc.collect()
    # Without what belongs to files: the kernel drops these pages and reads them again as it likes.
    resident, of_files = map(int, Path("/proc/self/statm").read_text().split()[1:3])
    return {
        "memory_mb": (resident - of_files) * os.sysconf("SC_PAGE_SIZE") / 1e6,
        "threads": float(_count_threads()),
        "files": float(sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1),
        "processes": float(len(_processes_of_this_home())),
    }


def _count_threads() -> int:
    """The painter counts whether it runs or not: it starts with the first widget and ends with the last, at its own pace."""
    names = [thread.name for thread in threading.enumerate()]
    return len(names) + (PAINTER not in names)


def _processes_of_this_home() -> list[int]:
    """All processes but this one that have its state folder in their environment: children, and those that lost a parent."""
    mark = f"SPEEDKIT_HOME={os.environ['SPEEDKIT_HOME']}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def measure_engine(engine: Engine) -> dict[str, float]:
    images = engine.api.images()
    nameless = sum(1 for image in images if not [name for name in image.get("RepoTags") or () if "<none>" not in name])
    return {
        "containers": float(len(engine.api.containers(all=True))),
        "named_images": float(len(images) - nameless),
        "nameless_images": float(nameless),
    }


def measure_state(home: Path) -> dict[str, float]:
    return {"state_kb": _kb_below(home)}


def _kb_below(folder: Path) -> float:
    sizes = []
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append(os.lstat(os.path.join(place, name)).st_size)  # noqa: PTH118 (quicker)
            except OSError:
                continue
    return sum(sizes) / 1e3


def growths(samples: Sequence[tuple[int, Mapping[str, float]]]) -> list[Growth]:
    """What each measure did. samples: how many builds there were, and the measures then, in order."""
    return [growth_of(measure, [(builds, values[measure]) for builds, values in samples]) for measure in samples[0][1]]


def growth_of(measure: str, points: Sequence[tuple[int, float]]) -> Growth:
    """By the median of the slopes between all points of the second half: one odd moment does not count (Theil and Sen)."""
    second_half = points[len(points) // 2 :]
    slopes = [(b - a) / (n - m) for (m, a), (n, b) in combinations(second_half, 2)]
    slope = statistics.median(slopes) if slopes else 0.0
    return Growth(measure, second_half[0][1], second_half[-1][1], slope * points[-1][0])
