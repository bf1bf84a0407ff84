"""What every notebook promises, before and after it is executed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = [
    "00_start_here",
    "01_host_build",
    "02_single_layer",
    "03_naive_multistage",
    "04_optimized_multistage",
    "05_beyond",
    "06_compare",
    "07_your_own_dockerfile",
    "08_playground",
]
BUILDS = re.compile(r"\bsk\.build\(|\bbench\.build\(")
QUESTION = re.compile(r"\?")
TYPED_RESULT = re.compile(r"\b\d+(?:[.,]\d+)?\s?(?:s|seconds|minutes|MB|kB|GB)\b")


def cells(path: Path, kind: str) -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def test_all_notebooks_are_there():
    assert [path.stem for path in PATHS] == NAMES


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
class TestEach:
    def test_is_valid_and_committed_without_outputs(self, path):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert all(not cell.outputs and cell.execution_count is None for cell in cells(path, "code"))
        assert json.loads(path.read_text())["nbformat"] == 4

    def test_begins_with_a_title_and_ends_with_what_was_learned(self, path):
        texts = [cell.source for cell in cells(path, "markdown")]
        assert texts[0].startswith("# ")
        assert texts[-1].startswith(("**What was learned", "**What you have now"))

    def test_its_first_code_needs_no_explanation_of_what_is_missing(self, path):
        first = "\n".join(cell.source for cell in cells(path, "code")[:2])
        assert "import speedkit as sk" in first
        assert re.search(r"sk\.(connect|doctor|recorded_builds)\(", first)

    def test_cells_are_short(self, path):
        assert all(1 <= len(cell.source.splitlines()) <= 15 for cell in cells(path, "code"))

    def test_asks_before_it_builds(self, path):
        asked = False
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                asked = asked or bool(QUESTION.search(cell.source))
            elif BUILDS.search(cell.source):
                assert asked, cell.source

    def test_has_no_figure_typed_in(self, path):
        for cell in cells(path, "markdown"):
            assert not TYPED_RESULT.search(cell.source), cell.source


def test_a_quick_tour_has_a_beginning_a_build_and_the_comparison():
    quick = [path.stem for path in PATHS if nbformat.read(path, as_version=4).metadata.get("speedkit", {}).get("quick")]
    assert quick == ["00_start_here", "03_naive_multistage", "04_optimized_multistage", "06_compare"]
