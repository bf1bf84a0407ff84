"""What one builder hands to another: only what a build exports, and never the content of a cache mount. Notebook 06 says so."""

from __future__ import annotations

import os

import pytest

from speedkit.apps import app_in_place
from speedkit.builds import build
from tests.second_builder import second_builder

pytestmark = pytest.mark.engine

TEXT = """\
FROM alpine AS made
RUN echo {salt} > /packages
COPY word /word
RUN --mount=type=cache,target=/kept cat /word /packages > /made && echo found: $(ls /kept) && touch /kept/before
FROM scratch
COPY --from=made /made /made
"""
PACKAGES, COMPILES = 2, 4


@pytest.mark.parametrize(("mode", "packages"), [("min", "ran"), ("max", "cached")])
def test_a_new_builder_gets_the_results_of_earlier_stages_with_mode_max_alone_and_no_cache_mount(
    containerd_engine, folder, tmp_path, mode, packages
):
    place, cache = folder({"Dockerfile": TEXT.format(salt=os.urandom(6).hex()), "word": "one"}), tmp_path / "cache"
    app = app_in_place(place)
    with second_builder(containerd_engine) as name:
        assert build(app, builder=name, cache_to=[f"type=local,dest={cache},mode={mode}"]).ok
        # The tests' own engine forgets all that it built, cache mounts with it: now it is a new builder.
        containerd_engine.api.prune_builds(all=True)
        (place / "word").write_text("two")
        imported = build(app, builder=name, cache_from=[f"type=local,src={cache}"])
    steps = {step.line: step for step in imported.instructions}
    assert steps[PACKAGES].state == packages
    assert steps[COMPILES].state == "ran"
    assert steps[COMPILES].log.strip() == "found:"
