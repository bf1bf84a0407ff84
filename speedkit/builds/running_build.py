"""One real build, from request to recording: `build` waits for it, `start_build` lets one watch and cancel it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from speedkit.apps import App, Strategy
from speedkit.builders import BuildBases, Builder, Replay, answer_of, builder_named, describe_result
from speedkit.context import Manifest
from speedkit.engine import Command, Engine, connect
from speedkit.errors import BuilderCannot, Misuse, SpeedkitError, StateRefused, in_words
from speedkit.messages import capital, marked, message
from speedkit.model import Build
from speedkit.recordings import Meta, Recording, new_number
from speedkit.state import state_folder, state_home
from speedkit.words import seconds_text

from .background import InBackground
from .exit_handling import forget, stop_when_leaving
from .housekeeping import keep_in_background
from .notebook_view import watch_in_notebook
from .outcome import breakage, error_of, outcome_of
from .request import BuildOptions, Request, request_for, request_of
from .result_keeping import Keeper
from .solve import ContextReading, Solved, Solver
from .transcript import Transcript

__all__ = ["RunningBuild", "build", "recordings_folder", "start", "start_again", "start_build", "start_replay"]

STOP_SECONDS = 5.0
LOOK_SECONDS = 0.1
UNNEEDED_READING_SECONDS = 1.0
"""How long a build that was cancelled or refused waits for its build context to be read: a home folder takes minutes."""
BEFORE_ANY_STEP = ("[internal] load build definition", "[internal] load metadata", "[internal] load .dockerignore", "[auth]")
SILENT = marked(
    "{builder} has answered nothing for {seconds}. The build goes on once it answers again; Ctrl-C, or "
    "interrupting the kernel, ends it."
)
STATE_IS_SENT = marked(
    "speedkit's own folder {folder} is in the build context: each build changes it, so whatever copies it runs again, and it "
    "gets into the image. Add it to .dockerignore, or set SPEEDKIT_HOME to a folder elsewhere."
)
LOG_IS_CUT = marked("More was printed than is kept: the log says where and how much is left out.")
CACHE_IN_THE_IMAGE = "type=inline"


def recordings_folder() -> Path:
    """The folder of all recordings, whether it is there or not."""
    return state_home() / "recordings"


def build(
    app: App,
    strategy: str | None = None,
    *,
    cold: bool = False,
    target: str | None = None,
    build_args: dict[str, str] | None = None,
    builder: str | None = None,
    cache_from: Sequence[str] = (),
    cache_to: Sequence[str] = (),
) -> Build:
    """A finished build of an app by one of its strategies; in a notebook it is shown live.

    cold: nothing that was built before is found again, without touching what is cached.
    builder: the name of a builder of buildx; None is the one inside the engine. Each has a cache of its own.
    cache_from, cache_to: caches for buildx to import and export, as `docker buildx build` takes them.
    A Dockerfile that fails gives a `Build` whose `ok` is False. Ctrl-C cancels the build and keeps its recording.
    What could not be done once the build had ended (its image asked, its recording kept) is in `Build.notices`.
    Raises: UnknownStrategy, UnknownBuilder, BuilderCannot, EngineLost, DiskFull.
    """
    running = start_build(
        app,
        strategy,
        cold=cold,
        target=target,
        build_args=build_args,
        builder=builder,
        cache_from=cache_from,
        cache_to=cache_to,
    )
    notices: tuple[str, ...] = ()
    try:
        try:
            watch_in_notebook(running)
        except Exception as problem:
            notices = (message("The build could not be shown while it went on: {problem}", problem=in_words(problem)),)
        built = running.wait()
        return replace(built, notices=(*built.notices, *notices))
    except KeyboardInterrupt:
        running.stop()
        raise


def start_build(
    app: App,
    strategy: str | None = None,
    *,
    cold: bool = False,
    target: str | None = None,
    build_args: dict[str, str] | None = None,
    builder: str | None = None,
    cache_from: Sequence[str] = (),
    cache_to: Sequence[str] = (),
    engine: Engine | None = None,
) -> RunningBuild:
    """A build that goes on in the background.

    strategy: None takes the app's first. Arguments as in `build`.
    Raises: UnknownStrategy, UnknownBuilder, BuilderCannot, and what `connect` raises.
    """
    chosen = app.strategy(strategy)
    # First: where no builder answers, the app has not been built, and its next build is still the first one.
    at_work = builder_named(engine or connect(), builder)
    _require_export(at_work, cache_to)
    isolation, edit = app.begin(chosen.name, cold=cold, builder=at_work.name)
    options = BuildOptions(
        isolation=isolation,
        edit=edit,
        begun_as=None if cold else chosen.name,
        target=target,
        build_args=dict(build_args or {}),
        cache_from=tuple(cache_from),
        cache_to=tuple(cache_to),
    )
    return start(at_work, app, chosen, options)


def start(builder: Builder, app: App, strategy: Strategy, options: BuildOptions) -> RunningBuild:
    """A build that goes on in the background, by a builder that was chosen.

    Raises: NoDockerfile, FileRefused.
    """

    def note_end(meta: Meta) -> None:
        if options.begun_as is not None:
            app.note_end(options.begun_as, meta.edit, is_good=meta.outcome == "done", builder=builder.name)

    return RunningBuild(builder, request_for(app, strategy, options), on_end=note_end)


def _require_export(builder: Builder, cache_to: Sequence[str]) -> None:
    exports = [option for option in cache_to if CACHE_IN_THE_IMAGE not in option]
    if exports and not builder.exports_caches:
        raise BuilderCannot(
            message(
                "{builder} exports no cache but {cache}: that takes containerd's image store.",
                builder=capital(builder.display_name),
                cache=CACHE_IN_THE_IMAGE,
            ),
            fix=message("Turn that on in the engine's settings, or name another builder with --builder."),
        )


def start_again(running: RunningBuild, app: App, *, cold: bool = False) -> RunningBuild:
    """A build of the app once more, in the same cache, or cold in one of its own."""
    request = running.request
    options = replace(request.options, edit="none")
    if cold:
        isolation, edit = app.begin(request.strategy, cold=True, builder=running.builder.name)
        options = replace(request.options, isolation=isolation, edit=edit, begun_as=None)
    return start(running.builder, app, app.strategy(request.strategy), options)


def start_replay(recording: Recording, *, speed: float = float("inf")) -> RunningBuild:
    """A recorded build, played again in the background as if it were made now. Nothing is built, asked or recorded.

    speed: how many times as quick as the build was.
    Raises: Misuse for a speed that is none.
    """
    if not speed > 0:
        raise Misuse(message("{speed} is no speed for a replay.", speed=speed), fix=message("1 is as quick as the build was."))
    return RunningBuild(Replay(recording, speed), request_of(recording))


class RunningBuild:
    """A build under way in a thread of its own.

    on_end: told, in that thread, how the build ended, before anybody else learns that it has.
    """

    def __init__(self, builder: Builder, request: Request, *, on_end: Callable[[Meta], None] = lambda _: None) -> None:
        self.builder, self.request = builder, request
        self._on_end = on_end
        self._redaction = request.redaction()
        self._transcript = Transcript(self._redaction, builder.answers)
        self._command = Command()
        self._began = time.monotonic()
        if builder.played is None:
            self._meta = request.facts(self._redaction, number=_number(), builder=builder.name)
        else:
            self._meta = replace(builder.played.meta, outcome="running", error=None, answer=None, notices=[])
        self._keeper = Keeper(self._redaction, self._transcript, lambda: self._shown_text, builder.played)
        self._built: Build | None = None
        self._finished: Build | None = None
        self._problem: BaseException | None = None
        # An event and not Thread.join: Ctrl-C in a join makes Python take the thread for ended.
        self._ended = threading.Event()
        # A build is in a process group of its own, and would go on when this Python ends.
        stop_when_leaving(self.stop)
        try:
            threading.Thread(target=self._run, name=f"build {self._meta.id}", daemon=True).start()
        except BaseException:
            # The machine has no thread left: there is no build whose end would have to be waited for.
            forget(self.stop)
            raise

    @property
    def done(self) -> bool:
        return self._ended.is_set()

    def cancel(self) -> None:
        """End the build within three seconds; its recording is kept and marked cancelled."""
        self._command.cancel()

    def stop(self) -> None:
        """Cancel, and wait a few seconds until the recording is kept. A second Ctrl-C does not end the waiting."""
        deadline = time.monotonic() + STOP_SECONDS
        while not self.done and (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(KeyboardInterrupt):
                self.cancel()
                self._wait_for_end(left)

    def _wait_for_end(self, seconds: float | None) -> None:
        try:
            self._ended.wait(seconds)
        except RuntimeError:
            # Interrupted twice at once, Python finds its own lock released already.
            raise KeyboardInterrupt from None

    def wait(self) -> Build:
        """The finished build.

        Raises: what went wrong outside the Dockerfile, such as EngineLost.
        """
        self._wait_for_end(None)
        if self._problem is not None:
            raise self._problem
        if self._finished is None:
            raise AssertionError("a build ends with a result or a problem")
        return self._finished

    def wait_briefly(self, seconds: float) -> Build:
        """The build as it stands after `seconds`, or as soon as it is done."""
        self._wait_for_end(seconds)
        return self.snapshot()

    def result_so_far(self) -> Build:
        """The build with its outcome as soon as that is known, though its image may still be asked; else as it stands."""
        return self._finished or self._built or self.snapshot()

    @property
    def is_built(self) -> bool:
        """BuildKit has ended well; the image may still be described and asked."""
        return self._built is not None

    def snapshot(self) -> Build:
        """The build as far as it has come, its steps without their logs (see `log`).

        Where the engine has stopped answering, a notice says so.
        """
        if self._finished is not None:
            return self._finished
        silent_seconds = self._transcript.silent_seconds()
        notices = []
        if silent_seconds is not None:
            notices.append(message(SILENT, builder=capital(self.builder.display_name), seconds=seconds_text(silent_seconds)))
        meta = replace(self._meta, seconds=time.monotonic() - self._began, notices=notices)
        return self._transcript.build_so_far(meta, self._shown_text)

    def log(self, digest: str) -> bytes:
        """What the step with this digest has printed so far."""
        return self._transcript.log(digest)

    @property
    def _shown_text(self) -> str:
        """The Dockerfile without secrets: names of steps and the recording are without them, too."""
        return self._redaction.text(self.request.text)

    def _run(self) -> None:
        try:
            with self.builder.guard_from_clean(self.request.tag):
                self._finished = self._build_and_record()
        except BaseException as problem:
            self._problem = problem
        finally:
            try:
                self._on_end(self._meta)
                forget(self.stop)
                if self.builder.engine is not None:
                    keep_in_background(self.builder.engine)
            finally:
                self._ended.set()

    def _build_and_record(self) -> Build:
        if self.builder.played is None:
            self._redaction.learn_folder(self.request.folder)
        machine = InBackground(self.builder.machine)
        solver = Solver(
            self.builder,
            self.request,
            self._transcript,
            self._command,
            on_bases=self._note_bases,
            on_host_end=self._note_host_end,
        )
        solved = solver.solve()
        self._judge(solved)
        if self.builder.played is not None:
            # One that was cancelled on its way has made no image.
            return self._keeper.build(self._meta, self.builder.played.image if solved.finished.image is not None else None)
        if machine.done_within(0):
            self._meta = replace(self._meta, machine=machine.result())
        image = {"id": solved.finished.image} if solved.finished.image is not None else None
        # What comes now may fail, hang or be interrupted. The build is over, so its result is kept before.
        context, unreadable = self._sent(solved.context)
        self._keeper.keep(self._meta, context, image)
        if self._meta.outcome == "broken":
            recording = self._keeper.recording
            kept = (
                message("The recording {recording} is kept.", recording=self._meta.id)
                if recording is not None
                else " ".join(self._keeper.notices)
            )
            raise breakage(self._transcript.solve, self.builder.display_name, kept)
        if unreadable is not None and self._meta.outcome == "failed":
            raise unreadable
        self._built = self._keeper.build(self._meta, image)
        image = self._describe(solved) or image
        answer = self._answer(solved)
        error = self._meta.error
        if answer is not None and not answer["ok"]:
            error = message("The image did not answer as expected: {answer}", answer=answer["said"])
        self._meta = replace(self._meta, machine=machine.result(), answer=answer, error=error)
        self._keeper.complete(self._meta, image)
        return self._keeper.build(self._meta, image)

    def _note_bases(self, bases: BuildBases) -> None:
        self._began = time.monotonic()
        # A step's name, and so which step of the Dockerfile it is, depends on the base: from here on that can be told.
        self._redaction.learn_bases(bases.facts)
        facts = self._redaction.facts(bases.facts)
        self._meta = replace(self._meta, bases=facts, replaced_frontend=bases.replaced_frontend)

    def _note_host_end(self, seconds: float) -> None:
        self._meta = replace(self._meta, host_seconds=seconds)

    def _judge(self, solved: Solved) -> None:
        """Note how the build ended."""
        if self.builder.played is not None and not self._command.cancelled:
            self._meta = self.builder.played.meta
            self._keeper.notices += self._meta.notices
            return
        solve = self._transcript.solve
        outcome = outcome_of(
            solve,
            solved.finished.exit_code,
            is_cancelled=self._command.cancelled,
            builder_answers=self.builder.answers,
        )
        self._meta = replace(
            self._meta,
            seconds=solved.seconds,
            outcome=outcome,
            exit_code=solved.finished.exit_code,
            vertex_lines=solved.finished.vertex_lines,
            error=error_of(solve, outcome, solved.bases),
        )
        if self._transcript.is_cut:
            self._keeper.notices.append(message(LOG_IS_CUT))

    def _sent(self, context: ContextReading) -> tuple[Manifest | None, SpeedkitError | None]:
        """What BuildKit was sent, or why that could not be read; neither when that takes long and nobody needs it."""
        notices = self._keeper.notices
        while not context.done_within(LOOK_SECONDS):
            is_refused = self._meta.outcome == "failed" and not self._has_begun_a_step
            is_needed = not is_refused and not self._command.cancelled
            if not is_needed and not context.done_within(UNNEEDED_READING_SECONDS):
                context.give_up()
                notices.append(
                    message("The build was cancelled before its build context was read.")
                    if self._command.cancelled
                    else message("The build failed before its build context was read.")
                )
                return None, None
        try:
            sent = context.result()
        except SpeedkitError as problem:
            notices.append(message("The build context could not be read: {problem}", problem=problem))
            return None, problem
        except Exception as problem:
            notices.append(message("The build context could not be read: {problem}", problem=in_words(problem)))
            return None, None
        if (state := _state_folder_in(self.request.folder, sent)) is not None:
            notices.append(message(STATE_IS_SENT, folder=state))
        return sent, None

    @property
    def _has_begun_a_step(self) -> bool:
        """False where BuildKit refused the Dockerfile: then no forecast needs to know what the files were."""
        names = [vertex.name for vertex in self._transcript.solve.vertices.values()]
        return any(name.startswith("[") and not name.startswith(BEFORE_ANY_STEP) for name in names)

    def _describe(self, solved: Solved) -> dict[str, Any] | None:
        image, engine = solved.finished.image, self.builder.engine
        if image is None or engine is None:
            return None
        try:
            described = describe_result(engine, image, tag=self.request.tag, bases=solved.bases)
            redacted: dict[str, Any] = self._redaction.document(described)
        except Exception as problem:
            self._keeper.notices.append(
                message("The image was made, but could not be described: {problem}", problem=in_words(problem))
            )
            return None
        return redacted

    def _answer(self, solved: Solved) -> dict[str, Any] | None:
        image, probe, engine = solved.finished.image, self.request.probe, self.builder.engine
        if image is None or probe is None or engine is None:
            return None
        answer: dict[str, Any] | None = None
        why = message("the program was interrupted.")
        try:
            if not self._command.cancelled:
                answer = answer_of(engine, image, probe, give_up=lambda: self._command.cancelled)
        except Exception as problem:
            why = in_words(problem)
        if answer is None:
            self._keeper.notices.append(message("The image was made, but was not asked for its answer: {why}", why=why))
        return None if answer is None else answer | {"said": self._redaction.text(str(answer["said"]))}


def _number() -> int:
    try:
        return new_number(state_folder("recordings"))
    except StateRefused:
        return 0


def _state_folder_in(folder: Path, context: Manifest) -> str | None:
    """Where the state folder is in a build context that was sent; None where it is elsewhere, or an ignore file leaves it out.

    A folder that a user builds in place is theirs, and is sent as they have it.
    """
    try:
        place = Path(os.path.realpath(state_home())).relative_to(folder.resolve()).as_posix()
    except ValueError:
        return None
    return place if place == "." or place in context.by_path else None
