"""What the `docker` command keeps in its folder of settings: the current context, and where the engines of contexts listen.

Docker's client library finds contexts only beside a config.json, which nobody needs to have, and else looks for them in the
current folder; so they are read here. https://docs.docker.com/engine/manage-resources/contexts/
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from speedkit.errors import NoEngine
from speedkit.messages import message
from speedkit.state import NO_HOME

__all__ = ["config_folder", "current_context", "endpoint_of_context"]

NO_CONTEXT = (None, "", "default")


def config_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where Docker's programs keep their settings; below a place that takes nothing where this user has no home."""
    home = os.path.expanduser("~")  # noqa: PTH111 (raises nothing where there is no home)
    return Path(environment.get("DOCKER_CONFIG") or os.path.join(NO_HOME if home == "~" else home, ".docker"))  # noqa: PTH118


def current_context() -> str | None:
    """The Docker context that the environment or Docker's configuration names; None for the default one.

    A configuration that cannot be read counts for nothing, as for the `docker` command.
    """
    if name := os.environ.get("DOCKER_CONTEXT"):
        return None if name in NO_CONTEXT else name
    try:
        found = _document(config_folder() / "config.json").get("currentContext")
    except (OSError, ValueError, RecursionError):
        return None
    return None if found in NO_CONTEXT else str(found)


def endpoint_of_context(name: str) -> tuple[str, Path | None] | None:
    """Where the engine of a context listens, and the folder of its client certificates; None when there is no such context.

    Raises: NoEngine where the context cannot be read.
    """
    contexts, key = config_folder() / "contexts", hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    try:
        # One without a host means the default address.
        host = _document(contexts / "meta" / key / "meta.json")["Endpoints"]["docker"].get("Host", "")
        if not isinstance(host, str):
            raise TypeError(message("its host is {host!r}", host=host))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as problem:
        words = f"{type(problem).__name__}: {problem}"
        raise NoEngine(
            message("The Docker context {name!r} cannot be read: {words}.", name=name, words=words),
            fix=message("See `docker context ls`."),
        ) from None
    certificates = contexts / "tls" / key / "docker"
    return host, certificates if (certificates / "ca.pem").is_file() else None


def _document(file: Path) -> dict[str, Any]:
    found = json.loads(file.read_bytes())
    if not isinstance(found, dict):
        raise ValueError(message("it is no JSON object"))
    return found
