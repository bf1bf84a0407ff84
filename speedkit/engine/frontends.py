"""Frontends: the images that `# syntax=IMAGE` names at the top of a Dockerfile, and which the engine pulls to read it.

Where no registry answers, the frontend inside the engine can replace Docker's own frontend image: it is the same program, in
the engine's version. Other frontends cannot be replaced.
"""

from __future__ import annotations

from speedkit.errors import EngineSilent

from .base_images import ANSWER_SECONDS, has_image
from .connection import Engine

__all__ = ["is_dockers_frontend", "note_unanswered", "replaced_frontend"]

SERVER_ERROR = 500

_unanswered: dict[tuple[str, str], bool] = {}
"""By the engine's address and the image: whether no registry answered for it. So this process asks once for each."""


def is_dockers_frontend(image: str) -> bool:
    """Whether an image is Docker's own Dockerfile frontend, from Docker Hub or a mirror."""
    name = image.partition("@")[0]
    repository = name[: name.rfind(":")] if name.rfind(":") > name.rfind("/") else name
    return repository.split("/")[-2:] in (["docker", "dockerfile"], ["docker", "dockerfile-upstream"])


def replaced_frontend(engine: Engine, image: str) -> bool:
    """Whether the frontend inside the engine has to replace an image: the engine lacks the image, and no registry answers.

    Raises: EngineLost.
    """
    if not is_dockers_frontend(image) or has_image(engine, image):
        return False
    key = (engine.host, image)
    if key not in _unanswered:
        try:
            reply = engine.api.get(f"{engine.api.base_url}/distribution/{image}/json", timeout=ANSWER_SECONDS)
        except EngineSilent:
            if not engine.answers():
                raise
            _unanswered[key] = True
        else:
            # A registry that refuses has answered: BuildKit may have credentials that this request lacks.
            _unanswered[key] = bool(reply.status_code >= SERVER_ERROR)
    return _unanswered[key]


def note_unanswered(engine: Engine, image: str) -> None:
    """Note that BuildKit could not pull a frontend, so that this process does not try it again."""
    _unanswered[(engine.host, image)] = True
