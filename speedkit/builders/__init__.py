"""What builds: the engine, another builder of buildx, or a recording that is played again; all through one door, `Builder`."""

from .base_choice import SYNTAX_ARGUMENT, BuildBases
from .builder import BasesWanted, Builder
from .builder_choice import builder_if_any, builder_named
from .engines_own import EnginesOwn
from .other_builder import OtherBuilder
from .replay import Replay

__all__ = [
    "SYNTAX_ARGUMENT",
    "BasesWanted",
    "BuildBases",
    "Builder",
    "EnginesOwn",
    "OtherBuilder",
    "Replay",
    "builder_if_any",
    "builder_named",
]
