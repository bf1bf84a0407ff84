"""Every kept case: the forecast is as expected, and real BuildKit does what was forecast."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid

import pytest

from speedkit.cache import CacheModel, Situation, predict
from speedkit.causes import cause_kind
from speedkit.context import read_context
from speedkit.dockerfile import read_dockerfile
from tests.conformance.bases import base_images
from tests.conformance.building import build, observed_steps
from tests.conformance.cases import CASES, read_case
from tests.conformance.comparing import isolated


@pytest.mark.parametrize("name", CASES)
def test_the_forecast_of_a_case_is_as_expected(name):
    case = read_case(name)
    forecast = predict([case.before], case.after)
    for expected in case.expected:
        steps = [step for step in forecast.steps if step.line == expected.line and not step.instruction.startswith("FROM")]
        assert [step.forecast for step in steps] == [expected.forecast]
        assert expected.kind in ("-", cause_kind(steps[0].cause))


@pytest.mark.engine
@pytest.mark.parametrize("name", CASES)
def test_buildkit_does_what_a_case_expects(name, tmp_path):
    wrong = _wrong_lines(name, tmp_path / "first")
    if wrong:
        wrong = _wrong_lines(name, tmp_path / "again")
    assert wrong == {}


def _wrong_lines(name, scratch):
    """The lines where BuildKit did something else, with what it did."""
    case = read_case(name)
    token = scratch / f"token-{uuid.uuid4().hex}"
    token.mkdir(parents=True)
    (token / "token").write_text(uuid.uuid4().hex)
    context = scratch / f"context-{uuid.uuid4().hex}"
    _build(case.folder / "before", context, token, scratch)
    origin, states = _build(case.folder / "after", context, token, scratch)
    allowed = {"hit": ({"cached"},), "miss": ({"ran"},), "depends": ({"cached"}, {"ran"}), "not-needed": (set(),)}
    happened = {expected: {state for line, state in states if origin[line] == expected.line} for expected in case.expected}
    return {expected.line: seen for expected, seen in happened.items() if seen not in allowed[expected.forecast]}


def _build(folder, context, token, scratch):
    """Builds a folder under the one name that both builds share; each line's origin, and what became of the steps."""
    shutil.rmtree(context, ignore_errors=True)
    subprocess.run(["cp", "-a", str(folder), str(context)], check=True)
    for path in context.rglob("*"):
        os.utime(path, follow_symlinks=False)
    request = folder.with_name(f"{folder.name}.json")
    asked = json.loads(request.read_text()) if request.exists() else {}
    text, origin = isolated((folder / "Dockerfile").read_text())
    dockerfile = scratch / "Dockerfile"
    dockerfile.write_text(text)
    bases = base_images()
    seen = build(
        context,
        dockerfile,
        contexts={"speedkit-token": str(token)},
        build_args=asked.get("build_args", {}),
        target=asked.get("target"),
    )
    assert seen.ok, seen.output
    situation = Situation(
        dockerfile=read_dockerfile(text),
        context=read_context(context, dockerfile=dockerfile),
        build_args=asked.get("build_args", {}),
        target=asked.get("target"),
        bases=bases,
        contexts={"speedkit-token": read_context(token, dockerfile=dockerfile)},
    )
    plan = CacheModel([]).plan(situation)
    steps = observed_steps(plan, seen)
    found = [(plan.steps[number], state) for number, state in steps.items()]
    return origin, [(step.instruction.line, state) for step, state in found if step.instruction.keyword != "FROM"]
