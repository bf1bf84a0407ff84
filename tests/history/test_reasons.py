from __future__ import annotations

import pytest

from speedkit.apps import own_app
from speedkit.errors import EditDoesNotApply, NoHistory
from speedkit.experiment import build
from speedkit.history import explain, predict, recorded_builds, recording_of

pytestmark = pytest.mark.engine

TEXT = """\
FROM alpine AS builder
ARG LEVEL=1
COPY go.mod go.mod
RUN echo downloads > /downloads
COPY . .
RUN cat main.go > /program
FROM alpine
COPY --from=builder /program /program
CMD ["/program"]
"""


@pytest.fixture
def app(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    with own_app(folder({"Dockerfile": TEXT, "go.mod": "module x\n", "main.go": "package main\n"})) as found:
        yield found


def states(reasons) -> dict[int, str]:
    return {step.line: step.state for step in reasons.steps}


def test_the_forecast_is_what_the_next_build_does(app):
    assert states(predict(app))[4] == "miss"
    build(app)
    assert set(states(predict(app)).values()) == {"hit", "no-step"}
    app.write("main.go", "package other\n")
    forecast = states(predict(app))
    assert forecast | {8: ""} == {
        1: "hit",
        2: "no-step",
        3: "hit",
        4: "hit",
        5: "miss",
        6: "miss",
        7: "hit",
        8: "",
        9: "no-step",
    }
    seen = states(explain(build(app)))
    assert [seen[line] for line in (3, 4, 5, 6)] == ["cached", "cached", "ran", "ran"]


def test_a_miss_is_explained_by_the_file_that_changed(app):
    build(app)
    app.write("main.go", "package other\n")
    found = {step.line: step for step in explain(build(app)).steps}
    assert found[5].kind == "files"
    assert "main.go" in found[5].because
    assert found[6].kind == "parent"
    assert "line 5" in found[6].because


def test_a_first_build_in_an_empty_cache_says_so(app):
    first = explain(build(app))
    assert "started empty" in next(step.because for step in first.steps if step.line == 4)
    assert "on this machine" in first.steps[0].because


def test_what_if_a_file_changed_is_asked_without_changing_it(app):
    build(app)
    asked = states(predict(app, changed=["./main.go"]))
    assert (asked[3], asked[5]) == ("hit", "miss")
    assert app.read("main.go") == "package main\n"
    with pytest.raises(EditDoesNotApply):
        predict(app, changed=["nothing.go"])


def test_another_build_argument_is_a_miss_with_its_name(app):
    build(app)
    found = {step.line: step for step in predict(app, build_args={"LEVEL": "2"}).steps}
    assert found[4].state == "miss"
    assert "LEVEL" in found[4].because


def test_reasons_are_a_table_and_html_without_markup_of_others(app):
    app.write("Dockerfile", TEXT.replace("echo downloads", "echo '<img onerror=x>'"))
    reasons = explain(build(app))
    assert list(reasons.table.columns) == ["line", "stage", "instruction", "state", "seconds", "because"]
    html = reasons._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html
    assert predict(app)._repr_html_()


def test_a_build_is_found_by_id_by_its_beginning_or_as_the_newest(app):
    first = build(app)
    second = build(app)
    assert recording_of(None).meta.id == second.id
    assert recording_of(first.id).meta.id == first.id
    assert recording_of(first.id[:-2]).meta.id == first.id
    assert explain(first.id).steps
    with pytest.raises(NoHistory, match="speedkit history"):
        recording_of("nothing")


def test_builds_of_a_session_are_told_from_others(app, monkeypatch):
    outside = build(app)
    monkeypatch.setenv("SPEEDKIT_SESSION", "mine")
    inside = build(app)
    assert [found.id for found in recorded_builds(app.name)] == [inside.id]
    monkeypatch.delenv("SPEEDKIT_SESSION")
    assert [found.id for found in recorded_builds(app.name)] == [outside.id, inside.id]
    assert recorded_builds("another app") == []
