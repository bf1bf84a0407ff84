"""Tables: nothing of what they show is markup, and there is only one way to make them."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import speedkit
from speedkit import lessons
from speedkit.rendering.mathjax import NOT_MATH
from speedkit.rendering.tables import Cell, Table, table_html

HOSTILE = """<img/src='x'/onerror="window.__x=1">"""
PACKAGE = Path(speedkit.__file__).parent


def test_no_part_of_a_cell_is_markup():
    cell = Cell(HOSTILE, look=HOSTILE, tip=HOSTILE, below=HOSTILE, is_code=True)
    html = table_html([cell], [[cell]], look=HOSTILE, row_heads=[HOSTILE])
    assert "<img" not in html
    assert '"window' not in html


def test_a_table_shows_names_and_values_as_text_and_no_formula():
    table = Table(pd.DataFrame([[HOSTILE]], columns=[HOSTILE], index=[HOSTILE]), has_row_heads=True)
    assert table.to_html().count("&lt;img") == 3
    assert "<img" not in table._repr_html_()
    assert NOT_MATH in table.to_html()


def test_a_table_as_text_has_no_control_character():
    assert "\x1b" not in str(Table(pd.DataFrame([["\x1b[2J"]], columns=["\x9bA"])))


def test_stages_of_a_dockerfile_with_markup_in_an_expansion_are_text(folder):
    from speedkit.apps import own_app

    place = folder({"Dockerfile": "FROM ${A:+<img/src='x'/onerror=eval(1)>}alpine AS one\nRUN true\n"})
    with own_app(place) as app:
        html = lessons.stages(app, "Dockerfile").to_html()
        assert "<img" not in html
        assert "&lt;img" in html


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_tables_are_made_in_one_place(path):
    """Neither by hand, nor by what pandas makes of a table when nobody asks it to escape."""
    if path.name == "tables.py" and path.parent.name == "rendering":
        return
    assert not re.search(r"</?t[dhr]>|<t[dhr] |<table|Styler|\.style\.(map|apply|format|set_)|escape=False", path.read_text())
