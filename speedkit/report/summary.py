"""What a tour found: one table, strategy by edit, and the figures that go with it."""

from __future__ import annotations

from collections.abc import Sequence

from speedkit.model import Build
from speedkit.plots import Plot, cache_grid, rebuild, size_vs_rebuild, sizes
from speedkit.plots.rebuild import EDITS, measure
from speedkit.rendering import seconds_text

__all__ = ["figures", "strategy_by_edit"]

ORDER = ("cold", "none", "touch", "comment", "rename-field", "readme", "add-dependency", "break")
NOT_BUILT = "–"


def strategy_by_edit(builds: Sequence[Build]) -> tuple[list[str], list[list[str]]]:
    """The columns and rows of the table: median seconds of each strategy under each edit, `–` where none was built."""
    known = {name for build in builds for name in (build.edit,)}
    edits = [edit for edit in ORDER if edit in known] + sorted(known - set(ORDER))
    medians = {(one.strategy, one.edit): seconds_text(one.seconds) for one in measure(builds)}
    failed = {(build.strategy, build.edit) for build in builds if not build.ok}
    rows = []
    for strategy in dict.fromkeys(build.strategy for build in builds):
        cells = [medians.get((strategy, edit), "fails" if (strategy, edit) in failed else NOT_BUILT) for edit in edits]
        rows.append([strategy, *cells])
    return ["strategy", *(EDITS.get(edit, edit) for edit in edits)], rows


def figures(builds: Sequence[Build]) -> list[Plot]:
    """The figures of the summary; none without builds."""
    if not any(build.ok for build in builds):
        return []
    return [rebuild(builds), cache_grid(builds), sizes(builds), size_vs_rebuild(builds)]
