"""The settings of the `docker` command: the current context, and the addresses of the contexts' engines.

Docker's client library is no help here: without a config.json, which is optional, it looks for contexts in the current
folder. https://docs.docker.com/engine/manage-resources/contexts/
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

__all__ = ["buildx_folder", "config_folder", "current_context", "endpoint_of_context"]

NO_CONTEXT = (None, "", "default")


def config_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder where Docker's programs keep their settings. For a user without a home, a path that cannot exist."""
    home = os.path.expanduser("~")  # noqa: PTH111 (gives "~" where there is no home, while Path.home raises)
    return Path(environment.get("DOCKER_CONFIG") or os.path.join(NO_HOME if home == "~" else home, ".docker"))  # noqa: PTH118


def buildx_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder where buildx keeps its builders, and which build it started from which folder."""
    return Path(environment.get("BUILDX_CONFIG") or config_folder(environment) / "buildx")


def current_context() -> str | None:
    """The Docker context that the environment or Docker's config.json names; None for the default one.

    A config.json that cannot be read is ignored, as the `docker` command does.
    """
    if name := os.environ.get("DOCKER_CONTEXT"):
        return None if name in NO_CONTEXT else name
    try:
        context = _document(config_folder() / "config.json").get("currentContext")
    except (OSError, ValueError, RecursionError):
        return None
    return None if context in NO_CONTEXT else str(context)


def endpoint_of_context(name: str) -> tuple[str, Path | None] | None:
    """The address of a context's engine, and the folder of the client's certificates; None when there is no such context.

    The address is "" for a context without one, which means the default address.
    Raises: NoEngine where the context cannot be read.
    """
    # The folder of a context is named by the SHA-256 of the context's name: docker/cli, cli/context/store.
    contexts, key = config_folder() / "contexts", hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    try:
        host = _document(contexts / "meta" / key / "meta.json")["Endpoints"]["docker"].get("Host", "")
        if not isinstance(host, str):
            raise TypeError(message("its host is {host!r}", host=host))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as problem:
        reason = f"{type(problem).__name__}: {problem}"
        raise NoEngine(
            message("The Docker context {name!r} cannot be read: {reason}.", name=name, reason=reason),
            fix=message("See `docker context ls`."),
        ) from None
    certificates = contexts / "tls" / key / "docker"
    return host, certificates if (certificates / "ca.pem").is_file() else None


def _document(file: Path) -> dict[str, Any]:
    document = json.loads(file.read_bytes())
    if not isinstance(document, dict):
        raise ValueError(message("it is no JSON object"))
    return document
