"""Writes the build context of a commit into a folder of the kit's own, for a real build of that commit."""

from __future__ import annotations

import os
import posixpath
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from speedkit.errors import NO_ROOM, DiskFull, FileRefused, NoDockerfile
from speedkit.messages import message

from .commits import GitFile
from .git_command import ObjectReader
from .git_folder import GitFolder
from .repository import GIT_FOLDER, CommitFiles, Repository, ignore_files

__all__ = ["ContextFolder"]

_IGNORE = ".dockerignore"


@dataclass
class ContextFolder:
    """A folder that holds the build context of one commit after another.

    folder: the build context; a folder of the kit's own, which nobody else writes to. The Dockerfile of a commit lies in it
    as in the context; one from outside of the context is in the folder beside it, `<folder>-dockerfile`.

    The folder goes from commit to commit as `git checkout` does: only files that differ are written. They get a new
    modification time, since BuildKit takes a file of equal size and time for unchanged, and compilers rebuild newer files.
    Files that the ignore file names, and the content of submodules and LFS objects, are left out. Line ends are those in git.
    with_git: where a build of a checkout gets `.git`, this one gets a `GitFolder`.
    """

    repository: Repository
    folder: Path
    context: str = "."
    with_git: bool = False
    _written: dict[str, GitFile] = field(default_factory=dict, repr=False)
    _folders: dict[str, int] = field(default_factory=dict, repr=False)
    _git: GitFolder | None = field(default=None, repr=False)

    def check_out(
        self,
        commit: str | CommitFiles,
        *,
        dockerfile: str = "Dockerfile",
        text: str | None = None,
        modified_ns: int | None = None,
    ) -> Path:
        """Makes the folder hold the build context of a commit. Returns the path of the commit's Dockerfile.

        dockerfile: its path in the project. text: a Dockerfile to write in place of the commit's own. modified_ns: the
        modification time of files that are written; None is now. Two folders that go through the same commits with the same
        times are equal.
        Raises: NoDockerfile, ObjectsMissing, FileRefused, DiskFull.
        """
        files = self.repository.files(commit) if isinstance(commit, str) else commit
        context, place = self.repository.path(self.context), self.repository.path(dockerfile)
        content = text if text is not None else files.dockerfile(place)
        if content is None:
            raise NoDockerfile(Path(dockerfile), fix=message("Choose commits that have it, or another way with --way."))
        below = f"{context}/" if context else ""
        manifest = files.manifest(context, place, with_git=self.with_git)
        has_git = any(entry.path.startswith(f"{GIT_FOLDER}/") for entry in manifest.entries)
        files_by_path = {
            entry.path: files.tree[below + entry.path] for entry in manifest.entries if below + entry.path in files.tree
        }
        # A build needs both, even when the ignore file names them (https://docs.docker.com/build/concepts/context/).
        for path in (place, *ignore_files(context, place)):
            if path.startswith(below) and (file := files.tree.get(path)) is not None:
                files_by_path[path[len(below) :]] = file
        folders = [entry.path for entry in manifest.entries if entry.kind == "dir" and entry.path.split("/")[0] != GIT_FOLDER]
        now = modified_ns if modified_ns is not None else time.time_ns()
        try:
            self._write(files, files_by_path, folders, now)
            if has_git:
                self._git = self._git or GitFolder(self.repository.git, self.repository.head, self.folder)
                self._git.check_out(files.commit, now)
            elif self._git is not None:
                shutil.rmtree(self.folder / GIT_FOLDER)
                self._git = None
            return self._write_dockerfile(files, place, below, content if text is not None else None, now)
        except OSError as problem:
            summary = message(
                "{path} of the commit {commit} cannot be written: {problem}.",
                path=problem.filename or self.folder,
                commit=files.commit[:12],
                problem=problem.strerror,
            )
            if problem.errno in NO_ROOM:
                raise DiskFull(summary, fix=message("Free some room there.")) from None
            fix = message("A file system that does not tell upper from lower case cannot hold every repository.")
            raise FileRefused(summary, fix=fix) from None

    def _write(self, files: CommitFiles, files_by_path: dict[str, GitFile], folders: list[str], now: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        touched: set[str] = set()
        for path in [path for path, file in self._written.items() if files_by_path.get(path) != file]:
            self._place(path).unlink()
            del self._written[path]
            touched.add(posixpath.dirname(path))

        # Folders go from the innermost outwards and come from the outermost inwards, which is their alphabetical order.
        needed = {*folders, *_folders_of(files_by_path)}
        for path in sorted(self._folders.keys() - needed, reverse=True):
            self._place(path).rmdir()
            del self._folders[path]
            touched.add(posixpath.dirname(path))
        for path in sorted(needed - self._folders.keys()):
            self._place(path).mkdir(0o755)
            self._place(path).chmod(0o755)
            self._folders[path] = now
            touched |= {path, posixpath.dirname(path)}

        with self.repository.git.objects() as objects:
            for path, file in files_by_path.items():
                if path in self._written or file.is_submodule:
                    continue
                self._write_file(objects, path, file, files, now)
                self._written[path] = file
                touched.add(posixpath.dirname(path))

        # COPY keeps the times of folders in the image, so they must not depend on when this ran.
        for path in touched & self._folders.keys():
            os.utime(self._place(path), ns=(self._folders[path], self._folders[path]))

    def _write_file(self, objects: ObjectReader, path: str, file: GitFile, files: CommitFiles, now: int) -> None:
        place = self._place(path)
        if file.is_link:
            os.symlink(files.links[file.blob], place)  # noqa: PTH211 - a Path would normalize the target's text
        else:
            try:
                with place.open("xb") as target:
                    objects.write_to(file.blob, target)
            except BaseException:
                # A clone may lack the object. The next commit must not find half a file of this one.
                place.unlink(missing_ok=True)
                raise
            place.chmod(0o755 if file.mode == "100755" else 0o644)
        with suppress(NotImplementedError):  # a system without times of links
            os.utime(place, ns=(now, now), follow_symlinks=False)

    def _write_dockerfile(self, files: CommitFiles, place: str, below: str, text: str | None, now: int) -> Path:
        """Writes a Dockerfile that is not in the context, or that takes the place of the commit's own."""
        if place.startswith(below) and text is None:
            return self._place(place[len(below) :])
        beside = self.folder.with_name(f"{self.folder.name}-dockerfile")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        written = beside / posixpath.basename(place)
        content = text if text is not None else files.dockerfile(place) or ""
        written.write_bytes(content.encode("utf-8", "surrogateescape"))
        os.utime(written, ns=(now, now))
        # BuildKit looks for `<Dockerfile>.dockerignore` beside the Dockerfile, before it looks for `.dockerignore`.
        ignore_text = files.dockerfile(f"{place}{_IGNORE}")
        if ignore_text is not None:
            written.with_name(f"{written.name}{_IGNORE}").write_bytes(ignore_text.encode("utf-8", "surrogateescape"))
        return written

    def _place(self, path: str) -> Path:
        return self.folder / path


def _folders_of(paths: dict[str, GitFile]) -> Iterator[str]:
    for path, file in paths.items():
        if file.is_submodule:
            yield path
        folder = posixpath.dirname(path)
        while folder:
            yield folder
            folder = posixpath.dirname(folder)
