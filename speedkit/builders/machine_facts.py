"""Facts of the machine that builds, for recordings: versions, storage driver, processors, memory."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from speedkit.engine import Engine, buildx_version, find_go, full_go_version
from speedkit.errors import EngineError

__all__ = ["machine_of"]


def machine_of(engine: Engine) -> dict[str, Any]:
    """Facts of this machine and of the engine; of this machine alone once the engine answers no longer."""
    go = find_go()
    own_facts = {
        "platform": sys.platform,
        "python": sys.version.split()[0],
        "speedkit": _own_version(),
        "buildx": buildx_version(engine.buildx),
        "go": full_go_version(go) if go else "",
    }
    try:
        return own_facts | {
            "engine": engine.version,
            "engine_id": engine.identity,
            "storage_driver": engine.storage_driver,
            "engine_system": engine.operating_system,
            "cpus": engine.cpus,
            "memory_bytes": engine.memory_bytes,
        }
    except (EngineError, LookupError, ValueError):
        return own_facts


@lru_cache(maxsize=1)
def _own_version() -> str:
    # A metadata look-up reads files, and each build asks for it.
    try:
        return version("speedkit")
    except PackageNotFoundError:
        return ""
