"""The folder `.git` of a clone with an earlier commit checked out, for builds that read it: `git describe`, Go's stamps.

A build context has `.git` unless an ignore file names it, and then every commit changes it. The copy has what a build can ask
for: objects (as links to the clone's own, which never change), references, and the index of the commit. It has none of the
clone's settings, since those hold addresses with passwords, and names of programs.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from speedkit.engine import run_child
from speedkit.errors import GitError
from speedkit.git_history import Repository
from speedkit.messages import message

__all__ = ["GitFolder"]

COPIED = ("packed-refs", "shallow", "refs", "objects")
SETTINGS = "[core]\n\trepositoryformatversion = {version}\n\tbare = false\n\tfilemode = true\n"
OBJECT_FORMAT = "[extensions]\n\tobjectFormat = {name}\n"
USUAL_OBJECTS = "sha1"


class GitFolder:
    """A folder `.git` of the kit's own. path: where it is to be; nothing may be there."""

    def __init__(self, repository: Repository, path: Path) -> None:
        self._repository, self._path = repository, path

    def point_at(self, commit: str, *, time_ns: int) -> None:
        """Make a commit the one that is checked out. What changes is written into new files, with this time.

        Raises: GitError, OSError.
        """
        if not self._path.exists():
            self._copy()
        branch = self._said("symbolic-ref", "-q", "HEAD")
        if branch.startswith("refs/"):
            self._write("HEAD", f"ref: {branch}\n", time_ns)
            self._write(branch, f"{commit}\n", time_ns)
        else:
            self._write("HEAD", f"{commit}\n", time_ns)
        index = self._path / "index"
        index.unlink(missing_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        # Not the reader's settings either: one of them may name a program to run.
        environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_NO_LAZY_FETCH": "1"}
        command = ["git", f"--git-dir={self._path}", f"--work-tree={self._path.parent}", "read-tree", commit]
        done = run_child(command, env=environment)
        if done.returncode:
            raise GitError(
                message("git cannot make the index of the commit {commit}.", commit=commit[:12]), quoted=done.stderr.strip()
            )
        os.utime(index, ns=(time_ns, time_ns))

    def _said(self, *arguments: str) -> str:
        try:
            return self._repository.git.run(*arguments).decode("utf-8", "surrogateescape").strip()
        except GitError:
            return ""

    def _copy(self) -> None:
        origin = Path(self._said("rev-parse", "--path-format=absolute", "--git-common-dir"))
        self._path.mkdir(parents=True)
        for name in COPIED:
            source, target = origin / name, self._path / name
            if source.is_dir():
                # References are replaced by renaming, and objects never change, so a link shows the same for ever.
                shutil.copytree(source, target, copy_function=_link, symlinks=True)
            elif source.is_file():
                _link(str(source), str(target))
        for folder in ("objects", "refs"):
            (self._path / folder).mkdir(exist_ok=True)
        objects = self._said("config", "extensions.objectformat") or USUAL_OBJECTS
        settings = SETTINGS.format(version=0 if objects == USUAL_OBJECTS else 1)
        if objects != USUAL_OBJECTS:
            settings += OBJECT_FORMAT.format(name=objects)
        (self._path / "config").write_text(settings)

    def _write(self, name: str, text: str, time_ns: int) -> None:
        path = self._path / name
        if path.is_file() and path.read_text(errors="replace") == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
        os.utime(path, ns=(time_ns, time_ns))


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # on another disk, or without hard links
        shutil.copy2(source, target)
    return target
