"""The live widgets of speedkit, for notebooks."""

from speedkit.widgets.layers_view import LayersView
from speedkit.widgets.workbench import Workbench

__all__ = ["LayersView", "Workbench"]
