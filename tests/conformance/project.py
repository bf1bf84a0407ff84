"""A small project that can be built: a Dockerfile, files, and what is asked of the build."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from dataclasses import dataclass, field, replace
from pathlib import Path

__all__ = ["File", "Project", "StageText", "write_project"]


@dataclass(frozen=True)
class File:
    """One path of the context. kind: file, dir, symlink or archive.

    content: of a file, of the one file in an archive, or where a symlink points. same_time: written without the time of
    change moving, as BuildKit does not notice.
    """

    content: str = ""
    mode: int = 0o644
    kind: str = "file"
    touched: int = 0
    same_time: bool = False


@dataclass(frozen=True)
class StageText:
    """One stage as text. lines: everything after FROM, an instruction each (which may span lines)."""

    name: str
    base: str
    lines: tuple[str, ...] = ()

    def text(self) -> str:
        opening = f"FROM {self.base}" + (f" AS {self.name}" if self.name else "")
        return "\n".join([opening, *self.lines])


@dataclass(frozen=True)
class Project:
    """options: of the build command. extra: the content of the one file in the named context `extra`.

    line_end: of the Dockerfile. linked: where it is a symlink, what that says; "chain" leads there by another one.
    edit: a name for what made it of the project before.
    """

    stages: tuple[StageText, ...]
    files: dict[str, File]
    head: tuple[str, ...] = ()
    build_args: dict[str, str] = field(default_factory=dict)
    target: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    extra: str = "extra"
    line_end: str = "\n"
    linked: str = ""
    edit: str = ""

    def dockerfile(self) -> str:
        text = "\n".join([*self.head, *(stage.text() for stage in self.stages)]) + "\n"
        return text.replace("\n", self.line_end)

    def write(self, folder: Path, before: Project | None) -> None:
        write_project(folder, self, before)

    def with_stage(self, index: int, stage: StageText) -> Project:
        return replace(self, stages=(*self.stages[:index], stage, *self.stages[index + 1 :]))

    def with_files(self, **changed: File | None) -> Project:
        return self.with_paths(changed)

    def with_paths(self, changed: dict[str, File | None]) -> Project:
        files = {**self.files, **changed}
        return replace(self, files={path: entry for path, entry in files.items() if entry is not None})


def write_project(folder: Path, project: Project, before: Project | None) -> None:
    """Makes a folder hold exactly the project's files. What did not change keeps its time of change."""
    old = before.files if before is not None else {}
    for path in sorted(old, reverse=True):
        new = project.files.get(path)
        if new is None or new.kind != old[path].kind:
            _remove(folder / path)
    for path in sorted(project.files):
        if old.get(path) != project.files[path] or not os.path.lexists(folder / path):
            _write(folder / path, project.files[path], old.get(path))
    for path, entry in project.files.items():
        if entry.kind == "dir":
            (folder / path).chmod(entry.mode)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


def _write(path: Path, entry: File, old: File | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if entry.kind == "dir":
        path.mkdir(exist_ok=True)
    elif entry.kind == "symlink":
        if os.path.lexists(path):
            path.unlink()
        path.symlink_to(entry.content)
    else:
        same = old is not None and (old.kind, old.content, old.touched) == (entry.kind, entry.content, entry.touched)
        before = path.stat() if entry.same_time and path.exists() else None
        if not (same and path.exists()):
            path.write_bytes(_archive(entry.content) if entry.kind == "archive" else entry.content.encode())
        path.chmod(entry.mode)
        if before is not None:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _archive(content: str) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        member = tarfile.TarInfo("inside.txt")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content.encode()))
    return written.getvalue()
