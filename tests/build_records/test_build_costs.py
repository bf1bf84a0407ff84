"""A month of imported builds is one table and one plot: cached share, seconds, the cost of caches, the step that got slower."""

from __future__ import annotations

import json

import pytest

import speedkit as sk

from .archives import vertex
from .printed import with_prefix


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))


def progress(day: int, seconds: float, *, cached: bool = False) -> str:
    """The rawjson of a build on a day of March, whose RUN took that long."""

    def at(second: float) -> str:
        return f"2026-03-{day:02}T10:00:{second:09.6f}Z"

    vertices = [
        vertex("[internal] load build definition from Dockerfile", started=at(0), completed=at(0.1)),
        vertex("importing cache manifest from registry.example/cache", started=at(0.1), completed=at(0.6)),
        vertex("[1/3] FROM alpine", started=at(0.1), completed=at(0.2), cached=True),
        vertex("[2/3] COPY . .", started=at(0.2), completed=at(0.3), cached=True),
        vertex("[3/3] RUN make", started=at(1), completed=at(1 + seconds), **({"cached": True} if cached else {})),
        vertex("exporting cache to registry", started=at(1 + seconds), completed=at(3 + seconds)),
    ]
    return "".join(json.dumps({"vertexes": [one]}) + "\n" for one in vertices)


@pytest.fixture
def month(home, tmp_path):
    (tmp_path / "logs").mkdir()
    for day, seconds in ((4, 9.0), (1, 3.0), (3, 8.0), (2, 2.0)):
        (tmp_path / "logs" / f"{day}.json").write_text(progress(day, seconds))
    (tmp_path / "logs" / "5.json").write_text(progress(5, 0.1, cached=True))
    return sk.import_records(tmp_path / "logs")


def test_a_month_is_a_table_with_a_row_for_each_build_the_oldest_first(month):
    table = month.table
    assert [day.day for day in table["started"]] == [1, 2, 3, 4, 5]
    assert table["cached_share"].tolist() == [0.5, 0.5, 0.5, 0.5, 1.0]
    assert table["cacheable_steps"].tolist() == [2] * 5
    # The record counts every vertex, as Docker's summary does.
    assert (table["steps"].tolist(), table["cached_steps"].tolist()) == ([6] * 5, [2, 2, 2, 2, 3])
    assert table["export_seconds"].round(3).tolist() == [2.0] * 5
    assert table["import_seconds"].round(3).tolist() == [0.5] * 5


def test_the_step_that_got_slower_is_named_and_a_build_that_had_it_cached_counts_for_neither_half(month):
    slower = month.slower_step
    assert (slower.text, round(slower.before_seconds, 3), round(slower.after_seconds, 3)) == ("RUN make", 2.5, 8.5)
    plot = sk.plots.imported_builds(month)
    assert plot.title == "RUN make got slower: 2.5 s in the first half of the builds, 8.5 s in the second"
    assert plot.measured.startswith("5 imported builds; one run each")
    assert len(plot.table) == 5


def test_a_build_whose_record_has_nothing_to_cache_has_no_share(home, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"vertexes": [vertex("[internal] load build definition from Dockerfile")]}) + "\n")
    records = sk.import_records(path)
    assert records.costs[0].cached_share is None
    plot = sk.plots.imported_builds(records)
    assert plot.title == "No record has a step that can be cached"
    # Neither the level of the share nor its fill is drawn: only the seconds are, and those of the caches.
    assert [list(trace.y) for trace in plot.figure.data] == [[2.5, 2.5], [0.0, 0.0]]


@pytest.mark.parametrize(
    "error",
    [
        'failed to calculate checksum of ref a::b: "/missing": not found',
        'failed to compute cache key: "/missing" not found: not found',
        '"/missing" not found: not found',
        "failed to walk /tmp/buildkit-mount1: lstat /tmp/buildkit-mount1/missing: no such file or directory",
    ],
)
def test_a_build_that_failed_for_a_missing_file_does_not_tell_what_was_cached(home, tmp_path, error):
    """BuildKit calls the steps cached that it did not come to."""
    lines = [
        "#1 [1/4] FROM a",
        "#1 DONE 0.1s",
        "",
        "#2 [2/4] RUN x",
        "#2 CACHED",
        "",
        "#3 [3/4] COPY missing /",
        f"#3 ERROR: {error}",
    ]
    log = with_prefix(lines, "2026-05-01T12:00:{line}0Z ").decode()
    (tmp_path / "a.log").write_text(log)
    read = sk.import_records(tmp_path / "a.log")
    (cost,) = read.costs
    assert (cost.cacheable_steps, cost.cached_steps, cost.cached_share) == (2, None, None)
    assert "BuildKit calls those cached" in read.builds[0].recording.meta.notices[-1]
    assert "? of 2 steps cached" in sk.plots.imported_builds(read).figure.to_json()
    (tmp_path / "b.log").write_text(log.replace("#2 CACHED", "#2 DONE 1.0s"))
    assert sk.import_records(tmp_path / "b.log").costs[0].cached_share == 0


def test_steps_of_all_targets_of_a_bake_file_count(home, tmp_path):
    lines = ["#1 [web 1/2] RUN x", "#1 CACHED", "#2 [api build 1/2] RUN y", "#2 DONE 1.0s"]
    lines += ["#3 [api linux/amd64 build 2/2] RUN z", "#3 CACHED"]
    (tmp_path / "a.log").write_bytes(with_prefix(lines, ""))
    (cost,) = sk.import_records(tmp_path / "a.log").costs
    assert (cost.cacheable_steps, cost.cached_steps, [*cost.ran]) == (3, 2, ["RUN y"])


def test_without_a_slower_step_the_plot_says_how_much_was_cached(home, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(progress(1, 1.0))
    plot = sk.plots.imported_builds(sk.import_records(path, path))
    assert plot.title == "Half of the builds had 50 % or more of their steps in the cache"
