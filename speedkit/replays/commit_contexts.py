"""The build context of one commit after another, for forecasts.

A commit costs only the time for its changed files, not for all files: a history has thousands of commits. So the walk of
`git_history.manifest_of` is repeated here for single paths, and a test checks that both give the same context.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from speedkit.cache import ChangingTree
from speedkit.context import Entry, IgnorePatterns, Matched
from speedkit.git_history import Change, GitFile, entry_of, git_folder, manifest_of

__all__ = ["CommitContexts"]

_NO_PATTERNS: Matched = ()


class CommitContexts:
    """The files of a repository at a commit, and those of them that are in the build context, in a `ChangingTree`."""

    def __init__(self, context: str, links: Mapping[str, str]) -> None:
        """context: the folder in the repository; "" for its root. links: the target of each symlink, by its blob id."""
        self.tree = ChangingTree()
        self.files: dict[str, GitFile] = {}
        self._below = f"{context}/" if context else ""
        self._context = context
        self._links = links
        self._patterns = IgnorePatterns(())
        self._in_folder: dict[str, int] = {}
        """The number of the commit's files in each folder of the context, also ignored ones: git has no empty folders."""
        self._folders: dict[str, tuple[bool, bool, Matched]] = {"": (False, True, _NO_PATTERNS)}
        """For each folder: whether it is walked, whether it is ignored, and the patterns that it inherits."""

    def start(self, files: Mapping[str, GitFile], commit: str) -> None:
        """Takes over the files of a commit. The context stays empty until `ignore` applies the ignore file."""
        self.files = dict(files) | (git_folder(commit) if not self._context else {})
        for path in self.files:
            if path.startswith(self._below):
                self._count(path[len(self._below) :], 1)

    def go_to(self, commit: str, changes: Sequence[Change]) -> dict[str, Entry | None]:
        """Goes on to the next commit. Returns the paths that differ in the context now, each with its entry before."""
        # The `.git` of a checkout differs in each commit. It is in the context only when that is the repository's root.
        own = [*changes]
        if not self._context:
            own += [Change(path, self.files.get(path), file) for path, file in git_folder(commit).items()]
        inside: list[tuple[str, GitFile | None]] = []
        for change in own:
            was_there = change.path in self.files
            if change.after is None:
                self.files.pop(change.path, None)
            else:
                self.files[change.path] = change.after
            if change.path.startswith(self._below):
                path = change.path[len(self._below) :]
                inside.append((path, change.after))
                if was_there != (change.after is not None):
                    self._count(path, 1 if change.after is not None else -1)
        # Removals first: a file may become a folder of the same name, or the other way round.
        differing: dict[str, Entry | None] = {}
        for path, file in sorted(inside, key=lambda one: one[1] is not None):
            before = self._removed(path) if file is None else self._set(path, file)
            differing = before | differing
        return differing

    def ignore(self, patterns: IgnorePatterns) -> dict[str, Entry | None]:
        """Applies the patterns of another ignore file. Returns the paths that differ in the context, as `go_to` does."""
        self._patterns = patterns
        self._folders = {"": (True, False, _NO_PATTERNS)}
        # Any pattern may concern any file, so here all files are walked. An ignore file seldom changes.
        after = {entry.path: entry for entry in manifest_of(self.files, self._context, patterns, self._links).entries}
        changes: dict[str, Entry | None] = {entry.path: None for entry in self.tree.entries if entry.path not in after}
        changes |= {path: entry for path, entry in after.items() if self.tree.entry(path) != entry}
        return self._changed(changes)

    def _changed(self, changes: Mapping[str, Entry | None]) -> dict[str, Entry | None]:
        before = {path: self.tree.entry(path) for path in changes}
        if changes:
            self.tree.change(changes)
        return before

    def _count(self, path: str, number: int) -> None:
        for folder in _folders_of(path):
            self._in_folder[folder] = self._in_folder.get(folder, 0) + number

    def _folder(self, folder: str) -> tuple[bool, bool, Matched]:
        # Patterns of a folder count for all files in it, so they are matched once, from the outermost folder inwards.
        facts = self._folders.get(folder)
        if facts is None:
            is_walked, _, inherited = self._folder(folder.rpartition("/")[0])
            ignored, matched = False, _NO_PATTERNS
            if is_walked and self._patterns:
                ignored, matched = self._patterns.match(folder, inherited)
                is_walked = not ignored or self._patterns.may_hold_exceptions(folder)
            facts = self._folders[folder] = (is_walked, ignored, matched)
        return facts

    def _set(self, path: str, file: GitFile) -> dict[str, Entry | None]:
        parent = path.rpartition("/")[0]
        is_walked, _, inherited = self._folder(parent)
        changes: dict[str, Entry | None] = {}
        # git has no empty folders: a checkout has a folder when it has a file in it, even an ignored one. So an ignored file
        # can add a folder that no pattern ignores.
        is_sent = is_walked and not (self._patterns and self._patterns.match(path, inherited)[0])
        if is_sent:
            changes[path] = entry_of(path, file, self._links)
        needed = is_sent
        for folder in _folders_of(path):
            folder_is_walked, ignored, _ = self._folder(folder)
            needed = needed or (folder_is_walked and not ignored)
            if needed and self.tree.entry(folder) is None:
                changes[folder] = entry_of(folder, None, self._links)
        changes = {one: entry for one, entry in changes.items() if self.tree.entry(one) != entry}
        return self._changed(changes)

    def _removed(self, path: str) -> dict[str, Entry | None]:
        before: dict[str, Entry | None] = {}
        entry = self.tree.entry(path)
        # The folder of a removed submodule stays, when the repository now has files of its own in it.
        if entry is not None and not (entry.kind == "dir" and self._in_folder.get(path)):
            before |= self._changed({path: None})
        for folder in _folders_of(path):
            is_needed = self.tree.has_children(folder) if self._folder(folder)[1] else self._in_folder.get(folder, 0) > 0
            if not is_needed and self.tree.entry(folder) is not None:
                before |= self._changed({folder: None})
        return before


def _folders_of(path: str) -> Iterable[str]:
    """The folders of a path, the innermost first, without the root."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
