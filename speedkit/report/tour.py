"""Executes the notebooks in order with real builds, and writes what came of it."""

from __future__ import annotations

import logging
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speedkit.apps import BROKEN_ON_PURPOSE, COLD, sample_app
from speedkit.builds import compare
from speedkit.errors import FileRefused, NotebookFailed
from speedkit.history import recorded_builds
from speedkit.lessons import notebooks_folder, notebooks_in
from speedkit.messages import message
from speedkit.model import Build
from speedkit.ownership import scratch_folder
from speedkit.state import open_private, private_folder
from speedkit.words import seconds_text

from .lock import locked
from .page import Chapter, page

__all__ = ["Tour", "run_tour"]

CELL_SECONDS = 1800
COMPARISON = "06_compare"
"""The notebook that shows the builds of all others."""
QUOTED_LINES = 12


@dataclass(frozen=True)
class Tour:
    """A finished tour. left_out: notebooks that a quick tour does not execute."""

    builds: tuple[Build, ...] = field(repr=False)
    page: Path
    seconds: float
    left_out: tuple[str, ...]

    @property
    def failed(self) -> tuple[Build, ...]:
        """The builds that failed though nothing was broken on purpose."""
        return tuple(build for build in self.builds if not build.ok and build.edit != BROKEN_ON_PURPOSE)


def run_tour(
    *,
    out: Path,
    quick: bool,
    session: str | None,
    say: Callable[[str], None],
    full: bool = False,
    folder: Path | None = None,
) -> Tour:
    """Execute the notebooks, and write `out/index.html`.

    quick: only the notebooks marked for it. full: before the comparison, every strategy is built under every edit.
    session: the name its builds are recorded under. say: a line of progress.
    folder: where the notebooks are; None is the project's own.
    Raises: NotebookFailed with the failing cell, StateBusy when another tour writes to the same folder, FileRefused when
    nobody can write there.
    """
    began = time.monotonic()
    name = session or f"tour-{uuid.uuid4().hex[:8]}"
    paths = notebooks_in(folder or notebooks_folder())
    lock = _lock_file(out)
    with locked(lock), scratch_folder() as place:
        chapters, left_out = [], []
        for path in paths:
            notebook = _read(path)
            if quick and not notebook.metadata.get("speedkit", {}).get("quick"):
                left_out.append(path.stem)
                continue
            if full and path.stem == COMPARISON:
                _build_what_is_missing(name, say)
            chapters.append(_execute(path, notebook, place, name, say))
        builds = tuple(recorded_builds(session=name))
        target = _written(out, page(chapters, builds, left_out=left_out))
    return Tour(builds, target, time.monotonic() - began, tuple(left_out))


def _build_what_is_missing(session: str, say: Callable[[str], None]) -> None:
    """Build the sample app by every strategy under each edit that the session has no build of."""
    built = {(build.strategy, build.edit) for build in recorded_builds(session=session)}
    with sample_app() as app, _session(session):
        for strategy in app.strategies:
            missing = [edit for edit in (COLD, *app.edits) if (strategy, edit) not in built]
            if missing:
                say(f"{strategy}: {', '.join(missing)}")
                compare(app, [strategy], missing)


@contextmanager
def _session(name: str) -> Iterator[None]:
    """Builds of this process are recorded under the session's name, as those of the notebooks' kernels are."""
    before = os.environ.get("SPEEDKIT_SESSION")
    os.environ["SPEEDKIT_SESSION"] = name
    try:
        yield
    finally:
        os.environ.pop("SPEEDKIT_SESSION")
        if before is not None:
            os.environ["SPEEDKIT_SESSION"] = before


def _lock_file(out: Path) -> Path:
    """The lock file of the report's folder, both made when missing: that they cannot be is better known before a tour."""
    lock = out / ".tour-lock"
    try:
        private_folder(out)
        open_private(lock, "ab").close()
    except OSError as problem:
        raise _refused(out, problem) from None
    return lock


def _written(out: Path, text: str) -> Path:
    """The page, written whole or not at all."""
    target, unfinished = out / "index.html", out / ".index.html.unfinished"
    try:
        with open_private(unfinished, "w", encoding="utf-8") as page_file:
            page_file.write(text)
        unfinished.replace(target)
    except OSError as problem:
        raise _refused(out, problem) from None
    return target


def _refused(out: Path, problem: OSError) -> FileRefused:
    return FileRefused(
        message("The report cannot be written to {folder}: {problem}.", folder=out, problem=problem.strerror),
        fix=message("Choose another folder with --out."),
    )


def _read(path: Path) -> Any:
    import nbformat

    return nbformat.read(path, as_version=4)


def _execute(path: Path, notebook: Any, place: Path, session: str, say: Callable[[str], None]) -> Chapter:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    from .kernel import own_kernel

    began, kernel = time.monotonic(), own_kernel()
    client = NotebookClient(
        notebook,
        km=kernel,
        timeout=CELL_SECONDS,
        resources={"metadata": {"path": str(place)}},
        store_widget_state=False,
    )
    # A task of nbclient's may look for the kernel once more after nbclient ended it, and asyncio then complains of that task.
    asyncio_log, is_news = logging.getLogger("asyncio"), lambda _record: not kernel.told_to_end
    asyncio_log.addFilter(is_news)
    try:
        # What a kernel says of itself (such as how it is reached) is not for the person who takes the tour.
        client.execute(cleanup_kc=True, env=os.environ | {"SPEEDKIT_SESSION": session}, stderr=subprocess.DEVNULL)
    except CellExecutionError as problem:
        raise _failed(path, notebook, f"{problem.ename}: {problem.evalue}") from None
    except CellTimeoutError:
        reason = message("It ran for more than {seconds}.", seconds=seconds_text(CELL_SECONDS))
        raise _failed(path, notebook, reason) from None
    except (DeadKernelError, AssertionError, AttributeError):
        # On Ctrl-C nbclient ends the kernel, then stumbles over its absence in one of these ways.
        if kernel.told_to_end:
            # The filter stays: asyncio complains when the task is thrown away, which is at the very end of this process.
            raise KeyboardInterrupt from None
        fix = message("Often there was too little memory left: close other programs and repeat the tour.")
        raise _failed(path, notebook, message("Its Python ended in the middle of this cell."), fix=fix) from None
    asyncio_log.removeFilter(is_news)
    seconds = time.monotonic() - began
    say(f"{path.stem}: {seconds_text(seconds)}")
    return Chapter(path.stem, notebook, seconds)


def _failed(path: Path, notebook: Any, reason: str, *, fix: str = "") -> NotebookFailed:
    """The error with the cell at which execution stopped and its number among the code cells: the last one that was begun."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    begun = [number for number, cell in enumerate(cells, 1) if "execution" in cell.metadata or cell.outputs]
    if not begun:
        what = message("{notebook}, before its first cell:", notebook=path.name)
        return NotebookFailed(what, quoted=reason, fix=fix)
    lines = [f"    {line}" for line in cells[begun[-1] - 1].source.splitlines()[:QUOTED_LINES]]
    what = message("{notebook}, code cell {number}:", notebook=path.name, number=begun[-1])
    return NotebookFailed(what, quoted="\n".join([*lines, reason]), fix=fix)
