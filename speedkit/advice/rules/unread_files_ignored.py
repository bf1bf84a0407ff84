"""Files that the build never reads, such as those of CI and the documentation, are kept out of the build context."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from speedkit.messages import join_names, message

from ..build_plan import BuildPlan
from ..git_use import reads_history, settings_texts
from ..ignored_files import copies_of_everything, is_named, other_dockerfiles, with_ignored
from ..rule import Change

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["GROUP", "change"]

GROUP = "context"
_NEVER_READ = re.compile(
    r"\.github|\.gitlab|\.gitlab-ci\.ya?ml|\.circleci|\.travis\.ya?ml|\.woodpecker(?:\.ya?ml)?|\.drone\.ya?ml|azure-pipelines\.ya?ml|"
    r"\.vscode|\.idea|\.devcontainer|\.pre-commit-config\.ya?ml|renovate\.json5?|\.renovaterc(?:\.json)?|\.codecov\.ya?ml|"
    r"codecov\.ya?ml|(?:docker-)?compose[\w.-]*\.ya?ml|\.golangci\.ya?ml|CODEOWNERS|\.claude|\.cursor|\.cursorrules|\.changeset"
)
"""Files and folders at the top that are for people and services, never for a compiler."""
_DOCUMENTS = re.compile(r"[\w.-]+\.(?:md|rst|adoc)|LICENSE|docs?|screenshots|AUTHORS|CHANGELOG|CONTRIBUTING")
"""Those that a build may read: they are searched in all sources before."""
_SOURCE = re.compile(
    r".*\.(?:go|rs|xml|[cm]?[jt]sx?|vue|svelte|astro|py|java|kts?|scala|rb|php|html|ya?ml|toml|json|cfg|sh|proto|tmpl)"
)
_MOST_SOURCES = 2000
_LARGEST_BYTES = 500_000


def change(plan: BuildPlan) -> Change | None:
    copies = copies_of_everything(plan)
    if not copies:
        return None
    tops = dict.fromkeys(entry.path.partition("/")[0] for entry in plan.view.sent.entries)
    names = [name for name in tops if _NEVER_READ.fullmatch(name) or _DOCUMENTS.fullmatch(name)]
    names = [name for name in names if _changes(plan, name) and not is_named(plan, name)]
    for step, folder in copies:
        if step.keyword != "RUN":
            names = [name for name in names if not plan.leaves(step.stage, posixpath.join(folder, name))]
        readers = [stage.index for stage in plan.stages if step.stage in plan.base_chain(stage.index)]
        # A missing file makes the working tree "modified", which some programs have in their version.
        if names and not plan.view.ignores(".git") and any(reads_history(plan, stage) for stage in readers):
            return None
    if any(_packs(plan, step.stage) for step, _ in copies):
        names = [name for name in names if _NEVER_READ.fullmatch(name)]
    if not names:
        return None
    texts = [*other_dockerfiles(plan), *settings_texts(plan)]
    sources = list(_sources(plan, names)) if any(_DOCUMENTS.fullmatch(name) for name in names) else []
    names = [
        name
        for name in names
        if not any(_is_read(name, text) for text in (texts if _NEVER_READ.fullmatch(name) else [*texts, *sources]))
    ]
    if not names:
        return None
    because = message("No step reads {names}, but the steps ran again when one of them changed.", names=join_names(names))
    return with_ignored(plan, sorted(names), because)


def _packs(plan: BuildPlan, stage: int | None) -> bool:
    """Whether a stage, or one that starts from it, makes a package, which has a README and a LICENSE without naming them."""
    runs = [run for run in plan.instructions("RUN") if stage in plan.base_chain(run.stage or 0)]
    words = re.compile(r"\b(?:pack|deploy|publish|pip[\d.]*|uv|poetry|pdm|hatch|flit|python[\d.]*|gem)\b")
    return any(words.search(" ".join(command.words[:4])) for run in runs for command in plan.commands(run))


def _changes(plan: BuildPlan, name: str) -> bool:
    if not plan.view.commits:
        return True
    return any(count and (path == name or path.startswith(f"{name}/")) for path, count in plan.view.change_counts.items())


def _is_read(name: str, text: str) -> bool:
    """Whether a text names a file; a folder's name counts only as part of a path, since `docs` is a word as well."""
    if re.search(r"go:embed\s+(?:.*\s)?(?:all:)?(?:\*|\.)(?:\s|$)", text):
        return True
    word = re.escape(name)
    if name in ("doc", "docs", "screenshots"):
        return re.search(rf"""(?:['"`/\s=]|\.\./|\./){word}(?:/|['"`])|go:embed.*\b{word}\b""", text) is not None
    return re.search(rf"(?<![\w/.-]){word}(?![\w-])|[./]{word}(?![\w-])", text) is not None


def _sources(plan: BuildPlan, names: Sequence[str]) -> Iterator[str]:
    """The texts of all sources. names: files and folders that do not count."""
    left_out = {*names, ".yarn"}
    entries = [
        entry
        for entry in plan.view.sent.entries
        if entry.kind == "file" and _SOURCE.fullmatch(entry.path.rpartition("/")[2])
        if entry.path.partition("/")[0] not in left_out
    ]
    if len(entries) > _MOST_SOURCES:
        # Too many to be searched: each name counts as read.
        yield " ".join(entry.path.partition("/")[0] for entry in plan.view.sent.entries)
        return
    if plan.view.read_ahead is not None:
        plan.view.read_ahead([entry.path for entry in entries])
    for entry in entries:
        if entry.size_bytes <= _LARGEST_BYTES:
            yield plan.view.text_of(entry.path) or ""
