"""Facts of the machine that builds, for recordings."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from speedkit.engine import Engine, buildx_version, find_go, full_go_version
from speedkit.errors import EngineError

__all__ = ["machine_of"]


def machine_of(engine: Engine) -> dict[str, Any]:
    """Facts of the machine and of the engine, as far as it still answers."""
    go = find_go()
    here = {
        "platform": sys.platform,
        "python": sys.version.split()[0],
        "speedkit": _own_version(),
        "buildx": buildx_version(engine.buildx),
        "go": full_go_version(go) if go else "",
    }
    try:
        return here | {
            "engine": engine.version,
            "engine_id": engine.identity,
            "storage_driver": engine.storage_driver,
            "engine_system": engine.operating_system,
            "cpus": engine.cpus,
            "memory_bytes": engine.memory_bytes,
        }
    except (EngineError, LookupError, ValueError):
        return here


@lru_cache(maxsize=1)
def _own_version() -> str:
    try:
        return version("speedkit")
    except PackageNotFoundError:
        return ""
