"""What every notebook promises, before and after it is executed."""

from __future__ import annotations

import re
from itertools import pairwise
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
    "10_other_languages",
]
BUILDS = re.compile(r"\b(?:sk|bench)\.build\(|\blessons\.(?:go_build|rename_in)\(")
TYPED_RESULT = re.compile(r"\b\d+(?:[.,]\d+)?\s*(?:s|ms|sec|seconds?|minutes?|min|kB|MB|GB|bytes|times|%)(?!\w)", re.IGNORECASE)
CLAIMS_SPEED = re.compile(r"\b(?:quick(?:er|est|ly)?|sooner|fast(?:er|est)?|slow(?:er|est)?|wins?)\b", re.IGNORECASE)
CHANGES_FILES = re.compile(r"\b(?:open|write_text|write_bytes|unlink|rmtree|system|subprocess)\b")

QUESTION = re.compile(r"\*\*[^*]*\?[^*]*\*\*|\*\*[^*]*:\*\*[^\n]*\?")


def cells(path: Path) -> list:
    return nbformat.read(path, as_version=4).cells


def sources(path: Path, kind: str) -> list[str]:
    return [cell.source for cell in cells(path) if cell.cell_type == kind]


def shown_text(code: str) -> str:
    """The constant part of what a cell prints: what stands in braces is computed."""
    return re.sub(r"\{[^}]*\}", "", code)


def test_all_notebooks_are_there_in_their_order():
    assert [path.stem for path in PATHS] == NAMES


def test_a_quick_tour_has_a_beginning_a_story_and_the_comparison():
    quick = [path.stem for path in PATHS if nbformat.read(path, as_version=4).metadata["speedkit"]["quick"]]
    assert quick == ["00_start_here", "03_naive_multistage", "04_optimized_multistage", "06_compare"]


def test_the_map_names_every_notebook_that_follows():
    text = "\n".join(sources(PATHS[0], "markdown"))
    assert re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE) == NAMES[1:]


@pytest.mark.parametrize(("path", "following"), list(pairwise(PATHS)), ids=lambda path: path.stem)
def test_the_end_names_the_next_notebook(path, following):
    assert f"`{following.stem}`" in sources(path, "markdown")[-1]


DOCKERFILES = sorted(ROOT.glob("sample_*_app/Dockerfile.*"))


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_dockerfiles_that_notebooks_show_say_what_they_do_and_not_how_fast(path):
    comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert not [line for line in comments if CLAIMS_SPEED.search(line) or re.search(r"\bany change\b|\bsmallest\b", line)]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_question_has_a_folded_answer_before_the_next_one(path):
    unanswered = ""
    for text in sources(path, "markdown"):
        asked, fold, _ = text.partition("<details>")
        if QUESTION.search(asked):
            assert not unanswered, unanswered
            unanswered = asked
        if fold:
            unanswered = ""
    assert not unanswered, unanswered


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
class TestEach:
    def test_says_what_it_needs_at_its_head_and_counts_the_time_of_its_cells(self, path):
        code = sources(path, "code")
        assert f'lessons.begin("{path.stem}")' in code[0]
        assert "lessons.done()" in "\n".join(code[1:])

    def test_has_headings_that_make_a_table_of_contents(self, path):
        text = "\n".join(sources(path, "markdown"))
        levels = [len(marks) for marks in re.findall(r"^(#+) ", text, flags=re.MULTILINE)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))

    def test_is_valid_and_committed_without_outputs(self, path):
        nbformat.validate(nbformat.read(path, as_version=4))
        code = [cell for cell in cells(path) if cell.cell_type == "code"]
        assert [cell.outputs for cell in code] == [[]] * len(code)
        assert {cell.execution_count for cell in code} == {None}
        assert all(not cell.metadata for cell in cells(path))

    def test_names_its_cells_by_what_they_do(self, path):
        names = [cell.id for cell in cells(path)]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[a-z]+(?:-[a-z]+)*", name) for name in names)

    def test_begins_with_a_title_and_ends_with_what_was_learned(self, path):
        texts = sources(path, "markdown")
        assert texts[0].startswith("# ")
        assert texts[-1].startswith("**What was learned")
        assert cells(path)[-1].cell_type == "markdown"

    def test_first_code_says_what_to_do_when_something_is_missing(self, path):
        first = sources(path, "code")[0]
        assert first.startswith("# No module named speedkit?")
        assert "make lab" in first
        assert re.search(r"sk\.(?:connect|doctor|recorded_builds)\(\)", first)

    def test_has_short_cells(self, path):
        assert all(1 <= len(code.splitlines()) <= 15 for code in sources(path, "code"))
        assert max(len(line) for code in sources(path, "code") for line in code.splitlines()) <= 96

    def test_asks_directly_before_it_builds(self, path):
        asked = False
        for cell in cells(path):
            if cell.cell_type == "markdown":
                asked = "?" in cell.source.rpartition("</details>")[2]
            elif BUILDS.search(cell.source):
                assert asked, cell.source
                asked = False

    def test_has_no_result_typed_in(self, path):
        for text in [*sources(path, "markdown"), *map(shown_text, sources(path, "code"))]:
            assert not TYPED_RESULT.search(text), text

    def test_asks_who_is_quicker_and_leaves_the_answer_to_the_builds(self, path):
        for text in sources(path, "markdown"):
            sentences = re.split(r"(?<=[.?!:])\**\s+|\n", text)
            told = [sentence for sentence in sentences if not sentence.rstrip("*").endswith(("?", "? |"))]
            assert not [sentence for sentence in told if CLAIMS_SPEED.search(sentence)]

    def test_changes_files_through_the_app_only(self, path):
        for code in sources(path, "code"):
            assert not CHANGES_FILES.search(code), code

    def test_gives_back_the_working_copy_that_it_takes(self, path):
        code = "\n".join(sources(path, "code"))
        if re.search(r"^app\b.* = ", code, flags=re.MULTILINE):
            assert len(re.findall(r"^(?:app\.close\(\)|lessons\.close_with_kernel\(app\))$", code, flags=re.MULTILINE)) == 1
