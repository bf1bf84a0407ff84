"""Every object that shows HTML, and every function that writes it, with texts that would be markup if they were let in."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

import speedkit
from speedkit.control_characters import UNSEEN
from tests.hostile import ATTACKS, SHOWN, WRITERS, Markup, display_classes, html_writers

PACKAGE = Path(speedkit.__file__).parent
SAME_ELSEWHERE = {"rendering/html_text.py", "secrets/forms.py"}
"""Modules that may use Python's `html.escape`: the one door, and the forms in which a secret may stand in a log."""
TURNED = "a\x9b31m\u202eover\u2066isolate\u200bzero\u2028line\xad\U000e0041tag"
UNSEEN_IN_JAVASCRIPT = re.compile(r"/\[(.*)\]/gu;")
OWN_SCRIPTS = 4
"""Of a page: what chooses the theme, the figures' data, plotly, what draws."""
PAGES = {"speedkit.reports.tour_page.page", "speedkit.reports.project_page.report_html"}
EVERY = {**SHOWN, **WRITERS}


def test_every_class_that_a_notebook_shows_has_a_hostile_case():
    assert display_classes() == set(SHOWN)


def test_every_function_that_writes_html_has_a_hostile_case():
    assert html_writers() == set(WRITERS)


def test_html_reaches_a_notebook_from_these_modules_only():
    """Whoever adds one adds its case to `tests.hostile`."""
    sending = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("HTML", "display", "publish_display_data", "Markdown")
    }
    assert sending == {
        "builds/notebook_view.py",
        "builds/progress.py",
        "checked_exercises/view.py",
        "plots/plot.py",
        "widgets/live_widget.py",
    }


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if "<" in attack])
def test_the_attacks_would_be_noticed(attack):
    markup = Markup(f"<p>{attack}")
    assert markup.problems or markup.scripts


@pytest.mark.parametrize("name", EVERY)
def test_nothing_of_a_text_is_markup(name):
    is_quick = any(part in name for part in ("rendering.", "Listing", "Report", "data_frame"))
    for attack in (" ".join(ATTACKS), *(ATTACKS if is_quick else ())):
        for html in EVERY[name](attack):
            markup = Markup(html.replace("\x00", ""))
            assert markup.problems == [], attack
            assert markup.scripts == (OWN_SCRIPTS if name in PAGES else 0)
            assert attack not in html or "<" not in attack


def test_there_is_one_place_where_text_becomes_html():
    using = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if "escape" in _taken_from_html(path)}
    assert using == SAME_ELSEWHERE


def _taken_from_html(path: Path) -> set[str]:
    """What of Python's `html` a module imports by name; all of it for a module that imports `html` itself."""
    taken: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "html":
            taken |= {alias.name for alias in node.names}
        if isinstance(node, ast.Import) and any(alias.name == "html" for alias in node.names):
            taken.add("escape")
    return taken


@pytest.mark.parametrize("name", EVERY)
def test_what_shows_a_text_in_another_order_is_seen(name):
    """https://trojansource.codes: a page shows bidirectional controls, and what has no width, as a terminal does."""
    unseen = re.compile(f"[{UNSEEN}]")
    assert unseen.search(TURNED)
    for page in EVERY[name](TURNED):
        html = page.replace(get_plotlyjs(), "")  # it knows the first bytes of a PNG file
        assert (found := unseen.search(html)) is None, html[max(found.start() - 80, 0) : found.end() + 20]


def test_live_widgets_show_the_same_characters_as_escapes():
    written = (PACKAGE / "widgets" / "frontend" / "src" / "visible.ts").read_text()
    in_javascript = re.sub(
        r"\\u\{([0-9a-f]+)\}", lambda found: f"\\U{int(found[1], 16):08x}", UNSEEN_IN_JAVASCRIPT.search(written)[1]
    )
    one, other = re.compile(f"[{UNSEEN}]"), re.compile(f"[{in_javascript}]")
    assert [place for place in range(0x110000) if bool(one.match(chr(place))) != bool(other.match(chr(place)))] == []


def test_the_progress_of_a_comparison_is_text(monkeypatch):
    from speedkit.builds import progress

    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bar, **_options: shown.append(bar.data))
    progress._Notebook(2).begin(" ".join(ATTACKS))
    assert Markup(shown[0]).problems == []
