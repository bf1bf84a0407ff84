"""Hides the files that a proof changes from git in the folder that it builds.

A build that has `.git` may ask git whether anything is changed: Go writes `vcs.modified` into each program, and `git describe
--dirty` says so too. The team will have committed the patch by then, so git must not see it: otherwise the programs of both
variants differ in that alone. The index is the same in both, as it may get into the image.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from speedkit.engine import run_child

__all__ = ["hide_from_git"]


def hide_from_git(checkout: Path, paths: Iterable[str], *, time_ns: int) -> None:
    """Make git in a folder take files for unchanged, whatever is in them. Does nothing where there is no `.git`.

    checkout: a folder of the kit's own. paths: in it. time_ns: of the files of `.git` that change.
    """
    git_folder = checkout / ".git"
    names = sorted(paths)
    if not git_folder.is_dir() or not names:
        return
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # Not the reader's settings: one of them may name a program to run.
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    git = ["git", f"--git-dir={git_folder}", f"--work-tree={checkout}"]
    listed = run_child([*git, "ls-files", "-z", "--", *(f":(literal){name}" for name in names)], env=environment, cwd=checkout)
    tracked = [name for name in listed.stdout.split("\0") if name]
    if tracked:
        run_child([*git, "update-index", "--assume-unchanged", "--", *tracked], env=environment, cwd=checkout)
        os.utime(git_folder / "index", ns=(time_ns, time_ns))
    if untracked := [name for name in names if name not in tracked]:
        exclude = git_folder / "info" / "exclude"
        exclude.parent.mkdir(exist_ok=True)
        exclude.unlink(missing_ok=True)
        exclude.write_text("".join(f"/{name}\n" for name in untracked), encoding="utf-8", errors="surrogateescape")
        os.utime(exclude, ns=(time_ns, time_ns))
