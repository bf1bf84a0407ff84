"""Decides which images stand under a build: as they are, extended by the host's certificates, stand-ins, or isolated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speedkit.dockerfile import external_bases, platform_of, read_dockerfile, requested_frontend, stage_bases, target_index
from speedkit.engine import (
    Engine,
    extended_names,
    has_image,
    inspect_image,
    is_dockers_frontend,
    isolated_base,
    isolated_name,
    name_on_hub,
    plain_base,
    ready_base,
    replaced_frontend,
    resolve_base,
)
from speedkit.errors import DockerfileError, NoBaseImage
from speedkit.messages import message

__all__ = [
    "SYNTAX_ARGUMENT",
    "BuildBases",
    "base_names",
    "bases_now",
    "build_bases",
    "frontend_replaced_now",
    "unfetched_frontend",
]

SCRATCH = "scratch"
SYNTAX_ARGUMENT = "BUILDKIT_SYNTAX"
"""The build arg that names a frontend for any Dockerfile."""
NOT_FOUND = ": not found"


@dataclass(frozen=True, slots=True)
class BuildBases:
    """The base images of one build.

    named_contexts: what buildx is told to take in place of an image. facts: what the recording keeps of each base.
    final: the base of the image that comes out. replaced_frontend: the frontend that the Dockerfile asks for, where no
    registry answers and the engine's own has to read it.
    """

    named_contexts: dict[str, str]
    facts: dict[str, dict[str, Any]]
    final: str
    replaced_frontend: str | None = None

    @property
    def final_layers(self) -> tuple[str, ...]:
        """The diffIDs of the layers that the image has from its base."""
        return tuple(self.facts.get(self.final, {}).get("layers", ()))


def build_bases(
    engine: Engine,
    dockerfile: str,
    *,
    build_args: Mapping[str, str],
    target: str | None,
    isolation: str | None,
    extend_ca: bool,
    is_wanted: Callable[[str], bool] = lambda _: True,
) -> BuildBases:
    """The bases for a Dockerfile's text; none for one that does not parse, which BuildKit then explains better.

    isolation: a token; equal tokens share a cache, a new one has nothing cached. is_wanted: whether an image is looked for; the
    others, and those that cannot be had, are left out.
    """
    references, final = _references(dockerfile, build_args, target)
    contexts: dict[str, str] = {}
    facts: dict[str, dict[str, Any]] = {}
    for reference in filter(is_wanted, references):
        try:
            base = resolve_base(engine, reference, extend_ca=extend_ca)
        except NoBaseImage:
            # BuildKit then fails at the line that names the image, and quotes it.
            continue
        used, described = base.used, base.described
        if isolation:
            used = isolated_base(engine, base.used, isolation, mark_certificates=reference != final)
            described = inspect_image(engine, used)
        facts[reference] = {"used": base.used, "stand_in": base.stand_in} | _facts(described)
        if used != reference:
            _check_stage_names(dockerfile, reference)
            contexts[reference] = f"docker-image://{used}"
    return BuildBases(contexts, facts, final, frontend_replaced_now(engine, dockerfile, build_args))


def base_names(dockerfile: str, build_args: Mapping[str, str], target: str | None) -> tuple[str, ...]:
    """The images that a build stands on, as the Dockerfile names them; none for a Dockerfile that does not parse."""
    return _references(dockerfile, build_args, target)[0]


def frontend_replaced_now(engine: Engine, dockerfile: str, build_args: Mapping[str, str]) -> str | None:
    """The frontend that the engine's own takes the place of, because no registry answers. Raises: EngineLost."""
    image = _frontend_asked_for(dockerfile, build_args)
    return image if image is not None and replaced_frontend(engine, image) else None


def unfetched_frontend(said: str, dockerfile: str, build_args: Mapping[str, str]) -> str | None:
    """The frontend for want of which a build failed, where the builder's own can take its place; None where it did not.

    said: BuildKit's last words. A registry that answers may refuse all the same, as many do that are asked too often, or
    something between here and there may. That there is no such image is an answer like any other.
    """
    image = _frontend_asked_for(dockerfile, build_args)
    if image is None or not is_dockers_frontend(image):
        return None
    refused = re.search(rf"failed to resolve source metadata for (?:docker\.io/)?{re.escape(image)}\S*: (?P<why>.*)", said)
    return image if refused is not None and NOT_FOUND not in refused["why"] else None


def _frontend_asked_for(dockerfile: str, build_args: Mapping[str, str]) -> str | None:
    """The frontend that is to read a Dockerfile. A build arg names one as well, and comes first."""
    in_file = requested_frontend(dockerfile)
    if in_file is not None and in_file.comment != "#":
        return None
    named = build_args.get(SYNTAX_ARGUMENT, "").strip().partition(" ")[0]
    return named or (in_file.image if in_file is not None else None)


def _check_stage_names(dockerfile: str, reference: str) -> None:
    """Raises NoBaseImage where BuildKit would take what stands for an image for a whole stage, because both have one name."""
    name = name_on_hub(reference).removesuffix(":latest")
    stage = next((stage for stage in read_dockerfile(dockerfile).stages if stage.named and stage.name == name), None)
    if stage is not None:
        raise NoBaseImage(
            message(
                "Dockerfile, line {line}: the stage {name} has the name of an image that another one takes the place "
                "of here (a stand-in, one with the host's certificates, or a cold one). BuildKit would take that for "
                "the stage.",
                line=stage.line,
                name=stage.name,
            ),
            fix=message("Give the stage another name."),
        )


def bases_now(
    engine: Engine,
    dockerfile: str,
    *,
    build_args: Mapping[str, str],
    target: str | None,
    isolation: str | None,
    before: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, Any]]:
    """The facts that the recording of a build made now would hold. Nothing is pulled or made.

    An image that the kit first has to make of one that is here has a layer that nothing was built on, unless it was made of
    the same one before: it then comes out the same. One that would have to be pulled is `gone`.
    before: the facts of the build before, which tell whether its images had to be extended by the host's certificates.
    """
    references, final = _references(dockerfile, build_args, target)
    facts: dict[str, dict[str, Any]] = {}
    for reference in references:
        unmade: tuple[str, ...] = ()
        used = ready_base(engine, reference)
        earlier = before.get(reference, {}).get("used")
        if used != earlier and earlier is not None and ready_base(engine, reference, extend_ca=True) == earlier:
            used = str(earlier)
        if used is None and (used := plain_base(engine, reference)) is not None:
            # The kit adds the certificates before the build, which makes another image of it: there is nothing to pull.
            unmade = ("certificates",)
        if not used:
            facts[reference] = {"gone": True}
            continue
        name = used
        if isolation:
            name = isolated_name(engine, used, isolation, mark_certificates=reference != final)
            if not has_image(engine, name):
                name, unmade = used, (*unmade, isolation)
        described = _facts(inspect_image(engine, name))
        if unmade and _is_made_again(engine, reference, described["layers"], before.get(reference, {})):
            facts[reference] = dict(before[reference])
            continue
        # Nothing was ever built on layers that the kit only makes for the build.
        facts[reference] = {"used": used} | described | {"layers": [*described["layers"], *unmade]}
    return facts


def _is_made_again(engine: Engine, reference: str, layers: Sequence[str], before: Mapping[str, Any]) -> bool:
    """Whether the image that the kit would make is the one that the build before stood on, though it was removed since.

    layers: of the image that it is made of. From equal input the kit makes equal layers (`derive_image`).
    """
    earlier = before.get("layers") or ()
    return before.get("used") in extended_names(engine, reference) and list(earlier[: len(layers)]) == list(layers)


def _facts(described: dict[str, Any]) -> dict[str, Any]:
    """What of an image decides the cache keys of steps built on it."""
    settings = described.get("Config") or {}
    return {
        "id": described["Id"],
        "layers": list(described.get("RootFS", {}).get("Layers") or ()),
        "environment": list(settings.get("Env") or ()),
        "workdir": settings.get("WorkingDir") or "",
        "user": settings.get("User") or "",
        "shell": list(settings.get("Shell") or ()),
        "on_build": list(settings.get("OnBuild") or ()),
        "platform": platform_of(described),
    }


def _references(dockerfile: str, build_args: Mapping[str, str], target: str | None) -> tuple[tuple[str, ...], str]:
    """The images a Dockerfile needs, and the one that the target grows from, through all the stages between."""
    try:
        parsed = read_dockerfile(dockerfile)
        references = external_bases(parsed, build_args=build_args, target=target)
        bases = stage_bases(parsed, build_args=build_args, target=target)
        found = bases[target_index(parsed, target)]
    except DockerfileError:
        return (), SCRATCH
    while found.stage is not None:
        found = bases[found.stage]
    return references, found.image
