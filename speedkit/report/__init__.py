"""The tour through all notebooks, and the report that it writes: one HTML page that needs no network."""

from .summary import strategy_by_edit
from .tour import Tour, run_tour

__all__ = ["Tour", "run_tour", "strategy_by_edit"]
