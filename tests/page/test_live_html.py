"""The live page gets the rows of the saved notebook, with what a press and a clock need."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape

import pytest

from speedkit.apps import own_app
from speedkit.images import TreeRow
from speedkit.page import (
    NOTHING_SHOWN,
    FileList,
    FileMap,
    LayerSelection,
    LayersPage,
    MapBox,
    ShownContent,
    ShownImage,
    ShownLayer,
    WastedPath,
    layers_traits,
)
from speedkit.page.builds_html import BarPart, BuildRow, builds_html, comparison_html
from speedkit.page.comparison import BuildComparison, ComparedState, ComparedStep, ExplainedStep
from speedkit.page.forecast_summary import Outlook
from speedkit.page.outlook_html import outlook_html
from speedkit.page.steps import StageRows, StepList, StepRow
from speedkit.page.steps_html import shows_forecast, steps_html
from tests.page.test_workbench_html import EVIL, bench_of, parsed
from tests.widgets.builds import CACHED, a_build

STEP = StepRow("line-3", 3, "RUN make", "ran", 5.2, began_seconds=1.0, note="main.go changed, 41.0 MB")


def live(*rows: StepRow, forecast=(), pressed=None, **options) -> str:
    given = {"number": 1, "title": "Build 1", "outcome": "done", "hint": "", "seconds": 10.0} | options
    return steps_html(StepList(stages=(StageRows("builder", rows),), **given), forecast, is_live=True, pressed=pressed)


def choices(html: str) -> list[dict]:
    return [json.loads(unescape(found)) for found in re.findall(r'data-choose="([^"]*)"', html)]


def test_a_screen_reader_hears_line_text_state_and_time():
    assert 'aria-label="line 3, RUN make: ran, 5.2 s, main.go changed, 41.0 MB"' in live(STEP)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("cached", "cached"),
        ("failed", "failed, 5.2 s"),
        ("cancelled", "cancelled"),
        ("no-step", "no step"),
        ("waiting", "waiting"),
    ],
)
def test_every_state_has_a_word(state, word):
    row = StepRow("line-3", 3, "RUN make", state, 5.2)
    assert f'<span class="skw-took">{word}</span>' in live(row)


def test_a_press_chooses_the_step_and_only_the_shown_one_is_pressed():
    other = StepRow("line-4", 4, "RUN test", "ran", 1.0)
    html = live(STEP, other, pressed="line-4")
    assert choices(html) == [{"step": "line-3"}, {"step": "line-4"}]
    assert re.findall(r'aria-pressed="(\w+)"', html) == ["false", "true"]
    assert '<li data-line="3">' in html


def test_a_running_step_has_a_clock_and_a_track_for_the_page_to_go_on_with():
    running = StepRow("line-3", 3, "RUN make", "running", started_ms=3000.0, began_seconds=2.0)
    html = live(running, outcome="running", seconds=0.0, started_ms=1000.0)
    assert '<b class="skw-run" data-since="1000">' in html
    assert '<span class="skw-took" data-since="3000">' in html
    assert '<i data-began="2.0" data-took="0.0" data-since="3000">' in html


def test_a_forecast_stands_at_its_step_with_a_shape_and_a_word():
    entry = {"line": 3, "forecast": "hit", "because": "nothing changed"}
    html = live(STEP, forecast=[entry, {"line": 4, "forecast": "miss"}])
    assert "next: ✓ cached" in html
    assert 'title="nothing changed"' in html
    assert "next:" not in live(STEP, forecast=[{"line": 3, "forecast": "no-step", "because": ""}])


def test_beside_a_finished_build_each_step_says_why_it_was_so_until_something_would_run_again():
    def steps(number, *, is_current=True):
        return StepList(number, "x", "done", "", is_current=is_current)

    hit, miss = {"line": 3, "forecast": "hit"}, {"line": 4, "forecast": "miss"}
    assert not shows_forecast(steps(2), [hit])
    assert shows_forecast(steps(2), [hit, miss])
    assert shows_forecast(steps(0), [hit])
    assert not shows_forecast(steps(2, is_current=False), [miss])


def test_buildkits_own_steps_open_with_a_press():
    own = StepRow("internal-1", None, "[internal] load", "ran", 0.1)
    steps = StepList(1, "x", "done", "", seconds=1.0, internal=(own,))
    closed, opened = (steps_html(steps, (), is_live=True, shows_internal=shown) for shown in (False, True))
    assert choices(closed) == [{"internal": True}]
    assert "[internal] load" not in closed
    assert choices(opened) == [{"internal": False}, {"step": "internal-1"}]


def test_a_build_is_chosen_with_a_press_and_two_are_compared_by_their_numbers():
    builds = [
        BuildRow(1, "naive", "done", 4.0, 1, 2, (BarPart(0, 90, "go build", is_failed=False),), is_comparable=True),
        BuildRow(2, "naive", "failed", 1.0, is_comparable=True),
    ]
    html = builds_html(builds, "", shown=2, is_live=True)
    assert choices(html) == [{"shown": 1, "step": None}, {"shown": 2, "step": None}]
    assert 'aria-label="Build 1, naive: 4.0 s. 1 cached, 2 ran."' in html
    rows = (
        ComparedStep("s", "RUN a", None, ComparedState("ran", 1.0), "new step", ""),
        ComparedStep("s", "RUN b", None, None, "", ""),
    )
    comparison = BuildComparison(1, 2, "found", (), (), rows)
    html = comparison_html(comparison, builds, is_live=True)
    assert html.count('<option value="2" selected>') == 1
    assert 'data-choose-number="before"' in html
    assert 'value="3"' not in comparison_html(comparison, [*builds, BuildRow(3, "naive", "broken", 0.0)], is_live=True)
    assert "Show all 2 steps" in html
    assert "RUN b" not in html
    assert "RUN b" in comparison_html(comparison, builds, is_live=True, shows_all=True)


def test_what_comes_and_goes_moves_no_row_behind_it():
    """The page keeps the rows that it knows as long as what is before them has the same elements."""

    def outline(html: str) -> list[str]:
        depth, elements = 0, []
        for end, tag in re.findall(r"<(/?)(\w+)", html):
            depth += -1 if end else 1
            if depth == 2 and not end:
                elements.append(tag)
        return elements

    failed = StepRow("line-3", 3, "RUN make", "failed", 1.0, error="exit code 1")
    with_error = steps_html(StepList(1, "x", "failed", "", stages=(StageRows("s", (failed,)),), error="e"), (), is_live=True)
    beside_log = steps_html(
        StepList(1, "x", "failed", "", stages=(StageRows("s", (failed,)),), error="e"), (), is_live=True, pressed="line-3"
    )
    listed = [html.partition('<div class="skw-list">')[2] for html in (with_error, beside_log)]
    assert outline(f"<div>{listed[0]}") == outline(f"<div>{listed[1]}") == ["div", "h4", "ul"]
    build = BuildRow(1, "naive", "done", 4.0)
    assert outline(builds_html([build], "", shown=1, is_live=True)) == outline(
        builds_html([build], "Rebuilding took 1 s", shown=1, is_live=True)
    )
    row = ComparedStep("s", "RUN b", None, None, "", "")
    comparison = BuildComparison(1, 2, "x", (), (), (row,))
    explained = replace(comparison, why=(ExplainedStep("hit", "RUN b", "because"),))
    outlines = [
        outline(comparison_html(one, [], is_live=True, shows_all=shows_all))
        for one in (comparison, explained)
        for shows_all in (False, True)
    ]
    assert all(one == outlines[0] for one in outlines)


def test_markup_in_names_labels_and_sentences_stays_text():
    row = StepRow("line-3", 3, EVIL, "failed", 1.0, error=EVIL, note=EVIL, why=EVIL)
    build = BuildRow(1, EVIL, "done", 1.0, parts=(BarPart(0, 90, EVIL, is_failed=True),))
    steps = (ComparedStep(EVIL, EVIL, None, ComparedState("ran", 1.0), EVIL, "run"),)
    comparison = BuildComparison(1, 1, EVIL, (ExplainedStep("run", EVIL, EVIL),), (EVIL,), steps)
    pieces = [
        live(
            row,
            title=EVIL,
            error=EVIL,
            stand_ins=EVIL,
            agreement=EVIL,
            forecast=[{"line": 3, "forecast": "miss", "because": EVIL, "note": EVIL}],
        ),
        outlook_html(Outlook(1, 1, 1, EVIL, EVIL)),
        builds_html([build], EVIL, shown=1, is_live=True),
        comparison_html(comparison, [build], is_live=True, shows_all=True),
    ]
    for piece in pieces:
        tags = parsed(piece)
        assert not tags.tags & {"img", "script"}, piece
        assert "&lt;" in piece


LAYER = ShownLayer(0, "RUN make", 3_000_000, added=1200, changed=0, removed=1, wasted_bytes=50, is_shared=True)
FILE = TreeRow("/a", "a", 1, "file", 2000, place=2)


def layers_page(*rows: TreeRow, layer: ShownLayer = LAYER, boxes: tuple[MapBox, ...] = (), **choices) -> LayersPage:
    image = ShownImage("first", "app:1", 1, 1, (layer,), (WastedPath("/a", 7),))
    tree = FileList("the files", "3 files", 4000, rows, "")
    shown = FileMap("/etc", 10, "by size", boxes)
    return LayersPage("finding", (), (image,), LayerSelection(**choices), tree, shown, NOTHING_SHOWN, "")


def line(row: TreeRow, **choices) -> str:
    return layers_traits(layers_page(row, **choices))["tree_html"]


@pytest.mark.parametrize(("state", "word"), [("added", "+ added"), ("changed", "~ changed"), ("removed", "− removed")])
def test_what_a_layer_does_to_a_file_is_told_by_a_sign_and_a_word(state, word):
    assert word in line(replace(FILE, state=state))


def test_a_line_of_all_layers_together_names_the_layer_that_stores_it():
    assert "layer 3" in line(FILE)
    assert "layer 3" not in line(FILE, place=0)


def test_a_changed_file_shows_both_sizes_and_a_removed_one_what_it_had():
    assert "1.0 kB → 2.0 kB" in line(replace(FILE, state="changed", before_bytes=1000))
    assert "7.0 kB" in line(replace(FILE, state="removed", before_bytes=7000, size_bytes=0))


def test_a_screen_reader_hears_name_change_and_size_and_whether_a_folder_is_open():
    html = line(replace(FILE, opened=True, kind="directory", files=3, state="added"))
    assert 'aria-label="a, added, 3 files, 2.0 kB"' in html
    assert 'aria-expanded="true"' in html
    assert 'aria-level="2"' in html
    assert "aria-expanded" not in line(FILE)


def test_a_layer_says_its_counts_its_waste_and_that_it_is_shared():
    html = layers_traits(layers_page())["images_html"]
    for words in ("+1,200 added", "−1 removed", "50 bytes wasted", "= shared", "7 bytes"):
        assert words in html
    assert 'aria-label="Layer 1, RUN make, 3.0 MB, 1,200 added, 1 removed, 50 bytes wasted, shared"' in html
    assert choices(html) == [{"side": "first", "place": -1}, {"side": "first", "place": 0}]


def test_a_path_of_invisible_characters_goes_to_the_script_as_it_is_and_is_shown_as_escapes():
    path = "/a\u200bb\x7f"
    page = layers_page(replace(FILE, path=path, name=path[1:]))
    traits = layers_traits(replace(page, map=replace(page.map, folder=f"{path}/c")))
    (written,) = re.findall(r'data-path="([^"]*)"', traits["tree_html"])
    assert json.loads(unescape(written)) == path
    assert r'title="/a\u200bb\x7f"' in traits["tree_html"]
    assert choices(traits["map_html"])[1] == {"folder": path}


def test_around_a_map_are_the_folders_above_it():
    html = layers_traits(layers_page(folder="/etc"))["map_html"]
    assert choices(html) == [{"folder": "/"}, {"folder": "/etc"}]
    assert "The files here have no bytes." in html


def test_markup_in_paths_commands_and_contents_stays_text():
    row = replace(FILE, name=EVIL, path=EVIL, link=EVIL, note=EVIL)
    box = MapBox(EVIL, EVIL, "file", "", False, 1, 1, 0, 0, 1, 1, is_labelled=True)
    page = layers_page(row, layer=replace(LAYER, command=EVIL), boxes=(box,), folder=EVIL)
    page = replace(page, content=ShownContent(EVIL, "text", EVIL, EVIL), finding=EVIL, facts=(EVIL,))
    for name, html in layers_traits(page).items():
        if name.endswith("_html"):
            assert not parsed(html).tags & {"img", "script"}, name


def test_page_and_saved_notebook_show_the_same_words(folder):
    with own_app(folder({"Dockerfile": "FROM alpine\nRUN true\n"})) as app, bench_of(app, a_build(), a_build(*CACHED)) as bench:
        page = bench.page()

    def words(html: str) -> list[str]:
        return re.sub(r"<(select|button type=.button. class=.skw-plain).*?</(select|button)>|<[^>]+>", " ", html).split()

    assert words(page.steps_html(is_live=True)) == words(page.steps_html(is_live=False))
    saved = words(page.builds_html(is_live=False))
    assert [word for word in words(page.builds_html(is_live=True)) if word not in saved] == ["Compare"]
