"""Figures of builds, each with the table of its values. The finding is the title, computed from the builds shown."""

from speedkit.plots.plot import Plot
from speedkit.plots.rebuild import rebuild
from speedkit.plots.rerun_grid import cache_grid
from speedkit.plots.size_against_time import size_vs_rebuild
from speedkit.plots.sizes import sizes
from speedkit.plots.stages import stages
from speedkit.plots.timeline import timeline
from speedkit.plots.treemap import treemap

__all__ = ["Plot", "cache_grid", "rebuild", "size_vs_rebuild", "sizes", "stages", "timeline", "treemap"]
