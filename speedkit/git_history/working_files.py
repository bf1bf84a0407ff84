"""The files that a person works on: those that git tracks, and new ones that it does not ignore."""

from __future__ import annotations

from pathlib import Path

from speedkit.errors import SpeedkitError

from .git_command import GitCommand

__all__ = ["repository_folder", "working_files"]


def repository_folder(folder: Path) -> Path | None:
    """The folder of the repository that a folder is in; None when it is in none."""
    place = folder.resolve()
    return next((parent for parent in (place, *place.parents) if (parent / ".git").exists()), None)


def working_files(repository: Path, below: tuple[str, ...] = ()) -> list[str] | None:
    """The files of a repository, as paths in it with slashes; None when git cannot say, as for somebody else's repository.

    Of a submodule there is only its folder's name. below: only files at or below these paths.
    """
    try:
        command = GitCommand(repository)
        # `:(literal)` is needed as a folder's name may hold the signs of a pattern.
        pathspecs = [f":(top,literal){path}" for path in below]
        listed = command.tokens("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *pathspecs)
        # A file in a conflict of a merge is listed once for each side.
        return list(dict.fromkeys(filter(None, listed)))
    except SpeedkitError:
        return None
