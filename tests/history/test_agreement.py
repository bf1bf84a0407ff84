"""What `predict` says of a folder is what the next `build` of it does, whatever happened in between."""

from __future__ import annotations

import json
import os
import shutil
import uuid

import pytest

from speedkit.apps import App, Strategy, app_in_place, own_app
from speedkit.apps.edits import nothing
from speedkit.builds import build
from speedkit.causes import cause_kind, cause_subjects
from speedkit.engine.connection import connect
from speedkit.history import explain, predict, recordings
from tests.conformance.bases import base_images

pytestmark = pytest.mark.engine

TEXT = """\
FROM speedkit-conformance/plain AS one
COPY token /token
RUN true
FROM one AS two
COPY a.txt /a.txt
FROM speedkit-conformance/plain
COPY --from=two /a.txt /a.txt
"""
_WORDS = {"hit": "cached", "miss": "ran"}


@pytest.fixture(autouse=True)
def _own_recordings(monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    base_images()


@pytest.fixture
def place(tmp_path):
    return _folder(tmp_path / f"app-{uuid.uuid4().hex[:8]}")


def _folder(path, text=TEXT):
    path.mkdir(parents=True)
    (path / "token").write_text(uuid.uuid4().hex)
    (path / "a.txt").write_text(uuid.uuid4().hex)
    (path / "Dockerfile").write_text(text)
    (path / ".dockerignore").write_text("Dockerfile\n")
    return path


def _forecast_then_built(folder, **options):
    """For each line, the state that was forecast and the one that came; `depends` is left out."""
    with app_in_place(folder, dockerfile=options.pop("dockerfile", None)) as app:
        forecast = {step.line: _WORDS.get(step.state, step.state) for step in predict(app, **options).steps}
        built = build(app, **options)
        seen = {step.line: step.state for step in built.instructions}
    sure = [line for line, state in forecast.items() if state != "depends"]
    return {line: forecast[line] for line in sure}, {line: seen[line] for line in sure}


def _agreed(folder, **options):
    forecast, seen = _forecast_then_built(folder, **options)
    assert forecast == seen
    return seen


def test_every_line_agrees_from_the_first_build_on(place):
    assert _agreed(place) == {1: "cached", 2: "ran", 3: "ran", 4: "no-step", 5: "ran", 6: "cached", 7: "ran"}
    assert "ran" not in _agreed(place).values()
    (place / "a.txt").write_text("another")
    assert _agreed(place)[5] == "ran"


@pytest.mark.parametrize(
    "base",
    ["speedkit-conformance/plain", pytest.param("{debian}", id="two names that one stand-in took the place of")],
)
def test_stages_that_begin_alike_ran_though_one_of_them_is_reported(tmp_path, base):
    text = f"""\
FROM {base.format(debian="debian")} AS one
COPY token /token
RUN echo one > /one
FROM {base.format(debian="ubuntu")} AS two
COPY token /token
RUN echo two > /two
FROM {base.format(debian="debian")}
COPY token /token
COPY --from=one /one /one
COPY --from=two /two /two
"""
    place = _folder(tmp_path / f"app-{uuid.uuid4().hex[:8]}", text)
    seen = _agreed(place)
    assert [line for line, state in seen.items() if state == "cached"] == [1, 4, 7]
    assert set(_agreed(place).values()) == {"cached"}


def test_what_another_folder_built_is_found(place, tmp_path):
    copy = tmp_path / "elsewhere" / "other"
    shutil.copytree(place, copy)
    _agreed(place)
    assert "ran" not in _agreed(copy).values()


def test_two_folders_of_one_name_are_one_context_to_buildkit(place, tmp_path):
    _agreed(place)
    twin = tmp_path / "elsewhere" / place.name
    shutil.copytree(place, twin)
    stamp = (place / "a.txt").stat()
    (twin / "a.txt").write_text(uuid.uuid4().hex)
    os.utime(twin / "a.txt", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert _agreed(twin)[5] == "cached"


def test_a_base_image_that_moved_is_seen(place):
    name = f"speedkit-conformance/moving-{uuid.uuid4().hex[:8]}"
    api = connect().api
    (place / "Dockerfile").write_text(TEXT.replace("speedkit-conformance/plain", name))
    try:
        api.tag("speedkit-conformance/plain", name)
        _agreed(place)
        api.tag("speedkit-conformance/label", name)
        assert "ran" not in _agreed(place).values()
        api.tag("speedkit-conformance/layer", name)
        with app_in_place(place) as app:
            opening = predict(app).steps[0]
        assert (opening.state, cause_kind(opening.cause)) == ("hit", "base")
        assert _agreed(place)[2] == "ran"
    finally:
        api.remove_image(name)


def test_secrets_in_arguments_are_compared_though_not_recorded(place):
    (place / "Dockerfile").write_text(TEXT.replace("RUN true", "ARG API_TOKEN\nRUN true"))
    _agreed(place, build_args={"API_TOKEN": "one-secret"})
    assert "ran" not in _agreed(place, build_args={"API_TOKEN": "one-secret"}).values()
    assert _agreed(place, build_args={"API_TOKEN": "another-secret"})[4] == "ran"


def test_a_failed_build_leaves_what_it_finished(place):
    (place / "Dockerfile").write_text(TEXT.replace("COPY a.txt /a.txt", "RUN false\nCOPY a.txt /a.txt"))
    with app_in_place(place) as app:
        assert not build(app).ok
    (place / "Dockerfile").write_text(TEXT)
    assert _agreed(place)[3] == "cached"


def test_another_dockerfile_and_target_share_what_is_equal(place):
    (place / "docker").mkdir()
    other = place / "docker" / "Other.Dockerfile"
    other.write_text(TEXT.replace("RUN true", "RUN true\nRUN echo more"))
    _agreed(place)
    seen = _agreed(place, dockerfile=other, target="one")
    assert (seen[3], seen[4], seen[6]) == ("cached", "ran", "not-needed")


def test_a_private_cache_finds_what_others_made_from_nothing(place):
    (place / "Dockerfile").write_text("FROM scratch\nCOPY token /token\n")
    _agreed(place)
    with own_app(place) as app:
        assert [step.state for step in predict(app).steps] == ["no-step", "hit"]
        assert [step.state for step in build(app).instructions] == ["no-step", "cached"]


def test_without_an_engine_the_last_build_says_what_the_base_is(place, monkeypatch):
    _agreed(place)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{place}/nothing")
    with app_in_place(place) as app:
        assert {step.state for step in predict(app).steps} == {"hit", "no-step"}


def test_what_another_builder_made_is_not_in_the_engines_cache(place):
    _agreed(place)
    meta = recordings()[-1].folder / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"builder": "another"}))
    with app_in_place(place) as app:
        assert {step.line: step.state for step in predict(app).steps}[2] == "miss"


class _MadeOnTheHost(App):
    products = frozenset({"made"})


def test_what_the_host_makes_first_is_left_open_and_explained_afterwards(place):
    dockerfile = place / "Dockerfile.host"
    dockerfile.write_text("FROM speedkit-conformance/plain\nCOPY made /made\n")
    strategy = Strategy("host", dockerfile, "made on the host", (("cp", "a.txt", "made"),))
    with _MadeOnTheHost(place.name, place, place, {"host": strategy}, {"none": nothing()}, private_cache=False) as app:
        assert [step.state for step in predict(app).steps] == ["hit", "miss"]
        assert [step.state for step in build(app).instructions if step.line] == ["cached", "ran"]
        (place / "a.txt").write_text(uuid.uuid4().hex)
        assert [step.state for step in predict(app).steps] == ["hit", "depends"]
        assert [step.state for step in build(app).instructions if step.line] == ["cached", "ran"]
        changed = next(step for step in explain().steps if step.line == 2)
    assert (cause_kind(changed.cause), cause_subjects(changed.cause)) == ("files", ("made (content)",))


def test_a_step_is_remembered_from_many_builds_ago_and_elsewhere(place, tmp_path, monkeypatch):
    monkeypatch.setattr("speedkit.history.relevant_builds.REMEMBERED", 1)
    text = (place / "Dockerfile").read_text()
    _agreed(place)
    other = _folder(tmp_path / "other", text.replace("RUN true", "RUN echo other"))
    _agreed(other)
    shutil.copy2(place / "token", other / "token")
    shutil.copy2(place / "a.txt", other / "a.txt")
    (other / "Dockerfile").write_text(text)
    assert "ran" not in _agreed(other).values()
