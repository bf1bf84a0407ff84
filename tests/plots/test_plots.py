from __future__ import annotations

import functools
import itertools
import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from speedkit import plots
from speedkit.causes import (
    Cause,
    DependsOnBytes,
    Evicted,
    FileChange,
    FilesChanged,
    Line,
    NeverBuilt,
    NotNeeded,
    OnlySettings,
    OtherBytes,
    SameBytes,
    StageBegins,
    StepRan,
    TextChanged,
    Unchanged,
    Variable,
    VariablesChanged,
)
from speedkit.history import Reasons
from speedkit.measurements import comparable_builds, edits_in_order, measure
from speedkit.messages import PSEUDO
from speedkit.model import Base, Build, ImageLayer, Step, StepSource
from speedkit.plots.plot import PLOTLY_MIME
from speedkit.plots.style import CACHED, RAN, short_instruction
from speedkit.recordings import BEFORE_STAGES
from speedkit.rendering.reasons_html import Reason
from tests.images.archives import image_of, layer

SLOW, QUICK = 30.0, 0.9
NUMBERS = itertools.count()
"""As on an engine, no two builds have one id."""


def step(line: int | None, text: str, state: str, seconds: float, started: float | None = 0.0) -> Step:
    return Step(text, "builder", text, line, state, seconds, started_seconds=started)


def build(
    strategy="naive",
    edit="rename-field",
    seconds=SLOW,
    *,
    ran=True,
    stand_in=True,
    ok=True,
    size=21_000_000,
    day="2026-01-01",
) -> Build:
    state = "ran" if ran else "cached"
    return Build(
        id=f"build-{next(NUMBERS)}",
        app="app",
        strategy=strategy,
        edit=edit,
        started_at=f"{day}T00:00:00+00:00",
        seconds=seconds,
        outcome="done" if ok else "failed",
        exit_code=0 if ok else 1,
        dockerfile="",
        step_list=(
            step(1, "FROM golang:alpine", "cached", 0.0),
            step(4, "COPY . /workspace", state, 0.1 if ran else 0.0),
            step(
                5,
                "RUN go build -o <speedup> && echo a very long command line that does not fit",
                state,
                seconds * 0.9 if ran else 0.0,
            ),
            step(9, 'ENTRYPOINT ["/speedup"]', "no-step", 0.0, None),
        ),
        image="sha256:1",
        image_bytes=size,
        layers=(
            ImageLayer("base", 9_000_000, True),
            ImageLayer("COPY /speedup", size - 9_000_000, False),
            ImageLayer("RUN true", 0, False),
        ),
        bases=(Base("alpine", "localhost:1/speedkit/standin-alpine", stand_in),),
    )


SET = [
    build(),
    build("naive", "none", 0.2, ran=False),
    build("scratch", seconds=QUICK, size=9_500_000),
    build("scratch", "cold", 31.0, size=9_500_000),
]
FILES = image_of(layer(("usr/lib/libc.so", b"a" * 9_000), ("speedup", b"a" * 21_000)), layer(("usr/lib/libc.so", b"b" * 10)))
HOSTILE = "<b>x</b><a href='//evil'>&"
ENTITY = re.compile(r"&(?!amp;|lt;|gt;|quot;|#x27;)")


def reason(line: int, text: str, state: str, cause: Cause, *, stage="builder", seconds=0.0, sources=()) -> Reason:
    ways = tuple(StepSource(source, how) for source, how in sources)
    return Reason(line, stage, text, state, cause, (), seconds, ways)


def changed(*paths: str) -> FilesChanged:
    return FilesChanged(tuple(FileChange(path, "content") for path in paths))


def graph(last="cached", hostile=""):
    """Two stages: a file changed, its stage ran again, and the bytes at the end are the same or are not."""
    cause = SameBytes((Line(3),)) if last == "cached" else OtherBytes((Line(3),))
    steps = (
        reason(1, "FROM golang AS builder", "cached", Unchanged()),
        reason(2, f"COPY . .{hostile}", "ran", changed(f"main.go{hostile}"), seconds=0.1),
        reason(3, "RUN go build " + "x" * 60, "ran", StepRan((Line(2),)), seconds=1.2, sources=[(2, "before")]),
        reason(4, f"FROM scratch{hostile}", "no-step", StageBegins(), stage=f"stage-1{hostile}"),
        reason(5, "COPY --from=builder /x /x", last, cause, stage=f"stage-1{hostile}", sources=[(3, "copy")]),
        reason(6, 'CMD ["/x"]', "no-step", OnlySettings(), stage=f"stage-1{hostile}"),
    )
    return Reasons("title", steps, build())


@functools.cache
def every_plot():
    return {
        "timeline": plots.timeline(SET[0]),
        "two timelines": plots.timeline(SET[0], SET[2]),
        "rebuild": plots.rebuild(SET),
        "grid": plots.cache_grid(SET),
        "sizes": plots.sizes(SET),
        "size_vs_rebuild": plots.size_vs_rebuild(SET),
        "stages": plots.stages(graph()),
    }


def bars(plot):
    """The bars that are seen, in all panels."""
    return [trace for trace in plot.figure.data if trace.hoverinfo == "skip"]


def labels(plot):
    """Place and label of every bar of the first panel, from top to bottom."""
    first = [bar for bar in bars(plot) if bar.yaxis in (None, "y")]
    return [text for _, text in sorted(pair for bar in first for pair in zip(bar.y, bar.text, strict=True))]


@pytest.mark.parametrize("name", list(every_plot()))
def test_every_figure_has_a_finding_how_it_was_measured_and_a_table(name):
    plot = every_plot()[name]
    assert plot.title
    assert "stand-in base" in plot.measured
    assert "recorded 1\N{NO-BREAK SPACE}Jan\N{NO-BREAK SPACE}2026" in plot.measured
    assert len(plot.table) > 0
    assert plot.figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert plot.figure.layout.showlegend is False
    assert "stand-in base" in plot.table_html()


def runs(strategy: str, *seconds: float, edit: str = "rename-field", size: int = 21_000_000) -> list[Build]:
    """The same build, run as often as there are times."""
    return [build(strategy, edit, each, size=size) for each in seconds]


def test_titles_are_computed_from_the_builds():
    repeated = [*SET, build(seconds=31.0), build("scratch", seconds=1.0, size=9_500_000)]
    assert plots.rebuild(repeated).title == "A field renamed: 30.5 s with naive, 0.95 s with scratch"
    assert plots.timeline(SET[0]).title == "27.0 s of 30.0 s are one step: line 5, RUN go build -o <speedu…"
    assert plots.timeline(SET[1]).title == "Nothing ran: all from the cache in 0.20 s"
    assert plots.sizes(SET).title == "21.0 MB with naive, 9.5 MB with scratch"
    assert plots.size_vs_rebuild(repeated).title == "scratch is both the quickest and the smallest: 0.95 s, 9.5 MB"
    assert plots.cache_grid(SET).title == "A field renamed: 2 of 2 steps run again; nothing changed: 0"


def test_single_runs_name_no_winner_in_seconds_but_count_steps():
    one_each = [build("naive", seconds=44.5), build("chained", seconds=36.0)]
    assert plots.rebuild(one_each).title == "A field renamed: 2 of 3 steps ran with naive, 2 of 3 steps ran with chained"
    assert plots.size_vs_rebuild(one_each).title == (
        "Naive and chained are the smallest (21.0 MB); these runs do not show which one rebuilds quicker"
    )


def test_a_difference_within_the_spread_of_repeated_runs_names_no_winner():
    overlapping = [*runs("naive", 25.0, 44.5), *runs("chained", 36.0, 24.0)]
    assert " s with" not in plots.rebuild(overlapping).title
    apart = [*runs("naive", 25.0, 44.5), *runs("mounts", 1.0, 1.4)]
    assert plots.rebuild(apart).title == "A field renamed: 34.8 s with naive, 1.2 s with mounts"


def test_a_single_run_counts_when_it_differs_by_more_than_any_repeated_one():
    noise = runs("host", 1.0, 2.0, edit="comment")
    assert " s with" not in plots.rebuild([build(seconds=3.8), build("warm", seconds=2.0), *noise]).title
    assert plots.rebuild([build(seconds=4.2), build("warm", seconds=2.0), *noise]).title == (
        "A field renamed: 4.2 s with naive, 2.0 s with warm"
    )


def test_runs_of_one_build_that_happen_to_lie_apart_name_no_winner():
    apart_by_luck = [*runs("naive", 25.0, 27.0), *runs("chained", 27.1, 29.0)]
    assert " s with" not in plots.rebuild(apart_by_luck).title
    three_each = [*runs("naive", 25.0, 26.0, 27.0), *runs("chained", 27.1, 28.0, 29.0)]
    assert " s with" not in plots.rebuild(three_each).title
    wider_than_both = [*runs("naive", 25.0, 26.0, 27.0), *runs("chained", 29.5, 30.0, 31.0)]
    assert plots.rebuild(wider_than_both).title == "A field renamed: 30.0 s with chained, 26.0 s with naive"


def test_a_build_that_is_given_twice_is_one_run():
    given_twice = [build(), build("scratch", seconds=QUICK)] * 2
    assert "one run each" in plots.rebuild(given_twice).measured
    assert " s with" not in plots.rebuild(given_twice).title


def test_a_headline_names_no_strategy_whose_lead_is_within_the_spread():
    builds = [
        *runs("chained", 25.6, 27.0),
        *runs("stages", 26.9, 25.0),
        *runs("naive", 26.2, 26.4),
        *runs("mounts", 0.88, 0.9),
        *runs("scratch", 0.61, 0.62),
    ]
    assert plots.rebuild(builds).title == "A field renamed: 25.9 s to 26.3 s with 3 strategies, 0.61 s with scratch"
    two = [*runs("naive", 25.0, 30.0), *runs("warm", 1.0, 1.4), *runs("mounts", 1.2, 1.3)]
    assert plots.rebuild(two).title == "A field renamed: 27.5 s with naive, 1.2 s with warm and mounts"


def test_a_headline_leaves_out_what_runs_tell_neither_from_the_quick_ones_nor_from_the_slow_ones():
    between = [*runs("warm", 3.4, 3.7, 4.0), *runs("mounts", 1.5, 2.5, 3.5), *runs("scratch", 1.2, 1.5, 1.6)]
    assert plots.rebuild(between).title == "A field renamed: 3.7 s with warm, 1.5 s with scratch"


def test_a_first_good_build_after_a_mistake_is_no_measurement_of_nothing_changed():
    builds = [build("chained", "corrected", 33.2), build("chained", "none", 0.12, ran=False)]
    assert [(one.edit, one.seconds) for one in measure(comparable_builds(builds))] == [("none", 0.12)]


def test_the_difference_of_two_builds_is_the_work_that_each_had():
    renamed, unchanged, scratch = SET[0], SET[1], SET[2]
    assert plots.timeline(renamed, scratch).title == (
        "A field renamed: 2 of 3 steps ran with naive, 2 of 3 steps ran with scratch"
    )
    assert plots.timeline(renamed, unchanged).title == (
        "naive: 2 of 3 steps ran with a field renamed, 0 of 3 steps ran with nothing changed"
    )
    assert plots.timeline(unchanged, scratch).title == "0 of 3 steps ran with naive, 2 of 3 steps ran with scratch"


def test_the_quickest_and_the_smallest_are_named_apart_when_they_differ():
    quick = plots.size_vs_rebuild([*runs("naive", 1.0, 1.1), *runs("scratch", 4.0, 4.4, size=9_500_000)])
    assert quick.title == "naive is the quickest (1.1 s), scratch is the smallest (9.5 MB)"
    assert plots.size_vs_rebuild([build()]).title == "naive was built: 30.0 s, 21.0 MB"


def test_those_that_runs_do_not_tell_apart_are_named_together():
    three = [*runs("warm", 1.0, 1.4), *runs("mounts", 1.2, 1.3), *runs("naive", 25.0, 30.0)]
    assert plots.size_vs_rebuild(three).title == "Warm and mounts are the quickest, 3 strategies are the smallest (21.0 MB)"


def test_images_that_differ_by_less_than_a_hundredth_have_no_smallest():
    alike = [build("chained", size=21_410_000), build("stages", size=21_400_000), build("scratch", size=8_600_000)]
    assert plots.sizes(alike).title == "21.4 MB with 2 strategies, 8.6 MB with scratch"
    assert plots.sizes([build("a", size=21_440_000), build("b", size=21_510_000)]).title == (
        "All images are about the same size: 21.5 MB"
    )


def test_sizes_are_those_of_one_edit_and_others_are_named():
    sources_alike = [build("naive"), build("scratch", size=9_500_000), build("naive", "add-dependency", size=22_000_000)]
    plot = plots.sizes(sources_alike)
    assert plot.title == "21.0 MB with naive, 9.5 MB with scratch"
    assert "built after a field renamed;" in plot.measured
    other = plots.sizes([*sources_alike, build("warm", "readme")])
    assert "built after a field renamed, warm built after the README edited;" in other.measured


def test_a_second_build_with_nothing_left_to_do_says_nothing_about_the_edit():
    repeated = [build(seconds=40.0), build(seconds=0.2, ran=False)]
    assert [one.seconds for one in measure(repeated)] == [40.0]
    assert plots.cache_grid(repeated).title == "A field renamed: 2 of 2 steps run again"
    assert "one run" in plots.rebuild(repeated).measured


def test_an_edit_that_never_makes_anything_run_is_measured_all_the_same():
    touched = [build(edit="touch", seconds=0.2, ran=False), build(edit="touch", seconds=0.4, ran=False)]
    assert [round(one.seconds, 6) for one in measure(touched)] == [0.3]


def test_edits_that_somebody_typed_are_not_put_together_as_one():
    typed = build(edit="custom", seconds=5.0)
    assert comparable_builds([typed, SET[0]]) == [SET[0]]
    assert comparable_builds([typed]) == [typed]
    assert plots.rebuild([typed, build("scratch", "custom", 2.0)]).title.startswith("An edit of your own: 2 of 3 steps")


def test_edits_keep_one_order_and_unknown_ones_follow():
    assert edits_in_order(["mine", "readme", "none", "mine", "touch"]) == ["none", "touch", "readme", "mine"]


def test_strategies_stand_in_the_same_order_in_every_figure():
    several = [build("b", seconds=1.0), build("a", seconds=9.0), build("c", seconds=4.0)]
    for plot in (plots.rebuild(several), plots.sizes(several)):
        assert plot.figure.layout.yaxis.ticktext == ("b", "a", "c")


def test_a_spread_is_shown_with_the_number_of_runs_and_one_run_is_called_one_run():
    three = [build(seconds=seconds) for seconds in (10.0, 12.0, 11.0)] + [build("scratch", seconds=s) for s in (1.0, 1.2, 1.1)]
    plot = plots.rebuild(three)
    assert "median and range of 3 runs" in plot.measured
    assert labels(plot) == ["<b>11.0 s</b>  10.0 s to 12.0 s", "<b>1.1 s</b>  1.0 s to 1.2 s"]
    assert plot.table["median_seconds"].tolist() == [11.0, 1.1]
    assert "one run each" in plots.rebuild(SET).measured
    assert "median and range of 1 to 3 runs" in plots.rebuild([*three, build("warm")]).measured


def test_a_bar_is_blue_and_plain_only_where_everything_was_cached_whatever_it_is_shown_beside():
    touched, renamed, cold = build(edit="touch", seconds=0.2, ran=False), build(seconds=QUICK), build("naive", "cold", 31.0)
    for source in ([touched, renamed], [touched, renamed, cold, build("scratch", seconds=SLOW)]):
        plot = plots.rebuild(source)
        assert "striped: something ran" in plot.measured
        looks = {text: (bar.marker.color, bar.marker.pattern.shape) for bar in bars(plot) for text in bar.text}
        assert looks["<b>0.20 s</b>  "] == (CACHED, "")
        assert looks["<b>0.90 s</b>  "] == (RAN, "/")


def test_a_wide_range_is_shown_on_a_log_scale_that_is_named_and_a_narrow_one_is_not():
    wide, narrow = plots.rebuild(SET).figure, plots.rebuild([build(seconds=5.0), build("scratch", seconds=2.0)]).figure
    assert wide.layout.xaxis.type == "log"
    assert wide.layout.xaxis.title.text == "seconds, a logarithmic scale"
    assert narrow.layout.xaxis.type != "log"
    assert narrow.layout.xaxis.range[0] == 0


def test_cached_and_rebuilt_differ_in_pattern_and_word_not_in_colour_alone():
    plot = plots.timeline(SET[0])
    assert labels(plot) == ["✓ cached", "↻ 0.10 s", "↻ 27.0 s"]
    assert {bar.text[0][0]: bar.marker.pattern.shape for bar in bars(plot)} == {"✓": "", "↻": "/"}
    cells = {note.text for note in plots.cache_grid(SET).figure.layout.annotations}
    assert cells == {"✓ cached", "↻ runs"}


def test_a_failed_build_names_its_line_and_what_was_not_reached():
    steps = (
        step(4, "COPY . .", "ran", 0.1),
        step(5, "RUN go build", "failed", 3.0, 0.1),
        step(6, "RUN true", "waiting", 0.0, None),
    )
    plot = plots.timeline(replace(build(ok=False), step_list=steps))
    assert plot.title == "Line 5, RUN go build fails after 3.0 s"
    assert labels(plot) == ["↻ 0.10 s", "✗ failed, 3.0 s", "not reached"]
    stopped = replace(build(ok=False), step_list=(step(None, "make exe", "cancelled", 3.0),))
    assert plots.timeline(stopped).title == "Make exe was cancelled after 3.0 s"


def test_the_table_of_a_grid_says_in_whole_that_a_step_was_not_reached():
    failing = replace(build(ok=False), step_list=(step(5, "RUN a", "failed", 3.0), step(6, "RUN b", "waiting", 0.0, None)))
    table = plots.cache_grid([failing]).table
    assert table.iloc[:, 1].tolist() == ["fails", "not reached"]


def test_the_columns_of_a_grid_are_named_alike_in_all_languages_and_a_reader_sees_words(language):
    own = [*SET, build(edit="a line of mine"), build(edit="line")]
    names = ["instruction", "none", "rename-field", "a line of mine", "line"]
    assert plots.cache_grid(own, "naive").table.columns.tolist() == names
    heads = re.findall('<th class="text sk-(?:line|words)" scope="col">(.*?)</th>', plots.cache_grid(own, "naive").table_html())
    assert heads == ["instruction", "nothing changed", "field renamed", "line of mine", "line"]
    language(PSEUDO)
    assert plots.cache_grid(own, "naive").table.columns.tolist() == names


@pytest.mark.parametrize("edit", ["10 seconds", "state", "size_bytes", "image_mb"])
def test_an_edit_may_have_the_name_of_an_amount(edit):
    assert ">runs</td>" in plots.cache_grid([build(edit=edit)]).table_html()


def test_stages_that_are_not_the_dockerfiles_own_are_named_in_the_readers_language(language):
    def mixed() -> Build:
        steps = (
            Step("make exe", "host", "make exe", None, "ran", 1.0, kind="host"),
            Step("ARG A", BEFORE_STAGES, "ARG A", 1, "no-step", 0.0),
            Step("RUN a", "host", "RUN a", 3, "ran", 1.0),
        )
        return replace(build(), step_list=steps)

    assert plots.timeline(mixed()).table["stage"].tolist() == ["host", "before the stages", "host"]
    language(PSEUDO)
    plot = plots.timeline(mixed())
    assert plot.table["stage"].tolist() == ["⟦hóst··⟧", "⟦béfóré thé stágés·······⟧", "host"]
    assert [text.partition(":")[0] for text in plot.figure.data[0].hovertext] == ["⟦hóst··⟧", "host"]


def test_many_edits_leave_room_for_the_words_in_their_cells():
    few, many = ([build("scratch", f"edit {number}") for number in range(count)] for count in (2, 7))
    assert plots.cache_grid(many).figure.layout.margin.l <= plots.cache_grid(few).figure.layout.margin.l
    label = plots.cache_grid([replace(one, step_list=(step(8, "RUN " + "x" * 60, "ran", 1.0),)) for one in many])
    assert max(map(len, label.figure.layout.yaxis.ticktext)) <= 32


@pytest.mark.parametrize(
    ("instruction", "letters", "label"),
    [
        ("RUN go build", 34, "RUN go build"),
        ("RUN --network=none --mount=type=bind,target=. A=0 B=1 go build -o /x .", 24, "RUN … go build -o /x ."),
        ("RUN CGO_ENABLED=0 go build " + "x" * 60, 24, "RUN CGO_ENABLED=0 go bu…"),
        ("COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/", 34, "COPY --from=builder …/ca-certific…"),
        ("COPY --from=builder /out/speedup /speedup", 28, "COPY --from=builder …/speed…"),
        ("FROM a-very-long-name-of-an-image", 9, "FROM a-v…"),
    ],
)
def test_a_short_label_of_an_instruction_has_its_command_or_the_files_that_it_copies(instruction, letters, label):
    assert short_instruction(instruction, letters) == label


def test_long_names_are_cut_with_an_ellipsis_and_whole_in_the_tooltip():
    figure = plots.timeline(SET[0]).figure
    assert figure.layout.yaxis.ticktext[2].endswith("…")
    assert "does not fit" in figure.data[0].hovertext[2]
    cells = plots.cache_grid(SET).figure
    assert cells.layout.yaxis.ticktext[1].endswith("…")
    assert "does not fit" in cells.data[0].text[1][0]
    long = plots.sizes(
        [replace(build(), layers=(ImageLayer("RUN /bin/sh -c " + "x" * 200 + " # buildkit", 21_000_000, False),))]
    )
    assert "…" in long.figure.data[0].text[0]
    assert "x" * 200 in long.figure.data[0].hovertext[0]


def test_a_layer_too_thin_for_its_label_shows_its_size_alone_or_nothing():
    thin = replace(
        build(size=100_000_000),
        layers=(ImageLayer("a", 87_000_000, False), ImageLayer("bbbbbb", 12_000_000, False), ImageLayer("c", 1_000_000, False)),
    )
    assert [trace.text[0] for trace in plots.sizes([thin]).figure.data] == ["a 87.0 MB", "12.0 MB", ""]


def test_a_long_title_is_broken_into_lines_that_make_room_for_themselves():
    short, long = plots.sizes([build("a")]), plots.sizes([build("a b " * 30)])
    assert "<br>" in long.figure.layout.title.text
    assert "<br>" not in long.title
    assert long.figure.layout.margin.t > short.figure.layout.margin.t


def test_failed_builds_are_not_measured_and_nothing_built_is_said():
    failed = build(ok=False)
    assert plots.rebuild([failed]).title == "Nothing was built yet"
    assert plots.cache_grid([failed]).title == "Every build shown failed"
    for plot in (plots.rebuild, plots.sizes, plots.size_vs_rebuild, plots.cache_grid):
        assert plot([]).title == "Nothing was built yet"
        assert plot([]).bundle["text/html"].startswith("<svg")
    assert plots.rebuild([build()]).title == "One strategy was built: build another one to compare"
    assert plots.sizes([build()]).title == "naive: 21.0 MB"
    assert plots.sizes([build(), build("warm")]).title == "All images are the same size: 21.0 MB"
    assert "stand-in" not in plots.rebuild([build(stand_in=False)]).measured


def test_a_strategy_that_failed_is_named_as_failed_beside_those_that_did_not():
    told = plots.rebuild([build(), build("warm", ok=False), build("naive", "break", ok=False)]).measured
    assert "failed: warm;" in told
    several = [build(), build("naive", "readme", 2.0), build("warm", "readme", ok=False)]
    assert "failed: warm (README edited);" in plots.rebuild(several).measured
    assert "failed" not in plots.rebuild([build(), build("warm"), build("warm", ok=False)]).measured


def test_builds_of_several_days_name_the_first_and_the_last():
    days = [build(day="2026-01-03"), build("warm", day="2026-01-01")]
    assert "recorded 1 Jan 2026 to 3 Jan 2026" in plots.rebuild(days).measured.replace("\N{NO-BREAK SPACE}", " ")


def test_several_edits_have_a_panel_each_with_bars_of_one_thickness():
    figure = plots.rebuild([*SET, build("scratch", "readme", 1.0)]).figure
    assert [note.text for note in figure.layout.annotations] == ["A field renamed", "The README edited"]
    one, two = figure.layout.yaxis.domain, figure.layout.yaxis2.domain
    assert one[1] - one[0] == pytest.approx(2 * (two[1] - two[0]))
    assert plots.cache_grid([build(edit="a"), build(edit="b")]).title == (
        "Every edit that can be built makes 2 of 2 steps run again"
    )


def test_a_grid_names_no_edit_before_others_that_run_as_many_steps():
    worst = [build(edit="readme"), build(edit="rename-field"), build(edit="comment")]
    least = [build(edit="none", ran=False), build(edit="touch", ran=False)]
    assert plots.cache_grid([*worst, *least]).title == (
        "3 edits: 2 of 2 steps run again; nothing changed and a file touched: 0"
    )
    assert (
        plots.cache_grid([*worst, *least, build(edit="mine", ran=False)]).title
        == "3 edits: 2 of 2 steps run again; 3 others: 0"
    )


def test_labels_of_points_that_lie_together_do_not_take_the_same_place():
    close = [build(name, seconds=10.0 + number / 10) for number, name in enumerate("abcd")]
    places = plots.size_vs_rebuild([*close, build("far", seconds=400.0)]).figure.data[0].textposition
    assert len(set(places[:4])) == 4


def test_the_longest_text_beside_a_bar_has_room():
    slow = [*runs("naive", 340.0, 604.0), build("host", seconds=9.6)]
    longest = "7 min 52 s  5 min 40 s to 10 min 4 s"
    assert labels(plots.rebuild(slow))[0].replace("<b>", "").replace("</b>", "") == longest
    assert plots.rebuild(slow).figure.layout.margin.r > 7 * len(longest)


def test_an_edit_that_makes_nothing_run_is_not_weighed_against_size_before_one_that_does():
    touched = [build("naive", "touch", 0.5, ran=False), build("host", "touch", 3.1)]
    assert "a field renamed" in plots.size_vs_rebuild([*touched, build("naive"), build("host")]).figure.layout.xaxis.title.text


def test_sizes_of_first_builds_are_of_the_files_as_they_were():
    assert "built of the files as they were;" in plots.sizes([build("naive", "cold"), build("warm", "none")]).measured


def test_a_label_of_a_point_at_an_edge_stays_in_the_figure():
    ends = [build("the-quickest-of-them-all", seconds=0.5), build("the-slowest-of-them-all", seconds=40.0)]
    first, last = plots.size_vs_rebuild(ends).figure.data[0].textposition
    assert first.endswith("right")
    assert last.endswith(("left", "center"))


def test_the_edit_with_the_most_strategies_is_weighed_against_size_unless_one_is_named():
    mixed = [*SET, build("scratch", "my edit", 3.0), build("warm", "my edit", 2.0), build("mounts", "my edit", 1.0)]
    assert "my edit" in plots.size_vs_rebuild(mixed).figure.layout.xaxis.title.text
    assert plots.size_vs_rebuild(mixed, "rename-field").table["strategy"].tolist() == ["naive", "scratch"]


def test_many_short_steps_have_no_single_culprit():
    even = replace(build(seconds=10.0), step_list=tuple(step(n, f"RUN {n}", "ran", 2.0) for n in range(5)))
    assert plots.timeline(even).title == "5 steps ran, 10.0 s in all"


@pytest.mark.parametrize("name", [*every_plot(), "treemap"])
def test_names_from_outside_are_never_taken_as_markup(name):
    hostile = [
        replace(
            build(f"{strategy}{HOSTILE}", edit, seconds),
            step_list=(step(1, f"RUN {HOSTILE}", "ran", seconds),),
            layers=(ImageLayer(HOSTILE, 21_000_000, False),),
        )
        for strategy, edit, seconds in (("a", f"edit{HOSTILE}", 9.0), ("b", f"edit{HOSTILE}", 3.0), ("a", "cold", 9.0))
    ]
    plot = {
        "timeline": lambda: plots.timeline(hostile[0]),
        "two timelines": lambda: plots.timeline(hostile[0], hostile[1]),
        "rebuild": lambda: plots.rebuild([*hostile, build("a", "other")]),
        "grid": lambda: plots.cache_grid(hostile),
        "sizes": lambda: plots.sizes(hostile),
        "size_vs_rebuild": lambda: plots.size_vs_rebuild(hostile),
        "stages": lambda: plots.stages(graph(hostile=HOSTILE)),
        "treemap": lambda: plots.treemap(image_of(layer((HOSTILE, b"12")))),
    }[name]()
    drawn = json.dumps(json.loads(plot.figure.to_json())).replace('"ids"', "")
    for shown in (plot.bundle["text/html"], plot.table_html()):
        assert "<a href" not in shown
        assert "<b>x" not in shown
    if name != "treemap":  # a treemap's ids are keys that plotly does not show
        assert "<a href" not in drawn
        assert "<b>x" not in drawn


@pytest.mark.parametrize("name", list(every_plot()))
def test_every_figure_has_a_drawing_that_needs_no_script_and_holds_its_words(name):
    plot = every_plot()[name]
    drawing = str(plot.bundle["text/html"])
    assert not ENTITY.search(drawing)
    root = ET.fromstring(drawing)  # noqa: S314 (our own drawing)
    words = " ".join(root.itertext())
    assert plot.title in root.attrib["aria-label"]
    for text in (trace.text for trace in plot.figure.data if trace.type == "bar" and trace.text):
        for label in filter(None, text):
            assert re.sub("</?b>", "", label).split()[-1] in words
    assert not re.search(r"<script|href|url\(", drawing)


def test_a_drawing_has_its_bars_where_the_values_are():
    root = ET.fromstring(plots.sizes(SET).bundle["text/html"])  # noqa: S314 (our own drawing)
    bars_drawn = list(root.iter("{http://www.w3.org/2000/svg}rect"))
    base, own, base_small, own_small = (float(node.attrib["width"]) for node in bars_drawn)
    assert own / base == pytest.approx(12 / 9, rel=0.01)
    assert base_small == base
    assert own_small < own / 20


def test_a_treemap_says_which_file_is_the_largest_of_the_image_or_of_one_layer():
    plot = plots.treemap(FILES)
    assert plot.title == "21.0 kB of 21.0 kB are one file: /speedup"
    assert plot.measured == "test: files and folders of the final file system by size"
    first = plots.treemap(FILES, layer=1)
    assert "of 30.0 kB are one file: /speedup" in first.title
    assert "that layer 1 stores" in first.measured
    assert plots.treemap(image_of(layer(("a", b"")))).title == "There is nothing in it"


def test_the_largest_file_is_named_however_deep_it_lies():
    deep = image_of(layer(("a/b/c/d/e/f/g/h", b"1" * 50), ("top", b"1")))
    assert plots.treemap(deep).title == "50 bytes of 51 bytes are one file: /a/b/c/d/e/f/g/h"


def test_a_treemap_draws_the_largest_with_their_folders_and_shows_the_first_rows_of_its_table():
    many = image_of(layer(*((f"{number}", b"1") for number in range(1000))))
    plot = plots.treemap(many)
    assert len(plot.figure.data[0].ids) == 400
    assert len(plot.table) == 1001
    assert "the 400 largest drawn" in plot.measured
    assert "989 more rows in its table." in plot.table_html()


def test_the_drawing_of_a_treemap_has_a_box_for_each_file_as_large_as_its_share():
    root = ET.fromstring(plots.treemap(FILES, layer=1).bundle["text/html"])  # noqa: S314 (our own drawing)
    found = {}
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        tip = box.findtext("{http://www.w3.org/2000/svg}title", "")
        found[tip.split(" ")[0]] = float(box.attrib["width"]) * float(box.attrib["height"])
    assert found["/speedup"] / found["/usr"] == pytest.approx(21 / 9, rel=0.02)
    assert "libc.so" in " ".join(root.itertext())


def test_a_table_shows_amounts_with_units_and_leaves_out_what_says_nothing():
    html = plots.timeline(SET[0]).table_html()
    assert "27.0 s" in html
    assert "fetched" not in html
    assert "no-step" not in html
    fetched = replace(SET[0], step_list=(replace(SET[0].step_list[1], bytes_fetched=1_200_000),))
    assert "1.2 MB" in plots.timeline(fetched).table_html()
    assert "<td>21.0 MB</td>" in plots.size_vs_rebuild(SET).table_html()
    sized = plots.sizes(SET).table_html()
    assert ">yes</td>" in sized
    assert "12.0 MB" in sized
    assert "<details open" not in sized
    assert "NA" not in plots.timeline(replace(build(), step_list=(step(None, "make exe", "ran", 1.0),))).table_html()


def test_a_notebook_gets_plotlys_own_format_a_drawing_and_the_table(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *things, **_: shown.extend(things))
    plots.rebuild(SET)._ipython_display_()
    assert shown[0][PLOTLY_MIME]["data"]
    assert shown[0]["text/html"].startswith("<svg")
    assert shown[0]["text/plain"].startswith("A field renamed")
    assert "<table" in shown[1].data


@pytest.mark.parametrize("name", list(every_plot()))
def test_a_figure_costs_a_notebook_less_than_40_kilobytes(name):
    assert len(json.dumps(every_plot()[name].bundle)) < 40_000


def words(plot) -> list[str]:
    return [note.text for note in plot.figure.layout.annotations]


def lines(plot) -> list[tuple[float, str]]:
    return [(shape.line.width, shape.line.dash) for shape in plot.figure.layout.shapes if shape.line.dash]


def test_the_graph_of_stages_says_what_began_the_miss_and_where_it_stopped():
    stopped, went_on = plots.stages(graph()), plots.stages(graph("ran"))
    assert stopped.title == "main.go changed: 2 of 4 steps ran, 1.3 s; miss stopped at line 5"
    assert went_on.title == "main.go changed: 3 of 4 steps ran, 1.3 s"
    assert "✓ cached: same bytes, so the miss stops here" in words(stopped)
    assert "↻ < 0.01 s  <b>other bytes than before</b>" in words(went_on)
    assert "↻ 0.10 s  <b>main.go changed</b>" in words(stopped)
    assert "stand-in base" in stopped.measured


def test_the_way_of_a_miss_is_thick_and_dotted_where_it_stops():
    assert lines(plots.stages(graph("ran"))) == [(4, "solid"), (4, "solid")]
    assert lines(plots.stages(graph())) == [(2.5, "dot"), (4, "solid")]


def test_the_table_beside_the_graph_has_what_each_step_takes_from_another_stage():
    table = plots.stages(graph()).table
    assert table["line"].tolist() == [1, 2, 3, 4, 5]
    assert table["takes_from"].tolist() == ["", "", "", "", "line 3"]
    assert "1.2 s" in plots.stages(graph()).table_html()


def test_the_graph_cuts_long_names_and_has_the_whole_in_its_tooltip_and_in_its_drawing():
    plot = plots.stages(graph())
    assert any(text.startswith("RUN go build") and text.endswith("…") for text in words(plot))
    assert "x" * 60 in plot.figure.data[0].hovertext[2]
    root = ET.fromstring(plot.bundle["text/html"])  # noqa: S314 (our own drawing)
    assert "COPY --from=builder /x /x" in " ".join(root.itertext())
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) >= 8


def test_the_graph_of_a_forecast_says_what_may_follow():
    steps = (
        reason(1, "FROM golang AS builder", "hit", Unchanged()),
        reason(2, "COPY . .", "miss", changed("main.go")),
        reason(3, "FROM scratch", "no-step", StageBegins(), stage="last"),
        reason(
            4,
            "COPY --from=builder /x /x",
            "depends",
            DependsOnBytes((Line(2),), ("/x",), "yes"),
            stage="last",
            sources=[(2, "copy")],
        ),
        reason(7, "FROM golang AS lint", "not-needed", NotNeeded("lint"), stage="lint"),
    )
    plot = plots.stages(Reasons("title", steps))
    assert plot.title == "main.go changed: 1 of 3 steps run"
    assert "◇ depends on what comes out" in words(plot)
    assert lines(plot) == [(2, "dash")]
    assert plot.measured == "a forecast: nothing was built; 1 stage that the target does not use left out"


@pytest.mark.parametrize(
    ("state", "cause", "title"),
    [
        ("cached", Unchanged(), "Everything came from the cache"),
        ("ran", NeverBuilt("RUN"), "Nothing was cached: 1 of 1 steps ran, < 0.01 s"),
        ("failed", NeverBuilt("RUN"), "Line 2, RUN true, failed"),
        ("ran", TextChanged("RUN true"), "The text of line 2 changed: 1 of 1 steps ran, < 0.01 s"),
        ("ran", VariablesChanged("argument", (Variable("X"),)), "Build argument X changed: 1 of 1 steps ran, < 0.01 s"),
        ("ran", Evicted(), "The result of line 2 was gone: 1 of 1 steps ran, < 0.01 s"),
    ],
)
def test_the_finding_of_a_graph_follows_from_what_ran(state, cause, title):
    steps = (reason(1, "FROM scratch", "no-step", StageBegins()), reason(2, "RUN true", state, cause))
    assert plots.stages(Reasons("title", steps, build())).title == title
    assert plots.stages(Reasons("title", ())).title == "There is nothing to run"


def test_a_base_image_that_is_there_is_not_called_nothing():
    steps = (reason(1, "FROM alpine", "cached", Unchanged()), reason(2, "RUN true", "ran", NeverBuilt("RUN")))
    assert plots.stages(Reasons("title", steps, build())).title == (
        "Nothing but base images was cached: 1 of 2 steps ran, < 0.01 s"
    )


def test_files_that_two_steps_read_are_named_once_in_the_finding():
    steps = (
        reason(1, "FROM scratch", "no-step", StageBegins()),
        reason(2, "COPY . .", "ran", changed("a", "b")),
        reason(3, "COPY b /b", "ran", changed("b")),
    )
    assert plots.stages(Reasons("title", steps, build())).title.startswith("a and b changed: 2 of 2")
