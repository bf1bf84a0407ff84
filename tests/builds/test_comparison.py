from __future__ import annotations

from dataclasses import replace

import pytest

from speedkit.apps import append_line, own_app
from speedkit.builds import build, compare
from speedkit.builds.host_commands import host_environment
from speedkit.errors import UnknownEdit, UnknownStrategy

pytestmark = pytest.mark.engine

TEXT = "FROM alpine\nWORKDIR /w\nCOPY a.txt .\nRUN cat a.txt > made\n"


@pytest.fixture
def app(folder):
    place = folder({"Dockerfile.one": TEXT, "Dockerfile.two": TEXT + "RUN echo two\n", "a.txt": "a\n"})
    with own_app(place, edits={"more": append_line("a.txt", "more")}) as found:
        yield found


def test_strategies_take_turns_and_every_trial_starts_cold(app):
    result = compare(app, edits=["cold", "none", "more"], repeat=2)
    order = [(run.trial, run.edit, run.strategy) for run in result.runs]
    names = ("Dockerfile.one", "Dockerfile.two")
    assert order == [(trial, edit, name) for trial in (1, 2) for edit in ("cold", "none", "more") for name in names]
    for run in result.runs:
        states = {step.line: step.state for step in run.build.instructions}
        expected = {"cold": "ran", "none": "cached", "more": "ran"}[run.edit]
        assert states[4] == expected
        assert states[2] == ("ran" if run.edit == "cold" else "cached")
    assert app.changed() == ()


def test_without_cold_builds_the_apps_own_cache_is_used(app):
    build(app, "Dockerfile.one")
    result = compare(app, ["Dockerfile.one"], ["none", "more"], cold=False)
    assert [(run.edit, run.build.instructions[-1].state) for run in result.runs] == [("none", "cached"), ("more", "ran")]


def test_the_table_lists_what_was_asked_and_the_summary_says_how_often(app):
    result = compare(app, ["Dockerfile.one"], ["none"], repeat=2)
    assert list(result.table["edit"]) == ["none", "none"]
    assert len(result.builds) == 4
    summary = result.summary.to_dict("records")[0]
    assert summary["runs"] == 2
    assert summary["low_seconds"] <= summary["median_seconds"] <= summary["high_seconds"]
    assert summary["ok"]


def test_what_is_unknown_is_refused_before_anything_is_built(app):
    with pytest.raises(UnknownStrategy):
        compare(app, ["three"])
    with pytest.raises(UnknownEdit):
        compare(app, edits=["nope"])


def test_a_failed_build_is_shown_as_failed_never_as_fast(folder):
    place = folder({"Dockerfile": "FROM alpine\nRUN false\n"})
    with own_app(place) as app:
        result = compare(app, edits=["cold"])
    assert not result.rows[0]["ok"]
    assert not result.summary["ok"].any()


def test_a_hosts_private_caches_are_not_the_users(monkeypatch):
    monkeypatch.setenv("GOFLAGS", "-buildvcs=false")
    shared, private = host_environment(None), host_environment("token")
    assert shared.get("GOCACHE") != private["GOCACHE"]
    assert "token" in private["GOMODCACHE"]
    assert private["GOFLAGS"] == "-buildvcs=false -modcacherw"


def test_builds_are_quiet_outside_a_notebook(app, capsys):
    assert build(app, "Dockerfile.one").ok
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


def test_going_back_to_the_sources_is_not_measured_with_the_next_edit(app):
    """A host command that only works when its product is another one than the sources ask for, as Go's linker does."""
    link = ("sh", "-c", "cmp -s a.txt product || { echo linked; cp a.txt product; }")
    plain = app.strategy("Dockerfile.one")
    app.strategies["host"] = replace(plain, name="host", host_commands=(link,))
    result = compare(app, ["host"], ["more", "none"])
    logs = {run.edit: next(step.log for step in run.build.instructions if step.kind == "host") for run in result.runs}
    assert logs == {"cold": "linked\n", "more": "linked\n", "none": ""}
