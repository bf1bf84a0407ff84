"""Decides which images a build starts from: as they are, extended by the host's certificates, stand-ins, or isolated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from speedkit.dockerfile import (
    base_platforms,
    context_name,
    fits_platform,
    host_platform,
    image_platform,
    read_dockerfile,
    requested_frontend,
    stage_bases,
    target_index,
)
from speedkit.engine import (
    DOCKER_IMAGE,
    NO_OPTIONS,
    CommandOptions,
    Engine,
    extended_names,
    has_image,
    inspect_image,
    is_dockers_frontend,
    isolated_base,
    isolated_name,
    name_on_hub,
    plain_base,
    pull_image,
    ready_base,
    replaced_frontend,
    resolve_base,
)
from speedkit.errors import DockerfileError, NoBaseImage, SetupError
from speedkit.host_packages import make_stand_in_image
from speedkit.messages import message
from speedkit.stand_ins import stand_in_for

if TYPE_CHECKING:
    from .builder import BaseRequest

__all__ = [
    "SYNTAX_ARGUMENT",
    "BuildBases",
    "base_names",
    "bases_now",
    "build_bases",
    "frontend_replaced_now",
    "make_stand_ins",
    "unfetched_frontend",
]

SCRATCH = "scratch"
SYNTAX_ARGUMENT = "BUILDKIT_SYNTAX"
"""The build arg that names a frontend for any Dockerfile."""
NOT_FOUND = ": not found"


@dataclass(frozen=True, slots=True)
class BuildBases:
    """The base images of one build.

    named_contexts: what buildx takes in place of an image, by the name in the Dockerfile (`--build-context`). facts: what the
    recording keeps of each base. final: the base of the image that the build makes. replaced_frontend: the frontend that the
    Dockerfile asks for, where no registry answers and the engine's own frontend reads the Dockerfile.
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
    is_provided: Callable[[str], bool] = lambda _: True,
    options: CommandOptions = NO_OPTIONS,
) -> BuildBases:
    """The base images for a Dockerfile's text; none for a Dockerfile that does not parse, as BuildKit explains that better.

    isolation: a token; equal tokens share a cache, a new one has nothing cached. is_provided: whether the engine provides an
    image, by the image's own name. The other images, and those that cannot be had, are left out.
    Raises: NoBaseImage where the image in place of another one is for another platform than the build, or has a stage's name.
    """
    needed, final = _needed_images(dockerfile, build_args, target, options)
    contexts: dict[str, str] = {}
    facts: dict[str, dict[str, Any]] = {}
    for reference, image in needed.items():
        if not is_provided(image.name):
            continue
        try:
            base = resolve_base(engine, image.name, extend_ca=extend_ca)
        except NoBaseImage:
            if image.in_place:
                raise
            # BuildKit then fails at the line that names the image, and quotes it.
            continue
        used, described = base.used, base.described
        # An image as it is may lack a platform: BuildKit then asks the registry for that one.
        if used != image.name or isolation:
            _check_platform(image, described)
        if isolation:
            used = isolated_base(engine, base.used, isolation, mark_certificates=reference != final)
            described = inspect_image(engine, used)
        # `used` is the image before its isolation: a later build recognizes the base by it (`bases_now`).
        facts[reference] = {"used": base.used, "stand_in": base.stand_in, "made_of": base.contents} | _facts(described)
        if image.in_place:
            facts[reference]["replaced"] = True
        if image.of_user:
            contexts[context_name(reference)] = f"{DOCKER_IMAGE}{used}"
        elif used != reference:
            _check_stage_names(dockerfile, reference)
            contexts[reference] = f"{DOCKER_IMAGE}{used}"
    return BuildBases(contexts, facts, final, frontend_replaced_now(engine, dockerfile, build_args))


def make_stand_ins(engine: Engine, request: BaseRequest, say: Callable[[str], None]) -> None:
    """Get the base images that the engine lacks: from a registry, or as stand-ins where none answers.

    say: gets a line before each stand-in is made, and one for each that cannot be made. The build then fails at the line of the
    Dockerfile that names it.
    Raises: EngineError.
    """
    images, _ = _needed_images(request.dockerfile, request.build_args, request.target, request.options)
    for name in dict.fromkeys(image.name for image in images.values() if not image.of_user):
        stand_in = stand_in_for(name)
        if plain_base(engine, name) is not None or stand_in is None or pull_image(engine, name) is None:
            continue
        try:
            make_stand_in_image(engine, stand_in, say)
        except SetupError as problem:
            say(str(problem))


def plain_bases(
    engine: Engine, dockerfile: str, build_args: Mapping[str, str], target: str | None
) -> dict[str, dict[str, Any]]:
    """The facts of the base images that plain `docker build` starts from: those of the engine, as they are now."""
    needed, _ = _needed_images(dockerfile, build_args, target, NO_OPTIONS)
    return {
        reference: {"used": used} | _facts(inspect_image(engine, used))
        for reference, image in needed.items()
        if (used := plain_base(engine, image.name)) is not None
    }


def base_names(request: BaseRequest) -> tuple[str, ...]:
    """The base images of a build, as the Dockerfile names them; none for a Dockerfile that does not parse."""
    return tuple(_needed_images(request.dockerfile, request.build_args, request.target, request.options)[0])


def frontend_replaced_now(engine: Engine, dockerfile: str, build_args: Mapping[str, str]) -> str | None:
    """The frontend that a Dockerfile names, where the engine's own replaces it as no registry answers. Raises: EngineLost."""
    image = _requested_frontend(dockerfile, build_args)
    return image if image is not None and replaced_frontend(engine, image) else None


def unfetched_frontend(error_text: str, dockerfile: str, build_args: Mapping[str, str]) -> str | None:
    """The frontend that BuildKit could not fetch, where the builder's own can take its place; None for any other failure.

    error_text: the last lines of the failed build. A registry that answers may still refuse, for example after too many
    requests, and so may a proxy on the way. "Not found" does not count: the Dockerfile then names an image that does not exist.
    """
    image = _requested_frontend(dockerfile, build_args)
    if image is None or not is_dockers_frontend(image):
        return None
    refusal = re.search(
        rf"failed to resolve source metadata for (?:docker\.io/)?{re.escape(image)}\S*: (?P<reason>.*)", error_text
    )
    return image if refusal is not None and NOT_FOUND not in refusal["reason"] else None


def _requested_frontend(dockerfile: str, build_args: Mapping[str, str]) -> str | None:
    """The image of the frontend that has to read a Dockerfile. The build arg comes before the `# syntax=` line."""
    syntax_line = requested_frontend(dockerfile)
    # In a `// syntax=` line, or a JSON one, the file is in a language that only its own frontend reads.
    if syntax_line is not None and syntax_line.comment != "#":
        return None
    from_argument = build_args.get(SYNTAX_ARGUMENT, "").strip().partition(" ")[0]
    return from_argument or (syntax_line.image if syntax_line is not None else None)


def _check_stage_names(dockerfile: str, reference: str) -> None:
    """Raises NoBaseImage where a stage has the name of an image that is replaced: BuildKit would replace the whole stage."""
    name = name_on_hub(reference).removesuffix(":latest")
    stage = next((stage for stage in read_dockerfile(dockerfile).stages if stage.named and stage.name == name), None)
    if stage is not None:
        raise NoBaseImage(
            message(
                "Dockerfile, line {line}: the stage {name} has the name of an image that has to be replaced here (by a "
                "stand-in, one with the host's certificates, or a cold one). BuildKit would replace the stage as well.",
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
    options: CommandOptions = NO_OPTIONS,
) -> dict[str, dict[str, Any]]:
    """The facts that the recording of a build made now would hold. Nothing is pulled or made.

    Some images would first have to be made from a local one. Their last layer is new, so nothing is cached on it, unless the
    build before used an image that was made from the same one: from equal input, the kit makes equal layers. An image that
    would have to be pulled is `gone`.
    before: the facts of the build before, which show whether its images had to be extended by the host's certificates.
    """
    needed, final = _needed_images(dockerfile, build_args, target, options)
    facts: dict[str, dict[str, Any]] = {}
    for reference, image in needed.items():
        missing_layers: tuple[str, ...] = ()
        used = ready_base(engine, image.name)
        # The build before may have needed the host's certificates in this image. Then this build would end up with them, too.
        earlier = before.get(reference, {}).get("used")
        if used != earlier and earlier is not None and ready_base(engine, image.name, extend_ca=True) == earlier:
            used = str(earlier)
        if used is None and (used := plain_base(engine, image.name)) is not None:
            # The kit adds the certificates before the build, which makes another image: there is nothing to pull.
            missing_layers = ("certificates",)
        if not used:
            facts[reference] = {"gone": True}
            continue
        name = used
        if isolation:
            name = isolated_name(engine, used, isolation, mark_certificates=reference != final)
            if not has_image(engine, name):
                name, missing_layers = used, (*missing_layers, isolation)
        described = _facts(inspect_image(engine, name))
        if missing_layers and _is_made_again(engine, image.name, described["layers"], before.get(reference, {})):
            facts[reference] = dict(before[reference])
            continue
        # A name in place of a digest: it equals no layer of an earlier build, so everything on top of it is a miss.
        facts[reference] = {"used": used} | described | {"layers": [*described["layers"], *missing_layers]}
    return facts


def _is_made_again(engine: Engine, reference: str, layers: Sequence[str], before: Mapping[str, Any]) -> bool:
    """Whether the kit would make the image that the build before started from, which was removed since.

    layers: of the image that it is made from. From equal input the kit makes equal layers (`derive_image`).
    """
    earlier = before.get("layers") or ()
    return before.get("used") in extended_names(engine, reference) and list(earlier[: len(layers)]) == list(layers)


def _facts(described: dict[str, Any]) -> dict[str, Any]:
    """What decides the cache keys of the steps on an image (docs/buildkit-cache-rules.md, under FROM)."""
    settings = described.get("Config") or {}
    return {
        "id": described["Id"],
        "layers": list(described.get("RootFS", {}).get("Layers") or ()),
        "environment": list(settings.get("Env") or ()),
        "workdir": settings.get("WorkingDir") or "",
        "user": settings.get("User") or "",
        "shell": list(settings.get("Shell") or ()),
        "on_build": list(settings.get("OnBuild") or ()),
        "platform": image_platform(described),
    }


@dataclass(frozen=True, slots=True)
class _NeededImage:
    """An image that a build needs.

    name: its own, which is not that in the Dockerfile where the user names a build context or a base (`of_user`). platforms:
    those that it is needed for. in_place: the user named it with `--base`.
    """

    name: str
    platforms: frozenset[str]
    of_user: bool
    in_place: bool = False


def _needed_images(
    dockerfile: str, build_args: Mapping[str, str], target: str | None, options: CommandOptions
) -> tuple[dict[str, _NeededImage], str]:
    """The images that a build needs, by their names in the Dockerfile, and the name of the one that its target starts from.

    The names that the user gives a build context that is no image are left out.
    """
    contexts, images = options.named_contexts, options.images
    try:
        parsed = read_dockerfile(dockerfile)
        platforms = dict(
            base_platforms(
                parsed, build_args=build_args, target=target, platform=options.platform, replaced=options.named_contexts
            )
        )
        bases = stage_bases(parsed, build_args=build_args, target=target, platform=options.platform)
        final = target_index(parsed, target)
    except DockerfileError:
        return {}, SCRATCH
    # An image may take the place of a whole stage.
    stages = {stage.name: stage for stage in parsed.stages if stage.named and stage.name in images}
    for name, stage in stages.items():
        platforms[name] = frozenset({bases[stage.index].platform or options.platform or host_platform()})
    needed = {}
    for reference, of_platforms in platforms.items():
        name = context_name(reference)
        if (replacement := options.base_for(reference)) is not None:
            needed[reference] = _NeededImage(replacement, of_platforms, of_user=True, in_place=True)
        elif name in images:
            needed[reference] = _NeededImage(images[name], of_platforms, of_user=True)
        elif name not in contexts:
            needed[reference] = _NeededImage(reference, of_platforms, of_user=False)
    while (of_base := bases[final].stage) is not None and not (
        parsed.stages[final].named and parsed.stages[final].name in stages
    ):
        final = of_base
    stage = parsed.stages[final]
    return needed, stage.name if stage.named and stage.name in stages else bases[final].image


def _check_platform(image: _NeededImage, described: Mapping[str, Any]) -> None:
    """Raises NoBaseImage where the image that is made of a local one, or stands in for it, is for another platform."""
    here = image_platform(dict(described))
    missing = sorted(platform for platform in image.platforms if here and not fits_platform(here, platform))
    if missing:
        raise NoBaseImage(
            message(
                "The image that takes the place of {image} here (a stand-in, one with the host's certificates, or a cold one) "
                "is for {here}, and this build needs it for {platform}.",
                image=image.name,
                here=here,
                platform=missing[0],
            ),
            fix=message(
                "Build for {here}, or get the image of that platform first: `docker pull --platform {platform} {image}`.",
                here=here,
                platform=missing[0],
                image=image.name,
            ),
        )
