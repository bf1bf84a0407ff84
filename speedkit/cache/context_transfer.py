"""The build context as BuildKit sees it, given what an earlier build sent it of the same folder.

The builder keeps the files of a context folder, recognised by the folder's last name, from build to build. It asks only for
files whose size, mode, time of change or symlink target differ, so a file that keeps all of these is stale, whatever it holds.
The mode of a folder that the builder has stays in its digest. A path that a build leaves out is forgotten, and comes fresh the
next time. A RUN that has the context mounted to write makes the builder forget the whole folder.
Source: tonistiigi/fsutil (sameFile in diff_containerd.go, DiskWriter.HandleChange), moby/buildkit source/local/source.go,
and experiment; docs/buildkit-cache-rules.md, "What BuildKit does not notice".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.context import Manifest
from speedkit.dockerfile import mounts_of

from .content_digest import folders_above
from .lookup import look_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speedkit.context import Entry

    from .content_digest import Selector
    from .frontend import Plan
    from .key_graph import KeyGraph

__all__ = ["TransferredContexts", "writes_context"]

_RAN = frozenset({"ran", "failed", "cancelled"})


class TransferredContexts:
    """The files that a builder has of each context folder."""

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, Entry]] = {}

    def as_transferred(self, folder: str, manifest: Manifest) -> Manifest:
        """The build context as BuildKit will see it; the same object when nothing in it is stale."""
        builders_files = self._folders.get(_last_name(folder)) if folder else None
        if not builders_files:
            return manifest
        # Entries of files that did not change are the same objects from one reading to the next, and there can be thousands.
        differing = [entry for entry in manifest.entries if builders_files.get(entry.path) is not entry]
        stale = {
            entry.path: transferred
            for entry in differing
            if (transferred := _transferred_entry(entry, builders_files)) is not entry
        }
        if not stale:
            return manifest
        return Manifest(tuple(stale.get(entry.path, entry) for entry in manifest.entries), manifest.ignore_file)

    def update(self, folder: str, plan: Plan) -> None:
        """Notes what a build sent."""
        selectors = [
            selector
            for step in plan.steps
            if step.vertex is not None
            for edge in step.vertex.inputs
            if edge.vertex is plan.context
            for selector in edge.selectors
        ]
        # What a build left out is forgotten, so its files replace those of the builds before. A build that reads nothing of the
        # context transfers nothing, and so forgets nothing.
        if folder and selectors:
            self._folders[_last_name(folder)] = {entry.path: entry for entry in _sent_entries(plan, selectors)}

    def forget(self, folder: str) -> None:
        """Notes that the builder no longer has any file of a folder."""
        self._folders.pop(_last_name(folder), None)


def writes_context(plan: Plan, graph: KeyGraph) -> bool:
    """Whether a build ran a RUN that has the build context mounted to write.

    graph: the cache before the build, which tells what ran where the build has no states.
    """
    writers = [
        step
        for step in plan.steps
        if step.vertex is not None and step.needed and step.instruction.keyword == "RUN"
        if any(mount.kind == "bind" and not mount.origin and not mount.read_only for mount in mounts_of(step.instruction))
    ]
    if not writers:
        return False
    states, lookup = plan.situation.states or {}, look_up(plan, graph)
    return any(
        states[step.vertex.line] in _RAN if step.vertex.line in states else not lookup.of(step.vertex).is_hit
        for step in writers
        if step.vertex is not None
    )


def _last_name(folder: str) -> str:
    return folder.rstrip("/").rpartition("/")[2]


def _transferred_entry(entry: Entry, builders_files: dict[str, Entry]) -> Entry:
    """The entry itself where BuildKit is sent it, or the entry that the builder keeps in its place."""
    old = builders_files.get(entry.path)
    if old is None or old.kind != entry.kind:
        return entry
    if entry.kind == "dir":
        # HandleChange sets the mode of a folder that is there without telling the content hash, which keeps the old mode.
        return entry if old.mode == entry.mode else entry._replace(mode=old.mode)
    is_same_for_buildkit = (old.size_bytes, old.mode, old.mtime_ns, old.link) == (
        entry.size_bytes,
        entry.mode,
        entry.mtime_ns,
        entry.link,
    )
    return old if is_same_for_buildkit and old.digest != entry.digest else entry


def _sent_entries(plan: Plan, selectors: list[Selector]) -> Iterator[Entry]:
    """The entries that the steps read, and the folders above them: BuildKit asks for no more."""
    tree = plan.context.tree
    if tree is None:
        return
    if any(selector.path == "/" for selector in selectors):
        yield from tree.entries
        return
    # Files that `--exclude` names are sent as well: the client gets the paths alone.
    sent = {entry.path: entry for selector in selectors for entry in tree.entries_of(selector._replace(excludes=()))}
    above = {parent for path in sent for parent in folders_above(path)}
    yield from (entry for entry in tree.entries if entry.path in sent or entry.path in above)
