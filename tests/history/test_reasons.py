from __future__ import annotations

import json
import os
import subprocess
import uuid

import pytest

from speedkit.apps import own_app
from speedkit.builds import build
from speedkit.causes import cause_kind, cause_subjects
from speedkit.errors import EditDoesNotApply, NoHistory
from speedkit.history import explain, predict, recorded_builds, recording_of, trace_misses
from tests.conformance.building import buildx
from tests.registry import registry

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
    assert cause_kind(found[5].cause) == "files"
    assert "main.go" in found[5].because
    assert cause_kind(found[6].cause) == "parent"
    assert "line 5" in found[6].because


def test_a_first_build_in_an_empty_cache_says_so(app):
    first = explain(build(app))
    assert "started empty" in next(step.because for step in first.steps if step.line == 4)
    assert "on this machine" in first.steps[0].because
    assert ", none" not in first.title


def test_a_forecast_comes_with_the_warnings_of_the_linter(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    with own_app(folder({"Dockerfile": "FROM alpine as build\nCMD echo <b>\n"})) as warned:
        forecast = predict(warned)
    assert [(finding.line, finding.rule) for finding in forecast.warnings] == [(1, "FromAsCasing"), (2, "JSONArgsRecommended")]
    assert "FromAsCasing" in forecast._repr_html_()
    with own_app(folder({"Dockerfile": "FROM alpine AS build\n"})) as clean:
        assert predict(clean).warnings == ()


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


def dropped_from_the_cache(engine, marker: str) -> int:
    """Removes the cache records of the steps that mention a marker, the youngest first; how many there were."""
    records = engine.api.df()["BuildCache"] or []
    own = sorted((one for one in records if marker in one["Description"]), key=lambda one: one["CreatedAt"], reverse=True)
    for record in own:
        engine.api.prune_builds(all=True, filters={"id": [record["ID"]]})
    return len(own)


def with_marker(app) -> str:
    """Gives an app a last step unlike that of any other; the marker that is in it."""
    marker = f"marker-{uuid.uuid4().hex}"
    app.write("Dockerfile", f"FROM alpine\nCOPY go.mod /go.mod\nRUN echo {marker} > /a\n")
    return marker


def test_what_was_pruned_is_told_from_what_changed(app, engine):
    marker = with_marker(app)
    build(app)
    assert dropped_from_the_cache(engine, marker)
    found = {step.line: step for step in explain(build(app)).steps}
    assert (found[3].state, cause_kind(found[3].cause)) == ("ran", "evicted")
    assert found[2].state == "cached"


def test_equal_bytes_stop_a_miss_and_other_bytes_pass_it_on(app):
    build(app)
    app.write("notes.txt", "nobody reads this\n")
    notes = explain(build(app))
    found = {step.line: step for step in notes.steps}
    assert [(found[line].state, cause_kind(found[line].cause)) for line in (5, 6, 8)] == [
        ("ran", "files"),
        ("ran", "parent"),
        ("cached", "same-bytes"),
    ]
    assert [way.travel for way in trace_misses(notes.steps) if way.target == 8] == ["stopped"]
    app.write("main.go", "package other\n")
    main = explain(build(app))
    last = next(step for step in main.steps if step.line == 8)
    assert (cause_kind(last.cause), last.origins) == ("result", (5,))
    assert "main.go changed" in last.because
    assert last.seconds > 0
    assert [way.travel for way in trace_misses(main.steps) if way.target == 8] == ["carried"]


def test_what_a_registry_gave_is_told_from_what_was_built_here(app, engine, monkeypatch, tmp_path):
    app.share_cache()
    marker = with_marker(app)
    with registry() as address:
        name = f"{address}/speedkit-test"
        first = build(app, cache_to=["type=inline"])
        assert first.ok
        engine.api.tag(first.image, name, "cache")
        assert "error" not in engine.api.push(name, "cache")
        engine.api.remove_image(f"{name}:cache", force=True)
        engine.api.remove_image(first.image, force=True)
        assert dropped_from_the_cache(engine, marker)
        text = app.read("Dockerfile")
        monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "another-machine"))
        fresh = own_app(app.source)
        fresh.share_cache()
        with fresh:
            fresh.write("Dockerfile", text)
            second = build(fresh, cache_from=[f"type=registry,ref={name}:cache"])
            found = explain(second).steps[2]
    assert (found.state, cause_kind(found.cause), cause_subjects(found.cause)) == ("cached", "imported", (f"{name}:cache",))


def test_what_only_another_builder_has_built_is_said_with_its_name(app, engine):
    marker = with_marker(app)
    first = build(app)
    facts = first.folder / "meta.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"builder": "second"}))
    assert dropped_from_the_cache(engine, marker)
    found = {step.line: step for step in explain(build(app)).steps}
    assert (found[3].state, cause_kind(found[3].cause), cause_subjects(found[3].cause)) == (
        "ran",
        "another-builder",
        ("second",),
    )


def test_a_file_that_changed_under_an_old_time_is_seen_once_the_builder_forgot_it(app):
    copy_all, copy_one = TEXT, TEXT.replace("COPY . .\nRUN cat main.go", "RUN echo")
    main = app.folder / "main.go"
    os.utime(main, ns=(1, 1))
    build(app)
    app.write("Dockerfile", copy_one)
    build(app)
    app.write("Dockerfile", copy_all)
    main.write_text("package niam\n")
    os.utime(main, ns=(1, 1))
    assert states(predict(app))[5] == "miss"
    assert states(explain(build(app)))[5] == "ran"


def test_a_proxy_of_the_environment_counts_where_it_is_declared(app, monkeypatch):
    app.write("Dockerfile", TEXT.replace("ARG LEVEL=1", "ARG no_proxy"))
    monkeypatch.setenv("no_proxy", "one")
    build(app)
    assert states(predict(app))[4] == "hit"
    monkeypatch.setenv("no_proxy", "two")
    assert states(predict(app))[4] == "miss"
    assert states(explain(build(app)))[4] == "ran"


def test_a_time_of_build_in_the_environment_counts_for_folders(app, monkeypatch):
    app.write("Dockerfile", "FROM alpine\nWORKDIR /w\n")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    build(app)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "2")
    assert states(predict(app))[2] == "miss"
    assert states(explain(build(app)))[2] == "ran"


def test_line_ends_of_windows_count_in_heredocs(app):
    app.write("Dockerfile", "FROM alpine\nCOPY <<E /x\na\nE\n")
    build(app)
    (app.folder / "Dockerfile").write_bytes(b"FROM alpine\r\nCOPY <<E /x\r\na\r\nE\r\n")
    assert states(predict(app))[2] == "miss"
    assert states(explain(build(app)))[2] == "ran"


def test_bytes_that_are_no_text_count_in_heredocs(app):
    text = b"FROM alpine\nCOPY <<'E' /x\n\xe9\nE\nCOPY <<E /y\n\xe9\nE\n"
    (app.folder / "Dockerfile").write_bytes(text)
    build(app)
    assert states(predict(app)) == {1: "hit", 2: "hit", 5: "hit"}
    (app.folder / "Dockerfile").write_bytes(text.replace(b"\xe9", b"\xe8"))
    assert states(predict(app)) == {1: "hit", 2: "miss", 5: "miss"}
    assert states(explain(build(app)))[2] == "ran"
    (app.folder / "Dockerfile").write_bytes(text.replace(b"\xe9\nE\n", b"\xe7\nE\n").replace(b"/x\n\xe7", b"/x\n\xe8"))
    assert states(predict(app)) == {1: "hit", 2: "hit", 5: "hit"}
    assert states(explain(build(app)))[5] == "cached"


def test_what_became_of_the_onbuild_of_an_image_is_told(app):
    name = f"speedkit-test/{uuid.uuid4().hex}"
    image = "FROM scratch\nCOPY main.go /\nONBUILD COPY go.mod /triggered\n"
    arguments = ["-q", "--load", "-t", name, "-f-", str(app.folder)]
    subprocess.run([buildx(), "build", *arguments], input=image, text=True, check=True, capture_output=True)
    try:
        app.write("Dockerfile", f"FROM {name}\nCOPY main.go /x\n")
        build(app)
        app.write("go.mod", "module y\n")
        predicted = [step.state for step in predict(app).steps]
        seen = [(step.state, cause_kind(step.cause)) for step in explain(build(app)).steps]
    finally:
        subprocess.run(["docker", "rmi", name], check=True, capture_output=True)
    assert predicted == ["hit", "miss", "miss"]
    assert seen[1:] == [("ran", "files"), ("ran", "parent")]


def test_an_image_that_was_removed_has_to_be_pulled(app):
    name = f"speedkit-test/{uuid.uuid4().hex}"
    arguments = ["-q", "--load", "-t", name, "-f-", str(app.folder)]
    text = "FROM scratch\nCOPY main.go /\n"
    subprocess.run([buildx(), "build", *arguments], input=text, text=True, check=True, capture_output=True)
    try:
        app.write("Dockerfile", f"FROM {name}\nCOPY main.go /x\n")
        build(app)
    finally:
        subprocess.run(["docker", "rmi", name], check=True, capture_output=True)
    first = predict(app).steps[0]
    assert (first.state, cause_kind(first.cause)) == ("miss", "base")
    assert "no longer on this machine" in first.because
