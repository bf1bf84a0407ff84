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

    A submodule gives only the name of its folder. below: only files at or below these paths.
    """
    try:
        command = GitCommand(repository)
        # Without `literal`, a folder called `[slug]` would be a pattern: https://git-scm.com/docs/gitglossary (pathspec).
        pathspecs = [f":(top,literal){path}" for path in below]
        tracked_and_new = command.tokens("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *pathspecs)
        # During a merge with conflicts, `git ls-files` names a file once for each side of its conflict.
        return list(dict.fromkeys(filter(None, tracked_and_new)))
    except SpeedkitError:
        return None
