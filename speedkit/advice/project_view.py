"""What advice on a Dockerfile is made from: its text, the files of its build context, and how often each of them changed.

Whoever has a project makes a `ProjectView` of it. Nothing here reads a disk: `read` gives the text of a file, and `read_ahead`
says which files will be read next, so that git gives them in one go.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from speedkit.context import Entry, IgnorePatterns, Manifest, Matched, read_ignore_file

__all__ = ["ProjectView"]


@dataclass(frozen=True)
class ProjectView:
    """A Dockerfile and its build context at one commit, with their history.

    dockerfile: its text; lone surrogates stand for bytes that are no UTF-8. dockerfile_path, context_path, ignore_file_path:
    in the repository, with slashes; context_path "" or "." is the repository itself, and ignore_file_path "" says that there
    is no ignore file. files: the build context as committed, before the ignore file. read: the text of a file of the context,
    None when there is none, or it is no text. ignore_text: of the ignore file. change_counts: by path in the context, how many
    of the last `commits` commits changed it. build_args, target: of the build.
    """

    dockerfile: str
    dockerfile_path: str
    files: Manifest = field(repr=False)
    read: Callable[[str], str | None] = field(repr=False, compare=False)
    context_path: str = ""
    ignore_file_path: str = ""
    ignore_text: str = ""
    change_counts: Mapping[str, int] = field(default_factory=dict, repr=False)
    commits: int = 0
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    read_ahead: Callable[[Sequence[str]], None] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def sent(self) -> Manifest:
        """What the ignore file leaves of the build context."""
        patterns = IgnorePatterns(read_ignore_file(self.ignore_text), origin=self.ignore_file_path or ".dockerignore")
        if not patterns:
            return self.files
        matched: dict[str, Matched] = {"": ()}
        kept: list[Entry] = []
        needed_folders: set[str] = set()
        ignored_folders: list[Entry] = []
        for entry in self.files.entries:
            parent = posixpath.dirname(entry.path)
            ignored, own = patterns.match(entry.path, matched.get(parent, ()))
            if entry.kind == "dir":
                matched[entry.path] = own
            if not ignored:
                kept.append(entry)
                needed_folders.add(parent)
            elif entry.kind == "dir":
                ignored_folders.append(entry)
        # A file that `!` brings back comes with the folders above it.
        for folder in reversed(ignored_folders):
            if folder.path in needed_folders:
                kept.append(folder)
                needed_folders.add(posixpath.dirname(folder.path))
        kept.sort(key=lambda entry: entry.path.split("/"))
        return Manifest(tuple(kept), self.files.ignore_file)

    def ignores(self, path: str) -> bool:
        """Whether the ignore file names a path, or a folder above it."""
        patterns = IgnorePatterns(read_ignore_file(self.ignore_text), origin=self.ignore_file_path or ".dockerignore")
        matched: Matched = ()
        ignored = False
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            ignored, matched = patterns.match("/".join(parts[:count]), matched)
        return ignored

    def changes_of(self, path: str) -> int:
        """How many commits changed a file, or a file in a folder."""
        return self.change_counts.get(path, 0)

    def text_of(self, path: str) -> str | None:
        """The text of a file that the build gets; None for a file that is ignored or missing."""
        entry = self.sent.by_path.get(path)
        return self.read(path) if entry is not None and entry.kind == "file" else None

    def with_files(self, files: Mapping[str, str | None]) -> ProjectView:
        """The view after a suggestion. files: by path in the repository, as in `Suggestion`."""
        changed = self
        for path, text in files.items():
            if path == self.dockerfile_path and text is not None:
                same_files = changed.sent
                changed = replace(changed, dockerfile=text)
                # Worked out once: to match each path of a large context takes longer than all rules.
                changed.__dict__["sent"] = same_files
            elif path == (self.ignore_file_path or self.new_ignore_file_path):
                changed = replace(changed, ignore_file_path=path if text is not None else "", ignore_text=text or "")
        return changed

    @property
    def new_ignore_file_path(self) -> str:
        """Where the context's ignore file would be."""
        return posixpath.normpath(posixpath.join(self.context_path, ".dockerignore"))
