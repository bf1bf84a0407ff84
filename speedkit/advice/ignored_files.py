"""Files that the ignore file can keep out of the build context without a change of the image.

Such a file is copied only into stages that nobody takes it from, and nothing there reads it.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from speedkit.dockerfile import mounts_of, normalized_path

from .rule import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from speedkit.dockerfile import Instruction

    from .build_plan import BuildPlan

__all__ = ["copies_of_everything", "is_named", "other_dockerfiles", "with_ignored"]


def with_ignored(plan: BuildPlan, names: Sequence[str], because: str) -> Change:
    """The change that adds lines to the ignore file."""
    view = plan.view
    text = view.ignore_text
    line_end = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        text += line_end
    return Change(
        because, {view.ignore_file_path or view.new_ignore_file_path: text + "".join(f"{name}{line_end}" for name in names)}
    )


def copies_of_everything(plan: BuildPlan) -> list[tuple[Instruction, str]] | None:
    """The steps of needed stages that take the whole context, each with its folder in the image.

    None where a copy is not certain.
    """
    steps = []
    for step in plan.instructions("COPY", "ADD", "RUN"):
        if step.keyword == "RUN":
            for mount in mounts_of(step):
                if mount.kind == "bind" and not mount.origin and _is_root(mount.source):
                    target = plan.expand(mount.target, step)
                    if target is None:
                        return None
                    steps.append((step, normalized_path(plan.before(step).workdir, target)))
            continue
        if step.flag("from") is not None or step.heredocs:
            continue
        sources = [plan.expand(word, step) for word in step.args[:-1]]
        destination = plan.destination(step)
        if destination is None or None in sources:
            return None
        if any(source is not None and _is_root(source) for source in sources):
            steps.append((step, destination))
    return steps


def _is_root(source: str) -> bool:
    return normalized_path("/", source or ".") == "/"


def is_named(plan: BuildPlan, name: str) -> bool:
    """Whether an instruction of any stage names a path of the context, or a path in it: without it, the build would fail."""
    for step in plan.dockerfile.instructions:
        words: list[str] = []
        if step.keyword in ("COPY", "ADD") and step.flag("from") is None:
            words = list(step.args[:-1])
        elif step.keyword == "RUN":
            words = [mount.source for mount in mounts_of(step) if mount.kind == "bind" and not mount.origin]
            # A command may read any file that was copied.
            if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", " ".join([step.text, *(h.content for h in step.heredocs)])):
                return True
        for word in words:
            path = normalized_path("/", word)[1:]
            if "$" in word or path == name or path.startswith(f"{name}/") or (path and name.startswith(f"{path}/")):
                return True
            if re.search(r"[*?\[]", path) and posixpath.dirname(path) == posixpath.dirname(name):
                return True
    return False


def other_dockerfiles(plan: BuildPlan) -> list[str]:
    """The texts of other Dockerfiles of the context: they may share the ignore file."""
    own = plan.view.dockerfile_path
    paths = [
        entry.path
        for entry in plan.view.files.entries
        if entry.kind == "file" and re.search(r"(?:^|[./])(?:docker|container)file(?:[.-][\w.-]+)?$", entry.path, re.IGNORECASE)
    ]
    return [plan.view.read(path) or "" for path in paths if not own.endswith(path)]
