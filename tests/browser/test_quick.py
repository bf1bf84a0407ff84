"""What the workbench does under load, and how quick it is, measured on its page.

The figures are kept in out/workbench-figures.json. What is promised of them counts in `make bench` alone: a busy machine
makes each of them larger.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import expect

from speedkit.engine.buildx import BuildRequest, CancellableCommand, run_buildx
from speedkit.engine.ledger import note_image
from tests.browser.bench_page import BenchPage
from tests.browser.lab import RUN_ALL
from tests.browser.test_building import FILES, NAIVE, RUN_CODE

pytestmark = [pytest.mark.browser, pytest.mark.engine]

TRIALS = 3
APPEARS = """async () => {
  const began = performance.now();
  window.jupyterapp.commands.execute('notebook:run-cell');
  document.querySelectorAll('.skw:not(.skw-twin)').forEach((one) => one.remove());
  while (!document.querySelector('.skw:not(.skw-twin) .cm-line')) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""
FIRST_STEP = """async (title) => {
  const root = document.querySelector('.skw:not(.skw-twin)');
  const began = performance.now();
  root.querySelector('.skw-go').click();
  while (!root.querySelector('.skw-heading')?.textContent.includes(title)
    || !root.querySelector('.skw-cached, .skw-running, .skw-ran')) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""
ECHO = """async (editor) => {
  editor.focus();
  const began = performance.now();
  document.execCommand('insertText', false, 'quick');
  await new Promise(requestAnimationFrame);
  return editor.textContent.includes('quick') ? performance.now() - began : null;
}"""
# From the key to the changed mark: the page's own pause, the way to Python and back, the forecast, the drawing.
MARK = """async (letter) => {
  const root = document.querySelector('.skw:not(.skw-twin)');
  const marks = () => [...root.querySelectorAll('.skw-forecast')].map((one) => one.textContent).join();
  const before = marks();
  const began = performance.now();
  document.execCommand('insertText', false, letter);
  while (marks() === before) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""
FRAMES = """() => new Promise((resolve) => {
  const began = performance.now();
  let frames = 0;
  const count = () => {
    frames += 1;
    if (performance.now() - began < 4000) requestAnimationFrame(count);
    else resolve(frames / 4);
  };
  requestAnimationFrame(count);
})"""
SCROLLING = """async () => {
  const box = document.querySelector('.skw-lines[role=log]');
  const began = performance.now();
  let frames = 0;
  while (performance.now() - began < 2000) {
    box.scrollTop = (box.scrollTop + 5000) % box.scrollHeight;
    await new Promise(requestAnimationFrame);
    frames += 1;
  }
  return frames / 2;
}"""
# BuildKit passes on 200 KiB of a log a second and drops the rest: the pauses keep below that.
FLOOD = """\
FROM alpine
COPY . .
RUN i=0; while [ $i -lt 100 ]; do seq $((i*2000+1)) $((i*2000+2000)); i=$((i+1)); sleep 0.09; done
"""
LARGEST_GROWTH_MB = 150
"""For 200,000 lines of 7 bytes: as BuildKit sent them, as text, and as lines to show."""


def test_typing_never_waits_for_the_kernel(workbench, note_figure, tmp_path):
    wb = workbench(FILES)
    wb.open_tab("main.go")
    gate = tmp_path / "gate"
    wb.page.evaluate(RUN_CODE, f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.05)")
    took = wb.editor.evaluate(ECHO)
    note_figure("keystroke to echo while the kernel is busy, ms", took, at_most=100)
    assert took is not None, "the letters are not there in the next frame"
    gate.touch()
    expect(wb.all.get_by_role("tab", name="main.go, changed")).to_be_visible()


def test_the_page_is_heard_while_the_next_cell_runs_though_nothing_was_heard_before(lab, page, tmp_path):
    gate = tmp_path / "gate"
    blocking = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.05)"
    lab.open(page, lab.notebook("run-all.ipynb", ["import speedkit as sk\nsk.Workbench(sk.sample_app(), 'naive')", blocking]))
    page.evaluate(f"() => {{ ({RUN_ALL})(); }}")
    try:
        expect(page.locator(".skw:not(.skw-twin) .cm-line", has_text="package main")).to_be_visible()
    finally:
        gate.touch()
        lab.end_kernel(page)


def test_it_appears_and_the_first_step_follows_buildkits_own(workbench, engine, note_figure):
    wb = workbench(FILES)
    appeared = wb.page.evaluate(APPEARS)
    note_figure("cell to widget in a warm kernel, ms", appeared, at_most=1000)
    wb.build()
    folder = Path(wb.all.locator(".skw-app").get_attribute("title") or "")
    ours, own = [], []
    for number in range(2, 2 + TRIALS):
        append(wb, 2 * number - 3)
        own.append(1000 * seconds_to_first_vertex(engine, folder))
        append(wb, 2 * number - 2)
        ours.append(wb.page.evaluate(FIRST_STEP, f"Build {number}"))
        wb.await_end(number)
    note_figure("Build to first step, on the page, ms", median(ours))
    note_figure("Build to first step, BuildKit alone, ms", median(own))
    note_figure("Build to first step, later than BuildKit, ms", median(ours) - median(own), at_most=500)


def append(wb: BenchPage, count: int) -> None:
    """Make a small edit, the `count`th."""
    wb.press("append", exact=True)
    expect(wb.editor.locator(".cm-line", has_text="// more")).to_have_count(count)


def seconds_to_first_vertex(engine, folder: Path) -> float:
    """How long BuildKit itself takes to name the first step that it works on."""
    began, first = time.monotonic(), []

    def on_line(line: bytes) -> None:
        if not first and line.startswith(b"{") and any(one.get("started") for one in json.loads(line).get("vertexes", ())):
            first.append(time.monotonic() - began)

    made = run_buildx(engine, BuildRequest(folder, folder / "Dockerfile.naive"), command=CancellableCommand(), on_line=on_line)
    note_image(engine, made.image or "", "result", name="by hand")  # so that it goes with what the tests built
    return first[0]


def test_the_margin_follows_a_keystroke_in_a_context_of_ten_thousand_files(workbench, note_figure):
    more = """
for number in range(10_000):
    folder = app.folder / f'folder{number // 100}'
    folder.mkdir(exist_ok=True)
    (folder / f'{number}.txt').write_text(str(number))
"""
    wb = workbench({"Dockerfile": NAIVE, "main.go": "x\n", ".dockerignore": "Dockerfile\n"}, more=more)
    wb.build()
    wb.open_tab("Dockerfile")
    expect(wb.all.locator(".skw-forecast").first).to_be_visible()
    line = wb.editor.locator(".cm-line", has_text="RUN echo downloading")
    took = []
    for letter in "abcdef":
        line.click()
        wb.page.keyboard.press("End")
        wb.page.wait_for_timeout(1500)  # nothing else is going on
        took.append(wb.page.evaluate(MARK, letter))
        wb.page.keyboard.press("Backspace")
    note_figure("keystroke to forecast mark, 10,000 files, ms", median(took), at_most=1000)


def test_a_flood_of_log_lines_loses_none_keeps_the_page_quick_and_memory_small(workbench, engine, note_figure):
    wb = workbench({"Dockerfile": FLOOD, "main.go": "x\n"})
    before = resident_mb(wb)
    wb.press_build()
    expect(wb.all.locator(".skw-log-tools")).to_contain_text("running")
    frames = wb.page.evaluate(FRAMES)
    note_figure("frames a second while 200,000 log lines come in", frames, at_least=30)
    wb.await_end(1)
    expect(wb.all.locator(".skw-log-tools")).to_contain_text("200,000 lines")
    for line in (0, 99_999, 199_999):
        wb.log.evaluate("(box, line) => { box.scrollTop = Math.max(0, line * 18 - 60); }", line)
        expect(wb.log.locator(f'[data-line="{line + 1}"]')).to_have_text(f"{line + 1}\n")
    scrolling = wb.page.evaluate(SCROLLING)
    note_figure("frames a second while scrolling through 200,000 log lines", scrolling, at_least=30)
    wb.all.get_by_label("Search in this log").fill("123456")
    expect(wb.all.locator(".skw-log-tools")).to_contain_text("1 of 1")
    expect(wb.log.locator(".skw-at mark")).to_have_text("123456")
    grown = resident_mb(wb) - before
    note_figure("memory of the kernel for 200,000 log lines, MB", grown)
    assert grown < LARGEST_GROWTH_MB


def resident_mb(wb: BenchPage) -> float:
    """The memory of the notebook's kernel, as the system sees it."""
    pages = wb.page.evaluate(ASK_KERNEL, "print(open('/proc/self/statm').read().split()[1])")
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


ASK_KERNEL = """(code) => new Promise((resolve) => {
  const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
  const asked = kernel.requestExecute({ code, silent: false, store_history: false });
  asked.onIOPub = (message) => message.header.msg_type === 'stream' && resolve(message.content.text);
})"""
