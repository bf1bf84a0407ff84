"""Why a step is, or would be, cached or not: the cause, and what else there is to say of it."""

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
    Named,
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
    StartsFromOtherBase,
    StepRan,
    TextChanged,
    Unchanged,
)

from .content_digest import NOT_UTF8
from .differences import Change, counterparts, difference

if TYPE_CHECKING:
    from speedkit.dockerfile import Dockerfile

    from .contents import Found
    from .frontend import Plan, PlannedStep
    from .lookup import Walked
    from .vertices import Vertex

__all__ = ["StepCauses"]


class StepCauses:
    """Why the cache holds, lacks or may hold each step of a plan; to be asked in the order of the plan."""

    def __init__(self, walked: Walked, last: Plan | None) -> None:
        """last: the build before, to say what changed since."""
        self._walked = walked
        self._twins = counterparts(last, walked.plan) if last is not None else {}
        self._arguments = _declared(walked.plan.situation.dockerfile)
        self._restored: dict[int, bool] = {}
        self._stale = _stale_paths(walked.plan)

    def of(self, step: PlannedStep) -> tuple[Cause, tuple[Addition, ...]]:
        """Why the cache holds, lacks or may hold a step, and what else there is to say of it."""
        vertex = step.vertex
        if vertex is None:
            return _without_vertex(step), ()
        cause = self._cause(step, vertex)
        also: list[Addition] = []
        if vertex.lacking and isinstance(cause, Depends):
            also.append(NeedsSecret(vertex.lacking))
        if unnoticed := _unnoticed(vertex, self._walked.plan, self._stale):
            if isinstance(cause, Unchanged | BaseHere | BuiltEarlier):
                cause = unnoticed
            else:
                also.append(unnoticed)
        self._restored[id(vertex)] = isinstance(cause, BuiltEarlier | OtherBaseHere)
        return cause, tuple(also)

    def alone(self, step: PlannedStep) -> Cause | None:
        """Why a step runs of which nobody could say, when nothing that it takes something from ran; None where nothing does."""
        if step.vertex is None:
            return None
        return self._own_change(step) or _new(step, self._twin(step), step.vertex, self._walked)

    def _cause(self, step: PlannedStep, vertex: Vertex) -> Cause:
        found, own, twin = self._walked.of(vertex), self._own_change(step), self._twin(step)
        if found.missing:
            return _refused(vertex) or _missing(found, vertex, self._walked.plan)
        if step.has_to_pull:
            name = _name_of(vertex)
            if "wanted" in vertex.parts:
                return ImageToPull(name, here=str(vertex.parts["here"]), wanted=str(vertex.parts["wanted"]))
            return BaseToPull(name)
        if step.opens_known_image:
            is_other = own is not None and twin is not None and twin.vertex is not None
            return OtherBaseHere(_name_of(vertex)) if is_other else BaseHere()
        if found.certain:
            as_before = own is None and twin is not None and not self._stands_on_restored(vertex)
            return _hit(vertex, self._walked, as_before=as_before)
        if found.possible:
            return _depends(vertex, self._walked)
        if vertex.lacking:
            return MissingSecret(vertex.lacking)
        return _miss(step, own, twin, vertex, self._walked)

    def _twin(self, step: PlannedStep) -> PlannedStep | None:
        """What the step was in the build before."""
        return self._twins.get(id(step))

    def _own_change(self, step: PlannedStep) -> Change | None:
        twin = self._twin(step)
        return difference(twin, step, arguments=self._arguments) if twin is not None else None

    def _stands_on_restored(self, vertex: Vertex) -> bool:
        """Whether what it takes something from is not of the build before, but of one before that."""
        return any(self._is_restored(given.vertex) for given in vertex.inputs)

    def _is_restored(self, vertex: Vertex) -> bool:
        if id(vertex) not in self._restored:
            self._restored[id(vertex)] = self._stands_on_restored(vertex)
        return self._restored[id(vertex)]


def _declared(dockerfile: Dockerfile) -> frozenset[str]:
    """The names of every ARG."""
    return frozenset(name for step in dockerfile.instructions if step.keyword == "ARG" for name in step.names)


def _without_vertex(step: PlannedStep) -> Cause:
    if not step.needed:
        return NotNeeded(step.stage)
    return StageBegins() if step.instruction.keyword == "FROM" else OnlySettings()


def _refused(vertex: Vertex) -> FileRefused | None:
    """Why BuildKit cannot take a file that is there; None where nothing is wrong but that one is not."""
    read = [(given.vertex, given.vertex.tree, selector) for given in vertex.inputs for selector in given.selectors]
    trees = [(source, tree, selector) for source, tree, selector in read if tree is not None]
    names = dict.fromkeys(path for source, tree, selector in trees if source.local for path in tree.unsendable_in(selector))
    if names:
        shown = tuple(NOT_UTF8.sub(lambda byte: f"\\x{ord(byte[0]) & 0xFF:02x}", path.lstrip("/")) for path in names)
        return FileRefused(shown, "not-utf8")
    circles = tuple(selector.path.lstrip("/") for _, tree, selector in trees if tree.is_circle(selector))
    return FileRefused(circles, "circle") if circles else None


def _missing(found: Found, vertex: Vertex, plan: Plan) -> Cause:
    unsent = plan.context.tree.unsent if plan.context.tree is not None else frozenset()
    if unsent & set(found.missing):
        there = tuple(path.lstrip("/") for path in found.missing if path in unsent)
        return BackslashInPath(there, pattern=there[0].replace("\\", "?"))
    paths = tuple(path.lstrip("/") for path in found.missing)
    reads_context = any(given.vertex is plan.context for given in vertex.inputs)
    return MissingFile(paths, plan.situation.context.ignore_file if reads_context else "")


def _stale_paths(plan: Plan) -> frozenset[str]:
    """What changed in the context without BuildKit noticing it: it takes the content that it has."""
    tree, now = plan.context.tree, plan.situation.context
    if tree is None or tree.entries == now.entries:
        return frozenset()
    return frozenset(entry.path for entry in tree.entries if now.by_path.get(entry.path, entry) != entry)


def _unnoticed(vertex: Vertex, plan: Plan, stale: frozenset[str]) -> ChangeUnnoticed | None:
    """The stale paths that a step reads; of folders it is their mode."""
    tree = plan.context.tree
    if tree is None or not stale:
        return None
    selectors = [selector for given in vertex.inputs if given.vertex is plan.context for selector in given.selectors]
    taken = dict.fromkeys(entry for selector in selectors for entry in tree.taken(selector))
    files = tuple(entry.path for entry in taken if entry.path in stale and entry.kind != "dir")
    folders = tuple(entry.path for entry in taken if entry.path in stale and entry.kind == "dir")
    return ChangeUnnoticed(files, folders) if files or folders else None


def _hit(vertex: Vertex, walked: Walked, *, as_before: bool) -> Cause:
    rerun = [given.vertex for given in vertex.inputs if given.by_content and _reruns(given.vertex, walked)]
    if rerun:
        return SameBytes(tuple(map(_place, rerun)))
    return Unchanged() if as_before else BuiltEarlier()


def _reruns(vertex: Vertex, walked: Walked) -> bool:
    return not vertex.local and not walked.of(vertex).certain


def _depends(vertex: Vertex, walked: Walked) -> Depends:
    if vertex.uncertain:
        return DependsOnAddress((vertex.uncertain,))
    first = vertex.inputs[0]
    if not first.by_content and walked.of(first.vertex).perhaps and not walked.of(first.vertex).certain:
        return DependsOnStep(_place(first.vertex))
    sources = [given for given in vertex.inputs if given.by_content and not given.vertex.local]
    if products := _products(vertex):
        return DependsOnHostFiles(products)
    if addresses := tuple(given.vertex.uncertain for given in sources if given.vertex.uncertain):
        return DependsOnAddress(addresses)
    if all(given.vertex.kind == "inline" for given in sources):
        return MayBeKept()
    found = [walked.of(given.vertex) for given in sources]
    return DependsOnBytes(
        tuple(_place(given.vertex) for given in sources),
        tuple(selector.path for given in sources for selector in given.selectors),
        "no" if all(one.certain for one in found) else "perhaps" if all(one.possible for one in found) else "yes",
    )


def _products(vertex: Vertex) -> tuple[str, ...]:
    read = [(given.vertex.tree, selector) for given in vertex.inputs for selector in given.selectors]
    return tuple(path for tree, selector in read if tree is not None for path in tree.unknown_in(selector))


def _miss(step: PlannedStep, own: Change | None, twin: PlannedStep | None, vertex: Vertex, walked: Walked) -> Cause:
    # A step that runs anyway has a cause of its own, even when the step before it may stay cached.
    before = [given.vertex for given in vertex.inputs if not given.by_content and not given.vertex.local]
    missed = [source for source in before if not walked.of(source).possible]
    # A text that changed back is not why the step runs, when what it builds on runs.
    restored = isinstance(own, TextChanged) and walked.is_known(vertex)
    decides = isinstance(own, FilesChanged | TextChanged | BaseChanged | BaseSettingsChanged) and not restored
    if own is not None and (decides or not missed):
        return own
    if not missed:
        return _new(step, twin, vertex, walked)
    if missed[0].kind == "image":
        return StartsFromOtherBase(_name_of(missed[0]), is_new=not _used(twin, missed[0]))
    return StepRan((_place(missed[0]),))


def _used(twin: PlannedStep | None, image: Vertex) -> bool:
    """Whether the step stood on an image of that name before."""
    before = twin.vertex.inputs if twin is not None and twin.vertex is not None else ()
    return any(given.vertex.kind == "image" and _place(given.vertex) == _place(image) for given in before)


def _new(step: PlannedStep, twin: PlannedStep | None, vertex: Vertex, walked: Walked) -> Cause:
    """Why a step is not in the cache though nothing of its own changed: it is new, or stands on something else."""
    if vertex.inputs and walked.is_known(vertex):
        lacking = walked.led_nowhere(vertex)
        first = vertex.inputs[0]
        reads = any(given.by_content for given in vertex.inputs)
        with_files = reads and (lacking is None or lacking.by_content)
        on_source = (lacking is None or not lacking.by_content) and not first.by_content
        return NeverBuiltTogether(step.instruction.keyword, with_files, _place(first.vertex) if on_source else None)
    if twin is None or twin.vertex is None:
        return NeverBuilt(step.instruction.keyword)
    return NeverFinished()


def _place(vertex: Vertex) -> Place:
    """Where a vertex comes from."""
    return Line(vertex.line) if vertex.line else Named(_name_of(vertex))


def _name_of(vertex: Vertex) -> str:
    """The name of an image, an address or, where there is none, the kind of the vertex."""
    return str(vertex.parts.get("name") or vertex.uncertain or vertex.kind)
