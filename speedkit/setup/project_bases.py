"""The base images of a project: for each the real image, a stand-in, or the reason why there is none.

The project's folder is only read. An image is pulled where a registry hands it out. Otherwise a stand-in for it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from speedkit.budget import limit_bytes, limit_variable
from speedkit.dockerfile import SCRATCH, origins_of, read_dockerfile, stage_bases
from speedkit.engine import Engine, has_image, keep_stand_ins, pull_image, stand_in_image
from speedkit.errors import DockerfileError, EngineError, NoDockerfile, SetupError
from speedkit.host_packages import made_of, make_stand_in_image
from speedkit.messages import listed, message, plural
from speedkit.projects import open_project
from speedkit.regular_file import read_regular
from speedkit.stand_ins import official_name, stand_in_for
from speedkit.words import bytes_text

__all__ = ["ProjectBase", "get_project_bases"]

DOCKERFILE_BYTES = 1_000_000
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ProjectBase:
    """One base image of a project.

    reference: as Dockerfiles name it, with ARGs expanded. files: those Dockerfiles, relative to the project. used: the image
    that builds use for it; None for none. made_of: the contents of a stand-in, in a few words. asked: the programs and versions
    that the reference asks for. because: why there is no image.
    """

    reference: str
    files: tuple[str, ...]
    state: Literal["real", "replaced", "stand-in", "missing"]
    used: str | None
    made_of: str = ""
    asked: str = ""
    because: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "used": self.used,
            "stand_in": self.state == "stand-in",
            "replaced": self.state == "replaced",
            "made_of": self.made_of,
            "files": list(self.files),
            "because": self.because,
        }

    @property
    def is_other_version(self) -> bool:
        """Whether a stand-in lacks the version of a program that the reference asks for."""
        has = set(self.made_of.split(", "))
        return any(
            not any(program == one or program.startswith(f"{one}.") or " " not in one for program in has)
            for one in self.asked.split(", ")
            if one
        )

    @property
    def sentence(self) -> str:
        """The base image and its stand-in or replacement, for people."""
        if self.state == "real":
            return message("{reference}: the real image", reference=self.reference)
        if self.state == "replaced":
            return message("{reference}: replaced by {image}", reference=self.reference, image=self.used)
        if self.state == "stand-in":
            made = message("{reference}: a stand-in, made of {contents}", reference=self.reference, contents=self.made_of)
            if not self.is_other_version:
                return made
            return message("{made}; it asks for {versions}", made=made, versions=self.asked)
        return message(
            "{reference}: none. {because} Name another image with --base {reference}=IMAGE.",
            reference=self.reference,
            because=self.because,
        )


def get_project_bases(engine: Engine, path: Path, bases: Mapping[str, str], say: Say) -> list[ProjectBase]:
    """The base images of a project. Missing ones are pulled, or a stand-in for them is made.

    path: the project's folder, or one Dockerfile. bases: by the name of a base image, the image to use in its place.
    Raises: NotAFolder, NoDockerfile, EngineLost.
    """
    files_by_base = _files_by_base(path, say)
    absent = [
        reference
        for reference in files_by_base
        if reference not in bases and not has_image(engine, reference) and _made(engine, reference) is None
    ]
    if absent:
        say(message("Base images: pulling {names}", names=listed(absent)))
    with ThreadPoolExecutor(max(1, len(absent))) as pool:
        reasons = dict(zip(absent, pool.map(lambda reference: pull_image(engine, reference), absent), strict=True))
    project_bases = [
        _base(engine, reference, tuple(files), bases.get(reference), reasons.get(reference), say)
        for reference, files in files_by_base.items()
    ]
    needed = {name for one in project_bases if one.state == "stand-in" for name in _chain(one.reference)}
    if removed := keep_stand_ins(engine, limit_bytes("stand_ins"), needed).images:
        variable, size = limit_variable("stand_ins"), bytes_text(limit_bytes("stand_ins"))
        line = plural(
            "{count} stand-in that was not used for long is removed: all may take {size} ({variable})",
            "{count} stand-ins that were not used for long are removed: all may take {size} ({variable})",
            removed,
            size=size,
            variable=variable,
        )
        say(line)
    return project_bases


def _files_by_base(path: Path, say: Say) -> dict[str, list[str]]:
    """The base images of a project, each with the Dockerfiles that name it.

    path: the project's folder, or one Dockerfile. Raises: NotAFolder, NoDockerfile.
    """
    files_by_base: dict[str, list[str]] = {}
    if path.is_file():
        texts = {path.name: read_regular(path, at_most_bytes=DOCKERFILE_BYTES).decode("utf-8", errors="replace")}
    else:
        project = open_project(path)
        files = {way.name: way.file or way.found_in for way in project.ways}
        for reference, ways in project.base_references(project.ways).items():
            files_by_base[reference] = list(dict.fromkeys(files[way] for way in ways))
        texts = {files[way.name]: text for way in project.ways if (text := project.dockerfile_text(way)) is not None}
        if not texts:
            raise NoDockerfile(path / "Dockerfile")

    # The ways have their build args, but only the stages that their targets need. A later build may name any stage.
    for name, text in texts.items():
        try:
            references = _references_of_all_stages(text)
        except DockerfileError as problem:
            say(message("{file}: its base images cannot be read. {problem}", file=name, problem=problem.what))
            continue
        for reference in references:
            if name not in (files_of_base := files_by_base.setdefault(reference, [])):
                files_of_base.append(name)
    return files_by_base


def _chain(reference: str) -> Iterator[str]:
    """The names of the stand-in's image and of those below it."""
    stand_in = stand_in_for(reference)
    while stand_in is not None:
        yield stand_in_image(stand_in)
        stand_in = stand_in.base


def _made(engine: Engine, reference: str) -> str | None:
    stand_in = stand_in_for(reference)
    return made_of(engine, stand_in) if stand_in is not None else None


def _base(
    engine: Engine, reference: str, files: tuple[str, ...], replacement: str | None, reason: str | None, say: Say
) -> ProjectBase:
    """A base image that is here, or could not be pulled for a reason."""
    if replacement is not None:
        if has_image(engine, replacement):
            return ProjectBase(reference, files, "replaced", replacement)
        because = message("The engine has no image {name!r}.", name=replacement)
        return ProjectBase(reference, files, "missing", None, because=because)
    if has_image(engine, reference):
        return ProjectBase(reference, files, "real", reference)
    stand_in = stand_in_for(reference)
    if stand_in is None:
        because = _no_stand_in(reference, reason)
        return ProjectBase(reference, files, "missing", None, because=because)
    try:
        contents = make_stand_in_image(engine, stand_in, say)
    except (SetupError, EngineError) as problem:
        # On one line: the sentence of the problem, and the last line of the program that it quotes.
        lines = problem.what.strip().splitlines()
        because = " ".join(dict.fromkeys([lines[0], lines[-1]]))
        return ProjectBase(reference, files, "missing", None, asked=stand_in.asked, because=because)
    return ProjectBase(reference, files, "stand-in", stand_in_image(stand_in), contents, stand_in.asked)


def _no_stand_in(reference: str, reason: str | None) -> str:
    name, tag = official_name(reference)
    if tag and stand_in_for(name) is not None:
        sentence = message("There is a stand-in for {name}, but not of the flavour {tag}", name=name, tag=tag)
    else:
        sentence = message("There is no stand-in for it")
    return message(
        "{sentence}, and no registry handed it out ({reason}).", sentence=sentence, reason=(reason or "").strip().rstrip(".")
    )


def _references_of_all_stages(text: str) -> tuple[str, ...]:
    """The base images of all stages of a Dockerfile. Raises: DockerfileError."""
    dockerfile = read_dockerfile(text)
    images = [base.image for base in stage_bases(dockerfile) if base.stage is None]
    instructions = [instruction for stage in dockerfile.stages for instruction in stage.instructions]
    images += [origin.image for one in instructions for origin in origins_of(dockerfile, one) if origin.stage is None]
    return tuple(dict.fromkeys(image for image in images if image != SCRATCH))
