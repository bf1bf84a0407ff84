"""What a build is made from besides its build context: the text of the Dockerfile, and the build arguments.

In: a path, and what the user asked for. Out: the text and the arguments as BuildKit gets them, or a `FileRefused` for a file
that is no Dockerfile.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from speedkit.context import file_in_root
from speedkit.errors import FileRefused, NoDockerfile
from speedkit.messages import message
from speedkit.recordings import redaction_of
from speedkit.regular_file import read_regular
from speedkit.secrets import is_secret_file

__all__ = ["dockerfile_text", "refuse_private_file", "sent_arguments", "without_secrets"]

PROXY_ARGUMENTS = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"})
"""Build args that BuildKit knows by itself and leaves out of cache keys."""
BUILD_TIME = "SOURCE_DATE_EPOCH"
LARGEST_DOCKERFILE_BYTES = 16_000_000
PRIVATE_KEY = "-----BEGIN "


def sent_arguments(build_args: Mapping[str, str]) -> dict[str, str]:
    """What a build is given as build arguments: those named, and those that come from the environment.

    The host's proxies are handed on to reach the network; SOURCE_DATE_EPOCH is taken by buildx itself.
    """
    found = {name: value for name, value in os.environ.items() if name.upper() in PROXY_ARGUMENTS or name == BUILD_TIME}
    return found | dict(build_args)


def dockerfile_text(path: Path) -> str:
    """A Dockerfile's text; line ends stay as they are, and bytes that are not UTF-8 survive in it.

    Raises: NoDockerfile; FileRefused for one that is there and cannot be read.
    """
    # A link counts as BuildKit follows it, which is not always where it leads here.
    place = file_in_root(path.parent.resolve(), path.name)
    if place is None:
        raise NoDockerfile(path)
    try:
        return read_regular(place, at_most_bytes=LARGEST_DOCKERFILE_BYTES).decode("utf-8", errors="surrogateescape")
    except FileNotFoundError:
        raise NoDockerfile(path) from None
    except OSError as problem:
        raise FileRefused(
            message("The Dockerfile {path} cannot be read: {problem}.", path=path, problem=problem.strerror),
            fix=message("Make it readable."),
        ) from None


def without_secrets(text: str, build_args: Mapping[str, str] | None = None) -> str:
    """A Dockerfile's text as the recording of a build with these arguments would hold it."""
    return redaction_of(sent_arguments(build_args or {}), os.environ, text).text(text)


def refuse_private_file(path: Path, text: str, folder: Path) -> None:
    """A link called Dockerfile may lead to somebody's key, which a failed build would quote and its recording keep.

    Raises: FileRefused.
    """
    place = path.resolve()
    is_elsewhere = not place.is_relative_to(folder.resolve()) and "docker" not in place.name.lower()
    is_closed = is_elsewhere and place.exists() and not place.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
    if text.lstrip().startswith(PRIVATE_KEY) or is_secret_file(place.name) or (is_closed and sys.platform != "win32"):
        raise FileRefused(
            message(
                "{path} is no Dockerfile: it is {place}, which holds a secret or is closed to others.", path=path, place=place
            ),
            fix=message("Remove the link, or name a Dockerfile with -f FILE."),
        )
