"""`--base NAME=IMAGE`: another image of the engine takes the place of a base image, and every result says so."""

from __future__ import annotations

import pytest

from speedkit.apps import own_app
from speedkit.builders import base_choice
from speedkit.builds import build
from speedkit.cli.printed_builds import build_json
from speedkit.engine import STAND_INS, CommandOptions, checked_options
from speedkit.errors import Misuse, NoBaseImage
from speedkit.history import predict
from speedkit.recordings.recording import read_recording
from speedkit.recordings.recording_reader import read_build

MINE = STAND_INS["alpine"]
ABSENT = "registry.example/nobody/has-this:3"


def test_names_are_those_of_the_dockerfile_with_or_without_digest():
    options = checked_options(CommandOptions(bases={"docker.io/library/alpine:3": "mine"}))
    assert options.base_for("alpine:3") == "mine"
    assert options.base_for("alpine:3@sha256:" + "0" * 64) == "mine"
    assert options.base_for("alpine:4") is None


def test_a_name_that_no_image_can_have_is_misuse():
    with pytest.raises(Misuse, match="a name that no image can have"):
        checked_options(CommandOptions(bases={"alpine": "NOT VALID"}))


@pytest.mark.engine
def test_the_build_uses_the_other_image_and_everything_says_so(folder):
    app = own_app(folder({"Dockerfile": f"FROM {ABSENT} AS one\nRUN echo 1 > /one\nFROM scratch\nCOPY --from=one /one /\n"}))
    options = CommandOptions(bases={ABSENT: MINE})
    assert f"with other images in place of {ABSENT}" in predict(app, options=options).title
    built = build(app, options=options)
    assert built.ok, built.error
    (base,) = built.bases
    assert (base.reference, base.replaced, base.stand_in) == (ABSENT, True, False)
    assert built.stand_ins == "replaced base"
    assert read_build(read_recording(built.folder)).bases == built.bases
    assert build_json(built)["bases"][0]["replaced"]
    # The recording keeps the option, so an unchanged build is found in the cache.
    assert all(step.state in ("hit", "no-step") for step in predict(app, options=options).steps)


@pytest.mark.engine
def test_an_image_that_nobody_has_in_its_place_is_refused_before_the_build(folder):
    app = own_app(folder({"Dockerfile": "FROM alpine:0.0-nothing\nRUN true\n"}))
    with pytest.raises(NoBaseImage, match="localhost:1/nothing"):
        build(app, options=CommandOptions(bases={"alpine:0.0-nothing": "localhost:1/nothing"}))


@pytest.mark.engine
def test_other_base_images_stay_as_they_are(folder):
    app = own_app(folder({"Dockerfile": f"FROM alpine AS a\nRUN true\nFROM {ABSENT}\nCOPY --from=a /bin/sh /x\n"}))
    built = build(app, options=CommandOptions(bases={ABSENT: MINE}))
    assert built.ok, built.error
    assert {base.reference: base.replaced for base in built.bases} == {"alpine": False, ABSENT: True}


@pytest.mark.engine
def test_a_step_that_needs_a_host_that_does_not_answer_is_told_as_that(folder):
    app = own_app(folder({"Dockerfile": "FROM alpine\nRUN wget -q -O /x http://nowhere.invalid/x\n"}))
    built = build(app)
    assert not built.ok
    assert "The step needs nowhere.invalid, which did not answer from here (its name is not known here)" in str(built.error)
    assert "lack programs" not in str(built.error)


@pytest.mark.engine
def test_a_download_of_buildkits_own_is_told_alike(folder):
    app = own_app(folder({"Dockerfile": "FROM scratch\nADD http://nowhere.invalid/x /x\n"}))
    built = build(app)
    assert not built.ok
    assert "The step needs nowhere.invalid" in str(built.error)


def test_no_registry_is_asked_for_a_base_that_is_replaced():
    options = checked_options(CommandOptions(bases={ABSENT: MINE}))
    needed, final = base_choice._needed_images(f"FROM {ABSENT}\nRUN true\n", {}, None, options)
    assert [image.name for image in needed.values()] == [MINE]
    assert final == ABSENT
