"""The states of a project in its history: the last commits that changed its build context, and the commit before them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from speedkit.context import Manifest
from speedkit.errors import NoDockerfile, SpeedkitError
from speedkit.git_history import Commit, ContextFolder, Repository
from speedkit.projects import Way

from .project_states import CONTEXT, ProjectState

__all__ = ["CommitStates"]

SEARCHED_COMMITS = 400
"""How far back to look for commits that changed the build context: in a repository of many projects, few do."""

_Content = tuple[tuple[str, str, int, str, str], ...]


@dataclass
class CommitStates:
    """The last `count` commits whose build context or Dockerfile differs from that of the commit before, oldest first.

    A build of any other commit would find all steps in the cache, with any Dockerfile. skipped: how many such commits lie
    between.
    """

    repository: Repository
    way: Way
    count: int
    skipped: int = 0
    _folder: ContextFolder | None = field(default=None, repr=False)
    _contents: dict[str, _Content] = field(default_factory=dict, repr=False)

    has_history = True

    @cached_property
    def states(self) -> tuple[ProjectState, ...]:
        """The states; none for a project whose history has no commit to measure."""
        commits = self.repository.commits(SEARCHED_COMMITS)
        measured: list[Commit] = []
        for commit in reversed(commits.commits):
            if len(measured) >= self.count:
                break
            if self._changes_the_build(commit):
                measured.append(commit)
            else:
                self.skipped += 1
        if not measured:
            return ()
        # The measured commits need a build before them: the parent of the oldest one fills the cache.
        first = measured[-1]
        start = ProjectState("commit", first.parent, "")
        by_id = {commit.id: commit for commit in commits.commits}
        if first.parent in by_id:
            start = _state(by_id[first.parent])
        return (start, *map(_state, reversed(measured)))

    def _changes_the_build(self, commit: Commit) -> bool:
        context = self.repository.path(self.way.context)
        below = f"{context}/" if context else ""
        dockerfile = self.repository.path(self.way.file)
        paths = [change.path for change in commit.changes]
        if any(path in (dockerfile, f"{dockerfile}.dockerignore") for path in paths):
            return True
        if not any(path.startswith(below) for path in paths):
            return False
        # A path in the context may still be one that the ignore file names. A commit whose files cannot be read counts as a
        # state here; the proof leaves it out, with the reason.
        with contextlib.suppress(SpeedkitError):
            return self._content(commit.id) != self._content(commit.parent)
        return True

    def _content(self, commit: str) -> _Content:
        if commit not in self._contents:
            manifest: Manifest = self.repository.manifest_at(commit, context=self.way.context, dockerfile=self.way.file)
            self._contents[commit] = tuple(
                (entry.path, entry.kind, entry.mode, entry.digest, entry.link) for entry in manifest.entries
            )
        return self._contents[commit]

    def write(self, state: ProjectState, folder: Path, *, time_ns: int) -> None:
        if self._folder is None or self._folder.folder != folder / CONTEXT:
            self._folder = ContextFolder(self.repository, folder / CONTEXT, self.way.context, with_git=True)
        try:
            self._folder.check_out(state.id, dockerfile=self.way.file, modified_ns=time_ns)
        except NoDockerfile:
            # The Dockerfile may be newer than the commit: the uncommitted changes of the folder bring it. Otherwise the state
            # is left out later.
            self._folder.check_out(state.id, dockerfile=self.way.file, text="", modified_ns=time_ns)


def _state(commit: Commit) -> ProjectState:
    return ProjectState("commit", commit.id, commit.subject)
