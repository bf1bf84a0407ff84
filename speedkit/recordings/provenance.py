"""Reads BuildKit's provenance: which lines of the Dockerfile each vertex was made from, and the Dockerfile itself.

In: the provenance of a finished build (mode=max), from the metadata that buildx writes or from a record of the build. Nothing
else of it is kept, because it holds commands, values and addresses.
Source: slsa.dev/provenance v0.2 and v1 with BuildKit's own extensions (moby/buildkit, docs/attestations).
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any
from urllib.parse import unquote

__all__ = ["base_digests", "built_dockerfile", "vertex_lines"]

IMAGE = "pkg:docker/"
VERSION_02 = ["buildConfig"], ["metadata", "https://mobyproject.org/buildkit@v1#metadata"]
VERSION_1 = ["buildDefinition", "internalParameters", "buildConfig"], ["runDetails", "metadata", "buildkit_metadata"]


def vertex_lines(provenance: Any) -> dict[str, list[list[int]]]:
    """First and last line of each instruction, from 1, by the digest of its vertex; {} where the provenance has none."""
    for config, described in (VERSION_02, VERSION_1):
        digests = _at(provenance, [*config, "digestMapping"])
        locations = _at(provenance, [*described, "source", "locations"])
        if isinstance(digests, dict) and isinstance(locations, dict):
            # BuildKit gives each vertex a short name, such as `step3`, and the locations are by that name.
            lines = {str(digest): _ranges(locations.get(step)) for digest, step in digests.items() if isinstance(step, str)}
            return {digest: ranges for digest, ranges in lines.items() if ranges}
    return {}


def built_dockerfile(provenance: Any) -> tuple[str, str] | None:
    """The name and the text of the Dockerfile that was built; None where the provenance has none."""
    for _, described in (VERSION_02, VERSION_1):
        files = _at(provenance, [*described, "source", "infos"])
        # The first file is the Dockerfile; another one is there only where an instruction came from elsewhere.
        file = files[0] if isinstance(files, list) and files else None
        name, data = _at(file, ["filename"]), _at(file, ["data"])
        if isinstance(name, str) and isinstance(data, str):
            try:
                return name, b64decode(data).decode("utf-8", "surrogateescape")
            except (Base64Error, ValueError):
                return None
    return None


def base_digests(provenance: Any) -> dict[str, str]:
    """The digest of each base image, by its name in the Dockerfile, as far as the provenance has names.

    Its materials are package URLs such as `pkg:docker/golang@1.21?platform=linux%2Famd64`.
    """
    materials = _at(provenance, ["materials"]) or _at(provenance, ["buildDefinition", "resolvedDependencies"])
    digests: dict[str, str] = {}
    for material in materials if isinstance(materials, list) else ():
        address, digest = _at(material, ["uri"]), _at(material, ["digest", "sha256"])
        if isinstance(address, str) and isinstance(digest, str) and address.startswith(IMAGE):
            name, _, tag = unquote(address.removeprefix(IMAGE).partition("?")[0]).rpartition("@")
            digests |= {f"{name}:{tag}": digest, **({name: digest} if tag == "latest" else {})}
    return digests


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
