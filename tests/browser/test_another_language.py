"""A page in another language: every text of ours is translated, and longer texts break nothing.

The language is `en-XA`, which puts each message into brackets and makes it longer by two fifths.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from speedkit.messages import PSEUDO
from tests.browser.conftest import _writing
from tests.browser.settling import await_layout
from tests.browser.test_building import FILES
from tests.browser.test_looking import WIDE

pytestmark = [pytest.mark.browser, pytest.mark.engine]

WORKBENCH, LAYERS = ".skw:not(.skw-twin):not(.skl)", "section.skl:not(.skw-twin)"

PAST_THE_DOOR = """(root) => {
  const foreign = '.cm-editor, code, pre, .skw-lines, .skw-path, option';
  const past = (text) => {
    let own = (text ?? '').replace(/^((FROM|RUN|COPY|WORKDIR|CMD) |echo |added by ).*|Dockerfile[.]\\w+, \\w+/, ''), before;
    do { before = own; own = own.replace(/⟦[^⟦⟧]*⟧/g, ''); } while (own !== before);
    return /[A-Za-z]{2,},? [a-z]{2,}/.test(own) ? own.trim() : '';
  };
  const found = [];
  for (const element of document.querySelectorAll(root + ' *')) {
    if (element.closest(foreign) || !element.checkVisibility()) continue;
    const texts = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const own = texts.map((node) => past(node.textContent));
    const attributes = ['aria-label', 'title', 'placeholder'].map((name) => past(element.getAttribute(name)));
    found.push(...own, ...attributes);
  }
  return [...new Set(found.filter((text) => text))];
}"""


@pytest.fixture
def shown(lab, page, tmp_path):
    """A notebook with a workbench that has built twice, and the layers of its image, in the longer language."""
    first = f"import os\nos.environ['SPEEDKIT_LANG'] = {PSEUDO!r}\n{_writing(FILES, tmp_path)}\nimport speedkit as sk\n"
    cells = [
        f"{first}wb = sk.Workbench(app)\nwb",
        "wb.build()\nbuilt = wb.wait()\napp.edit('append')\nwb.build()\nbuilt = wb.wait()",
        "sk.LayersView(built)",
    ]
    lab.open(page, lab.notebook("another_language.ipynb", cells))
    lab.run_all(page)
    expect(page.locator(f"{WORKBENCH} .skw-build")).to_have_count(2)
    expect(page.locator(LAYERS)).to_be_visible()
    yield page
    lab.end_kernel(page)


def test_no_text_of_the_page_goes_past_the_door_and_longer_ones_break_nothing(shown, pictures):
    for width in (1024, 1600):
        shown.set_viewport_size({"width": width, "height": 1200})
        await_layout(shown)
        wide = shown.evaluate(WIDE, WORKBENCH)
        shown.locator(WORKBENCH).first.screenshot(path=pictures / f"workbench-en-XA-{width}.png")
        shown.locator(LAYERS).first.screenshot(path=pictures / f"layers-en-XA-{width}.png")
        assert (wide["page"], wide["own"], wide["cut"]) == (0, 0, []), width
    for root in (WORKBENCH, LAYERS):
        assert shown.evaluate(PAST_THE_DOOR, root) == [], root
