"""Building in a real browser with a real engine: the article's story, cancelling, failing, reloading, restarting."""

from __future__ import annotations

import secrets
import subprocess

import pytest
from playwright.sync_api import expect

from tests.browser.bench_page import BenchPage
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.engine]

MAIN = 'package main\n\ntype reply struct {\n\tText string `json:"text"`\n}\n'
NAIVE = """\
FROM alpine AS builder
WORKDIR /workspace
COPY . .
RUN echo downloading && sleep 0.3
RUN echo compiling && if grep -q broken main.go; then echo './main.go:4:2: undefined: broken'; exit 1; fi; cp main.go out

FROM alpine
COPY --from=builder /workspace/out /out
CMD ["cat", "/out"]
"""
OPTIMIZED = NAIVE.replace("COPY . .\nRUN echo downloading", "COPY go.mod ./\nRUN echo downloading").replace(
    "RUN echo compiling", "COPY . .\nRUN echo compiling"
)
FILES = {
    "Dockerfile.naive": NAIVE,
    "Dockerfile.optimized": OPTIMIZED,
    "main.go": MAIN,
    "go.mod": "module example\n",
    ".dockerignore": "Dockerfile*\n",
}
SLOW = "FROM alpine\nCOPY . .\nRUN echo begun && sleep 36000 && echo ended\n"
"""A build that ends only when somebody ends it, however long a busy machine takes for what a test does meanwhile."""


def test_the_articles_story(workbench, pictures):
    wb = workbench(FILES)
    wb.choose_strategy("Dockerfile.naive")
    wb.build()
    wb.open_tab("main.go")
    wb.replace_word("text", "message")
    expect(wb.all.get_by_role("tab", name="main.go, changed")).to_be_visible()
    wb.editor.press("Control+Enter")
    wb.await_end(2)
    wb.expect_state("RUN echo downloading", "ran")
    wb.expect_state("RUN echo compiling", "ran")

    wb.choose_strategy("Dockerfile.optimized")
    wb.expect_state("RUN echo downloading", "waiting")
    wb.build()
    wb.open_tab("main.go")
    wb.replace_word("message", "said")
    wb.build()
    wb.expect_state("RUN echo downloading", "cached")
    wb.expect_state("RUN echo compiling", "ran")
    expect(wb.all.locator(".skw-compare")).to_contain_text("now cached")
    expect(wb.all.locator(".skw-compare .skw-finding")).to_contain_text("Build 4 took")
    expect(wb.history).to_have_count(4)
    wb.all.screenshot(path=pictures / "story.png")


def test_a_rename_by_button_changes_the_editor_and_undo_takes_it_back(workbench):
    wb = workbench(FILES)
    wb.open_tab("main.go")
    wb.press("append", exact=True)
    expect(wb.editor).to_contain_text("// more")
    wb.editor.click()
    wb.page.keyboard.press("Control+z")
    expect(wb.editor).not_to_contain_text("// more")
    expect(wb.all.get_by_role("tab", name="main.go", exact=True)).to_be_visible()


def test_an_edited_dockerfile_is_custom_finds_the_cache_and_can_be_saved(workbench):
    wb = workbench(FILES)
    wb.choose_strategy("Dockerfile.optimized")
    wb.build()
    wb.open_tab("Dockerfile")
    wb.replace_word("echo compiling", "echo compiling again")
    expect(wb.all.get_by_label("Strategy")).to_have_value("custom")
    wb.expect_state("RUN echo compiling again", "waiting")
    wb.build()
    wb.expect_state("RUN echo downloading", "cached")
    wb.expect_state("RUN echo compiling again", "ran")
    wb.all.get_by_label("Name for your Dockerfile").fill("mine")
    wb.press("Save as strategy")
    expect(wb.all.get_by_label("Strategy")).to_have_value("mine")
    wb.build()
    wb.expect_state("RUN echo compiling again", "cached")


def test_show_changes_and_reset(workbench):
    wb = workbench(FILES)
    wb.open_tab("main.go")
    wb.replace_word("text", "message")
    wb.press("Show changes")
    expect(wb.all.locator(".cm-deletedChunk")).to_contain_text('json:"text"')
    wb.press("Reset file")
    expect(wb.editor).not_to_contain_text("message")
    expect(wb.all.locator(".cm-deletedChunk")).to_have_count(0)
    wb.open_tab("go.mod")
    wb.retype("module other\n")
    expect(wb.all.get_by_role("tab", name="go.mod, changed")).to_be_visible()
    wb.press("Reset all")
    expect(wb.editor).to_contain_text("module example")


def test_cancel_ends_a_running_build(workbench):
    wb = workbench({"Dockerfile": SLOW, "main.go": "x\n"})
    wb.press_build()
    expect(wb.log).to_contain_text("begun")
    wb.press("Cancel")
    expect(wb.history.first.locator(".skw-took")).to_have_text("■ cancelled")
    wb.expect_state("RUN echo begun", "cancelled")
    expect(wb.all.get_by_role("button", name="Build Ctrl")).to_be_enabled()


def test_a_failed_compile_opens_its_log_and_marks_the_line(workbench, pictures):
    wb = workbench(FILES)
    wb.open_tab("main.go")
    wb.replace_word("Text", "broken")
    wb.open_tab("go.mod")
    wb.build()
    expect(wb.all.get_by_role("tab", name="main.go, changed")).to_have_attribute("aria-selected", "true")
    expect(wb.all.locator(".skw-mark")).to_have_text("✗ line 4: undefined: broken")
    expect(wb.all.locator(".cm-line.skw-marked")).to_contain_text("broken string")
    expect(wb.log.locator(".skw-at")).to_contain_text("./main.go:4:2: undefined: broken")
    wb.expect_state("RUN echo compiling", "failed")
    wb.all.screenshot(path=pictures / "failed.png")
    wb.open_tab("Dockerfile")
    expect(wb.all.locator(".skw-mark")).to_contain_text("This step failed: exit code 1")
    wb.open_tab("main.go")
    wb.replace_word("broken", "Text")
    expect(wb.all.locator(".skw-mark")).to_have_count(0)
    wb.build()
    expect(wb.history.nth(1).locator(".skw-took")).to_contain_text(" s")


def test_a_dockerfile_error_is_marked_while_typing(workbench):
    wb = workbench(FILES)
    wb.open_tab("Dockerfile")
    wb.replace_word("WORKDIR", "WORKDIRR")
    expect(wb.all.locator(".skw-mark")).to_contain_text("Line 2")


def test_a_page_reload_in_the_middle_shows_the_build_still_running(lab, workbench):
    wb = workbench({"Dockerfile": SLOW, "main.go": "one\ntwo\nthree\n"})
    wb.press_build()
    expect(wb.log).to_contain_text("begun")
    wb.open_tab("main.go")
    wb.editor.press("Control+End")
    wb.page.keyboard.type("typed")
    expect(wb.all.get_by_role("tab", name="main.go, changed")).to_be_visible()
    end = len("one\ntwo\nthree\ntyped")
    assert wb.page.evaluate(AWAIT_CARET, end) == str(end)
    lab.save(wb.page)
    lab.open(wb.page, "test_a_page_reload_in_the_middle_shows_the_build_still_running.ipynb")
    again = BenchPage(wb.page)
    again.ready()
    expect(again.all.get_by_role("button", name="Cancel")).to_be_visible()
    again.expect_state("RUN echo begun", "running")
    expect(again.log).to_contain_text("begun")
    clock = again.step("RUN echo begun").locator(".skw-took")
    expect(clock).not_to_have_text(clock.inner_text())
    expect(again.editor).to_contain_text("typed")
    again.editor.focus()
    wb.page.keyboard.type("+more")
    expect(again.editor.locator(".cm-line").last).to_have_text("typed+more")
    again.press("Cancel")
    expect(again.history.first.locator(".skw-took")).to_have_text("■ cancelled")


def test_a_kernel_restart_leaves_no_build_behind(lab, workbench):
    seconds = 100_000 + secrets.randbelow(900_000)
    wb = workbench({"Dockerfile": SLOW.replace("sleep 36000", f"sleep {seconds}"), "main.go": "x\n"})
    wb.press_build()
    expect(wb.log).to_contain_text("begun")
    assert _sleepers(seconds) > 0
    lab.restart(wb.page)
    expect(wb.notice).to_contain_text("The kernel behind this workbench has ended")
    wait_until(lambda: _sleepers(seconds) == 0)
    expect(wb.all.get_by_role("button", name="Cancel")).to_be_disabled()


def _sleepers(seconds: int) -> int:
    """How many steps sleep for so long, a time that no other build has."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return sum(line.strip() == f"sleep {seconds}" for line in listed.splitlines())


def test_two_workbenches_in_one_notebook_build_beside_each_other(workbench):
    first = workbench(
        {"Dockerfile": SLOW.replace("sleep 36000", "sleep 2"), "main.go": "one\n"},
        cells=["other = sk.Workbench(own_app(place))\nother"],
    )
    second = BenchPage(first.page, 1)
    second.ready()
    first.press_build()
    second.press_build()
    first.await_end(1)
    second.await_end(1)
    second.open_tab("main.go")
    second.retype("two\n")
    expect(second.all.get_by_role("tab", name="main.go, changed")).to_be_visible()
    expect(first.all.get_by_role("tab", name="main.go", exact=True)).to_be_visible()
    expect(first.history).to_have_count(1)


def test_a_cell_can_build_while_the_page_cancels(workbench):
    """The cell waits, yet the button works: the kernel hears the page on another thread."""
    wb = workbench({"Dockerfile": SLOW, "main.go": "x\n"})
    wb.page.evaluate(AWAIT_SUBSHELLS)
    wb.page.evaluate(RUN_CODE, "wb.build(); outcome = wb.wait().outcome")
    expect(wb.log).to_contain_text("begun")
    wb.press("Cancel")
    expect(wb.history.first.locator(".skw-took")).to_have_text("■ cancelled")


AWAIT_CARET = """async (place) => {
  const {kernel} = window.jupyterapp.shell.currentWidget.context.sessionContext.session;
  let told;
  for (let asked = 0; asked < 200 && told !== String(place); asked += 1) {
    const {content} = await kernel.requestExecute({code: '', user_expressions: {caret: "wb.view['caret']"}}).done;
    told = content.user_expressions.caret.data['text/plain'];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return told;
}"""
# JupyterLab gives each kind of comm a thread of its own in the kernel, a moment after the page is there.
AWAIT_SUBSHELLS = """async () => {
  const {kernel} = window.jupyterapp.shell.currentWidget.context.sessionContext.session;
  await Promise.all([...kernel._comms.values()].map((comm) => comm.subshellStarted));
}"""
RUN_CODE = """(code) => {
  window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.requestExecute({code});
}"""
