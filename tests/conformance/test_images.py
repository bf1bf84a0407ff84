"""What a base image brings along, held against real builds."""

from __future__ import annotations

import uuid

import pytest

from speedkit.cache import BaseImage, CacheModel, Situation
from speedkit.context import read_context
from speedkit.dockerfile import read_dockerfile
from speedkit.engine.connection import connect
from tests.conformance.bases import base_images, inspected, make_image
from tests.conformance.building import build, observed_steps

pytestmark = pytest.mark.engine


@pytest.fixture
def triggering():
    """An image of its own with ONBUILD, removed again."""
    base_images()
    name = f"speedkit-conformance/trigger-{uuid.uuid4().hex}"
    trigger = f"ONBUILD ENV A={uuid.uuid4().hex}\nONBUILD RUN echo $A > /triggered"
    make_image(name, f"FROM speedkit-conformance/plain\n{trigger}\n", made_of=trigger)
    yield name
    connect().api.remove_image(name)


def test_the_triggers_of_an_image_run_first_and_are_cached_then(triggering, tmp_path):
    folder = tmp_path / f"context-{uuid.uuid4().hex}"
    folder.mkdir()
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text(f"FROM {triggering}\nRUN true\n")
    model = CacheModel([])
    verdicts = []
    for _ in range(2):
        now = Situation(
            read_dockerfile(dockerfile.read_text()),
            read_context(folder, dockerfile=dockerfile),
            bases={triggering: BaseImage.from_inspect(inspected(triggering) or {})},
        )
        forecast = model.predict(now)
        plan = model.plan(now)
        seen = build(folder, dockerfile, contexts={}, build_args={}, target=None)
        happened = observed_steps(plan, seen)
        verdicts.append(
            [(step.instruction, step.forecast, happened.get(place)) for place, step in enumerate(forecast.steps) if place]
        )
        model.learn(now)
    names = ["ONBUILD ENV A=", "ONBUILD RUN echo $A > /triggered", "RUN true"]
    for round_number, (forecast, happened) in enumerate((("miss", "ran"), ("hit", "cached"))):
        steps = verdicts[round_number]
        assert [step[0].startswith(name) for step, name in zip(steps, names, strict=True)] == [True] * 3
        assert [step[1:] for step in steps] == [("no-step", None), (forecast, happened), (forecast, happened)]
