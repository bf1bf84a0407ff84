"""Real builds of a few commits of a history, to learn how long their steps take."""

from __future__ import annotations

import posixpath
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise

from speedkit.apps import Strategy
from speedkit.builders import Builder, builder_named
from speedkit.builds import MeasuredBuilds, recordings_folder, start_measured
from speedkit.cache import Verdict
from speedkit.engine import connect, note_build
from speedkit.errors import SpeedkitError
from speedkit.git_history import Commit, CommitRange, ContextFolder, Repository
from speedkit.messages import message
from speedkit.model import Build, Step
from speedkit.ownership import scratch_folder
from speedkit.projects import Way
from speedkit.recordings import list_recordings, read_build

from .commit_seconds import runs_of
from .history_verdicts import BuildInputs, CommitVerdicts, HistoryStep, history_verdicts, version_of
from .step_seconds import ObservedBuild, SecondsModel, StepRun

__all__ = ["BuiltCommit", "build_commits", "commits_to_measure", "measured_seconds", "recorded_seconds"]

_MOST_RECORDINGS = 50


def commits_to_measure(verdicts: Sequence[CommitVerdicts], count: int) -> list[int]:
    """The places of the commits to build: one for each kind of change, more for frequent kinds, the newest first of each kind.

    The kind of a change is the set of steps that run. A commit that cannot be built is useless here, and so is the one after
    it.
    """
    kinds: defaultdict[frozenset[str], list[int]] = defaultdict(list)
    for place, commit in enumerate(verdicts):
        # The first commit of a replay has no commit before it that was built.
        if place and commit.trouble is None and verdicts[place - 1].trouble is None and commit.ran:
            kinds[frozenset(step.instruction for step in commit.ran)].append(place)
    measured: list[int] = []
    counts: dict[frozenset[str], int] = dict.fromkeys(kinds, 0)
    while len(measured) < count:
        left = [kind for kind in kinds if counts[kind] < len(kinds[kind])]
        if not left:
            break
        # First one of each kind. The others are shared out like seats of a parliament (D'Hondt's method): the next one goes to
        # the kind that has the most commits for each measured one.
        kind = max(left, key=lambda one: (counts[one] == 0, len(kinds[one]) / (counts[one] + 1)))
        counts[kind] += 1
        measured.append(kinds[kind][-counts[kind]])
    return sorted(measured)


class BuiltCommit:
    """A commit that was built for real, after another one in the same cache."""

    def __init__(self, verdicts: CommitVerdicts, build: Build, forecast: tuple[StepRun, ...]) -> None:
        self.verdicts = verdicts
        self.build = build
        self.forecast = forecast

    @property
    def ran(self) -> dict[int, float]:
        """The seconds of each step that ran, by its number."""
        return {number: step.seconds for number, step in self.steps.items() if step.ran}

    @property
    def steps(self) -> dict[int, Step]:
        """The steps of the build by their number in the Dockerfile."""
        waiting = list(self.build.instructions)
        pairs: dict[int, Step] = {}
        for step in self.verdicts.dockerfile.steps if self.verdicts.dockerfile is not None else ():
            built = next((one for one in waiting if one.line == step.line), None)
            if built is not None:
                pairs[step.number] = built
                waiting.remove(built)
        return pairs

    @property
    def wrong(self) -> tuple[HistoryStep, ...]:
        """The steps whose verdict the build proves wrong. The verdict `depends` is never wrong."""
        steps = self.steps
        return tuple(
            step
            for step, verdict in zip(
                self.verdicts.dockerfile.steps if self.verdicts.dockerfile else (), self.verdicts.verdicts, strict=True
            )
            if step.number in steps
            if (verdict == "hit" and steps[step.number].ran) or (verdict == "miss" and steps[step.number].cached)
        )

    def observed(self) -> ObservedBuild:
        if self.verdicts.dockerfile is None:
            raise ValueError(self.verdicts.commit.id)
        build, dockerfile = self.build, self.verdicts.dockerfile
        return ObservedBuild(self.verdicts.commit.id, build.seconds, dockerfile, self.forecast, self.ran, build.stand_in)


def build_commits(
    repository: Repository,
    way: Way,
    inputs: BuildInputs,
    commits: Sequence[Commit],
    *,
    builder: Builder,
    say: Callable[[str], None],
) -> Iterator[BuiltCommit]:
    """Builds commits for real, one after the other in a cache of their own that starts empty.

    The first one is built in the empty cache. Commits that cannot be built are left out. Raises: what a build raises.
    """
    changes = [(), *(repository.changes(before.id, after.id) for before, after in pairwise(commits))]
    chain = tuple(replace(commit, changes=changed) for commit, changed in zip(commits, changes, strict=True))
    start, verdicts = history_verdicts(repository, CommitRange(chain[1:], chain[0].id, False), inputs)
    name = repository.folder.resolve().name
    isolation = f"replay-{secrets.token_hex(6)}"
    ran_before: set[str] = set()
    engine = connect()
    builds = MeasuredBuilds(engine)
    # BuildKit recognises a build context by the last part of its path (docs/buildkit-cache-rules.md), so the folder gets a
    # random name. The isolated base images stay until the last build; images that were built only for their time are removed.
    with ExitStack() as stack:
        scratch = stack.enter_context(scratch_folder())
        stack.enter_context(note_build(engine, f"speedkit/replay:{isolation}"))
        stack.callback(builds.remove_images)
        context = ContextFolder(repository, scratch / f"{name}-{secrets.token_hex(4)}", way.context, with_git=True)
        for number, one in enumerate((start, *verdicts), 1):
            if one.dockerfile is None or one.trouble is not None:
                continue
            path = posixpath.relpath(one.dockerfile.path, repository.prefix or ".")
            dockerfile = context.check_out(one.commit.id, dockerfile=path, text=inputs.dockerfile_text)
            say(message("build {number} of {count}: {commit}", number=number, count=len(chain), commit=one.commit.id[:10]))
            running = start_measured(
                builder,
                way,
                app_name=f"{name}, replayed",
                source=repository.folder.resolve(),
                context=context.folder,
                strategy=Strategy(way.name, dockerfile, ""),
                edit=one.commit.id[:10],
                isolation=isolation,
            )
            build = builds.finished(running)
            forecast = runs_of(one, ran_before)
            ran_before |= {step.instruction for step in one.ran}
            yield BuiltCommit(one, build, forecast)


def measured_seconds(
    repository: Repository,
    way: Way,
    inputs: BuildInputs,
    verdicts: Sequence[CommitVerdicts],
    count: int,
    *,
    builder: str | None = None,
    say: Callable[[str], None],
) -> tuple[SecondsModel | None, str]:
    """The model of seconds from real builds of a few commits; or None and the reason, such as the error of a failed build."""
    places = commits_to_measure(verdicts, count)
    if not places:
        return None, message("No commit of this history runs a step after one that can be built.")
    # Each measured commit is built right after its parent, as it would be on a builder that builds all of them.
    needed = sorted({place - 1 for place in places} | set(places))
    commits = [verdicts[place].commit for place in needed]
    observed: list[ObservedBuild] = []
    problem = ""
    for built in build_commits(repository, way, inputs, commits, builder=builder_named(connect(), builder), say=say):
        if built.build.outcome == "done":
            observed.append(built.observed())
        else:
            problem = message(
                "The build of {commit} failed: {error}", commit=built.verdicts.commit.id[:10], error=built.build.error or ""
            )
            say(problem)
    # The first build ran all steps in an empty cache. One such build does not tell how long later ones take.
    return (SecondsModel(observed), "") if len(observed) > 1 else (None, problem)


def recorded_seconds(repository: Repository, way: Way, inputs: BuildInputs) -> SecondsModel | None:
    """The model of seconds from recordings of earlier builds of this way; None without any."""
    source = str(repository.folder.resolve())
    observed: list[ObservedBuild] = []
    # A proof builds variants of a way, with names such as `Dockerfile, as-is`.
    recordings = [
        one
        for one in list_recordings(recordings_folder(), source=source)
        if one.meta.strategy == way.name or one.meta.strategy.startswith(f"{way.name}, ")
    ]
    for recording in recordings[-_MOST_RECORDINGS:]:
        if recording.meta.outcome != "done":
            continue
        try:
            # Recordings of older versions, or of a Dockerfile that BuildKit refused, may not be readable.
            build, dockerfile = read_build(recording), version_of(recording.dockerfile, inputs)
        except SpeedkitError:
            continue
        verdicts = tuple(_recorded_verdict(build, step) for step in dockerfile.steps)
        built = BuiltCommit(CommitVerdicts(Commit(build.edit, "", 0, "", "", "", ()), dockerfile, verdicts), build, ())
        # Nobody knows what ran before in that cache, so no step counts as one that runs for the first time.
        built.forecast = runs_of(built.verdicts, {step.instruction for step in dockerfile.steps})
        observed.append(built.observed())
    return SecondsModel(observed, from_recordings=True) if observed else None


def _recorded_verdict(build: Build, step: HistoryStep) -> Verdict:
    built = next((one for one in build.instructions if one.line == step.line), None)
    return "no-step" if built is None else "miss" if built.ran else "hit"
