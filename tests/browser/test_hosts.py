"""The workbench on pages that are not JupyterLab's, in all its states: read, nothing cut, nothing needed of the host."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from speedkit.apps import sample_folder
from tests.browser.bare_page import show_bare
from tests.browser.settling import await_layout
from tests.browser.states import STATES
from tests.browser.test_looking import CONTRAST, WIDE

pytestmark = pytest.mark.browser

BACKGROUND = "(one) => getComputedStyle(one).backgroundColor"
VSCODE_DARK = {
    "classes": "vscode-body vscode-dark",
    "style": "--vscode-editor-background:#1e1e1e;--vscode-editor-foreground:#d4d4d4;background:#1e1e1e",
}
WIDTHS = (960, 1520)
"""What JupyterLab leaves of a page of 1024 and of 1600 px."""


def expect_good(page: Page, name: str) -> None:
    assert page.evaluate(CONTRAST, [".skw", 4.5]) == {}, name
    wide = page.evaluate(WIDE, ".skw")
    assert (wide["page"] <= 0, wide["own"] <= 0, wide["cut"]) == (True, True, []), name


@pytest.mark.parametrize("name", STATES)
def test_every_state_is_readable_in_both_themes_and_widths(page, pictures, name):
    shown = STATES[name]()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        show_bare(page, shown.state, shown.answers)
        expect(page.locator(".skw .cm-line").first).to_be_visible()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 1000})
            await_layout(page)
            page.locator(".skw").screenshot(path=pictures / f"state-{name}-{scheme}-{width}.png")
            expect_good(page, f"{name}, {scheme}, {width} px")


def test_it_follows_vs_codes_colours(page, pictures):
    shown = STATES["story"]()
    page.emulate_media(color_scheme="light")
    show_bare(page, shown.state, shown.answers, **VSCODE_DARK)
    expect(page.locator(".skw .cm-line").first).to_be_visible()
    assert page.locator(".skw").evaluate(BACKGROUND) == "rgb(30, 30, 30)"
    expect_good(page, "VS Code, dark")
    page.locator(".skw").screenshot(path=pictures / "vscode-dark.png")


def test_search_and_changes_are_readable_in_both_themes(page, pictures):
    shown = STATES["story"]()
    state = shown.state | {"view": shown.state["view"] | {"tab": "main.go", "diff": True}}
    original = {"main.go": {"text": (sample_folder() / "main.go").read_text(encoding="utf-8")}}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": WIDTHS[0], "height": 1000})
        show_bare(page, state, shown.answers | {"original": original})
        expect(page.locator(".cm-deletedChunk").first).to_be_visible()
        page.get_by_role("button", name="Find").click()
        page.keyboard.type("message")
        expect(page.locator(".cm-searchMatch").first).to_be_visible()
        page.locator(".skw").screenshot(path=pictures / f"search-{scheme}.png")
        expect_good(page, f"search, {scheme}")
        field = page.locator(".cm-search .cm-textfield").first
        assert field.evaluate(BACKGROUND) == page.locator(".skw").evaluate(BACKGROUND)
