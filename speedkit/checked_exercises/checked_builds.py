"""The builds of a check: of a copy of the learner's folder, with edits that the learner did not see.

The copy is a private one, so nothing that the learner typed is touched. All builds share the cache of the learner's own builds
in this process. Each edit differs from all others: a step that finds the result of an earlier edit would look cached. A build
whose answer is clear before its end is ended there: a learner should not wait a minute for a no.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Self

from speedkit.apps import App, Strategy, own_app
from speedkit.builders import EngineBuilder
from speedkit.builds import BuildOptions, MeasuredBuilds, RunningBuild, start_on_builder
from speedkit.engine import NO_OPTIONS, CommandOptions, CommandRun, Engine, layers_of, note_build, run_in_image
from speedkit.errors import EngineLost
from speedkit.history import explain
from speedkit.messages import message
from speedkit.model import Build, Step

from .task import DOCKERFILE

if TYPE_CHECKING:
    from speedkit.images import Image
    from speedkit.rendering import Reason

__all__ = ["CheckCancelled", "CheckedBuild", "CheckedBuilds", "downloads_in", "it_downloads", "it_runs"]

LOOK_SECONDS = 0.1
RUN_SECONDS = 20.0
DOWNLOAD = re.compile(r"\bgo mod download\b")
DOWNLOADED = re.compile(r"^go: downloading \S+ v\S+|^# get https?://\S+\.zip: 200\b", re.MULTILINE)
"""What `go build`, and `go mod download -x`, print for a module that they fetch."""
COMMENTS = {".go": "// {mark}", ".md": "{mark}", ".txt": "{mark}", ".js": "// {mark}", ".rs": "// {mark}", ".java": "// {mark}"}
"""A line that changes a file and nothing else, by the ending of its name; `# …` for others."""


class CheckCancelled(Exception):
    """The reader ended the check."""


@dataclass(frozen=True)
class CheckedBuild:
    """A finished build of a check.

    when: a few words for the beginning of a sentence, such as `After an edit of main.go`. is_cut: it was ended early, because
    of what it did until then.
    """

    build: Build
    when: str
    engine: Engine
    is_cut: bool = False

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """The state of each step and its cause, compared with the build before."""
        return explain(self.build).steps

    @cached_property
    def image(self) -> Image:
        """The layers and files of the image. Raises: EngineError."""
        return layers_of(self.build, engine=self.engine)

    def run(self, *command: str) -> CommandRun:
        """The end of a command in the image, without network; without words, of the image's own. Raises: EngineError."""
        arguments = list(command) or None
        entrypoint: list[str] | None = [] if command else None
        return run_in_image(self.engine, str(self.build.image), entrypoint=entrypoint, command=arguments, seconds=RUN_SECONDS)


class CheckedBuilds:
    """The builds of one check, made while the block runs; then their images and the copy are removed.

    app: the learner's working copy. on_begin: gets a few words when a build begins.
    """

    def __init__(self, engine: Engine, app: App, *, on_begin: Callable[[str], None] = lambda _: None) -> None:
        self._engine, self._app, self._on_begin = engine, app, on_begin
        self._measured = MeasuredBuilds(engine)
        self._running: RunningBuild | None = None
        self._is_cancelled = False
        self._cache = app.cache_of(DOCKERFILE)
        self._stack = ExitStack()
        self.builds: list[CheckedBuild] = []

    def __enter__(self) -> Self:
        self._copy = self._stack.enter_context(own_app(self._app.folder, DOCKERFILE))
        self._stack.callback(self._measured.remove_images)
        self._stack.enter_context(note_build(self._engine, f"speedkit/exercise:{secrets.token_hex(6)}"))
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def cancel(self) -> None:
        """End the check, from another thread."""
        self._is_cancelled = True
        if self._running is not None:
            self._running.cancel()

    # The copy

    @property
    def folder(self) -> Path:
        """The copy that is built."""
        return self._copy.folder

    def edit(self, path: str) -> str:
        """Add a line that changes nothing else to a file. Out: `an edit of PATH`, for sentences."""
        comment = COMMENTS.get(Path(path).suffix, "# {mark}").format(mark=f"checked {secrets.token_hex(6)}")
        text = self._copy.read(path)
        self._copy.write(path, f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{comment}\n")
        return message("an edit of {path}", path=path)

    def add(self, path: str, text: str = "") -> str:
        """Make a file, or replace it. text: "" for a line that no other file has. Out: `a new file PATH`, for sentences."""
        self._copy.write(path, text or f"{secrets.token_hex(16)}\n")
        return message("a new file {path}", path=path)

    def touch(self, path: str) -> str:
        """Give a file a newer time. Out: a few words for sentences, as of `edit`."""
        os.utime(self.folder / path)
        return message("a new time of {path}", path=path)

    def make_read_only(self, path: str) -> str:
        """Take everybody's right to write away from a file. Out: a few words for sentences, as of `edit`."""
        (self.folder / path).chmod(0o444)
        return message("a new mode of {path}", path=path)

    def put_back(self, path: str) -> str:
        """Give a file the learner's content again. Out: a few words for sentences, as of `edit`."""
        self._copy.reset(path)
        return message("putting {path} back", path=path)

    def first_text(self, path: str) -> str:
        """The text of a file as the learner got it."""
        return (self._app.source / path).read_text(encoding="utf-8")

    def read(self, path: str) -> str:
        """The text of a file. Raises: FileRefused."""
        return self._copy.read(path)

    def replace(self, path: str, text: str) -> str:
        """Write another text into a file. Out: `an edit of PATH`, for sentences. Raises: FileRefused."""
        self._copy.write(path, text)
        return message("an edit of {path}", path=path)

    @contextmanager
    def secret_file(self, text: str) -> Iterator[Path]:
        """The path of a file outside of the build context, with a text, for `--secret`. The block's end removes it."""
        with TemporaryDirectory(prefix="speedkit-") as folder:
            place = Path(folder) / "secret"
            place.write_text(text)
            yield place

    # Builds

    def start_cold(self) -> None:
        """Let the next build find nothing in the cache, and no file in cache mounts; those after it share its cache."""
        self._cache = _new_cache()

    def build(
        self,
        change: str = "",
        *,
        target: str | None = None,
        build_args: Mapping[str, str] | None = None,
        cold: bool = False,
        dockerfile: str | None = None,
        options: CommandOptions = NO_OPTIONS,
        when: str = "",
        until: Callable[[Step, str], bool] | None = None,
    ) -> CheckedBuild:
        """A build of the copy as it is now.

        change: what `edit` or `add` gave; "" for the learner's files as they are. cold: nothing is cached. dockerfile: the text
        of another Dockerfile, in place of the learner's. when: other words for the beginning of sentences.
        until: ends the build early, once it is true of a step that runs and its log, see `it_runs` and `it_downloads`.
        Raises: CheckCancelled, EngineError, DiskFull; NoDockerfile, FileRefused.
        """
        if self._is_cancelled:
            raise CheckCancelled
        strategy = self._app.strategy(DOCKERFILE)
        place = self.folder / DOCKERFILE if dockerfile is None else self._copy.keep_dockerfile("check", dockerfile)
        strategy = Strategy(DOCKERFILE, place, strategy.summary, strategy.host_commands)
        how = BuildOptions(
            # The recording has the edit's name, for `speedkit history`.
            edit=f"change {len(self.builds)}" if change or when else "none",
            isolation=_new_cache() if cold else self._cache,
            target=target,
            build_args=dict(build_args or {}),
            options=options,
        )
        app = App(f"{self._app.name}, check", self._app.source, self.folder, {DOCKERFILE: strategy}, {}, private_cache=False)
        if not when:
            when = message("After {change}", change=change) if change else message("With your files as they are")
        self._on_begin(when)
        self._running = start_on_builder(EngineBuilder(self._engine), app, strategy, how)
        if self._is_cancelled:
            self._running.cancel()
        is_cut = until is not None and self._was_cut(self._running, until)
        build = self._measured.finished(self._running)
        if self._is_cancelled or (build.outcome == "cancelled" and not is_cut):
            raise CheckCancelled
        if build.outcome == "broken":
            raise EngineLost(build.error or message("The engine went away."))
        checked = CheckedBuild(build, when, self._engine, is_cut=build.outcome == "cancelled")
        self.builds.append(checked)
        return checked

    @staticmethod
    def _was_cut(running: RunningBuild, until: Callable[[Step, str], bool]) -> bool:
        """Whether a build was ended early; waits until it ends."""
        try:
            while not running.done:
                for step in running.wait_briefly(LOOK_SECONDS).instructions:
                    if step.ran and until(step, b"".join(running.log_chunks(step.digest or "")).decode(errors="replace")):
                        running.cancel()
                        return True
        except BaseException:
            running.stop()
            raise
        return False


def _new_cache() -> str:
    return f"{secrets.token_hex(6)}-{DOCKERFILE}"


def it_runs(step: Step, log: str) -> bool:  # noqa: ARG001
    """Ends a build as soon as a step runs."""
    # FROM counts as running while BuildKit looks for the base image, whether it is there or not.
    return not step.instruction.upper().startswith("FROM ")


def it_downloads(step: Step, log: str) -> bool:
    """Ends a build as soon as a Go module is downloaded, or may be."""
    return downloads_in(step.instruction, log)


def downloads_in(instruction: str, log: str) -> bool:
    """Whether a step that ran downloads Go modules."""
    # Without its flag -x, `go mod download` names no module; where it runs and has no cache mount, it fetches all of them.
    is_silent = bool(DOWNLOAD.search(instruction)) and "--mount=type=cache" not in instruction
    return is_silent or bool(DOWNLOADED.search(log))
