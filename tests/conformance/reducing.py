"""Makes any Dockerfile one that builds in seconds and offline, with the same instructions in the same order. Pure.

What becomes of it:
- Each image becomes a small one, another one for another name.
- The command of a RUN becomes a cheap one that names a checksum of the old one and leaves what other steps take from its
  stage. What it leaves follows from the variables and the files in the working directory, or is always the same.
- Users become numbers, as nobody makes the users; a shell becomes /bin/sh; a secret is not required any more.
- `# syntax=` goes, as the frontend that it names lies in a registry.

Flags, mounts, paths, arguments, stages, here-documents, line numbers and everything else stay.
"""

from __future__ import annotations

import json
import re
import shlex
import zlib
from typing import TYPE_CHECKING

from speedkit.dockerfile import read_dockerfile, stage_bases
from speedkit.dockerfile.stages import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from speedkit.cache.frontend import Plan
    from speedkit.cache.vertices import Vertex
    from speedkit.dockerfile import Dockerfile, Instruction

__all__ = ["left_by", "plain_path", "reduced"]

_USER, _OWNER = "0:0", "1000:1000"
"""Root writes where a RUN has to leave something."""
_IS_FILE = re.compile(r".*/s?bin/[^/]+|.*/[^/]*\.[^/]*")
"""What is not in a folder of programs and has no dot in its name is made a folder, which can be copied onto either."""
_LEAVE = (
    'leave() { [ -d "$1" ] && set -- "$1/made"; [ -e "$1" ] && ! grep -qs "^made" "$1" && return; '
    'mkdir -p "$(dirname "$1")"; echo "made $seen" > "$1"; } 2>/dev/null'
)
_ALL_HERE = "$({ env; find . -xdev -type f -print0 | sort -z | xargs -0 cat; } 2>/dev/null | md5sum)"


def reduced(
    text: str,
    *,
    images: Sequence[str],
    build_args: Mapping[str, str],
    left: Mapping[int, Sequence[str]],
    follows: Callable[[int], bool],
    renewed: str = "",
) -> str:
    """The Dockerfile as it can be built.

    images: the small ones; the last of them is for the image that is `renewed`. left: by the line of a RUN, the paths that
    it has to leave. follows: whether what a stage leaves follows from what is in it.
    Raises: DockerfileError.
    """
    dockerfile = read_dockerfile(text)
    reducing = _Reducing(dockerfile, _Images(images, renewed), build_args)
    lines = [_without_syntax(line) for line in text.splitlines()]
    for step in dockerfile.instructions:
        old = lines[step.line - 1 : step.end_line]
        if step.keyword == "RUN":
            paths = left.get(step.line, ())
            new = reducing.run(step, paths, follows=follows(step.stage or 0))
        else:
            new = reducing.other(step, old)
        lines[step.line - 1 : step.end_line] = new + [""] * (len(old) - len(new))
    return "\n".join(lines) + "\n"


def left_by(plan: Plan) -> dict[int, list[str]]:
    """By the line of each RUN, the paths that steps of other stages take from what it helped to make, deepest first."""
    left: dict[int, set[str]] = {}
    for step in plan.steps:
        for given in step.vertex.inputs if step.vertex is not None else ():
            if given.by_content and given.vertex.line:
                paths = {plain_path(selector.path) for selector in given.selectors} - {"/"}
                for line in _runs_below(given.vertex):
                    left.setdefault(line, set()).update(paths)
    return {line: sorted(paths, key=lambda path: (-path.count("/"), path)) for line, paths in left.items()}


def _runs_below(vertex: Vertex | None) -> list[int]:
    """The lines of the RUNs in the stage of a vertex, and in those that it starts from."""
    lines = []
    while vertex is not None:
        if vertex.kind == "run":
            lines.append(vertex.line)
        vertex = next((given.vertex for given in vertex.inputs if not given.by_content), None)
    return lines


def plain_path(path: str) -> str:
    """A path that a pattern takes."""
    return re.sub(r"\[\^?\\?(.)[^]]*\]|[*?]", lambda found: found[1] or "x", path)


def _without_syntax(line: str) -> str:
    return "#" if re.match(r"#\s*syntax\s*=", line, re.IGNORECASE) else line


class _Reducing:
    """One Dockerfile. Every method gives the lines that an instruction becomes."""

    def __init__(self, dockerfile: Dockerfile, images: _Images, build_args: Mapping[str, str]) -> None:
        self._bases = stage_bases(dockerfile, build_args=build_args)
        self._names = {stage.name for stage in dockerfile.stages if stage.named}
        self._images = images

    def run(self, step: Instruction, paths: Sequence[str], *, follows: bool) -> list[str]:
        told = zlib.crc32("\0".join([*step.args, *(doc.content for doc in step.heredocs)]).encode(errors="replace"))
        words = [f": {told}"]
        if paths:
            words += [_LEAVE, f"seen={_ALL_HERE} || true" if follows else "seen=always"]
            files = [path if _IS_FILE.fullmatch(path) else f"{path}/made" for path in paths]
            words += [f"leave {shlex.quote(file)} 2>/dev/null || true" for file in files]
        command = "; ".join(words)
        opening = " ".join(["RUN", *map(self._flag, step.flags)])
        if step.heredocs:
            name = step.heredocs[0].name
            return [f"{opening} <<'{name}'", command, name]
        return [f"{opening} {json.dumps(['/bin/sh', '-c', command])}" if step.json else f"{opening} {command}"]

    def other(self, step: Instruction, lines: list[str]) -> list[str]:
        match step.keyword:
            case "FROM":
                return [" ".join(["FROM", *step.flags, self._base(step), *step.args[1:]])]
            case "USER":
                return [f"USER {_USER}"]
            case "SHELL":
                return [f"SHELL {json.dumps(['/bin/sh', *step.args[1:]])}"]
            case "COPY" | "ADD":
                owned = [re.sub(r"--chown=\S+", f"--chown={_OWNER}", line) for line in lines]
                return [re.sub(r"(?<=--from=)\S+", self._origin, line) for line in owned]
        return lines

    def _base(self, step: Instruction) -> str:
        base = self._bases[step.stage or 0]
        return step.args[0] if base.stage is not None or base.image == SCRATCH else self._images.of(base.image)

    def _flag(self, flag: str) -> str:
        if not flag.startswith("--mount="):
            return flag
        optional = re.sub(r",required(=\w+)?(?=,|$)", "", flag)
        return re.sub(r"(?<=[=,]from=)[^,]+", self._origin, optional)

    def _origin(self, found: re.Match[str]) -> str:
        name = found[0]
        is_stage = name.lower() in self._names or name.isdecimal()
        return name if is_stage or name == SCRATCH else self._images.of(name)


class _Images:
    """Which small image stands for which one. What it is depends on its name, so a changed name is a changed image."""

    def __init__(self, small: Sequence[str], renewed: str) -> None:
        self._free = list(small[:-1])
        self._chosen = {renewed: small[-1]}

    def of(self, name: str) -> str:
        if name not in self._chosen:
            place = zlib.crc32(name.encode()) % len(self._free)
            # The last one is taken for all that come after it.
            self._chosen[name] = self._free.pop(place) if len(self._free) > 1 else self._free[0]
        return self._chosen[name]
