"""What changed of a step between two situations, as a cause that names things as a Dockerfile's author does."""

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
    from collections.abc import Iterable, Iterator

    from speedkit.context import Entry

    from .frontend import Plan, PlannedStep
    from .vertices import Input, Vertex

__all__ = ["Change", "counterparts", "difference"]

_BUILD_TIME, _HOST_NAME, _NAMESPACE = "SOURCE_DATE_EPOCH", "BUILDKIT_SANDBOX_HOSTNAME", "BUILDKIT_CACHE_MOUNT_NS"
_FOR_BUILDKIT = frozenset({_BUILD_TIME, _HOST_NAME, _NAMESPACE})
"""Build arguments that count without being declared."""

_OF_COMMAND = ("network", "options", "mounts")

Change = (
    FilesChanged
    | TextChanged
    | VariablesChanged
    | VariableOrderChanged
    | OptionsChanged
    | PlatformChanged
    | BaseChanged
    | BaseSettingsChanged
)
"""What changed of the step itself."""


def counterparts(before: Plan, after: Plan) -> dict[int, PlannedStep]:
    """For each step of `after`, by `id`, the step of `before` that it was; new steps are not in it."""
    found: dict[int, PlannedStep] = {}
    earlier = _by_stage(before)
    names = list(earlier)
    for position, (stage, steps) in enumerate(_by_stage(after).items()):
        old = earlier.get(stage) or (earlier[names[position]] if position < len(names) else [])
        found.update(_aligned(old, steps))
    return found


def _by_stage(plan: Plan) -> dict[str, list[PlannedStep]]:
    stages: dict[str, list[PlannedStep]] = {}
    for step in plan.steps:
        if step.instruction.stage is not None:
            stages.setdefault(step.stage, []).append(step)
    return stages


def _aligned(old: list[PlannedStep], new: list[PlannedStep]) -> Iterator[tuple[int, PlannedStep]]:
    matcher = SequenceMatcher(
        a=[step.instruction.text for step in old], b=[step.instruction.text for step in new], autojunk=False
    )
    for _, start, end, new_start, new_end in matcher.get_opcodes():
        unmatched = list(old[start:end])
        for step in new[new_start:new_end]:
            keyword = step.instruction.keyword
            twin = next((candidate for candidate in unmatched if candidate.instruction.keyword == keyword), None)
            if twin is not None:
                unmatched.remove(twin)
                yield id(step), twin


def difference(before: PlannedStep, after: PlannedStep, *, arguments: frozenset[str]) -> Change | None:
    """The step's own change, the first of those that matter most; None when only what comes before it changed.

    arguments: the names that ARG declares, to tell them from ENV.
    """
    old, new = before.vertex, after.vertex
    if old is None or new is None:
        return None
    if new.kind == "image" or old.kind == "image":
        return None if old.operation == new.operation else BaseChanged(str(new.parts.get("name", "")))
    if files := tuple(sorted(_changed_files(old, new), key=_is_of_git)):
        return FilesChanged(files)
    changed = [name for name in new.parts if old.parts.get(name) != new.parts[name]]
    same_paths = [given.selectors for given in old.inputs] == [given.selectors for given in new.inputs]
    if old.kind == new.kind and old.operation == new.operation and "contents" not in changed:
        return None if same_paths else _of_paths(before, after, arguments)
    if _wording(before) != _wording(after):
        return TextChanged(after.instruction.text)
    if changed == ["mounts"]:
        # A variable in an option, or what BuildKit puts before the id of each cache mount.
        if before.named == after.named:
            return _variables([_NAMESPACE], arguments | {_NAMESPACE}, frozenset(), after)
        return _variables(_named_otherwise(before, after), arguments, before.own, after)
    return _by_parts(changed, before, after, arguments) or _by_mention(before, after, arguments)


def _of_paths(before: PlannedStep, after: PlannedStep, arguments: frozenset[str]) -> Change | None:
    """Other paths are read; None where the instruction says the same, and a link on the way leads elsewhere."""
    if _wording(before) != _wording(after):
        return TextChanged(after.instruction.text)
    return None if before.named == after.named else _by_mention(before, after, arguments)


def _wording(step: PlannedStep) -> object:
    instruction = step.instruction
    return (instruction.flags, instruction.args, instruction.json, instruction.heredocs, instruction.keyword)


def _by_parts(changed: list[str], before: PlannedStep, after: PlannedStep, arguments: frozenset[str]) -> Change | None:
    if before.vertex is None or after.vertex is None:
        return None
    old, new, own = before.vertex, after.vertex, before.own | after.own
    if "platform" in changed:
        return PlatformChanged(str(new.parts["platform"]))
    if "unknown_base" in changed:
        return BaseSettingsChanged()
    if "variables" in changed:
        names = _changed_names(old.parts["variables"], new.parts["variables"])
        return _variables(names, arguments, own, after) if names else VariableOrderChanged()
    if changed == ["time"]:
        return _variables([_BUILD_TIME], arguments | {_BUILD_TIME}, own, after)
    if changed == ["hostname"]:
        return _variables([_HOST_NAME], arguments | {_HOST_NAME}, own, after)
    for part, name in (("workdir", "WORKDIR"), ("user", "USER"), ("command", "SHELL")):
        if part in changed:
            return _variables([name], frozenset(), own, after)
    return OptionsChanged(tuple(changed)) if set(changed) & set(_OF_COMMAND) else None


def _by_mention(before: PlannedStep, after: PlannedStep, arguments: frozenset[str]) -> VariablesChanged:
    """The instruction reads otherwise once its variables are replaced."""
    return _variables(_named_otherwise(before, after), arguments, before.own | after.own, after)


def _named_otherwise(before: PlannedStep, after: PlannedStep) -> list[str]:
    """The variables that the instruction names and whose values changed; else it is the folder that its paths start from."""
    return [name for name, value in after.named.items() if before.named.get(name) != value] or ["WORKDIR"]


def _variables(names: list[str], arguments: frozenset[str], own: frozenset[str], step: PlannedStep) -> VariablesChanged:
    """own: what the Dockerfile sets, before or now. A setting that is not among it and changed is the base image's."""
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
    """[] when only their order changed."""
    before = dict(old) if isinstance(old, tuple) else {}
    after = dict(new) if isinstance(new, tuple) else {}
    changed = [name for name in after if name not in before or before[name] != after[name]]
    return [*changed, *(name for name in before if name not in after)]


def _changed_files(old: Vertex, new: Vertex) -> Iterator[FileChange]:
    for given in new.inputs:
        twin = _same_input(old.inputs, given)
        if twin is None or given.vertex.tree is None or twin.vertex.tree is None or given.vertex.kind == "inline":
            continue
        if all(twin.vertex.tree.digest(part) == given.vertex.tree.digest(part) for part in given.selectors):
            continue
        yield from _compared(_taken(twin), _taken(given))


def _same_input(inputs: Iterable[Input], wanted: Input) -> Input | None:
    for given in inputs:
        same_vertex = given.vertex.operation == wanted.vertex.operation
        if same_vertex and given.by_content and given.selectors == wanted.selectors:
            return given
    return None


def _taken(given: Input) -> dict[str, Entry]:
    tree = given.vertex.tree
    if tree is None:
        return {}
    return {entry.path: entry for selector in given.selectors for entry in tree.taken(selector)}


def _is_of_git(change: FileChange) -> bool:
    """Whether git wrote it. That changes along with nearly everything, and would hide the rest."""
    return change.path.startswith(".git/")


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
