"""Why a step is, or would be, cached or not, as a kind, a list and a sentence that a newcomer understands."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from speedkit.forecast.differences import BUILD_TIME, CONFIGURATION, OF_IMAGE, Difference, counterparts, difference
from speedkit.forecast.tree import NOT_UTF8

if TYPE_CHECKING:
    from speedkit.dockerfile import Dockerfile
    from speedkit.forecast.memory import Found
    from speedkit.forecast.plan import Plan, PlannedStep
    from speedkit.forecast.vertices import Vertex
    from speedkit.forecast.walking import Walked

__all__ = ["Because", "BecauseKind", "Reasons", "change_in_words"]

BecauseKind = Literal[
    "unchanged",
    "earlier",
    "same-bytes",
    "unnoticed",
    "unclear",
    "files",
    "missing-file",
    "missing-secret",
    "refused-file",
    "instruction",
    "argument",
    "environment",
    "options",
    "platform",
    "base",
    "parent",
    "result",
    "address",
    "new",
    "no-step",
    "not-needed",
    "evicted",
    "elsewhere",
    "another-builder",
    "imported",
    "failed",
]
_SHOWN = 3
_HOSTNAME, _NAMESPACE = "BUILDKIT_SANDBOX_HOSTNAME", "BUILDKIT_CACHE_MOUNT_NS"
_CHANGED_FILE = re.compile(r"(?P<path>.*) \((?P<how>[^()]*)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Because:
    """kind: the sort of reason. what: the files, variables or lines it is about. sentence: the same for a reader."""

    kind: BecauseKind
    what: tuple[str, ...]
    sentence: str


class Reasons:
    """Why the cache holds, lacks or may hold each step of a plan; to be asked in the order of the plan."""

    def __init__(self, walked: Walked, last: Plan | None) -> None:
        """last: the build before, to say what changed since."""
        self._walked = walked
        self._twins = counterparts(last, walked.plan) if last is not None else {}
        self._arguments = _declared(walked.plan.situation.dockerfile)
        self._restored: dict[int, bool] = {}
        self._stale = _stale_paths(walked.plan)

    def of(self, step: PlannedStep) -> Because:
        """Why the cache holds, lacks or may hold a step."""
        vertex = step.vertex
        if vertex is None:
            return _without_vertex(step)
        because = _with_unnoticed(self._because(step, vertex), _unnoticed(vertex, self._walked.plan, self._stale))
        is_other_image = step.opens_known_image and not step.has_to_pull and because.kind == "base"
        self._restored[id(vertex)] = because.kind == "earlier" or is_other_image
        return because

    def alone(self, step: PlannedStep) -> Because | None:
        """Why a step runs of which nobody could say, when nothing that it takes something from ran; None where nothing does."""
        if step.vertex is None:
            return None
        own = self._own_change(step)
        return _own(own, step) if own is not None else _new(step, self._twin(step), step.vertex, self._walked)

    def _because(self, step: PlannedStep, vertex: Vertex) -> Because:
        found, own, twin = self._walked.of(vertex), self._own_change(step), self._twin(step)
        if found.missing:
            return _refused(vertex) or _missing(found, vertex, self._walked.plan)
        if step.has_to_pull:
            name = _place(vertex)
            if "wanted" in vertex.parts:
                here, wanted = vertex.parts["here"], vertex.parts["wanted"]
                sentence = f"{name} is on this machine for {here}, not for {wanted}: it has to be pulled first."
                return Because("base", (name,), sentence)
            return Because("base", (name,), f"{name} is no longer on this machine: it has to be pulled first.")
        if step.opens_known_image:
            return _image(vertex, own, twin)
        if found.certain:
            as_before = own is None and twin is not None and not self._stands_on_restored(vertex)
            return _hit(vertex, self._walked, as_before=as_before)
        if found.possible:
            return _or_stops(_depends(vertex, self._walked), vertex)
        if vertex.lacking:
            return Because("missing-secret", vertex.lacking, f"{_needs(vertex)}, so the build will stop here.")
        return _miss(step, own, twin, vertex, self._walked)

    def _twin(self, step: PlannedStep) -> PlannedStep | None:
        """What the step was in the build before."""
        return self._twins.get(id(step))

    def _own_change(self, step: PlannedStep) -> Difference | None:
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


def _without_vertex(step: PlannedStep) -> Because:
    if not step.needed:
        return Because("not-needed", (step.stage,), f"The target does not use stage {step.stage}.")
    what = "says where the stage begins" if step.instruction.keyword == "FROM" else "changes settings"
    return Because("no-step", (), f"There is nothing to run: it only {what}.")


def _image(vertex: Vertex, own: Difference | None, twin: PlannedStep | None) -> Because:
    name = _place(vertex)
    if own is not None and twin is not None and twin.vertex is not None:
        return Because("base", (name,), f"{name} is another image than before; it is on this machine.")
    return Because("unchanged", (), "The image is on this machine.")


def _refused(vertex: Vertex) -> Because | None:
    """Why BuildKit cannot take a file that is there; None where nothing is wrong but that one is not."""
    read = [(given.vertex, given.vertex.tree, selector) for given in vertex.inputs for selector in given.selectors]
    trees = [(source, tree, selector) for source, tree, selector in read if tree is not None]
    names = dict.fromkeys(path for source, tree, selector in trees if source.local for path in tree.unsendable_in(selector))
    if names:
        shown = tuple(NOT_UTF8.sub(lambda byte: f"\\x{ord(byte[0]) & 0xFF:02x}", path.lstrip("/")) for path in names)
        problem = "the name, or what it points to, is not UTF-8"
        sentence = f"BuildKit cannot be sent {_listed(shown)}: {problem}, so the build will stop here."
        return Because("refused-file", shown, sentence)
    circles = tuple(selector.path.lstrip("/") for _, tree, selector in trees if tree.is_circle(selector))
    if not circles:
        return None
    leads = "leads" if len(circles) == 1 else "lead"
    sentence = f"{_listed(circles)} {leads} from symlink to symlink in a circle (too many links), so the build will stop here."
    return Because("refused-file", circles, sentence)


def _missing(found: Found, vertex: Vertex, plan: Plan) -> Because:
    paths = tuple(path.lstrip("/") for path in found.missing)
    unsent = plan.context.tree.unsent if plan.context.tree is not None else frozenset()
    if unsent & set(found.missing):
        there = tuple(path.lstrip("/") for path in found.missing if path in unsent)
        instead = there[0].replace("\\", "?")
        sentence = f"BuildKit does not find {_listed(there)}: it takes a backslash in a path for an escape, so the build will"
        return Because("missing-file", there, f"{sentence} stop here. `{instead}` takes it.")
    sentence = f"{_listed(paths)} {_are(paths)} not in the build context"
    ignoring = plan.situation.context.ignore_file
    reads_context = any(given.vertex is plan.context for given in vertex.inputs)
    if ignoring and reads_context:
        they = "it is" if len(paths) == 1 else "they are"
        sentence += f" ({they} not in the folder, or {ignoring} leaves {'it' if len(paths) == 1 else 'them'} out)"
    return Because("missing-file", paths, f"{sentence}, so the build will stop here.")


def _stale_paths(plan: Plan) -> frozenset[str]:
    """What changed in the context without BuildKit noticing it: it takes the content that it has."""
    tree, now = plan.context.tree, plan.situation.context
    if tree is None or tree.entries == now.entries:
        return frozenset()
    return frozenset(entry.path for entry in tree.entries if now.by_path.get(entry.path, entry) != entry)


def _unnoticed(vertex: Vertex, plan: Plan, stale: frozenset[str]) -> tuple[str, ...]:
    """The stale paths that a step reads; of folders it is their mode."""
    tree = plan.context.tree
    if tree is None or not stale:
        return ()
    selectors = [selector for given in vertex.inputs if given.vertex is plan.context for selector in given.selectors]
    taken = dict.fromkeys(entry for selector in selectors for entry in tree.taken(selector))
    return tuple(f"{entry.path} (mode)" if entry.kind == "dir" else entry.path for entry in taken if entry.path in stale)


def _with_unnoticed(because: Because, stale: tuple[str, ...]) -> Because:
    """The reason, with what will not be noticed, and how to make it so."""
    if not stale:
        return because
    folders = tuple(path.removesuffix(" (mode)") for path in stale if path.endswith(" (mode)"))
    files = tuple(path for path in stale if not path.endswith(" (mode)"))
    parts = []
    if files:
        size = "its size and time of change are" if len(files) == 1 else "their sizes and times of change are"
        noticed = f"`touch {files[0]}` makes it notice"
        parts.append(f"{_listed(files)} changed, but BuildKit will not notice that: {size} as before. {noticed}.")
    if folders:
        parts.append(
            f"The permissions of {_listed(folders)} changed, but BuildKit will not notice that: it does not look at them again "
            "in a folder that it has. A build from a copy of the folder under another name does."
        )
    if because.kind not in ("unchanged", "earlier"):
        return replace(because, sentence=" ".join([because.sentence, *parts]))
    return Because("unnoticed", stale, " ".join(parts))


def _or_stops(because: Because, vertex: Vertex) -> Because:
    """The reason, and what becomes of the build where the step has to run."""
    if not vertex.lacking:
        return because
    return replace(because, sentence=f"{because.sentence} {_needs(vertex)}: if it has to run, the build stops here.")


def _needs(vertex: Vertex) -> str:
    return f"It needs the {_listed(vertex.lacking)}, and no build of speedkit is given any"


def _hit(vertex: Vertex, walked: Walked, *, as_before: bool) -> Because:
    rerun = [given.vertex for given in vertex.inputs if given.by_content and _reruns(given.vertex, walked)]
    if rerun:
        what = tuple(_place(source) for source in rerun)
        return Because(
            "same-bytes", what, f"{_sentence_start(_listed(what))} runs again, but what this step takes from it is known."
        )
    if as_before:
        return Because("unchanged", (), "Nothing that counts for this step has changed.")
    return Because("earlier", (), "An earlier build had exactly this, and its result is still there.")


def _reruns(vertex: Vertex, walked: Walked) -> bool:
    return not vertex.local and not walked.of(vertex).certain


def _depends(vertex: Vertex, walked: Walked) -> Because:
    if vertex.uncertain:
        return Because("address", (vertex.uncertain,), f"It depends on what {vertex.uncertain} holds now.")
    first = vertex.inputs[0]
    if not first.by_content and walked.of(first.vertex).perhaps and not walked.of(first.vertex).certain:
        place = _place(first.vertex)
        return Because("parent", (place,), f"It stays cached if {place} does.")
    sources = [given for given in vertex.inputs if given.by_content and not given.vertex.local]
    products = _products(vertex)
    if products:
        return Because("result", products, f"It depends on what the commands on the host make of {_listed(products)}.")
    addresses = tuple(given.vertex.uncertain for given in sources if given.vertex.uncertain)
    if addresses:
        return Because("address", addresses, f"It depends on what {_listed(addresses)} holds now.")
    if all(given.vertex.kind == "inline" for given in sources):
        return Because("result", (), "A build broke off at this step: what it had made may have been kept.")
    places = tuple(_place(given.vertex) for given in sources)
    paths = [selector.path for given in sources for selector in given.selectors]
    runs = "may run again" if all(walked.of(given.vertex).possible for given in sources) else "runs again"
    sentence = f"{_sentence_start(_listed(places))} {runs}: if {_listed(paths)} comes out as before, this stays cached."
    if all(walked.of(given.vertex).certain for given in sources):
        sentence = f"It depends on whether {_listed(paths)} holds the same bytes as in the build before."
    return Because("result", places, sentence)


def _products(vertex: Vertex) -> tuple[str, ...]:
    read = [(given.vertex.tree, selector) for given in vertex.inputs for selector in given.selectors]
    return tuple(path for tree, selector in read if tree is not None for path in tree.unknown_in(selector))


def _miss(step: PlannedStep, own: Difference | None, twin: PlannedStep | None, vertex: Vertex, walked: Walked) -> Because:
    # What stands on a step that may stay cached, and runs in any case, has a reason of its own.
    before = [given.vertex for given in vertex.inputs if not given.by_content and not given.vertex.local]
    missed = [source for source in before if not walked.of(source).possible]
    # A text that changed back is not why the step runs, when what it builds on runs.
    restored = own is not None and own.kind == "instruction" and walked.is_known(vertex)
    decides = own is not None and own.kind in ("files", "instruction", "base") and not restored
    if own is not None and (decides or not missed):
        return _own(own, step)
    if missed:
        place = _place(missed[0])
        if missed[0].kind == "image":
            how = "is another image than before" if _used(twin, missed[0]) else "the build before did not use"
            return Because("base", (place,), f"It starts from {place}, which {how}.")
        return Because("parent", (place,), f"It starts from the result of {place}, which runs again.")
    return _new(step, twin, vertex, walked)


def _used(twin: PlannedStep | None, image: Vertex) -> bool:
    """Whether the step stood on an image of that name before."""
    before = twin.vertex.inputs if twin is not None and twin.vertex is not None else ()
    return any(given.vertex.kind == "image" and _place(given.vertex) == _place(image) for given in before)


def _new(step: PlannedStep, twin: PlannedStep | None, vertex: Vertex, walked: Walked) -> Because:
    """Why a step is not in the cache though nothing of its own changed: it is new, or stands on something else."""
    if vertex.inputs and walked.is_known(vertex):
        lacking = walked.led_nowhere(vertex)
        reads = any(given.by_content for given in vertex.inputs)
        parts = ["with these files"] if reads and (lacking is None or lacking.by_content) else []
        if (lacking is None or not lacking.by_content) and not vertex.inputs[0].by_content:
            place = _place(vertex.inputs[0].vertex)
            parts.append(f"on this result of {place}" if vertex.inputs[0].vertex.line else f"directly on {place}")
        return Because("new", (), f"This {step.instruction.keyword} was built before, but not {' '.join(parts)}.")
    if twin is None or twin.vertex is None:
        return Because("new", (), f"This {step.instruction.keyword} has not been built before.")
    return Because("new", (), "No earlier build finished this step.")


def _own(own: Difference, step: PlannedStep) -> Because:
    change = "the text of this instruction changed" if own.kind == "instruction" else change_in_words(own.kind, own.what)
    # A file's name at the beginning of a sentence stays as it is.
    opening = change if own.kind in ("files", "environment") and not change.startswith("the ") else _sentence_start(change)
    return Because(own.kind, own.what, f"{opening}{_remark(own, step)}.")  # type: ignore[arg-type]


def _remark(own: Difference, step: PlannedStep) -> str:
    """How a change reaches the step."""
    if own.kind == "files":
        return f", and this step reads {'it' if len(own.what) == 1 else 'them'}"
    if own.kind not in ("argument", "environment"):
        return ""
    if own.what == (BUILD_TIME,) and step.instruction.keyword == "WORKDIR":
        return ", and the folder that this step makes gets it as its time"
    if own.what in ((_HOSTNAME,), (_NAMESPACE,)):
        return f", and {'every RUN' if own.what == (_HOSTNAME,) else 'the id of a cache mount'} depends on it"
    if step.instruction.keyword == "RUN":
        if len(own.what) > 1:
            return "; every RUN after them sees that, whether it uses them or not"
        return "; every RUN after its ARG sees it, used or not" if own.kind == "argument" else "; every RUN after it sees that"
    is_workdir = own.what in (("WORKDIR",), (f"WORKDIR{OF_IMAGE}",))
    return ", and the paths of this step start from it" if is_workdir else ", and this instruction names it"


def change_in_words(kind: str, what: tuple[str, ...]) -> str:
    """What began a miss, as the beginning of a sentence: `main.go changed`."""
    listed = _listed(what)
    words = {
        "files": _files_in_words(what),
        "instruction": "its text changed",
        "argument": f"build argument {listed} changed" if len(what) == 1 else f"the variables {listed} changed",
        "environment": f"{_settings_in_words(what)} changed",
        "options": f"the build command's options changed ({listed})",
        "platform": f"it is now built for {listed}",
        "base": _base_in_words(what),
        "address": f"{listed} no longer holds what it did",
        "evicted": "its result was gone from the cache",
        "missing-file": f"{listed} {_are(what)} not in the build context",
        "missing-secret": f"{listed} {'was' if len(what) == 1 else 'were'} not given",
        "refused-file": f"BuildKit cannot take {listed}",
    }
    return words.get(kind, "it was new to the cache")


def _are(names: tuple[str, ...]) -> str:
    return "is" if len(names) == 1 else "are"


def _base_in_words(what: tuple[str, ...]) -> str:
    if what == (CONFIGURATION,):
        return "the configuration of the base image is another one than before"
    return f"the base image {_listed(what)} is another one than before"


def _settings_in_words(what: tuple[str, ...]) -> str:
    """`PATH of the base image`; several of the image's are told together."""
    if what and all(name.endswith(OF_IMAGE) for name in what):
        return f"{_listed([name.removesuffix(OF_IMAGE) for name in what])} of the base image"
    return _listed(what)


def _files_in_words(what: tuple[str, ...]) -> str:
    """Changed files by what happened to them: `a and b changed, c was added`."""
    by_change: dict[str, list[str]] = {}
    for entry in what[:_SHOWN]:
        found = _CHANGED_FILE.fullmatch(entry)
        path, how = (found["path"], found["how"]) if found else (entry, "content")
        by_change.setdefault(how, []).append(path)
    parts = [_change_of(how, paths) for how, paths in by_change.items()]
    more = len(what) - _SHOWN
    return " and ".join([*parts, f"{more:,} more changed"] if more > 0 else parts)


def _change_of(how: str, paths: list[str]) -> str:
    listed, several = " and ".join(paths) if len(paths) < _SHOWN else f"{', '.join(paths[:-1])} and {paths[-1]}", len(paths) > 1
    words = {
        "content": f"{listed} changed",
        "added": f"{listed} {'were' if several else 'was'} added",
        "removed": f"{listed} {'were' if several else 'was'} removed",
        "mode": f"the permissions of {listed} changed",
        "points elsewhere": f"{listed} {'point' if several else 'points'} elsewhere",
    }
    return words.get(how, f"{listed} {'are' if several else 'is'} {how}")


def _place(vertex: Vertex) -> str:
    """Where a vertex comes from: `line 7`, or the name of an image."""
    if vertex.line:
        return f"line {vertex.line}"
    return str(vertex.parts.get("name") or vertex.uncertain or vertex.kind)


def _sentence_start(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(names: tuple[str, ...] | list[str]) -> str:
    if len(names) <= _SHOWN:
        return " and ".join(names)
    return f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more"
