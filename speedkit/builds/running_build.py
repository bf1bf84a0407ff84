"""One real build, from request to recording: `build` waits for it, with `start_build` it can be watched and cancelled."""

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
from speedkit.engine import (
    NO_OPTIONS,
    CancellableCommand,
    CommandOptions,
    Engine,
    connect,
    unset_secrets,
)
from speedkit.errors import BuilderCannot, Misuse, SpeedkitError, StateRefused, in_words
from speedkit.messages import capital, join_names, marked, message, sentences
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
from .solve import ContextReading, SentFiles, SolvedBuild, Solver
from .transcript import Transcript

__all__ = ["RunningBuild", "build", "recordings_folder", "start_again", "start_build", "start_on_builder", "start_replay"]

STOP_SECONDS = 5.0
LOOK_SECONDS = 0.1
UNNEEDED_READING_SECONDS = 1.0
"""How long a cancelled or refused build waits until its build context is read: a home folder may take minutes."""
BEFORE_STEPS = ("[internal] load build definition", "[internal] load metadata", "[internal] load .dockerignore", "[auth]")
SILENT = marked(
    "{builder} has answered nothing for {seconds}. The build goes on once it answers again; Ctrl-C, or "
    "interrupting the kernel, ends it."
)
STATE_IS_SENT = marked(
    "speedkit's own folder {folder} is in the build context: each build changes it, so whatever copies it runs again, and it "
    "gets into the image. Add it to .dockerignore, or set SPEEDKIT_HOME to a folder elsewhere."
)
UNSET_SECRET = marked(
    "The build had no secret {names}: the variable is not set. `docker build` builds without it, too, and says nothing."
)
MARKED_IMAGE = marked(
    "{names} has a mark of speedkit in its base image, because this build had a cache of its own: do not ship it. "
    "`speedkit build` in the folder, without --cold, makes the image as it is."
)
LOG_IS_CUT = marked("The log was too long to be kept whole: it says where and how much is left out.")
CACHE_IN_THE_IMAGE = "type=inline"


def recordings_folder() -> Path:
    """The folder of all recordings, which may not exist yet."""
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
    options: CommandOptions = NO_OPTIONS,
) -> Build:
    """A finished build of an app by one of its strategies; a notebook shows it live.

    cold: start with an empty cache. The builder's cache stays as it is.
    builder: the name of a builder of buildx; None is the one inside the engine. Each has a cache of its own.
    cache_from, cache_to: caches for buildx to import and export, as `docker buildx build` takes them.
    options: secrets, platforms, labels and all else that `docker build` takes; relative paths begin in the current folder.
    A Dockerfile that fails gives a `Build` whose `ok` is False. Ctrl-C cancels the build and keeps its recording.
    `Build.notices` says what failed after the end of the build, such as keeping its recording or asking its image.
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
        options=options,
    )
    notices: tuple[str, ...] = ()
    try:
        try:
            watch_in_notebook(running)
        except Exception as problem:
            notices = (message("The build could not be shown while it ran: {problem}", problem=in_words(problem)),)
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
    options: CommandOptions = NO_OPTIONS,
    engine: Engine | None = None,
) -> RunningBuild:
    """A build that runs in the background.

    strategy: None takes the app's first. Arguments as in `build`.
    Raises: UnknownStrategy, UnknownBuilder, NoDockerfile, FileRefused, BuilderCannot, Misuse for an option that cannot be, and
    what `connect` raises.
    """
    of_strategy = app.strategy(strategy)
    build_options = BuildOptions(
        target=target,
        build_args=dict(build_args or {}),
        cache_from=tuple(cache_from),
        cache_to=tuple(cache_to),
        options=options,
    )
    # `begin` counts a build of the app. All that can refuse a build comes before it, or the next build would not be the first.
    request = request_for(app, of_strategy, build_options)
    named_builder = builder_named(engine or connect(), builder)
    _require_export(named_builder, cache_to)
    isolation, edit = app.begin(of_strategy.name, cold=cold, builder=named_builder.name)
    begun_as = None if cold else of_strategy.name
    begun = replace(request.options, isolation=isolation, edit=edit, begun_as=begun_as)
    return _start(named_builder, app, replace(request, options=begun))


def start_on_builder(builder: Builder, app: App, strategy: Strategy, options: BuildOptions) -> RunningBuild:
    """A build that runs in the background, made by one builder.

    Raises: NoDockerfile, FileRefused.
    """
    return _start(builder, app, request_for(app, strategy, options))


def _start(builder: Builder, app: App, request: Request) -> RunningBuild:
    def note_end(meta: Meta) -> None:
        if request.options.begun_as is not None:
            app.note_end(request.options.begun_as, meta.edit, is_good=meta.outcome == "done", builder=builder.name)

    return RunningBuild(builder, request, on_end=note_end)


def _require_export(builder: Builder, cache_to: Sequence[str]) -> None:
    exports = [option for option in cache_to if CACHE_IN_THE_IMAGE not in option]
    if exports and not builder.exports_caches:
        raise BuilderCannot(
            message(
                "{builder} can only export a cache of {cache}: others need the containerd image store.",
                builder=capital(builder.display_name),
                cache=CACHE_IN_THE_IMAGE,
            ),
            fix=message("Turn on that store in the engine's settings, or name another builder with --builder."),
        )


def start_again(running: RunningBuild, app: App, *, cold: bool = False) -> RunningBuild:
    """The app's next build, in the same cache; or cold, in a cache of its own."""
    request = running.request
    options = replace(request.options, edit="none")
    if cold:
        isolation, edit = app.begin(request.strategy, cold=True, builder=running.builder.name)
        options = replace(request.options, isolation=isolation, edit=edit, begun_as=None)
    return start_on_builder(running.builder, app, app.strategy(request.strategy), options)


def start_replay(recording: Recording, *, speed: float = float("inf")) -> RunningBuild:
    """A recorded build, played again in the background as if it were made now. Nothing is built, asked or recorded.

    speed: how many times as fast as the build was.
    Raises: Misuse for a speed that is not above 0.
    """
    # Written so that it refuses NaN as well.
    if not speed > 0:
        raise Misuse(
            message("A replay cannot have the speed {speed}.", speed=speed),
            fix=message("1 is as fast as the build was, 2 twice as fast."),
        )
    return RunningBuild(Replay(recording, speed), request_of(recording))


class RunningBuild:
    """A build that runs in a thread of its own.

    on_end: gets the end of the build in that thread, before anybody else learns of it.
    """

    def __init__(self, builder: Builder, request: Request, *, on_end: Callable[[Meta], None] = lambda _: None) -> None:
        self.builder, self.request = builder, request
        self._on_end = on_end
        self._redaction = request.redaction()
        self._transcript = Transcript(self._redaction, builder.answers)
        self._command = CancellableCommand()
        self._began = time.monotonic()
        if builder.played is None:
            self._meta = request.initial_meta(self._redaction, number=_number_or_zero(), builder=builder.name)
        else:
            self._meta = replace(builder.played.meta, outcome="running", error=None, answer=None, notices=[])
        self._keeper = Keeper(self._redaction, self._transcript, lambda: self._shown_text, builder.played)
        if unset := sorted(unset_secrets(request.options.options)) if builder.played is None else ():
            self._keeper.notices.append(message(UNSET_SECRET, names=join_names(unset)))
        if builder.played is None and request.options.isolation and (tags := request.options.options.tags):
            self._keeper.notices.append(message(MARKED_IMAGE, names=join_names(tags)))
        self._built: Build | None = None
        self._finished: Build | None = None
        self._problem: BaseException | None = None
        # An event and not Thread.join: after Ctrl-C in a join, Python believes that the thread has ended.
        self._ended = threading.Event()
        # buildx runs in a process group of its own, so it would go on when this Python ends.
        stop_when_leaving(self.stop)
        try:
            threading.Thread(target=self._run, name=f"build {self._meta.id}", daemon=True).start()
        except BaseException:
            # The machine has no thread left, so there is no build to stop.
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
            # After two interrupts at once, Python releases its own lock a second time.
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
        """The build with its outcome as soon as BuildKit has ended, though its image may still be asked; else as it stands."""
        return self._finished or self._built or self.snapshot()

    @property
    def is_built(self) -> bool:
        """Whether BuildKit has ended well. The image may still be described and asked."""
        return self._built is not None

    def snapshot(self) -> Build:
        """The build as it stands, without the logs of its steps. A notice says when the engine does not answer."""
        if self._finished is not None:
            return self._finished
        silent_seconds = self._transcript.silent_seconds()
        notices = []
        if silent_seconds is not None:
            notices.append(message(SILENT, builder=capital(self.builder.display_name), seconds=seconds_text(silent_seconds)))
        meta = replace(self._meta, seconds=time.monotonic() - self._began, notices=notices)
        return self._transcript.build_so_far(meta, self._shown_text)

    def log_chunks(self, digest: str, first: int = 0) -> list[bytes]:
        """The log so far of the step with this digest, in the pieces that BuildKit sent, from the 0-based one `first` on."""
        return self._transcript.log_chunks(digest, first)

    @property
    def _shown_text(self) -> str:
        """The Dockerfile without secrets, as in the recording and in the names of steps."""
        return self._redaction.text(self.request.text)

    def _run(self) -> None:
        try:
            with self.builder.guard_from_clean(self.request.tag):
                self._finished = self._build_and_record()
        except BaseException as problem:
            self._problem = problem
        finally:
            # The end comes last: a program that waits for it may be gone a moment later.
            try:
                self._on_end(self._meta)
                forget(self.stop)
                if self.builder.engine is not None:
                    keep_in_background(self.builder.engine)
            finally:
                self._ended.set()

    def _build_and_record(self) -> Build:
        if self.builder.played is None:
            for folder in (self.request.folder, *self.request.options.options.folders.values()):
                self._redaction.learn_folder(folder)
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
            # A replay that was cancelled before its last line has no image.
            return self._keeper.build(self._meta, self.builder.played.image if solved.finished.image is not None else None)
        if machine.done_within(0):
            self._meta = replace(self._meta, machine=machine.result())
        image = {"id": solved.finished.image} if solved.finished.image is not None else None
        # The build is over. All that follows may fail, hang or be interrupted, so its result is kept first.
        sent, context_problem = self._read_context(solved.context)
        self._keeper.keep(self._meta, sent, image)
        if self._meta.outcome == "broken":
            recording = self._keeper.recording
            recording_note = (
                message("The recording {recording} is kept.", recording=self._meta.id)
                if recording is not None
                else sentences(self._keeper.notices)
            )
            raise breakage(self._transcript.solve, self.builder.display_name, recording_note)
        if context_problem is not None and self._meta.outcome == "failed":
            # buildx could not read the context either. This error says what to do about it.
            raise context_problem
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
        # The name of a vertex depends on the base image (ONBUILD, whether FROM counts): from here on, steps can be matched.
        self._redaction.learn_bases(bases.facts)
        facts = self._redaction.base_facts(bases.facts)
        self._meta = replace(self._meta, bases=facts, replaced_frontend=bases.replaced_frontend)

    def _note_host_end(self, seconds: float) -> None:
        self._meta = replace(self._meta, host_seconds=seconds)

    def _judge(self, solved: SolvedBuild) -> None:
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
            reference=solved.finished.reference,
            error=error_of(solve, outcome, solved.bases),
        )
        if self._transcript.is_cut:
            self._keeper.notices.append(message(LOG_IS_CUT))

    def _read_context(self, context: ContextReading) -> tuple[SentFiles | None, SpeedkitError | None]:
        """The files that BuildKit was sent, or why they could not be read. Neither when reading takes long for nobody's use."""
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
        if (state := _state_folder_in(self.request.folder, sent.context)) is not None:
            notices.append(message(STATE_IS_SENT, folder=state))
        return sent, None

    @property
    def _has_begun_a_step(self) -> bool:
        """Whether a step began. If none did, BuildKit refused the Dockerfile, and no forecast needs the files of this build."""
        names = [vertex.name for vertex in self._transcript.solve.vertices.values()]
        return any(name.startswith("[") and not name.startswith(BEFORE_STEPS) for name in names)

    def _describe(self, solved: SolvedBuild) -> dict[str, Any] | None:
        image, engine = solved.finished.image, self.builder.engine
        if image is None or engine is None:
            return None
        try:
            described = describe_result(engine, image, tag=self.request.tag, bases=solved.bases)
            redacted: dict[str, Any] = self._redaction.document(described)
        except Exception as problem:
            # Of any kind: the image is there, and the build is good without a description of it.
            self._keeper.notices.append(
                message("The image was made, but could not be described: {problem}", problem=in_words(problem))
            )
            return None
        return redacted

    def _answer(self, solved: SolvedBuild) -> dict[str, Any] | None:
        image, probe, engine = solved.finished.image, self.request.probe, self.builder.engine
        if image is None or probe is None or engine is None:
            return None
        answer: dict[str, Any] | None = None
        reason = message("the program was interrupted.")
        try:
            if not self._command.cancelled:
                answer = answer_of(engine, image, probe, give_up=lambda: self._command.cancelled)
        except Exception as problem:
            reason = in_words(problem)
        if answer is None:
            self._keeper.notices.append(
                message("The image was made, but was not asked for its answer: {reason}", reason=reason)
            )
        return None if answer is None else answer | {"said": self._redaction.text(str(answer["said"]))}


def _number_or_zero() -> int:
    try:
        return new_number(state_folder("recordings"))
    except StateRefused:
        return 0


def _state_folder_in(folder: Path, context: Manifest) -> str | None:
    """The path of the kit's state folder in a build context; None where it is elsewhere, or an ignore file leaves it out.

    The kit only warns: a folder that is built in place belongs to the user, so the kit leaves nothing out of it by itself.
    """
    try:
        place = Path(os.path.realpath(state_home())).relative_to(folder.resolve()).as_posix()
    except ValueError:
        return None
    return place if place == "." or place in context.by_path else None
