"""Builds a project with its own Dockerfile and with a changed one, in turns, and compares the seconds and the images.

    cold        the oldest state, nothing in the cache
    unchanged   the same again, twice
    commits     the states after it, in their order

Each variant has an isolated cache of its own, so the reader's cache is neither used nor changed. The variants take turns, and
change places in each round: a machine that slows down slows both. The images of the cold builds are compared, and so are those
of the last state. These come from warm caches, where a cache mount with old files would show. When two images differ, the
original is built once more, from cold: what differs between two builds of the original is noise.
"""

from __future__ import annotations

import contextlib
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from speedkit.apps import Probe, Strategy
from speedkit.builders import EngineBuilder
from speedkit.builds import MeasuredBuilds, Watch, start_measured
from speedkit.engine import Engine, note_build
from speedkit.errors import NotProven, SpeedkitError
from speedkit.messages import clauses, marked, message, plural
from speedkit.model import Build
from speedkit.projects import Way
from speedkit.words import last_error_line, seconds_text

from .equality import ImageDifference, Part, differences_between, judged, patched_files_in, with_natures
from .file_change import FileChange, apply_changes
from .git_status import hide_from_git
from .project_copy import TIME_STEP_NS
from .project_states import CONTEXT, LeftOut, ProjectFolder, ProjectState, ProjectStates, file_or_none, place_in_folder
from .proof import Pair, Proof
from .smoke import SmokeResult, smoke_of

__all__ = ["Proving", "prove", "refusals"]

AS_IS, PATCHED, AGAIN = "as-is", "patched", "as-is-again"
WORDS = {AS_IS: marked("as it is"), PATCHED: marked("patched"), AGAIN: marked("as it is, once more")}
COLD, UNCHANGED = "cold", "none"
UNCHANGED_ROUNDS = 2
BUILDS_BEFORE_COMMITS = 2 + 2 * UNCHANGED_ROUNDS
PREFIX = "ERROR: failed to build: failed to solve: "


@dataclass(frozen=True)
class Proving:
    """A change that is to be proved, and the builds that prove it.

    name: of the project, in recordings and image names. source: its folder. working: the uncommitted changes in the folder,
    which both variants get. change: the change to prove. stops_early: the proof ends as soon as two images are not equal,
    because nobody needs the seconds then.
    """

    name: str
    source: Path
    way: Way
    states: ProjectStates
    working: tuple[FileChange, ...]
    change: tuple[FileChange, ...]
    smoke: tuple[str, ...] | None = None
    probe: Probe | None = None
    stops_early: bool = False

    @property
    def expected_builds(self) -> int:
        return BUILDS_BEFORE_COMMITS + 2 * max(len(self.states.states) - 1, 0)


def prove(engine: Engine, proving: Proving, watch: Callable[[int], Watch]) -> Proof:
    """The proof of a change by real builds. Ctrl-C ends the build under way; builds before it are in the recordings.

    Raises: NotProven where the original itself cannot be built; EngineError, ArchiveError, StateRefused.
    """
    with _running(engine, proving, watch(proving.expected_builds)) as run:
        return run.proof()


def refusals(
    engine: Engine, proving: Proving, changes: Sequence[Sequence[FileChange]], watch: Callable[[int], Watch]
) -> list[str]:
    """For each of several changes, why it alone is not worth it; "" where its image is equal and the smoke command ends alike.

    Only the newest state is built, with one cache for all changes. That is quick, but gives no seconds to compare.
    Raises: as `prove`.
    """
    with _running(engine, proving, watch(1 + len(changes))) as run:
        return run.refusals(changes)


@contextlib.contextmanager
def _running(engine: Engine, proving: Proving, watch: Watch) -> Iterator[_Run]:
    with contextlib.ExitStack() as stack:
        run = _Run(engine, proving, stack.enter_context(watch))
        # Registered before the note of the build, so it runs after the end of the note.
        stack.callback(run.clean_up)
        # Images that newer ones of the same name replace, and isolated bases, stay until the end.
        stack.enter_context(note_build(engine, f"speedkit/proof:{uuid.uuid4().hex[:12]}"))
        yield run


class _Run:
    def __init__(self, engine: Engine, proving: Proving, watch: Watch) -> None:
        self._engine, self._proving, self._watch = engine, proving, watch
        self._builder = EngineBuilder(engine)
        name = proving.source.name or "project"
        self._exported = ProjectFolder(f"{name}-exported")
        self._folders = {variant: ProjectFolder(f"{name}-{variant}") for variant in (AS_IS, PATCHED)}
        self._tokens: dict[str, str] = {}
        self._builds = MeasuredBuilds(engine)
        # BuildKit takes a file of equal size and time for unchanged, so each state has a time of its own. It lies in the past,
        # because some programs, such as make, complain about files from the future.
        self._time_ns = time.time_ns() - 10_000 * TIME_STEP_NS
        self._left_out: list[LeftOut] = []
        self._seconds: list[float] = []
        # For the line of progress. Builds without a change take no time to speak of, and a repeated one is rarely needed.
        self._builds_left = 2 * len(proving.states.states)
        self._noise: dict[str, frozenset[Part]] = {}
        self._differences: dict[str, ImageDifference] = {}
        self._equal: bool | None = None
        self._round = 0
        self._repeated: list[tuple[float, float]] = []
        self._cold: Pair | None = None
        self._unchanged: list[Pair] = []
        self._commits: list[Pair] = []
        self._patched_contents: tuple[tuple[str, bytes | None], ...] = ()

    def proof(self) -> Proof:
        failure = self._measure()
        if self._cold is None:
            raise self._never_built()
        smoke = None
        last = self._commits[-1] if self._commits else self._cold
        if not failure:
            if last is not self._cold:
                self._compare(last)
            if self._equal or not self._proving.stops_early:
                smoke = self._smoke(last)
        return Proof(
            self._cold,
            tuple(self._unchanged),
            tuple(self._commits),
            self._equal,
            tuple(sorted(self._differences.values(), key=lambda one: (not one.is_real, one.path))),
            smoke,
            tuple(self._left_out),
            failure,
            self._proving.states.has_history,
            tuple(sorted({base.reference for base in self._cold.as_is.bases if base.stand_in})),
            repeated_seconds=tuple(self._repeated),
        )

    def _measure(self) -> str:
        """Builds all states, until the patched Dockerfile fails. Returns its error, "" for none."""
        for state in self._proving.states.states:
            if not self._prepare(state, self._proving.change):
                continue
            is_first = self._cold is None
            if is_first:
                # New caches where an earlier state did not build: its failed build left steps in them.
                self._tokens = {name: f"{uuid.uuid4().hex[:12]}-{name}" for name in (AS_IS, PATCHED)}
            pair = self._pair(state, COLD if is_first else state.short)
            if pair.as_is.outcome != "done":
                self._leave_out(state, message("the original does not build there: {error}", error=_error_of(pair.as_is)))
                continue
            if is_first:
                self._cold = pair
            if pair.patched.outcome != "done":
                return message("{state}: {error}", state=state.short, error=_error_of(pair.patched))
            if not is_first:
                self._commits.append(pair)
                continue
            self._compare(pair)
            if self._equal is False and self._proving.stops_early:
                break
            # Right after the cold builds, while nothing else has touched the caches.
            self._unchanged = [self._pair(state, UNCHANGED) for _ in range(UNCHANGED_ROUNDS)]
        return ""

    def refusals(self, changes: Sequence[Sequence[FileChange]]) -> list[str]:
        token = f"{uuid.uuid4().hex[:12]}-{AS_IS}"
        self._tokens = {AS_IS: token, PATCHED: token}
        # The newest state is the one that a reader will build next; an older one serves when it does not build.
        for state in reversed(self._proving.states.states):
            if not self._prepare(state, ()):
                continue
            as_is = self._build(AS_IS, COLD, state)
            if as_is.outcome == "done":
                return [self._refusal(state, as_is, change) for change in changes]
            self._leave_out(state, message("the original does not build there: {error}", error=_error_of(as_is)))
        raise self._never_built()

    def _refusal(self, state: ProjectState, as_is: Build, change: Sequence[FileChange]) -> str:
        if not self._prepare(state, change):
            return self._left_out[-1].because
        self._differences, self._equal = {}, None
        pair = Pair(state, as_is, self._build(PATCHED, state.short, state))
        failure = "" if pair.patched.outcome == "done" else _error_of(pair.patched)
        smoke = None
        if not failure:
            self._compare(pair)
            smoke = self._smoke(pair) if self._equal else None
        proof = Proof(pair, (), (), self._equal, tuple(self._differences.values()), smoke, failure=failure)
        return "" if proof.verdict == "not-measured" else proof.why_not

    def _never_built(self) -> NotProven:
        return NotProven(
            message(
                "The original could be built in no state: {reasons}.",
                reasons=clauses(f"{one.state.short}: {one.because}" for one in self._left_out).rstrip("."),
            ),
            fix=message("Make it build first; `speedkit build` shows its log."),
        )

    def clean_up(self) -> None:
        """Removes the folders, and the images that were made for the comparison alone."""
        for folder in (self._exported, *self._folders.values()):
            folder.discard()
        self._builds.remove_images()

    def _prepare(self, state: ProjectState, change: Sequence[FileChange]) -> bool:
        """Puts a state into both folders. Returns False, and notes the reason, where the change does not fit the state."""
        proving, way, exported = self._proving, self._proving.way, self._exported.path
        self._time_ns += TIME_STEP_NS
        try:
            proving.states.write(state, exported, time_ns=self._time_ns)
            # First the uncommitted changes, which both variants get, and then the change to prove on top of them.
            paths = {one.path for one in (*proving.working, *change)}
            places = {path: place for path in paths if (place := place_in_folder(path, way)) is not None}
            inside = [place.removeprefix(f"{CONTEXT}/") for place in places.values() if place.startswith(f"{CONTEXT}/")]
            hide_from_git(exported / CONTEXT, inside, time_ns=self._time_ns)
            files = {path: file_or_none(exported / place) for path, place in places.items()}
            as_is = files | apply_changes([one for one in proving.working if one.path in places], files)
            patched = as_is | apply_changes([one for one in change if one.path in places], as_is)
        except (SpeedkitError, OSError) as problem:
            reason = problem.what if isinstance(problem, SpeedkitError) else str(problem)
            self._leave_out(state, reason.rstrip("."))
            return False
        dockerfile = place_in_folder(way.file, way)
        if as_is.get(way.file) is None and (dockerfile is None or not (exported / dockerfile).is_file()):
            self._leave_out(state, message("there is no {file}", file=way.file))
            return False
        for variant, contents in ((AS_IS, as_is), (PATCHED, patched)):
            changed = {places[path]: content for path, content in contents.items() if content != files[path]}
            self._folders[variant].become(exported, changed, time_ns=self._time_ns)
        self._patched_contents = tuple(
            (PurePosixPath(path).name, content) for path, content in patched.items() if content != as_is[path]
        )
        return True

    def _leave_out(self, state: ProjectState, because: str) -> None:
        self._left_out.append(LeftOut(state, because))

    def _pair(self, state: ProjectState, edit: str) -> Pair:
        """The builds of a state as it is and patched. They change places in each round."""
        self._round += 1
        # Whichever is built second finds the disk cache of the machine warm, so it is not always the same variant.
        order = (AS_IS, PATCHED) if self._round % 2 else (PATCHED, AS_IS)
        builds = {variant: self._build(variant, edit, state) for variant in order}
        return Pair(state, builds[AS_IS], builds[PATCHED])

    def _build(self, variant: str, edit: str, state: ProjectState, *, token: str | None = None) -> Build:
        way, folder = self._proving.way, self._folders[PATCHED if variant == PATCHED else AS_IS]
        state_words = {COLD: message("cold"), UNCHANGED: message("unchanged")}.get(edit, state.short)
        label = message("{state}, {variant}", state=state_words, variant=message(WORDS[variant]))
        self._watch.begin(f"{label}{self._time_left()}")
        # The replay takes the seconds of steps from builds whose strategy begins with the name of the way.
        name = f"{way.name}, {variant}"
        dockerfile = folder.place(place_in_folder(way.file, way) or way.file)
        running = start_measured(
            self._builder,
            way,
            app_name=self._proving.name,
            source=self._proving.source,
            context=folder.context,
            strategy=Strategy(name, dockerfile, message(WORDS[variant])),
            edit=edit,
            isolation=token or self._tokens[variant],
        )
        built = self._builds.finished(running)
        self._watch.end(built)
        # A broken build says nothing about the Dockerfile: the engine went away. A proof with a hole in it would mislead.
        if built.outcome in ("cancelled", "broken"):
            raise KeyboardInterrupt if built.outcome == "cancelled" else NotProven(built.error or "")
        if edit != UNCHANGED and token is None:
            self._seconds.append(built.seconds)
            self._builds_left -= 1
        return built

    def _time_left(self) -> str:
        """The rough time of the builds to come, for the line of progress; "" before the first pair is built."""
        if len(self._seconds) < 2 or self._builds_left < 1:
            return ""
        # The first two builds are cold, and usually longer than those to come. They count only while there are no others.
        left = self._builds_left * statistics.fmean(self._seconds[2:] or self._seconds)
        return plural(
            " ({count} build to come, about {time})",
            " ({count} builds to come, about {time})",
            self._builds_left,
            time=seconds_text(left),
        )

    def _compare(self, pair: Pair) -> None:
        """Compares the images of a pair, and notes all differences with their judgements."""
        before, after = pair.as_is.image, pair.patched.image
        if before is None or after is None:
            return

        differences = differences_between(self._engine, before, after)
        copies = patched_files_in(self._engine, after, differences, self._patched_contents)
        result = judged(differences, self._noise, copies)
        if any(one.is_real for one in result):
            # A second build of the original takes as long as the first one, so it is made only when something differs. It
            # begins in another second: two builds in one second write equal times, and a time would not look like noise.
            time.sleep(1.0 - time.time() % 1.0)
            again = self._build(AGAIN, COLD, pair.state, token=f"{uuid.uuid4().hex[:12]}-again")
            if again.outcome == "done" and pair is self._cold:
                self._repeated.append((pair.as_is.seconds, again.seconds))
            if again.image:
                for path, parts in differences_between(self._engine, before, again.image).items():
                    self._noise[path] = self._noise.get(path, frozenset()) | parts
            result = judged(differences, self._noise, copies)

        # A difference that was real in an earlier pair stays real, even if it is noise in this one.
        for one in with_natures(self._engine, before, after, result):
            earlier = self._differences.get(one.path)
            if earlier is None or not earlier.is_real:
                self._differences[one.path] = one
        self._equal = not any(one.is_real for one in self._differences.values())

    def _smoke(self, pair: Pair) -> SmokeResult | None:
        if pair.as_is.image is None or pair.patched.image is None:
            return None
        return smoke_of(
            self._engine, pair.as_is.image, pair.patched.image, words=self._proving.smoke, probe=self._proving.probe
        )


def _error_of(build: Build) -> str:
    """Why a build failed, on one line: BuildKit's last line, and the last line that the failed step printed."""
    printed = [line for step in build.step_list if step.state == "failed" for line in step.log.splitlines() if line.strip()]
    return ": ".join([last_error_line(build).removeprefix(PREFIX).rstrip("."), *printed[-1:]])
