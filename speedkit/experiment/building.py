"""One real build, from request to recording: `build` waits for it, `start_build` lets one watch and cancel it."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from speedkit.apps import App, Probe, Strategy
from speedkit.context import Manifest, read_context
from speedkit.dockerfile import without_frontend
from speedkit.engine.buildx import BuildRequest, Command, Finished, run_buildx
from speedkit.engine.connection import Engine, buildx_version, connect
from speedkit.engine.containers import ask_image
from speedkit.engine.host_go import find_go, full_go_version
from speedkit.engine.identity import our_labels
from speedkit.engine.images import describe_image, layers_on
from speedkit.engine.ledger import building, note_image, note_use
from speedkit.errors import (
    EngineError,
    EngineLost,
    NotAsked,
    SpeedkitError,
    StateRefused,
    in_words,
)
from speedkit.experiment.background import InBackground
from speedkit.experiment.bases import SYNTAX_ARGUMENT, BuildBases, build_bases, unfetched_frontend
from speedkit.experiment.build_inputs import dockerfile_text, refuse_private_file, sent_arguments
from speedkit.experiment.host import host_environment, run_host_command
from speedkit.experiment.housekeeping import keep_in_background
from speedkit.experiment.leaving import forget, stop_when_leaving
from speedkit.experiment.notebook_view import watch_in_notebook
from speedkit.experiment.outcome import breakage, error_of, failure_text, outcome_of
from speedkit.experiment.silence import Silence
from speedkit.model import Build
from speedkit.recordings.log_limit import LogLimit
from speedkit.recordings.rawjson import Solve
from speedkit.recordings.reading import assemble_build
from speedkit.recordings.recording import Meta, Recording, complete_recording, new_id, new_number, write_recording
from speedkit.recordings.redaction import Redaction
from speedkit.state import state_folder, state_home
from speedkit.words.amounts import seconds_text

__all__ = [
    "BuildOptions",
    "RunningBuild",
    "build",
    "recordings_folder",
    "start_build",
]

UNTRUSTED = "certificate signed by unknown authority"
FOR_AN_IMAGE = {"CGO_ENABLED": "0", "GOOS": "linux"}
"""What a program compiled on the host must be told to run in an image, whatever the host is."""
NO_BASES = BuildBases({}, {}, "")
NOT_COMPLETED = "The program ended before the image could be described and asked."
STOP_SECONDS = 5.0
ANSWERS_KEPT = 64
LOOK_SECONDS = 0.1
UNNEEDED_READING_SECONDS = 1.0
"""How long a build that was cancelled or refused waits for its build context to be read: a home folder takes minutes."""
BEFORE_ANY_STEP = ("[internal] load build definition", "[internal] load metadata", "[internal] load .dockerignore", "[auth]")
SILENT = (
    "The engine at {host} has answered nothing for {seconds}. The build goes on once it answers again; Ctrl-C, or "
    "interrupting the kernel, ends it."
)
STATE_IS_SENT = (
    "speedkit's own folder {folder} is in the build context: each build changes it, so whatever copies it runs again, and it "
    "gets into the image. Add it to .dockerignore, or set SPEEDKIT_HOME to a folder elsewhere."
)
LOG_IS_CUT = "More was printed than is kept: the log says where and how much is left out."


def recordings_folder() -> Path:
    """The folder of all recordings, whether it is there or not."""
    return state_home() / "recordings"


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build, beyond which app and strategy.

    edit: the name under which the build is listed. isolation: a token; builds with equal tokens share a cache, a new one
    starts cold. None shares the engine's cache. begun_as: the strategy whose cache it shares and whose turn `App.begin` took it
    for; None for a build that is no such turn.
    """

    edit: str = "none"
    begun_as: str | None = None
    isolation: str | None = None
    target: str | None = None
    build_args: dict[str, str] = field(default_factory=dict)
    builder: str | None = None
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()


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
    cache_from, cache_to: caches for buildx to import and export, as `docker buildx build` takes them.
    A Dockerfile that fails gives a `Build` whose `ok` is False. Ctrl-C cancels the build and keeps its recording.
    What could not be done once the build had ended (its image asked, its recording kept) is in `Build.notices`.
    Raises: UnknownStrategy, EngineLost, DiskFull.
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
            notices = (f"The build could not be shown while it went on: {in_words(problem)}",)
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
    Raises: UnknownStrategy, and what `connect` raises.
    """
    chosen = app.strategy(strategy)
    # First: where no engine answers, the app has not been built, and its next build is still the first one.
    engine = engine or connect()
    isolation, edit = app.begin(chosen.name, cold=cold)
    options = BuildOptions(
        isolation=isolation,
        edit=edit,
        begun_as=None if cold else chosen.name,
        target=target,
        build_args=dict(build_args or {}),
        builder=builder,
        cache_from=tuple(cache_from),
        cache_to=tuple(cache_to),
    )
    return RunningBuild(engine, app, chosen, options)


class RunningBuild:
    """A build under way in a thread of its own."""

    def __init__(self, engine: Engine, app: App, strategy: Strategy, options: BuildOptions) -> None:
        self._engine, self._app, self._strategy, self._options = engine, app, strategy, options
        self._text = dockerfile_text(strategy.dockerfile)
        refuse_private_file(strategy.dockerfile, self._text, app.folder)
        self._probe = app.probe
        self._arguments = sent_arguments(options.build_args)
        caches = [*options.cache_from, *options.cache_to]
        self._redaction = Redaction(self._arguments, os.environ, caches, dockerfile=self._text)
        self._lock = threading.Lock()
        self._solve, self._raw = Solve(), []
        self._limit = LogLimit()
        self._heard = self._began = time.monotonic()
        self._silence = Silence(engine.answers)
        self._command = Command()
        self._context_unneeded = threading.Event()
        self._meta = Meta(
            id=new_id(strategy.name),
            number=_number(),
            app=app.name,
            source=str(app.source),
            folder=str(app.folder),
            strategy=strategy.name,
            edit=options.edit,
            started_at=datetime.now(UTC).isoformat(),
            seconds=0.0,
            outcome="running",
            exit_code=0,
            dockerfile_name=strategy.dockerfile.name,
            target=options.target,
            build_args=self._redaction.build_args(self._arguments),
            isolation=options.isolation,
            builder=options.builder,
            cache_from=[*map(self._redaction.cache_option, options.cache_from)],
            cache_to=[*map(self._redaction.cache_option, options.cache_to)],
            session=os.environ.get("SPEEDKIT_SESSION"),
        )
        self._built: Build | None = None
        self._finished: Build | None = None
        self._notices: list[str] = []
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

    _raw: list[bytes]

    @property
    def done(self) -> bool:
        return self._ended.is_set()

    def again(self, *, cold: bool = False) -> RunningBuild:
        """The same build once more, in the same cache, or cold in one of its own."""
        options = replace(self._options, edit="none")
        if cold:
            isolation, edit = self._app.begin(self._strategy.name, cold=True)
            options = replace(self._options, isolation=isolation, edit=edit, begun_as=None)
        return RunningBuild(self._engine, self._app, self._strategy, options)

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
        silent = self._silence.seconds()
        with self._lock:
            elapsed = time.monotonic() - self._heard
            now = None if self._solve.last is None else self._solve.last + elapsed
            notices = [] if silent is None else [SILENT.format(host=self._engine.host, seconds=seconds_text(silent))]
            meta = replace(self._meta, seconds=time.monotonic() - self._began, notices=notices)
            return assemble_build(meta, self._solve, self._shown_text, now=now, with_logs=False)

    def log(self, digest: str) -> bytes:
        """What the step with this digest has printed so far."""
        with self._lock:
            vertex = self._solve.vertices.get(digest)
            return b"".join(vertex.log_chunks) if vertex else b""

    @property
    def _tag(self) -> str:
        return f"speedkit/{_image_name(self._app.name)}:{_image_name(self._strategy.name)}"

    def _run(self) -> None:
        try:
            with building(self._engine, self._tag):
                self._finished = self._build_and_record()
        except BaseException as problem:
            self._problem = problem
        finally:
            if self._options.begun_as is not None:
                self._app.note_end(self._options.begun_as, self._meta.edit, is_good=self._meta.outcome == "done")
            forget(self.stop)
            keep_in_background(self._engine)
            self._ended.set()

    def _on_line(self, line: bytes) -> None:
        # Without secrets first: half of one would be left where a long log is cut.
        self._keep_within_limit(self._redaction.lines(line))

    def _keep_within_limit(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            self._keep([*self._limit.lines(line)])

    def _keep(self, lines: Sequence[bytes]) -> None:
        with self._lock:
            self._heard = time.monotonic()
            self._silence.heard()
            self._raw += lines
            try:
                for line in lines:
                    self._solve.feed(line)
            except Exception as problem:
                # The build goes on, whatever this version makes of what BuildKit says.
                self._solve.text.append(f"A line of BuildKit's could not be read: {in_words(problem)}")

    def _build_and_record(self) -> Build:
        self._redaction.learn_folder(self._app.folder)
        bases = self._bases_unless_cancelled(extend_ca=False)
        machine = InBackground(partial(_machine, self._engine))
        finished, seconds, context = self._solve_once(bases)
        if finished.exit_code and not self._command.cancelled:
            frontend = unfetched_frontend(self._engine, failure_text(self._solve), self._text, self._arguments)
            if frontend is not None:
                self._forget_lines()
                bases = replace(bases, replaced_frontend=frontend)
                finished, seconds, context = self._solve_once(bases)
        if finished.exit_code and UNTRUSTED in failure_text(self._solve) and not self._command.cancelled:
            extended = self._bases_unless_cancelled(extend_ca=True)
            if not self._command.cancelled:
                self._forget_lines()
                bases = extended
                finished, seconds, context = self._solve_once(bases)
        outcome = outcome_of(
            self._solve, finished.exit_code, is_cancelled=self._command.cancelled, engine_answers=self._engine.answers
        )
        self._meta = replace(
            self._meta,
            seconds=seconds,
            outcome=outcome,
            exit_code=finished.exit_code,
            vertex_lines=finished.vertex_lines,
            error=error_of(self._solve, outcome, bases),
            machine=machine.result() if machine.done_within(0) else {},
        )
        image = {"id": finished.image} if finished.image is not None else None
        # What comes now may fail, hang or be interrupted. The build is over, so its result is kept before.
        sent, unreadable = self._sent(context)
        if sent is not None and (state := _state_folder_in(self._app.folder, sent)) is not None:
            self._notices.append(STATE_IS_SENT.format(folder=state))
        recording = self._record(sent, image)
        if outcome == "broken":
            kept = f"The recording {self._meta.id} is kept." if recording is not None else " ".join(self._notices)
            raise breakage(self._solve, self._engine.host, kept)
        if unreadable is not None and outcome == "failed":
            raise unreadable
        self._built = self._assembled(image, recording)
        image = self._describe(finished, bases) or image
        answer = self._answer(finished)
        error = self._meta.error
        if answer is not None and not answer["ok"]:
            error = f"The image did not answer as expected: {answer['said']}"
        self._meta = replace(self._meta, machine=machine.result(), answer=answer, error=error)
        recording = self._complete(recording, image)
        return self._assembled(image, recording)

    def _sent(self, context: InBackground[Manifest]) -> tuple[Manifest | None, SpeedkitError | None]:
        """What BuildKit was sent, or why that could not be read; neither when that takes long and nobody needs it."""
        while not context.done_within(LOOK_SECONDS):
            is_refused = self._meta.outcome == "failed" and not self._has_begun_a_step
            is_needed = not is_refused and not self._command.cancelled
            if not is_needed and not context.done_within(UNNEEDED_READING_SECONDS):
                self._context_unneeded.set()
                ended = "was cancelled" if self._command.cancelled else "failed"
                self._notices.append(f"The build {ended} before its build context was read.")
                return None, None
        try:
            return context.result(), None
        except SpeedkitError as problem:
            self._notices.append(f"The build context could not be read: {problem}")
            return None, problem
        except Exception as problem:
            self._notices.append(f"The build context could not be read: {in_words(problem)}")
            return None, None

    @property
    def _has_begun_a_step(self) -> bool:
        """False where BuildKit refused the Dockerfile: then no forecast needs to know what the files were."""
        names = [vertex.name for vertex in self._solve.vertices.values()]
        return any(name.startswith("[") and not name.startswith(BEFORE_ANY_STEP) for name in names)

    def _record(self, context: Manifest | None, image: dict[str, Any] | None) -> Recording | None:
        """The recording as of now; it says what is missing should this program end before it is complete."""
        notices = [*self._notices, *([NOT_COMPLETED] if image is not None else [])]
        meta = replace(self._meta, notices=[*map(self._redaction.text, notices)])
        try:
            return write_recording(
                state_folder("recordings"), meta, raw=self._raw, dockerfile=self._shown_text, context=context, image=image
            )
        except SpeedkitError as problem:
            self._notices.append(f"This build was not recorded. {problem}")
            return None

    def _complete(self, recording: Recording | None, image: dict[str, Any] | None) -> Recording | None:
        self._meta = replace(self._meta, notices=[*map(self._redaction.text, self._notices)])
        if recording is None:
            return None
        try:
            return complete_recording(recording, self._meta, image=image)
        except SpeedkitError as problem:
            self._notices.append(str(problem))
            return recording

    def _assembled(self, image: dict[str, Any] | None, recording: Recording | None) -> Build:
        meta = replace(self._meta, notices=[*map(self._redaction.text, self._notices)])
        try:
            return assemble_build(meta, self._solve, self._shown_text, image=image, recording=recording)
        except Exception as problem:
            notices = [*self._notices, f"The steps of this build could not be read: {in_words(problem)}"]
            return assemble_build(replace(meta, notices=notices), Solve(), "", image=image, recording=recording)

    def _start_reading_context(self) -> InBackground[Manifest]:
        # Of a solve before this one, whose result is thrown away.
        self._context_unneeded.set()
        self._context_unneeded = unneeded = threading.Event()
        read = partial(read_context, self._app.folder, dockerfile=self._strategy.dockerfile, is_over=unneeded.is_set)
        return InBackground(read)

    def _bases_unless_cancelled(self, *, extend_ca: bool) -> BuildBases:
        """The bases. A pull may take minutes, and is waited for only as long as nobody cancels."""
        finding = InBackground(partial(self._bases, extend_ca=extend_ca))
        while not finding.done_within(LOOK_SECONDS):
            if self._command.cancelled:
                return NO_BASES
        return finding.result()

    def _bases(self, *, extend_ca: bool) -> BuildBases:
        if self._options.builder is not None:
            return NO_BASES
        return build_bases(
            self._engine,
            self._text,
            build_args=self._arguments,
            target=self._options.target,
            isolation=self._options.isolation,
            extend_ca=extend_ca,
        )

    def _solve_once(self, bases: BuildBases) -> tuple[Finished, float, InBackground[Manifest]]:
        """Host commands, then BuildKit; the time both took together, and the build context that BuildKit was sent.

        The context is read while BuildKit's client reads it, too: after the host commands, which may have written to it.
        """
        self._began = time.monotonic()
        # A step's name, and so which step of the Dockerfile it is, depends on the base: from here on that can be told.
        self._redaction.learn_bases(bases.facts)
        facts = self._redaction.facts(bases.facts)
        self._meta = replace(self._meta, bases=facts, replaced_frontend=bases.replaced_frontend)
        code = self._run_host_commands()
        self._meta = replace(self._meta, host_seconds=time.monotonic() - self._began)
        context = self._start_reading_context()
        finished = Finished(code, None)
        if not code:
            finished = run_buildx(self._engine, self._request(bases), command=self._command, on_line=self._on_line)
        self._keep_within_limit(self._redaction.rest())
        self._keep([*self._limit.rest()])
        if self._limit.has_cut and LOG_IS_CUT not in self._notices:
            self._notices.append(LOG_IS_CUT)
        return finished, time.monotonic() - self._began, context

    def _run_host_commands(self) -> int:
        commands = self._strategy.host_commands
        for place, argv in enumerate(commands, 1):
            code = run_host_command(
                argv,
                place=place,
                count=len(commands),
                folder=self._app.folder,
                environment=host_environment(self._options.isolation) | FOR_AN_IMAGE,
                command=self._command,
                on_line=self._on_line,
            )
            if code:
                return code
        return 0

    def _request(self, bases: BuildBases) -> BuildRequest:
        arguments = dict(self._arguments)
        if self._options.isolation:
            arguments.setdefault("BUILDKIT_CACHE_MOUNT_NS", self._options.isolation)
        text = None
        if bases.replaced_frontend is not None:
            arguments.pop(SYNTAX_ARGUMENT, None)
            text = without_frontend(self._text)
        return BuildRequest(
            context=self._app.folder,
            dockerfile=self._strategy.dockerfile,
            dockerfile_text=text,
            target=self._options.target,
            build_args=arguments,
            named_contexts=bases.named_contexts,
            labels=our_labels(),
            tag=self._tag,
            builder=self._options.builder,
            cache_from=self._options.cache_from,
            cache_to=self._options.cache_to,
        )

    @property
    def _shown_text(self) -> str:
        """The Dockerfile without secrets: names of steps and the recording are without them, too."""
        return self._redaction.text(self._text)

    def _forget_lines(self) -> None:
        with self._lock:
            self._solve, self._raw = Solve(), []
            self._limit = LogLimit()
        # It may have been said of the lines that are forgotten.
        self._notices = [notice for notice in self._notices if notice != LOG_IS_CUT]

    def _describe(self, finished: Finished, bases: BuildBases) -> dict[str, Any] | None:
        if finished.image is None:
            return None
        note_image(self._engine, finished.image, "result", name=self._tag)
        try:
            described = describe_image(self._engine, finished.image, bases.final_layers)
            note_image(self._engine, finished.image, "result", name=self._tag, layers=layers_on(described))
            note_use(self._engine, [str(base["id"]) for base in bases.facts.values()])
            redacted: dict[str, Any] = self._redaction.document(described)
        except Exception as problem:
            self._notices.append(f"The image was made, but could not be described: {in_words(problem)}")
            return None
        return redacted

    def _answer(self, finished: Finished) -> dict[str, Any] | None:
        if finished.image is None or self._probe is None:
            return None
        answer: dict[str, Any] | None = None
        why = "the program was interrupted."
        try:
            if not self._command.cancelled:
                answer = _asked(self._engine, finished.image, self._probe, give_up=lambda: self._command.cancelled)
        except Exception as problem:
            why = in_words(problem)
        if answer is None:
            self._notices.append(f"The image was made, but was not asked for its answer: {why}")
        return None if answer is None else answer | {"said": self._redaction.text(str(answer["said"]))}


_answers: dict[tuple[str, Probe], dict[str, Any]] = {}


def _asked(engine: Engine, image: str, probe: Probe, *, give_up: Callable[[], bool]) -> dict[str, Any] | None:
    """The answer of an image, as a recording holds it; None when asking was given up.

    An image id never changes its meaning, so a good answer is kept for the next build that gives the same image.

    Raises: EngineLost, NotAsked.
    """
    kept_answer = _answers.get((image, probe))
    if kept_answer is not None:
        return kept_answer
    try:
        answer = ask_image(engine, image, port=probe.port, path=probe.path, give_up=give_up)
    except (EngineLost, NotAsked):
        raise
    except EngineError as problem:
        return {"ok": False, "said": str(problem)}
    if answer is None:
        return None
    judged = {"ok": answer.ok and probe.accepts(answer.said), "said": answer.said}
    if judged["ok"]:
        if len(_answers) >= ANSWERS_KEPT:
            _answers.clear()
        _answers[(image, probe)] = judged
    return judged


def _number() -> int:
    try:
        return new_number(state_folder("recordings"))
    except StateRefused:
        return 0


def _image_name(text: str) -> str:
    """Text as a part of an image's name: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "app"


def _machine(engine: Engine) -> dict[str, Any]:
    """Facts of the machine and of the engine, as far as it still answers."""
    go = find_go()
    here = {
        "platform": sys.platform,
        "python": sys.version.split()[0],
        "speedkit": _own_version(),
        "buildx": buildx_version(engine.buildx),
        "go": full_go_version(go) if go else "",
    }
    try:
        return here | {
            "engine": engine.version,
            "engine_id": engine.identity,
            "storage_driver": engine.storage_driver,
            "engine_system": engine.operating_system,
            "cpus": engine.cpus,
            "memory_bytes": engine.memory_bytes,
        }
    except (EngineError, LookupError, ValueError):
        return here


@lru_cache(maxsize=1)
def _own_version() -> str:
    try:
        return version("speedkit")
    except PackageNotFoundError:
        return ""


def _state_folder_in(folder: Path, context: Manifest) -> str | None:
    """Where the state folder is in a build context that was sent; None where it is elsewhere, or an ignore file leaves it out.

    A folder that a user builds in place is theirs, and is sent as they have it.
    """
    try:
        place = Path(os.path.realpath(state_home())).relative_to(folder.resolve()).as_posix()
    except ValueError:
        return None
    return place if place == "." or place in context.by_path else None
