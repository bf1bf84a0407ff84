"""speedkit: learn why Docker builds are slow, with real builds.

    import speedkit as sk
    app = sk.sample_app()
    first = sk.build(app, "optimized")

The names below load what they need when they are first used, so that the import itself is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speedkit import plots
    from speedkit.apps import own_app as app
    from speedkit.apps import sample_app, sample_history
    from speedkit.build_records import import_records
    from speedkit.builds import build, compare, start_build
    from speedkit.checked_exercises import exercise, exercises
    from speedkit.engine import CommandOptions, connect
    from speedkit.engine import layers_of as layers
    from speedkit.gate import check
    from speedkit.history import explain, play, predict, recorded_builds
    from speedkit.languages import choose_language as language
    from speedkit.projects import open_project as project
    from speedkit.proof import advise, judge
    from speedkit.replays import replay
    from speedkit.reports import report
    from speedkit.setup import doctor
    from speedkit.widgets import LayersView, Workbench

__all__ = [
    "CommandOptions",
    "LayersView",
    "Workbench",
    "advise",
    "app",
    "build",
    "check",
    "compare",
    "connect",
    "doctor",
    "exercise",
    "exercises",
    "explain",
    "import_records",
    "judge",
    "language",
    "layers",
    "play",
    "plots",
    "predict",
    "project",
    "recorded_builds",
    "replay",
    "report",
    "sample_app",
    "sample_history",
    "start_build",
]

_HOMES = {
    "CommandOptions": ("speedkit.engine.command_options", "CommandOptions"),
    "LayersView": ("speedkit.widgets", "LayersView"),
    "Workbench": ("speedkit.widgets", "Workbench"),
    "advise": ("speedkit.proof", "advise"),
    "app": ("speedkit.apps", "own_app"),
    "build": ("speedkit.builds", "build"),
    "check": ("speedkit.gate", "check"),
    "compare": ("speedkit.builds", "compare"),
    "connect": ("speedkit.engine.connection", "connect"),
    "doctor": ("speedkit.setup", "doctor"),
    "recorded_builds": ("speedkit.history", "recorded_builds"),
    "exercise": ("speedkit.checked_exercises", "exercise"),
    "exercises": ("speedkit.checked_exercises", "exercises"),
    "explain": ("speedkit.history", "explain"),
    "import_records": ("speedkit.build_records", "import_records"),
    "judge": ("speedkit.proof", "judge"),
    "language": ("speedkit.languages", "choose_language"),
    "layers": ("speedkit.engine.saved_image", "layers_of"),
    "play": ("speedkit.history", "play"),
    "plots": ("speedkit.plots", None),
    "predict": ("speedkit.history", "predict"),
    "project": ("speedkit.projects", "open_project"),
    "replay": ("speedkit.replays", "replay"),
    "report": ("speedkit.reports", "report"),
    "sample_app": ("speedkit.apps", "sample_app"),
    "sample_history": ("speedkit.apps", "sample_history"),
    "start_build": ("speedkit.builds", "start_build"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        from speedkit.messages import message

        raise AttributeError(message("speedkit has no {name!r}; it has {names}.", name=name, names=", ".join(__all__)))
    module, attribute = _HOMES[name]
    room = import_module(module)
    value = room if attribute is None else getattr(room, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
