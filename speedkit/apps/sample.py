"""The sample apps: a small service in each of several languages, with strategies and edits. That in Go is the article's."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Self

from speedkit.errors import Misuse, NotAFolder
from speedkit.messages import message
from speedkit.shipped import shipped_folder, shipped_places

from .app import App, Strategy
from .edits import Edit
from .probe import Probe
from .samples import GO, LANGUAGES, SampleLanguage
from .working_copy import WorkingCopy, working_copy

__all__ = [
    "SAMPLE_FILES",
    "SAMPLE_LANGUAGES",
    "SAMPLE_SOURCES",
    "SampleApp",
    "language_of",
    "sample_app",
    "sample_edits",
    "sample_folder",
    "sample_strategies",
]

SAMPLE_LANGUAGES = tuple(LANGUAGES)
SAMPLE_SOURCES = frozenset(language.source for language in LANGUAGES.values())
"""The files with the programs."""
SAMPLE_FILES = tuple(name for language in LANGUAGES.values() for name in language.first_files)
"""The files that readers edit, the program of each language before its list of packages."""
PORT = 8080
SECONDS_TO_ANSWER = 60.0
"""Interpreters and virtual machines load many files before a service answers, which takes long on a busy machine."""
MAKE_EXE = ("go", "build", "-buildvcs=false", "-o", "speedup", ".")
"""The command of the target `exe` of the Go app's Makefile, for machines without make."""


def sample_folder(language: str = GO.name) -> Path:
    """The folder with the files of a sample app. Raises: Misuse for a language without one, NotAFolder."""
    if language not in LANGUAGES:
        raise Misuse(
            message("There is no sample app in {language!r}.", language=language),
            fix=message("Use one of: {names}.", names=", ".join(LANGUAGES)),
        )
    places = shipped_places(__file__, LANGUAGES[language].folder_name)
    folder = shipped_folder(places, LANGUAGES[language].source)
    if folder is None:
        raise NotAFolder(places[-1])
    return folder


def language_of(folder: Path) -> SampleLanguage | None:
    """The language whose sample app is in a folder; None for any other folder, and when the kit has no such folder."""
    for language in LANGUAGES.values():
        try:
            if folder == sample_folder(language.name):
                return language
        except NotAFolder:
            continue
    return None


def sample_app(language: str = GO.name) -> SampleApp:
    """A working copy of a sample app, with a cache of its own. Its files may be edited.

    language: `go` is the service of the article; the others are the same service in `python`, `node`, `rust` and `java`.
    Raises: Misuse for another language.
    """
    folder = sample_folder(language)
    return SampleApp.copied(LANGUAGES[language], folder)


def sample_strategies(language: SampleLanguage, folder: Path) -> dict[str, Strategy]:
    """The strategies in the order of the story. folder: with their Dockerfiles, whose first lines are the summaries."""
    strategies = {}
    for name in language.strategies:
        dockerfile = folder / f"Dockerfile.{name}"
        summary = dockerfile.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        host_commands: tuple[tuple[str, ...], ...] = ()
        if name == "host":
            host_commands = (("make", "exe"),) if shutil.which("make") else (MAKE_EXE,)
        strategies[name] = Strategy(name, dockerfile, summary, host_commands)
    return strategies


class SampleApp(App):
    """A sample app. A running image of it can be tested, see `probe`."""

    def __init__(
        self,
        language: SampleLanguage,
        source: Path,
        folder: Path,
        strategies: dict[str, Strategy],
        *,
        private_cache: bool,
        copy: WorkingCopy | None = None,
    ) -> None:
        edits = {edit.name: edit for edit in language.edits()}
        super().__init__(language.folder_name, source, folder, strategies, edits, private_cache=private_cache, copy=copy)
        self.language = language
        # Set-up has made those of the Go app. Those of the others take minutes, so only who builds these apps gets them.
        self.makes_stand_ins = language is not GO
        self.products = language.products

    @classmethod
    def copied(cls, language: SampleLanguage, source: Path) -> Self:
        """A working copy of the sample app of a language. source: its folder."""
        copy = working_copy(source, [strategy.dockerfile for strategy in sample_strategies(language, source).values()])
        for product in language.products:
            (copy.folder / product).unlink(missing_ok=True)
        return cls(language, source, copy.folder, sample_strategies(language, copy.folder), private_cache=True, copy=copy)

    @property
    def probe(self) -> Probe:
        """A request to `/echo`. The answer must have the field that the sources name now, as an edit may rename it."""
        text = (self.folder / self.language.source).read_text(encoding="utf-8", errors="replace")
        field = self.language.answer_field.search(text)
        return Probe(PORT, "/echo?text=speedkit", field[1] if field else "text", "speedkit", SECONDS_TO_ANSWER)


def sample_edits() -> tuple[Edit, ...]:
    """The ready-made edits of the sample app in Go. Those of the others have the same names and titles."""
    return GO.edits()
