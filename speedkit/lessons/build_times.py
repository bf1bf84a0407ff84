"""Sentences about the time of builds: the slowest step of one, and which of several strategies rebuilds quicker."""

from __future__ import annotations

from collections.abc import Sequence

from speedkit.measurements import Measurement, edit_words, is_beyond_spread, measure, quickest
from speedkit.messages import message, plural
from speedkit.model import Build, Step
from speedkit.words import seconds_text, share_text, steps_that_ran

from .name_list import all_names

__all__ = ["beside_the_host", "extremes", "slowest_step", "verdict", "where_the_time_went"]

MOST_OF_IT = 0.5
HOST = "host"


def slowest_step(build: Build) -> Step:
    """The step that took the longest."""
    return max(build.instructions, key=lambda step: step.seconds)


def where_the_time_went(build: Build) -> str:
    """The share of a build that its slowest step took, by this one run."""
    if not any(step.ran for step in build.instructions):
        return message("Nothing ran: everything came from the cache in {seconds}.", seconds=seconds_text(build.seconds))
    slowest = slowest_step(build)
    share = slowest.seconds / max(build.seconds, slowest.seconds)
    step_text = slowest.instruction
    if slowest.line is not None:
        step_text = message("line {line}, {instruction}", line=slowest.line, instruction=slowest.instruction)
    if share > MOST_OF_IT:
        return message(
            "Most of the time is one step: {step}: {seconds} of {whole} ({share}).",
            step=step_text,
            seconds=seconds_text(slowest.seconds),
            whole=seconds_text(build.seconds),
            share=share_text(share),
        )
    return message(
        "No step takes most of the time; the longest is {step}: {seconds} of {whole} ({share}).",
        step=step_text,
        seconds=seconds_text(slowest.seconds),
        whole=seconds_text(build.seconds),
        share=share_text(share),
    )


def verdict(builds: Sequence[Build], strategies: Sequence[str], edit: str) -> str:
    """Which of some strategies rebuild quicker after an edit, as far as repeated runs tell; else how many steps each ran.

    builds: all recorded builds, also of other strategies and edits: their repeated runs show how much runs differ.
    """
    all_measurements = measure(list(builds))
    compared = [one for name in strategies for one in all_measurements if (one.strategy, one.edit) == (name, edit)]
    not_built = [name for name in strategies if name not in {one.strategy for one in compared}]
    if len(compared) < 2:
        return message(
            "After {edit}: not built with {strategies}, so there is nothing to compare.",
            edit=edit_words(edit),
            strategies=all_names(not_built),
        )
    lines = [message("After {edit}:", edit=edit_words(edit))]
    lines += [f"  {_runs_and_steps(one)}" for one in compared]
    lines += [f"  {message('{strategy}: not built', strategy=name)}" for name in not_built]
    return "\n".join([*lines, _who_is_quicker(compared, all_measurements)])


def _runs_and_steps(one: Measurement) -> str:
    steps = steps_that_ran(one.builds[-1])
    if not one.is_repeated:
        return message(
            "{strategy}: {seconds} (one run), {steps}", strategy=one.strategy, seconds=seconds_text(one.seconds), steps=steps
        )
    return plural(
        "{strategy}: {seconds} ({range}, {count} run), {steps}",
        "{strategy}: {seconds} ({range}, {count} runs), {steps}",
        len(one.builds),
        strategy=one.strategy,
        seconds=seconds_text(one.seconds),
        range=one.spread,
        steps=steps,
    )


def _who_is_quicker(compared: Sequence[Measurement], all_measurements: Sequence[Measurement]) -> str:
    # A strategy is called slower only when it is beyond the spread of runs against each of the quickest ones.
    quick = quickest(compared, all_measurements)
    slower = [one.strategy for one in compared if all(is_beyond_spread(one, other, all_measurements) for other in quick)]
    if not any(one.is_repeated for one in all_measurements):
        return message("No build was repeated, so it is unknown how much runs differ: compare the steps.")
    if not slower:
        return message("The seconds differ by no more than repeated runs do: compare the steps.")
    return plural(
        "{quick} is quicker than {slow}: by more than repeated runs differ.",
        "{quick} are quicker than {slow}: by more than repeated runs differ.",
        len(quick),
        quick=all_names([one.strategy for one in quick]),
        slow=all_names(slower),
    )


def beside_the_host(builds: Sequence[Build], strategies: Sequence[str], edit: str) -> str:
    """Whether strategies that need no Go on the host are slower than the host, as far as repeated runs tell; a sentence each.

    builds: all recorded builds, as for `verdict`.
    """
    all_measurements = measure(list(builds))
    by_strategy = {one.strategy: one for one in all_measurements if one.edit == edit}
    host = by_strategy.get(HOST)
    if host is None:
        return message("With Go on the host: not built after {edit}, run 01.", edit=edit_words(edit))
    lines = [message("With Go on the host: {time}", time=_time_in_words(host))]
    for one in (by_strategy[name] for name in strategies if name in by_strategy):
        if is_beyond_spread(host, one, all_measurements):
            words = message("quicker than the host")
        elif is_beyond_spread(one, host, all_measurements):
            words = message("slower than the host")
        else:
            words = message("not to be told from the host: runs of one build differ as much")
        line = message(
            "{strategy}, without Go on the host: {time}, {words}", strategy=one.strategy, time=_time_in_words(one), words=words
        )
        lines.append(f"  {line}")
    return "\n".join(lines)


def _time_in_words(one: Measurement) -> str:
    if not one.is_repeated:
        return message("{seconds} in one run", seconds=seconds_text(one.seconds))
    return plural(
        "{seconds}, the median of {count} run ({range})",
        "{seconds}, the median of {count} runs ({range})",
        len(one.builds),
        seconds=seconds_text(one.seconds),
        range=one.spread,
    )


def extremes(builds: Sequence[Build], edit: str) -> tuple[Build, Build] | None:
    """The newest builds of the strategies with the longest and the shortest median time after an edit, in this order.

    None when fewer than two strategies were built after the edit.
    """
    by_time = sorted((one for one in measure(list(builds)) if one.edit == edit), key=lambda one: one.seconds)
    return (by_time[-1].builds[-1], by_time[0].builds[-1]) if len(by_time) > 1 else None
