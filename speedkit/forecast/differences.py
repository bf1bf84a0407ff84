"""What changed between the same step of two situations, in the words of a Dockerfile's author."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from speedkit.context import Entry
    from speedkit.forecast.plan import Plan, PlannedStep
    from speedkit.forecast.vertices import Input, Vertex

__all__ = ["BUILD_TIME", "CONFIGURATION", "OF_IMAGE", "Difference", "counterparts", "difference"]

OF_IMAGE = " (of the base image)"
"""Behind a variable, WORKDIR, USER or SHELL that the image's configuration sets and the Dockerfile does not."""

BUILD_TIME = "SOURCE_DATE_EPOCH"
CONFIGURATION = "its configuration"
"""Of a base image of which nothing more is known."""
_FOR_BUILDKIT = frozenset({BUILD_TIME, "BUILDKIT_SANDBOX_HOSTNAME", "BUILDKIT_CACHE_MOUNT_NS"})
"""Build arguments that count without being declared."""

_ORDER = "the order of the variables"
_OF_COMMAND = ("network", "options", "mounts")


@dataclass(frozen=True, slots=True)
class Difference:
    """kind: files, instruction, argument, environment, base, platform or options. what: each thing that changed."""

    kind: str
    what: tuple[str, ...]


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


def difference(before: PlannedStep, after: PlannedStep, *, arguments: frozenset[str]) -> Difference | None:
    """The step's own change, the first of those that matter most; None when only what comes before it changed.

    arguments: the names that ARG declares, to tell them from ENV.
    """
    old, new = before.vertex, after.vertex
    if old is None or new is None:
        return None
    if new.kind == "image" or old.kind == "image":
        return None if old.operation == new.operation else Difference("base", (str(new.parts.get("name", "")),))
    if files := tuple(sorted(_changed_files(old, new), key=_is_of_git)):
        return Difference("files", files)
    changed = [name for name in new.parts if old.parts.get(name) != new.parts[name]]
    same_paths = [given.selectors for given in old.inputs] == [given.selectors for given in new.inputs]
    if old.kind == new.kind and old.operation == new.operation and "contents" not in changed:
        return None if same_paths else _of_paths(before, after, arguments)
    if _wording(before) != _wording(after):
        return Difference("instruction", (after.instruction.text,))
    if changed == ["mounts"]:
        # A variable in an option, or what BuildKit puts before the id of each cache mount.
        namespace = Difference("argument", ("BUILDKIT_CACHE_MOUNT_NS",))
        return namespace if before.named == after.named else _with_origin(_by_mention(before, after, arguments), before.own)
    found = _by_parts(changed, old, new, arguments) or _by_mention(before, after, arguments)
    return _with_origin(found, before.own | after.own)


def _with_origin(found: Difference, own: frozenset[str]) -> Difference:
    """Says which settings are the image's: it changed, and the Dockerfile set it neither before nor now."""
    if found.kind not in ("argument", "environment") or found.what == (_ORDER,) or set(found.what) <= _FOR_BUILDKIT - own:
        return found
    what = tuple(name if name in own else f"{name}{OF_IMAGE}" for name in found.what)
    return Difference(found.kind if set(what) & own else "environment", what)


def _of_paths(before: PlannedStep, after: PlannedStep, arguments: frozenset[str]) -> Difference | None:
    """Other paths are read; None where the instruction says the same, and a link on the way leads elsewhere."""
    if _wording(before) != _wording(after):
        return Difference("instruction", (after.instruction.text,))
    if before.named == after.named:
        return None
    return _with_origin(_by_mention(before, after, arguments), before.own | after.own)


def _wording(step: PlannedStep) -> object:
    instruction = step.instruction
    return (instruction.flags, instruction.args, instruction.json, instruction.heredocs, instruction.keyword)


def _by_parts(changed: list[str], old: Vertex, new: Vertex, arguments: frozenset[str]) -> Difference | None:
    if "platform" in changed:
        return Difference("platform", (str(new.parts["platform"]),))
    if "unknown_base" in changed:
        return Difference("base", (CONFIGURATION,))
    if "variables" in changed and (names := _changed_names(old.parts["variables"], new.parts["variables"])):
        kind = "argument" if set(names) & arguments else "environment"
        return Difference(kind, names)
    if changed == ["time"]:
        return Difference("argument", (BUILD_TIME,))
    if changed == ["hostname"]:
        return Difference("argument", ("BUILDKIT_SANDBOX_HOSTNAME",))
    if "workdir" in changed:
        return Difference("environment", ("WORKDIR",))
    if "user" in changed:
        return Difference("environment", ("USER",))
    if "command" in changed:
        return Difference("environment", ("SHELL",))
    if set(changed) & set(_OF_COMMAND):
        return Difference("options", tuple(changed))
    return None


def _by_mention(before: PlannedStep, after: PlannedStep, arguments: frozenset[str]) -> Difference:
    """The instruction reads otherwise once its variables are replaced."""
    names = tuple(name for name, value in after.named.items() if before.named.get(name) != value)
    if not names:
        return Difference("environment", ("WORKDIR",))
    return Difference("argument" if set(names) & arguments else "environment", names)


def _changed_names(old: object, new: object) -> tuple[str, ...]:
    before = dict(old) if isinstance(old, tuple) else {}
    after = dict(new) if isinstance(new, tuple) else {}
    changed = [name for name in after if name not in before or before[name] != after[name]]
    gone = [name for name in before if name not in after]
    return tuple(changed + gone) or (_ORDER,)


def _changed_files(old: Vertex, new: Vertex) -> Iterator[str]:
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


def _is_of_git(changed: str) -> bool:
    """Whether git wrote it. That changes along with nearly everything, and would hide the rest."""
    return changed.startswith(".git/")


def _compared(before: dict[str, Entry], after: dict[str, Entry]) -> Iterator[str]:
    for path, entry in after.items():
        old = before.get(path)
        if old is entry:
            continue
        if old is None:
            yield f"{path} (added)"
        elif old.kind != entry.kind:
            yield f"{path} (now a {entry.kind})"
        elif old.digest != entry.digest:
            yield f"{path} (content)"
        elif old.link != entry.link:
            yield f"{path} (points elsewhere)"
        elif old.mode != entry.mode:
            yield f"{path} (mode)"
    yield from (f"{path} (removed)" for path in before if path not in after)
