"""Reads from BuildKit's provenance which lines of the Dockerfile each vertex was made from.

In: the metadata that buildx writes about a finished build, where it was asked for provenance (mode=max). Out: the line ranges
of each vertex, by its digest. Nothing else of the provenance is kept, because it holds commands, values and addresses.
Source: slsa.dev/provenance v0.2 and v1 with BuildKit's own extensions (moby/buildkit, docs/attestations).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["ASKS_FOR_LINES", "vertex_lines"]

ASKS_FOR_LINES = {"BUILDX_METADATA_PROVENANCE": "max"}
"""The environment variable that makes buildx write the provenance, into the metadata file and not into the image."""


def vertex_lines(metadata: Mapping[str, Any]) -> dict[str, list[list[int]]]:
    """First and last line of each instruction, from 1, by the digest of its vertex; {} where the metadata has no provenance."""
    provenance = metadata.get("buildx.build.provenance")
    version_02 = ["buildConfig"], ["metadata", "https://mobyproject.org/buildkit@v1#metadata"]
    version_1 = ["buildDefinition", "internalParameters", "buildConfig"], ["runDetails", "metadata", "buildkit_metadata"]
    for config, described in (version_02, version_1):
        digests = _at(provenance, [*config, "digestMapping"])
        locations = _at(provenance, [*described, "source", "locations"])
        if isinstance(digests, dict) and isinstance(locations, dict):
            # BuildKit gives each vertex a short name, such as `step3`, and the locations are by that name.
            lines = {str(digest): _ranges(locations.get(step)) for digest, step in digests.items() if isinstance(step, str)}
            return {digest: ranges for digest, ranges in lines.items() if ranges}
    return {}


def _at(document: Any, path: list[str]) -> Any:
    """The value below a path of keys; None where a key is missing or the value above it is no object."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _ranges(source: Any) -> list[list[int]]:
    """One range of lines for each instruction of a vertex."""
    places = _at(source, ["locations"])
    ranges = []
    for place in places if isinstance(places, list) else ():
        spans = _at(place, ["ranges"])
        ends = [_at(span, [end, "line"]) for span in (spans if isinstance(spans, list) else ()) for end in ("start", "end")]
        # BuildKit lists the lines of a here-document one by one, so the range goes from the first to the last of them.
        lines = [line for line in ends if isinstance(line, int)]
        if lines:
            ranges.append([min(lines), max(lines)])
    return ranges
