"""The twin shows what the page shows, as HTML without a script, and lets nothing in that was not meant as markup."""

from __future__ import annotations

import re
from contextlib import contextmanager
from html.parser import HTMLParser

import nbformat
import pytest
from nbconvert import HTMLExporter

from speedkit.apps import own_app
from speedkit.page.workbench_html import TwinTexts, twin_html
from speedkit.widgets.workbench_state import WorkbenchState
from tests.waiting import HANG_SECONDS
from tests.widgets.builds import CACHED, FAILED, Scripted, a_build
from tests.widgets.test_workbench_state import EXIT_1, Found

EVIL = "</script><img src=x onerror=alert(1)>"


@contextmanager
def bench_of(app, *results, tab=None):
    """A workbench on which these builds ended, one after the other."""
    scripts = []

    def start(*_args, **_options):
        scripts.append(Scripted())
        scripts[-1].finish(results[len(scripts) - 1])
        return scripts[-1]

    bench = WorkbenchState(app, lambda: None, start=start, find_engine=Found)
    for _ in results:
        bench.build()
        bench.wait()
    if tab:
        bench.choose({"tab": tab}, page="p", number=1)
    bench.look_for_engine()
    bench.settle(HANG_SECONDS)
    try:
        yield bench
    finally:
        bench.close()


def shown(app, *results, forecast=(), tab=None):
    with bench_of(app, *results, tab=tab) as bench:
        page = bench.page(forecast)
        log, first = bench.twin_log(page.log, 40)
        texts = TwinTexts(bench.open_files.text_or_empty(page.selection.tab), log, first)
        return twin_html(page, texts, style="p{}", name="model-1")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.handlers: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    return tags


@pytest.fixture
def app(folder):
    with own_app(folder({"Dockerfile": "FROM alpine\nRUN true\n", "main.go": "package main\n"})) as made:
        yield made


def text_of(html: str) -> str:
    return re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)


def test_it_shows_files_steps_history_and_comparison(app):
    html = shown(app, a_build(seconds=30.0, log="hello\n"), a_build(*CACHED, seconds=1.0))
    parsed(html)
    text = text_of(html)
    for words in ("package main", "RUN make", "cached", "Builds in this notebook", "steps ran), build 1 ", "41.0 MB"):
        assert words in text


def test_before_any_build_it_is_not_an_empty_box(app):
    text = text_of(shown(app))
    assert "Next build: Dockerfile" in text
    assert "waiting" in text


def test_a_failure_shows_its_log_and_its_mark(app):
    log = "\x1b[31m./main.go:1:1: bad\x1b[0m\n"
    html = shown(app, a_build(*FAILED, outcome="failed", log=log, step_error=EXIT_1, error="it failed"))
    assert "✗ line 1: bad" in html
    assert '<span class="skw-c1">./main.go:1:1: bad</span>' in html
    assert "✗ failed after 3.0 s" in text_of(html)
    assert '<span class="skw-took">✗ failed</span>' in html
    parsed(html)


def test_a_cancelled_build_and_a_running_one_say_so(app):
    cancelled = a_build("cached", "ran", "cancelled", "no-step", "waiting", outcome="cancelled", error="It was cancelled.")
    assert "■ cancelled after 3.0 s" in shown(app, cancelled)
    running = a_build("cached", "ran", "running", "no-step", "waiting", outcome="running")
    assert "still running when this was saved" in shown(app, running)


def test_the_forecast_is_in_the_margin_and_in_a_sentence(app):
    entries = [
        {"line": 1, "forecast": "hit", "because": "unchanged", "seconds": None},
        {"line": 2, "forecast": "miss", "because": "main.go <changed>", "short": "main.go", "seconds": 31.0},
        {"line": 9, "forecast": "depends", "because": "bytes", "seconds": None},
        {"line": 10, "forecast": "no-step", "because": "", "seconds": None},
    ]
    html = shown(app, forecast=entries, tab="./Dockerfile")
    text = text_of(html)
    assert "↻ main.go" in text
    assert "about 31 s" in text
    assert "line 2 runs again" in text
    assert "1 depends" in text
    assert "main.go &lt;changed&gt;" in html


def test_a_file_that_cannot_be_shown_gives_its_reason(app):
    (app.folder / "logo.bin").write_bytes(b"\0\1")
    assert "is not text" in text_of(shown(app, tab="logo.bin"))
    assert "This app has no text files." in shown(app, tab="nowhere")


def test_markup_in_code_logs_file_names_and_labels_is_text(folder):
    files = {"Dockerfile": f"FROM alpine\nLABEL x='{EVIL}'\n", "main.go": f"// {EVIL}\n", "<img onerror=1>.txt": EVIL}
    with own_app(folder(files)) as app:
        app.name = EVIL
        evil = a_build(*FAILED, outcome="failed", log=f"./main.go:1:1: {EVIL}\n", step_error=EVIL, error=EVIL, strategy=EVIL)
        for tab in ("main.go", "./Dockerfile", "<img onerror=1>.txt"):
            tags = parsed(shown(app, a_build(), evil, tab=tab))
            assert "script" not in tags.tags
            assert "img" not in tags.tags
            assert tags.handlers == []


def test_an_exported_notebook_shows_it(app):
    html = shown(app, a_build())
    data = {"text/plain": "Workbench", "application/vnd.jupyter.widget-view+json": {"model_id": "gone"}}
    outputs = [
        nbformat.v4.new_output("display_data", data),
        nbformat.v4.new_output("display_data", {"text/html": html, "text/plain": "Workbench"}),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("wb", outputs=outputs)])
    exported, _ = HTMLExporter().from_notebook_node(notebook)
    assert 'data-skw-twin="model-1"' in exported
    assert "RUN make" in exported
