"""Hides the files that a proof changes from git in the folder that it builds.

A build that has `.git` may ask git whether anything is changed: Go writes `vcs.modified` into each program, and `git describe
--dirty` adds a suffix. A team commits the patch before it builds with it, so git must not see the patch in a proof: otherwise
the programs of both variants would differ in that mark alone. The index is the same in both, as it may get into the image.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from speedkit.engine import run_child
from speedkit.git_history import environment_without_git

__all__ = ["hide_from_git"]


def hide_from_git(checkout: Path, paths: Iterable[str], *, time_ns: int) -> None:
    """Makes git in a folder take files for unchanged, whatever they contain. Does nothing where there is no `.git`.

    checkout: a folder of the kit's own. paths: of the files, in it. time_ns: the modification time of the files of `.git` that
    change.
    """
    git_folder = checkout / ".git"
    names = sorted(paths)
    if not git_folder.is_dir() or not names:
        return
    # The reader's own settings stay out: one of them may name a program for git to run.
    environment = environment_without_git() | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    git = ["git", f"--git-dir={git_folder}", f"--work-tree={checkout}"]
    tracked_files = run_child(
        [*git, "ls-files", "-z", "--", *(f":(literal){name}" for name in names)], env=environment, cwd=checkout
    )
    tracked = [name for name in tracked_files.stdout.split("\0") if name]
    if tracked:
        # git no longer compares these files with its index: https://git-scm.com/docs/git-update-index
        run_child([*git, "update-index", "--assume-unchanged", "--", *tracked], env=environment, cwd=checkout)
        os.utime(git_folder / "index", ns=(time_ns, time_ns))
    # A new file would make the folder "dirty" for `git status`, unless git ignores it.
    if untracked := [name for name in names if name not in tracked]:
        exclude = git_folder / "info" / "exclude"
        exclude.parent.mkdir(exist_ok=True)
        exclude.unlink(missing_ok=True)
        exclude.write_text("".join(f"/{name}\n" for name in untracked), encoding="utf-8", errors="surrogateescape")
        os.utime(exclude, ns=(time_ns, time_ns))
