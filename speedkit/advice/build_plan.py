"""What the instructions of a Dockerfile do, as far as that is certain without a build: which files of the context they copy and
where to, in which folder and as which user a RUN runs, and which paths of a stage reach the image that is built.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from speedkit.context import PathPattern
from speedkit.dockerfile import (
    DockerfileEditor,
    Linting,
    StageEnvironment,
    global_environment,
    host_platform,
    mounts_of,
    needed_stages,
    normalized_path,
    origins_of,
    read_dockerfile,
    stage_bases,
    target_index,
)

from .shell_commands import Piece, ShellCommand, ShellText, read_shell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from speedkit.dockerfile import Instruction, Stage

    from .image_files import ImageFiles
    from .project_view import ProjectView

__all__ = ["UNKNOWN", "BuildPlan", "Setting", "image_name"]

UNKNOWN = "\ufffd"
"""A folder's name in paths below a working directory that only the base image knows."""
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")
_WILDCARD = re.compile(r"[*?\[\\]")
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class _Settings:
    """The settings of a base image, as `StageEnvironment` reads them."""

    environment: tuple[str, ...] = (_PATH,)
    workdir: str = "/"
    user: str = ""
    shell: tuple[str, ...] = ()
    configuration: str = ""


# Official images. What is not here may have any working directory.
_IMAGES: Mapping[str, _Settings] = {
    "golang": _Settings((_PATH, "GOPATH=/go"), "/go"),
    "rust": _Settings((_PATH, "CARGO_HOME=/usr/local/cargo", "RUSTUP_HOME=/usr/local/rustup")),
    "gradle": _Settings(workdir="/home/gradle"),
    **dict.fromkeys(
        (
            "node",
            "python",
            "maven",
            "eclipse-temurin",
            "openjdk",
            "amazoncorretto",
            "debian",
            "ubuntu",
            "alpine",
            "ruby",
            "php",
        ),
        _Settings(),
    ),
    "bun": _Settings(workdir="/home/bun/app"),
}
_FOLDERS = frozenset(
    ("/tmp", "/opt", "/srv", "/home", "/root", "/etc", "/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/var/tmp", "/usr/local")  # noqa: S108
)
"""Folders that base images have."""
_HOMES = {"node": ("node", "/home/node", "1000"), "gradle": ("gradle", "/home/gradle", "1000")}
"""By image: its user without rights, with home and number."""


def image_name(image: str) -> str:
    """The last part of an image's name: `golang` for `docker.io/library/golang:1.26@sha256:…`."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


@dataclass(frozen=True, slots=True)
class Setting:
    """The environment before an instruction. workdir: below `UNKNOWN` when the base image decides it. user: "" for its own."""

    workdir: str
    user: str
    variables: Mapping[str, str]
    has_usual_shell: bool


class BuildPlan:
    """A Dockerfile of a project, read once. Raises DockerfileError where BuildKit refuses the Dockerfile."""

    def __init__(self, view: ProjectView) -> None:
        self.view = view
        self.dockerfile = read_dockerfile(view.dockerfile)
        arguments = dict(view.build_args)
        self._bases = stage_bases(self.dockerfile, build_args=arguments, target=view.target)
        self._needed = needed_stages(self.dockerfile, build_args=arguments, target=view.target)
        self._target = target_index(self.dockerfile, view.target)
        self._global = global_environment(self.dockerfile, build_args=arguments, target=view.target, platform=host_platform())
        self._linting = Linting(self.dockerfile, arguments, finds_warnings=True)
        self._settings: dict[int, Setting] = {}
        self._ends: dict[int, StageEnvironment] = {}
        for stage in self.dockerfile.stages:
            self._follow(stage)
        self._texts: dict[int, ShellText] = {}
        self._copied: dict[int, dict[str, str] | None] = {}
        self.files_before: dict[int, ImageFiles | None] = {}
        """Kept by `image_files.files_before`, by line."""

    def editor(self) -> DockerfileEditor:
        return DockerfileEditor(self.dockerfile)

    @cached_property
    def findings(self) -> Counter[str]:
        """How many findings of each of its rules BuildKit's linter has."""
        return Counter(finding.rule for finding in self._linting.findings(self._global, None))

    @property
    def takes_mounts(self) -> bool:
        """Whether the frontend knows cache mounts: those of `docker/dockerfile` before 1.2 do not."""
        return re.fullmatch(r"(?:docker\.io/)?docker/dockerfile:1\.[01](?:\.\d+)?", self.dockerfile.syntax or "") is None

    @property
    def is_usual(self) -> bool:
        """Whether rules understand the Dockerfile: those for Windows have another escape, and ONBUILD runs steps elsewhere.

        ONBUILD of the image itself is a setting: it runs in the builds of others.
        """
        inherited = {index for stage in self.stages for index in self.base_chain(stage.index)[:-1]}
        triggers = any(step.keyword == "ONBUILD" for index in inherited for step in self.dockerfile.stages[index].instructions)
        return self.dockerfile.escape == "\\" and not triggers

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that the build needs, in order."""
        return tuple(stage for stage in self.dockerfile.stages if stage.index in self._needed)

    def instructions(self, *keywords: str) -> Iterator[Instruction]:
        """The instructions of needed stages with one of these keywords, in order."""
        for stage in self.stages:
            yield from (step for step in stage.instructions if step.keyword in keywords)

    def image(self, stage: int | None) -> str:
        """The image that a stage starts from, through other stages, with ARGs expanded."""
        index = stage or 0
        for _ in self.dockerfile.stages:
            base = self._bases[index]
            if base.stage is None:
                return base.image
            index = base.stage
        return ""

    def base_chain(self, stage: int) -> tuple[int, ...]:
        """The stage, and the stages that it starts from, the lowest one first."""
        chain = [stage]
        while (base := self._bases[chain[0]].stage) is not None:
            chain.insert(0, base)
        return tuple(chain)

    def before(self, instruction: Instruction) -> Setting:
        return self._settings[instruction.line]

    def home(self, run: Instruction) -> tuple[str, str] | None:
        """The home of a RUN's user, and its number ("" for root); None when it is not known."""
        setting = self.before(run)
        if setting.user in ("", "root", "0", "root:root", "0:0"):
            return setting.variables.get("HOME", "/root"), ""
        user = _HOMES.get(image_name(self.image(run.stage)))
        if user is not None and setting.user.partition(":")[0] in (user[0], user[2]):
            return setting.variables.get("HOME", user[1]), user[2]
        return None

    def expand(self, word: str, instruction: Instruction) -> str | None:
        """A word with its variables; None when one of them is not known."""
        variables = self.before(instruction).variables
        if any(name not in variables for name in _VARIABLE.findall(word)):
            return None
        environment = StageEnvironment(dict(variables))
        return environment.expand(word, instruction, self.dockerfile.escape)

    def shell(self, run: Instruction) -> ShellText | None:
        """The commands of a RUN, with places in its `flat` text; None for another shell than `sh`."""
        if not self.before(run).has_usual_shell:
            return None
        if run.line not in self._texts:
            if run.json:
                command = ShellCommand(run.args, (), 0, 0)
                self._texts[run.line] = read_shell("") if not run.args else ShellText((_only(command),))
            elif run.heredocs:
                body = "\n".join(heredoc.body for heredoc in run.heredocs)
                self._texts[run.line] = read_shell(f"{run.args[0] if run.args else ''}\n{body}")
            else:
                editor = self.editor()
                self._texts[run.line] = read_shell(editor.flat(run), start=editor.arguments_start(run))
        return self._texts[run.line]

    def folder(self, run: Instruction, place: int) -> str | None:
        """The working directory of a piece of a RUN, behind each `cd` before it; None when that is not certain."""
        text = self.shell(run)
        folder = self.before(run).workdir
        for piece in text.pieces[:place] if text is not None else ():
            if any(command.program in ("cd", "pushd", "popd") for command in piece.commands):
                command = piece.command
                if command is None or len(command.words) != 2 or "$" in command.words[1] or command.program != "cd":
                    return None
                folder = normalized_path(folder, command.words[1])
        return posixpath.normpath(folder)

    def commands(self, run: Instruction) -> tuple[ShellCommand, ...]:
        text = self.shell(run)
        return text.commands if text is not None else ()

    def destination(self, copy: Instruction) -> str | None:
        """Where a COPY or ADD writes, as an absolute path; with a slash at its end when that is surely a folder."""
        word = self.expand(copy.args[-1], copy)
        if word is None:
            return None
        workdir = self.before(copy).workdir
        path = normalized_path(workdir, word)
        is_folder = len(copy.args) > 2 or word.endswith(("/", "/.")) or word in (".", "..", "")
        # A folder that is there takes the file; without that folder, the file gets its name.
        is_folder = is_folder or path in _FOLDERS or f"{workdir.rstrip('/')}/".startswith(f"{path.rstrip('/')}/")
        return f"{path.rstrip('/')}/" if is_folder else path

    def copied(self, copy: Instruction) -> dict[str, str] | None:
        """The files of the context that a COPY or ADD takes, each with its path in the image; None when that is not certain."""
        if copy.line not in self._copied:
            self._copied[copy.line] = self._copied_files(copy)
        return self._copied[copy.line]

    def _copied_files(self, copy: Instruction) -> dict[str, str] | None:
        destination = self.destination(copy)
        if destination is None or copy.flag("from") is not None or copy.heredocs or copy.flag("exclude") is not None:
            return None
        if copy.flag("parents") is not None:
            return None
        files: dict[str, str] = {}
        for written in copy.args[:-1]:
            source = self.expand(written, copy)
            if source is None or "://" in source or source.startswith("git@"):
                return None
            for path, target in self._files_of(source, destination):
                if copy.keyword == "ADD" and re.search(r"\.(?:tar|tgz|gz|bz2|xz|zst|txz|tbz2)$", path):
                    return None
                files[path] = target
        return files

    def written(self, copy: Instruction) -> frozenset[str] | None:
        """The paths that a COPY or ADD writes; None when that is not certain.

        For a copy from a stage, these are its destination and `UNKNOWN` in it: what is there, only a build tells.
        """
        if copy.flag("from") is None:
            files = self.copied(copy)
            return None if files is None else frozenset(files.values())
        destination = self.destination(copy)
        if destination is None:
            return None
        inside = f"{destination.rstrip('/')}/{UNKNOWN}"
        return frozenset((inside,)) if destination.endswith("/") else frozenset((destination, inside))

    def changes(self, stage: int) -> bool:
        """Whether a commit of the history changed a file that a stage is made from; without a history, that is certain."""
        if not self.view.commits:
            return True
        return any(
            self.copy_changes(step)
            for index in self.base_chain(stage)
            for step in self.dockerfile.stages[index].instructions
            if step.keyword in ("COPY", "ADD") or (step.keyword == "RUN" and mounts_of(step))
        )

    def copy_changes(self, step: Instruction) -> bool:
        """Whether what a step takes from the context, or from other stages, was changed by a commit of the history."""
        origins = [origin.stage for origin in origins_of(self.dockerfile, step) if origin.stage is not None]
        # Stages that copy from each other are in order, so this ends.
        if any(origin < (step.stage or 0) and self.changes(origin) for origin in origins):
            return True
        if step.keyword == "RUN":
            return any(mount.kind == "bind" and not mount.origin for mount in mounts_of(step))
        if step.flag("from") is not None:
            return False
        files = self.copied(step)
        return files is None or not self.view.commits or any(map(self.view.changes_of, files))

    def _files_of(self, source: str, destination: str) -> Iterator[tuple[str, str]]:
        entries = self.view.sent.entries
        plain = normalized_path("/", source)[1:]
        if _WILDCARD.search(plain):
            pattern = PathPattern(plain)
            tops = [entry for entry in entries if pattern.fits(entry.path)]
        else:
            tops = [entry for entry in entries if entry.path == plain]
            if plain == "":
                for entry in entries:
                    if entry.kind != "dir":
                        yield entry.path, posixpath.join(destination, entry.path)
                return
        folder = destination.endswith("/") or len(tops) > 1
        for top in tops:
            if top.kind != "dir":
                yield top.path, posixpath.join(destination, posixpath.basename(top.path)) if folder else destination
                continue
            for entry in entries:
                if entry.kind != "dir" and entry.path.startswith(f"{top.path}/"):
                    yield entry.path, posixpath.join(destination, entry.path[len(top.path) + 1 :])

    @cached_property
    def _exposed(self) -> dict[int, set[str]]:
        """By stage, the paths that other stages and the image take from it; "/" is all."""
        exposed: dict[int, set[str]] = {stage.index: set() for stage in self.dockerfile.stages}
        exposed[self._target].add("/")
        for stage in self.stages:
            for step in stage.instructions:
                for origin, path in self._taken(step):
                    exposed[origin].add(path)
        for _ in self.dockerfile.stages:
            for stage in self.stages:
                base = self._bases[stage.index].stage
                if base is not None:
                    exposed[base] |= exposed[stage.index]
        return exposed

    def _taken(self, step: Instruction) -> Iterator[tuple[int, str]]:
        if step.keyword == "ONBUILD":
            return
        origins = origins_of(self.dockerfile, step)
        if step.keyword in ("COPY", "ADD") and origins and origins[0].stage is not None:
            for written in step.args[:-1]:
                source = self.expand(written, step)
                yield origins[0].stage, "/" if source is None else normalized_path("/", source)
        if step.keyword == "RUN":
            mounts = [mount for mount in mounts_of(step) if mount.origin]
            for mount, origin in zip(mounts, origins, strict=False):
                if origin.stage is not None:
                    source = self.expand(mount.source or "/", step)
                    yield origin.stage, "/" if source is None else normalized_path("/", source)

    def leaves(self, stage: int | None, path: str) -> bool:
        """Whether a path of a stage, or something in it, is part of another stage or of the image."""
        parts = path.strip("/").split("/")
        for exposed in self._exposed[stage or 0]:
            patterns = exposed.strip("/").split("/") if exposed != "/" else []
            # One is in the other when they agree as far as the shorter one goes.
            if all(pattern == part or PathPattern(pattern).fits(part) for pattern, part in zip(patterns, parts, strict=False)):
                return True
        return False

    def taken_from(self, stage: int | None) -> frozenset[str]:
        """The paths of a stage that other stages and the image take; "/" is all. They may have wildcards."""
        return frozenset(self._exposed[stage or 0])

    def copies_from(self, stage: int, folder: str) -> list[tuple[Instruction, int, str]]:
        """The words of COPY instructions of any stage that take something in a folder of a stage, or the folder itself.

        Each with its place among the arguments, and its path in the stage; "" for a path that is not known.
        """
        copies = []
        for step in self.dockerfile.instructions:
            if step.keyword != "COPY" or step.stage is None:
                continue
            origins = origins_of(self.dockerfile, step)
            if not origins or origins[0].stage != stage:
                continue
            for place, written in enumerate(step.args[:-1]):
                source = self.expand(written, step)
                path = "" if source is None else normalized_path("/", source)
                if not path or f"{path.rstrip('/')}/".startswith(f"{folder}/"):
                    copies.append((step, place, path))
        return copies

    def is_final(self, stage: int | None) -> bool:
        """Whether the whole file system of a stage is in the image."""
        return "/" in self._exposed[stage or 0]

    def writes_at(self, stage: int, path: str) -> bool:
        """Whether a COPY or ADD of a stage, or of those that it starts from, writes at a path or below it."""
        for index in self.base_chain(stage):
            for step in self.dockerfile.stages[index].instructions:
                if step.keyword in ("COPY", "ADD"):
                    destination = self.destination(step)
                    if destination is None or f"{destination.rstrip('/')}/".startswith(f"{path}/"):
                        return True
        return False

    def _follow(self, stage: Stage) -> None:
        base = self._bases[stage.index]
        self._linting.open_stage(stage.index, base=base.stage)
        if base.stage is not None:
            environment = self._ends[base.stage].inherited()
        elif base.image == "scratch":
            environment = StageEnvironment.from_image(None)
        else:
            name = image_name(base.image)
            settings = _IMAGES.get(name) or _Settings(workdir=f"/{UNKNOWN}")
            environment = StageEnvironment.from_image(settings)
            # Every image has variables that are not known here.
            environment.unknown_base = base.image
        for step in stage.instructions:
            self._settings[step.line] = Setting(
                environment.workdir,
                environment.user,
                dict(environment.variables),
                environment.shell[0].rpartition("/")[2] in ("sh", "bash", "ash", "dash") if environment.shell else False,
            )
            if step.keyword != "ONBUILD":
                self._linting.check(step, environment)
                environment.apply(
                    step, escape=self.dockerfile.escape, build_args=self.view.build_args, global_args=self._global
                )
        self._ends[stage.index] = environment


def _only(command: ShellCommand) -> Piece:
    return Piece("", 0, 0, (command,))
