"""How the workbench looks and is worked: themes, widths, contrast, keyboard, screen readers, saved and exported."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import expect

from tests.browser.bench_page import BenchPage
from tests.browser.lab import serve
from tests.browser.settling import await_layout
from tests.browser.test_building import FILES, OPTIMIZED

pytestmark = [pytest.mark.browser, pytest.mark.engine]

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8").split("\n", 1)[1]
THEMES = ("JupyterLab Light", "JupyterLab Dark")
WIDE = """(root) => {
  const element = document.querySelector(root);
  const cut = [...element.querySelectorAll('button, select, h4, .skw-took, .skw-bar *, .skw-pair *')]
    .filter((one) => one.getBoundingClientRect().right > element.getBoundingClientRect().right + 1)
    .map((one) => one.className || one.textContent);
  return {page: document.scrollingElement.scrollWidth - innerWidth, own: element.scrollWidth - element.clientWidth, cut};
}"""


def with_history(workbench) -> BenchPage:
    wb = workbench(FILES)
    wb.choose_strategy("Dockerfile.optimized")
    wb.build()
    wb.open_tab("main.go")
    wb.replace_word("text", "message")
    wb.build()
    return wb


def test_both_themes_and_widths_are_readable_without_a_sideways_scroll(lab, workbench, pictures):
    wb = with_history(workbench)
    wb.open_tab("main.go")
    wb.replace_word("Text", "broken")
    wb.build()
    expect(wb.all.locator(".skw-mark")).to_be_visible()
    for theme in THEMES:
        lab.theme(wb.page, theme)
        for width in (1024, 1600):
            wb.page.set_viewport_size({"width": width, "height": 1200})
            await_layout(wb.page)
            name = f"workbench-{theme.split()[-1].lower()}-{width}.png"
            wb.all.screenshot(path=pictures / name)
            wide = wb.page.evaluate(WIDE, ".skw:not(.skw-twin)")
            assert wide["page"] <= 0, name
            assert wide["own"] <= 0, name
            assert wide["cut"] == [], name
            assert wb.page.evaluate(CONTRAST, [".skw:not(.skw-twin)", 4.5]) == {}, name


def test_a_narrow_column_puts_the_panes_below_each_other(workbench, pictures):
    wb = workbench(FILES)
    wb.page.set_viewport_size({"width": 760, "height": 1200})
    editor, steps = wb.all.locator(".skw-editor"), wb.all.locator(".skw-steps")
    expect(editor).to_be_visible()
    await_layout(wb.page)
    assert steps.bounding_box()["y"] >= editor.bounding_box()["y"] + editor.bounding_box()["height"] - 1
    assert wb.page.evaluate(WIDE, ".skw:not(.skw-twin)")["page"] <= 0
    wb.all.screenshot(path=pictures / "workbench-narrow.png")


def test_everything_can_be_done_with_the_keyboard(workbench):
    wb = workbench(FILES)
    keyboard = wb.page.keyboard
    wb.all.get_by_label("Strategy").focus()
    keyboard.press("ArrowDown")
    expect(wb.all.get_by_label("Strategy")).to_have_value("Dockerfile.optimized")
    wb.all.get_by_role("tab", name="Dockerfile").focus()
    keyboard.press("ArrowLeft")
    expect(wb.all.get_by_role("tab", name="main.go")).to_be_focused()
    expect(wb.all.get_by_role("tab", name="main.go")).to_have_attribute("aria-selected", "true")
    wb.editor.focus()
    keyboard.press("Control+Home")
    keyboard.press("Tab")
    expect(wb.editor.locator(".cm-line").first).to_have_text("\tpackage main")
    keyboard.press("Escape")
    keyboard.press("Tab")
    expect(wb.editor).not_to_be_focused()
    wb.step("WORKDIR").focus()
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    expect(wb.step("COPY go.mod")).to_have_attribute("aria-pressed", "true")
    keyboard.press("Control+Enter")
    wb.await_end(1)


def test_keys_pressed_in_it_are_not_the_notebooks_shortcuts(workbench):
    wb = workbench(FILES)
    cells = wb.page.locator(".jp-Notebook .jp-Cell")
    before = cells.count()
    step = wb.step("WORKDIR")
    step.focus()
    # What Python answers to a press is brought onto the page while the step has the focus.
    wb.page.keyboard.press("Enter")
    expect(wb.log).to_contain_text("It has not started.")
    expect(step).to_be_focused()
    for key in ("d", "d", "a", "b", "x", "0", "0", "m"):
        wb.page.keyboard.press(key)
    wb.editor.focus()
    wb.page.keyboard.type("dd")
    expect(wb.editor).to_contain_text("dd")
    assert cells.count() == before
    expect(wb.all).to_be_visible()


def test_every_control_has_a_name_for_a_screen_reader(workbench):
    wb = with_history(workbench)
    nameless = wb.all.evaluate("""(root) => [...root.querySelectorAll('button, input, select, [role=tab], [tabindex="0"]')]
      .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length))
      .map((one) => one.outerHTML.slice(0, 120))""")
    assert nameless == []
    tree = wb.all.aria_snapshot()
    for piece in ("region", "tablist", "tab", "textbox", 'list "Steps of builder"', "status", 'combobox "After"'):
        assert piece in tree
    expect(wb.all.get_by_role("status").first).to_contain_text("Build 2: done")


def test_a_saved_notebook_shows_the_last_state_where_no_kernel_answers(lab, workbench, pictures):
    wb = with_history(workbench)
    twin = wb.page.locator(".skw-twin").first
    expect(twin).to_be_hidden()
    expect(twin).to_contain_text("now cached")
    lab.save(wb.page)
    name = "test_a_saved_notebook_shows_the_last_state_where_no_kernel_answers.ipynb"
    lab.end_kernel(wb.page)
    lab.open(wb.page, name)
    expect(twin).to_be_visible()
    expect(twin).to_contain_text("Build 2: Dockerfile.optimized")
    expect(twin).to_contain_text("now cached")
    twin.screenshot(path=pictures / "twin.png")
    assert wb.page.evaluate(CONTRAST, [".skw-twin", 4.5]) == {}
    html, _ = HTMLExporter().from_notebook_node(nbformat.read(lab.folder / name, as_version=4))
    exported = lab.folder / "exported.html"
    exported.write_text(html, encoding="utf-8")
    wb.page.goto(exported.as_uri())
    expect(wb.page.locator(".skw-twin").first).to_contain_text("Build 2: Dockerfile.optimized")
    wb.page.locator(".skw-twin").first.screenshot(path=pictures / "exported.png")


def test_a_forecast_stands_in_the_margin_at_its_steps_and_in_a_sentence(workbench, pictures):
    more = """
def forecaster(app, strategy, builds):
    fresh = 'changed' in app.read('main.go')
    return [[
        {'line': 2, 'forecast': 'hit', 'because': 'nothing before it changed', 'seconds': None},
        {'line': 3, 'forecast': 'miss' if fresh else 'hit', 'because': 'main.go changed', 'short': 'main.go', 'seconds': 2.0},
    ]]
old = sk.Workbench
sk.Workbench = lambda app: old(app, forecaster=forecaster)
"""
    wb = workbench({"Dockerfile": OPTIMIZED, "main.go": "package main\n", "go.mod": "module x\n"}, more=more)
    wb.open_tab("Dockerfile")
    margin = wb.all.locator(".skw-forecast-gutter")
    expect(margin).to_contain_text("✓ cached")
    expect(margin).not_to_contain_text("↻")
    wb.open_tab("main.go")
    wb.retype("package changed\n")
    wb.open_tab("Dockerfile")
    expect(margin).to_contain_text("↻ main.go")
    expect(wb.all.locator(".skw-if")).to_contain_text("1 cached, ↻ 1 runs, about 2.0 s: line 3 runs again")
    expect(wb.step("COPY go.mod")).to_contain_text("↻ main.go")
    wb.all.screenshot(path=pictures / "forecast.png")


def test_what_the_linter_warns_of_has_a_mark_beside_its_line(workbench, pictures):
    wb = workbench({"Dockerfile": "FROM alpine\nWORKDIR app\nRUN true\nCMD echo <b>hello</b>\n"})
    wb.open_tab("Dockerfile")
    marks = wb.all.locator(".skw-warning")
    expect(marks).to_have_count(2)
    expect(marks.first).to_have_attribute("title", re.compile(r"Relative workdir .*\(WorkdirRelativePath\)"))
    wb.all.screenshot(path=pictures / "warnings.png")
    wb.retype("FROM alpine\nWORKDIR /app\nRUN true\n")
    expect(marks).to_have_count(0)


def test_it_works_in_notebook_7_too(tmp_path, page):
    place = tmp_path / "seven"
    place.mkdir()
    (place / "Dockerfile").write_text("FROM alpine\nRUN echo seven\n")
    cell = f"import speedkit as sk\nwb = sk.Workbench(sk.app({str(place)!r}))\nwb"
    with serve(tmp_path / "server", program="notebook") as seven:
        seven.open_in_notebook_7(page, seven.notebook("seven.ipynb", [cell]))
        seven.run_all(page)
        wb = BenchPage(page)
        wb.ready()
        wb.build()
        wb.expect_state("RUN echo seven", "ran")
        wb.editor.focus()
        page.keyboard.type("# ")
        expect(wb.all.get_by_label("Strategy")).to_have_value("custom")


def test_its_source_knows_no_host_by_name():
    source = Path(__file__).resolve().parents[2] / "speedkit" / "widgets" / "frontend" / "src"
    for path in source.rglob("*.ts*"):
        assert "jupyterapp" not in path.read_text(encoding="utf-8")
        assert "@jupyter" not in path.read_text(encoding="utf-8")
