from __future__ import annotations

import pytest

from speedkit.advice import advice_on_failure

MISSING = """\
Dockerfile:1
--------------------
   1 | >>> {line}
   2 |     COPY . .
--------------------
ERROR: failed to build: failed to solve: {short}: failed to resolve source metadata for {image}: failed to do request: \
Head "https://registry.example/v2/x": dial tcp: lookup registry.example: no such host"""


def said(line: str, image: str) -> str:
    return MISSING.format(line=line, image=image, short=image.rpartition("/")[2])


@pytest.mark.parametrize(
    ("image", "named"),
    [
        ("docker.io/library/php:8", "docker pull php:8"),
        ("docker.io/library/php:8", "--base php:8=IMAGE"),
        ("docker.io/library/python:3.12", "speedkit setup --for PATH"),
        ("docker.io/team/app:latest", "docker pull team/app`"),
        ("localhost:5000/team/app:1", "docker pull localhost:5000/team/app:1"),
        ("registry.example/app@sha256:0123", "docker pull registry.example/app@sha256:0123"),
        ("docker.io/library/alpine:latest", "speedkit setup"),
    ],
)
def test_a_missing_base_image_is_named_with_the_way_to_get_it(image, named):
    told = advice_on_failure(said(f"FROM {image}", image), stand_ins=())
    assert named in told


def test_a_frontend_that_cannot_be_had_is_no_base_image():
    told = advice_on_failure(said("# syntax=docker/dockerfile:1", "docker.io/docker/dockerfile:1"), stand_ins=())
    assert "Remove the line" in told
    assert "docker pull" not in told


def test_a_command_that_a_stand_in_lacks_is_told_as_such():
    failed = 'ERROR: process "/bin/sh -c apt-get update" did not complete successfully: exit code: 127'
    assert "place of golang:1.26: they lack" in advice_on_failure(failed, stand_ins=["golang:1.26"])
    assert advice_on_failure(failed, stand_ins=()) == ""


def test_what_buildkit_says_well_needs_no_advice():
    assert (
        advice_on_failure(
            "ERROR: failed to solve: dockerfile parse error on line 2: unknown instruction: RUNN", stand_ins=["alpine"]
        )
        == ""
    )


def test_an_engine_whose_bridge_is_gone_is_to_be_restarted():
    told = advice_on_failure(
        'ERROR: failed to solve: process "/bin/sh -c true" did not complete successfully: failed to create endpoint x on '
        "network bridge: adding interface veth1 to bridge docker0 failed: Device does not exist",
        stand_ins=("alpine",),
    )
    assert "Restart the engine" in told
