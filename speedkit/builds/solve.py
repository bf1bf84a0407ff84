"""Makes a build: base images, host commands, then BuildKit. A second try follows where the first shows what was missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from speedkit.builders import BuildBases, Builder, make_stand_ins
from speedkit.cell_output import say_aside
from speedkit.context import Manifest
from speedkit.engine import CancellableCommand, SolveResult

from .background import InBackground
from .host_commands import FOR_AN_IMAGE, host_environment, run_host_command
from .outcome import failure_text
from .request import Request
from .transcript import Transcript

__all__ = ["ContextReading", "SentFiles", "SolvedBuild", "Solver"]

UNTRUSTED = "certificate signed by unknown authority"
NO_BASES = BuildBases({}, {}, "")
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class SentFiles:
    """The files that a build was sent: of its build context, and of the named contexts that are folders, by name."""

    context: Manifest
    named_contexts: Mapping[str, Manifest]


class ContextReading(InBackground[SentFiles]):
    """The manifests of the build contexts, read at the same time as buildx reads the contexts."""

    def __init__(self, builder: Builder, request: Request) -> None:
        self._is_unneeded = threading.Event()

        def read() -> SentFiles:
            named = {
                name: builder.read_context(folder, None, self._is_unneeded.is_set)
                for name, folder in request.options.options.folders.items()
            }
            return SentFiles(builder.read_context(request.folder, request.dockerfile, self._is_unneeded.is_set), named)

        super().__init__(read)

    def give_up(self) -> None:
        """Note that nobody needs the manifest any more."""
        self._is_unneeded.set()


@dataclass(frozen=True, slots=True)
class SolvedBuild:
    """How a build ended. seconds: of the host commands and BuildKit together. context: reads the files that were sent."""

    finished: SolveResult
    bases: BuildBases
    seconds: float
    context: ContextReading


class Solver:
    """One build under way.

    on_bases: gets the base images of each try before it begins: which step a vertex belongs to depends on them. on_host_end:
    gets the seconds that the host commands took.
    """

    def __init__(
        self,
        builder: Builder,
        request: Request,
        transcript: Transcript,
        command: CancellableCommand,
        *,
        on_bases: Callable[[BuildBases], None],
        on_host_end: Callable[[float], None],
    ) -> None:
        self._builder, self._request, self._transcript, self._command = builder, request, transcript, command
        self._on_bases, self._on_host_end = on_bases, on_host_end
        self._context: ContextReading | None = None

    def solve(self) -> SolvedBuild:
        """The build's end, good or bad. Raises: EngineLost, NoBaseImage, NoBuildKit."""
        solved = self._solve_once(self._bases(extend_ca=False))
        if self._is_failed(solved):
            frontend = self._builder.unfetched_frontend(failure_text(self._transcript.solve), self._request.bases)
            if frontend is not None:
                solved = self._solve_anew(replace(solved.bases, replaced_frontend=frontend))
        if self._is_failed(solved) and UNTRUSTED in failure_text(self._transcript.solve):
            # Only now: the certificates add a layer to the base, and nothing that was built without them is cached for it.
            extended = self._bases(extend_ca=True)
            extended = replace(extended, replaced_frontend=extended.replaced_frontend or solved.bases.replaced_frontend)
            if not self._command.cancelled:
                solved = self._solve_anew(extended)
        return solved

    def _is_failed(self, solved: SolvedBuild) -> bool:
        is_real = self._builder.played is None
        return bool(solved.finished.exit_code) and is_real and not self._command.cancelled

    def _bases(self, *, extend_ca: bool) -> BuildBases:
        """The base images; none when the build is cancelled meanwhile, because a pull may go on for minutes."""
        preparing = InBackground(partial(self._prepare, extend_ca=extend_ca))
        while not preparing.done_within(LOOK_SECONDS):
            if self._command.cancelled:
                return NO_BASES
        return preparing.result()

    def _prepare(self, *, extend_ca: bool) -> BuildBases:
        if self._request.makes_stand_ins and self._builder.engine is not None:
            make_stand_ins(self._builder.engine, self._request.bases, say_aside)
        return self._builder.prepare(self._request.bases, extend_ca=extend_ca)

    def _solve_anew(self, bases: BuildBases) -> SolvedBuild:
        # The lines of the first try go: a reader should see one build, and its recording hold one solve.
        self._transcript.begin_anew()
        return self._solve_once(bases)

    def _solve_once(self, bases: BuildBases) -> SolvedBuild:
        with self._builder.ready(self._request.for_buildx(bases, self._builder.name), self._command) as request:
            began = time.monotonic()
            self._on_bases(bases)
            code = self._run_host_commands()
            self._on_host_end(time.monotonic() - began)
            if self._context is not None:
                self._context.give_up()
            # Begun after the host commands, which may write into the build context.
            context = self._context = ContextReading(self._builder, self._request)
            finished = SolveResult(code, None)
            if not code:
                finished = self._builder.solve(request, command=self._command, on_line=self._transcript.add)
            self._transcript.finish()
            return SolvedBuild(finished, bases, time.monotonic() - began, context)

    def _run_host_commands(self) -> int:
        commands = self._request.host_commands
        for place, argv in enumerate(commands, 1):
            code = run_host_command(
                argv,
                place=place,
                count=len(commands),
                folder=self._request.folder,
                environment=host_environment(self._request.options.isolation) | FOR_AN_IMAGE,
                command=self._command,
                on_line=self._transcript.add,
            )
            if code:
                return code
        return 0
