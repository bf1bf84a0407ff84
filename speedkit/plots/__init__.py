"""Figures of builds, each with a table of its values. The title is a finding, computed from the builds shown."""

from .commit_costs import commit_costs
from .history_cost import cost_by_folder, history_strip, running_cost
from .imported_builds import imported_builds
from .plot import PLOTLY_MIME, Plot
from .rebuild import rebuild
from .rerun_grid import cache_grid
from .size_against_time import size_vs_rebuild
from .sizes import sizes
from .stage_costs import stage_costs
from .stages import stages
from .timeline import timeline
from .treemap import treemap

__all__ = [
    "PLOTLY_MIME",
    "Plot",
    "cache_grid",
    "commit_costs",
    "cost_by_folder",
    "history_strip",
    "imported_builds",
    "rebuild",
    "running_cost",
    "size_vs_rebuild",
    "sizes",
    "stage_costs",
    "stages",
    "timeline",
    "treemap",
]
