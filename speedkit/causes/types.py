"""The causes as types, each with the facts that sentences, tables, plots and JSON show.

`Cause` is the union of all of them: mypy reports a `match` over it that forgets one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "Addition",
    "AddressChanged",
    "BackslashInPath",
    "BaseChanged",
    "BaseHere",
    "BaseSettingsChanged",
    "BaseToPull",
    "Beginning",
    "BrokeOff",
    "BuiltEarlier",
    "BuiltElsewhere",
    "CalledCached",
    "Cause",
    "ChangeUnnoticed",
    "Depends",
    "DependsOnAddress",
    "DependsOnBytes",
    "DependsOnHostFiles",
    "DependsOnStep",
    "Evicted",
    "FileChange",
    "FileChangeKind",
    "FileRefused",
    "FilesChanged",
    "HostFilesChanged",
    "ImageToPull",
    "ImportFailed",
    "Imported",
    "Line",
    "MayBeKept",
    "MissBegan",
    "MissingFile",
    "MissingSecret",
    "NamedSource",
    "NeedsSecret",
    "NeverBuilt",
    "NeverBuiltTogether",
    "NeverFinished",
    "NewToCache",
    "NotAMiss",
    "NotFetched",
    "NotInThatCache",
    "NotNeeded",
    "NotReached",
    "NotRecorded",
    "NotTold",
    "NothingBuiltYet",
    "OnlySettings",
    "OptionsChanged",
    "OtherBaseHere",
    "OtherBuilder",
    "OtherBytes",
    "OtherDigest",
    "Place",
    "PlatformChanged",
    "Reach",
    "SameBytes",
    "SameStepAs",
    "Secret",
    "StageBegins",
    "StartedEmpty",
    "StartsFromFolder",
    "StartsFromOtherBase",
    "StepRan",
    "StopsBuild",
    "TextChanged",
    "Unchanged",
    "Variable",
    "VariableOrderChanged",
    "VariablesChanged",
]


@dataclass(frozen=True, slots=True)
class Line:
    """The instruction that begins on a line of the Dockerfile, 1-based."""

    number: int


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A source that is no instruction: an image, a URL, a file that commands on the host write."""

    name: str


Place = Line | NamedSource
"""A source of a step: an instruction, or something with a name."""

FileChangeKind = Literal["content", "added", "removed", "mode", "link", "kind"]
"""`mode`: its permissions. `link`: a symlink points elsewhere. `kind`: a file is now a folder, or the like."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A change of a file in the build context. becomes: the new kind of file, where `how` is `kind`."""

    path: str
    how: FileChangeKind
    becomes: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that changed; also WORKDIR, USER and SHELL. of_base: the base image sets it, the Dockerfile does not."""

    name: str
    of_base: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret, or an SSH agent, that a RUN mounts. name: its id."""

    name: str
    kind: Literal["secret", "ssh"]


# Why the cache has a step.


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing in the cache key changed. sources: those whose bytes only the build could tell."""

    sources: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class BuiltEarlier:
    """An earlier build, not the one before, had the same cache key."""


@dataclass(frozen=True, slots=True)
class BuiltElsewhere:
    """A build without a recording here had the same cache key."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The result came with a cache that the build imported. caches: their names, such as a reference in a registry."""

    caches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SameStepAs:
    """It equals other steps of the build: BuildKit runs the first that it comes to, and reports the others as cached."""

    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SameBytes:
    """The step reads the same bytes as before from its sources, although these run again."""

    sources: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class ChangeUnnoticed:
    """Files of the build context changed in a way that BuildKit does not notice. folders: those whose permissions changed."""

    files: tuple[str, ...]
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BaseHere:
    """The base image is on this machine."""


@dataclass(frozen=True, slots=True)
class OtherBaseHere:
    """The base image is another image than before, and on this machine."""

    name: str


# What the verdict depends on, where only the build will tell.


@dataclass(frozen=True, slots=True)
class DependsOnAddress:
    """The content at addresses, which nobody looked up. addresses: URLs, git repositories and images."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DependsOnStep:
    """The step that it starts from, which may stay cached."""

    source: Place


@dataclass(frozen=True, slots=True)
class DependsOnBytes:
    """The bytes that it reads from other steps. paths: those read there. sources_run: whether those steps run again."""

    sources: tuple[Place, ...]
    paths: tuple[str, ...]
    sources_run: Literal["yes", "perhaps", "no"]


@dataclass(frozen=True, slots=True)
class DependsOnHostFiles:
    """The files that the strategy's commands on the host write before the build."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MayBeKept:
    """Whether a build that broke off at this step left its result in the cache."""


# What changed in the step itself.


@dataclass(frozen=True, slots=True)
class FilesChanged:
    """Files of the build context that the step reads changed."""

    files: tuple[FileChange, ...]


@dataclass(frozen=True, slots=True)
class TextChanged:
    """The text of the instruction changed. text: the new one, on one line."""

    text: str


Reach = Literal["run", "build-time", "host-name", "cache-mount", "work-folder", "text"]
"""How a variable gets into the cache key of a step. `run`: every RUN sees it. `build-time`: WORKDIR gives its folder that time.
`host-name`, `cache-mount`: BuildKit names these after it. `work-folder`: relative paths start there. `text`: the instruction
names the variable."""


@dataclass(frozen=True, slots=True)
class VariablesChanged:
    """The values of variables changed. kind: `argument` when an ARG declares one of them."""

    kind: Literal["argument", "environment"]
    variables: tuple[Variable, ...]
    reach: Reach = "run"


@dataclass(frozen=True, slots=True)
class VariableOrderChanged:
    """The same variables have the same values in another order, which is part of the key of every RUN."""


@dataclass(frozen=True, slots=True)
class OptionsChanged:
    """Options of the build command changed. options: their names, such as `network` and `shm-size`."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlatformChanged:
    """The build is for another platform. platform: the new one."""

    platform: str


@dataclass(frozen=True, slots=True)
class BaseChanged:
    """The base image of the step's FROM is another image than before."""

    name: str


@dataclass(frozen=True, slots=True)
class BaseSettingsChanged:
    """The configuration of the base image changed, but no recording has the old one to compare its variables with."""


# What changed before the step.


@dataclass(frozen=True, slots=True)
class StepRan:
    """It starts from the result of a step that runs again. sources: such steps; sentences name the first."""

    sources: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class StartsFromOtherBase:
    """It starts from a base image that changed, or (`is_new`) that the build before did not use."""

    name: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class StartsFromFolder:
    """Its stage starts from a named build context that is a folder, which has no cache key. name: of the context."""

    name: str


@dataclass(frozen=True, slots=True)
class OtherBytes:
    """The bytes that it reads from the sources changed. ran: the sources are steps that ran."""

    sources: tuple[Place, ...]
    ran: bool = True


@dataclass(frozen=True, slots=True)
class HostFilesChanged:
    """The strategy's commands on the host wrote other bytes than before."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """The content at addresses changed. addresses: URLs, git repositories and images."""

    addresses: tuple[str, ...]


# What was never in the cache, or no longer is.


@dataclass(frozen=True, slots=True)
class NothingBuiltYet:
    """There is no recording of an earlier build."""


@dataclass(frozen=True, slots=True)
class StartedEmpty:
    """It is the first build in an isolated cache."""


@dataclass(frozen=True, slots=True)
class NeverBuilt:
    """No build had this instruction. keyword: the instruction's, such as `RUN`."""

    keyword: str


@dataclass(frozen=True, slots=True)
class NeverBuiltTogether:
    """The instruction was built before, but never with these files, or never on this source, or not with both at once.

    with_files: the files are a reason. source: what it starts from, where that is a reason; else None.
    """

    keyword: str
    with_files: bool
    source: Place | None


@dataclass(frozen=True, slots=True)
class NeverFinished:
    """No earlier build finished the step."""


@dataclass(frozen=True, slots=True)
class BrokeOff:
    """An earlier build broke off at the step and left nothing of it."""


@dataclass(frozen=True, slots=True)
class Evicted:
    """The builder had the result, and it is gone from the cache."""


@dataclass(frozen=True, slots=True)
class NotInThatCache:
    """An earlier record has the step with the same key, and the builder of this build, made elsewhere, lacked the result."""


@dataclass(frozen=True, slots=True)
class OtherBuilder:
    """Other builders have the result, each in its own cache. names: the builders'."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BaseToPull:
    """The base image is no longer on this machine."""

    name: str


@dataclass(frozen=True, slots=True)
class ImageToPull:
    """The base image is on this machine, but for another platform than the build needs. Platforms read `linux/arm64`."""

    name: str
    local_platform: str
    required_platform: str


# What stops the build.


@dataclass(frozen=True, slots=True)
class MissingFile:
    """Files are not in the build context. ignore_file: the ignore file that may leave them out; "" where none can."""

    paths: tuple[str, ...]
    ignore_file: str = ""


@dataclass(frozen=True, slots=True)
class BackslashInPath:
    """BuildKit takes the backslash in these paths for an escape. pattern: a pattern that takes the first of them."""

    paths: tuple[str, ...]
    pattern: str


@dataclass(frozen=True, slots=True)
class MissingSecret:
    """The step has to run, and requires secrets that the build does not have."""

    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class FileRefused:
    """BuildKit cannot take the files. why: a name or a symlink's target is not UTF-8, or symlinks lead in a circle."""

    paths: tuple[str, ...]
    why: Literal["not-utf8", "circle"]


@dataclass(frozen=True, slots=True)
class NotFetched:
    """A base image could not be pulled, or a download of ADD failed. addresses: () for a base image. forecast: its cause."""

    addresses: tuple[str, ...]
    forecast: Cause


@dataclass(frozen=True, slots=True)
class OtherDigest:
    """The download of ADD has another digest than `--checksum`. forecast: the cause that was forecast."""

    addresses: tuple[str, ...]
    forecast: Cause


# Why there is no hit or miss to explain.


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """The target does not use the stage."""

    stage: str


@dataclass(frozen=True, slots=True)
class StageBegins:
    """A FROM with nothing to run. on_line: the instruction whose result the stage starts from, in a finished build."""

    on_line: int | None = None


@dataclass(frozen=True, slots=True)
class OnlySettings:
    """An instruction that BuildKit does not run, such as CMD."""


@dataclass(frozen=True, slots=True)
class NotReached:
    """The build ended before the step."""


@dataclass(frozen=True, slots=True)
class CalledCached:
    """The build ended before it came to the step, and BuildKit reports the step as cached all the same."""


@dataclass(frozen=True, slots=True)
class NotTold:
    """BuildKit's report does not tell which of its vertices this step is."""


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """The build was made elsewhere, and its record lacks the Dockerfile or the files of the build context."""


# Additions to a cause.


@dataclass(frozen=True, slots=True)
class NeedsSecret:
    """The step may stay cached. If it has to run, the build stops: it requires these secrets."""

    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class Beginning:
    """The line where a miss began, with the cause there."""

    line: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class MissBegan:
    """The lines where the miss began that reached the step, where these lie before its own sources."""

    beginnings: tuple[Beginning, ...]


@dataclass(frozen=True, slots=True)
class ImportFailed:
    """BuildKit went on without these caches, which it could not import."""

    caches: tuple[str, ...]


Depends = DependsOnAddress | DependsOnStep | DependsOnBytes | DependsOnHostFiles | MayBeKept
"""Only the build will tell whether the step is cached."""

NotAMiss = (
    Unchanged
    | BuiltEarlier
    | BuiltElsewhere
    | Imported
    | SameStepAs
    | SameBytes
    | ChangeUnnoticed
    | BaseHere
    | OtherBaseHere
    | NotNeeded
    | StageBegins
    | OnlySettings
    | NotReached
    | CalledCached
    | NotTold
    | NotRecorded
)
"""The step is cached, or has nothing to cache."""

NewToCache = NothingBuiltYet | StartedEmpty | NeverBuilt | NeverBuiltTogether | NeverFinished | BrokeOff
"""It was never in the cache."""

StopsBuild = MissingFile | BackslashInPath | MissingSecret | FileRefused
"""The build stops at the step."""

Cause = (
    NotAMiss
    | Depends
    | FilesChanged
    | TextChanged
    | VariablesChanged
    | VariableOrderChanged
    | OptionsChanged
    | PlatformChanged
    | BaseChanged
    | BaseSettingsChanged
    | StepRan
    | StartsFromOtherBase
    | StartsFromFolder
    | OtherBytes
    | HostFilesChanged
    | AddressChanged
    | NewToCache
    | Evicted
    | NotInThatCache
    | OtherBuilder
    | BaseToPull
    | ImageToPull
    | StopsBuild
    | NotFetched
    | OtherDigest
)

Addition = ChangeUnnoticed | NeedsSecret | MissBegan | ImportFailed
