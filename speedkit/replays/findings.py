"""Sentences about a replayed history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from speedkit.git_history import GIT_FOLDER
from speedkit.messages import clauses, listed, message, plural
from speedkit.words import seconds_text

from .result import Blame, Replay, Split
from .seconds_groups import seconds_groups

__all__ = ["blame_sentence", "findings", "minutes_by_developer", "split_sentence", "weeks_of"]

_SECONDS_A_WEEK = 7 * 86_400
_MOST_DEVELOPERS = 5
_MOST_OUTLIERS = 5


def weeks_of(replay: Replay) -> float | None:
    """The weeks from the first commit to the last; None for less than one, which is too short for figures a week."""
    dates = [one.commit.seconds for one in replay.commits]
    weeks = (max(dates) - min(dates)) / _SECONDS_A_WEEK if dates else 0.0
    return weeks if weeks >= 1 else None


def minutes_by_developer(replay: Replay) -> dict[str, float]:
    """The minutes of the commits of each developer, most first. Equal names are one developer, with any address."""
    seconds: dict[str, float] = {}
    for one in replay.commits:
        seconds[one.commit.author] = seconds.get(one.commit.author, 0.0) + (one.seconds or 0.0)
    return {name: seconds[name] / 60 for name in sorted(seconds, key=lambda name: -seconds[name])}


def findings(replay: Replay) -> Iterator[str]:
    """Sentences about the whole history. `blame_sentence` has those about single instructions."""
    yield from _scope(replay)
    yield from _seconds(replay)
    yield from _troubles(replay)


def _scope(replay: Replay) -> Iterator[str]:
    count = len(replay.commits)
    yield plural(
        "{count:,} commit of {name} replayed, each on a builder that had built the one before: {path}.",
        "{count:,} commits of {name} replayed, each on a builder that had built the one before: {path}.",
        count,
        name=replay.name,
        path=replay.dockerfile_path,
    )
    if replay.asked_for is not None and count < replay.asked_for:
        if replay.shallow:
            yield message("That is all this shallow clone has; `git fetch --unshallow` brings the rest.")
        else:
            yield message("The history has no more: the first commit of all has none before it.")
    if replay.submodules:
        yield plural(
            "{count:,} submodule is an empty folder here, as in a clone without `--recurse-submodules`.",
            "{count:,} submodules are empty folders here, as in a clone without `--recurse-submodules`.",
            replay.submodules,
        )
    if replay.has_lfs_files:
        yield message("Files of git LFS count by their pointers, which change when the files do.")
    if replay.inputs.varying_args:
        yield message(
            "These build args differ in each commit, as a workflow or script sets them: {names}.",
            names=listed(sorted(replay.inputs.varying_args)),
        )
    moved = dict.fromkeys(
        one.dockerfile.path
        for one in replay.commits
        if one.dockerfile is not None and one.dockerfile.path != replay.dockerfile_path
    )
    if moved:
        yield message("The Dockerfile was elsewhere before: {paths}.", paths=listed(moved))


def _seconds(replay: Replay) -> Iterator[str]:
    model = replay.model
    if model is None:
        if replay.problem:
            yield replay.problem
        yield message("Seconds are not known: `--measure 5` builds five of the commits for real.")
        return
    built = len(model.builds)
    yield (
        plural("Seconds are from {count:,} recorded build.", "Seconds are from {count:,} recorded builds.", built)
        if model.from_recordings
        else plural("Seconds are from {count:,} real build.", "Seconds are from {count:,} real builds.", built)
    ) + (" " + message("The base images were stand-ins.") if model.stand_in else "")
    if model.error_percent is None:
        yield message("How far off they are is not known: that takes three builds or more.")
    else:
        yield message(
            "The seconds of each build, forecast from the others, are off by {percent:.0f} %.", percent=model.error_percent
        )
    seconds = [one.seconds for one in replay.commits if one.seconds is not None]
    groups = seconds_groups(seconds)
    if len(groups) == 1:
        (group,) = groups
        yield message(
            "A commit takes about {middle}, most of them {low} to {high}.",
            middle=seconds_text(group.middle),
            low=seconds_text(group.lowest),
            high=seconds_text(group.highest),
        )
    elif groups:
        quick, slow = groups
        yield message(
            "Commits are of two kinds: {quick:,} take about {quick_middle} ({quick_low} to {quick_high}), and {slow:,} about "
            "{slow_middle} ({slow_low} to {slow_high}).",
            quick=quick.count,
            quick_middle=seconds_text(quick.middle),
            quick_low=seconds_text(quick.lowest),
            quick_high=seconds_text(quick.highest),
            slow=slow.count,
            slow_middle=seconds_text(slow.middle),
            slow_low=seconds_text(slow.lowest),
            slow_high=seconds_text(slow.highest),
        )
    weeks, total = weeks_of(replay), replay.total_seconds or 0.0
    if weeks is None:
        yield message("All together: {minutes:,.1f} minutes, for one build of each commit.", minutes=total / 60)
    else:
        yield message(
            "{minutes:,.1f} minutes a week, for one build of each commit ({total:,.0f} minutes in {weeks:,.1f} weeks).",
            minutes=total / 60 / weeks,
            total=total / 60,
            weeks=weeks,
        )
        developers = [
            message("{name} {minutes:,.1f}", name=name, minutes=minutes / weeks)
            for name, minutes in list(minutes_by_developer(replay).items())[:_MOST_DEVELOPERS]
        ]
        yield message("By developer, minutes a week: {developers}.", developers=listed(developers))
    timed = [one for one in replay.commits if one.seconds is not None]
    outliers = sorted((place for group in groups for place in group.outliers), key=lambda place: -(timed[place].seconds or 0.0))
    if outliers:
        named = [
            message(
                "{commit} with {seconds} ({subject})",
                commit=timed[place].commit.id[:10],
                seconds=seconds_text(timed[place].seconds or 0.0),
                subject=timed[place].commit.subject,
            )
            for place in outliers[:_MOST_OUTLIERS]
        ]
        yield message("Far slower than the others of their kind: {commits}.", commits=listed(named))
    if model.guessed:
        yield plural(
            "No build tells how long {count:,} instruction of older Dockerfiles takes: others of its kind stand in for it.",
            "No build tells how long {count:,} instructions of older Dockerfiles take: others of their kind stand in for them.",
            len(model.guessed),
        )


def _troubles(replay: Replay) -> Iterator[str]:
    counts = Counter(one.trouble for one in replay.commits)
    if count := counts["no-dockerfile"]:
        yield plural("{count:,} commit has no Dockerfile.", "{count:,} commits have no Dockerfile.", count)
    first = {one.trouble: one for one in reversed(replay.commits)}
    if count := counts["rejected"]:
        yield plural(
            "BuildKit rejects the Dockerfile of {count:,} commit, such as {commit}: {because}",
            "BuildKit rejects the Dockerfile of {count:,} commits, such as {commit}: {because}",
            count,
            commit=first["rejected"].commit.id[:10],
            because=first["rejected"].verdicts.because,
        )
    if count := counts["stops"]:
        yield plural(
            "The build of {count:,} commit stops at a missing file, such as {path} in {commit}.",
            "The builds of {count:,} commits stop at a missing file, such as {path} in {commit}.",
            count,
            path=first["stops"].verdicts.because,
            commit=first["stops"].commit.id[:10],
        )


def blame_sentence(blame: Blame, replay: Replay) -> str:
    """The cost of one instruction: "missed in 143 of 200 commits, 31 min a week; 118 of them changed only `web/**`"."""
    facts = [message("missed in {misses:,} of {count:,} commits", misses=blame.misses, count=len(replay.commits))]
    weeks = weeks_of(replay)
    if blame.seconds is not None:
        if weeks is None:
            facts.append(message("{minutes:,.1f} minutes", minutes=blame.seconds / 60))
        else:
            facts.append(message("{minutes:,.1f} minutes a week", minutes=blame.seconds / 60 / weeks))
        waited = blame.critical_seconds or 0.0
        if blame.seconds > 1 and waited < blame.seconds * 0.9:
            share = 100 * waited / blame.seconds
            facts.append(message("{percent:.0f} % of that on the critical path", percent=share))
    sentence = listed(facts)
    named = [
        message("{commits:,} of them changed only {pattern}", commits=one.commits, pattern=one.pattern)
        for one in blame.files
        if one.pattern != "**"
    ]
    if blame.git_folder:
        named.insert(0, message("{folder} is in the build context, and differs in every commit", folder=GIT_FOLDER))
    elif not blame.files:
        named = [message("the instruction, a variable, or its base was new")]
    return clauses([sentence, *named[:3]])


def split_sentence(split: Split) -> str:
    """What a split would have saved."""
    if split.saves_seconds is None:
        return plural(
            "This split of line {line} would have saved {count:,} run, if the step between needs no more files.",
            "This split of line {line} would have saved {count:,} runs, if the step between needs no more files.",
            split.saves_runs,
            line=split.line,
        )
    return plural(
        "This split of line {line} would have saved {seconds} and {count:,} run, if the step between needs no more files.",
        "This split of line {line} would have saved {seconds} and {count:,} runs, if the step between needs no more files.",
        split.saves_runs,
        line=split.line,
        seconds=seconds_text(split.saves_seconds),
    )
