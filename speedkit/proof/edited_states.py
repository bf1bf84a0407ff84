"""The states of a project without a history: its files as they are, and then with an edit of one source file after another."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path, PurePosixPath

from speedkit.context import Manifest, read_context
from speedkit.messages import message
from speedkit.projects import Way

from .project_copy import copy_context
from .project_states import CONTEXT, ProjectState

__all__ = ["EditedStates"]

EDITS_AT_MOST = 3
LARGEST_EDITED_BYTES = 1_000_000
SOURCES = frozenset(
    {
        ".go",
        ".js",
        ".jsx",
        ".mjs",
        ".cjs",
        ".ts",
        ".tsx",
        ".vue",
        ".svelte",
        ".py",
        ".rs",
        ".java",
        ".kt",
        ".scala",
        ".rb",
        ".php",
    }
    | {
        ".c",
        ".cc",
        ".cpp",
        ".h",
        ".hpp",
        ".cs",
        ".swift",
        ".ex",
        ".exs",
        ".clj",
        ".css",
        ".scss",
        ".html",
        ".sh",
        ".sql",
        ".proto",
    }
)
NOT_SOURCES = ("test", "vendor", "node_modules", "config", ".git", "dist", "third_party", "setup.py", "build.rs", "conftest")
"""Parts of the paths of files that people seldom edit: dependencies, tests, settings of builds."""


class EditedStates:
    """A project as it is in its folder, then with an empty line at the end of one source file after another.

    An empty line at the end is allowed in every language.
    """

    has_history = False

    def __init__(self, project: Path, way: Way, *, count: int) -> None:
        self._project, self._way = project, way
        self._count = max(min(count, EDITS_AT_MOST), 1)

    @cached_property
    def _context(self) -> Manifest:
        return read_context(self._project / self._way.context, dockerfile=self._project / self._way.file)

    @cached_property
    def states(self) -> tuple[ProjectState, ...]:
        start = ProjectState("edit", "as-is", message("the files as they are in the folder"))
        edits = [
            ProjectState("edit", name, message("an empty line at the end of {name}", name=name))
            for name in self._edited_files()
        ]
        return (start, *edits)

    def _edited_files(self) -> list[str]:
        """Source files of the build context, those that were changed last first."""
        candidates = [
            entry
            for entry in self._context.entries
            if entry.kind == "file"
            and 0 < entry.size_bytes <= LARGEST_EDITED_BYTES
            and PurePosixPath(entry.path).suffix.lower() in SOURCES
            and not any(part in entry.path.lower() for part in NOT_SOURCES)
        ]
        if not candidates:
            # Without a source file, any other text will do. A Dockerfile will not: it is the file that the proof changes.
            candidates = [
                entry
                for entry in self._context.entries
                if entry.kind == "file"
                and PurePosixPath(entry.path).suffix.lower() in (".txt", ".md", ".yml", ".yaml", ".toml")
            ]
        # People edit what they edited last.
        candidates.sort(key=lambda entry: (-entry.mtime_ns, entry.path))
        return [entry.path for entry in candidates[: self._count]]

    def write(self, state: ProjectState, folder: Path, *, time_ns: int) -> None:
        context = folder / CONTEXT
        if not context.exists():
            copy_context(self._project, self._way, self._context, folder, time_ns=time_ns)
        if state.kind == "edit" and state != self.states[0]:
            edited = context / state.id
            text = edited.read_bytes()
            mode = edited.stat().st_mode
            # A new file, as the other folders have hard links to the old one (see `ProjectFolder.become`).
            edited.unlink()
            edited.write_bytes(text + (b"\n" if text.endswith(b"\n") else b"\n\n"))
            edited.chmod(mode)
            os.utime(edited, ns=(time_ns, time_ns))
