"""Cases of the rules of advice: folders, so that a new one needs no code.

`rules/<rule>/<case>/` holds `before/`, a repository with a Dockerfile, and `after/`, the files that the rule changes as they
are then. Without `after/`, the rule has nothing to say. In `rules/silent/<case>/`, no rule has. The file `history` beside them
has a line `100 commits`, and for files that changed lines such as `40 src/index.js`; without it, all files may change. The file
`target` names the stage to build.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from speedkit.advice import ProjectView
from speedkit.context import Entry, Manifest

CASES = Path(__file__).with_name("rules")


@dataclass(frozen=True)
class RuleCase:
    rule: str
    folder: Path

    @property
    def view(self) -> ProjectView:
        before = self.folder / "before"
        changes = read_history(self.folder / "history")
        target = self.folder / "target"
        return view_of(before, changes, target.read_text().strip() if target.exists() else None)

    @property
    def after(self) -> dict[str, str] | None:
        """By path, the files that the rule changes; None where it has nothing to say."""
        folder = self.folder / "after"
        if not folder.is_dir():
            return None
        return {path.relative_to(folder).as_posix(): read(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def read_history(path: Path) -> dict[str, int]:
    """By path, in how many commits it changed; the number of all commits by the path ""."""
    lines = path.read_text().splitlines() if path.exists() else []
    counts = (line.partition(" ") for line in lines)
    return {"" if name == "commits" else name: int(count) for count, _, name in counts}


def view_of(folder: Path, changes: dict[str, int], target: str | None = None) -> ProjectView:
    entries = []
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).parts):
        name = path.relative_to(folder).as_posix()
        kind = "dir" if path.is_dir() else "file"
        size = path.stat().st_size if kind == "file" else 0
        entries.append(Entry(name, kind, size, stat.S_IMODE(path.stat().st_mode), "", ""))
    ignore_file = folder / ".dockerignore"
    return ProjectView(
        dockerfile=read(folder / "Dockerfile"),
        dockerfile_path="Dockerfile",
        files=Manifest(tuple(entries)),
        read=lambda path: read(folder / path) if (folder / path).is_file() else None,
        ignore_file_path=".dockerignore" if ignore_file.exists() else "",
        ignore_text=read(ignore_file) if ignore_file.exists() else "",
        change_counts={path: count for path, count in changes.items() if path},
        commits=changes.get("", 0),
        target=target,
    )


def all_cases() -> list[RuleCase]:
    return [RuleCase(folder.parent.name, folder) for folder in sorted(CASES.glob("*/*")) if folder.is_dir()]
