"""Shows a running build in a notebook's output, and finished builds as HTML. Does nothing elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from speedkit.model import Build
from speedkit.rendering import build_html

if TYPE_CHECKING:
    from .running_build import RunningBuild

__all__ = ["watch_in_notebook"]

FRAME_SECONDS = 0.2


def watch_in_notebook(running: RunningBuild) -> None:
    """Show a running build below the cell until it is done, when this is a notebook; its last state stays there."""
    shell = notebook_shell()
    if shell is None:
        return
    from IPython.display import HTML, display

    shell.display_formatter.formatters["text/html"].for_type(Build, build_html)
    handle = display(HTML(build_html(running.snapshot())), display_id=True)
    while not running.done:
        handle.update(HTML(build_html(running.wait_briefly(FRAME_SECONDS))))
    handle.update(HTML(build_html(running.snapshot())))


def notebook_shell() -> Any | None:
    """IPython's shell in a notebook's kernel, else None."""
    # Looked up and not imported: outside of notebooks, nothing needs IPython.
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return shell if shell is not None and hasattr(shell, "kernel") else None
