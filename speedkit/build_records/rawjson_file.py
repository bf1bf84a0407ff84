"""Reads the output of `docker buildx build --progress=rawjson`, kept in a file.

In: the lines as they came. Out: one `ForeignBuild`. Its steps are the vertices, which a plain log of the same build numbers.
The oddities: a failed build ends with lines of text, the excerpt of the Dockerfile and the error. The file has neither the
Dockerfile nor the end of the build's command, so its seconds go from the first to the last report of a vertex.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from speedkit.recordings import Solve, read_rawjson, read_status

from .build_end import BuildEnd
from .foreign_build import TEXT_LENGTH, ForeignBuild, NotUnderstood, Outcome
from .progress_lines import ProgressLines
from .step_names import may_fail

__all__ = ["is_rawjson", "read_rawjson_file"]

PARTS = frozenset({"vertexes", "statuses", "logs", "warnings"})
NOT_UNDERSTOOD_AT_MOST = 1000


def is_rawjson(line: bytes) -> bool:
    """Whether a line is one of rawjson."""
    status = read_status(line)
    return status is not None and not PARTS.isdisjoint(status)


def read_rawjson_file(lines: Iterable[bytes]) -> tuple[ForeignBuild, ...]:
    """The build in a file; none where no line is of rawjson.

    Raises: BuildRecordError when it has more progress than any build leaves.
    """
    # Text is held back: whether it is the error or a foreign line shows only at the end.
    progress, text = ProgressLines(), list[tuple[int, bytes]]()
    last_status = 0

    def statuses() -> Iterable[bytes]:
        nonlocal last_status
        for number, line in enumerate(lines, 1):
            if is_rawjson(line):
                last_status = number
                yield line.rstrip(b"\r\n") + b"\n"
            elif line.strip() and len(text) < NOT_UNDERSTOOD_AT_MOST:
                text.append((number, line))

    progress.add_all(statuses())
    if not last_status:
        return ()
    # Text after the last report says why the build failed. Before it, it is a line that was cut or belongs to something else.
    end = [line for number, line in text if number > last_status and not line.startswith(b"{")]
    not_understood = [(number, line) for number, line in text if number < last_status or line.startswith(b"{")]
    if not _says_why_it_failed(end, has_failed=any(_errors(read_rawjson(progress.lines)))):
        end = []  # the output of what ran after the build
    solve = read_rawjson([*progress.lines, *end])
    vertices = solve.vertices.values()
    return (
        ForeignBuild(
            kind="rawjson",
            status_lines=(*progress.lines, *end),
            steps=len(vertices),
            cached_steps=sum(vertex.cached for vertex in vertices),
            seconds=solve.last - solve.first if solve.first is not None and solve.last is not None else None,
            not_understood=tuple(
                NotUnderstood(number, line.decode("utf-8", "replace").strip()[:TEXT_LENGTH]) for number, line in not_understood
            ),
            outcome=_outcome(solve),
            error=solve.error_text or next(_errors(solve), None),
            started=solve.first,
        ),
    )


def _says_why_it_failed(lines: Iterable[bytes], *, has_failed: bool) -> bool:
    end = BuildEnd()
    for line in lines:
        end.read(line.rstrip(b"\r\n"), has_failed=has_failed)
    return has_failed or end.outcome((), is_complete=True) is not None


def _errors(solve: Solve) -> Iterator[str]:
    """The errors that end a build."""
    return (vertex.error for vertex in solve.vertices.values() if vertex.error and not may_fail(vertex.name))


def _outcome(solve: Solve) -> Outcome | None:
    if errors := list(_errors(solve)):
        return "cancelled" if all("context canceled" in error for error in errors) else "failed"
    if any(vertex.is_open for vertex in solve.vertices.values()):
        return None
    return "failed" if solve.error_text else "done"
