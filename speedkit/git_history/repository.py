"""A git repository: its first-parent history, the tree of each commit, and the build context in such a tree.

A tree has no sizes and no modification times, so a manifest made of it has none either. The digest of a file in it is the id
of its blob, which is good only to compare commits.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from speedkit.context import Entry, IgnorePatterns, Manifest, Matched, ignore_patterns_in
from speedkit.errors import GitError, Misuse, NotAFolder, NotARepository, ObjectsMissing
from speedkit.messages import message

from .commits import LOG_FORMAT, Change, Commit, CommitRange, GitFile, read_changes, read_log, read_tree
from .git_command import GitCommand

__all__ = [
    "CommitFiles",
    "Repository",
    "entry_of",
    "file_behind",
    "git_folder",
    "ignore_files",
    "manifest_of",
    "open_repository",
    "resolved",
]

LARGEST_TEXT_BYTES = 16_000_000
"""Of a Dockerfile or ignore file."""
GIT_FOLDER = ".git"
_MOST_LINKS = 255
"""BuildKit follows as many for one path, and then ends the build with `too many links`."""
_LOG = ("log", "--first-parent", "--diff-merges=first-parent", "--reverse", "--raw", "-z", "--no-abbrev", "--no-renames")
_PLAIN = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=none", "--no-relative", f"--format={LOG_FORMAT}")


def open_repository(folder: Path) -> Repository:
    """The repository that a folder lies in.

    folder: the repository's own folder, one inside it, or a bare repository. Raises: NotAFolder; NotARepository, also for a
    repository without any commit; GitError.
    """
    if not folder.is_dir():
        raise NotAFolder(folder)
    git = GitCommand(folder)
    facts = git.run("rev-parse", "--is-bare-repository", "--is-shallow-repository", "--show-prefix", "--is-inside-git-dir")
    bare, shallow, prefix, inside = facts.decode("utf-8", "surrogateescape").rsplit("\n", 1)[0].split("\n")[:4]
    if inside == "true" and bare != "true":
        raise NotARepository(
            message("{folder} is the inside of a repository.", folder=folder), fix=message("Name the folder above it.")
        )
    try:
        head = git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}").decode().strip()
    except ObjectsMissing:
        raise
    except GitError:
        raise NotARepository(
            message("The repository of {folder} has no commit yet.", folder=folder), fix=message("Commit something first.")
        ) from None
    return Repository(folder, git, head, prefix.rstrip("/"), bare == "true", shallow == "true")


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository, as it was when it was opened.

    folder: as the reader named it. head: the id of the commit that is checked out. prefix: the folder in the repository; ""
    for the repository's root.
    """

    folder: Path
    git: GitCommand
    head: str
    prefix: str
    is_bare: bool
    is_shallow: bool

    def path(self, inside: str) -> str:
        """A path of the project as a path of the repository; "" for the repository's root.

        Raises: Misuse for one that leads out of the repository.
        """
        path = posixpath.normpath(posixpath.join(self.prefix, inside))
        if path.startswith(("../", "/")) or path == "..":
            raise Misuse(
                message("{path} lies outside of the repository of {folder}.", path=inside, folder=self.folder),
                fix=message("The history knows only files that git knows: name a folder above both."),
            )
        return "" if path == "." else path

    def commits(self, count: int | None = None, *, since: str | None = None) -> CommitRange:
        """The last commits of the first-parent history that ends at HEAD, oldest first.

        count: at most so many. since: as `git log --since` takes it. The first commit of a history has none before it, so it
        is never one of the commits, but the start of the range.
        Raises: ObjectsMissing, GitError; Misuse when no commit is so new.
        """
        if count is not None and count < 1:
            raise Misuse(message("The number of commits must be 1 or more, not {count}.", count=count))
        limits = [f"--max-count={count + 1}"] if count is not None else []
        limits += [f"--since={since}"] if since else []

        # One commit more than asked for: it is the start of the range, with which the first commit is compared.
        settings = ("--no-color", "--no-decorate", "--no-notes")
        commits = list(read_log(self.git.tokens(*_LOG, *_PLAIN, *settings, *limits, self.head)))
        if not commits and since:
            # For words that it cannot read, git takes the present moment, and prints no error. So the error shows the date.
            moment = self.git.run("rev-parse", f"--since={since}").decode().strip().removeprefix("--max-age=")
            date = datetime.fromtimestamp(int(moment), UTC).date() if moment.isdecimal() else since
            raise Misuse(
                message("No commit is so new: git reads {since!r} as {date}.", since=since, date=date),
                fix=message("Write a date such as 2026-01-31, or '3 months ago'."),
            )

        # The start is the commit of the log that has no parent, the one more that was read, or else the parent of the first.
        if not commits:
            return CommitRange((), self.head, self.is_shallow)
        if not commits[0].parent:
            return CommitRange(tuple(commits[1:]), commits[0].id, self.is_shallow)
        if count is not None and len(commits) > count:
            return CommitRange(tuple(commits[1:]), commits[0].id, False)
        return CommitRange(tuple(commits), commits[0].parent, False)

    def files(self, commit: str) -> CommitFiles:
        """The files of a commit. commit: its id, or a name such as `HEAD~1`. Raises: ObjectsMissing, GitError."""
        commit_id = self.git.run("rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}").decode().strip()
        tree = dict(read_tree(self.git.tokens("ls-tree", "-r", "-z", "--full-tree", commit_id)))
        _refuse_impossible(tree)
        return CommitFiles(self, commit_id, tree)

    def text(self, blob: str) -> str:
        """The text of a blob; bytes that are not UTF-8 become surrogates. Raises: ObjectsMissing, Misuse for a huge one."""
        return self.texts([blob])[blob]

    def texts(self, blobs: Iterable[str]) -> dict[str, str]:
        """The texts of several blobs, by their ids."""
        texts: dict[str, str] = {}
        with self.git.objects() as objects:
            for blob in dict.fromkeys(blobs):
                content = objects.read(blob, at_most_bytes=LARGEST_TEXT_BYTES)
                if content is None:
                    raise Misuse(message("The object {id} is too large for a Dockerfile or a link.", id=blob[:12]))
                texts[blob] = content.decode("utf-8", "surrogateescape")
        return texts

    def manifest_at(
        self, commit: str, *, context: str = ".", dockerfile: str = "Dockerfile", with_git: bool = False
    ) -> Manifest:
        """The manifest of a commit's build context, of which git's objects tell all but sizes and times.

        context, dockerfile: paths of the project. A file's digest is its blob id: equal for equal content, and nothing else.
        with_git: the `.git` of a checkout is in it (`git_folder`), unless the ignore file names it.
        Raises: ObjectsMissing; Misuse for an ignore pattern that BuildKit rejects.
        """
        return self.files(commit).manifest(self.path(context), self.path(dockerfile), with_git=with_git)

    def changes(self, before: str, after: str) -> tuple[Change, ...]:
        """The paths that differ between two commits. before, after: their ids. Raises: ObjectsMissing, GitError."""
        options = ("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
        return tuple(read_changes(self.git.tokens(*options, before, after)))

    def renamed_from(self, commit: Commit, path: str) -> str | None:
        """The path from which a commit moved a file here; None when it did not. Raises: ObjectsMissing, GitError."""
        options = ("diff-tree", "-r", "-z", "-M", "--name-status", "--no-ext-diff", "--no-textconv")
        tokens = self.git.tokens(*options, commit.parent, commit.id)
        for status in tokens:
            before = next(tokens, "")
            if status.startswith("R"):
                after = next(tokens, "")
                if after == path:
                    return before
        return None


@dataclass(frozen=True, eq=False)
class CommitFiles:
    """The files of a commit. tree: by their paths in the repository."""

    repository: Repository
    commit: str
    tree: Mapping[str, GitFile]

    @cached_property
    def links(self) -> Mapping[str, str]:
        """The target of each symlink, by its blob id."""
        return self.repository.texts(file.blob for file in self.tree.values() if file.is_link)

    @property
    def submodules(self) -> tuple[str, ...]:
        """The paths of submodules: a clone without them has an empty folder there."""
        return tuple(path for path, file in self.tree.items() if file.is_submodule)

    @property
    def has_lfs_files(self) -> bool:
        """Whether files are kept by git LFS: git has a pointer in place of the content of each."""
        attributes = [file for path, file in self.tree.items() if posixpath.basename(path) == ".gitattributes"]
        texts = self.repository.texts(file.blob for file in attributes if not file.is_submodule)
        return any("filter=lfs" in text for text in texts.values())

    def manifest(self, context: str, dockerfile: str, *, with_git: bool = False) -> Manifest:
        """As `Repository.manifest_at`. context, dockerfile: paths in the repository."""
        name, patterns = self.ignore_patterns(context, dockerfile)
        tree = {**self.tree, **git_folder(self.commit)} if with_git and not context else self.tree
        return manifest_of(tree, context, patterns, self.links, ignore_file=name)

    def dockerfile(self, path: str) -> str | None:
        """The text of a Dockerfile; None where the commit has none. path: in the repository."""
        file = self._file(path)
        return None if file is None else self.repository.text(file.blob)

    def ignore_patterns(self, context: str, dockerfile: str) -> tuple[str, IgnorePatterns]:
        """The path of the ignore file in the context ("" for none), and its patterns. Paths are those of the repository."""
        for path in ignore_files(context, dockerfile):
            if (file := self._file(path)) is not None:
                text = self.repository.text(file.blob)
                return shown_ignore_file(path, context), ignore_patterns_in(text, posixpath.basename(path))
        return "", IgnorePatterns(())

    def _file(self, path: str) -> GitFile | None:
        return file_behind(path, self.tree, self.links)


def git_folder(commit: str) -> dict[str, GitFile]:
    """Files in place of the `.git` of a checkout: a few of its names, with contents that differ from commit to commit."""
    return {f"{GIT_FOLDER}/{name}": GitFile("100644", commit) for name in ("HEAD", "index", "objects/pack/objects.pack")}


def ignore_files(context: str, dockerfile: str) -> tuple[str, str]:
    """The paths where BuildKit looks for an ignore file, in its order."""
    return f"{dockerfile}.dockerignore", posixpath.join(context, ".dockerignore")


def shown_ignore_file(path: str, context: str) -> str:
    """The path of an ignore file in its context, or its name when it is elsewhere."""
    return path.removeprefix(f"{context}/") if not context or path.startswith(f"{context}/") else posixpath.basename(path)


def file_behind(path: str, tree: Mapping[str, GitFile], links: Mapping[str, str]) -> GitFile | None:
    """The file at a path of a tree, or behind the link there; None where there is no file."""
    file = tree.get(path)
    if file is not None and file.is_link:
        place = resolved(path, tree, links)
        file = tree.get(place) if place is not None else None
    return None if file is None or file.is_submodule else file


def resolved(path: str, tree: Mapping[str, GitFile], links: Mapping[str, str]) -> str | None:
    """The path of the file behind a link, with the link's own folder as the root, as BuildKit follows it; None for none."""
    root = posixpath.dirname(path)
    parts = [posixpath.basename(path)]
    reached: list[str] = []
    followed = 0
    while parts:
        part = parts.pop()
        if part in ("", ".", ".."):
            reached = reached[:-1] if part == ".." else reached
            continue
        place = posixpath.join(root, *reached, part)
        file = tree.get(place)
        if file is None or not file.is_link:
            reached.append(part)
            continue
        followed += 1
        if followed > _MOST_LINKS:
            return None
        target = links.get(file.blob, "")
        reached = [] if target.startswith("/") else reached
        parts += target.split("/")[::-1]
    place = posixpath.join(root, *reached)
    return place if place in tree else None


class _Level(NamedTuple):
    """A folder on the walk.

    names: those not visited yet. ignored_folder: for a folder that the ignore file names, its place among the entries, and its
    entry.
    """

    names: Iterator[str]
    folder: str
    inherited: Matched
    ignored_folder: tuple[int, Entry] | None = None


def manifest_of(
    tree: Mapping[str, GitFile], context: str, patterns: IgnorePatterns, links: Mapping[str, str], *, ignore_file: str = ""
) -> Manifest:
    """The manifest of a build context in a tree, in the order in which BuildKit's client walks a folder."""
    below = f"{context}/" if context else ""
    folders: dict[str, dict[str, GitFile | None]] = {"": {}}
    for path, file in tree.items():
        if not path.startswith(below):
            continue
        inside = path[len(below) :]
        folder, _, name = inside.rpartition("/")
        folders.setdefault(folder, {})[name] = file
        while folder:
            folder, _, name = folder.rpartition("/")
            siblings = folders.setdefault(folder, {})
            if name in siblings:
                break
            siblings[name] = None

    # A list of folders in place of recursion: a path in git may have thousands of parts.
    entries: list[Entry] = []
    walk = [_Level(iter(sorted(folders[""])), "", ())]
    while walk:
        level = walk[-1]
        for name in level.names:
            path = f"{level.folder}{name}"
            entry = entry_of(path, folders[level.folder[:-1]][name], links)
            ignored, matched = patterns.match(path, level.inherited) if patterns else (False, ())
            if not ignored:
                entries.append(entry)
            if path in folders and (not ignored or patterns.may_hold_exceptions(path)):
                ignored_folder = (len(entries), entry) if ignored else None
                walk.append(_Level(iter(sorted(folders[path])), f"{path}/", matched, ignored_folder))
                break
        else:
            walk.pop()
            # An ignored folder is sent, before its content, when `!` brings back something in it.
            if level.ignored_folder is not None and len(entries) > level.ignored_folder[0]:
                entries.insert(*level.ignored_folder)
    return Manifest(tuple(entries), ignore_file)


def entry_of(path: str, file: GitFile | None, links: Mapping[str, str]) -> Entry:
    """The entry of a path as a checkout makes it, with a umask of 022. file: None for a folder."""
    if file is None or file.is_submodule:
        return Entry(path, "dir", 0, 0o755, "", "")
    if file.is_link:
        return Entry(path, "symlink", 0, 0o777, "", links[file.blob])
    return Entry(path, "file", 0, 0o755 if file.mode == "100755" else 0o644, file.blob, "")


def _refuse_impossible(tree: Mapping[str, GitFile]) -> None:
    """Raises GitError for a tree that no checkout could make, such as one with a file in a link: git's own tools refuse it."""
    folders: set[str] = set()
    for path in tree:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    for path in [*(folders & tree.keys()), *folders, *tree]:
        name = path.rpartition("/")[2]
        if name in ("", ".", "..") or name.lower() == ".git" or (path in folders and path in tree):
            raise GitError(
                message("A tree in the repository has the name {path}, which no checkout can have.", path=path),
                fix=message("Look at the repository with `git fsck`."),
            )
