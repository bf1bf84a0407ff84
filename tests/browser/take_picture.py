"""Takes the README's picture of the workbench again: `python -m tests.browser.take_picture`, on a quiet machine.

The story is played for real, in JupyterLab: `naive`, a field renamed, `optimized`, the field renamed again. It takes as long
as four builds of the sample app do. With a path as argument the picture is written there.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.bench_page import BenchPage
from tests.browser.lab import Lab, serve
from tests.chromium import FLAGS, find_chromium, require_chromium
from tests.waiting import HANG_MS

README_PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "workbench.png"
CELL = 'import speedkit as sk\napp = sk.sample_app()\nwb = sk.Workbench(app, "naive")\nwb'


def main() -> None:
    require_chromium()
    expect.set_options(timeout=HANG_MS)
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else README_PICTURE
    with tempfile.TemporaryDirectory() as place, serve(Path(place)) as lab, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1540, "height": 1200})
        page.set_default_timeout(HANG_MS)
        wb = open_story(lab, page)
        play(wb)
        wb.all.screenshot(path=target)
        lab.end_kernel(page)
        browser.close()
    print(f"Look at it: {target}")


def open_story(lab: Lab, page: Page) -> BenchPage:
    lab.open(page, lab.notebook("story.ipynb", [CELL]))
    lab.run_all(page)
    wb = BenchPage(page)
    wb.ready()
    return wb


def play(wb: BenchPage) -> None:
    """The article's story; at its end the Dockerfile is open, and another rename is typed but not built."""
    wb.build()
    rename(wb, '"text"', '"message"')
    wb.build()
    wb.choose_strategy("optimized")
    wb.build()
    rename(wb, '"message"', '"said"')
    wb.build()
    rename(wb, '"said"', '"answer"')
    wb.open_tab("Dockerfile")
    wb.all.locator(".skw-forecast", has_text="↻ main.go").wait_for()
    wb.step("RUN go mod download").click()
    wb.step("RUN CGO_ENABLED=0 go build").click()
    wb.page.mouse.move(0, 0)
    wb.page.wait_for_timeout(1500)  # everything that follows by itself is painted


def rename(wb: BenchPage, old: str, new: str) -> None:
    wb.open_tab("main.go")
    wb.replace_word(old, new)


if __name__ == "__main__":
    main()
