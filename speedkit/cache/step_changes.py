"""What changed of a step between two builds, as a cause in the words of a Dockerfile's author."""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal

from speedkit.causes import (
    BaseChanged,
    BaseSettingsChanged,
    FileChange,
    FilesChanged,
    OptionsChanged,
    PlatformChanged,
    Reach,
    TextChanged,
    Variable,
    VariableOrderChanged,
    VariablesChanged,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speedkit.context import Entry

    from .frontend import Plan, PlannedStep
    from .vertices import Edge, Vertex

__all__ = ["StepChange", "step_change", "steps_before"]

_BUILD_TIME, _HOST_NAME, _NAMESPACE = "SOURCE_DATE_EPOCH", "BUILDKIT_SANDBOX_HOSTNAME", "BUILDKIT_CACHE_MOUNT_NS"
_FOR_BUILDKIT = frozenset({_BUILD_TIME, _HOST_NAME, _NAMESPACE})
"""Build arguments that are part of cache keys although no ARG declares them."""

_OF_COMMAND = ("network", "add-host", "shm-size", "ulimit", "cgroup-parent")
"""Options of the build command that are part of the key of every RUN."""

StepChange = (
    FilesChanged
    | TextChanged
    | VariablesChanged
    | VariableOrderChanged
    | OptionsChanged
    | PlatformChanged
    | BaseChanged
    | BaseSettingsChanged
)
"""A change of the step itself, not of what it starts from."""


def steps_before(before: Plan, after: Plan) -> dict[int, PlannedStep]:
    """For each step of `after`, by `id`, the same step of `before`; new steps are left out.

    Stages are matched by name, then by position, so a renamed stage keeps its steps.
    """
    pairs: dict[int, PlannedStep] = {}
    old_stages = _by_stage(before)
    names = list(old_stages)
    for position, (stage, steps) in enumerate(_by_stage(after).items()):
        old_steps = old_stages.get(stage) or (old_stages[names[position]] if position < len(names) else [])
        pairs.update(_aligned(old_steps, steps))
    return pairs


def _by_stage(plan: Plan) -> dict[str, list[PlannedStep]]:
    stages: dict[str, list[PlannedStep]] = {}
    for step in plan.steps:
        if step.instruction.stage is not None:
            stages.setdefault(step.stage, []).append(step)
    return stages


def _aligned(old: list[PlannedStep], new: list[PlannedStep]) -> Iterator[tuple[int, PlannedStep]]:
    """Pairs the steps of a stage like a diff of its lines; inside a changed block, instructions of one keyword are a pair."""
    # Without `autojunk=False` difflib ignores lines that are frequent in a long file, such as a repeated RUN.
    matcher = SequenceMatcher(
        a=[step.instruction.text for step in old], b=[step.instruction.text for step in new], autojunk=False
    )
    for _, start, end, new_start, new_end in matcher.get_opcodes():
        unmatched = list(old[start:end])
        for step in new[new_start:new_end]:
            keyword = step.instruction.keyword
            old_step = next((candidate for candidate in unmatched if candidate.instruction.keyword == keyword), None)
            if old_step is not None:
                unmatched.remove(old_step)
                yield id(step), old_step


def step_change(before: PlannedStep, after: PlannedStep, *, arguments: frozenset[str]) -> StepChange | None:
    """The step's own change; None when only something before it changed.

    Of several changes the first in this order is returned: base image, files, text, mounts, other parts of the operation.
    arguments: the names that ARG declares, to tell them from ENV.
    """
    old, new = before.vertex, after.vertex
    if old is None or new is None:
        return None
    if new.kind == "image" or old.kind == "image":
        # Another name for the same layers is the same image, so only the layers are compared.
        return None if old.operation == new.operation else BaseChanged(str(new.parts.get("name", "")))

    # Files of `.git` come last: git rewrites some at nearly every command, and only the first names are shown.
    if files := tuple(sorted(_changed_files(old, new), key=lambda change: change.path.startswith(".git/"))):
        return FilesChanged(files)
    changed_parts = [name for name in new.parts if old.parts.get(name) != new.parts[name]]
    text_changed = _text_parts(before) != _text_parts(after)
    if old.kind == new.kind and old.operation == new.operation and "contents" not in changed_parts:
        same_paths = [edge.selectors for edge in old.inputs] == [edge.selectors for edge in new.inputs]
        # With one text and equal variables, a path can still become another one: a symlink on the way leads elsewhere.
        if same_paths or (not text_changed and before.named == after.named):
            return None
        return TextChanged(after.instruction.text) if text_changed else _replaced_variables(before, after, arguments)
    if text_changed:
        return TextChanged(after.instruction.text)
    if changed_parts == ["mounts"]:
        # Either a variable in a mount's option changed, or the namespace that BuildKit puts before the id of cache mounts.
        if before.named == after.named:
            return _variables([_NAMESPACE], arguments | {_NAMESPACE}, frozenset(), after)
        return _variables(_changed_named(before, after), arguments, before.own, after)
    return _change_of_parts(changed_parts, before, after, arguments) or _replaced_variables(before, after, arguments)


def _text_parts(step: PlannedStep) -> object:
    """The instruction as read: without white space and the keyword's case, which are in no cache key."""
    instruction = step.instruction
    return (instruction.flags, instruction.args, instruction.json, instruction.heredocs, instruction.keyword)


def _change_of_parts(
    changed_parts: list[str], before: PlannedStep, after: PlannedStep, arguments: frozenset[str]
) -> StepChange | None:
    if before.vertex is None or after.vertex is None:
        return None
    old, new, own = before.vertex, after.vertex, before.own | after.own
    # Platform and base image come first, as other parts change with them: `TARGETARCH`, or the base image's variables.
    if "platform" in changed_parts:
        return PlatformChanged(str(new.parts["platform"]))
    if "unknown_base" in changed_parts:
        return BaseSettingsChanged()
    if "variables" in changed_parts:
        names = _changed_names(old.parts["variables"], new.parts["variables"])
        return _variables(names, arguments, own, after) if names else VariableOrderChanged()
    if changed_parts == ["time"]:
        return _variables([_BUILD_TIME], arguments | {_BUILD_TIME}, own, after)
    if changed_parts == ["hostname"]:
        return _variables([_HOST_NAME], arguments | {_HOST_NAME}, own, after)
    for part, name in (("workdir", "WORKDIR"), ("user", "USER"), ("command", "SHELL")):
        if part in changed_parts:
            return _variables([name], frozenset(), own, after)
    options = tuple(name for name in _OF_COMMAND if name in changed_parts)
    return OptionsChanged(options) if options else None


def _replaced_variables(before: PlannedStep, after: PlannedStep, arguments: frozenset[str]) -> VariablesChanged:
    """The change of an instruction whose text is another one only after its variables are replaced."""
    return _variables(_changed_named(before, after), arguments, before.own | after.own, after)


def _changed_named(before: PlannedStep, after: PlannedStep) -> list[str]:
    """The variables in the instruction whose values changed; if there are none, WORKDIR, where relative paths start."""
    return [name for name, value in after.named.items() if before.named.get(name) != value] or ["WORKDIR"]


def _variables(names: list[str], arguments: frozenset[str], own: frozenset[str], step: PlannedStep) -> VariablesChanged:
    """own: the settings of the Dockerfile, before or now. A changed setting that is not among them is the base image's."""
    kind: Literal["argument", "environment"] = "argument" if set(names) & arguments else "environment"
    variables = tuple(map(Variable, names))
    if not set(names) <= _FOR_BUILDKIT - own:
        variables = tuple(replace(variable, of_base=variable.name not in own) for variable in variables)
        kind = kind if set(names) & own else "environment"
    return VariablesChanged(kind, variables, _reach(names, step))


def _reach(names: list[str], step: PlannedStep) -> Reach:
    keyword = step.instruction.keyword
    if names == [_BUILD_TIME] and keyword == "WORKDIR":
        return "build-time"
    if names == [_HOST_NAME]:
        return "host-name"
    if names == [_NAMESPACE]:
        return "cache-mount"
    if keyword == "RUN":
        return "run"
    return "work-folder" if names == ["WORKDIR"] else "text"


def _changed_names(old: object, new: object) -> list[str]:
    """The names of changed, new and removed variables; [] when only their order changed."""
    before = dict(old) if isinstance(old, tuple) else {}
    after = dict(new) if isinstance(new, tuple) else {}
    changed = [name for name in after if name not in before or before[name] != after[name]]
    return [*changed, *(name for name in before if name not in after)]


def _changed_files(old: Vertex, new: Vertex) -> Iterator[FileChange]:
    for edge in new.inputs:
        same_edges = (
            old_edge
            for old_edge in old.inputs
            if old_edge.vertex.operation == edge.vertex.operation
            if old_edge.by_content and old_edge.selectors == edge.selectors
        )
        old_edge = next(same_edges, None)
        if old_edge is None or edge.vertex.tree is None or old_edge.vertex.tree is None or edge.vertex.kind == "inline":
            continue
        # Equal digests are the quick answer: they are kept from one forecast to the next, and no file has to be compared.
        if all(old_edge.vertex.tree.digest(selector) == edge.vertex.tree.digest(selector) for selector in edge.selectors):
            continue
        yield from _compared(_entries_read(old_edge), _entries_read(edge))


def _entries_read(edge: Edge) -> dict[str, Entry]:
    tree = edge.vertex.tree
    if tree is None:
        return {}
    return {entry.path: entry for selector in edge.selectors for entry in tree.entries_of(selector)}


def _compared(before: dict[str, Entry], after: dict[str, Entry]) -> Iterator[FileChange]:
    for path, entry in after.items():
        old = before.get(path)
        if old is entry:
            continue
        if old is None:
            yield FileChange(path, "added")
        elif old.kind != entry.kind:
            yield FileChange(path, "kind", becomes=entry.kind)
        elif old.digest != entry.digest:
            yield FileChange(path, "content")
        elif old.link != entry.link:
            yield FileChange(path, "link")
        elif old.mode != entry.mode:
            yield FileChange(path, "mode")
    yield from (FileChange(path, "removed") for path in before if path not in after)
