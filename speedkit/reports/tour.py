"""Executes the notebooks in order with real builds, and writes the report."""

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
from speedkit.lessons import TOUR_VARIABLE, notebook_content, notebooks_folder, notebooks_in
from speedkit.messages import message
from speedkit.model import Build
from speedkit.ownership import scratch_folder
from speedkit.state import open_private, private_folder
from speedkit.words import seconds_text

from .lock import locked
from .page_file import write_page
from .tour_page import Chapter, page

__all__ = ["Tour", "run_tour"]

CELL_SECONDS = 1800
COMPARISON = "06_compare"
"""The notebook that shows the builds of all notebooks before it."""
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
        """The builds that failed, without those of the edit that breaks the program on purpose."""
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

    quick: only the notebooks that are marked as quick. full: every strategy is built under every edit, before the comparison.
    session: the name under which the builds are recorded. say: gets lines of progress.
    folder: with the notebooks; None is the kit's own.
    Raises: NotebookFailed with the failing cell, StateBusy when another tour writes to the same folder, FileRefused when the
    folder cannot be written.
    """
    import nbformat

    began = time.monotonic()
    name = session or f"tour-{uuid.uuid4().hex[:8]}"
    paths = notebooks_in(folder or notebooks_folder())
    # A folder that cannot be written ends the tour here, not after minutes of builds.
    lock = out / ".tour-lock"
    try:
        private_folder(out)
        open_private(lock, "ab").close()
    except OSError as problem:
        raise _refused(out, problem) from None
    with locked(lock), scratch_folder() as work_folder:
        chapters, left_out = [], []
        kind = "full" if full else "usual"
        for path in paths:
            notebook = nbformat.reads(notebook_content(path).decode(), as_version=4)
            if quick and not notebook.metadata.get("speedkit", {}).get("quick"):
                left_out.append(path.stem)
                continue
            if full and path.stem == COMPARISON:
                _build_missing_edits(name, say)
            chapters.append(_execute(path, notebook, work_folder, {"SPEEDKIT_SESSION": name, TOUR_VARIABLE: kind}, say))
        builds = tuple(recorded_builds(session=name))
        write_page(out / "index.html", page(chapters, builds, left_out=left_out))
    return Tour(builds, out / "index.html", time.monotonic() - began, tuple(left_out))


def _build_missing_edits(session: str, say: Callable[[str], None]) -> None:
    """Build the sample app with every strategy under each edit for which the session has no build."""
    built = {(build.strategy, build.edit) for build in recorded_builds(session=session)}
    with sample_app() as app, _session(session):
        for strategy in app.strategies:
            missing = [edit for edit in (COLD, *app.edits) if (strategy, edit) not in built]
            if missing:
                say(f"{strategy}: {', '.join(missing)}")
                compare(app, [strategy], missing)


@contextmanager
def _session(name: str) -> Iterator[None]:
    """Record builds of this process under the session's name, as the kernels of the notebooks do."""
    before = os.environ.get("SPEEDKIT_SESSION")
    os.environ["SPEEDKIT_SESSION"] = name
    try:
        yield
    finally:
        os.environ.pop("SPEEDKIT_SESSION")
        if before is not None:
            os.environ["SPEEDKIT_SESSION"] = before


def _refused(out: Path, problem: OSError) -> FileRefused:
    return FileRefused(
        message("The report cannot be written to {folder}: {problem}.", folder=out, problem=problem.strerror),
        fix=message("Choose another folder with --out."),
    )


def _execute(path: Path, notebook: Any, work_folder: Path, variables: dict[str, str], say: Callable[[str], None]) -> Chapter:
    """The notebook with the outputs of its cells.

    work_folder, variables: in which its kernel runs, and those that are set there. Raises: NotebookFailed.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    from .kernel import own_kernel

    began, kernel = time.monotonic(), own_kernel()
    client = NotebookClient(
        notebook,
        km=kernel,
        timeout=CELL_SECONDS,
        resources={"metadata": {"path": str(work_folder)}},
        store_widget_state=False,
    )
    # A task of nbclient may ask for the kernel after nbclient shut it down. asyncio then logs an error that helps nobody.
    asyncio_log, is_news = logging.getLogger("asyncio"), lambda _record: not kernel.was_shut_down
    asyncio_log.addFilter(is_news)
    try:
        # A kernel prints messages about itself to stderr, such as how to connect to it. They are not for the reader.
        client.execute(cleanup_kc=True, env=os.environ | variables, stderr=subprocess.DEVNULL)
    except CellExecutionError as problem:
        raise _failed(path, notebook, f"{problem.ename}: {problem.evalue}") from None
    except CellTimeoutError:
        reason = message("It ran for more than {seconds}.", seconds=seconds_text(CELL_SECONDS))
        raise _failed(path, notebook, reason) from None
    except (DeadKernelError, AssertionError, AttributeError):
        # On Ctrl-C, nbclient shuts the kernel down and then raises one of these, because the kernel is gone.
        if kernel.was_shut_down:
            # The filter stays: asyncio logs its error when the task is collected, at the very end of this process.
            raise KeyboardInterrupt from None
        fix = message("The usual cause is too little memory: close other programs and repeat the tour.")
        raise _failed(path, notebook, message("The Python of its kernel ended in the middle of this cell."), fix=fix) from None
    asyncio_log.removeFilter(is_news)
    seconds = time.monotonic() - began
    say(f"{path.stem}: {seconds_text(seconds)}")
    return Chapter(path.stem, notebook, seconds)


def _failed(path: Path, notebook: Any, reason: str, *, fix: str = "") -> NotebookFailed:
    """The error with the failing cell and its number among the code cells. It is the last cell that began to run."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    begun = [number for number, cell in enumerate(cells, 1) if "execution" in cell.metadata or cell.outputs]
    if not begun:
        what = message("{notebook}, before its first cell:", notebook=path.name)
        return NotebookFailed(what, quoted=reason, fix=fix)
    lines = [f"    {line}" for line in cells[begun[-1] - 1].source.splitlines()[:QUOTED_LINES]]
    what = message("{notebook}, code cell {number}:", notebook=path.name, number=begun[-1])
    return NotebookFailed(what, quoted="\n".join([*lines, reason]), fix=fix)
