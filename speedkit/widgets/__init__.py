"""The live widget of speedkit, for notebooks."""

from speedkit.widgets.workbench import Workbench

__all__ = ["Workbench"]
