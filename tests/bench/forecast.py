"""The forecast while one types, for a build context of ten thousand files."""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speedkit.apps import App, own_app
from speedkit.builds import build
from speedkit.history import LiveForecast
from speedkit.widgets import Workbench
from tests.bench.figures import print_seconds, seconds_of

__all__ = ["forecast", "large_app"]

FILES, FOLDERS = 10_000, 100
ROUNDS = 21
PAUSE_SECONDS = 0.3
"""Nobody types so fast that the painter, which keeps to ten paintings a second, would still be busy with the last key."""
WANTED = "at most 0.05 s"
DOCKERFILE = """\
FROM alpine
WORKDIR /app
COPY package.txt .
RUN cat package.txt
COPY . .
RUN ls > /listing
"""


def forecast() -> None:
    """From a keystroke to the forecast: the forecaster alone, and all of the workbench but the browser."""
    print(f"a forecast for a build context of {FILES:,} files")
    with large_app() as app:
        built = build(app)
        assert built.ok
        live = LiveForecast()
        strategy = built.strategy
        print_seconds("the first, which reads the past", [seconds_of(lambda: next(live(app, strategy, [built])))])
        unchanged = [seconds_of(lambda: next(live(app, strategy, [built]))) for _ in range(ROUNDS)]
        print_seconds("nothing changed", unchanged, wanted=WANTED)
        changed = []
        for number in range(ROUNDS):
            app.write("main.txt", f"{number}\n")
            changed.append(seconds_of(lambda: next(live(app, strategy, [built]))))
        assert [step["forecast"] for step in next(live(app, strategy, [built]))][-2:] == ["miss", "miss"]
        print_seconds("one file changed", changed, wanted=WANTED)
        all_files = [seconds_of(lambda: list(live(app, strategy, [built]))) for _ in range(ROUNDS)]
        print_seconds("a look at all files, once the typing pauses", all_files)
        app.reset()
        print_seconds("workbench: a key until the new forecast is sent", list(_typed(app)), wanted=WANTED)


@contextmanager
def large_app() -> Iterator[App]:
    """An app of many small files in many folders."""
    with tempfile.TemporaryDirectory(prefix="speedkit-bench-") as place:
        folder = Path(place)
        (folder / "Dockerfile").write_text(DOCKERFILE)
        (folder / "package.txt").write_text("nothing\n")
        (folder / "main.txt").write_text("unchanged\n")
        for number in range(FILES):
            path = folder / f"folder-{number % FOLDERS:02}" / f"file-{number}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{number}\n")
        with own_app(folder) as app:
            yield app


def _typed(app: App) -> Iterator[float]:
    """Seconds from each change to the forecast that is sent to the page: a text that misses and one that hits, in turn."""
    workbench = Workbench(app)
    sent = threading.Event()
    try:
        workbench.build()
        workbench.wait()
        workbench.observe(lambda _change: sent.set(), "forecast")
        for text in itertools.islice(itertools.cycle(["changed\n", "unchanged\n"]), ROUNDS):
            time.sleep(PAUSE_SECONDS)
            sent.clear()
            began = time.perf_counter()
            workbench._handle_custom_msg({"type": "text", "path": "main.txt", "text": text, "page": "bench"}, [])
            if not sent.wait(10):
                raise RuntimeError("no new forecast came")
            yield time.perf_counter() - began
    finally:
        workbench.close()
