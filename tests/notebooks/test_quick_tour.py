"""The short tour, for real, and what a tour says of a build that fails unexpectedly."""

from __future__ import annotations

import sys
import uuid

import nbformat
import pytest

from speedkit.cli import main
from speedkit.reports import run_tour
from speedkit.reports import tour as touring

pytestmark = [pytest.mark.engine, pytest.mark.notebook]


def test_a_quick_tour_tells_the_story_with_few_builds(tmp_path):
    quick = run_tour(out=tmp_path / "out", quick=True, session=f"quick-{uuid.uuid4().hex[:8]}", say=print)
    assert "05_beyond" in quick.left_out
    assert {build.strategy for build in quick.builds} == {"naive", "optimized"}
    assert {build.edit for build in quick.builds} >= {"cold", "rename-field"}
    assert all(build.ok for build in quick.builds)


def test_a_build_that_failed_unexpectedly_is_told_and_exits_with_3(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    lines = [
        "import speedkit as sk",
        "with sk.sample_app() as app:",
        "    app.edit('break')",
        "    app.add_strategy('missing', 'FROM scratch\\nCOPY not-there /\\n')",
        "    sk.build(app, 'missing')",
        "    app.reset()",
        "    sk.build(app, 'missing')",
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("\n".join(lines))]), folder / "00_x.ipynb")
    monkeypatch.setattr(touring, "notebooks_folder", lambda: folder)
    monkeypatch.setattr(sys, "argv", ["speedkit", "tour", f"--out={tmp_path / 'out'}"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    said = capsys.readouterr().err
    assert said.count("✗") == 1
    assert "✗ missing, corrected" in said
    assert "not-there" in said
