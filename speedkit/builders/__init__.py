"""What builds: the engine, another builder of buildx, or a recording that is played again. All of them are a `Builder`."""

from .base_choice import SYNTAX_ARGUMENT, BuildBases, base_names, make_stand_ins, plain_bases
from .builder import BaseRequest, Builder
from .builder_choice import builder_if_any, builder_named
from .buildx_commands import built_references, export_records
from .built_image import answer_of, describe_result
from .engine_builder import EngineBuilder
from .other_builder import OtherBuilder
from .replay import Replay

__all__ = [
    "SYNTAX_ARGUMENT",
    "BaseRequest",
    "BuildBases",
    "Builder",
    "EngineBuilder",
    "OtherBuilder",
    "Replay",
    "answer_of",
    "base_names",
    "builder_if_any",
    "builder_named",
    "built_references",
    "describe_result",
    "export_records",
    "make_stand_ins",
    "plain_bases",
]
