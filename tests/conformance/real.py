"""Real Dockerfiles with their real contexts, edited as people do, held against real builds.

The Dockerfiles are reduced to what builds in seconds and offline (`reducing`). A path that a project makes before its build,
and that is not in the module, is stood in by a file of one line.
"""

from __future__ import annotations

import random
import re
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from speedkit.cache import CacheModel, Situation
from speedkit.causes import BackslashInPath, MissingFile
from speedkit.context import Manifest, read_context
from speedkit.dockerfile import read_dockerfile, stage_bases
from speedkit.dockerfile.stages import SCRATCH
from speedkit.errors import SpeedkitError
from tests.conformance.bases import NUMBERED, numbered_images
from tests.conformance.comparing import Disagreement, Tally, can_be_read, repeated_disagreement
from tests.conformance.reducing import left_by, plain_path, reduced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from speedkit.cache.frontend import Plan
    from speedkit.dockerfile import Instruction
    from tests.conformance.comparing import Buildable

__all__ = ["EDITS", "LeftOut", "RealProject", "compared", "error_of", "real_project"]

_STAND_IN = b"made before the build\n"
_DEPENDENCIES = re.compile(
    r"go\.(mod|sum|work)|package(-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|.*requirements.*\.txt|Cargo\.(toml|lock)|Gemfile(\.lock)?"
)
_PLATFORM = re.compile(r"(BUILD|TARGET)[A-Z]+|.*_?(PROXY|proxy)")


class LeftOut(Exception):
    """Why a Dockerfile cannot take part."""


@dataclass(frozen=True)
class RealProject:
    """A Dockerfile of a module as it was edited, and what differs from the module in its context.

    context: in the module. place: of the Dockerfile, below the module. text: the whole Dockerfile, not reduced. changed: by
    path, the content of what is not as in the module. renewed: the image that is another one now. seed: decides which stages
    leave what follows from their files.
    """

    context: Path
    place: Path
    text: str
    seed: str
    changed: Mapping[str, bytes] = field(default_factory=dict)
    build_args: dict[str, str] = field(default_factory=dict)
    renewed: str = ""
    edit: str = ""
    target: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    extra: str = ""

    def dockerfile(self) -> str:
        left = left_by(self.plan(self._reduced({})))
        return self._reduced(left)

    def plan(self, text: str, context: Manifest | None = None) -> Plan:
        bases = numbered_images()
        situation = Situation(read_dockerfile(text), context or Manifest(()), build_args=self.build_args, bases=bases)
        return CacheModel([]).plan(situation)

    def _reduced(self, left: Mapping[int, list[str]]) -> str:
        return reduced(
            self.text,
            images=NUMBERED,
            build_args=self.build_args,
            left=left,
            follows=lambda stage: random.Random(f"{self.seed}-{stage}").random() < 0.5,  # noqa: S311
            renewed=self.renewed,
        )

    def write(self, folder: Path, before: Buildable | None) -> None:
        old = before.changed if isinstance(before, RealProject) else {}
        if before is None:
            shutil.copytree(self.context, folder, copy_function=shutil.copyfile, dirs_exist_ok=True)
            for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
                path.chmod(0o755)
            beside = self.place.with_name(f"{self.place.name}.dockerignore")
            if beside.is_file():
                shutil.copyfile(beside, folder.with_name("Dockerfile.dockerignore"))
        for path in old.keys() | self.changed.keys():
            if old.get(path) == self.changed.get(path):
                continue
            if path not in self.changed and not (self.context / path).is_file():
                (folder / path).unlink()
            else:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(self.content(path))

    def content(self, path: str) -> bytes:
        return self.changed[path] if path in self.changed else (self.context / path).read_bytes()

    def with_text(self, text: str) -> RealProject:
        """With another Dockerfile, which is part of the context, too."""
        changed = dict(self.changed)
        if self.place.is_relative_to(self.context):
            changed[self.place.relative_to(self.context).as_posix()] = text.encode()
        return replace(self, text=text, changed=changed)


def real_project(place: Path, module: Path, *, seed: str) -> RealProject:
    """The project of a Dockerfile in a module. Raises: LeftOut."""
    try:
        text = place.read_text(encoding="utf-8")
        build_args = _wanted_args(text)
        project = RealProject(place.parent, place, text, seed, build_args=build_args)
        plan = project.plan(project.dockerfile())
    except UnicodeDecodeError:
        raise LeftOut("is not text") from None
    except SpeedkitError as problem:
        reason = re.sub(r"^Dockerfile(, line \d+)?: ", "", problem.what)
        raise LeftOut(f"cannot be built by this engine or without more: {reason}") from None
    if any(given.vertex.kind == "address" for step in plan.steps if step.vertex for given in step.vertex.inputs):
        raise LeftOut("adds from an address")
    if not any(step.vertex is not None and step.vertex.line for step in plan.steps):
        raise LeftOut("has nothing to run")
    return _in_its_context(project, module)


def _wanted_args(text: str) -> dict[str, str]:
    """Values for arguments without one that a FROM names: such a Dockerfile is never built without them."""
    dockerfile = read_dockerfile(text)
    openings = " ".join(stage.text for stage in dockerfile.stages)
    bare = [word for step in dockerfile.global_args for word in step.args if "=" not in word and not _PLATFORM.fullmatch(word)]
    return {name: "1" for name in bare if re.search(rf"\$\{{?{name}\b", openings)}


def _in_its_context(project: RealProject, module: Path) -> RealProject:
    """With the folder that has most of what is taken, and stand-ins for the rest.

    Where several have, a plain `Dockerfile` is built where it lies, one of another name at the root of the module.
    """
    folders = [folder for folder in project.place.parents if folder.is_relative_to(module)]
    if project.place.name not in ("Dockerfile", "Containerfile"):
        folders.reverse()
    here = {folder: read_context(folder, dockerfile=project.place) for folder in folders}
    context = min(folders, key=lambda folder: len(_missing(project, here[folder])))
    return _with_stand_ins(replace(project, context=context), here[context])


def _with_stand_ins(project: RealProject, context: Manifest) -> RealProject:
    """With what its Dockerfile takes and the module does not have."""
    absent = {path: _STAND_IN for path in _missing(project, context) if path not in project.changed}
    return replace(project, changed={**project.changed, **absent})


def _missing(project: RealProject, context: Manifest) -> set[str]:
    """The files that are needed. What a mount shows is a folder unless its name has a dot inside."""
    text = project.dockerfile()
    now = Situation(read_dockerfile(text), context, build_args=project.build_args, bases=numbered_images())
    found = set()
    for step in CacheModel([]).predict(now).steps:
        for path in step.cause.paths if isinstance(step.cause, MissingFile | BackslashInPath) else ():
            is_folder = step.instruction.startswith("RUN") and "." not in Path(path).name[1:]
            found.add(plain_path(f"{path}/made" if is_folder else path))
    return found


def _sequence_of(project: RealProject) -> list[RealProject]:
    """The project, and what it becomes edit by edit, in random order; in the end edits are taken back."""
    chance = random.Random(project.seed)  # noqa: S311 - it has to be repeatable
    builds = [project, replace(project, edit="nothing")]
    context = read_context(project.context, dockerfile=project.place)
    taken = sorted(_taken(project, context))
    for name in chance.sample(list(EDITS), len(EDITS)):
        edited = EDITS[name](builds[-1], taken, chance)
        if edited is not None and can_be_read(edited):
            builds.append(replace(_with_stand_ins(edited, context), edit=name))
    if len(builds) > 2:
        builds.append(replace(builds[-2], edit="the last edit taken back"))
        builds.append(replace(builds[0], edit="all edits taken back"))
    return builds


def _taken(project: RealProject, context: Manifest) -> Iterator[str]:
    """The files of the context that the Dockerfile takes."""
    plan = project.plan(project.dockerfile(), context)
    inputs = (given for step in plan.steps if step.vertex is not None for given in step.vertex.inputs)
    read = {selector for given in inputs if given.vertex is plan.context for selector in given.selectors}
    tree = plan.context.tree
    entries = (entry for selector in read for entry in tree.entries_of(selector)) if tree is not None else ()
    yield from {entry.path for entry in entries if entry.kind == "file"}


def _with_a_line_more(project: RealProject, paths: list[str], chance: random.Random) -> RealProject | None:
    if not paths:
        return None
    path = chance.choice(paths)
    line = f"\n# {chance.randrange(10**6)}\n".encode()
    return replace(project, changed={**project.changed, path: project.content(path) + line})


def _edit_source(project: RealProject, taken: list[str], chance: random.Random) -> RealProject | None:
    own = project.place.name
    paths = [path for path in taken if not _DEPENDENCIES.fullmatch(Path(path).name) and Path(path).name != own]
    return _with_a_line_more(project, paths, chance)


def _edit_dependencies(project: RealProject, taken: list[str], chance: random.Random) -> RealProject | None:
    return _with_a_line_more(project, [path for path in taken if _DEPENDENCIES.fullmatch(Path(path).name)], chance)


def _edit_unused(project: RealProject, taken: list[str], chance: random.Random) -> RealProject | None:
    """A file that is not taken; where all are, the README."""
    files = sorted(path.relative_to(project.context).as_posix() for path in project.context.rglob("*") if path.is_file())
    own = project.place.name
    unused = [path for path in files if path not in set(taken) and Path(path).name != own and "ignore" not in path]
    return _with_a_line_more(project, unused or [path for path in taken if path.startswith("README")], chance)


def _needed(project: RealProject) -> list[Instruction]:
    """The instructions of the stages that are built."""
    return [step.instruction for step in project.plan(project.dockerfile()).steps if step.needed and not step.triggered]


def _change_instruction(project: RealProject, _taken: list[str], chance: random.Random) -> RealProject | None:
    lines = project.text.splitlines()
    places = [step for step in _needed(project) if _can_be_changed(step)]
    if not places:
        return None
    third = len(places) // 3
    step = chance.choice(places[third : len(places) - third])
    if step.heredocs:
        lines.insert(step.line, "true")
    else:
        lines[step.end_line - 1] += " && true" if step.keyword == "RUN" else "1"
    return project.with_text("\n".join(lines) + "\n")


def _can_be_changed(step: Instruction) -> bool:
    if step.keyword == "ARG":
        return step.args[-1].rpartition("=")[1] != ""
    return step.keyword == "ENV" or (step.keyword == "RUN" and not step.json)


def _add_instruction(project: RealProject, taken: list[str], chance: random.Random) -> RealProject | None:
    places = [step for step in _needed(project) if step.stage is not None]
    fresh = ["RUN echo added", "ENV ADDED=yes", "LABEL added=yes", "ARG ADDED=yes"]
    plain = [path for path in taken if re.fullmatch(r"[\w./-]+", path)]
    fresh += [f"COPY {chance.choice(plain)} /added"] if plain else []
    lines = project.text.splitlines()
    lines.insert(chance.choice(places).end_line, chance.choice(fresh))
    return project.with_text("\n".join(lines) + "\n")


def _give_argument(project: RealProject, _taken: list[str], chance: random.Random) -> RealProject | None:
    declared = sorted({name for step in _needed(project) if step.keyword == "ARG" for name in step.names})
    names = [name for name in declared if not _PLATFORM.fullmatch(name)]
    return replace(project, build_args={**project.build_args, chance.choice(names): "given"}) if names else None


def _renew_image(project: RealProject, _taken: list[str], chance: random.Random) -> RealProject | None:
    bases = stage_bases(read_dockerfile(project.text), build_args=project.build_args)
    images = sorted({base.image for base in bases if base.stage is None and base.image != SCRATCH})
    return replace(project, renewed=chance.choice(images)) if images else None


EDITS: Mapping[str, Callable[[RealProject, list[str], random.Random], RealProject | None]] = {
    "a source file": _edit_source,
    "a file of dependencies": _edit_dependencies,
    "a file that is not taken": _edit_unused,
    "an instruction changed": _change_instruction,
    "an instruction added": _add_instruction,
    "a build argument": _give_argument,
    "a base image": _renew_image,
}
"""What is edited, and how."""


def compared(project: RealProject, *, tally: Tally) -> Disagreement | None:
    """The first wrong forecast of a project that is wrong twice. Raises LeftOut when it cannot be built at all."""
    found = repeated_disagreement(_sequence_of(project), numbered_images(), tally=tally)
    if not tally.firsts:
        failure = (tally.failures or ["rejected"])[0]
        raise LeftOut(f"fails when it is built: {error_of(failure)}")
    return found


def error_of(output: str) -> str:
    """The error of a failed build, without what is different each time."""
    last = output.strip().rpartition("ERROR: ")[2].splitlines()
    return re.sub(r'[0-9a-z]{12,}(::[0-9a-z]+)?|"[^"]*"', "…", last[0]) if last else ""
