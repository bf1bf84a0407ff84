"""The kind and the subjects of a cause, for the JSON output of `speedkit explain` and `predict`.

Programs of users read both, so no word here is ever translated or changed (docs/schemas).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, assert_never

from .types import (
    AddressChanged,
    BackslashInPath,
    BaseChanged,
    BaseHere,
    BaseSettingsChanged,
    BaseToPull,
    BrokeOff,
    BuiltEarlier,
    BuiltElsewhere,
    CalledCached,
    Cause,
    ChangeUnnoticed,
    DependsOnAddress,
    DependsOnBytes,
    DependsOnHostFiles,
    DependsOnStep,
    Evicted,
    FileChange,
    FileRefused,
    FilesChanged,
    HostFilesChanged,
    ImageToPull,
    Imported,
    Line,
    MayBeKept,
    MissingFile,
    MissingSecret,
    NeverBuilt,
    NeverBuiltTogether,
    NeverFinished,
    NotFetched,
    NothingBuiltYet,
    NotInThatCache,
    NotNeeded,
    NotReached,
    NotRecorded,
    NotTold,
    OnlySettings,
    OptionsChanged,
    OtherBaseHere,
    OtherBuilder,
    OtherBytes,
    OtherDigest,
    Place,
    PlatformChanged,
    SameBytes,
    SameStepAs,
    StageBegins,
    StartedEmpty,
    StartsFromFolder,
    StartsFromOtherBase,
    StepRan,
    TextChanged,
    Unchanged,
    VariableOrderChanged,
    VariablesChanged,
)

__all__ = ["CauseKind", "cause_kind", "cause_subjects"]

CauseKind = Literal[
    "unchanged",
    "earlier",
    "same-bytes",
    "unnoticed",
    "unclear",
    "files",
    "missing-file",
    "missing-secret",
    "refused-file",
    "instruction",
    "argument",
    "environment",
    "options",
    "platform",
    "base",
    "parent",
    "result",
    "address",
    "new",
    "no-step",
    "not-needed",
    "evicted",
    "elsewhere",
    "another-builder",
    "imported",
    "failed",
]


def cause_kind(cause: Cause) -> CauseKind:  # noqa: C901 - a case for each cause
    """The kind of a cause: `because.kind` of the JSON output."""
    match cause:
        case Unchanged() | BaseHere():
            return "unchanged"
        case BuiltEarlier() | SameStepAs():
            return "earlier"
        case SameBytes():
            return "same-bytes"
        case ChangeUnnoticed():
            return "unnoticed"
        case NotTold() | NotRecorded():
            return "unclear"
        case FilesChanged():
            return "files"
        case MissingFile() | BackslashInPath():
            return "missing-file"
        case MissingSecret():
            return "missing-secret"
        case FileRefused():
            return "refused-file"
        case TextChanged():
            return "instruction"
        case VariablesChanged():
            return cause.kind
        case VariableOrderChanged():
            return "environment"
        case OptionsChanged():
            return "options"
        case PlatformChanged():
            return "platform"
        case (
            BaseChanged()
            | BaseSettingsChanged()
            | BaseToPull()
            | ImageToPull()
            | OtherBaseHere()
            | StartsFromOtherBase()
            | StartsFromFolder()
        ):
            return "base"
        case StepRan() | DependsOnStep():
            return "parent"
        case OtherBytes() | HostFilesChanged() | DependsOnBytes() | DependsOnHostFiles() | MayBeKept():
            return "result"
        case AddressChanged() | DependsOnAddress():
            return "address"
        case NothingBuiltYet() | StartedEmpty() | NeverBuilt() | NeverBuiltTogether() | NeverFinished() | BrokeOff():
            return "new"
        case StageBegins() | OnlySettings():
            return "no-step"
        case NotNeeded():
            return "not-needed"
        case Evicted() | NotInThatCache():
            return "evicted"
        case BuiltElsewhere():
            return "elsewhere"
        case OtherBuilder():
            return "another-builder"
        case Imported():
            return "imported"
        case NotFetched() | OtherDigest() | NotReached() | CalledCached():
            return "failed"
        case _:
            assert_never(cause)


def cause_subjects(cause: Cause) -> tuple[str, ...]:  # noqa: C901 - a case for each cause
    """The files, variables, lines (`line 7`) or names that a cause is about: `because.what` of the JSON output."""
    match cause:
        case FilesChanged(changes):
            return tuple(map(_file, changes))
        case ChangeUnnoticed(files, folders):
            return (*files, *(f"{folder} (mode)" for folder in folders))
        case MissingFile(paths) | BackslashInPath(paths) | FileRefused(paths) | HostFilesChanged(paths):
            return paths
        case DependsOnHostFiles(paths):
            return paths
        case MissingSecret(secrets):
            return tuple(f"secret {one.name}" if one.kind == "secret" else f"SSH agent {one.name}" for one in secrets)
        case TextChanged(text):
            return (text,)
        case VariablesChanged():
            return tuple(f"{one.name} (of the base image)" if one.of_base else one.name for one in cause.variables)
        case VariableOrderChanged():
            return ("the order of the variables",)
        case OptionsChanged(options):
            return options
        case PlatformChanged(platform):
            return (platform,)
        case BaseSettingsChanged():
            return ("its configuration",)
        case BaseChanged(name) | BaseToPull(name) | ImageToPull(name) | OtherBaseHere(name) | StartsFromOtherBase(name):
            return (name,)
        case StartsFromFolder(name):
            return (name,)
        case Unchanged(sources) | SameBytes(sources) | StepRan(sources) | OtherBytes(sources) | DependsOnBytes(sources):
            return _places(sources)
        case DependsOnStep(source):
            return _places([source])
        case SameStepAs(lines):
            return _places(map(Line, lines))
        case AddressChanged(addresses) | DependsOnAddress(addresses):
            return addresses
        case OtherBuilder(names):
            return names
        case Imported(caches):
            return caches
        case NotNeeded(stage):
            return (stage,)
        case NotFetched() | OtherDigest():
            return cause_subjects(cause.forecast)
        case (
            BaseHere()
            | BuiltEarlier()
            | NotTold()
            | NotRecorded()
            | MayBeKept()
            | NothingBuiltYet()
            | StartedEmpty()
            | NeverBuilt()
            | NeverBuiltTogether()
            | NeverFinished()
            | BrokeOff()
            | StageBegins()
            | OnlySettings()
            | Evicted()
            | NotInThatCache()
            | BuiltElsewhere()
            | NotReached()
            | CalledCached()
        ):
            return ()
        case _:
            assert_never(cause)


def _places(places: Iterable[Place]) -> tuple[str, ...]:
    return tuple(f"line {place.number}" if isinstance(place, Line) else place.name for place in places)


def _file(change: FileChange) -> str:
    notes = {"link": "points elsewhere", "kind": f"now a {change.becomes}"}
    return f"{change.path} ({notes.get(change.how, change.how)})"
