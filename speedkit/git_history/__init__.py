"""The history of a repository: its commits, and the build context of each, read from git's objects without a checkout.

`open_repository` gives the `Repository` of a folder. Git's plumbing commands read its objects; nothing is written into it, no
command of its configuration is run, and nothing is fetched. `write_repository` makes a new one.
"""

from __future__ import annotations

from .commits import Change, Commit, CommitRange, GitFile, change_counts
from .context_folder import ContextFolder
from .git_command import environment_without_git
from .new_repository import NewCommit, write_repository
from .repository import (
    GIT_FOLDER,
    CommitFiles,
    Repository,
    entry_of,
    file_behind,
    git_folder,
    ignore_files,
    manifest_of,
    open_repository,
    shown_ignore_file,
)
from .working_files import repository_folder, working_files

__all__ = [
    "GIT_FOLDER",
    "Change",
    "Commit",
    "CommitFiles",
    "CommitRange",
    "ContextFolder",
    "GitFile",
    "NewCommit",
    "Repository",
    "change_counts",
    "entry_of",
    "environment_without_git",
    "file_behind",
    "git_folder",
    "ignore_files",
    "manifest_of",
    "open_repository",
    "repository_folder",
    "shown_ignore_file",
    "working_files",
    "write_repository",
]
