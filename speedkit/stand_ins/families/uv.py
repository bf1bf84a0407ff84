"""ghcr.io/astral-sh/uv: the programs of PyPI's wheel, alone (`COPY --from=…/uv /uv /bin/`) or in an image with Python."""

from __future__ import annotations

import re
from dataclasses import replace

from ..family import Family
from ..recipe import StandIn, WheelPrograms
from ..tags import Tag
from .alpine import alpine
from .debian import buildpack, debian
from .python import python

__all__ = ["FAMILY"]

PYTHON = re.compile(r"python(\d+(?:\.\d+)*)")
IN_PATH = {"uv": "/usr/local/bin/uv", "uvx": "/usr/local/bin/uvx"}


def _stand_in(image: str, tag: Tag) -> StandIn | None:  # noqa: ARG001
    pythons = [match[1] for word in tag.other if (match := PYTHON.fullmatch(word))]
    if len(pythons) > 1 or any(word != "debian" and not PYTHON.fullmatch(word) for word in tag.other):
        return None
    asked = f"uv {tag.version}".strip()
    version = tag.version or "latest"
    if pythons:
        below = python(replace(tag, version=pythons[0], other=()))
        asked += f", {below.asked}"
    elif tag.system == "alpine":
        below = alpine()
    elif tag.suite or tag.other or tag.is_slim:
        below = (debian if tag.is_slim else buildpack)(tag.suite)
    else:
        programs = WheelPrograms("uv", tag.version, {"uv": "/uv", "uvx": "/uvx"})
        return StandIn(f"uv:{version}", None, (programs,), entrypoint=("/uv",), asked=asked)
    parts = (WheelPrograms("uv", tag.version, IN_PATH),)
    settings = {"UV_TOOL_BIN_DIR": "/usr/local/bin"}
    return StandIn(f"uv:{version}-{below.key.replace(':', '')}", below, parts, settings, command=below.command, asked=asked)


FAMILY = Family("uv", ("ghcr.io/astral-sh/uv", "astral/uv"), _stand_in)
