"""What a DataFrame of the kit prints, and that it is a DataFrame still."""

from __future__ import annotations

import pandas as pd
import pytest

from speedkit import lessons, plots
from speedkit.data_frame import Frame
from speedkit.lessons import ImagesLeft
from tests.hostile import builds
from tests.plots.test_plots import SET, graph
from tests.terminal import HOSTILE, complaints

EVERY = {
    "frame": lambda: Frame({HOSTILE: [HOSTILE], "n": [1]}, index=[HOSTILE]),
    "part": lambda: Frame({HOSTILE: [HOSTILE], "n": [1]}).head(1)[[HOSTILE]],
    "column": lambda: Frame({"a": [HOSTILE]})["a"],
    "row": lambda: Frame({"a": [HOSTILE]}, index=[HOSTILE]).iloc[0],
    "sorted": lambda: Frame({"a": [HOSTILE]}).sort_values("a").reset_index(),
    "steps": lambda: builds(HOSTILE)[0].steps,
    "reasons": lambda: graph(hostile=HOSTILE).table,
    "figure": lambda: plots.sizes(builds(HOSTILE)).table,
    "grid": lambda: plots.cache_grid(builds(HOSTILE)).table,
    "timeline": lambda: plots.timeline(builds(HOSTILE)[0]).table,
    "lessons": lambda: lessons.what_ran(*builds(HOSTILE)),
    "listing": lambda: lessons.Listing(HOSTILE),
    "images": lambda: ImagesLeft(gone=(HOSTILE,)),
}


@pytest.mark.parametrize("name", EVERY)
def test_nothing_that_is_printed_of_it_is_obeyed(name):
    thing = EVERY[name]()
    assert complaints(str(thing)) == []
    if name != "images":
        assert complaints(repr(thing)) == []
    if hasattr(thing, "to_string"):
        assert complaints(thing.to_string()) == []


def test_the_values_stay_as_they_are():
    frame = Frame({"a": [HOSTILE]})
    assert frame["a"].tolist() == [HOSTILE]
    assert frame.to_dict("records") == [{"a": HOSTILE}]
    pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame({"a": [HOSTILE]}))
    assert SET[0].steps.groupby("stage")["seconds"].sum().to_dict() == {"builder": pytest.approx(27.1)}


def test_a_figure_in_words_is_one_line_without_control_characters():
    for made in (plots.timeline(builds(HOSTILE)[0]), plots.rebuild(builds(HOSTILE)), plots.stages(graph(hostile=HOSTILE))):
        words = str(made.bundle["text/plain"])
        assert complaints(words) == []
        assert "\n" not in words


def test_no_table_is_taken_for_a_formula():
    assert "tex2jax_ignore" in Frame({"a": ["$HOME $(pwd)"]})._repr_html_()
