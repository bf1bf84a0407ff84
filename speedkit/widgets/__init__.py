"""The live widgets of speedkit, for notebooks."""

from .layers_view import LayersView
from .workbench import Workbench

__all__ = ["LayersView", "Workbench"]
