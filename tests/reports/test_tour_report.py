from __future__ import annotations

import json
import re
import signal
import subprocess
import sys

import nbformat
import pytest

from speedkit.errors import Misuse, NotebookFailed, StateBusy
from speedkit.messages import PSEUDO
from speedkit.reports import run_tour
from speedkit.reports.lock import locked
from speedkit.reports.tour_page import Chapter, page
from speedkit.reports.tour_summary import strategy_by_edit
from tests.plots.test_plots import SET, build
from tests.waiting import HANG_MS, HANG_SECONDS, wait_until

NETWORK = re.compile(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|@import|url\(\s*["']?https?:""")


def notebook(*sources: str, quick: bool = False):
    cells = [
        nbformat.v4.new_markdown_cell(source[2:]) if source.startswith("m:") else nbformat.v4.new_code_cell(source)
        for source in sources
    ]
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata = {"speedkit": {"quick": quick}}
    return made


def output(kind: str, **fields):
    return nbformat.from_dict({"output_type": kind, "metadata": {}} | fields)


def chapter() -> Chapter:
    made = notebook("m:# A title\n\nProse & more", "print('</script>')", "")
    made.cells[1].outputs = [
        output("stream", name="stdout", text="\x1b[31mred\x1b[0m <img onerror=x>\n"),
        output("display_data", data={"text/plain": "<b>plain</b>"}),
        output("display_data", data={"text/html": "<table><tr><td>1</td></tr></table>"}),
        output("display_data", data={"image/png": "aGVsbG8="}),
        output("display_data", data={"text/markdown": "*said*"}),
        output("display_data", data={"application/x-unknown": "?"}),
        output(
            "display_data", data={"application/vnd.plotly.v1+json": {"data": [], "layout": {"title": {"text": "</script><b>"}}}}
        ),
        output("error", ename="E", evalue="e", traceback=["<trace>"]),
    ]
    return Chapter("01_x", made, 2.0)


@pytest.fixture(scope="module")
def text() -> str:
    return page([chapter()], SET, left_out=["02_y"])


def without_plotly(text: str) -> str:
    """The page but for plotly.js, in whose source addresses stand as text."""
    return re.sub(r"<script>/\*\*.*?</script>", "", text, flags=re.S)


def test_the_page_asks_no_network_for_anything(text):
    assert not NETWORK.search(without_plotly(text))
    assert "default-src 'none'" in text


def test_what_notebooks_printed_is_escaped(text):
    assert "<img onerror" not in text
    assert "&lt;img onerror" in text
    assert "&lt;b&gt;plain" in text
    assert "&lt;trace&gt;" in text


def test_a_figures_data_cannot_end_the_script_around_them(text):
    data = re.search(r'<script type="application/json" id="figures">(.*?)</script>', text, re.S)[1]
    figures = json.loads(data)
    assert figures[-1]["layout"]["title"]["text"] == "</script><b>"


def test_the_summary_comes_first_and_says_what_was_left_out(text):
    assert text.index('id="summary"') < text.index('id="01_x"')
    assert "A field renamed: 2 of 3 steps ran with naive, 2 of 3 steps ran with scratch" in text
    assert "02_y" in text
    assert "stand-in base images" in text


def test_the_page_speaks_of_empty_cells_only_where_there_are_some(text):
    assert "make tour FULL=1" in text
    full = [build(strategy, edit) for strategy in ("naive", "scratch") for edit in ("cold", "none")]
    assert "was not built" not in without_plotly(page([], full, left_out=[]))


def test_a_repeat_does_not_halve_the_time_in_the_table():
    _, rows = strategy_by_edit([build(seconds=40.0), build(seconds=0.2, ran=False)])
    assert rows == [["naive", "40.0 s"]]


def test_every_figure_stands_as_a_drawing_until_a_script_draws_it(text):
    drawings = re.findall(r'<div class="figure" id="figure-\d+" style="min-height:\d+px"><svg', text)
    assert len(drawings) == 3
    assert text.count("The same as a table") == 3


def test_a_widget_is_shown_by_its_plain_twin_alone():
    made = notebook("view")
    view = {"text/plain": "<LayersView object>", "application/vnd.jupyter.widget-view+json": {"model_id": "gone"}}
    made.cells[0].outputs = [
        output("display_data", data=view),
        output("display_data", data={"text/html": "<b>the twin</b>", "text/plain": "twin"}),
    ]
    text = page([Chapter("01_one", made, 1.0)], [], left_out=[])
    assert "<b>the twin</b>" in text
    assert "LayersView object" not in text


def test_the_page_names_the_language_of_its_messages(language):
    assert '<html lang="en">' in page([], [], left_out=[])
    language(PSEUDO)
    assert '<html lang="en-XA">' in page([], [], left_out=[])


def test_a_page_without_builds_says_so():
    assert "No builds were recorded" in page([], [], left_out=[])


def test_the_table_shows_what_was_not_built_and_what_failed():
    columns, rows = strategy_by_edit([*SET, build("naive", "break", ok=False)])
    assert columns == ["strategy", "cold build", "nothing changed", "field renamed", "compile error"]
    assert rows == [["naive", "–", "0.20 s", "30.0 s", "fails"], ["scratch", "31.0 s", "–", "0.90 s", "–"]]


@pytest.mark.browser
def test_the_page_draws_every_figure_offline_in_both_themes(browser, text, tmp_path):
    (tmp_path / "index.html").write_text(text)
    with browser.new_page(viewport={"width": 1300, "height": 900}, color_scheme="dark") as shown:
        asked: list[str] = []
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto((tmp_path / "index.html").as_uri())
        shown.wait_for_function("() => document.querySelectorAll('.figure .main-svg').length >= 4 * 2", timeout=HANG_MS)
        colours = [shown.evaluate("getComputedStyle(document.querySelector('.ytick text')).fill")]
        shown.click("#theme")
        colours.append(shown.evaluate("getComputedStyle(document.querySelector('.ytick text')).fill"))
        wide = shown.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert colours == ["rgb(230, 233, 237)", "rgb(31, 35, 40)"]
    assert wide


@pytest.mark.browser
def test_the_page_shows_its_figures_without_any_script_and_is_printed_in_light_colours(browser, text, tmp_path):
    (tmp_path / "index.html").write_text(text)
    with browser.new_context(java_script_enabled=False) as unscripted:
        plain = unscripted.new_page()
        plain.goto((tmp_path / "index.html").as_uri())
        shown = [drawing.bounding_box() for drawing in plain.query_selector_all("svg.sk-drawing")]
    with browser.new_page(color_scheme="dark") as page_to_print:
        page_to_print.goto((tmp_path / "index.html").as_uri())
        look = "document.documentElement.classList.contains('dark')"
        dark = [page_to_print.evaluate(look)]
        for event in ("beforeprint", "afterprint"):
            page_to_print.evaluate(f"dispatchEvent(new Event('{event}'))")
            dark.append(page_to_print.evaluate(look))
    assert len(shown) == 3
    assert all(box and box["width"] > 400 and box["height"] > 100 for box in shown)
    assert dark == [True, False, True]


@pytest.fixture
def notebooks(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(notebook("m:# First", "1 + 1", quick=True), folder / "00_a.ipynb")
    nbformat.write(notebook("import os; print(os.environ['SPEEDKIT_SESSION'])"), folder / "01_b.ipynb")
    nbformat.write(notebook("raise ValueError('never run')"), folder / "scratch.ipynb")
    return folder


@pytest.mark.slow
def test_a_tour_executes_the_numbered_notebooks_in_order_and_leaves_them_as_they_were(notebooks, tmp_path):
    before = (notebooks / "01_b.ipynb").read_bytes()
    said: list[str] = []
    tour = run_tour(out=tmp_path / "out", quick=False, session="abc", say=said.append, folder=notebooks)
    assert [line.partition(":")[0] for line in said] == ["00_a", "01_b"]
    assert "abc" in tour.page.read_text()
    assert (notebooks / "01_b.ipynb").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".tour-lock", "index.html"]


def test_a_quick_tour_leaves_notebooks_out_and_says_which(notebooks, tmp_path):
    tour = run_tour(out=tmp_path / "out", quick=True, session=None, say=lambda _: None, folder=notebooks)
    assert tour.left_out == ("01_b",)
    assert "01_b" in tour.page.read_text()


@pytest.mark.slow
def test_a_failing_cell_is_quoted_and_the_last_report_kept(notebooks, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "index.html").write_text("the last one")
    nbformat.write(notebook("x = 1", "x / 0"), notebooks / "02_c.ipynb")
    with pytest.raises(NotebookFailed) as failed:
        run_tour(out=out, quick=False, session=None, say=lambda _: None, folder=notebooks)
    assert "02_c.ipynb, code cell 2:\n    x / 0\nZeroDivisionError: division by zero" in str(failed.value)
    assert (out / "index.html").read_text() == "the last one"


@pytest.mark.slow
def test_a_kernel_that_dies_is_a_notebook_that_failed(notebooks, tmp_path):
    nbformat.write(notebook("x = 1", "import os; os._exit(1)"), notebooks / "02_c.ipynb")
    with pytest.raises(NotebookFailed) as failed:
        run_tour(out=tmp_path / "out", quick=False, session=None, say=lambda _: None, folder=notebooks)
    assert "02_c.ipynb, code cell 2:\n    import os; os._exit(1)\nThe Python of its kernel ended" in failed.value.what
    assert failed.value.fix


@pytest.mark.slow
def test_a_cell_that_never_ends_is_named(notebooks, tmp_path, monkeypatch):
    monkeypatch.setattr("speedkit.reports.tour.CELL_SECONDS", 1)
    nbformat.write(notebook("while True: pass"), notebooks / "02_c.ipynb")
    with pytest.raises(NotebookFailed, match=r"code cell 1:\n    while True: pass\nIt ran for more than 1.0 s"):
        run_tour(out=tmp_path / "out", quick=False, session=None, say=lambda _: None, folder=notebooks)


@pytest.mark.slow
def test_notebooks_run_on_this_python_whatever_kernels_are_installed(notebooks, tmp_path, monkeypatch):
    foreign = tmp_path / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    (foreign / "kernel.json").write_text(json.dumps({"argv": ["no-such-python"], "display_name": "x", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    nbformat.write(notebook("import sys; print(sys.executable)"), notebooks / "02_c.ipynb")
    tour = run_tour(out=tmp_path / "out", quick=False, session=None, say=lambda _: None, folder=notebooks)
    assert sys.executable in tour.page.read_text()


INTERRUPTED = """
import sys
from pathlib import Path
from speedkit.reports import run_tour
try:
    run_tour(out=Path(sys.argv[1]), quick=False, session=None, say=print, folder=Path(sys.argv[2]))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent another way")
@pytest.mark.slow
def test_an_interrupted_tour_ends_its_kernel_in_good_order(tmp_path):
    folder, begun, closed = tmp_path / "notebooks", tmp_path / "begun", tmp_path / "closed"
    folder.mkdir()
    source = f"""
import atexit, pathlib, time
atexit.register(pathlib.Path({str(closed)!r}).touch)
pathlib.Path({str(begun)!r}).touch()
time.sleep(36_000)"""
    nbformat.write(notebook(source), folder / "00_a.ipynb")
    tour = subprocess.Popen([sys.executable, "-c", INTERRUPTED, str(tmp_path / "out"), str(folder)], stderr=subprocess.PIPE)
    wait_until(begun.exists)
    tour.send_signal(signal.SIGINT)
    _, complaint = tour.communicate(timeout=HANG_SECONDS)
    assert (tour.returncode, complaint) == (130, b"")
    assert closed.exists()


@pytest.mark.slow
def test_two_tours_into_one_folder_are_kept_apart(notebooks, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with locked(out / ".tour-lock"), pytest.raises(StateBusy, match="Another tour"):
        run_tour(out=out, quick=True, session=None, say=lambda _: None, folder=notebooks)
    assert run_tour(out=out, quick=True, session=None, say=lambda _: None, folder=notebooks).page.is_file()


def test_a_folder_without_notebooks_is_refused(tmp_path):
    with pytest.raises(Misuse):
        run_tour(out=tmp_path / "out", quick=True, session=None, say=lambda _: None, folder=tmp_path)
