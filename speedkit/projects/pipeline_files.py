"""Finds the builds in files of other build services: skaffold.yaml, cloudbuild.yaml and Jenkinsfiles.

In: the text of such a file. Out: its builds, with the place in the file that a person would name: an image, a step, a stage.
A Jenkinsfile is a Groovy program; only the commands in its strings are read.
https://skaffold.dev/docs/references/yaml/, https://cloud.google.com/build/docs/build-config-file-schema,
https://www.jenkins.io/doc/book/pipeline/docker/
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .build_call import BuildCall
from .command_files import CommandBuild
from .docker_command import docker_calls
from .shell_words import ShellCommand, shell_commands
from .unresolved import ROOT, as_written, unresolved
from .yaml_documents import read_yaml

__all__ = ["cloud_builds", "jenkins_builds", "skaffold_builds"]

MOST_DOCUMENTS = 50
MOST_BUILDS = 500
DOCUMENT = re.compile(r"^---[ \t]*$", re.MULTILINE)
TEMPLATE = re.compile(r"\{\{.*?\}\}")
SUBSTITUTION = re.compile(r"\$\$|\$(?:\{(\w+)\}|(\w+))")
SHELLS = frozenset({"bash", "sh", "/bin/bash", "/bin/sh"})
STRING = r"(?P<{0}>'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\")"
LINE_COMMENT = re.compile(r"^[ \t]*//.*$", re.MULTILINE)
BLOCK_COMMENT = re.compile(r"^[ \t]*/\*", re.MULTILINE)
OPEN = r"\s{0,20}\(?\s{0,20}"
STAGE = re.compile(r"\bstage" + OPEN + STRING.format("name"), re.DOTALL)
FOLDER = re.compile(r"\bdir" + OPEN + STRING.format("folder") + r"\s{0,20}\)?\s{0,20}\{", re.DOTALL)
SHELL_STEP = re.compile(r"\bsh" + OPEN + r"(?:[\w ,:]{0,80}script\s{0,20}:\s{0,20})?" + STRING.format("script"), re.DOTALL)
IMAGE = r"(?:" + STRING.format("image") + r"|[^,'\")]{0,200})"
DOCKER_STEP = re.compile(
    r"\bdocker\.build" + OPEN + IMAGE + r"(?:\s{0,20},\s{0,20}" + STRING.format("options") + ")?", re.DOTALL
)


def skaffold_builds(text: str, path: str) -> Iterator[CommandBuild]:
    """The artifacts that are built from a Dockerfile. Raises: YamlRefused."""
    folder = posixpath.dirname(path) or "."
    for part in DOCUMENT.split(text)[:MOST_DOCUMENTS]:
        document = read_yaml(part)
        build = document.get("build") if isinstance(document, dict) else None
        for artifact in _list(build.get("artifacts") if isinstance(build, dict) else None)[:MOST_BUILDS]:
            if isinstance(artifact, dict) and (call := _skaffold_call(artifact, folder)) is not None:
                yield CommandBuild(str(artifact.get("image") or ""), call)


def _skaffold_call(artifact: Mapping[str, Any], folder: str) -> BuildCall | None:
    settings = next((artifact[name] for name in ("docker", "kaniko") if name in artifact), None)
    # Without the name of a builder, skaffold takes docker.
    if settings is None and set(artifact) & {"bazel", "jib", "buildpacks", "custom", "ko"}:
        return None
    settings = settings if isinstance(settings, dict) else {}
    arguments = settings.get("buildArgs")
    call = BuildCall(
        context=_filled(artifact.get("context") or "."),
        file=_filled(settings.get("dockerfile") or "Dockerfile"),
        folder=folder,
        file_in_context=True,
        target=_filled(settings["target"]) if settings.get("target") else None,
        build_args={str(name): _filled(value) for name, value in (arguments if isinstance(arguments, dict) else {}).items()},
        platforms=[str(one) for one in _list(artifact.get("platforms"))],
        network=str(settings["network"]) if settings.get("network") else None,
        add_hosts=[str(one) for one in _list(settings.get("addHost"))],
        without_cache=settings.get("noCache") == "true",
    )
    for required in _list(artifact.get("requires")):
        # The image of another artifact comes in as a build arg.
        if isinstance(required, dict) and (name := required.get("alias") or required.get("image")):
            call.build_args[str(name)] = unresolved(str(required.get("image")))
    return call


def _filled(value: object) -> str:
    """A value with skaffold's templates marked: only its run fills them."""
    return TEMPLATE.sub(lambda match: unresolved(match[0]), str(value))


def cloud_builds(document: Any) -> Iterator[CommandBuild]:
    """The builds of the steps of Google's Cloud Build, which begin in the repository's folder."""
    if not isinstance(document, dict):
        return
    substitutions = document.get("substitutions")
    values = {str(name): str(value) for name, value in substitutions.items()} if isinstance(substitutions, dict) else {}
    for number, step in enumerate(_list(document.get("steps"))[:MOST_BUILDS]):
        if not isinstance(step, dict):
            continue
        folder = _substituted(step.get("dir") or ".", values)
        words = [_substituted(word, values) for word in _list(step.get("args"))]
        image, entrypoint = str(step.get("name") or ""), str(step.get("entrypoint") or "")
        script = str(step["script"]) if step.get("script") else ""
        if entrypoint in SHELLS and len(words) > 1:
            script = words[-1]
        if script:
            commands = list(shell_commands(script, {"PWD": "."}, folder=folder))
        elif program := entrypoint or _program(image):
            commands = [ShellCommand([program, *words], folder)]
        else:
            continue
        place = str(step.get("id") or number)
        for command in commands:
            yield from (CommandBuild(place, call) for call in docker_calls(command))


def _program(image: str) -> str:
    """What the image of a step runs: the builders of Google are named after it."""
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    if "kaniko" in image:
        return "executor"
    return "docker" if name in ("docker", "buildx") else ""


def _substituted(word: object, values: Mapping[str, str]) -> str:
    """A word with the file's own substitutions; those of the service, such as `$COMMIT_SHA`, are marked."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return "$" if name is None else values.get(name, unresolved(match[0]))

    return SUBSTITUTION.sub(value, str(word))


def jenkins_builds(text: str) -> Iterator[CommandBuild]:
    """The builds of `sh` steps, and those of `docker.build`."""
    text = _without_comments(text)
    stages, folders = list(STAGE.finditer(text)), list(FOLDER.finditer(text))
    for match in sorted([*SHELL_STEP.finditer(text), *DOCKER_STEP.finditer(text)], key=re.Match.start)[:MOST_BUILDS]:
        names = [stage["name"] for stage in stages if stage.start() < match.start()]
        place = _unquoted(names[-1]) if names else ""
        folder = _folder(text, folders, match.start())
        if "script" in match.groupdict():
            script = _unquoted(match["script"])
        else:
            image, options = _unquoted(match["image"] or "''"), _unquoted(match["options"] or "'.'")
            script = " ".join(("docker", "build", "-t", image or "$image", options))
        for command in shell_commands(script, {"WORKSPACE": ROOT, "PWD": "."}, folder=folder):
            yield from (CommandBuild(as_written(place), call) for call in docker_calls(command))


def _without_comments(text: str) -> str:
    """A Groovy text without the comments that begin a line: elsewhere, `//` and `/*` are mostly parts of strings."""
    first, *others = BLOCK_COMMENT.split(text)
    return LINE_COMMENT.sub("", "".join([first, *(part.partition("*/")[2] for part in others)]))


def _folder(text: str, folders: Sequence[re.Match[str]], place: int) -> str:
    """The folder of the `dir('…') { … }` blocks around a place."""
    around = [
        _unquoted(match["folder"])
        for match in folders[:MOST_BUILDS]
        if match.end() <= place and text.count("{", match.end(), place) >= text.count("}", match.end(), place)
    ]
    return posixpath.normpath(posixpath.join(".", *around))


def _unquoted(string: str) -> str:
    quotes = 3 if string.startswith(("'''", '"""')) else 1
    return re.sub(r"\\([\\'\"$])", r"\1", string[quotes:-quotes])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
