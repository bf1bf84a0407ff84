"""What BuildKit takes a build context for, given what it got from the same folder before.

The builder keeps the files of a folder (told by the folder's name) from build to build. A file whose size, mode and
time of change are as before is not sent again, whatever it holds; and the mode of a folder it already has is not noticed.
Both only until the path is left out of a build: then it is forgotten. A RUN that has the context mounted to write makes
the builder forget all of it. Source: tonistiigi/fsutil (sameFile, DiskWriter.HandleChange), and experiment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.context import Manifest
from speedkit.dockerfile import mounts_of

from .lookup import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speedkit.context import Entry
    from speedkit.dockerfile import Instruction

    from .content_digest import Selector
    from .contents import Memory
    from .frontend import Plan

__all__ = ["Synced", "context_is_written"]

_RAN = frozenset({"ran", "failed", "cancelled"})


class Synced:
    """The files that a builder has of each folder."""

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, Entry]] = {}

    def taken_for(self, folder: str, manifest: Manifest) -> Manifest:
        """The context as BuildKit will see it; the same object when that is what it is."""
        held = self._folders.get(_name(folder)) if folder else None
        if not held:
            return manifest
        differing = [entry for entry in manifest.entries if held.get(entry.path) is not entry]
        changed = {entry.path: seen for entry in differing if (seen := _seen(entry, held)) is not entry}
        if not changed:
            return manifest
        return Manifest(tuple(changed.get(entry.path, entry) for entry in manifest.entries), manifest.ignore_file)

    def update(self, folder: str, plan: Plan) -> None:
        """Notes what a build sent."""
        selectors = [
            selector
            for step in plan.steps
            if step.vertex is not None
            for given in step.vertex.inputs
            if given.vertex is plan.context
            for selector in given.selectors
        ]
        if folder and selectors:
            self._folders[_name(folder)] = {entry.path: entry for entry in _sent(plan, selectors)}

    def forget(self, folder: str) -> None:
        """Notes that the builder has nothing of a folder any more."""
        self._folders.pop(_name(folder), None)


def context_is_written(plan: Plan, memory: Memory) -> bool:
    """Whether a RUN of the build ran with the context mounted to write.

    memory: what the cache held before the build; it tells where the build does not say which steps ran.
    """
    writers = [step for step in plan.steps if step.vertex is not None and step.needed and _may_write(step.instruction)]
    if not writers:
        return False
    states, walked = plan.situation.states or {}, walk(plan, memory)
    return any(
        states[step.vertex.line] in _RAN if step.vertex.line in states else not walked.of(step.vertex).certain
        for step in writers
        if step.vertex is not None
    )


def _may_write(instruction: Instruction) -> bool:
    if instruction.keyword != "RUN":
        return False
    return any(mount.kind == "bind" and not mount.origin and not mount.read_only for mount in mounts_of(instruction))


def _name(folder: str) -> str:
    return folder.rstrip("/").rpartition("/")[2]


def _seen(entry: Entry, held: dict[str, Entry]) -> Entry:
    old = held.get(entry.path)
    if old is None or old.kind != entry.kind:
        return entry
    if entry.kind == "dir":
        return entry if old.mode == entry.mode else entry._replace(mode=old.mode)
    same = (old.size_bytes, old.mode, old.mtime_ns, old.link) == (
        entry.size_bytes,
        entry.mode,
        entry.mtime_ns,
        entry.link,
    )
    return old if same and old.digest != entry.digest else entry


def _sent(plan: Plan, selectors: list[Selector]) -> Iterator[Entry]:
    """What the steps read, and the folders above it: BuildKit asks for no more."""
    tree = plan.context.tree
    if tree is None:
        return
    if any(selector.path == "/" for selector in selectors):
        yield from tree.entries
        return
    sent = {entry.path: entry for selector in selectors for entry in tree.taken(selector._replace(excludes=()))}
    above = {parent for path in sent for parent in _parents(path)}
    yield from (entry for entry in tree.entries if entry.path in sent or entry.path in above)


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
