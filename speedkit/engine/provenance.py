"""Reads which lines of a Dockerfile BuildKit says a vertex was made from.

In: the metadata that buildx writes of a build that came to its end, where it was asked for provenance (mode=max). Out: the
line ranges of each vertex, by its digest. Nothing else of the provenance is kept: it holds commands, values and addresses.
Source: slsa.dev/provenance v0.2 and v1 with BuildKit's own extensions (moby/buildkit, docs/attestations).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["ASKS_FOR_LINES", "vertex_lines"]

ASKS_FOR_LINES = {"BUILDX_METADATA_PROVENANCE": "max"}
"""What makes buildx write it. It goes into the metadata file alone, not into the image."""


def vertex_lines(metadata: Mapping[str, Any]) -> dict[str, list[list[int]]]:
    """First and last line of each instruction, 1-based, by the digest of the vertex; {} where nothing is said."""
    provenance = metadata.get("buildx.build.provenance")
    version_02 = ["buildConfig"], ["metadata", "https://mobyproject.org/buildkit@v1#metadata"]
    version_1 = ["buildDefinition", "internalParameters", "buildConfig"], ["runDetails", "metadata", "buildkit_metadata"]
    for config, described in (version_02, version_1):
        digests = _at(provenance, [*config, "digestMapping"])
        locations = _at(provenance, [*described, "source", "locations"])
        if isinstance(digests, dict) and isinstance(locations, dict):
            found = {str(digest): _ranges(locations.get(step)) for digest, step in digests.items() if isinstance(step, str)}
            return {digest: ranges for digest, ranges in found.items() if ranges}
    return {}


def _at(document: Any, path: list[str]) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _ranges(source: Any) -> list[list[int]]:
    """One range for each instruction: BuildKit lists a here-document's lines one by one."""
    places = _at(source, ["locations"])
    found = []
    for place in places if isinstance(places, list) else ():
        spans = _at(place, ["ranges"])
        ends = [_at(span, [end, "line"]) for span in (spans if isinstance(spans, list) else ()) for end in ("start", "end")]
        lines = [line for line in ends if isinstance(line, int)]
        if lines:
            found.append([min(lines), max(lines)])
    return found
