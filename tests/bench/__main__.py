"""Measures what speedkit promises and prints ratios of interleaved runs: `python -m tests.bench [NAME…]`."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import builds, forecast, history, layers, page, projects, reading, tour, workbench

MEASUREMENTS: dict[str, Callable[[], None]] = {
    "import": reading.import_time,
    "events": reading.events,
    "logs": reading.long_logs,
    "listing": reading.listing,
    "cached": builds.fully_cached,
    "edits": builds.edit_rebuilds,
    "layers": layers.layers,
    "forecast": forecast.forecast,
    "projects": projects.projects,
    "history": history.history,
    "workbench": workbench.workbench,
    "page": page.page,
    "notebooks": tour.notebooks_against_builds,
}


def main() -> None:
    """Run the measurements named on the command line, or all of them."""
    unknown = [name for name in sys.argv[1:] if name not in MEASUREMENTS]
    if unknown:
        sys.exit(f"There is no measurement {unknown[0]!r}. Known: {', '.join(MEASUREMENTS)}.")
    for name in sys.argv[1:] or MEASUREMENTS:
        MEASUREMENTS[name]()


if __name__ == "__main__":
    main()
