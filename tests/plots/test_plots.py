from __future__ import annotations

import json

import pytest

from speedkit import plots
from speedkit.model import Base, Build, ImageLayer, Step
from speedkit.plots.plot import PLOTLY_MIME

SLOW, QUICK = 30.0, 0.9


def step(line: int, text: str, state: str, seconds: float, started: float | None = 0.0) -> Step:
    return Step(text, "builder", text, line, state, seconds, started_seconds=started)


def build(strategy="naive", edit="rename-field", seconds=SLOW, *, ran=True, stand_in=True, ok=True, size=21_000_000) -> Build:
    state = "ran" if ran else "cached"
    return Build(
        id=f"{strategy}-{edit}-{seconds}",
        app="app",
        strategy=strategy,
        edit=edit,
        started_at="2026-01-01T00:00:00+00:00",
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
        bases=(Base("alpine", "speedkit/standin-alpine", stand_in),),
    )


SET = [
    build(),
    build("naive", "none", 0.2, ran=False),
    build("scratch", seconds=QUICK, size=8_000_000),
    build("scratch", "cold", 31.0),
]


def every_plot():
    return {
        "timeline": plots.timeline(SET[0]),
        "two timelines": plots.timeline(SET[0], SET[2]),
        "rebuild": plots.rebuild(SET),
        "grid": plots.cache_grid(SET),
        "sizes": plots.sizes(SET),
        "size_vs_rebuild": plots.size_vs_rebuild(SET),
    }


@pytest.mark.parametrize("name", list(every_plot()))
def test_every_figure_has_a_finding_how_it_was_measured_and_a_table(name):
    plot = every_plot()[name]
    assert plot.title
    assert "stand-in base" in plot.measured
    assert len(plot.table) > 0
    assert plot.figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert plot.figure.layout.showlegend is False
    assert "<table" in plot.table_html()


def test_titles_are_computed_from_the_builds():
    assert plots.rebuild(SET).title == "A field renamed: 30.0 s with naive, 0.90 s with scratch"
    assert plots.rebuild([build(seconds=5.0), build("scratch", seconds=2.0)]).title.startswith(
        "A field renamed: 5.0 s with naive, 2.0 s"
    )
    assert plots.timeline(SET[0]).title == "27.0 s of 30.0 s are one step: line 5"
    assert plots.timeline(SET[1]).title == "Nothing ran again: 0.20 s"
    assert plots.timeline(SET[0], SET[2]).title == "30.0 s or 0.90 s"
    assert plots.sizes(SET).title == "21.0 MB with naive, 8.0 MB with scratch" or "scratch" in plots.sizes(SET).title
    assert plots.size_vs_rebuild(SET).title.startswith("scratch is quick and small")
    assert plots.cache_grid(SET).title == "A field renamed: 2 of 2 steps run again; nothing changed: 0"


def test_a_spread_is_shown_with_the_number_of_runs_and_one_run_is_called_one_run():
    three = [build(seconds=seconds) for seconds in (10.0, 12.0, 11.0)] + [build("scratch", seconds=s) for s in (1.0, 1.2, 1.1)]
    plot = plots.rebuild(three)
    assert "median and range of 3 runs" in plot.measured
    assert "10.0 s to 12.0 s" in plot.figure.data[0].text[0]
    assert plot.table["median_seconds"].tolist() == [11.0, 1.1]
    assert "one run each" in plots.rebuild(SET).measured


def test_a_wide_range_is_shown_on_a_log_scale_and_a_narrow_one_is_not():
    assert plots.rebuild(SET).figure.layout.xaxis.type == "log"
    assert plots.rebuild([build(seconds=5.0), build("scratch", seconds=2.0)]).figure.layout.xaxis.type != "log"


def test_cached_and_rebuilt_differ_in_pattern_and_word_not_in_colour_alone():
    bars = plots.timeline(SET[0]).figure.data[0]
    assert bars.marker.pattern.shape == ("", "/", "/")
    assert bars.text[0] == "✓ cached"
    assert bars.text[2].startswith("↻")
    cells = plots.cache_grid(SET).figure.data[0].text
    assert {cell for row in cells for cell in row} == {"✓ cached", "↻ runs"}


def test_long_names_are_cut_with_an_ellipsis_and_whole_in_the_tooltip():
    figure = plots.timeline(SET[0]).figure
    assert figure.layout.yaxis.ticktext[2].endswith("…")
    assert "does not fit" in figure.data[0].hovertext[2]
    assert "<speedup>" not in figure.layout.yaxis.ticktext[2]


def test_failed_builds_are_not_measured_and_nothing_built_is_said():
    failed = build(ok=False)
    assert plots.rebuild([failed]).title == "Nothing was built yet"
    assert plots.sizes([]).title == "Nothing was built yet"
    assert plots.size_vs_rebuild([]).title == "Nothing was built yet"
    assert plots.cache_grid([]).title == "Nothing was built yet"
    assert plots.rebuild([build()]).title == "One strategy was built: build another one to compare"
    assert plots.sizes([build()]).title == "naive: 21.0 MB"
    cancelled = build()
    assert "stand-in" not in plots.rebuild([build(stand_in=False)]).measured
    assert plots.timeline(cancelled).title


def test_several_edits_have_a_panel_each():
    both = [*SET, build(edit="readme"), build("scratch", "readme", 1.0)]
    figure = plots.rebuild(both).figure
    assert [note.text for note in figure.layout.annotations][:2] == ["a field renamed", "the README edited"]
    assert plots.cache_grid([build(edit="a"), build(edit="b")]).title == "Every edit makes 2 of 2 steps run again"


def test_many_short_steps_have_no_single_culprit():
    many = build(ran=True, seconds=10.0)
    even = Build(
        **{
            **{name: getattr(many, name) for name in Build.__dataclass_fields__},
            "step_list": tuple(step(n, f"RUN {n}", "ran", 2.0) for n in range(5)),
        }
    )
    assert plots.timeline(even).title == "5 steps ran, 10.0 s in all"


def test_a_notebook_gets_plotlys_own_format_and_the_table(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *things, **_: shown.extend(things))
    plots.rebuild(SET)._ipython_display_()
    assert json.dumps(shown[0][PLOTLY_MIME])
    assert shown[0]["text/plain"].startswith("A field renamed")
    assert "<table" in shown[1].data
