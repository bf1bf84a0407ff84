"""One JupyterLab and one browser for all browser tests; a notebook, a page and a kernel of its own for each."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.bench_page import BenchPage
from tests.browser.lab import Lab, serve
from tests.waiting import HANG_MS

# What JupyterLab says when a kernel goes while it still waits for an answer, and, seen twice on a busy machine, of a message of
# ipykernel whose first part it takes for its second; what Notebook 7 says when it starts.
OF_OTHERS = ("Canceled future", "Kernel message validation error", "reading 'schema'")
expect.set_options(timeout=HANG_MS)
OUT = Path(__file__).resolve().parents[2] / "out"
PICTURES, FIGURES = OUT / "screenshots", OUT / "workbench-figures.json"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with serve(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1600, "height": 1100})
    opened = context.new_page()
    opened.set_default_timeout(HANG_MS)
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    # CodeMirror catches what goes wrong in its listeners and only writes it down.
    opened.on("console", lambda line: problems.append(line.text) if "listener: " in line.text else None)
    yield opened
    context.close()
    assert [problem for problem in problems if not any(words in problem for words in OF_OTHERS)] == []


@pytest.fixture
def workbench(lab: Lab, page: Page, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., BenchPage]]:
    """Opens a notebook with a workbench for the files given, runs it, and gives what is on the page."""
    name = f"{request.node.name.replace('[', '-').rstrip(']')}.ipynb"

    def open_one(files: dict[str, str | bytes], *, more: str = "", cells: list[str] | None = None) -> BenchPage:
        cell = f"{_writing(files, tmp_path)}\nimport speedkit as sk\n{more}\nwb = sk.Workbench(app)\nwb"
        lab.open(page, lab.notebook(name, [cell, *(cells or [])]))
        lab.run_all(page)
        shown = BenchPage(page)
        shown.ready()
        return shown

    yield open_one
    if not page.is_closed():
        lab.end_kernel(page)


def _writing(files: dict[str, str | bytes], place: Path) -> str:
    """Code that writes the files to a new folder in `place` and makes an app of them."""
    return (
        "import os, pathlib, tempfile\n"
        f"place = pathlib.Path(tempfile.mkdtemp(prefix='app-', dir={str(place)!r}))\n"
        f"for name, data in {files!r}.items():\n"
        "    (place / name).parent.mkdir(parents=True, exist_ok=True)\n"
        "    (place / name).write_bytes(data if isinstance(data, bytes) else data.encode())\n"
        "from speedkit.apps import own_app, append_line, Edit\n"
        "app = own_app(place, edits={'append': append_line('main.go', '// more', called='append')}"
        " if (place / 'main.go').exists() else {})"
    )


@pytest.fixture(scope="session")
def note_figure() -> Iterator[Callable[..., None]]:
    """Prints what was measured, and keeps it in out/workbench-figures.json; the name says the unit.

    at_least, at_most: what is promised of the figure. `make bench` asks for it with SPEEDKIT_HOLD_PROMISES.
    """
    figures: dict[str, float] = {}

    def note(name: str, value: float | None, *, at_least: float = -math.inf, at_most: float = math.inf) -> None:
        assert value is not None, f"{name}: there is no figure"
        figures[name] = round(value, 1)
        limits = {"least": at_least, "most": at_most}
        promised = "".join(f", promised: at {word} {limit:,.0f}" for word, limit in limits.items() if math.isfinite(limit))
        print(f"{name}: {value:,.1f}{promised}")
        if os.environ.get("SPEEDKIT_HOLD_PROMISES"):
            assert at_least <= value <= at_most, f"{name}: {value:,.1f}{promised}"

    yield note
    if figures:
        FIGURES.parent.mkdir(parents=True, exist_ok=True)
        earlier = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}
        FIGURES.write_text(json.dumps(earlier | figures, indent=1, sort_keys=True) + "\n")


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots are kept to be looked at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES
