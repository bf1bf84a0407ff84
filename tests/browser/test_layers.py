"""The view of layers on a page: looked at, worked with the keyboard alone, saved and exported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import Lab
from tests.browser.settling import await_layout
from tests.browser.test_looking import CONTRAST, THEMES
from tests.images.archives import docker_archive, layer

pytestmark = pytest.mark.browser

EVIL = "</script><img src=x onerror=document.title='evil'>"
ROOT = "section.skl:not(.skw-twin)"
TOOLS = [(f"usr/lib/tool-{number:04}.so", b"\x7fELF\0" * (number + 1)) for number in range(1500)]
BASE = layer(("etc", None), ("etc/motd", b"welcome\n"), ("usr/share/doc/readme.txt", b"read me\n" * 900), *TOOLS)
APP = layer(
    ("app/server", b"\x7fELF\0" * 900_000), ("app/cache/modules.zip", b"PK\0" * 700_000), ("etc/motd", b"welcome to the app\n")
)
CLEAN = layer(("app/cache/.wh.modules.zip", b""), (EVIL, EVIL.encode()))
COMMANDS = (
    "ADD rootfs.tar / # buildkit",
    "RUN /bin/sh -c go build -o /app/server . # buildkit",
    f"RUN /bin/sh -c echo '{EVIL}' # buildkit",
)
WIDE = """(root) => {
  const element = document.querySelector(root);
  const edge = element.getBoundingClientRect().right + 1;
  const cut = [...element.querySelectorAll('button, select, input, h4, .skw-took')]
    .filter((one) => one.getBoundingClientRect().right > edge);
  return [document.scrollingElement.scrollWidth - innerWidth, element.scrollWidth - element.clientWidth, cut.length];
}"""


@pytest.fixture
def opened(lab: Lab, page: Page, request: pytest.FixtureRequest) -> Iterator[Locator]:
    """A notebook with the two images side by side, executed."""
    docker_archive(lab.folder / "one.tar", [BASE, APP, CLEAN], COMMANDS, tag="registry.example/shop/app:1.0")
    docker_archive(lab.folder / "two.tar", [BASE, layer(("app/server", b"\x7fELF\0" * 500_000))], COMMANDS[:2], tag="shop:2")
    name = f"{request.node.name}.ipynb"
    lab.open(page, lab.notebook(name, ["import speedkit as sk\nview = sk.LayersView('one.tar', 'two.tar')\nview"]))
    lab.run_all(page)
    view = page.locator(ROOT)
    expect(view.get_by_role("tree")).to_be_visible()
    yield view
    lab.end_kernel(page)


def row(view: Locator, path: str) -> Locator:
    return view.locator(f'[role="treeitem"][title="{path}"]')


def test_two_images_are_looked_at_in_both_themes_and_widths(lab: Lab, page: Page, opened: Locator, pictures: Path) -> None:
    expect(opened.locator(".skl-finding")).to_contain_text("they share 1 layer")
    expect(row(opened, "/app")).to_be_visible()
    expect(row(opened, "/app/server")).to_contain_text("~ different")
    for theme in THEMES:
        lab.theme(page, theme)
        for width in (1024, 1600):
            page.set_viewport_size({"width": width, "height": 1200})
            for state in ("compared", "layer", "map", "content"):
                _show(opened, state)
                await_layout(page)
                name = f"layers-{state}-{theme.split()[-1].lower()}-{width}.png"
                opened.screenshot(path=pictures / name)
                assert page.evaluate(WIDE, ROOT) == [0, 0, 0], name
                assert page.evaluate(CONTRAST, [ROOT, 4.5]) == {}, name
    assert page.title() != "evil"


def _show(view: Locator, state: str) -> None:
    """Bring the view into one of the states that are looked at."""
    if state == "compared":
        view.get_by_role("button", name="What differs in the files").click()
        expect(view.locator(".skl-files")).to_contain_text("What differs in the final file systems")
    elif state == "layer":
        view.get_by_role("button", name="Layer 2, RUN go build").first.click()
        view.get_by_role("button", name="Files", exact=True).click()
        expect(view.locator(".skl-files .skl-title").first).to_contain_text("Layer 2 of 3")
    elif state == "map":
        view.get_by_role("button", name="All layers together").first.click()
        view.get_by_role("button", name="Map", exact=True).click()
        expect(view.locator(".skl-map")).to_contain_text("server")
    else:
        view.get_by_role("button", name="Files", exact=True).click()
        view.get_by_label("Search in the paths").fill("readme")
        row(view, "/usr/share/doc/readme.txt").click()
        expect(view.locator(".skl-text")).to_contain_text("read me")
        expect(view.locator(".skl-content")).to_contain_text("7.2 kB")
        view.get_by_label("Search in the paths").fill("")
        expect(row(view, "/usr")).to_be_visible()


def test_everything_is_done_with_the_keyboard_and_no_more_lines_are_sent_than_are_open(page: Page, opened: Locator) -> None:
    keyboard = page.keyboard
    opened.get_by_role("button", name="What differs").focus()
    keyboard.press("ArrowDown")
    expect(opened.get_by_role("button", name="All layers together").first).to_be_focused()
    keyboard.press("Enter")
    expect(opened.locator(".skl-files")).to_contain_text("All layers together: the final file system")
    tree = opened.get_by_role("treeitem")
    expect(row(opened, "/usr")).to_be_visible()
    tree.first.focus()
    keyboard.press("End")
    expect(tree.last).to_be_focused()
    keyboard.press("Home")
    expect(row(opened, "/usr")).to_be_focused()
    keyboard.press("ArrowLeft")
    expect(row(opened, "/usr")).to_have_attribute("aria-expanded", "false")
    keyboard.press("ArrowRight")
    expect(row(opened, "/usr")).to_have_attribute("aria-expanded", "true")
    keyboard.press("ArrowRight")
    expect(row(opened, "/usr/lib")).to_be_focused()
    keyboard.press("Enter")
    expect(row(opened, "/usr/lib/tool-1499.so")).to_be_visible()
    assert tree.count() < 130
    opened.get_by_role("treeitem", name="Show more: 1,400 more").focus()
    keyboard.press("Enter")
    expect(row(opened, "/usr/lib/tool-1300.so")).to_be_attached()
    assert page.evaluate("() => document.activeElement.getAttribute('role')") == "treeitem"
    row(opened, "/usr/lib").first.focus()
    keyboard.press("ArrowLeft")
    expect(row(opened, "/usr/lib/tool-1499.so")).to_have_count(0)
    keyboard.press("ArrowLeft")
    expect(row(opened, "/usr")).to_be_focused()
    opened.get_by_role("button", name="Map", exact=True).press("Enter")
    opened.locator(".skl-box").first.focus()
    keyboard.press("ArrowRight")
    keyboard.press("Enter")
    expect(opened.locator(".skl-trail, .skl-content").first).to_be_visible()
    nameless = opened.evaluate("""(root) => [...root.querySelectorAll('button, input, select, [role=treeitem]')]
      .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length)).length""")
    assert nameless == 0


def test_a_saved_and_an_exported_notebook_show_the_same(lab: Lab, page: Page, opened: Locator, pictures: Path) -> None:
    twin = page.locator(".skl.skw-twin").first
    expect(twin).to_be_hidden()
    expect(twin.locator(".skl-tree")).to_contain_text("motd")
    expect(row(opened, "/app/server")).to_be_visible()
    row(opened, "/etc").click()
    expect(row(opened, "/etc/motd")).to_have_count(0)
    expect(twin.locator(".skl-tree")).not_to_contain_text("motd")
    lab.save(page)
    name = "test_a_saved_and_an_exported_notebook_show_the_same.ipynb"
    lab.end_kernel(page)
    lab.open(page, name)
    expect(twin).to_be_visible()
    expect(twin).to_contain_text("~ different")
    twin.screenshot(path=pictures / "layers-twin.png")
    assert page.evaluate(CONTRAST, [".skl.skw-twin", 4.5]) == {}
    html, _ = HTMLExporter().from_notebook_node(nbformat.read(lab.folder / name, as_version=4))
    exported = lab.folder / "layers-exported.html"
    exported.write_text(html, encoding="utf-8")
    page.goto(exported.as_uri())
    expect(page.locator(".skl.skw-twin").first).to_contain_text("they share 1 layer")
    page.locator(".skl.skw-twin").first.screenshot(path=pictures / "layers-exported.png")
    assert page.title() != "evil"
