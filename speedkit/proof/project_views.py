"""A project as the rules of `advice` look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from speedkit.advice import ProjectView
from speedkit.context import IgnorePatterns, Manifest, read_context
from speedkit.errors import SpeedkitError
from speedkit.git_history import Repository, change_counts, manifest_of

from .project_states import file_or_none
from .target import Target

__all__ = ["project_view"]

COUNTED_COMMITS = 200


def project_view(target: Target) -> ProjectView:
    """The Dockerfile and the ignore file as they are in the folder, and the other files as they were committed last.

    Paths are those of the project. Without a history, the files are those that the folder sends as its build context.
    """
    ignore_text = _text(file_or_none(target.folder / target.ignore_file))
    context = target.folder / target.way.context
    files = read_context(context, dockerfile=target.folder / target.way.file)

    def read_in_folder(path: str) -> str | None:
        try:
            return _text(file_or_none(context / path))
        except OSError:
            return None

    read: Callable[[str], str | None] = read_in_folder
    counts: Mapping[str, int] = {}
    commits = 0
    if target.repository is not None:
        files, read = _files_in_history(target, target.repository)
        history = target.repository.commits(COUNTED_COMMITS).commits
        counts, commits = change_counts(history, target.repository.path(target.way.context)), len(history)
    return ProjectView(
        dockerfile=_text(target.dockerfile) or "",
        dockerfile_path=target.way.file,
        files=files,
        read=read,
        context_path="" if target.way.context == "." else target.way.context,
        ignore_file_path=target.ignore_file if ignore_text is not None else "",
        ignore_text=ignore_text or "",
        change_counts=counts,
        commits=commits,
        target=target.way.target,
        build_args=dict(target.way.build_args),
    )


def _files_in_history(target: Target, repository: Repository) -> tuple[Manifest, Callable[[str], str | None]]:
    context = repository.path(target.way.context)
    committed = repository.files(repository.head)
    manifest = manifest_of(committed.tree, context, IgnorePatterns(()), committed.links)

    def read(path: str) -> str | None:
        file = committed.tree.get(f"{context}/{path}" if context else path)
        if file is None or file.is_link or file.is_submodule:
            return None
        try:
            return repository.text(file.blob)
        except SpeedkitError:  # it is no text, or the clone lacks it
            return None

    return manifest, read


def _text(content: bytes | None) -> str | None:
    """Text with lone surrogates for bytes that are no UTF-8; None for no content."""
    return None if content is None else content.decode("utf-8", "surrogateescape")
