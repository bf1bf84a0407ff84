"""BuildKit's own steps are known by their names, with and without the target of a bake file."""

from __future__ import annotations

import pytest

from speedkit.build_records.step_names import exports_cache, imported_cache, instruction_of, may_fail

EXPORTS = ["exporting cache to registry", "exporting to GitHub Actions Cache", "exporting cache to client directory"]
OTHERS = [
    "exporting to image",
    "exporting to docker image format",
    "[2/3] RUN exporting cache",
    "[internal] load .dockerignore",
]


@pytest.mark.parametrize("target", ["", "[web] "])
def test_imports_and_exports_of_caches_are_told_from_other_steps(target):
    assert imported_cache(f"{target}importing cache manifest from gha:123") == "gha:123"
    assert all(exports_cache(target + name) and may_fail(target + name) for name in EXPORTS)
    assert not any(exports_cache(target + name) or may_fail(target + name) for name in OTHERS)


@pytest.mark.parametrize(
    "place", ["2/3", " 2/13", "build 2/3", "linux/amd64 build 2/3", "web build  2/13", "web linux/amd64 2/3"]
)
def test_the_instruction_stands_behind_target_platform_and_stage(place):
    assert instruction_of(f"[{place}] RUN make  all") == "RUN make all"


@pytest.mark.parametrize(
    "name", ["[internal] load build context", "[web] exporting to image", "[auth] x/y:pull token", "2/3] RUN"]
)
def test_other_steps_have_no_instruction(name):
    assert instruction_of(name) is None
