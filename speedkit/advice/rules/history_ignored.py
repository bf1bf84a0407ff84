"""The folder `.git` is kept out of the build context, where no step reads it: each commit changes it."""

from __future__ import annotations

import posixpath
import re

from speedkit.messages import message

from ..build_plan import BuildPlan
from ..git_use import reads_history
from ..ignored_files import copies_of_everything, is_named, other_dockerfiles, with_ignored
from ..rule import Change

__all__ = ["GROUP", "change"]

GROUP = "context"
_GIT = ".git"


def change(plan: BuildPlan) -> Change | None:
    view = plan.view
    if posixpath.normpath(view.context_path or ".") != "." or view.ignores(_GIT) or is_named(plan, _GIT):
        return None
    copies = copies_of_everything(plan)
    if not copies:
        return None
    for step, folder in copies:
        if step.keyword != "RUN" and plan.leaves(step.stage, posixpath.join(folder, _GIT)):
            return None
        readers = [stage.index for stage in plan.stages if step.stage in plan.base_chain(stage.index)]
        if any(reads_history(plan, stage) for stage in readers):
            return None
    if any(re.search(r"\bgit\b", text) for text in other_dockerfiles(plan)):
        return None
    return with_ignored(plan, [_GIT], message("No step reads `.git`, but each commit changes it, and so the steps ran again."))
