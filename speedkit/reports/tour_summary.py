"""The summary of a tour: a table of median times by strategy and edit, and figures of the same builds."""

from __future__ import annotations

from collections.abc import Sequence

from speedkit.measurements import comparable_builds, edit_heading, edits_in_order, measure
from speedkit.messages import message
from speedkit.model import Build
from speedkit.plots import Plot, rebuild, size_vs_rebuild, sizes
from speedkit.words import seconds_text

__all__ = ["NOT_BUILT", "figures", "strategy_by_edit"]

NOT_BUILT = "–"


def strategy_by_edit(builds: Sequence[Build]) -> tuple[list[str], list[list[str]]]:
    """The columns and rows of the table: median time of each strategy under each edit, `–` where nothing was built."""
    compared = comparable_builds(builds)
    edits = edits_in_order(build.edit for build in compared)
    medians = {(one.strategy, one.edit): seconds_text(one.seconds) for one in measure(compared)}
    failed = {(build.strategy, build.edit) for build in compared if not build.ok}
    rows, fails = [], message("fails")
    for strategy in dict.fromkeys(build.strategy for build in compared):
        cells = [medians.get((strategy, edit), fails if (strategy, edit) in failed else NOT_BUILT) for edit in edits]
        rows.append([strategy, *cells])
    return [message("strategy"), *map(edit_heading, edits)], rows


def figures(builds: Sequence[Build]) -> list[Plot]:
    """The figures of the summary; none without a successful build."""
    if not any(build.ok for build in builds):
        return []
    return [rebuild(builds), sizes(builds), size_vs_rebuild(builds)]
