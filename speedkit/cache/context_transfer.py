"""The build context as BuildKit sees it, after an earlier build sent files of the same folder.

The builder keeps the files of a context folder, recognised by the folder's last name, from build to build. A named context
that is a folder is recognised by its name and by the last name of the build context's folder, wherever it lies. The builder
asks only for files whose size, mode, time of change or symlink target differ, so a file that keeps all of these is stale,
whatever it holds. The mode of a folder that the builder has stays in its digest. A path that a build leaves out is forgotten,
and comes fresh the next time. A RUN that has the context mounted to write makes the builder forget the whole folder.
Source: tonistiigi/fsutil (sameFile in diff_containerd.go, DiskWriter.HandleChange), moby/buildkit source/local/source.go,
and experiment; docs/buildkit-cache-rules.md, "What BuildKit does not notice".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.context import Manifest
from speedkit.dockerfile import context_name, mounts_of

from .content_digest import folders_above
from .lookup import look_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from speedkit.context import Entry

    from .content_digest import Selector
    from .frontend import Plan
    from .key_graph import KeyGraph
    from .vertices import Vertex

__all__ = ["TransferredContexts", "context_of", "written_contexts"]

_RAN = frozenset({"ran", "failed", "cancelled"})


class TransferredContexts:
    """The files that a builder has of each context folder, by the folder's last name and the name of the context."""

    def __init__(self) -> None:
        self._folders: dict[tuple[str, str], dict[str, Entry]] = {}

    def as_transferred(self, folder: str, manifest: Manifest, *, name: str = "") -> Manifest:
        """A build context as BuildKit will see it; the same object when nothing in it is stale.

        folder: of the build context. name: of a named context, "" for the build context itself.
        """
        builders_files = self._folders.get((_last_name(folder), name)) if folder else None
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
        read_paths: dict[Vertex, list[Selector]] = {}
        for step in plan.steps:
            for edge in step.vertex.inputs if step.vertex is not None else ():
                if edge.vertex.kind == "context" and edge.selectors:
                    read_paths.setdefault(edge.vertex, []).extend(edge.selectors)
        # What a build left out is forgotten, so its files replace those of the builds before. A build that reads nothing of the
        # context transfers nothing, and so forgets nothing.
        for vertex, selectors in read_paths.items() if folder else ():
            sent = {entry.path: entry for entry in _sent_entries(vertex, selectors)}
            self._folders[_last_name(folder), context_of(vertex)] = sent

    def forget(self, folder: str, names: Iterable[str]) -> None:
        """Notes that the builder no longer has any file of some contexts. names: as `written_contexts` gives them."""
        for name in names:
            self._folders.pop((_last_name(folder), name), None)


def context_of(vertex: Vertex) -> str:
    """The name of the named context that a vertex of kind `context` is; "" for the build context."""
    return context_name(str(vertex.parts.get("name", "")))


def written_contexts(plan: Plan, graph: KeyGraph) -> frozenset[str]:
    """The contexts that a RUN of a build had mounted to write: the names of named contexts, "" for the build context.

    graph: the cache before the build, which tells what ran where the build has no states.
    """
    writers = [
        (step.vertex, context_name(mount.origin or ""))
        for step in plan.steps
        if step.vertex is not None and step.needed and step.instruction.keyword == "RUN"
        for mount in mounts_of(step.instruction)
        if mount.kind == "bind" and not mount.read_only
    ]
    folders = {name for name, context in plan.situation.contexts.items() if isinstance(context, Manifest)} | {""}
    writers = [(vertex, name) for vertex, name in writers if name in folders]
    if not writers:
        return frozenset()
    states, lookup = plan.situation.states or {}, look_up(plan, graph)
    return frozenset(
        name
        for vertex, name in writers
        if (states[vertex.line] in _RAN if vertex.line in states else not lookup.of(vertex).is_hit)
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


def _sent_entries(context: Vertex, selectors: list[Selector]) -> Iterator[Entry]:
    """The entries that the steps read, and the folders above them: BuildKit asks for no more."""
    tree = context.tree
    if tree is None:
        return
    if any(selector.path == "/" for selector in selectors):
        yield from tree.entries
        return
    # Files that `--exclude` names are sent as well: the client gets the paths alone.
    sent = {entry.path: entry for selector in selectors for entry in tree.entries_of(selector._replace(excludes=()))}
    above = {parent for path in sent for parent in folders_above(path)}
    yield from (entry for entry in tree.entries if entry.path in sent or entry.path in above)
