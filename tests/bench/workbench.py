"""The workbench without its browser: how soon there is something to see, and what a flood of log lines costs in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from speedkit.apps import App, own_app
from speedkit.builders.base_choice import build_bases
from speedkit.engine.buildx import BuildRequest, command_line
from speedkit.engine.connection import connect
from speedkit.widgets import Workbench
from tests.bench.figures import print_figure, print_seconds, seconds_of

__all__ = ["measure_flood", "workbench"]

ROUNDS = 11
LINES = 200_000
SETTLING_SECONDS = 0.3
DOCKERFILE = "FROM alpine\nCOPY . /app\nRUN cat /app/main.txt\n"
# BuildKit passes on 200 KiB of a step's log a second, and cuts the rest off: the pauses keep below that.
FLOOD = """\
FROM alpine
COPY . .
RUN i=0; while [ $i -lt 100 ]; do seq $((i*2000+1)) $((i*2000+2000)); i=$((i+1)); sleep 0.09; done
"""
SHOWN = ("running", "ran", "cached", "failed")


def workbench() -> None:
    """The widget's first display, a press of Build until a step is shown, and the memory of a long log."""
    print("the workbench, without the browser's part")
    with _app(DOCKERFILE) as app:
        made: list[Workbench] = []
        appearing = [seconds_of(lambda: made.append(_displayed(app))) for _ in range(ROUNDS)]
        for other in made[1:]:
            other.close()
        print_seconds("a widget is made and displayed", appearing[1:], wanted="with the browser's part at most 1 s")
        ours, theirs = [], []
        for number in range(ROUNDS):
            theirs.append(_first_step_by_hand(app, f"by hand {number}"))
            ours.append(_first_step_shown(made[0], f"in the workbench {number}"))
        made[0].close()
    print_seconds("buildx by hand, until its first step", theirs)
    print_seconds("Build pressed, until a step is shown", ours)
    later = [one - other for one, other in zip(ours, theirs, strict=True)]
    print_seconds("later than BuildKit's own", later, wanted="under 0.5 s")
    told = json.loads(subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True).stdout)
    print_figure(f"{LINES:,} log lines in one build", f"{told['lines']:,} lines in the view", wanted="no line lost")
    growth = f"{told['peak_growth_bytes'] / 1e6:.0f} MB more at its peak, {told['log_bytes'] / 1e6:.1f} MB of log"
    print_figure("memory of the kernel for them", growth, wanted="bounded")
    growth = f"{told['later_growth_bytes'] / 1e6:.0f} MB more at its peak than after the first"
    print_figure("and after two such builds more", growth, wanted="bounded")


PROGRAM = "import json; from tests.bench.workbench import measure_flood; print(json.dumps(measure_flood()))"


def _app(dockerfile: str) -> App:
    with tempfile.TemporaryDirectory(prefix="speedkit-bench-") as place:
        (Path(place) / "Dockerfile").write_text(dockerfile)
        (Path(place) / "main.txt").write_text("at first\n")
        return own_app(place)


def _displayed(app: App) -> Workbench:
    made = Workbench(app)
    data, _metadata = made._repr_mimebundle_()
    json.dumps([data, made.get_state()])
    return made


def _first_step_shown(bench: Workbench, text: str) -> float:
    """Seconds from the page's message to the first trait that shows a step that runs, or was cached."""
    _change(bench, text)
    shown = threading.Event()

    def look(_change: dict[str, Any]) -> None:
        steps = bench._state.page().steps
        if steps.number == bench.view["shown"] and any(row.state in SHOWN for row in steps.rows):
            shown.set()

    bench.observe(look, "steps_html")
    began = time.perf_counter()
    bench._handle_custom_msg({"type": "build"}, [])
    if not shown.wait(30):
        raise RuntimeError("no step was shown")
    seconds = time.perf_counter() - began
    bench.unobserve(look, "steps_html")
    assert (built := bench.wait()) is not None
    assert built.ok
    return seconds


def _change(bench: Workbench, text: str) -> None:
    bench._handle_custom_msg({"type": "text", "path": "main.txt", "text": f"{text}\n", "page": "bench"}, [])
    time.sleep(SETTLING_SECONDS)


def _first_step_by_hand(app: App, text: str) -> float:
    """Seconds from the start of buildx to its first line that says that an instruction has begun or is cached."""
    app.write("main.txt", f"{text}\n")
    engine, strategy = connect(), app.strategy()
    bases = build_bases(engine, DOCKERFILE, build_args={}, target=None, isolation=None, extend_ca=False)
    request = BuildRequest(app.folder, strategy.dockerfile, named_contexts=bases.named_contexts, labels={"dev.speedkit": "1"})
    with tempfile.TemporaryDirectory() as place:
        argv = command_line(engine, request, Path(place) / "metadata.json")
        began = time.perf_counter()
        with subprocess.Popen(argv, env=engine.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
            assert running.stderr is not None
            seconds = next(time.perf_counter() - began for line in running.stderr if _begins_a_step(line))
            running.stderr.read()
    assert running.returncode == 0
    return seconds


def _begins_a_step(line: bytes) -> bool:
    if not line.startswith(b"{"):
        return False
    return any(
        not vertex["name"].startswith("[internal]") and ("started" in vertex or vertex.get("cached"))
        for vertex in json.loads(line).get("vertexes") or ()
    )


def measure_flood() -> dict[str, int]:
    """Builds with 200,000 lines of log in this process, and what they cost; for a process of its own."""
    with _app(DOCKERFILE) as app:
        bench = Workbench(app)
        bench.build()
        bench.wait()
        bench.close()
    with _app(FLOOD) as app:
        bench = Workbench(app)
        before = _resident_bytes()
        lines = _flood(bench, "first")
        first = _peak_bytes()
        for text in ("second", "third"):
            _flood(bench, text)
        built = bench.builds[-1]
        log_bytes = len(built.instructions[-1].log)
        bench.close()
    return {
        "lines": lines,
        "log_bytes": log_bytes,
        "peak_growth_bytes": first - before,
        "later_growth_bytes": _peak_bytes() - first,
    }


def _flood(bench: Workbench, text: str) -> int:
    _change(bench, text)
    bench.build()
    built = bench.wait()
    assert built is not None
    assert built.ok
    return int(bench.shown_log["lines"])


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _peak_bytes() -> int:
    """The most memory this process ever had. `getrusage` would tell that of the process that started this one, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
