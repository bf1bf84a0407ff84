"""Every object that shows HTML, and every function that writes it, with texts that would be markup if they were let in."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import speedkit
from tests.hostile import ATTACKS, SHOWN, WRITERS, Markup, display_classes, html_writers

PACKAGE = Path(speedkit.__file__).parent
OWN_SCRIPTS = 4
"""Of the tour's page: what chooses the theme, the figures' data, plotly, what draws."""
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
    assert sending == {"experiment/notebook_view.py", "experiment/progress.py", "plots/plot.py", "widgets/live_widget.py"}


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
            assert markup.scripts == (OWN_SCRIPTS if name == "speedkit.report.page.page" else 0)
            assert attack not in html or "<" not in attack


def test_the_progress_of_a_comparison_is_text(monkeypatch):
    from speedkit.experiment import progress

    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bar, **_options: shown.append(bar.data))
    progress._Notebook(2).begin(" ".join(ATTACKS))
    assert Markup(shown[0]).problems == []
