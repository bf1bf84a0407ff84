"""Puts the installation of dependencies above the copy of the sources, with only the files copied before it that it reads.

The same does for a command that reads none of the project's files.

    COPY . .                        COPY package.json package-lock.json ./
    RUN npm ci && npm run build     RUN npm ci
                                    COPY . .
                                    RUN npm run build

The later copy writes all files again, so the stage ends with the same ones.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .independence import is_independent, keeps_no_state

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from speedkit.dockerfile import DockerfileEditor, Instruction

    from .build_plan import BuildPlan
    from .shell_commands import Piece, ShellText

__all__ = ["Installation", "install_first"]

_SAFE_NAME = re.compile(r"[\w@.+/-]+")
_MOST_COPIES = 30
_PASSED = frozenset(
    {"ENV", "ARG", "LABEL", "EXPOSE", "WORKDIR", "USER", "SHELL", "CMD", "ENTRYPOINT", "STOPSIGNAL", "MAINTAINER"}
)


@dataclass(frozen=True, slots=True)
class Installation:
    """The command of a RUN that installs dependencies.

    place: of its piece in the RUN's text. reads: the paths in the image that it reads. first: the command to run before the
    sources are copied, when the original one has to run behind them as well; "" when the original one moves. is_alone: `first`
    needs nothing of what the RUN does before, and the RUN stays as it is.
    """

    run: Instruction
    place: int
    reads: tuple[str, ...]
    first: str = ""
    is_alone: bool = False


@dataclass(slots=True)
class _Moves:
    """What happens to the copies above the RUN.

    copies: those that move below it. narrowed: by line of such a copy, the copies that stay in its place. moved, kept: the
    paths in the image that copies write which move, and which stay.
    """

    copies: list[Instruction] = field(default_factory=list)
    narrowed: dict[int, list[str]] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)


class _CannotMove(Exception):
    """It is not certain that the result stays the same."""


def install_first(plan: BuildPlan, installation: Installation) -> DockerfileEditor | None:
    """The edited Dockerfile; None where nothing is gained, or where it is not certain that the result stays the same."""
    run = installation.run
    text = plan.shell(run)
    if text is None or run.json or run.heredocs:
        return None
    moves = _moves(plan, installation)
    if moves is None or not moves.copies or not _is_worth_it(plan, moves, installation):
        return None
    head_end = installation.place if installation.is_alone else _head(plan, text, installation, moves)
    if head_end is None:
        return None

    editor = plan.editor()
    flat, source = editor.flat(run), editor.source_of(run)
    head_stop = text.pieces[head_end].end
    tail_start = text.pieces[head_end + 1].start if head_end + 1 < len(text.pieces) else None
    prefix = source[: editor.arguments_start(run)]
    copies = [editor.block(copy) for copy in moves.copies]
    for copy in moves.copies:
        if copy.line in moves.narrowed:
            editor.replace(copy, editor.line_end.join(moves.narrowed[copy.line]), with_comments=True)
        else:
            editor.remove(copy, with_comments=True)

    piece = text.pieces[installation.place]
    if installation.is_alone:
        head = f"{editor.keyword_of(run)} {_settings(text, installation.place, flat)}{installation.first}"
        tail_start = editor.arguments_start(run)
    elif installation.first:
        head = source[: piece.start] + installation.first + source[piece.end : head_stop]
        tail_start = piece.start
    else:
        head = source[:head_stop]
    if not installation.reads and not installation.is_alone:
        programs = {command.program for piece in text.pieces[: head_end + 1] for command in piece.commands}
        head = _without_needless_caches(prefix, programs) + head[len(prefix) :]
    parts = [head, *copies]
    if tail_start is not None:
        # The author's indentation below the command still fits, and so do the RUN's flags.
        state = "" if installation.is_alone else _settings(text, installation.place, flat)
        parts.append(prefix + state + source[tail_start:])
    editor.replace(run, editor.line_end.join(parts))
    return editor


def _moves(plan: BuildPlan, installation: Installation) -> _Moves | None:
    """The copies of the RUN's stage to move below it; None where it is not certain that the result stays the same."""
    run = installation.run
    steps = [step for step in plan.dockerfile.stages[run.stage or 0].instructions if step.line < run.line]
    moves = _Moves()
    try:
        for step in steps:
            if step.keyword in ("COPY", "ADD"):
                _sort_copy(plan, step, installation, moves)
            elif moves.copies and not _may_stay(plan, step, moves):
                return None
    except _CannotMove:
        return None
    return moves if _all_stay(plan, steps, moves, set(installation.reads)) else None


def _sort_copy(plan: BuildPlan, step: Instruction, installation: Installation, moves: _Moves) -> None:
    """Puts a copy among those that move, or leaves it where it is. Raises _CannotMove."""
    is_from_stage = step.flag("from") is not None
    if is_from_stage and not installation.reads and plan.copy_changes(step):
        written = plan.written(step)
        if written is None or not _can_move(plan, step, installation.run, makes_folder=True):
            raise _CannotMove
        moves.copies.append(step)
        moves.moved |= written
        return
    files = plan.copied(step) if not is_from_stage else None
    if files is None:
        destination = plan.destination(step)
        if moves.copies and (step.flag("from") is None or destination is None or _touches(destination, moves.moved)):
            raise _CannotMove
        return
    needed = {source: target for target in installation.reads for source in files if files[source] == target}
    stays = len(needed) == len(files) or _is_quiet(plan, files.keys() - needed.keys())
    if stays and (needed or not moves.moved):
        # It stays above the copies that move, so it must not have written over them.
        moves.kept |= set(files.values())
        if moves.moved & moves.kept:
            raise _CannotMove
        return
    narrowed = _narrow(plan, step, needed) if needed else []
    if narrowed is None or not _can_move(plan, step, installation.run, makes_folder=not narrowed):
        raise _CannotMove
    moves.copies.append(step)
    moves.moved |= set(files.values())
    if narrowed:
        moves.narrowed[step.line] = narrowed


def _may_stay(plan: BuildPlan, step: Instruction, moves: _Moves) -> bool:
    """Whether an instruction between the copies and the RUN does not care about what moves."""
    if step.keyword != "RUN":
        return step.keyword in _PASSED
    text = plan.shell(step)
    workdir = plan.before(step).workdir
    if text is None or step.json:
        return False
    return all(is_independent(command, workdir=workdir, copied=moves.moved) for command in text.commands)


def _is_quiet(plan: BuildPlan, files: Collection[str]) -> bool:
    """Whether almost no commit changes any of these files: moving them would save nothing."""
    return plan.view.commits > 0 and sum(map(plan.view.changes_of, files)) * 50 <= plan.view.commits


def _all_stay(plan: BuildPlan, steps: Sequence[Instruction], moves: _Moves, reads: Collection[str]) -> bool:
    """Whether each file that is read is written before the RUN by the copy whose version is the last one."""
    by_target: dict[str, list[tuple[str, bool]]] = {}
    for step in steps:
        if step.keyword in ("COPY", "ADD") and step.flag("from") is None:
            for source, target in (plan.copied(step) or {}).items():
                if target in reads:
                    by_target.setdefault(target, []).append((source, step in moves.copies))
    return all(len({source for source, _ in versions}) == 1 for versions in by_target.values())


def _can_move(plan: BuildPlan, copy: Instruction, run: Instruction, *, makes_folder: bool) -> bool:
    """Whether a copy means the same below the RUN. makes_folder: no other copy makes its folder before that."""
    before, after = plan.before(copy), plan.before(run)
    # A folder belongs to whoever makes it: `COPY --chown` its own one, WORKDIR root.
    if makes_folder and before.workdir != after.workdir and any(flag.startswith(("--chown", "--chmod")) for flag in copy.flags):
        return False
    destination = plan.expand(copy.args[-1], copy) or ""
    if not destination.startswith("/") and before.workdir != after.workdir:
        return False
    words = " ".join((*copy.flags, *copy.args))
    return "$" not in words or before.variables == after.variables


def _touches(path: str, files: Collection[str]) -> bool:
    folder = f"{path.rstrip('/')}/"
    return any(file.startswith(folder) or folder.startswith(f"{file}/") for file in files)


def _narrow(plan: BuildPlan, copy: Instruction, needed: dict[str, str]) -> list[str] | None:
    """Copies of single files, in the author's way of writing; None for names that need quotes."""
    editor = plan.editor()
    setting = plan.before(copy)
    keyword = re.match(r"\s*\w+", editor.source_of(copy))
    if keyword is None:
        return None
    word = keyword[0] if copy.keyword == "COPY" else editor.keyword("COPY", copy)
    flags = [flag for flag in copy.flags if flag.partition("=")[0] in ("--chown", "--chmod", "--link")]
    if len(flags) != len(copy.flags):
        return None
    is_relative = not copy.args[-1].startswith("/")
    folders: dict[str, list[str]] = {}
    for source, target in needed.items():
        # A file that gets another name is left alone.
        if posixpath.basename(source) != posixpath.basename(target) or not _SAFE_NAME.fullmatch(source):
            return None
        folders.setdefault(posixpath.dirname(target), []).append(source)
    whole = _whole_folders(plan, needed, folders)
    copies = []
    for folder, sources in [*folders.items(), *whole]:
        shown = posixpath.relpath(folder, setting.workdir) if is_relative else folder
        if not _SAFE_NAME.fullmatch(shown):
            return None
        if is_relative:
            shown = "." if shown == "." else shown
        copies.append(" ".join([word, *flags, *sources, f"{shown.rstrip('/')}/"]))
    return copies if len(copies) <= _MOST_COPIES else None


def _whole_folders(plan: BuildPlan, needed: dict[str, str], folders: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    """Takes folders that are needed as a whole out of `folders`, to copy them as folders: with all files, also later ones."""
    whole: list[tuple[str, list[str]]] = []
    for source, target in needed.items():
        for name in ("patches", "releases", "plugins", "cache", "prisma", "requirements"):
            if f"/{name}/" not in f"/{source}":
                continue
            top = f"/{source}".partition(f"/{name}/")[0] + f"/{name}"
            top = top.removeprefix("/")
            below = [path for path in plan.view.sent.by_path if path.startswith(f"{top}/")]
            files = [path for path in below if plan.view.sent.by_path[path].kind != "dir"]
            if not all(path in needed for path in files):
                continue
            destination = target[: len(target) - len(source) + len(top)]
            if (destination, [top]) not in whole:
                whole.append((destination, [top]))
            folder = posixpath.dirname(target)
            folders[folder] = [path for path in folders.get(folder, []) if path != source]
            if not folders[folder]:
                del folders[folder]
            break
    return whole


def _head(plan: BuildPlan, text: ShellText, installation: Installation, moves: _Moves) -> int | None:
    """The place of the last piece to run before the sources are copied; None where the RUN cannot be split there."""
    copied = moves.moved - set(installation.reads)
    workdir = plan.before(installation.run).workdir
    pieces = text.pieces
    for piece in pieces[: installation.place]:
        if not all(
            is_independent(command, workdir=workdir, copied=copied) or _only_sets(command.words) for command in piece.commands
        ):
            return None
    if pieces[installation.place].command is None:
        return None
    last = installation.place
    if last + 1 == len(pieces) and not installation.first:
        return last
    # From here on the RUN is split, so its pieces must not share a shell's state.
    if not text.stops_at_failure or not all(
        keeps_no_state(piece) or _is_setting(piece) for piece in pieces[: installation.place + 1]
    ):
        return None
    if installation.first:
        return last
    while last + 1 < len(pieces) and all(_cleans(piece, workdir, copied) for piece in pieces[last + 1 : last + 2]):
        last += 1
    return last


def _cleans(piece: Piece, workdir: str, copied: Collection[str]) -> bool:
    command = piece.command
    return command is not None and is_independent(command, workdir=workdir, copied=copied)


def _only_sets(words: tuple[str, ...]) -> bool:
    return words[:1] in (("set",), ("cd",))


def _is_setting(piece: Piece) -> bool:
    return piece.command is not None and _only_sets(piece.command.words)


_USERS_OF_CACHES = (
    (re.compile(r"/go-build|/pkg/mod"), {"go"}),
    (re.compile(r"/target\b|/cargo/|/\.cargo/"), {"cargo"}),
    (re.compile(r"/\.m2\b|/\.gradle\b"), {"mvn", "gradle"}),
    (re.compile(r"/\.npm\b|/pnpm\b|/yarn\b|/\.bun\b|/\.next/|/\.turbo/"), {"npm", "pnpm", "yarn", "bun", "npx", "corepack"}),
    (re.compile(r"/pip\b|/uv\b|/pypoetry\b"), {"pip", "pip3", "python", "python3", "uv", "poetry"}),
)
"""By the target of a cache mount, the programs that use it."""


def _without_needless_caches(prefix: str, programs: Collection[str]) -> str:
    """A keyword with its flags, without the cache mounts that none of these programs uses."""

    def kept(match: re.Match[str]) -> str:
        users = next((users for target, users in _USERS_OF_CACHES if target.search(match[0])), None)
        return match[0] if users is None or not users.isdisjoint(programs) else ""

    return re.sub(r"--mount=type=cache,\S*[ \t]*(?:\\\s*)?", kept, prefix)


def _settings(text: ShellText, place: int, flat: str) -> str:
    """Each `set -e` and `cd` of the pieces before, which the second RUN needs as well."""
    settings = [flat[piece.start : piece.end] for piece in text.pieces[:place] if _is_setting(piece)]
    return "".join(f"{setting} && " for setting in settings)


def _is_worth_it(plan: BuildPlan, moves: _Moves, installation: Installation) -> bool:
    """Whether the history has commits that change what moves; without a history, that is taken for certain."""
    if not plan.view.commits:
        return True
    reads = set(installation.reads)
    return any(copy.flag("from") is not None for copy in moves.copies) or any(
        plan.view.changes_of(source)
        for copy in moves.copies
        for source, target in (plan.copied(copy) or {}).items()
        if target not in reads
    )
