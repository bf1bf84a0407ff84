"""COPY and ADD as vertices.

Source: moby/buildkit, frontend/dockerfile/dockerfile2llb (dispatchCopy) and solver/llbsolver/ops/file.go: the key holds
the last part of each source path, the destination, owner and mode, and the content of what is copied. Sources are
inputs read by content, unless source and destination are one vertex.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from speedkit.context import Entry, IgnorePatterns, Manifest, is_malformed
from speedkit.dockerfile import SubstitutionError, check_mode, expand_unquoted, heredoc_mark, normalized_path
from speedkit.errors import DockerfileError, Misuse
from speedkit.go_numbers import whole_number
from speedkit.messages import message

from .content_digest import NOT_UTF8, Selector, Tree, has_wildcard
from .vertices import Input, Vertex

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from speedkit.dockerfile import Heredoc, Instruction, StageEnvironment

    from .vertices import Surroundings

__all__ = ["copy_vertex", "inline_file", "owner"]

_COMMIT = re.compile(r"[0-9a-f]{40}")
_GIT = re.compile(r"^(git|ssh)://|^[\w.-]+@[\w.-]+:|^https?://[^#?]+\.git(#|\?|$)")
"""Bytes that are not UTF-8. Replacing variables makes one and the same character of each."""
_NOBODY = (1 << 32) - 1
_Source = tuple[Vertex | None, Selector]


def copy_vertex(
    instruction: Instruction, stage: str, before: Vertex | None, scope: StageEnvironment, around: Surroundings
) -> Vertex:
    """The vertex of a COPY or ADD."""

    def expanded(word: str) -> str:
        return scope.expand(word, instruction, around.dockerfile.escape)

    sources = _sources(instruction, stage, expanded, scope, around)
    place = expanded(instruction.args[-1])
    target = normalized_path(scope.workdir, "./" if place in ("", ".") else place, keep_slash=True)
    settings = _settings(instruction, expanded)
    if before is None:
        _check_owner(expanded(instruction.flag("chown") or ""), instruction)
    parts: dict[str, Hashable] = {
        "sources": tuple(selector.path for _, selector in sources),
        "target": target,
        "kinds": tuple(_kind(vertex, around) for vertex, _ in sources),
        "contents": tuple(vertex.operation for vertex, _ in sources if vertex is not None and vertex.kind == "inline"),
        **settings,
    }
    counted = tuple(
        (posixpath.basename(selector.path) or "/", selector.follow, _unpacks(vertex, instruction))
        for vertex, selector in sources
    )
    linked = around.situation.merge and settings["link"] is True and settings["chmod"] is None
    inputs = _inputs(None if linked else before, sources)
    order = _order(inputs, None if linked else before, sources)
    counting = tuple((name, value) for name, value in settings.items() if name not in ("link", "unpack"))
    operation = ("copy", counted, target, counting, order)
    vertex = Vertex("file", operation, inputs, line=instruction.line, stage=stage, parts=parts)
    if not linked or before is None:
        return vertex
    return Vertex("merge", ("merge",), (Input(before), Input(vertex)), instruction.line, stage, parts=parts)


def _settings(instruction: Instruction, expanded: Callable[[str], str]) -> dict[str, Hashable]:
    chmod = instruction.flag("chmod")
    unpack = instruction.flag("unpack")
    return {
        "unpack": instruction.keyword == "ADD" if unpack is None else unpack.lower() == "true",
        "chown": owner(expanded(instruction.flag("chown") or "")),
        "chmod": None if chmod is None else _mode(expanded(chmod), instruction),
        "exclude": instruction.flag_values("exclude"),
        "link": (instruction.flag("link") or "").lower() == "true",
        "parents": instruction.flag("parents") or "",
    }


def _unpacks(vertex: Vertex | None, instruction: Instruction) -> bool:
    """Whether an archive would be unpacked: what ADD takes from a folder, what it downloads only when told to."""
    kind = vertex.kind if vertex is not None else "scratch"
    asked = instruction.flag("unpack")
    if kind == "inline":
        return False
    return (instruction.keyword == "ADD" and kind != "address") if asked is None else asked.lower() == "true"


def owner(text: str) -> tuple[str, ...]:
    """Numbers without leading zeros; `root` is 0, and so is what is left out beside a colon."""
    parts = text.split(":", 1) if text else []
    return tuple("0" if part in ("root", "") else part.lstrip("0") or "0" if part.isdecimal() else part for part in parts)


def _check_owner(text: str, instruction: Instruction) -> None:
    """Raises DockerfileError for a name where there is no file yet that could tell its number."""
    numbers = [whole_number(part) for part in owner(text)]
    if any(number is None or number >= _NOBODY for number in numbers):
        _refuse("invalid user index: -1", instruction)


def _mode(text: str, instruction: Instruction) -> Hashable:
    try:
        check_mode(text)
    except ValueError as problem:
        _refuse(str(problem), instruction)
    return int(text, 8) if re.fullmatch("[0-7]+", text) else text


def _kind(vertex: Vertex | None, around: Surroundings) -> str:
    if vertex is around.context:
        return "context"
    return vertex.kind if vertex is not None else "scratch"


def _sources(
    instruction: Instruction, stage: str, expanded: Callable[[str], str], scope: StageEnvironment, around: Surroundings
) -> list[_Source]:
    origin = instruction.flag("from")
    if origin and around.is_ahead(origin, numeric=True):
        reason = f'cannot copy from stage "{origin}", it needs to be defined before current stage "{stage}"'
        _refuse(reason, instruction)
    vertex = around.origin(origin, numeric=True) if origin else around.context
    excludes = _checked_excludes(instruction)
    bodies = {heredoc.name: heredoc for heredoc in instruction.heredocs}
    sources: list[_Source] = []
    inline: list[_Source] = []
    for word in instruction.args[:-1]:
        if (mark := heredoc_mark(word)) is not None and mark.name in bodies:
            inline.append(_inline_source(bodies[mark.name], scope, instruction))
            continue
        path = expanded(word)
        if instruction.keyword == "ADD" and (address := _address(path, instruction, expanded)):
            sources.append(address)
            continue
        _check_local(path, instruction)
        place = normalized_path("/", path)
        if has_wildcard(place):
            _check_pattern(path, instruction, from_context=vertex is around.context)
        sources.append((vertex, Selector(place, has_wildcard(place), follow=True, excludes=excludes)))
    return sources + inline


def _check_local(path: str, instruction: Instruction) -> None:
    """Raises DockerfileError for what only ADD takes, or only from elsewhere."""
    if _GIT.match(path):
        _refuse("source can't be a git ref for COPY", instruction)
    if path.startswith(("http://", "https://")):
        _refuse("source can't be a URL for COPY", instruction)
    if instruction.flag("checksum"):
        _refuse("checksum requires HTTP(S) or Git sources", instruction)


def _check_pattern(path: str, instruction: Instruction, *, from_context: bool) -> None:
    """Raises DockerfileError for a pattern that is none. Of the build context BuildKit does not say on which line.

    A range such as `[z-a]` is an error there, and fits nothing elsewhere.
    """
    pattern = posixpath.normpath(path).lstrip("/")
    if is_malformed(pattern):
        if not from_context:
            _refuse("syntax error in pattern", instruction)
        raise DockerfileError(f"Dockerfile: invalid includepatterns: [{pattern}]: syntax error in pattern.")
    try:
        IgnorePatterns((pattern,))
    except Misuse:
        if from_context:
            raise DockerfileError("Dockerfile: failed to match includepatterns: syntax error in pattern.") from None


def _checked_excludes(instruction: Instruction) -> tuple[str, ...]:
    excludes = instruction.flag_values("exclude")
    try:
        IgnorePatterns(excludes)
    except Misuse as problem:
        reason = problem.what.removeprefix(".dockerignore: ").rstrip(".")
        reason = "syntax error in pattern" if reason.startswith("syntax error") else reason
        _refuse(f"invalid excludepatterns: [{' '.join(excludes)}]: {reason}", instruction)
    return excludes


def _refuse(reason: str, instruction: Instruction) -> NoReturn:
    raise DockerfileError(
        message("Dockerfile, line {line}: {reason}.", line=instruction.line, reason=reason), line=instruction.line
    )


def _inline_source(heredoc: Heredoc, scope: StageEnvironment, instruction: Instruction) -> _Source:
    body = heredoc.body
    if heredoc.expand:
        try:
            body = expand_unquoted(NOT_UTF8.sub("\ufffd", body), scope.variables)
        except SubstitutionError as error:
            quoted = json.dumps(body, ensure_ascii=False)
            _refuse(f"failed to process {quoted}: {error}", instruction)
    return inline_file(heredoc.name, body, mode=0o644), Selector(f"/{heredoc.name}", follow=False)


def inline_file(name: str, content: str, *, mode: int) -> Vertex:
    """The vertex "preparing inline document": one file whose content stands in the Dockerfile."""
    tree = Tree(Manifest((Entry(name, "file", len(content), mode, content, ""),)))
    return Vertex("inline", ("inline", name, content, mode), tree=tree)


def _address(path: str, instruction: Instruction, expanded: Callable[[str], str]) -> _Source | None:
    checksum = expanded(instruction.flag("checksum") or "")
    if _GIT.match(path):
        pinned = _COMMIT.search(path.partition("#")[2]) or _COMMIT.fullmatch(checksum)
        keep = instruction.flag("keep-git-dir") or ""
        vertex = Vertex("address", ("git", path, checksum, keep), uncertain="" if pinned else path)
        return vertex, Selector("/", follow=False)
    if path.startswith(("http://", "https://")):
        name = posixpath.basename(urlsplit(path).path) or "__unnamed__"
        _check_checksum(checksum, instruction)
        return _download(path, name, checksum), Selector(f"/{name}", follow=False)
    return None


def _check_checksum(text: str, instruction: Instruction) -> None:
    algorithm, _, digits = text.partition(":")
    length = {"sha256": 64, "sha384": 96, "sha512": 128}.get(algorithm)
    if not text:
        return
    if not re.fullmatch(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+", text):
        _refuse("invalid checksum digest format", instruction)
    if length is None:
        _refuse("unsupported digest algorithm", instruction)
    if len(digits) != length:
        _refuse("invalid checksum digest length", instruction)
    if not re.fullmatch("[a-f0-9]+", digits):
        _refuse("invalid checksum digest format", instruction)


def _download(path: str, name: str, checksum: str) -> Vertex:
    """A file from a URL. Where a checksum pins the bytes, they are known, and the address does not count."""
    if not checksum:
        return Vertex("address", ("http", path, name), uncertain=path)
    tree = Tree(Manifest((Entry(name, "file", 0, 0o600, checksum, ""),)))
    return Vertex("address", ("http", name, checksum), tree=tree, parts={"name": path})


def _inputs(before: Vertex | None, sources: list[_Source]) -> tuple[Input, ...]:
    """The vertex before comes first and counts by its key; each other one comes once, with all that is read of it."""
    inputs = [Input(before)] if before is not None else []
    vertices = dict.fromkeys(vertex for vertex, _ in sources if vertex is not None and vertex is not before)
    for vertex in vertices:
        selectors = tuple(selector for source, selector in sources if source is vertex)
        inputs.append(Input(vertex, selectors, by_content=True))
    return tuple(inputs)


def _order(inputs: tuple[Input, ...], before: Vertex | None, sources: list[_Source]) -> tuple[int, ...]:
    vertices = [entry.vertex for entry in inputs]
    used = (before, *(vertex for vertex, _ in sources))
    return tuple(-1 if vertex is None else vertices.index(vertex) for vertex in used)
