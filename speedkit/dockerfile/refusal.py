"""The error for a Dockerfile that BuildKit refuses: the place is in the reader's language, the reason in BuildKit's words."""

from __future__ import annotations

from speedkit.errors import DockerfileError
from speedkit.messages import message

__all__ = ["refusal"]


def refusal(reason: str, line: int | None = None, *, fix: str = "") -> DockerfileError:
    """An error with BuildKit's reason. line: None when BuildKit names none."""
    if line:
        return DockerfileError(message("Dockerfile, line {line}: {reason}.", line=line, reason=reason), line=line, fix=fix)
    return DockerfileError(message("Dockerfile: {reason}.", reason=reason), line=line, fix=fix)
