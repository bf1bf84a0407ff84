"""Rust: cache mounts for the registry and for what cargo compiled.

Cargo decides by modification times whether a crate of the project is to be compiled again, and a file that git or a build
context brings may be older than the last build. So all sources are touched before: the project's own crates are compiled
each time, and only those. What other stages take is copied out of the mount, since nothing of a mount is in the stage.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from speedkit.dockerfile import normalized_path
from speedkit.messages import message

from ..build_plan import UNKNOWN, BuildPlan
from ..cache_mounts import CacheFolder, missing_folders, runs_again
from ..image_files import files_before
from ..independence import keeps_no_state
from ..rule import Change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from speedkit.dockerfile import DockerfileEditor, Instruction

    from ..shell_commands import Piece, ShellCommand

__all__ = ["GROUP", "change"]

GROUP = "caches"
_OTHER_WAYS = re.compile(r"cargo[ -]chef|sccache|cargo-auditable|cargo leptos|trunk build")
_ELSEWHERE = frozenset({"--manifest-path", "--target-dir", "-C", "--config"})
_SAFE_NAME = re.compile(r"[\w.-]+")
_TOUCHING = "-name '*.rs' -not -path './target/*' -exec touch {} +"


@dataclass(frozen=True, slots=True)
class _Build:
    """The RUNs of a stage that call cargo, those behind the last one that use its results, and the folder of its results."""

    warming: tuple[Instruction, ...]
    run: Instruction
    following: tuple[Instruction, ...]
    folder: str
    target: str


def change(plan: BuildPlan) -> Change | None:
    for stage in plan.stages if plan.takes_mounts else ():
        build = _build(plan, stage.index)
        if build is None or not runs_again(plan, build.run):
            continue
        editor = _edited(plan, stage.index, build)
        if editor is not None:
            because = message("With its caches in mounts, cargo compiles only the project's own crates again.")
            return Change.of_dockerfile(plan, editor, because)
    return None


def _build(plan: BuildPlan, stage: int) -> _Build | None:
    """The build of a stage; None where it is not certain that its results stay the same."""
    steps = plan.dockerfile.stages[stage].instructions
    runs = [step for step in steps if step.keyword == "RUN" and any(map(_is_build, plan.commands(step)))]
    if not runs or plan.is_final(stage) or any(_OTHER_WAYS.search(step.text) for step in plan.dockerfile.instructions):
        return None
    first_of_last = next((run for run in runs if not _copies_between(steps, run, runs[-1])), runs[-1])
    build_runs = [run for run in runs if run.line >= first_of_last.line]
    folder = _folder(plan, first_of_last)
    if (
        folder is None
        or any(_folder(plan, run) != folder for run in runs)
        or not all(_is_plain_build(plan, run) for run in runs)
    ):
        return None
    target = _target(plan, first_of_last, folder)
    if target is None:
        return None
    warming = tuple(run for run in runs if run.line < first_of_last.line)
    mentions = [step for step in steps if step.keyword == "RUN" and step not in warming and _mentions(plan, step, target)]
    # Between the first builds and the last ones, leftovers may be removed: under the mount there is nothing to do.
    early = [step for step in mentions if step.line < first_of_last.line]
    if not all(_removes_what_may_be_missing(plan, step) for step in early):
        return None
    last = max([*build_runs, *mentions], key=lambda step: step.line)
    following = tuple(step for step in steps if first_of_last.line < step.line <= last.line)
    if not all(_can_be_joined(plan, step) for step in (first_of_last, *following)) and following:
        return None
    return _Build(warming, first_of_last, following, folder, target)


def _copies_between(steps: Sequence[Instruction], first: Instruction, last: Instruction) -> bool:
    return any(first.line < step.line < last.line and step.keyword in ("COPY", "ADD") for step in steps)


def _is_build(command: ShellCommand) -> bool:
    if command.program != "cargo":
        return False
    return command.operands[:1] in (("build",), ("b",)) or (
        command.operands[:1] == ("install",) and "--path" in command.options
    )


def _is_plain_build(plan: BuildPlan, run: Instruction) -> bool:
    """Whether the builds of a RUN stand at the top of a chain of commands, and are none that compile incrementally.

    Code that was compiled incrementally may differ from code that was compiled at once.
    """
    text = plan.shell(run)
    if text is None or run.json or run.heredocs or not text.stops_at_failure or run.flags:
        return False
    builds = [command for command in text.commands if _is_build(command)]
    variables = plan.before(run).variables
    return not variables.get("RUSTC_WRAPPER") and all(
        not command.nested
        and not command.options & _ELSEWHERE
        and (command.operands[0] == "install" or bool(command.options & {"--release", "-r"}))
        and not any(
            assignment.startswith(("CARGO_TARGET_DIR", "CARGO_HOME", "RUSTC_WRAPPER")) for assignment in command.assignments
        )
        for command in builds
    )


def _folder(plan: BuildPlan, run: Instruction) -> str | None:
    """The folder in which a RUN calls cargo."""
    text = plan.shell(run)
    pieces = text.pieces if text is not None else ()
    first = next((place for place, piece in enumerate(pieces) if any(map(_is_build, piece.commands))), len(pieces))
    folder = plan.folder(run, first)
    return None if folder is None or UNKNOWN in folder else folder


def _target(plan: BuildPlan, run: Instruction, folder: str) -> str | None:
    """The folder of cargo's results; None where it is not certain, or where the project compiles incrementally."""
    files = files_before(plan, run)
    if files is None:
        return None
    manifest = _toml(files.text(posixpath.join(folder, "Cargo.toml")))
    if manifest is None or "incremental = true" in (files.text(posixpath.join(folder, "Cargo.toml")) or ""):
        return None
    parent = folder
    while parent != "/":
        if any(files.text(posixpath.join(parent, ".cargo", name)) for name in ("config", "config.toml")):
            settings = "".join(files.text(posixpath.join(parent, ".cargo", name)) or "" for name in ("config", "config.toml"))
            if re.search(r"target-dir|incremental|rustc-wrapper|build-dir", settings):
                return None
        parent = posixpath.dirname(parent)
        if posixpath.join(parent, "Cargo.toml") in files.paths:
            return None
    if any(".." in str(path) for path in _paths(manifest)):
        return None
    return posixpath.normpath(plan.before(run).variables.get("CARGO_TARGET_DIR") or posixpath.join(folder, "target"))


def _toml(text: str | None) -> dict[str, Any] | None:
    try:
        return None if text is None else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def _paths(manifest: dict[str, Any]) -> list[str]:
    """The folders of other crates that a manifest names."""
    paths: list[str] = []
    for name, section in manifest.items():
        if name.endswith("dependencies") and isinstance(section, dict):
            paths += [str(entry["path"]) for entry in section.values() if isinstance(entry, dict) and "path" in entry]
    return paths


def _mentions(plan: BuildPlan, run: Instruction, target: str) -> bool:
    """Whether a RUN names something in cargo's folder of results."""
    name = posixpath.basename(target)
    return re.search(rf"(?:^|[\s'\"=/]){re.escape(name)}(?:/|\s|$)", plan.editor().flat(run)) is not None


def _removes_what_may_be_missing(plan: BuildPlan, run: Instruction) -> bool:
    return all(command.program == "rm" and re.search(r"-\w*f", " ".join(command.words)) for command in plan.commands(run))


def _can_be_joined(plan: BuildPlan, step: Instruction) -> bool:
    if step.keyword != "RUN" or step.flags or step.json or step.heredocs:
        return False
    text = plan.shell(step)
    return text is not None and text.is_and_chain and bool(text.pieces) and all(map(keeps_no_state, text.pieces))


def _edited(plan: BuildPlan, stage: int, build: _Build) -> DockerfileEditor | None:
    names = _results(plan, stage, build)
    home = plan.home(build.run)
    # A user without rights cannot make a folder at the root.
    if names is None or home is None or (names and home[1]):
        return None
    folders = _folders(plan, build, home, names)
    if folders is None:
        return None
    out = "/out" if "/out" not in plan.dockerfile.source else "/cargo-out"
    editor = plan.editor()
    flags = [folder.flag for folder in folders]
    for run in build.warming:
        editor.replace_within(run, editor.with_flags(run, flags))

    margin = editor.indentation(build.run)
    line_break = f" {plan.dockerfile.escape}{editor.line_end}{margin}"
    source = editor.source_of(build.run)
    start, first_build = editor.arguments_start(build.run), _first_build(plan, build.run)
    # At the root of the file system, `-xdev` keeps out of /proc, where files come and go.
    top = ". -xdev" if build.folder == "/" else "."
    touch = f"find {top} {_TOUCHING}"
    joined = f";{line_break}" if first_build.before in (";", "\n") else f"{line_break}&& "
    body = f"{source[start : first_build.start]}{touch}{joined}{source[first_build.start :]}"
    for step in build.following:
        own, block = editor.source_of(step), editor.block(step)
        comment = block[: len(block) - len(own)]
        body += f" {plan.dockerfile.escape}{editor.line_end}{comment}{margin}&& {own[editor.arguments_start(step) :].lstrip()}"
        editor.remove(step, with_comments=True)
    if names:
        paths = [path.removeprefix(f"{build.folder.rstrip('/')}/") for path in names]
        body += f"{line_break}&& mkdir -p {out}{line_break}&& cp {' '.join(paths)} {out}/"
    editor.replace(build.run, f"{editor.keyword_of(build.run)} {line_break.join(flags)}{line_break}{body.lstrip()}")
    return editor if _take_from(plan, stage, build, editor, {path: f"{out}/{name}" for path, name in names.items()}) else None


def _results(plan: BuildPlan, stage: int, build: _Build) -> dict[str, str] | None:
    """What other stages take of cargo's results: the name of each file by its path; None when they take a whole folder."""
    names = {path: posixpath.basename(path) for _, _, path in plan.copies_from(stage, build.target)}
    # Beside the programs of a profile are only a few folders.
    result = re.compile(rf"{re.escape(build.target)}/(?:[\w.-]+/)?release/(?!(?:build|deps|examples|incremental|doc)$)[\w.-]+")
    if not all(map(result.fullmatch, names)):
        return None
    others = {path for path in plan.taken_from(stage) if _overlap(path, build.target)} - names.keys()
    return None if others or len(set(names.values())) < len(names) else names


def _take_from(plan: BuildPlan, stage: int, build: _Build, editor: DockerfileEditor, places: Mapping[str, str]) -> bool:
    """Edits the copies that take results. places: by their path in the mount, where they are then. False where it cannot."""
    for step in dict.fromkeys(step for step, _, _ in plan.copies_from(stage, build.target)):
        pieces = []
        flat = editor.flat(step)
        position = editor.arguments_start(step)
        for written in step.args[:-1]:
            path = normalized_path("/", plan.expand(written, step) or "")
            place = flat.find(written, position)
            if place < 0:
                return False
            position = place + len(written)
            if path in places:
                pieces.append((place, position, places[path]))
        editor.replace_within(step, pieces)
    return True


def _first_build(plan: BuildPlan, run: Instruction) -> Piece:
    text = plan.shell(run)
    return next(piece for piece in (text.pieces if text is not None else ()) if any(map(_is_build, piece.commands)))


def _overlap(path: str, folder: str) -> bool:
    start = f"{path.rstrip('/')}/"
    return start.startswith(f"{folder}/") or f"{folder}/".startswith(start)


def _folders(plan: BuildPlan, build: _Build, home: tuple[str, str], names: Mapping[str, str]) -> list[CacheFolder] | None:
    variables = plan.before(build.run).variables
    cargo_home = variables.get("CARGO_HOME") or f"{home[0]}/.cargo"
    files = files_before(plan, build.run)
    lock = (files.text(posixpath.join(build.folder, "Cargo.lock")) or "") if files is not None else ""
    manifest = (_toml(files.text(posixpath.join(build.folder, "Cargo.toml"))) or {}) if files is not None else {}
    registries = [CacheFolder(f"{cargo_home}/registry", number=home[1])]
    if "git+" in lock or "git =" in str(files.text(posixpath.join(build.folder, "Cargo.toml")) if files else ""):
        registries.append(CacheFolder(f"{cargo_home}/git", number=home[1]))
    usable = [folder for run in (build.run,) for folder in missing_folders(plan, run, registries)]
    # A workspace has no name; its programs have.
    name = str(manifest.get("package", {}).get("name") or next(iter(names.values()), posixpath.basename(build.folder)))
    if not _SAFE_NAME.fullmatch(name):
        return None
    # Other projects also have their results in `/app/target`.
    return [*usable, CacheFolder(build.target, name=f"{name}-target", locked=True, number=home[1])]
