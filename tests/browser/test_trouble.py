"""What can go wrong in a workbench: odd files, markup, floods of log lines, an engine that goes away."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from speedkit.engine.connection import connect
from tests.browser.relay import Relay

pytestmark = [pytest.mark.browser, pytest.mark.engine]

EVIL = "</script><img src=x onerror=window.harmed=1>"


def test_markup_in_code_logs_file_names_and_labels_does_nothing(workbench):
    wb = workbench(
        {
            "Dockerfile": f"FROM alpine\nLABEL x='{EVIL}'\nCOPY . .\n"
            f"RUN echo '{EVIL}' && echo 'main.go:1:1: {EVIL}' && false\n",
            "main.go": f"// {EVIL}\n",
            "<img src=x onerror=window.harmed=1>.txt": EVIL,
        },
        more=f"app.name = {EVIL!r}",
    )
    wb.build()
    expect(wb.log).to_contain_text(EVIL)
    expect(wb.all.locator(".skw-mark").first).to_contain_text(EVIL)
    expect(wb.page.locator(".skw-twin .skw-log").first).to_contain_text(EVIL)
    for tab in ("main.go", "Dockerfile", "<img"):
        wb.all.get_by_role("tab", name=tab).first.click()
    assert wb.page.evaluate("window.harmed") is None
    assert wb.page.locator(".skw img, .skw script").count() == 0


def test_files_that_cannot_be_edited_say_why(workbench):
    wb = workbench({"Dockerfile": "FROM alpine\n", "logo.png": b"\x89PNG\0", "big.txt": b"x" * 5_000_000})
    wb.choose_tab("logo.png")
    expect(wb.all.locator(".skw-empty")).to_contain_text("logo.png is not text.")
    wb.choose_tab("big.txt")
    expect(wb.all.locator(".skw-empty")).to_contain_text("big.txt has 5.0 MB.")
    wb.open_tab("Dockerfile")
    expect(wb.editor).to_contain_text("FROM alpine")


def test_a_file_removed_on_disk_under_the_editor_is_said_kept_and_can_be_reset(workbench, tmp_path):
    noted = tmp_path / "folder-of-the-app"
    wb = workbench(
        {"Dockerfile": "FROM alpine\n", "main.go": "package main\n"},
        more=f"pathlib.Path({str(noted)!r}).write_text(str(app.folder))",
    )
    wb.open_tab("main.go")
    (Path(noted.read_text()) / "main.go").unlink()
    expect(wb.all.locator(".skw-hint.skw-bad")).to_contain_text("main.go was removed on disk")
    expect(wb.editor).to_contain_text("package main")
    wb.editor.click()
    wb.page.keyboard.type("x")
    expect(wb.all.get_by_role("tab", name="main.go, changed")).to_be_visible()
    wb.press("Reset file")
    expect(wb.all.get_by_role("tab", name="main.go", exact=True)).to_be_visible()


def test_a_dockerfile_of_nothing_is_explained_and_fails_in_the_widget(workbench):
    wb = workbench({"Dockerfile": ""})
    expect(wb.all.locator(".skw-list .skw-bad")).to_be_visible()
    wb.build()
    expect(wb.history.first.locator(".skw-took")).to_have_text("✗ failed")


def test_a_log_can_be_searched_followed_and_copied(workbench, page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    wb = workbench({"Dockerfile": "FROM alpine\nRUN printf '\\033[31mred\\033[0m\\n' && seq 1 300\n", "main.go": "x\n"})
    wb.build()
    expect(wb.log.locator('[data-line="300"]')).to_be_visible()
    wb.all.get_by_label("Search in this log").fill("17")
    expect(wb.all.locator(".skw-log-tools")).to_contain_text("1 of 13")
    wb.press("Next match")
    expect(wb.log.locator(".skw-at")).to_contain_text("117")
    expect(wb.all.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
    wb.all.get_by_label("Search in this log").fill("red")
    expect(wb.log.locator(".skw-c1")).to_have_text("red")
    wb.press("Copy")
    expect(wb.all.get_by_role("button", name="Copied")).to_be_visible()
    assert wb.page.evaluate("navigator.clipboard.readText()") == "red\n" + "".join(f"{n}\n" for n in range(1, 301))
    wb.press("Follow")
    expect(wb.log.locator('[data-line="301"]')).to_be_visible()


def test_a_lost_engine_says_so_and_comes_back_without_a_kernel_restart(workbench, tmp_path):
    host = connect().host
    if not host.startswith("unix://"):
        pytest.skip("the engine does not listen on a local socket")
    relay = Relay(tmp_path / "docker.sock", host.removeprefix("unix://"))
    relay.start()
    wb = workbench(
        {"Dockerfile": "FROM alpine\nCOPY . .\nRUN echo begun && sleep 36000\n", "main.go": "x\n"},
        more=f"os.environ['DOCKER_HOST'] = 'unix://{relay.path}'",
    )
    wb.press_build()
    expect(wb.log).to_contain_text("begun")
    relay.stop()
    expect(wb.notice).to_contain_text("engine")
    expect(wb.history.first.locator(".skw-took")).to_have_text("✗ failed")
    relay.start()
    expect(wb.notice).to_contain_text("The Docker engine answers again.")
    wb.open_tab("Dockerfile")
    wb.replace_word("sleep 36000", "sleep 0")
    wb.build()
    wb.expect_state("RUN echo begun", "ran")
    relay.stop()
