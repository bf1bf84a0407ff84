"""The sample app of one language, as facts: its files, strategies and edits."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from speedkit.errors import EditDoesNotApply
from speedkit.messages import join_names, message

from ..edits import RESET, Edit, append_line, nothing, replace_texts, touch
from ..text_files import read_text, write_text

__all__ = ["BROKEN_ON_PURPOSE", "SampleLanguage"]

BROKEN_ON_PURPOSE = "break"
"""The edit after which every build fails."""
Replacements = tuple[tuple[str, str], ...]
"""Old and new text, pair by pair."""


@dataclass(frozen=True, slots=True)
class SampleLanguage:
    """The sample app of one language.

    source: the file with the program; all edits of the program change it. first_files: those that a reader edits, in the order
    of their tabs. strategies: in the order of the story. answer_field: a pattern whose group is the field of the answer in the
    source. products: files that builds on the host make.
    rename_field, broken: changes of the source. comment_after, comment_mark: an existing line of it, and what begins a comment.
    package, package_changes: the dependency that an edit adds, and the changes of all files for it, the source first.
    """

    name: str
    source: str
    first_files: tuple[str, ...]
    strategies: tuple[str, ...]
    answer_field: re.Pattern[str]
    rename_field: Replacements
    broken: Replacements
    comment_after: str
    comment_mark: str
    package: str
    package_changes: Mapping[str, Replacements] = field(hash=False)
    products: frozenset[str] = frozenset()

    @property
    def folder_name(self) -> str:
        return f"sample_{self.name}_app"

    def edits(self) -> tuple[Edit, ...]:
        """The ready-made edits, with all their words. A new edit is one more entry here."""
        readme = append_line("README.md", "A line that no program reads.", called="readme")
        _, *lists = self.package_changes
        return (
            nothing(),
            touch(self.source),
            Edit(
                "comment",
                message("a comment in {file}: the same code", file=self.source),
                self._comment,
                title=message("a comment added"),
                heading=message("comment added"),
            ),
            Edit(
                "rename-field",
                message("text becomes message in the answer"),
                lambda folder: replace_texts(folder, {self.source: self.rename_field}),
                title=message("a field renamed"),
                heading=message("field renamed"),
            ),
            replace(readme, title=message("the README edited"), heading=message("README edited")),
            Edit(
                "add-dependency",
                message("a new import, with {files}", files=join_names(lists)),
                self._add_dependency,
                title=message("a dependency added"),
                heading=message("dependency added"),
            ),
            Edit(
                BROKEN_ON_PURPOSE,
                message("a compile error in {file}", file=self.source),
                lambda folder: replace_texts(folder, {self.source: self.broken}),
                title=message("a compile error"),
                heading=message("compile error"),
            ),
        )

    def _comment(self, folder: Path) -> tuple[str, ...]:
        # A new comment each time, as the same comment would be no change. It is on an existing line: a new line would move the
        # line numbers behind it, which compilers write into programs.
        text = read_text(folder, self.source)
        line = re.search(rf"^{re.escape(self.comment_after)}.*$", text, re.MULTILINE)
        if line is None:
            raise EditDoesNotApply(
                message("{name} no longer holds {old!r}.", name=self.source, old=self.comment_after), fix=message(RESET)
            )
        comment = f"{self.comment_after} {self.comment_mark} comment {uuid.uuid4().hex[:8]}"
        write_text(folder, self.source, text.replace(line[0], comment, 1))
        return (self.source,)

    def _add_dependency(self, folder: Path) -> tuple[str, ...]:
        list_of_packages = list(self.package_changes)[1]
        if self.package in read_text(folder, list_of_packages):
            raise EditDoesNotApply(
                message("{file} already requires {package}.", file=list_of_packages, package=self.package), fix=message(RESET)
            )
        return replace_texts(folder, self.package_changes)
