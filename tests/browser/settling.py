"""Waiting until a page stands still."""

from __future__ import annotations

from playwright.sync_api import Page

__all__ = ["await_layout"]

AWAIT_LAYOUT = """() => new Promise((resolve) => {
  const ALIKE_FRAMES = 5;
  let before = null;
  let alike = 0;
  const look = () => {
    const now = [...document.querySelectorAll('body, .skw, .skw *')].map((one) => {
      const {x, y, width, height} = one.getBoundingClientRect();
      return [x, y, width, height, getComputedStyle(one).color].join();
    }).join(';');
    alike = now === before ? alike + 1 : 0;
    before = now;
    if (alike < ALIKE_FRAMES) requestAnimationFrame(look);
    else resolve();
  };
  look();
})"""


def await_layout(page: Page) -> None:
    """Return once everything in the kit's widgets has kept its place, size and colour for five frames."""
    page.evaluate(AWAIT_LAYOUT)
