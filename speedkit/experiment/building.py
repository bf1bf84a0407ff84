"""One real build, from request to recording: `build` waits for it, `start_build` lets one watch and cancel it."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from speedkit.apps import App, Probe, Strategy
from speedkit.context import Manifest, read_context
from speedkit.engine.buildx import BuildRequest, Command, Finished, run_buildx
from speedkit.engine.connection import Engine, buildx_version, connect
from speedkit.engine.containers import LABEL, ask_image
from speedkit.engine.host_go import find_go, full_go_version
from speedkit.engine.images import describe_image
from speedkit.errors import DiskFull, EngineError, EngineLost, NoDockerfile, SpeedkitError
from speedkit.experiment.advice import advice
from speedkit.experiment.background import InBackground
from speedkit.experiment.bases import BuildBases, build_bases
from speedkit.experiment.host import host_environment, run_host_command
from speedkit.experiment.notebook_view import watch_in_notebook
from speedkit.model import Build, Outcome
from speedkit.recordings.rawjson import Solve
from speedkit.recordings.reading import assemble_build
from speedkit.recordings.recording import Meta, new_id, write_recording
from speedkit.recordings.redaction import Redaction
from speedkit.state import state_folder

__all__ = ["BuildOptions", "RunningBuild", "build", "dockerfile_text", "recordings_folder", "sent_arguments", "start_build"]

UNTRUSTED = "certificate signed by unknown authority"
PROXY_ARGUMENTS = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"})
"""Build args that BuildKit knows by itself and leaves out of cache keys."""
BUILD_TIME = "SOURCE_DATE_EPOCH"
FOR_AN_IMAGE = {"CGO_ENABLED": "0", "GOOS": "linux"}
"""What a program compiled on the host must be told to run in an image, whatever the host is."""
NO_BASES = BuildBases({}, {}, "")
STOP_SECONDS = 5.0
LOOK_SECONDS = 0.1
NO_SPACE = "no space left on device"
ENGINE_GONE = ("error reading from server: EOF", "Cannot connect to the Docker daemon", "transport is closing")
"""What buildx ends with when the engine goes away. Steps may print the like of their own servers."""
STEP_FAILED = "did not complete successfully"


def recordings_folder() -> Path:
    return state_folder("recordings")


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build, beyond which app and strategy.

    edit: the name under which the build is listed. isolation: a token; builds with equal tokens share a cache, a new one
    starts cold. None shares the engine's cache.
    """

    edit: str = "none"
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
    try:
        watch_in_notebook(running)
        return running.wait()
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
    isolation, edit = app.begin(chosen.name, cold=cold)
    options = BuildOptions(
        isolation=isolation,
        edit=edit,
        target=target,
        build_args=dict(build_args or {}),
        builder=builder,
        cache_from=tuple(cache_from),
        cache_to=tuple(cache_to),
    )
    return RunningBuild(engine or connect(), app, chosen, options)


class RunningBuild:
    """A build under way in a thread of its own."""

    def __init__(self, engine: Engine, app: App, strategy: Strategy, options: BuildOptions) -> None:
        self._engine, self._app, self._strategy, self._options = engine, app, strategy, options
        self._text = dockerfile_text(strategy.dockerfile)
        self._probe = app.probe
        self._arguments = sent_arguments(options.build_args)
        self._redaction = Redaction(self._arguments, os.environ, [*options.cache_from, *options.cache_to])
        self._lock = threading.Lock()
        self._solve, self._raw = Solve(), []
        self._heard = self._began = time.monotonic()
        self._command = Command()
        self._meta = Meta(
            id=new_id(strategy.name),
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
        self._finished: Build | None = None
        self._problem: BaseException | None = None
        # An event and not Thread.join: Ctrl-C in a join makes Python take the thread for ended.
        self._ended = threading.Event()
        # A build is in a process group of its own, and would go on when this Python ends.
        atexit.register(self.stop)
        threading.Thread(target=self._run, name=f"build {self._meta.id}", daemon=True).start()

    _raw: list[bytes]

    @property
    def done(self) -> bool:
        return self._ended.is_set()

    def again(self, *, cold: bool = False) -> RunningBuild:
        """The same build once more, in the same cache, or cold in one of its own."""
        isolation, edit = self._app.begin(self._strategy.name, cold=True) if cold else (self._options.isolation, "none")
        options = replace(self._options, isolation=isolation, edit=edit)
        return RunningBuild(self._engine, self._app, self._strategy, options)

    def cancel(self) -> None:
        """End the build within three seconds; its recording is kept and marked cancelled."""
        self._command.cancel()

    def stop(self) -> None:
        """Cancel, and wait until the recording is kept. Whoever interrupts once more does not end that."""
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

    def snapshot(self) -> Build:
        """The build as far as it has come, its steps without their logs (see `log`)."""
        if self._finished is not None:
            return self._finished
        with self._lock:
            elapsed = time.monotonic() - self._heard
            now = None if self._solve.last is None else self._solve.last + elapsed
            meta = replace(self._meta, seconds=time.monotonic() - self._began)
            return assemble_build(meta, self._solve, self._text, now=now, with_logs=False)

    def log(self, digest: str) -> bytes:
        """What the step with this digest has printed so far."""
        with self._lock:
            vertex = self._solve.vertices.get(digest)
            return b"".join(vertex.log_chunks) if vertex else b""

    def _run(self) -> None:
        try:
            self._finished = self._build_and_record()
        except BaseException as problem:
            self._problem = problem
        finally:
            atexit.unregister(self.stop)
            self._ended.set()

    def _on_line(self, line: bytes) -> None:
        line = self._redaction.line(line)
        with self._lock:
            self._raw.append(line)
            self._solve.feed(line)
            self._heard = time.monotonic()

    def _build_and_record(self) -> Build:
        bases = self._bases_unless_cancelled()
        machine = InBackground(partial(_machine, self._engine))
        finished, seconds, context = self._solve_once(bases)
        if finished.exit_code and UNTRUSTED in self._all_text() and not self._command.cancelled:
            self._forget_lines()
            bases = self._bases(extend_ca=True)
            finished, seconds, context = self._solve_once(bases)
        image = self._describe(finished, bases)
        answer = self._answer(image)
        outcome = self._outcome(finished)
        self._meta = replace(
            self._meta,
            machine=machine.result(),
            seconds=seconds,
            outcome=outcome,
            exit_code=finished.exit_code,
            bases=bases.facts,
            answer=answer,
            error=self._error(outcome, answer, bases),
        )
        recording = write_recording(
            recordings_folder(), self._meta, raw=self._raw, dockerfile=self._text, context=context, image=image
        )
        if outcome == "broken":
            raise self._breakage()
        return assemble_build(self._meta, self._solve, self._text, image=image, recording=recording)

    def _read_context(self) -> Manifest:
        return read_context(self._app.folder, dockerfile=self._strategy.dockerfile)

    def _bases_unless_cancelled(self) -> BuildBases:
        """The bases. A pull may take minutes, and is waited for only as long as nobody cancels."""
        finding = InBackground(partial(self._bases, extend_ca=False))
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

    def _solve_once(self, bases: BuildBases) -> tuple[Finished, float, Manifest]:
        """Host commands, then BuildKit; the time both took together, and the build context that BuildKit was sent.

        The context is read while BuildKit's client reads it, too: after the host commands, which may have written to it.
        """
        self._began = time.monotonic()
        code = self._run_host_commands()
        self._meta = replace(self._meta, host_seconds=time.monotonic() - self._began)
        context = InBackground(self._read_context)
        finished = Finished(code, None)
        if not code:
            finished = run_buildx(self._engine, self._request(bases), command=self._command, on_line=self._on_line)
        seconds = time.monotonic() - self._began
        return finished, seconds, context.result()

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
        return BuildRequest(
            context=self._app.folder,
            dockerfile=self._strategy.dockerfile,
            target=self._options.target,
            build_args=arguments,
            named_contexts=bases.named_contexts,
            labels={LABEL: "1"},
            tag=f"speedkit/{_image_name(self._app.name)}:{_image_name(self._strategy.name)}",
            builder=self._options.builder,
            cache_from=self._options.cache_from,
            cache_to=self._options.cache_to,
        )

    def _forget_lines(self) -> None:
        with self._lock:
            self._solve, self._raw = Solve(), []

    def _all_text(self) -> str:
        with self._lock:
            logs = "".join(vertex.log for vertex in self._solve.vertices.values() if vertex.error)
            return self._solve.error_text + logs

    def _describe(self, finished: Finished, bases: BuildBases) -> dict[str, Any] | None:
        if finished.image is None:
            return None
        described = describe_image(self._engine, finished.image, bases.final_layers)
        found: dict[str, Any] = self._redaction.document(described)
        return found

    def _answer(self, image: dict[str, Any] | None) -> dict[str, Any] | None:
        if image is None or self._probe is None:
            return None
        return _asked(self._engine, image["id"], self._probe)

    def _outcome(self, finished: Finished) -> Outcome:
        if finished.exit_code == 0:
            return "done"
        if self._command.cancelled:
            return "cancelled"
        text = self._all_text()
        if NO_SPACE in text.lower() or self._engine_is_gone():
            return "broken"
        return "failed"

    def _engine_is_gone(self) -> bool:
        last_words = [line for line in self._solve.text if line.startswith("ERROR:") and STEP_FAILED not in line]
        return any(sign in line for sign in ENGINE_GONE for line in last_words) or not self._engine.answers()

    def _error(self, outcome: Outcome, answer: dict[str, Any] | None, bases: BuildBases) -> str | None:
        if outcome == "cancelled":
            return "The build was cancelled."
        if outcome == "done":
            return None if answer is None or answer["ok"] else f"The image did not answer as expected: {answer['said']}"
        failed = next((vertex for vertex in self._solve.vertices.values() if vertex.error), None)
        log = failed.log.strip()[-4000:] if failed else ""
        stand_ins = [name for name, base in bases.facts.items() if base["stand_in"]]
        hint = advice(self._solve.error_text, stand_ins=stand_ins)
        return "\n".join(part for part in (log, self._solve.error_text, hint) if part)

    def _breakage(self) -> SpeedkitError:
        kept = f"The recording {self._meta.id} is kept."
        if NO_SPACE in self._all_text().lower():
            return DiskFull(
                f"A disk is full, the engine's or one that a step wrote to. {kept}",
                fix="Free some room (`docker system df` shows what takes it), then build again.",
            )
        return EngineLost(
            f"The Docker engine at {self._engine.host} went away during the build. {kept}",
            fix="Start it again (`speedkit engine start`, or Docker Desktop) and build again.",
        )


_answers: dict[tuple[str, Probe], dict[str, Any]] = {}


def _asked(engine: Engine, image: str, probe: Probe) -> dict[str, Any]:
    """What an image answers. An image id never changes its meaning, so a good answer is kept."""
    known = _answers.get((image, probe))
    if known is not None:
        return known
    try:
        answer = ask_image(engine, image, port=probe.port, path=probe.path)
    except EngineError as problem:
        return {"ok": False, "said": str(problem)}
    judged = {"ok": answer.ok and probe.accepts(answer.said), "said": answer.said}
    if judged["ok"]:
        _answers[(image, probe)] = judged
    return judged


def _image_name(text: str) -> str:
    """Text as a part of an image's name: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "app"


def sent_arguments(build_args: Mapping[str, str]) -> dict[str, str]:
    """What a build is given as build arguments: those named, and those that come from the environment.

    The host's proxies are handed on to reach the network; SOURCE_DATE_EPOCH is taken by buildx itself.
    """
    found = {name: value for name, value in os.environ.items() if name.upper() in PROXY_ARGUMENTS or name == BUILD_TIME}
    return found | dict(build_args)


def dockerfile_text(path: Path) -> str:
    """A Dockerfile's text; line ends stay as they are, and bytes that are not UTF-8 survive in it.

    Raises: NoDockerfile.
    """
    try:
        return path.read_bytes().decode("utf-8", errors="surrogateescape")
    except OSError:
        raise NoDockerfile(path) from None


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
    except EngineLost:
        return here


def _own_version() -> str:
    try:
        return version("speedkit")
    except PackageNotFoundError:
        return ""
