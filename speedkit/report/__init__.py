"""The tour through all notebooks, and the page that it leaves: one file, readable without a network."""

from .summary import strategy_by_edit
from .tour import Tour, run_tour

__all__ = ["Tour", "run_tour", "strategy_by_edit"]
