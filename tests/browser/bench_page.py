"""What a person sees and does in a workbench on a page."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

__all__ = ["BenchPage"]


class BenchPage:
    """The nth workbench on a page."""

    def __init__(self, page: Page, nth: int = 0) -> None:
        self.page = page
        self.all = page.locator(".skw:not(.skw-twin)").nth(nth)

    def ready(self) -> None:
        editor = self.all.locator(".skw-code .cm-content")
        # Without this, a cell that fails is waited for as long as one that hangs.
        error = self.page.locator(".jp-OutputArea-output", has_text="Traceback (most recent call last)").first
        expect(editor.or_(error).first).to_be_visible()
        assert not error.is_visible(), error.inner_text()

    # Doing

    def press(self, name: str, *, exact: bool = False) -> None:
        self.all.get_by_role("button", name=name, exact=exact).click()

    def press_build(self) -> None:
        self.press("Build Ctrl")

    def build(self) -> None:
        """Press Build and wait for the end."""
        number = self.history.count() + 1
        self.press_build()
        self.await_end(number)

    def await_end(self, number: int) -> None:
        expect(self.history.nth(number - 1).locator(".skw-took")).not_to_have_text("running")

    def choose_strategy(self, name: str) -> None:
        self.all.get_by_label("Strategy").select_option(name)

    def open_tab(self, label: str) -> None:
        """Choose a file's tab and wait until the editor has the file."""
        self.choose_tab(label)
        expect(self.editor).to_have_attribute("aria-label", re.compile(f"Text of .*{re.escape(label)}"))

    def choose_tab(self, label: str) -> None:
        self.all.get_by_role("tab", name=label).click()
        expect(self.all.get_by_role("tab", name=label)).to_have_attribute("aria-selected", "true")

    def replace_word(self, old: str, new: str) -> None:
        """Double-click a word in the editor and type another one."""
        line = self.editor.locator(".cm-line", has_text=old).first
        line.evaluate(SELECT_WORD, old)
        self.page.keyboard.type(new)

    def retype(self, text: str) -> None:
        """Replace everything in the editor."""
        self.editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(text)

    # Seeing

    @property
    def editor(self) -> Locator:
        return self.all.locator(".skw-code .cm-content")

    @property
    def history(self) -> Locator:
        return self.all.locator(".skw-history li")

    @property
    def log(self) -> Locator:
        return self.all.locator(".skw-lines")

    @property
    def notice(self) -> Locator:
        return self.all.locator(".skw-notice")

    def step(self, text: str) -> Locator:
        return self.all.locator(".skw-step", has_text=text).first

    def expect_state(self, text: str, state: str) -> None:
        """The step whose instruction holds `text` is, or comes to be, in this state."""
        expect(self.step(text)).to_have_class(re.compile(rf"\bskw-{state}\b"))


# Selects a word the way a double click does, wherever the line is wrapped into spans.
SELECT_WORD = """(line, word) => {
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  const whole = texts.map((node) => node.data).join('');
  const start = whole.indexOf(word);
  const place = (offset) => {
    for (const node of texts) {
      if (offset <= node.length) return [node, offset];
      offset -= node.length;
    }
  };
  line.closest('.cm-content').focus();
  const range = document.createRange();
  range.setStart(...place(start));
  range.setEnd(...place(start + word.length));
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}"""
