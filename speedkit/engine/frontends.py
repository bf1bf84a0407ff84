"""Frontends: what reads a Dockerfile that begins with `# syntax=IMAGE`. The engine fetches that image from a registry.

Where no registry answers, the frontend that is built into the engine takes the place of Docker's own. It is the same program,
of the engine's version. No other frontend can be replaced so.
"""

from __future__ import annotations

from speedkit.errors import EngineSilent

from .base_images import ANSWER_SECONDS, has_image
from .connection import Engine

__all__ = ["is_dockers_frontend", "note_unanswered", "replaced_frontend"]

SERVER_ERROR = 500

_unanswered: dict[tuple[str, str], bool] = {}
"""Whether no registry answered for an image, by engine and image, so that this process asks once for each."""


def is_dockers_frontend(image: str) -> bool:
    """Whether an image is the Dockerfile frontend, of Docker's own or from a mirror of it."""
    name = image.partition("@")[0]
    repository = name[: name.rfind(":")] if name.rfind(":") > name.rfind("/") else name
    return repository.split("/")[-2:] in (["docker", "dockerfile"], ["docker", "dockerfile-upstream"])


def replaced_frontend(engine: Engine, image: str) -> bool:
    """Whether the engine's own frontend has to take the place of an image: it is not here, and no registry answers.

    A registry that refuses has answered: BuildKit may have credentials that are not used here.
    Raises: EngineLost.
    """
    if not is_dockers_frontend(image) or has_image(engine, image):
        return False
    key = (engine.host, image)
    if key not in _unanswered:
        _unanswered[key] = _is_unanswered(engine, image)
    return _unanswered[key]


def note_unanswered(engine: Engine, image: str) -> None:
    """Note that BuildKit could not fetch a frontend: this process does not ask for it again."""
    _unanswered[(engine.host, image)] = True


def _is_unanswered(engine: Engine, image: str) -> bool:
    try:
        reply = engine.api.get(f"{engine.api.base_url}/distribution/{image}/json", timeout=ANSWER_SECONDS)
    except EngineSilent:
        if not engine.answers():
            raise
        return True
    return bool(reply.status_code >= SERVER_ERROR)
