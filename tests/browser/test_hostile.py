"""Nothing of a hostile text runs: on a plain page, in the tour's report, in JupyterLab, saved, opened again and exported."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Page, expect

from speedkit.reports.project_page import report_html
from speedkit.reports.tour_page import page as report_page
from tests.hostile import EVIL, MARKS, SHOWN, WRITERS, builds, chapter, project_report
from tests.rendering.test_hostile import PAGES

ROOT = Path(__file__).resolve().parents[2]
THEMES = ("JupyterLab Light", "JupyterLab Dark")
# Points at everything, as somebody who reads the page does, and goes through all that can be focused.
POKE = """() => {
  for (const one of document.querySelectorAll('*')) {
    if (one.closest('.js-plotly-plot')) continue;  // plotly writes to the events that it gets; a mouse goes there
    for (const kind of ['mouseover', 'mouseenter', 'mousemove', 'pointerover'])
      one.dispatchEvent(new MouseEvent(kind, {bubbles: true}));
    if (one.tabIndex >= 0) one.focus?.({preventScroll: true});
  }
  for (const one of document.querySelectorAll('details')) one.open = true;
}"""


def nothing_ran(page: Page) -> None:
    """Neither has anything run, nor does anything that the attacks would leave stand on the page."""
    page.evaluate(POKE)
    page.wait_for_load_state("load")
    assert page.evaluate("window.__x === undefined")
    assert page.evaluate(f"document.querySelectorAll({MARKS!r}).length") == 0


@pytest.mark.browser
def test_nothing_runs_on_a_page_without_any_policy(browser, tmp_path):
    every = {name: make(EVIL) for name, make in {**SHOWN, **WRITERS}.items() if name not in PAGES}
    body = "".join(f"<section>{html}</section>" for pieces in every.values() for html in pieces)
    (tmp_path / "all.html").write_text(f'<!doctype html><meta charset="utf-8"><body>{body}', encoding="utf-8")
    with browser.new_page() as shown:
        shown.goto((tmp_path / "all.html").as_uri())
        assert shown.locator("body > section").count() == sum(map(len, every.values()))
        nothing_ran(shown)


@pytest.mark.browser
def test_nothing_runs_in_the_report_of_a_project(browser, tmp_path):
    (tmp_path / "report.html").write_text(report_html(project_report(EVIL)), encoding="utf-8")
    with browser.new_page() as shown:
        shown.goto((tmp_path / "report.html").as_uri())
        for figure in shown.locator(".figure").all():
            figure.scroll_into_view_if_needed()
            expect(figure.locator(".main-svg").first).to_be_visible()
        nothing_ran(shown)


@pytest.mark.browser
def test_nothing_runs_in_the_report_and_its_policy_would_stop_it(browser, tmp_path):
    html = report_page(
        [chapter(EVIL, html=[one for name in SHOWN for one in SHOWN[name](EVIL)])], builds(EVIL), left_out=[EVIL]
    )
    (tmp_path / "index.html").write_text(html, encoding="utf-8")
    with browser.new_page() as shown:
        refused: list[str] = []
        shown.on("console", lambda line: refused.append(line.text) if "Content Security Policy" in line.text else None)
        shown.goto((tmp_path / "index.html").as_uri())
        for figure in shown.locator(".figure").all():
            figure.scroll_into_view_if_needed()
            expect(figure.locator(".main-svg").first).to_be_visible()
            figure.hover()
        nothing_ran(shown)
        assert refused == []
        # Should markup get in some day, a handler, a link or a script of it does not run.
        shown.evaluate("""() => {
          const place = document.createElement('div');
          place.id = 'let-in';
          const run = 'window.__x=1';
          place.innerHTML = `<svg onload="${run}"></svg><a href="javascript:${run}">x</a><b onclick="${run}">y</b>`;
          document.body.prepend(place);
          const script = document.createElement('script');
          script.textContent = 'window.__x=1';
          place.append(script);
          for (const one of place.querySelectorAll('a, b')) one.click();
        }""")
        assert shown.evaluate("window.__x === undefined")
        assert len(refused) >= 2


CELLS = [
    f"import sys, pathlib, tempfile; sys.path.insert(0, {str(ROOT)!r})\nfrom tests import hostile\nimport speedkit as sk",
    "from speedkit import lessons\nplace = pathlib.Path(tempfile.mkdtemp())\napp = hostile.project(place / 'project')",
    "for one in hostile.every_plot(hostile.EVIL): display(one)",
    "for one in hostile.lesson_tables(hostile.EVIL): display(one)",
    "display(hostile.poisoned(hostile.graph()), hostile.image(hostile.EVIL), hostile.reports(hostile.EVIL))",
    "display(hostile.table_frame(hostile.EVIL), hostile.builds(hostile.EVIL)[0].steps, lessons.Listing(hostile.EVIL))",
    "from speedkit.builds.progress import _Notebook\n_Notebook(2).begin(hostile.EVIL)",
    "lessons.stages(app, 'Dockerfile')",
    "print(hostile.EVIL)\nhostile.EVIL",
    "try:\n    sk.app(hostile.EVIL)\nexcept Exception:\n    get_ipython().showtraceback()",
    "sk.predict(app, 'Dockerfile')",
    "built = sk.build(app, 'Dockerfile')",
    "sk.plots.stages(sk.explain(built))",
    "view = sk.LayersView(hostile.archive(place, hostile.EVIL))\nview",
    "bench = sk.Workbench(app, 'Dockerfile')\nbench.build()\nbench.wait()\nbench",
    "print('all cells', 'have run')",
]


@pytest.mark.browser
@pytest.mark.engine
def test_nothing_runs_in_jupyterlab_nor_when_it_is_opened_again_nor_in_an_export(lab, page, browser, pictures, tmp_path):
    path = lab.notebook("hostile.ipynb", CELLS)
    lab.open(page, path)
    lab.run_all(page)
    expect(page.locator(".jp-OutputArea-output", has_text="all cells have run").last).to_be_visible()
    expect(page.locator(".skw:not(.skw-twin)").first).to_be_visible()
    page.evaluate("""() => {
      for (const kind of ['tab', 'treeitem'])
        for (const one of [...document.querySelectorAll(`:not(.skw-twin) > * [role=${kind}]`)].slice(0, 40)) one.click();
    }""")
    nothing_ran(page)
    # MathJax leaves what the kit shows alone: `$HOME and $(pwd)` is no formula.
    assert page.locator(".jp-OutputArea mjx-container").count() == 0
    for theme in THEMES:
        lab.theme(page, theme)
        page.screenshot(path=pictures / f"hostile-{theme.split()[-1].lower()}.png")
        nothing_ran(page)
    lab.save(page)
    lab.end_kernel(page)
    lab.open(page, path)
    expect(page.locator(".jp-OutputArea-output", has_text="all cells have run").last).to_be_visible()
    nothing_ran(page)

    exported, _ = HTMLExporter().from_notebook_node(nbformat.read(lab.folder / path, as_version=4))
    (tmp_path / "export.html").write_text(exported, encoding="utf-8")
    with browser.new_page() as shown:
        shown.goto((tmp_path / "export.html").as_uri(), wait_until="domcontentloaded")
        nothing_ran(shown)
