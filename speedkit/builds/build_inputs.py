"""The inputs of a build besides its build context: the text of the Dockerfile, and the build args.

In: a path, and the build args that the user names. Out: the text and the build args as BuildKit gets them, or a `FileRefused`
for a file that is not a Dockerfile.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from speedkit.apps import App, Strategy
from speedkit.context import file_in_root
from speedkit.engine import CommandOptions, checked_options, joined_options
from speedkit.errors import FileRefused, NoDockerfile
from speedkit.messages import message
from speedkit.recordings import redaction_of
from speedkit.regular_file import read_regular
from speedkit.secrets import is_secret_file

__all__ = ["dockerfile_text", "dockerfile_without_secrets", "effective_build_args", "options_for", "refuse_private_file"]

PROXY_ARGUMENTS = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"})
"""Build args that BuildKit defines without an ARG, and leaves out of cache keys."""
BUILD_TIME = "SOURCE_DATE_EPOCH"
LARGEST_DOCKERFILE_BYTES = 16_000_000
PRIVATE_KEY = "-----BEGIN "
"""How a private key in PEM format begins."""


def effective_build_args(build_args: Mapping[str, str]) -> dict[str, str]:
    """The build args that BuildKit gets: those the user names, and those from the environment.

    The proxies of the environment let steps reach the network. SOURCE_DATE_EPOCH is among them because buildx takes it from the
    environment by itself, and it counts for the cache like any other build arg.
    """
    from_environment = {
        name: value for name, value in os.environ.items() if name.upper() in PROXY_ARGUMENTS or name == BUILD_TIME
    }
    return from_environment | dict(build_args)


def options_for(app: App, strategy: Strategy, options: CommandOptions) -> CommandOptions:
    """The options of a build by a strategy: the strategy's, and the reader's own before them, as `checked_options` gives them.

    A named context inside of the app is the working copy's folder, so that edits of the copy count. A folder that the copy
    lacks, because an ignore file leaves it out, stays.
    Raises: Misuse for an option that buildx would not take.
    """
    checked = checked_options(joined_options(strategy.options, options))
    contexts = dict(checked.named_contexts)
    for name, folder in checked.folders.items():
        if app.folder != app.source and folder.is_relative_to(app.source):
            copied = app.folder / folder.relative_to(app.source)
            contexts[name] = str(copied if copied.is_dir() else folder)
    return replace(checked, named_contexts=contexts) if contexts != checked.named_contexts else checked


def dockerfile_text(path: Path) -> str:
    """A Dockerfile's text. Line ends stay as they are, and bytes that are not UTF-8 become surrogates.

    Raises: NoDockerfile; FileRefused for a file that cannot be read.
    """
    # BuildKit follows a link with the Dockerfile's folder as the root of all paths, which may lead to another file than here.
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


def dockerfile_without_secrets(text: str, build_args: Mapping[str, str] | None = None) -> str:
    """A Dockerfile's text as the recording of a build with these build args would hold it."""
    return redaction_of(effective_build_args(build_args or {}), os.environ, text).text(text)


def refuse_private_file(path: Path, text: str, folder: Path) -> None:
    """Refuses a file that seems to be secret: a failed build would quote it, and its recording would keep it.

    A link called Dockerfile, in a folder from somebody else, may lead to a key of the user's.
    Raises: FileRefused.
    """
    place = path.resolve()
    # A link to a common Dockerfile elsewhere is usual, so only a file that nobody else may read is suspicious there.
    is_elsewhere = not place.is_relative_to(folder.resolve()) and "docker" not in place.name.lower()
    is_closed = is_elsewhere and place.exists() and not place.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
    if text.lstrip().startswith(PRIVATE_KEY) or is_secret_file(place.name) or (is_closed and sys.platform != "win32"):
        raise FileRefused(
            message(
                "{path} is not a Dockerfile: it leads to {place}, which holds a secret or is closed to others.",
                path=path,
                place=place,
            ),
            fix=message("Remove the link, or name a Dockerfile with -f FILE."),
        )
