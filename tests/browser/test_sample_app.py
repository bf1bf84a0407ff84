"""The article's story as a learner lives it: the sample app, clicks and typing, real Go builds."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.bench_page import BenchPage
from tests.browser.settling import await_layout

pytestmark = [pytest.mark.browser, pytest.mark.engine]

LOAD = "RUN go mod download"
COMPILE = "RUN CGO_ENABLED=0 go build"


def test_rename_a_field_and_see_what_the_order_of_instructions_is_worth(lab, page, pictures):
    cell = 'import speedkit as sk\napp = sk.sample_app()\nwb = sk.Workbench(app, "naive")\nwb'
    lab.open(page, lab.notebook("story.ipynb", [cell]))
    lab.run_all(page)
    wb = BenchPage(page)
    wb.ready()
    wb.build()
    expect(wb.history.first.locator(".skw-took")).to_contain_text(" s")
    wb.open_tab("main.go")
    wb.replace_word('"text"', '"message"')
    wb.build()
    wb.expect_state(COMPILE, "ran")
    wb.step(COMPILE).click()
    expect(wb.log).to_contain_text("go: downloading")

    wb.choose_strategy("optimized")
    wb.build()
    wb.open_tab("main.go")
    wb.replace_word('"message"', '"said"')
    wb.open_tab("Dockerfile")
    expect(wb.all.locator(".skw-forecast-gutter")).to_contain_text("↻ main.go")
    wb.press_build()
    wb.expect_state(COMPILE, "running")
    wb.all.screenshot(path=pictures / "workbench-running.png")
    wb.await_end(4)
    wb.expect_state(LOAD, "cached")
    wb.expect_state(COMPILE, "ran")
    expect(wb.all.locator(".skw-compare")).to_contain_text("✓ now cached")
    for theme in ("Light", "Dark"):
        lab.theme(page, f"JupyterLab {theme}")
        await_layout(page)
        wb.all.screenshot(path=pictures / f"sample-{theme.lower()}.png")
    lab.end_kernel(page)
