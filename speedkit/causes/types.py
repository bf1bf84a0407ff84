"""The causes as types. Each has the facts that any sentence, table, plot or JSON document shows of it.

`Cause` is the union of all of them, so that a `match` over it which forgets one does not pass mypy.
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
    "Named",
    "NeedsSecret",
    "NeverBuilt",
    "NeverBuiltTogether",
    "NeverFinished",
    "New",
    "NotAMiss",
    "NotFetched",
    "NotNeeded",
    "NotReached",
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
    "StartsFromOtherBase",
    "StepRan",
    "Stops",
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
class Named:
    """What is not an instruction: an image, a URL, a file that commands on the host make."""

    name: str


Place = Line | Named
"""What a step takes something from."""

FileChangeKind = Literal["content", "added", "removed", "mode", "link", "kind"]
"""`mode`: its permissions. `link`: a symlink points elsewhere. `kind`: a file is now a folder, or the like."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """What happened to a file of the build context. becomes: what it is now, where `how` is `kind`."""

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
    """Nothing that counts has changed. sources: what of it only the build could tell."""

    sources: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class BuiltEarlier:
    """An earlier build, not the one before, had exactly this."""


@dataclass(frozen=True, slots=True)
class BuiltElsewhere:
    """A build that is not recorded here had exactly this."""


@dataclass(frozen=True, slots=True)
class Imported:
    """It came with a cache that the build imported. caches: where from."""

    caches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SameStepAs:
    """Equal steps of one build: BuildKit runs the one that it comes to first, and calls the others cached."""

    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SameBytes:
    """What the step takes from the sources is the same, although they run again."""

    sources: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class ChangeUnnoticed:
    """Files of the context changed in a way that BuildKit does not notice. folders: those whose permissions changed."""

    files: tuple[str, ...]
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BaseHere:
    """The base image is on this machine."""


@dataclass(frozen=True, slots=True)
class OtherBaseHere:
    """The base image is another one than before, and on this machine."""

    name: str


# What only the build will tell.


@dataclass(frozen=True, slots=True)
class DependsOnAddress:
    """addresses: URLs, git repositories and images whose content is not known here."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DependsOnStep:
    """It starts from the result of a step that may stay cached."""

    source: Place


@dataclass(frozen=True, slots=True)
class DependsOnBytes:
    """It reads paths of other steps. sources_run: whether those run again."""

    sources: tuple[Place, ...]
    paths: tuple[str, ...]
    sources_run: Literal["yes", "perhaps", "no"]


@dataclass(frozen=True, slots=True)
class DependsOnHostFiles:
    """It reads files that the strategy's commands on the host make."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MayBeKept:
    """A build broke off at this step; what it had made may be in the cache."""


# What changed at the step itself.


@dataclass(frozen=True, slots=True)
class FilesChanged:
    """Files that the step reads."""

    files: tuple[FileChange, ...]


@dataclass(frozen=True, slots=True)
class TextChanged:
    """text: the instruction as it is now."""

    text: str


Reach = Literal["run", "build-time", "host-name", "cache-mount", "work-folder", "text"]
"""How a variable reaches a step. `run`: every RUN sees it. `build-time`: WORKDIR gives its folder that time. `host-name`,
`cache-mount`: BuildKit puts it there. `work-folder`: paths of the step start from it. `text`: the instruction names it."""


@dataclass(frozen=True, slots=True)
class VariablesChanged:
    """kind: `argument` when an ARG declares one of them."""

    kind: Literal["argument", "environment"]
    variables: tuple[Variable, ...]
    reach: Reach = "run"


@dataclass(frozen=True, slots=True)
class VariableOrderChanged:
    """The same variables with the same values in another order, which counts for every RUN."""


@dataclass(frozen=True, slots=True)
class OptionsChanged:
    """options: which parts of the build command, such as `network`."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlatformChanged:
    """platform: what it is now built for."""

    platform: str


@dataclass(frozen=True, slots=True)
class BaseChanged:
    """The base image of the step's FROM is another one than before."""

    name: str


@dataclass(frozen=True, slots=True)
class BaseSettingsChanged:
    """The configuration of the base image changed; nobody knows what in it."""


# What changed before it.


@dataclass(frozen=True, slots=True)
class StepRan:
    """It starts from the result of a step that runs again. sources: the first is the one to name."""

    sources: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class StartsFromOtherBase:
    """It starts from a base image that changed, or (`is_new`) that the build before did not use."""

    name: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class OtherBytes:
    """What it reads of the sources has other bytes than before. ran: the sources are steps that ran."""

    sources: tuple[Place, ...]
    ran: bool = True


@dataclass(frozen=True, slots=True)
class HostFilesChanged:
    """What the strategy's commands on the host made has other bytes than before."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """addresses: URLs, git repositories and images that no longer hold what they did."""

    addresses: tuple[str, ...]


# What was never in the cache, or is there no more.


@dataclass(frozen=True, slots=True)
class NothingBuiltYet:
    """No build before this one is known."""


@dataclass(frozen=True, slots=True)
class StartedEmpty:
    """The first build in a cache of its own."""


@dataclass(frozen=True, slots=True)
class NeverBuilt:
    """keyword: of the instruction, which no build had."""

    keyword: str


@dataclass(frozen=True, slots=True)
class NeverBuiltTogether:
    """The instruction was built before, but never with these files, or never on this source, or not with both.

    source: None where what it stands on is not the reason.
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
    """It was in the cache, and is gone."""


@dataclass(frozen=True, slots=True)
class OtherBuilder:
    """Other builders have it, each in its own cache."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BaseToPull:
    """The base image is no longer on this machine."""

    name: str


@dataclass(frozen=True, slots=True)
class ImageToPull:
    """The base image is on this machine for another platform. here, wanted: `linux/arm64`."""

    name: str
    here: str
    wanted: str


# What stops the build.


@dataclass(frozen=True, slots=True)
class MissingFile:
    """ignore_file: its path where it may be what leaves the files out; "" where it cannot be."""

    paths: tuple[str, ...]
    ignore_file: str = ""


@dataclass(frozen=True, slots=True)
class BackslashInPath:
    """BuildKit takes the backslash in these paths for an escape. pattern: what to write in place of the first."""

    paths: tuple[str, ...]
    pattern: str


@dataclass(frozen=True, slots=True)
class MissingSecret:
    """The step has to run, and no build of speedkit is given these."""

    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class FileRefused:
    """BuildKit cannot take the files. why: a name or a target is not UTF-8, or symlinks lead in a circle."""

    paths: tuple[str, ...]
    why: Literal["not-utf8", "circle"]


@dataclass(frozen=True, slots=True)
class NotFetched:
    """What a FROM or ADD names could not be had. addresses: () for a base image. forecast: what was expected of the step."""

    addresses: tuple[str, ...]
    forecast: Cause


@dataclass(frozen=True, slots=True)
class OtherDigest:
    """What ADD fetched has another digest than `--checksum` says."""

    addresses: tuple[str, ...]
    forecast: Cause


# Why there is no state to explain.


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """The target does not use the stage."""

    stage: str


@dataclass(frozen=True, slots=True)
class StageBegins:
    """A FROM with nothing to run. on_line: the instruction whose result the stage starts from, where it is known."""

    on_line: int | None = None


@dataclass(frozen=True, slots=True)
class OnlySettings:
    """An instruction that BuildKit does not run, such as CMD."""


@dataclass(frozen=True, slots=True)
class NotReached:
    """The build ended before the step."""


@dataclass(frozen=True, slots=True)
class CalledCached:
    """The build ended before the step, which BuildKit calls cached all the same."""


@dataclass(frozen=True, slots=True)
class NotTold:
    """BuildKit's report does not tell which of its steps this one is."""


# What is said besides the cause.


@dataclass(frozen=True, slots=True)
class NeedsSecret:
    """The step may stay cached; if it has to run, the build stops for want of these."""

    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a miss began, and because of what."""

    line: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class MissBegan:
    """Where the miss began that reached the step, further back than what it takes something from."""

    beginnings: tuple[Beginning, ...]


@dataclass(frozen=True, slots=True)
class ImportFailed:
    """BuildKit went on without these caches, which it could not import."""

    caches: tuple[str, ...]


Depends = DependsOnAddress | DependsOnStep | DependsOnBytes | DependsOnHostFiles | MayBeKept
"""Whether the step is cached depends on something that only the build will tell."""

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
)
"""The step is cached, or there is nothing to be cached."""

New = NothingBuiltYet | StartedEmpty | NeverBuilt | NeverBuiltTogether | NeverFinished | BrokeOff
"""It was never in the cache."""

Stops = MissingFile | BackslashInPath | MissingSecret | FileRefused
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
    | OtherBytes
    | HostFilesChanged
    | AddressChanged
    | New
    | Evicted
    | OtherBuilder
    | BaseToPull
    | ImageToPull
    | Stops
    | NotFetched
    | OtherDigest
)

Addition = ChangeUnnoticed | NeedsSecret | MissBegan | ImportFailed
