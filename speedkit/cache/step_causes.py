"""The cause of each step's verdict, and the additions to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.causes import (
    Addition,
    BackslashInPath,
    BaseChanged,
    BaseHere,
    BaseSettingsChanged,
    BaseToPull,
    BuiltEarlier,
    Cause,
    ChangeUnnoticed,
    Depends,
    DependsOnAddress,
    DependsOnBytes,
    DependsOnHostFiles,
    DependsOnStep,
    FileRefused,
    FilesChanged,
    ImageToPull,
    Line,
    MayBeKept,
    MissingFile,
    MissingSecret,
    NamedSource,
    NeedsSecret,
    NeverBuilt,
    NeverBuiltTogether,
    NeverFinished,
    NotNeeded,
    OnlySettings,
    OtherBaseHere,
    Place,
    SameBytes,
    StageBegins,
    StartsFromFolder,
    StartsFromOtherBase,
    StepRan,
    StopsBuild,
    TextChanged,
    Unchanged,
)
from speedkit.context import Manifest

from .content_digest import NOT_UTF8
from .context_transfer import context_of
from .step_changes import StepChange, step_change, steps_before

if TYPE_CHECKING:
    from .frontend import Plan, PlannedStep
    from .lookup import PlanLookup
    from .vertices import Vertex

__all__ = ["StepCauses"]


class StepCauses:
    """Why the cache holds, lacks or may hold each step of a plan. Ask for the steps in the order of the plan."""

    def __init__(self, lookup: PlanLookup, last_plan: Plan | None) -> None:
        """last_plan: the build before of the same lineage, to say what changed since then."""
        self._lookup = lookup
        self._steps_before = steps_before(last_plan, lookup.plan) if last_plan is not None else {}
        instructions = lookup.plan.situation.dockerfile.instructions
        self._arguments = frozenset(name for step in instructions if step.keyword == "ARG" for name in step.names)
        self._restored: dict[int, bool] = {}
        self._stale_paths = _stale_paths(lookup.plan)

    def of(self, step: PlannedStep) -> tuple[Cause, tuple[Addition, ...]]:
        """The cause of a step's verdict, and the additions to it."""
        vertex = step.vertex
        if vertex is None:
            if not step.needed:
                return NotNeeded(step.stage), ()
            return (StageBegins() if step.instruction.keyword == "FROM" else OnlySettings()), ()
        cause = self._cause(step, vertex)
        also: list[Addition] = []
        if vertex.missing_secrets and isinstance(cause, Depends):
            also.append(NeedsSecret(vertex.missing_secrets))
        if unnoticed := _unnoticed(vertex, self._stale_paths):
            # A stale file explains a surprising hit. A miss has another cause, and the stale file is an addition to it.
            if isinstance(cause, Unchanged | BaseHere | BuiltEarlier):
                cause = unnoticed
            else:
                also.append(unnoticed)
        self._restored[id(vertex)] = isinstance(cause, BuiltEarlier | OtherBaseHere)
        return cause, tuple(also)

    def without_sources(self, step: PlannedStep) -> Cause | None:
        """The cause of a miss when none of the step's sources ran: its own change, or that it is new. None without a vertex."""
        if step.vertex is None:
            return None
        return self._own_change(step) or _new_to_cache(step, self._before(step), step.vertex, self._lookup)

    def _cause(self, step: PlannedStep, vertex: Vertex) -> Cause:
        results, own, before = self._lookup.of(vertex), self._own_change(step), self._before(step)
        if results.missing_paths:
            return _stopped_by_files(results.missing_paths, vertex, self._lookup.plan)
        if step.has_to_pull:
            if "required_platform" in vertex.parts:
                platforms = str(vertex.parts["local_platform"]), str(vertex.parts["required_platform"])
                return ImageToPull(_name_of(vertex), *platforms)
            return BaseToPull(_name_of(vertex))
        if step.opens_local_image:
            is_other = own is not None and before is not None and before.vertex is not None
            return OtherBaseHere(_name_of(vertex)) if is_other else BaseHere()
        if results.is_hit:
            # Same text and same inputs as in the build before: unchanged. Otherwise an older build made the result.
            as_before = own is None and before is not None and not self._has_restored_input(vertex)
            return _hit(vertex, self._lookup, as_before=as_before)
        if results.may_hit:
            return _depends(vertex, self._lookup)
        # A hit needs no secret, even with `required`: only a step that has to run is stopped by a missing one.
        if vertex.missing_secrets:
            return MissingSecret(vertex.missing_secrets)
        return _miss(step, own, before, vertex, self._lookup)

    def _before(self, step: PlannedStep) -> PlannedStep | None:
        """The same step in the build before."""
        return self._steps_before.get(id(step))

    def _own_change(self, step: PlannedStep) -> StepChange | None:
        before = self._before(step)
        return step_change(before, step, arguments=self._arguments) if before is not None else None

    def _has_restored_input(self, vertex: Vertex) -> bool:
        """Whether an input comes from an older build than the one before: something changed there and changed back."""
        return any(self._is_restored(edge.vertex) for edge in vertex.inputs)

    def _is_restored(self, vertex: Vertex) -> bool:
        # `of` has marked the vertices of steps. Others, such as a merge or the folder of a cache mount, have no cause.
        if id(vertex) not in self._restored:
            self._restored[id(vertex)] = self._has_restored_input(vertex)
        return self._restored[id(vertex)]


def _stopped_by_files(missing_paths: tuple[str, ...], vertex: Vertex, plan: Plan) -> StopsBuild:
    """Why the build stops at files of a step: BuildKit cannot take them, or they are missing."""
    trees = [
        (edge.vertex, edge.vertex.tree, selector)
        for edge in vertex.inputs
        for selector in edge.selectors
        if edge.vertex.tree is not None
    ]
    names = dict.fromkeys(path for source, tree, selector in trees if source.local for path in tree.unsendable_in(selector))
    if names:
        shown = tuple(NOT_UTF8.sub(lambda byte: f"\\x{ord(byte[0]) & 0xFF:02x}", path.lstrip("/")) for path in names)
        return FileRefused(shown, "not-utf8")
    if circles := tuple(selector.path.lstrip("/") for _, tree, selector in trees if tree.is_circle(selector)):
        return FileRefused(circles, "circle")
    unsent = plan.context.tree.unsent if plan.context.tree is not None else frozenset()
    if unsent & set(missing_paths):
        backslashed = tuple(path.lstrip("/") for path in missing_paths if path in unsent)
        return BackslashInPath(backslashed, pattern=backslashed[0].replace("\\", "?"))
    paths = tuple(path.lstrip("/") for path in missing_paths)
    reads_context = any(edge.vertex is plan.context for edge in vertex.inputs)
    return MissingFile(paths, plan.situation.context.ignore_file if reads_context else "")


def _stale_paths(plan: Plan) -> dict[Vertex, frozenset[str]]:
    """Paths whose change BuildKit does not notice, by context: it goes on with the file that it got in an earlier build."""
    vertices = {edge.vertex for step in plan.steps if step.vertex is not None for edge in step.vertex.inputs}
    stale: dict[Vertex, frozenset[str]] = {}
    for vertex in vertices:
        now = plan.situation.contexts.get(context_of(vertex)) if vertex is not plan.context else plan.situation.context
        if vertex.kind == "context" and vertex.tree is not None and isinstance(now, Manifest):
            tree = vertex.tree
            paths = (
                ()
                if tree.entries == now.entries
                else [one.path for one in tree.entries if now.by_path.get(one.path, one) != one]
            )
            stale |= {vertex: frozenset(paths)} if paths else {}
    return stale


def _unnoticed(vertex: Vertex, stale_paths: dict[Vertex, frozenset[str]]) -> ChangeUnnoticed | None:
    """The stale paths that a step reads. Of a folder only the permissions can be stale."""
    if not stale_paths:
        return None
    entries = dict.fromkeys(
        entry
        for edge in vertex.inputs
        if edge.vertex in stale_paths and edge.vertex.tree is not None
        for selector in edge.selectors
        for entry in edge.vertex.tree.entries_of(selector)
        if entry.path in stale_paths[edge.vertex]
    )
    files = tuple(entry.path for entry in entries if entry.kind != "dir")
    folders = tuple(entry.path for entry in entries if entry.kind == "dir")
    return ChangeUnnoticed(files, folders) if files or folders else None


def _hit(vertex: Vertex, lookup: PlanLookup, *, as_before: bool) -> Cause:
    rerun = [
        edge.vertex for edge in vertex.inputs if edge.by_content and not edge.vertex.local and not lookup.of(edge.vertex).is_hit
    ]
    if rerun:
        return SameBytes(tuple(map(_place, rerun)))
    return Unchanged() if as_before else BuiltEarlier()


def _depends(vertex: Vertex, lookup: PlanLookup) -> Depends:
    if vertex.uncertain:
        return DependsOnAddress((vertex.uncertain,))
    first = vertex.inputs[0]
    if not first.by_content and lookup.of(first.vertex).possible and not lookup.of(first.vertex).is_hit:
        return DependsOnStep(_place(first.vertex))
    read_edges = [edge for edge in vertex.inputs if edge.by_content and not edge.vertex.local]
    trees = [(edge.vertex.tree, selector) for edge in vertex.inputs for selector in edge.selectors]
    if products := tuple(path for tree, selector in trees if tree is not None for path in tree.unknown_in(selector)):
        return DependsOnHostFiles(products)
    if addresses := tuple(edge.vertex.uncertain for edge in read_edges if edge.vertex.uncertain):
        return DependsOnAddress(addresses)

    # Nothing that is read can come out differently, so it is the step itself that a broken-off build may have finished.
    if all(edge.vertex.kind == "inline" for edge in read_edges):
        return MayBeKept()
    results = [lookup.of(edge.vertex) for edge in read_edges]
    return DependsOnBytes(
        tuple(_place(edge.vertex) for edge in read_edges),
        tuple(selector.path for edge in read_edges for selector in edge.selectors),
        "no" if all(one.is_hit for one in results) else "perhaps" if all(one.may_hit for one in results) else "yes",
    )


def _miss(step: PlannedStep, own: StepChange | None, before: PlannedStep | None, vertex: Vertex, lookup: PlanLookup) -> Cause:
    # A step that runs anyway gets its own cause, even when its parent may stay cached.
    # Inputs read by content are no parents: their miss does not pass on, unless their bytes change.
    parents = [edge.vertex for edge in vertex.inputs if not edge.by_content and not edge.vertex.local]
    missed = [parent for parent in parents if not lookup.of(parent).may_hit]
    # A text that changed back to one that was built before is not why the step runs: its parent is, when that runs.
    restored = isinstance(own, TextChanged) and lookup.graph.has_operation(vertex)
    decides = isinstance(own, FilesChanged | TextChanged | BaseChanged | BaseSettingsChanged) and not restored
    if own is not None and (decides or not missed):
        return own
    # What a stage starts from counts by its key, and a folder has none (docs/buildkit-cache-rules.md, "What counts of the build
    # command").
    start = next(iter(vertex.inputs), None)
    folder = vertex if vertex.kind == "context" else start.vertex if start is not None and not start.by_content else None
    if folder is not None and folder.local:
        return StartsFromFolder(_name_of(folder))
    if not missed:
        return _new_to_cache(step, before, vertex, lookup)
    if missed[0].kind == "image":
        inputs_before = before.vertex.inputs if before is not None and before.vertex is not None else ()
        is_new = not any(edge.vertex.kind == "image" and _place(edge.vertex) == _place(missed[0]) for edge in inputs_before)
        return StartsFromOtherBase(_name_of(missed[0]), is_new=is_new)
    return StepRan((_place(missed[0]),))


def _new_to_cache(step: PlannedStep, before: PlannedStep | None, vertex: Vertex, lookup: PlanLookup) -> Cause:
    """Why a step without any change of its own misses: it is new, or starts from or reads something else."""
    if vertex.inputs and lookup.graph.has_operation(vertex):
        unmatched = lookup.unmatched_input(vertex)
        first = vertex.inputs[0]
        reads_files = any(edge.by_content for edge in vertex.inputs)
        with_files = reads_files and (unmatched is None or unmatched.by_content)
        on_source = (unmatched is None or not unmatched.by_content) and not first.by_content
        return NeverBuiltTogether(step.instruction.keyword, with_files, _place(first.vertex) if on_source else None)
    if before is None or before.vertex is None:
        return NeverBuilt(step.instruction.keyword)
    return NeverFinished()


def _place(vertex: Vertex) -> Place:
    """The line of a vertex, or its name when no instruction made it."""
    return Line(vertex.line) if vertex.line else NamedSource(_name_of(vertex))


def _name_of(vertex: Vertex) -> str:
    """The name of an image or an address; without one, the kind of the vertex."""
    return str(vertex.parts.get("name") or vertex.uncertain or vertex.kind)
