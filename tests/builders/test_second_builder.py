"""Builds by a second, real builder: cold is cold there, what no registry hands out is handed over, and pasts are kept apart."""

from __future__ import annotations

import os
import subprocess
import threading
from dataclasses import replace

import pytest

from speedkit.apps import app_in_place, own_app
from speedkit.builders import BaseRequest, EngineBuilder, OtherBuilder, builder_named, other_builder
from speedkit.builders.image_transfer import hand_over
from speedkit.builds import build, start_again, start_build
from speedkit.causes import cause_kind
from speedkit.engine import CommandOptions, connect
from speedkit.engine.connection import Engine
from speedkit.errors import BuilderCannot, Misuse, UnknownBuilder
from speedkit.history import explain, predict
from speedkit.history.find_builds import recording_of
from tests.second_builder import second_builder
from tests.waiting import HANG_SECONDS, wait_until

pytestmark = pytest.mark.engine

TEXT = """\
FROM alpine AS made
RUN echo {salt} > /salt
COPY word /word
RUN cat /word /salt > /made
FROM scratch
COPY --from=made /made /made
"""
RUNS = (2, 3, 4)


@pytest.fixture(scope="module")
def other(containerd_engine):
    with second_builder(containerd_engine) as name:
        yield name


@pytest.fixture
def place(folder):
    return folder({"Dockerfile": TEXT.format(salt=os.urandom(6).hex()), "word": "one"})


def states(built):
    return {step.line: step.state for step in built.instructions if step.line in (*RUNS, 6)}


def runs_of(built):
    return [states(built)[line] for line in RUNS]


def forecasts(reasons):
    return {step.line: step.state for step in reasons.steps if step.line in (*RUNS, 6)}


def test_it_builds_what_no_registry_hands_out_and_the_engine_has_the_image(place, other, engine):
    built = build(app_in_place(place), builder=other)
    assert (built.ok, built.notices) == (True, ())
    assert set(states(built).values()) == {"ran"}
    assert [(base.reference, base.stand_in) for base in built.bases] == [("alpine", True)]
    assert engine.api.inspect_image(built.image)["Id"] == built.image
    assert built.image_bytes
    assert recording_of(built.id).meta.builder == other


def test_what_it_has_built_it_finds_again_and_the_forecast_knows(place, other):
    built = app_in_place(place)
    build(built, builder=other)
    (place / "word").write_text("two")
    expected = predict(built, builder=other)
    assert forecasts(expected) == {2: "hit", 3: "miss", 4: "miss", 6: "depends"}
    assert states(build(built, builder=other)) == {2: "cached", 3: "ran", 4: "ran", 6: "ran"}


def test_cold_is_cold_there_and_touches_nothing_of_its_cache(place, other):
    built = app_in_place(place)
    build(built, builder=other)
    running = start_build(built, builder=other, cold=True)
    assert runs_of(running.wait()) == ["ran"] * 3
    assert runs_of(start_again(running, built, cold=True).wait()) == ["ran"] * 3
    assert set(states(build(built, builder=other)).values()) == {"cached"}


def test_a_private_copy_starts_empty_there_too(place, other):
    with own_app(place) as first, own_app(place) as second:
        assert runs_of(build(first, builder=other)) == ["ran"] * 3
        assert set(states(build(first, builder=other)).values()) == {"cached"}
        built = build(second, builder=other)
        assert runs_of(built) == ["ran"] * 3
        assert (built.isolated, built.edit) == (True, "cold")


def test_the_first_build_of_a_copy_is_the_first_on_each_builder(place, other):
    with own_app(place) as copy:
        assert [build(copy).edit, build(copy).edit] == ["cold", "none"]
        assert [build(copy, builder=other).edit, build(copy, builder=other).edit] == ["cold", "none"]


def test_what_only_the_other_one_has_built_is_no_hit_of_the_engine(place, other):
    built = app_in_place(place)
    build(built, builder=other)
    assert {forecasts(predict(built))[line] for line in RUNS} == {"miss"}
    found = {step.line: cause_kind(step.cause) for step in explain(build(built)).steps}
    assert {found[line] for line in RUNS} == {"another-builder"}
    assert {forecasts(predict(built, builder=other))[line] for line in RUNS} == {"hit"}


WITH_OPTIONS = """\
FROM base
COPY --from=shared a /a
RUN --mount=type=secret,id=key [ "$(cat /run/secrets/key)" = a-secret-of-the-build ]
RUN [ "$(ulimit -n)" = 1000 ] && grep -q "1.2.3.4.*one" /etc/hosts && df /dev/shm | grep -q 32768
RUN {salt}
"""


def test_every_option_reaches_the_build_there_and_counts_as_here(folder, other, tmp_path, monkeypatch):
    monkeypatch.setenv("A_KEY", "a-secret-of-the-build")
    salt = os.urandom(6).hex()
    place = folder({"Dockerfile": WITH_OPTIONS.format(salt=f"echo {salt}"), "shared/a": salt})
    options = CommandOptions(
        secrets=("id=key,env=A_KEY",),
        add_hosts=("one:1.2.3.4",),
        ulimits=("nofile=1000",),
        shm_size="32m",
        labels={"org.example": "x"},
        tags=(f"speedkit-test-{salt}",),
        platforms=("linux/amd64",),
        named_contexts={"base": "docker-image://alpine", "shared": str(place / "shared")},
    )
    app = app_in_place(place)
    built = build(app, builder=other, options=options)
    assert built.ok, built.error
    api = connect().api
    try:
        assert api.inspect_image(options.tags[0])["Config"]["Labels"]["org.example"] == "x"
    finally:
        api.remove_image(options.tags[0], noprune=True)
    assert [(base.reference, base.stand_in) for base in built.bases] == [("base", True)]
    forecast = predict(app, builder=other, options=options)
    assert {step.state for step in forecast.steps} == {"hit"}
    changed = predict(app, builder=other, options=replace(options, network="none"))
    assert [step.state for step in changed.steps] == ["hit", "hit", "miss", "miss", "miss"]
    again = build(app, builder=other, options=replace(options, network="none", tags=()))
    assert [step.state for step in again.instructions if step.line and step.line > 1] == ["cached", "ran", "ran", "ran"]
    assert build(app, builder=other, options=replace(options, tags=()), cold=True).ok


def test_a_right_that_this_builder_has_not_is_explained(folder, other):
    text = f"FROM alpine\nRUN --network=host echo {os.urandom(6).hex()}\n"
    built = build(app_in_place(folder({"Dockerfile": text})), builder=other)
    assert not built.ok
    assert "--allow-insecure-entitlement network.host" in (built.error or "")


def test_a_dockerfile_that_asks_for_a_frontend_builds_where_no_registry_answers_the_builder(folder, other):
    text = f"# syntax=docker/dockerfile:1\nFROM scratch\nLABEL salt={os.urandom(6).hex()}\n"
    built = build(own_app(folder({"Dockerfile": text})), builder=other)
    assert (built.ok, built.replaced_frontend) == (True, "docker/dockerfile:1")


def test_a_failed_step_there_is_told_as_here(folder, other):
    built = build(own_app(folder({"Dockerfile": f"FROM alpine\nRUN echo {os.urandom(6).hex()} && false\n"})), builder=other)
    assert (built.outcome, built.ok) == ("failed", False)
    assert built.instructions[-1].state == "failed"


def test_a_builder_that_nobody_knows_is_refused_with_the_names_of_those_there_are(place, other):
    with pytest.raises(UnknownBuilder, match=f"There is no builder 'elsewhere'.*{other}"):
        build(app_in_place(place), builder="elsewhere")
    with pytest.raises(UnknownBuilder):
        predict(app_in_place(place), builder="elsewhere")


def test_the_builder_inside_another_engine_is_refused_with_how_to_reach_it(engine, containerd_engine, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name, host in (("here", engine.host), ("elsewhere", containerd_engine.host)):
        create = ["docker", "context", "create", name, f"--docker=host={host}"]
        subprocess.run(create, check=True, capture_output=True)
    # Its own copy of the environment, with the setting above.
    reached = Engine(*engine)
    assert builder_named(reached, "here") == EngineBuilder(reached)
    with pytest.raises(Misuse, match=r"inside the engine of the Docker context elsewhere.*DOCKER_CONTEXT=elsewhere"):
        builder_named(reached, "elsewhere")


def test_a_cold_build_is_refused_where_a_base_can_only_be_had_by_the_builder(engine):
    """It would stand on the base that all builds there share, and find what they left."""
    wanted = BaseRequest("FROM alpine\nCOPY --from=localhost:1/none/none /a /\n", {}, None, "token")
    with pytest.raises(BuilderCannot, match="cannot get localhost:1/none/none"):
        OtherBuilder(engine, "second").prepare(wanted, extend_ca=False)


def test_an_image_for_another_platform_is_not_handed_over(engine):
    wanted = BaseRequest("FROM alpine\n", {}, None, "token")
    with pytest.raises(BuilderCannot, match=r"builds for linux/s390x, but the local image that takes .* alpine is for linux/"):
        OtherBuilder(engine, "second", platforms=("linux/s390x",)).prepare(wanted, extend_ca=False)


def test_a_build_that_is_cancelled_while_its_base_is_handed_over_ends(folder, other, monkeypatch):
    begun = threading.Event()
    hand_over = other_builder.hand_over

    def slowly(*arguments, is_over):
        begun.set()
        wait_until(is_over)
        return hand_over(*arguments, is_over=is_over)

    monkeypatch.setattr(other_builder, "hand_over", slowly)
    running = start_build(own_app(folder({"Dockerfile": f"FROM alpine\nRUN echo {os.urandom(6).hex()}\n"})), builder=other)
    assert begun.wait(HANG_SECONDS)
    running.stop()
    built = running.wait()
    assert (built.outcome, recording_of(built.id).meta.builder) == ("cancelled", other)


@pytest.mark.parametrize("name", [None, "", "default"])
def test_the_default_builder_is_the_one_inside_the_engine(engine, name):
    assert builder_named(engine, name) == EngineBuilder(engine)


def test_the_gateway_of_the_host_is_refused_in_words_where_the_builder_knows_none(folder, other):
    app = app_in_place(folder({"Dockerfile": f"FROM alpine\nRUN echo {os.urandom(6).hex()}\n"}))
    options = CommandOptions(add_hosts=("host:host-gateway",))
    assert build(app, options=options).ok
    failed = build(app, builder=other, options=options)
    assert not failed.ok
    assert "host-gateway is not supported by the remote driver" in (failed.error or "")


def test_an_image_layout_is_a_build_context_there(folder, other, engine, small_image, tmp_path):
    hand_over(engine, small_image, tmp_path / "layout", is_over=lambda: False)
    place = folder({"Dockerfile": f"FROM kept\nRUN echo {os.urandom(6).hex()}\n"})
    options = CommandOptions(named_contexts={"kept": f"oci-layout://{tmp_path / 'layout'}"})
    app = app_in_place(place)
    built = build(app, builder=other, options=options)
    assert built.ok, built.error
    assert {step.state for step in predict(app, builder=other, options=options).steps} <= {"hit", "depends"}
    assert [step.state for step in build(app, builder=other, options=options).instructions][-1] == "cached"


def test_an_image_layout_is_a_build_context_of_an_engine_with_containerds_store(
    folder, engine, containerd_engine, small_image, tmp_path
):
    hand_over(engine, small_image, tmp_path / "layout", is_over=lambda: False)
    place = folder({"Dockerfile": f"FROM kept\nRUN echo {os.urandom(6).hex()}\n"})
    options = CommandOptions(named_contexts={"kept": f"oci-layout://{tmp_path / 'layout'}"})
    built = start_build(app_in_place(place), options=options, engine=containerd_engine).wait()
    assert built.ok, built.error
