"""What builds: the engine, another builder of buildx, or a recording that is played again; all through one door, `Builder`."""

from speedkit.builders.builder import BasesWanted, Builder
from speedkit.builders.builder_choice import builder_if_any, builder_named
from speedkit.builders.engines_own import EnginesOwn
from speedkit.builders.other_builder import OtherBuilder
from speedkit.builders.replay import Replay

__all__ = ["BasesWanted", "Builder", "EnginesOwn", "OtherBuilder", "Replay", "builder_if_any", "builder_named"]
