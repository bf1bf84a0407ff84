"""COPY and ADD as vertices.

The cache key has the last part of each source path, the destination, owner and mode, and the content of the sources. Sources
are inputs read by content, unless source and destination are one vertex. Source: moby/buildkit 0.25,
frontend/dockerfile/dockerfile2llb (dispatchCopy) and solver/llbsolver/ops/file.go (CacheMap).
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
from .vertices import Edge, Vertex

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from speedkit.dockerfile import Heredoc, Instruction, StageEnvironment

    from .vertices import Planner

__all__ = ["copy_vertex", "inline_file", "owner"]

_COMMIT = re.compile(r"[0-9a-f]{40}")
_GIT = re.compile(r"^(git|ssh)://|^[\w.-]+@[\w.-]+:|^https?://[^#?]+\.git(#|\?|$)")
_END_OF_IDS = 1 << 31
"""From here on a number is no id: BuildKit reads 32 bits with a sign (client/llb/fileop.go, parseUID), and looks up a name."""
_CopySource = tuple[Vertex | None, Selector]


def copy_vertex(
    instruction: Instruction, stage: str, before: Vertex | None, environment: StageEnvironment, planner: Planner
) -> Vertex:
    """The vertex of a COPY or ADD. With `--link` on containerd's image store, it is the merge with the step before."""

    def expanded(word: str) -> str:
        return environment.expand(word, instruction, planner.dockerfile.escape)

    sources = _sources(instruction, stage, expanded, environment, planner)
    destination = expanded(instruction.args[-1])
    target = normalized_path(environment.workdir, "./" if destination in ("", ".") else destination, keep_slash=True)
    settings = _settings(instruction, expanded)
    if before is None:
        _check_owner(expanded(instruction.flag("chown") or ""), instruction)
    kinds = ("scratch" if vertex is None else "context" if vertex is planner.context else vertex.kind for vertex, _ in sources)
    parts: dict[str, Hashable] = {
        "sources": tuple(selector.path for _, selector in sources),
        "target": target,
        "kinds": tuple(kinds),
        "contents": tuple(vertex.operation for vertex, _ in sources if vertex is not None and vertex.kind == "inline"),
        **settings,
    }

    # Of each path the last part is enough: CacheMap puts only `path.Base` into the key, and the digest stands for the rest.
    counted = tuple(
        (posixpath.basename(selector.path) or "/", selector.follow, _unpacks(vertex, instruction))
        for vertex, selector in sources
    )
    # dispatchCopy makes a copy of its own only without `--chmod`; otherwise `--link` does nothing.
    is_linked = planner.situation.merge and settings["link"] is True and settings["chmod"] is None
    copied_onto = None if is_linked else before
    inputs = _inputs(copied_onto, sources)
    vertices = [edge.vertex for edge in inputs]
    used = (copied_onto, *(vertex for vertex, _ in sources))
    # CacheMap has the number of the input of each source (`Indexes`), so it counts which source comes from where.
    order = tuple(-1 if vertex is None else vertices.index(vertex) for vertex in used)
    counted_settings = tuple((name, value) for name, value in settings.items() if name not in ("link", "unpack"))
    operation = ("copy", counted, target, counted_settings, order)
    vertex = Vertex("file", operation, inputs, line=instruction.line, stage=stage, parts=parts)
    if not is_linked or before is None:
        return vertex
    return Vertex("merge", ("merge",), (Edge(before), Edge(vertex)), instruction.line, stage, parts=parts)


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
    """Whether BuildKit would unpack an archive: ADD does so with files, but with a download only by `--unpack=true`."""
    kind = vertex.kind if vertex is not None else "scratch"
    unpack = instruction.flag("unpack")
    if kind == "inline":
        return False
    return (instruction.keyword == "ADD" and kind != "address") if unpack is None else unpack.lower() == "true"


def owner(text: str) -> tuple[str, ...]:
    """User and group of `--chown` or USER. Numbers have no leading zeros; `root` is 0, and so is an empty side of a colon."""
    parts = text.split(":", 1) if text else []
    return tuple("0" if part in ("root", "") else part.lstrip("0") or "0" if part.isdecimal() else part for part in parts)


def _check_owner(text: str, instruction: Instruction) -> None:
    """Raises DockerfileError for a name in a stage that is still empty: it has no /etc/passwd to look the name up in."""
    numbers = [whole_number(part) for part in owner(text)]
    if any(number is None or number >= _END_OF_IDS for number in numbers):
        _refuse("invalid user index: -1", instruction)


def _mode(text: str, instruction: Instruction) -> Hashable:
    try:
        check_mode(text)
    except ValueError as problem:
        _refuse(str(problem), instruction)
    return int(text, 8) if re.fullmatch("[0-7]+", text) else text


def _sources(
    instruction: Instruction, stage: str, expanded: Callable[[str], str], environment: StageEnvironment, planner: Planner
) -> list[_CopySource]:
    origin = instruction.flag("from")
    if origin and planner.is_later_stage(origin, numeric=True):
        reason = f'cannot copy from stage "{origin}", it needs to be defined before current stage "{stage}"'
        _refuse(reason, instruction)
    vertex = planner.source(origin, numeric=True) if origin else planner.context
    excludes = _excludes(instruction)
    bodies = {heredoc.name: heredoc for heredoc in instruction.heredocs}
    sources: list[_CopySource] = []
    inline: list[_CopySource] = []
    for word in instruction.args[:-1]:
        if (mark := heredoc_mark(word)) is not None and mark.name in bodies:
            inline.append(_inline_source(bodies[mark.name], environment, instruction))
            continue
        path = expanded(word)
        if instruction.keyword == "ADD" and (address := _address(path, instruction, expanded)):
            sources.append(address)
            continue
        _check_local(path, instruction)
        source_path = normalized_path("/", path)
        if has_wildcard(source_path):
            _check_pattern(path, instruction, from_context=vertex is planner.context)
        sources.append((vertex, Selector(source_path, has_wildcard(source_path), follow=True, excludes=excludes)))
    # dispatchCopy copies the here-documents after all paths, wherever they stand in the instruction.
    return sources + inline


def _check_local(path: str, instruction: Instruction) -> None:
    """Raises DockerfileError for an address in COPY, and for `--checksum` with a path."""
    if _GIT.match(path):
        _refuse("source can't be a git ref for COPY", instruction)
    if path.startswith(("http://", "https://")):
        _refuse("source can't be a URL for COPY", instruction)
    if instruction.flag("checksum"):
        _refuse("checksum requires HTTP(S) or Git sources", instruction)


def _check_pattern(path: str, instruction: Instruction, *, from_context: bool) -> None:
    """Raises DockerfileError for a malformed pattern.

    In the build context the client matches the pattern, as a line of an ignore file: its error names no line, and a range
    such as `[z-a]` is an error, too. Elsewhere such a range matches nothing.
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


def _excludes(instruction: Instruction) -> tuple[str, ...]:
    """The patterns of `--exclude`. Raises DockerfileError for a malformed one."""
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


def _inline_source(heredoc: Heredoc, environment: StageEnvironment, instruction: Instruction) -> _CopySource:
    body = heredoc.body
    if heredoc.expand:
        try:
            # Go replaces variables rune by rune, so each byte that is not UTF-8 becomes U+FFFD. A quoted name keeps the bytes.
            body = expand_unquoted(NOT_UTF8.sub("\ufffd", body), environment.variables)
        except SubstitutionError as error:
            quoted = json.dumps(body, ensure_ascii=False)
            _refuse(f"failed to process {quoted}: {error}", instruction)
    return inline_file(heredoc.name, body, mode=0o644), Selector(f"/{heredoc.name}", follow=False)


def inline_file(name: str, content: str, *, mode: int) -> Vertex:
    """The vertex "preparing inline document": one file whose content stands in the Dockerfile."""
    tree = Tree(Manifest((Entry(name, "file", len(content), mode, content, ""),)))
    return Vertex("inline", ("inline", name, content, mode), tree=tree)


def _address(path: str, instruction: Instruction, expanded: Callable[[str], str]) -> _CopySource | None:
    """The vertex of a git repository or download; None for a path."""
    checksum = expanded(instruction.flag("checksum") or "")
    if _GIT.match(path):
        # A branch or tag can move; a commit cannot.
        pinned = _COMMIT.search(path.partition("#")[2]) or _COMMIT.fullmatch(checksum)
        keep = instruction.flag("keep-git-dir") or ""
        vertex = Vertex("address", ("git", path, checksum, keep), uncertain="" if pinned else path)
        return vertex, Selector("/", follow=False)
    if path.startswith(("http://", "https://")):
        name = posixpath.basename(urlsplit(path).path) or "__unnamed__"
        _check_checksum(checksum, instruction)
        if not checksum:
            download = Vertex("address", ("http", path, name), uncertain=path)
        else:
            # The checksum says which bytes come, and the address is not in the key: any mirror will do.
            tree = Tree(Manifest((Entry(name, "file", 0, 0o600, checksum, ""),)))
            download = Vertex("address", ("http", name, checksum), tree=tree, parts={"name": path})
        return download, Selector(f"/{name}", follow=False)
    return None


def _check_checksum(text: str, instruction: Instruction) -> None:
    """Raises DockerfileError for a digest that go-digest refuses, with its words."""
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


def _inputs(before: Vertex | None, sources: list[_CopySource]) -> tuple[Edge, ...]:
    """The vertex before, which counts by its key alone, and each source once, with all paths that are read of it.

    A copy from a stage onto itself counts by the key alone: CacheMap drops the selectors of an input that is also the
    destination (`invalidSelectors`).
    """
    inputs = [Edge(before)] if before is not None else []
    vertices = dict.fromkeys(vertex for vertex, _ in sources if vertex is not None and vertex is not before)
    for vertex in vertices:
        selectors = tuple(selector for source, selector in sources if source is vertex)
        inputs.append(Edge(vertex, selectors, by_content=True))
    return tuple(inputs)
