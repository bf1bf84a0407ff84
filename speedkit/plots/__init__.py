"""Figures of builds, each with a table of its values. The title is a finding, computed from the builds shown."""

from .history_cost import cost_by_folder, history_strip, running_cost
from .plot import PLOTLY_MIME, Plot
from .rebuild import rebuild
from .rerun_grid import cache_grid
from .size_against_time import size_vs_rebuild
from .sizes import sizes
from .stages import stages
from .timeline import timeline
from .treemap import treemap

__all__ = [
    "PLOTLY_MIME",
    "Plot",
    "cache_grid",
    "cost_by_folder",
    "history_strip",
    "rebuild",
    "running_cost",
    "size_vs_rebuild",
    "sizes",
    "stages",
    "timeline",
    "treemap",
]
