"""Line ranges out of the provenance that buildx writes."""

from __future__ import annotations

import pytest

from speedkit.recordings import vertex_lines

LOCATIONS = {
    "step0": {"locations": [{"ranges": [{"start": {"line": 1}, "end": {"line": 1}}]}, {"ranges": [{"start": {"line": 4}}]}]},
    "step1": {"locations": [{"ranges": [{"start": {"line": line}, "end": {"line": line}} for line in (6, 7, 8)]}]},
    "step2": {},
}
DIGESTS = {"sha256:a": "step0", "sha256:b": "step1", "sha256:c": "step2"}
VERSION_02 = {
    "buildConfig": {"digestMapping": DIGESTS},
    "metadata": {"https://mobyproject.org/buildkit@v1#metadata": {"source": {"locations": LOCATIONS}}},
}
VERSION_1 = {
    "buildDefinition": {"internalParameters": {"buildConfig": {"digestMapping": DIGESTS}}},
    "runDetails": {"metadata": {"buildkit_metadata": {"source": {"locations": LOCATIONS}}}},
}


@pytest.mark.parametrize("provenance", [VERSION_02, VERSION_1])
def test_a_vertex_has_one_range_for_each_instruction_that_made_it(provenance):
    found = vertex_lines(provenance)
    assert found == {"sha256:a": [[1, 1], [4, 4]], "sha256:b": [[6, 8]]}


@pytest.mark.parametrize("provenance", [{}, None, {"metadata": []}])
def test_where_nothing_is_said_there_are_none(provenance):
    assert vertex_lines(provenance) == {}
