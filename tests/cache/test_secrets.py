"""A RUN that requires a secret stops a build of speedkit, which gives none, where it has to run; a cached one does not."""

from __future__ import annotations

import secrets
import subprocess

import pytest

from speedkit.cache import explain, predict
from tests.cache.situations import cause_of, situation
from tests.conformance.bases import base_images
from tests.conformance.building import buildx
from tests.waiting import HANG_SECONDS

REQUIRING = "FROM base\nRUN --mount=type=secret,id=token,required=true true\nRUN true\n"


@pytest.mark.parametrize(
    ("mount", "name"),
    [
        ("type=secret,id=token,required=true", "secret token"),
        ("type=secret,source=token,required", "secret token"),
        ("type=secret,target=/etc/token,required=1", "secret token"),
        ("type=secret,id=token,env=TOKEN,required", "secret token"),
        ("type=ssh,required=true", "SSH agent default"),
        ("type=ssh,id=key,required", "SSH agent key"),
    ],
)
def test_a_step_without_what_it_requires_says_that_the_build_stops(mount, name):
    forecast = predict([situation("FROM base\n")], situation(f"FROM base\nRUN --mount={mount} true\n")).at(2)
    assert (forecast.forecast, cause_of(forecast).kind, cause_of(forecast).what) == ("miss", "missing-secret", (name,))
    assert "the build will stop here" in cause_of(forecast).sentence


@pytest.mark.parametrize("mount", ["type=secret,id=a", "type=secret,id=a,required=false", "type=ssh", "type=ssh,required=0"])
def test_what_is_not_required_does_not_stop_a_build(mount):
    assert cause_of(predict([], situation(f"FROM base\nRUN --mount={mount} true\n")).at(2)).kind == "new"


def test_a_cached_step_needs_no_secret():
    assert predict([situation(REQUIRING)], situation(REQUIRING)).at(2).forecast == "hit"


def test_it_says_so_in_the_first_build_too():
    steps = predict([], situation(REQUIRING))
    assert (cause_of(steps.at(2)).kind, steps.at(3).forecast) == ("missing-secret", "miss")


def test_a_step_that_may_be_cached_says_what_becomes_of_the_build_if_not():
    text = "FROM base AS a\nRUN {}\nFROM base\nRUN --mount=from=a,target=/a --mount=type=secret,id=token,required true\n"
    step = predict([situation(text.format("x"))], situation(text.format("y"))).at(4)
    assert (step.forecast, cause_of(step).kind) == ("depends", "result")
    assert cause_of(step).sentence.endswith("if it has to run, the build stops here.")


def test_of_a_build_that_stopped_there_it_is_told_in_the_past():
    failed = situation(REQUIRING, states={1: "cached", 2: "failed"}, finished=False)
    step = explain(failed, []).at(2)
    assert (cause_of(step).kind, "the build stopped here" in cause_of(step).sentence) == ("missing-secret", True)


@pytest.mark.engine
def test_buildkit_stops_where_the_step_has_to_run_and_only_there(tmp_path):
    base_images()
    (tmp_path / "token").write_text("x")
    mount = "--mount=type=secret,id=token,required=true"
    (tmp_path / "Dockerfile").write_text(f"FROM speedkit-conformance/plain\nRUN {mount} echo {secrets.token_hex()}\n")

    def built(*options):
        command = [buildx(), "build", "--progress=plain", "--output", "type=cacheonly", *options, str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)

    refused = built()
    assert refused.returncode
    assert "secret token: not found" in refused.stderr
    assert "Dockerfile:2" in refused.stderr
    assert built("--secret", f"id=token,src={tmp_path / 'token'}").returncode == 0
    assert built().returncode == 0
