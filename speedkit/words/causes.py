"""A cause in words: as a sentence, as a clause, in a few words beside a step, in a word or two in the margin, as a title.

Every form of a sentence is a message of its own: for a coming build and for a past one, at the beginning of a sentence and
inside it. Translations need that: in other languages more than one word differs between these forms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, assert_never

from speedkit.causes import (
    Addition,
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
    Depends,
    DependsOnAddress,
    DependsOnBytes,
    DependsOnHostFiles,
    DependsOnStep,
    Evicted,
    FileChange,
    FileChangeKind,
    FileRefused,
    FilesChanged,
    HostFilesChanged,
    ImageToPull,
    Imported,
    ImportFailed,
    Line,
    MayBeKept,
    MissBegan,
    MissingFile,
    MissingSecret,
    NeedsSecret,
    NeverBuilt,
    NeverBuiltTogether,
    NeverFinished,
    NewToCache,
    NotAMiss,
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
    Secret,
    StageBegins,
    StartedEmpty,
    StartsFromFolder,
    StartsFromOtherBase,
    StepRan,
    TextChanged,
    Unchanged,
    Variable,
    VariableOrderChanged,
    VariablesChanged,
)
from speedkit.messages import NAMED_AT_MOST, join_names, message, plural, sentences

__all__ = [
    "Tense",
    "cause_clause",
    "cause_in_margin",
    "cause_in_short",
    "cause_sentence",
    "cause_sentences",
    "cause_title",
    "inputs_unchanged",
    "now_cached",
    "ran_because",
]

Tense = Literal["will", "did"]
"""`will`: the build is still to come. `did`: it is over."""


def cause_sentences(cause: Cause, also: Iterable[Addition], tense: Tense) -> str:
    """The cause and the additions to it, each as a sentence."""
    return sentences([cause_sentence(cause, tense), *(_addition(one, tense) for one in also)])


def cause_sentence(cause: Cause, tense: Tense) -> str:  # noqa: C901 - a case for each cause
    """The cause as a sentence for a newcomer. For a few causes a second sentence says what to do."""
    match cause:
        case Unchanged():
            return message("Nothing that counts for this step has changed.")
        case BuiltEarlier():
            return message("An earlier build had exactly this, and its result is still there.")
        case BuiltElsewhere():
            return message("A build that is not recorded here had made exactly this.")
        case Imported(caches):
            return message(
                "No recorded build had made it: it came with the cache imported from {caches}.", caches=join_names(caches)
            )
        case SameStepAs(lines):
            if tense == "did":
                return message("It is the same step as {line}, which ran for both.", line=_place(Line(lines[0])))
            return message(
                "It is the same step as {lines}: only the first that the builder comes to runs, for all of them.",
                lines=_places([Line(line) for line in lines]),
            )
        case SameBytes(sources):
            return _same_bytes(sources, tense)
        case ChangeUnnoticed():
            return _unnoticed(cause, tense)
        case BaseHere():
            return message("The image is on this machine.")
        case OtherBaseHere(name):
            return message("{name} is another image than before; it is on this machine.", name=name)
        case DependsOnAddress(addresses):
            return message(
                "It depends on the content of {addresses} at the time of the build.", addresses=join_names(addresses)
            )
        case DependsOnStep(source):
            return message("It stays cached if {source} does.", source=_place(source))
        case DependsOnBytes():
            return _depends_on_bytes(cause)
        case DependsOnHostFiles(paths):
            return message("It depends on what the commands on the host write to {paths}.", paths=join_names(paths))
        case MayBeKept():
            return message("A build broke off at this step: its result may be in the cache.")
        case FilesChanged(files):
            return plural(
                "{changes}, and this step reads it.",
                "{changes}, and this step reads them.",
                len(files),
                changes=_file_changes(files, opens=True),
            )
        case TextChanged():
            return message("The text of this instruction changed.")
        case VariablesChanged():
            return _variables_and_reach(cause)
        case VariableOrderChanged():
            return message("The order of the variables changed; every RUN after it sees that.")
        case OptionsChanged(options):
            return plural(
                "The build's option {options} changed; every RUN depends on it.",
                "The build's options {options} changed; every RUN depends on them.",
                len(options),
                options=_flags(options),
            )
        case PlatformChanged(platform):
            return message("It is now built for {platform}.", platform=platform)
        case BaseChanged(name):
            return message("The base image {name} is another image than before.", name=name)
        case BaseSettingsChanged():
            return message("The configuration of the base image changed.")
        case StepRan(sources):
            if tense == "did":
                return message("It starts from the result of {source}, which ran.", source=_place(sources[0]))
            return message("It starts from the result of {source}, which runs again.", source=_place(sources[0]))
        case StartsFromOtherBase(name, is_new=False):
            return message("It starts from {name}, which is another image than before.", name=name)
        case StartsFromOtherBase(name):
            return message("It starts from {name}, which the build before did not use.", name=name)
        case StartsFromFolder(name):
            return message(
                "Its stage starts from the folder {name}, which has no key in the cache: it runs each time.", name=name
            )
        case OtherBytes(sources, ran=True):
            return plural(
                "{sources} ran, and its result has other bytes than before.",
                "{sources} ran, and their results have other bytes than before.",
                len(sources),
                sources=_places(sources, opens=True),
            )
        case OtherBytes(sources):
            return message("The bytes that this step reads from {sources} are not those of before.", sources=_places(sources))
        case HostFilesChanged(paths):
            return message("The commands on the host wrote other bytes to {paths} than before.", paths=join_names(paths))
        case AddressChanged(addresses):
            return plural(
                "{addresses} has other content than before.",
                "{addresses} have other content than before.",
                len(addresses),
                addresses=join_names(addresses),
            )
        case NothingBuiltYet():
            if tense == "did":
                return message("No build before this one is recorded for this cache.")
            return message("Nothing has been built here yet.")
        case StartedEmpty():
            return message("Nothing was built before in this cache: it was started empty.")
        case NeverBuilt(keyword):
            return message("This {keyword} has not been built before.", keyword=keyword)
        case NeverBuiltTogether():
            return _never_together(cause)
        case NeverFinished():
            return message("No earlier build finished this step.")
        case BrokeOff():
            return message("An earlier build broke off at this step, and left nothing of it.")
        case Evicted():
            return message("This builder built it before, but the result is gone: pruned, or removed to free space.")
        case NotInThatCache():
            return message(
                "An earlier record has this step with the same inputs. The builder of this build did not have its result: it "
                "is another builder, or the result was removed from its cache."
            )
        case OtherBuilder(names):
            return plural(
                "Another builder has built this: {names}. Each builder has its own cache.",
                "Other builders have built this: {names}. Each builder has its own cache.",
                len(names),
                names=join_names(names),
            )
        case BaseToPull(name):
            return message("{name} is no longer on this machine: it has to be pulled first.", name=name)
        case ImageToPull(name, local_platform, required_platform):
            return message(
                "{name} is on this machine for {local_platform}, not for {required_platform}: it has to be pulled first.",
                name=name,
                local_platform=local_platform,
                required_platform=required_platform,
            )
        case MissingFile() | BackslashInPath() | MissingSecret() | FileRefused():
            return _stops(cause, tense)
        case NotFetched(()):
            return message("The base image could not be pulled.")
        case NotFetched(addresses):
            return message("{addresses} could not be fetched.", addresses=join_names(addresses))
        case OtherDigest(()):
            return message("What this step fetched has another digest than `--checksum` says.")
        case OtherDigest(addresses):
            return message(
                "What {addresses} serves has another digest than `--checksum` says.", addresses=join_names(addresses)
            )
        case NotNeeded(stage):
            return message("The target does not use stage {stage}.", stage=stage)
        case StageBegins(None):
            return message("There is nothing to run: it only says where the stage begins.")
        case StageBegins(line):
            return message("The stage starts from the result of line {line}.", line=line)
        case OnlySettings():
            return message("There is nothing to run: it only changes settings.")
        case NotReached():
            return message("The build ended before this step.")
        case CalledCached():
            return message(
                "The build ended before it came to this step. BuildKit reports such steps as cached, with or without a result."
            )
        case NotRecorded():
            return message(
                "The record of this build does not have the files that it was made of, so it does not tell the reason."
            )
        case NotTold():
            return message(
                "BuildKit's report does not tell which of its steps this one is, so not whether it ran or was cached."
            )
        case _:
            assert_never(cause)


def cause_clause(cause: Cause, *, opens: bool = False) -> str:  # noqa: C901 - a case for each cause
    """The cause of a miss as a clause: `main.go changed`. opens: it begins a sentence or stands alone."""
    if isinstance(cause, NotAMiss | Depends):
        return message("It ran") if opens else message("it ran")
    match cause:
        case FilesChanged(files):
            return _file_changes(files, opens=opens)
        case TextChanged():
            return message("Its text changed") if opens else message("its text changed")
        case VariablesChanged():
            return _variables(cause, opens=opens)
        case VariableOrderChanged():
            return message("The order of the variables changed") if opens else message("the order of the variables changed")
        case OptionsChanged(options):
            if opens:
                return plural(
                    "The build's option {options} changed",
                    "The build's options {options} changed",
                    len(options),
                    options=_flags(options),
                )
            return plural(
                "the build's option {options} changed",
                "the build's options {options} changed",
                len(options),
                options=_flags(options),
            )
        case PlatformChanged(platform):
            if opens:
                return message("It is now built for {platform}", platform=platform)
            return message("it is now built for {platform}", platform=platform)
        case BaseChanged(name) | StartsFromOtherBase(name):
            if opens:
                return message("The base image {name} is another image than before", name=name)
            return message("the base image {name} is another image than before", name=name)
        case BaseSettingsChanged():
            if opens:
                return message("The configuration of the base image changed")
            return message("the configuration of the base image changed")
        case StepRan(sources):
            return message("{sources} ran", sources=_places(sources, opens=opens))
        case StartsFromFolder(name):
            if opens:
                return message("The folder {name} has no key in the cache", name=name)
            return message("the folder {name} has no key in the cache", name=name)
        case OtherBytes():
            return message("Other bytes than before") if opens else message("other bytes than before")
        case HostFilesChanged(paths):
            return message("{paths} changed", paths=join_names(paths))
        case AddressChanged(addresses):
            return plural(
                "{addresses} has other content than before",
                "{addresses} have other content than before",
                len(addresses),
                addresses=join_names(addresses),
            )
        case NothingBuiltYet() | StartedEmpty() | NeverBuilt() | NeverBuiltTogether() | NeverFinished() | BrokeOff():
            return message("It was new to the cache") if opens else message("it was new to the cache")
        case Evicted() | NotInThatCache():
            return message("Its result was gone from the cache") if opens else message("its result was gone from the cache")
        case OtherBuilder(names):
            count = len(names)
            if opens:
                return plural(
                    "Only builder {names} had built this",
                    "Only builders {names} had built this",
                    count,
                    names=join_names(names),
                )
            return plural(
                "only builder {names} had built this", "only builders {names} had built this", count, names=join_names(names)
            )
        case BaseToPull(name) | ImageToPull(name):
            return message("{name} had to be pulled", name=name)
        case MissingFile(paths) | BackslashInPath(paths):
            return plural(
                "{paths} is not in the build context",
                "{paths} are not in the build context",
                len(paths),
                paths=join_names(paths),
            )
        case MissingSecret(secrets):
            return plural("{secrets} was not given", "{secrets} were not given", len(secrets), secrets=_secrets(secrets))
        case FileRefused(paths):
            return message("BuildKit cannot take {paths}", paths=join_names(paths))
        case NotFetched(()):
            return message("The base image could not be pulled") if opens else message("the base image could not be pulled")
        case NotFetched(addresses):
            return message("{addresses} could not be fetched", addresses=join_names(addresses))
        case OtherDigest():
            return message("Another digest was fetched") if opens else message("another digest was fetched")
        case _:
            assert_never(cause)


def cause_title(cause: Cause, *, line: int) -> str:
    """The cause of a miss as the beginning of a title. line: of the step where the miss began."""
    if isinstance(cause, NewToCache):
        return message("New to the cache")
    if isinstance(cause, TextChanged):
        return message("The text of line {line} changed", line=line)
    if isinstance(cause, Evicted):
        return message("The result of line {line} was gone", line=line)
    return cause_clause(cause, opens=True)


def cause_in_short(cause: Cause) -> str:  # noqa: C901 - a case for each cause
    """The cause in a few words beside a step that ran: `main.go changed`, `line 7 ran again`; "" where it takes a sentence."""
    if isinstance(cause, NotAMiss | Depends):
        return ""
    match cause:
        case FilesChanged(files):
            return message("{files} changed", files=_first([change.path for change in files]))
        case VariablesChanged():
            return message("{variables} changed", variables=_first([variable.name for variable in cause.variables]))
        case AddressChanged(names) | HostFilesChanged(names):
            return message("{addresses} changed", addresses=_first(names))
        case VariableOrderChanged():
            return message("other order of variables")
        case TextChanged():
            return message("new text")
        case OptionsChanged(options):
            return message("{options} changed", options=_first([f"--{option}" for option in options]))
        case PlatformChanged(platform):
            return message("now for {platform}", platform=platform)
        case BaseChanged() | BaseSettingsChanged() | StartsFromOtherBase():
            return message("other base image")
        case StartsFromFolder():
            return message("starts from a folder")
        case BaseToPull() | ImageToPull():
            return message("has to be pulled")
        case StepRan(sources):
            return message("{source} ran again", source=_first([_place(source) for source in sources]))
        case OtherBytes(sources):
            return message("{source} gave other bytes", source=_first([_place(source) for source in sources]))
        case NothingBuiltYet() | StartedEmpty() | NeverBuilt() | NeverBuiltTogether() | NeverFinished() | BrokeOff():
            return message("new to the cache")
        case Evicted() | NotInThatCache():
            return message("result was gone")
        case MissingFile() | BackslashInPath():
            return message("file is missing")
        case MissingSecret():
            return message("secret is missing")
        case FileRefused():
            return message("file is refused")
        case OtherBuilder() | NotFetched() | OtherDigest():
            return ""
        case _:
            assert_never(cause)


def cause_in_margin(cause: Cause) -> str:  # noqa: C901 - a case for each cause
    """The cause in a word or two beside the line of an expected miss: `main.go`, `line 7`; "" where there is no such word."""
    if isinstance(cause, NotAMiss):
        return ""
    match cause:
        case FilesChanged(files):
            return files[0].path
        case VariablesChanged():
            return cause.variables[0].name
        case StepRan(sources) | OtherBytes(sources) | DependsOnBytes(sources):
            return _place(sources[0])
        case DependsOnStep(source):
            return _place(source)
        case DependsOnHostFiles(paths) | HostFilesChanged(paths):
            return paths[0]
        case TextChanged():
            return message("new text")
        case OptionsChanged(options):
            return f"--{options[0]}"
        case StartsFromFolder(name):
            return name
        case BaseChanged() | BaseSettingsChanged() | BaseToPull() | ImageToPull() | StartsFromOtherBase():
            return message("base image")
        case NothingBuiltYet() | StartedEmpty() | NeverBuilt() | NeverBuiltTogether() | NeverFinished() | BrokeOff():
            return message("new to cache")
        case (
            DependsOnAddress()
            | MayBeKept()
            | VariableOrderChanged()
            | PlatformChanged()
            | AddressChanged()
            | Evicted()
            | NotInThatCache()
            | OtherBuilder()
            | MissingFile()
            | BackslashInPath()
            | MissingSecret()
            | FileRefused()
            | NotFetched()
            | OtherDigest()
        ):
            return ""
        case _:
            assert_never(cause)


def ran_because(cause: Cause, seconds: str, *, began: tuple[str, int] | None = None) -> str:
    """The rest of a sentence after a step's name: how long the step ran, and why.

    cause: of the miss. began: instruction and line of the step where the miss began, if it is another step.
    """
    if began is None:
        if isinstance(cause, FilesChanged):
            changed = join_names([change.path for change in cause.files])
            return message("ran for {seconds} because {files} changed.", seconds=seconds, files=changed)
        if isinstance(cause, TextChanged):
            return message("ran for {seconds} because its own text changed.", seconds=seconds)
        return message("ran for {seconds}. {why}", seconds=seconds, why=cause_sentence(cause, "did"))
    step, line = began
    if isinstance(cause, FilesChanged):
        changed = join_names([change.path for change in cause.files])
        return message(
            "ran for {seconds} because {step} on line {line} brought a changed {files}.",
            seconds=seconds,
            step=step,
            line=line,
            files=changed,
        )
    if isinstance(cause, TextChanged):
        return message(
            "ran for {seconds} because the text of {step} on line {line} changed.", seconds=seconds, step=step, line=line
        )
    return message(
        "ran for {seconds} because {step} on line {line} ran. {why}",
        seconds=seconds,
        step=step,
        line=line,
        why=cause_sentence(cause, "did"),
    )


def now_cached(seconds: str, *, why: str) -> str:
    """The rest of a sentence after a step's name: how long it ran before, and why it is cached now. why: a sentence."""
    return message("now comes from the cache; before, it ran for {seconds}. {why}", seconds=seconds, why=why)


def inputs_unchanged(files: Sequence[str]) -> str:
    """Why a RUN was cached: the few files of the build context that it sees did not change."""
    return plural(
        "The only file it sees, {files}, did not change.",
        "The only files it sees, {files}, did not change.",
        len(files),
        files=join_names(files),
    )


def _addition(addition: Addition, tense: Tense) -> str:
    match addition:
        case ChangeUnnoticed():
            return _unnoticed(addition, tense)
        case NeedsSecret(secrets):
            return message(
                "It needs the {secrets}, and the build is given none (--secret, --ssh): "
                "if it has to run, the build stops here.",
                secrets=_secrets(secrets),
            )
        case MissBegan(beginnings):
            places = [message("line {line}: {change}", line=one.line, change=cause_clause(one.cause)) for one in beginnings]
            return message("It began in {beginnings}.", beginnings=join_names(places))
        case ImportFailed(caches):
            return message("The cache of {caches} could not be imported.", caches=join_names(caches))
        case _:
            assert_never(addition)


def _same_bytes(sources: Sequence[Place], tense: Tense) -> str:
    count, names = len(sources), _places(sources, opens=True)
    if tense == "will":
        return plural(
            "{sources} runs again, but the bytes that this step reads from it are known.",
            "{sources} run again, but the bytes that this step reads from them are known.",
            count,
            sources=names,
        )
    return plural(
        "{sources} ran, but the bytes that this step reads from it are the same.",
        "{sources} ran, but the bytes that this step reads from them are the same.",
        count,
        sources=names,
    )


def _depends_on_bytes(cause: DependsOnBytes) -> str:
    paths, count = join_names(cause.paths), len(cause.paths)
    if cause.sources_run == "no":
        return plural(
            "It depends on whether {paths} holds the same bytes as in the build before.",
            "It depends on whether {paths} hold the same bytes as in the build before.",
            count,
            paths=paths,
        )
    condition = plural(
        "if {paths} comes out as before, this stays cached",
        "if {paths} come out as before, this stays cached",
        count,
        paths=paths,
    )
    sources = _places(cause.sources, opens=True)
    if cause.sources_run == "perhaps":
        return message("{sources} may run again: {condition}.", sources=sources, condition=condition)
    return plural(
        "{sources} runs again: {condition}.",
        "{sources} run again: {condition}.",
        len(cause.sources),
        sources=sources,
        condition=condition,
    )


def _never_together(cause: NeverBuiltTogether) -> str:
    keyword, source = cause.keyword, cause.source
    if source is None and cause.with_files:
        return message("This {keyword} was built before, but not with these files.", keyword=keyword)
    if source is None:
        return message("This {keyword} was built before, but not on what it starts from now.", keyword=keyword)
    place = _place(source)
    match (cause.with_files, source):
        case (True, Line()):
            return message(
                "This {keyword} was built before, but not with these files on this result of {source}.",
                keyword=keyword,
                source=place,
            )
        case (True, _):
            return message(
                "This {keyword} was built before, but not with these files directly on {source}.", keyword=keyword, source=place
            )
        case (_, Line()):
            return message(
                "This {keyword} was built before, but not on this result of {source}.", keyword=keyword, source=place
            )
        case _:
            return message("This {keyword} was built before, but not directly on {source}.", keyword=keyword, source=place)


def _stops(cause: MissingFile | BackslashInPath | MissingSecret | FileRefused, tense: Tense) -> str:
    end = message("the build will stop here") if tense == "will" else message("the build stopped here")
    match cause:
        case MissingFile(paths, ""):
            return plural(
                "{paths} is not in the build context, so {end}.",
                "{paths} are not in the build context, so {end}.",
                len(paths),
                paths=join_names(paths),
                end=end,
            )
        case MissingFile(paths, file):
            return plural(
                "{paths} is not in the build context (it is not in the folder, or {file} leaves it out), so {end}.",
                "{paths} are not in the build context (they are not in the folder, or {file} leaves them out), so {end}.",
                len(paths),
                paths=join_names(paths),
                file=file,
                end=end,
            )
        case BackslashInPath(paths, pattern):
            return message(
                "BuildKit does not find {paths}: it takes a backslash in a path for an escape, so {end}. `{pattern}` takes it.",
                paths=join_names(paths),
                pattern=pattern,
                end=end,
            )
        case MissingSecret(secrets):
            return message(
                "It needs the {secrets}, and the build is given none (--secret, --ssh), so {end}.",
                secrets=_secrets(secrets),
                end=end,
            )
        case FileRefused(paths, "not-utf8"):
            return message(
                "{paths} cannot be sent to BuildKit: the name, or the target of the symlink, is not UTF-8, so {end}.",
                paths=join_names(paths),
                end=end,
            )
        case FileRefused(paths):
            return plural(
                "{paths} leads from symlink to symlink in a circle (too many links), so {end}.",
                "{paths} lead from symlink to symlink in a circle (too many links), so {end}.",
                len(paths),
                paths=join_names(paths),
                end=end,
            )
        case _:
            assert_never(cause)


def _unnoticed(cause: ChangeUnnoticed, tense: Tense) -> str:
    """The changes that BuildKit does not notice, and how to make it notice them."""
    parts = []
    if cause.files:
        parts.append(_unnoticed_files(cause.files, tense))
    if cause.folders and tense == "will":
        parts.append(
            message(
                "The permissions of {folders} changed, but BuildKit will not notice that: it does not look at them again in a "
                "folder that it has. A build from a copy of the folder under another name does.",
                folders=join_names(cause.folders),
            )
        )
    elif cause.folders:
        parts.append(
            message(
                "The permissions of {folders} changed, but BuildKit did not notice that: it does not look at them again in a "
                "folder that it has. A build from a copy of the folder under another name does.",
                folders=join_names(cause.folders),
            )
        )
    return sentences(parts)


def _unnoticed_files(files: Sequence[str], tense: Tense) -> str:
    if tense == "will":
        return plural(
            "{files} changed, but BuildKit will not notice that: its size and time of change are as before. "
            "`touch {first}` makes it notice.",
            "{files} changed, but BuildKit will not notice that: their sizes and times of change are as before. "
            "`touch {first}` makes it notice.",
            len(files),
            files=join_names(files),
            first=files[0],
        )
    return plural(
        "{files} changed, but BuildKit did not notice that: its size and time of change are as before. "
        "`touch {first}` makes it notice.",
        "{files} changed, but BuildKit did not notice that: their sizes and times of change are as before. "
        "`touch {first}` makes it notice.",
        len(files),
        files=join_names(files),
        first=files[0],
    )


def _variables_and_reach(cause: VariablesChanged) -> str:
    change, count = _variables(cause, opens=True), len(cause.variables)
    match cause.reach:
        case "build-time":
            return message("{change}, and the folder that this step makes gets it as its time.", change=change)
        case "host-name":
            return message("{change}, and every RUN depends on it.", change=change)
        case "cache-mount":
            return message("{change}, and the id of a cache mount depends on it.", change=change)
        case "work-folder":
            return message("{change}, and the paths of this step start from it.", change=change)
        case "text":
            return plural(
                "{change}, and this instruction names it.", "{change}, and this instruction names them.", count, change=change
            )
        case "run":
            if count > 1:
                return message("{change}; every RUN after them sees that, whether it uses them or not.", change=change)
            if cause.kind == "argument":
                return message("{change}; every RUN after its ARG sees it, used or not.", change=change)
            return message("{change}; every RUN after it sees that.", change=change)
        case _:
            assert_never(cause.reach)


def _variables(cause: VariablesChanged, *, opens: bool) -> str:
    if cause.kind == "argument":
        names, count = join_names([_variable(one) for one in cause.variables]), len(cause.variables)
        if opens:
            return plural("Build argument {names} changed", "The variables {names} changed", count, names=names)
        return plural("build argument {names} changed", "the variables {names} changed", count, names=names)
    if all(variable.of_base for variable in cause.variables):
        names = join_names([variable.name for variable in cause.variables])
        return message("{names} of the base image changed", names=names)
    return message("{names} changed", names=join_names([_variable(variable) for variable in cause.variables]))


def _variable(variable: Variable) -> str:
    return message("{name} (of the base image)", name=variable.name) if variable.of_base else variable.name


def _file_changes(files: Sequence[FileChange], *, opens: bool) -> str:
    """Changed files, grouped by the kind of change: `a and b changed and c was added`."""
    kinds = {(change.how, change.becomes) for change in files}
    if len(kinds) == 1:
        return _file_change([change.path for change in files], *kinds.pop(), opens=opens)
    parts: list[str] = []
    shown = files[:NAMED_AT_MOST]
    for how in dict.fromkeys((change.how, change.becomes) for change in shown):
        paths = [change.path for change in shown if (change.how, change.becomes) == how]
        parts.append(_file_change(paths, *how, opens=opens and not parts))
    if more := len(files) - len(shown):
        parts.append(plural("{count:,} more changed", "{count:,} more changed", more))
    joined = parts[0]
    for part in parts[1:]:
        joined = message("{changes} and {change}", changes=joined, change=part)
    return joined


def _file_change(paths: Sequence[str], how: FileChangeKind, becomes: str, *, opens: bool) -> str:
    """One kind of change to some files. A file's name that begins a sentence gets no capital."""
    names, count = join_names(paths), len(paths)
    match how:
        case "content":
            return message("{files} changed", files=names)
        case "added":
            return plural("{files} was added", "{files} were added", count, files=names)
        case "removed":
            return plural("{files} was removed", "{files} were removed", count, files=names)
        case "mode":
            if opens:
                return message("The permissions of {files} changed", files=names)
            return message("the permissions of {files} changed", files=names)
        case "link":
            return plural("{files} points elsewhere", "{files} point elsewhere", count, files=names)
        case "kind":
            return plural("{files} is now a {kind}", "{files} are now a {kind}", count, files=names, kind=becomes)
        case _:
            assert_never(how)


def _secrets(secrets: Sequence[Secret]) -> str:
    return join_names(
        [
            message("secret {name}", name=secret.name)
            if secret.kind == "secret"
            else message("SSH agent {name}", name=secret.name)
            for secret in secrets
        ]
    )


def _flags(options: Sequence[str]) -> str:
    """Options as somebody types them: `--network and --ulimit`."""
    return join_names([f"--{option}" for option in options])


def _first(names: Sequence[str]) -> str:
    """The first name, and how many more there are: `main.go +1`."""
    if len(names) == 1:
        return names[0]
    return message("{name} +{more}", name=names[0], more=len(names) - 1)


def _places(places: Sequence[Place], *, opens: bool = False) -> str:
    return join_names([_place(place, opens=opens and number == 0) for number, place in enumerate(places)])


def _place(place: Place, *, opens: bool = False) -> str:
    """`line 7`, or the name of an image or a file. A name that begins a sentence gets no capital."""
    if not isinstance(place, Line):
        return place.name
    return message("Line {number}", number=place.number) if opens else message("line {number}", number=place.number)
