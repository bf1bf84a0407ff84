"""The reports that the kit writes, of a tour through all notebooks and of a project: HTML pages that need no network."""

from .project_report import ProjectReport, report
from .tour import Tour, run_tour
from .tour_summary import strategy_by_edit

__all__ = ["ProjectReport", "Tour", "report", "run_tour", "strategy_by_edit"]
