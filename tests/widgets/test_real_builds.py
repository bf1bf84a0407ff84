"""The workbench with a real engine: its builds are recorded, cached, cancelled and failed as everybody's are."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

from speedkit.apps import own_app
from speedkit.widgets import Workbench
from speedkit.widgets.build_list import LOGS_OF_BUILDS_KEPT
from speedkit.widgets.open_files import DOCKERFILE
from tests.waiting import HANG_SECONDS, wait_until

pytestmark = pytest.mark.engine

STORY = "FROM alpine\nCOPY . /w\nRUN echo hello from $(cat /w/main.go)\n"


@pytest.fixture
def wb(folder):
    with own_app(folder({"Dockerfile": STORY, "main.go": "one\n", ".dockerignore": "Dockerfile\n"})) as app:
        made = Workbench(app)
        yield made
        made.close()


def states(wb: Workbench) -> list[str]:
    return [step.state for stage in wb._state.page().steps.stages for step in stage.steps]


def test_an_edited_dockerfile_finds_what_its_original_built(wb):
    wb.build()
    assert wb.wait().ok
    wb._state.type_text(DOCKERFILE, STORY + "RUN echo more\n", page="p")
    wb.build()
    wb.wait()
    assert states(wb) == ["cached", "cached", "cached", "ran"]
    assert wb.builds[-1].strategy == "custom"


def test_logs_that_left_memory_come_back_from_the_recordings(wb):
    for number in range(LOGS_OF_BUILDS_KEPT + 1):
        wb._state.type_text("main.go", f"{number}\n", page="p")
        wb.build()
        wb.wait()
    assert wb.builds[0].step_list[2].log == ""
    assert wb._state.log_text(1, "line-3") == "hello from 0\n"


def test_a_cold_build_runs_everything_and_leaves_the_cache_alone(wb):
    wb.build()
    wb.wait()
    wb.build(cold=True)
    wb.wait()
    assert states(wb)[1:] == ["ran", "ran"]
    wb.build()
    wb.wait()
    assert states(wb) == ["cached", "cached", "cached"]


def test_the_forecast_says_what_then_happens(wb):
    wb.build()
    wb.wait()
    wb._state.type_text("main.go", "two\n", page="p")
    wait_until(lambda: [entry["forecast"] for entry in wb.forecast] == ["hit", "miss", "miss"])
    assert wb.forecast[1]["because"]
    wb.build()
    wb.wait()
    assert states(wb) == ["cached", "ran", "ran"]


def test_an_executed_notebook_keeps_the_forecast_and_why_each_step_ran(folder):
    place = folder({"Dockerfile": STORY, "main.go": "one\n", ".dockerignore": "Dockerfile\n"})
    cells = [
        f"import speedkit as sk\napp = sk.app({str(place)!r})\nwb = sk.Workbench(app)\nwb",
        "wb.build()\nwb.wait()\napp.write('main.go', 'two\\n')\nwb.build()\nwb.wait().outcome",
    ]
    first = executed(cells[:1])
    assert "If you build now" in first
    assert "new to cache" in first
    last = executed(cells)
    assert "Build 2: Dockerfile" in last
    assert "main.go changed" in last
    assert "As forecast" in last


def executed(cells: list[str]) -> str:
    """What a notebook of these cells shows after nobody clicked: the twin of the workbench in its first cell."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=HANG_SECONDS, kernel_name="python3").execute()
    html: str = notebook.cells[0].outputs[-1]["data"]["text/html"]
    return html
