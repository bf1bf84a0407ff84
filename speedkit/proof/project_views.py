"""A project as the rules of `advice` look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from speedkit.advice import ProjectView
from speedkit.context import IgnorePatterns, read_context
from speedkit.errors import SpeedkitError
from speedkit.git_history import Repository, change_counts, manifest_of

from .project_states import file_or_none
from .proof_project import ProofProject

__all__ = ["project_view"]

COUNTED_COMMITS = 200
READ_AT_ONCE = 100


def project_view(target: ProofProject) -> ProjectView:
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
    read_ahead: Callable[[Sequence[str]], None] | None = None
    counts: Mapping[str, int] = {}
    commits = 0
    if target.repository is not None:
        committed = _CommittedFiles(target, target.repository)
        files, read, read_ahead = committed.manifest, committed.read, committed.read_ahead
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
        read_ahead=read_ahead,
    )


class _CommittedFiles:
    """The build context as it was committed last. A file is read once: each reading is a process of git."""

    def __init__(self, target: ProofProject, repository: Repository) -> None:
        self._repository = repository
        self._context = repository.path(target.way.context)
        committed = repository.files(repository.head)
        self._tree = committed.tree
        self.manifest = manifest_of(committed.tree, self._context, IgnorePatterns(()), committed.links)
        self._texts: dict[str, str | None] = {}

    def read(self, path: str) -> str | None:
        blob = self._blob(path)
        if blob is not None and blob not in self._texts:
            try:
                self._texts[blob] = self._repository.text(blob)
            except SpeedkitError:  # it is no text, or the clone lacks it
                self._texts[blob] = None
        return None if blob is None else self._texts[blob]

    def read_ahead(self, paths: Sequence[str]) -> None:
        """Reads files with few processes."""
        blobs = [blob for path in paths if (blob := self._blob(path)) is not None and blob not in self._texts]
        for start in range(0, len(blobs), READ_AT_ONCE):
            # One that cannot be read is found out by `read`.
            with suppress(SpeedkitError):
                self._texts |= self._repository.texts(blobs[start : start + READ_AT_ONCE])

    def _blob(self, path: str) -> str | None:
        file = self._tree.get(f"{self._context}/{path}" if self._context else path)
        return None if file is None or file.is_link or file.is_submodule else file.blob


def _text(content: bytes | None) -> str | None:
    """Text with lone surrogates for bytes that are no UTF-8; None for no content."""
    return None if content is None else content.decode("utf-8", "surrogateescape")
