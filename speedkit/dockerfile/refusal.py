"""How it is said that BuildKit refuses a Dockerfile: where, in the reader's language, and why, in BuildKit's own words."""

from __future__ import annotations

from speedkit.errors import DockerfileError
from speedkit.messages import message

__all__ = ["refusal"]


def refusal(reason: str, line: int | None = None, *, fix: str = "") -> DockerfileError:
    """The error for a reason. line: None where BuildKit names none."""
    if line:
        return DockerfileError(message("Dockerfile, line {line}: {reason}.", line=line, reason=reason), line=line, fix=fix)
    return DockerfileError(message("Dockerfile: {reason}.", reason=reason), line=line, fix=fix)
