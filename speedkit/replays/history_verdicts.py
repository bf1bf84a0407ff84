"""The verdict of each step at each commit, on one builder that builds all commits in their order.

The forecast is that of `cache`, with git's objects in place of files: equal blobs are equal contents. What no longer can be
asked counts as unchanged all through the history: the base image behind a name, and the content behind an address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from speedkit.builds import dockerfile_without_secrets
from speedkit.cache import BaseImage, ChangingTree, ForecastBuild, Selector, Situation, SuccessiveBuilds, Verdict
from speedkit.context import Entry, IgnorePatterns, Manifest, ignore_patterns_in
from speedkit.dockerfile import external_bases, host_platform, mounts_of, read_dockerfile
from speedkit.errors import DockerfileError, Misuse
from speedkit.git_history import GIT_FOLDER, Commit, CommitRange, GitFile, Repository, file_behind, ignore_files
from speedkit.model import StepSource

from .commit_contexts import CommitContexts

__all__ = ["BuildInputs", "CommitVerdicts", "DockerfileVersion", "HistoryStep", "Trouble", "history_verdicts", "version_of"]

Trouble = Literal["no-dockerfile", "rejected", "stops"]
"""Why a commit cannot be built: it has no Dockerfile, BuildKit rejects its Dockerfile, or a step copies a missing file."""

_NO_ENTRY = Entry("", "other", 0, 0, "", "")
_RUNS = frozenset({"miss", "depends"})


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """An instruction of one version of the Dockerfile. number: its place among the steps of that version."""

    number: int
    line: int
    end_line: int
    stage: str
    instruction: str
    sources: tuple[StepSource, ...]
    has_cache_mount: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class DockerfileVersion:
    """A Dockerfile as one or more commits have it. path: in the repository."""

    path: str
    text: str
    steps: tuple[HistoryStep, ...]


@dataclass(frozen=True, eq=False, slots=True)
class CommitVerdicts:
    """The verdicts of one commit.

    dockerfile: None with the troubles `no-dockerfile` and `rejected`. verdicts: of each step, in the order of the Dockerfile.
    files: by number of a step, the files that it reads and that differ from the commit built before. because: of a trouble.
    """

    commit: Commit
    dockerfile: DockerfileVersion | None
    verdicts: tuple[Verdict, ...] = ()
    files: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    trouble: Trouble | None = None
    because: str = ""

    @property
    def ran(self) -> tuple[HistoryStep, ...]:
        """The steps that run, with those that would be cached only if an earlier step gave equal bytes again.

        A step that depends on an address alone counts as cached: its content seldom changes.
        """
        origins = self.origins()
        return tuple(step for step in self._steps if step.number in origins)

    def origins(self) -> dict[int, int]:
        """For each step that runs, the number of the step where the miss began: the nearest one that changed itself."""
        by_line: dict[int, int] = {}
        origins: dict[int, int] = {}
        for step, verdict in zip(self._steps, self.verdicts, strict=True):
            if verdict in _RUNS:
                sources = sorted(step.sources, key=lambda one: one.by_bytes)
                parents = [by_line[source.line] for source in sources if by_line.get(source.line) in origins]
                if verdict == "miss" and (step.number in self.files or not parents):
                    origins[step.number] = step.number
                elif parents:
                    origins[step.number] = origins[parents[0]]
            by_line[step.line] = step.number
        return origins

    @property
    def _steps(self) -> tuple[HistoryStep, ...]:
        return self.dockerfile.steps if self.dockerfile is not None else ()


@dataclass(frozen=True, slots=True)
class BuildInputs:
    """The inputs of the build at each commit. context, dockerfile: paths in the repository.

    varying_args: build args that have another value at each commit, such as its id. dockerfile_text, ignore_text: texts that
    every commit gets in place of its own. merge: as in `cache.Situation`.
    """

    context: str
    dockerfile: str
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    platform: str = field(default_factory=host_platform)
    options: Mapping[str, str] = field(default_factory=dict)
    varying_args: frozenset[str] = frozenset()
    dockerfile_text: str | None = None
    ignore_text: str | None = None
    merge: bool = False
    bases: Mapping[str, BaseImage] = field(default_factory=dict)


def history_verdicts(
    repository: Repository, history: CommitRange, inputs: BuildInputs
) -> tuple[CommitVerdicts, tuple[CommitVerdicts, ...]]:
    """The verdicts of the history's start, on a builder that has built nothing, and then those of each commit, oldest first.

    Raises: ObjectsMissing, GitError; Misuse for an ignore file or Dockerfile of absurd size.
    """
    start, *commits = _Verdicts(repository, history, inputs).run()
    return start, tuple(commits)


class _Verdicts:
    def __init__(self, repository: Repository, history: CommitRange, inputs: BuildInputs) -> None:
        self._repository = repository
        self._history = history
        self._inputs = inputs
        # The path of the Dockerfile at the start, and at each commit after it.
        self._paths = _dockerfile_paths(repository, history, inputs.dockerfile)
        self._start_tree = repository.files(history.start).tree
        watched = {*self._paths, *(one for path in self._paths for one in ignore_files(inputs.context, path))}
        self._texts = repository.texts(_blobs_to_read(self._start_tree, history, watched))
        self._contexts = CommitContexts(inputs.context, self._texts)
        self._builds = SuccessiveBuilds(self._contexts.tree)
        self._versions: dict[tuple[str, str], DockerfileVersion | str] = {}
        self._selectors: dict[DockerfileVersion, tuple[tuple[Selector, ...], ...]] = {}
        self._without_secrets: dict[str, str] = {}
        self._ignore_file: str | None = None
        self._repeated: dict[tuple[Verdict, ...], tuple[Verdict, ...]] = {}
        self._differing: dict[str, Entry | None] = {}
        """The paths that may differ from the commit that was built last, each with its entry there."""

    def run(self) -> Iterator[CommitVerdicts]:
        # The build before the first commit fills the cache, and is no result itself.
        start = Commit(self._history.start, "", 0, "", "", "", ())
        self._contexts.start(self._start_tree, start.id)
        yield self._build(start, self._paths[0])
        for commit, path in zip(self._history.commits, self._paths[1:], strict=True):
            self._differing = self._contexts.go_to(commit.id, commit.changes) | self._differing
            yield self._build(commit, path)

    def _build(self, commit: Commit, path: str) -> CommitVerdicts:
        text = self._dockerfile_text(path)
        if text is None:
            return CommitVerdicts(commit, None, trouble="no-dockerfile")
        version = self._versions.get((path, text))
        if isinstance(version, str):
            return CommitVerdicts(commit, None, trouble="rejected", because=version)
        try:
            self._apply_ignore_file(path)
            inputs, varying = self._inputs, dict.fromkeys(self._inputs.varying_args, commit.id)
            if varying:
                inputs = replace(inputs, build_args={**inputs.build_args, **varying})
            # With a build arg that always differs, no plan is used again.
            built = self._builds.build(None if varying else text, partial(_situation, text, inputs))
        except DockerfileError as problem:
            self._versions[path, text] = problem.what
            return CommitVerdicts(commit, None, trouble="rejected", because=problem.what)
        except Misuse as problem:  # a pattern in the ignore file
            return CommitVerdicts(commit, None, trouble="rejected", because=problem.what)
        if version is None:
            version = self._versions[path, text] = _version(path, text, built)
            self._selectors[version] = built.selectors
        # Most commits have the verdicts of an earlier one; one tuple for all of them saves memory.
        verdicts = self._repeated.setdefault(built.verdicts, built.verdicts)
        files = self._files(built.verdicts, self._selectors[version])
        self._differing = {}
        missing = tuple(path for paths in built.missing.values() for path in paths)
        return CommitVerdicts(commit, version, verdicts, files, "stops" if missing else None, ", ".join(missing))

    def _dockerfile_text(self, path: str) -> str | None:
        """The text of the Dockerfile, without the secrets in it; None where there is no Dockerfile."""
        text = self._inputs.dockerfile_text
        if text is None:
            file = file_behind(path, self._contexts.files, self._texts)
            if file is None:
                return None
            text = self._text(file)
        if text not in self._without_secrets:
            self._without_secrets[text] = dockerfile_without_secrets(text, self._inputs.build_args)
        return self._without_secrets[text]

    def _text(self, file: GitFile) -> str:
        if file.blob not in self._texts:  # behind a link
            self._texts[file.blob] = self._repository.text(file.blob)
        return self._texts[file.blob]

    def _apply_ignore_file(self, dockerfile: str) -> None:
        text, name = self._inputs.ignore_text, ".dockerignore"
        identity = "ignore_text" if text is not None else ""
        for path in ignore_files(self._inputs.context, dockerfile) if text is None else ():
            file = file_behind(path, self._contexts.files, self._texts)
            if file is not None:
                text, name, identity = self._text(file), path.rpartition("/")[2], f"{path} {file.blob}"
                break
        if identity != self._ignore_file:
            patterns = ignore_patterns_in(text, name) if text is not None else IgnorePatterns(())
            self._differing = self._contexts.ignore(patterns) | self._differing
            self._ignore_file = identity

    def _files(self, verdicts: Sequence[Verdict], selectors: Sequence[Sequence[Selector]]) -> Mapping[int, tuple[str, ...]]:
        """For each step that runs, by its number, the files that it reads and that differ from the last built commit."""
        tree = self._contexts.tree
        files: dict[int, tuple[str, ...]] = {}
        shown: dict[str, bool] = {}
        for path, before in sorted(self._differing.items(), key=lambda one: one[0]):
            after = tree.entry(path)
            if after != before:
                is_folder = (after or before or _NO_ENTRY).kind == "dir"
                shown[GIT_FOLDER if path.startswith(f"{GIT_FOLDER}/") else path] = is_folder and path != GIT_FOLDER
        for number, verdict in enumerate(verdicts):
            if verdict not in _RUNS or not selectors[number]:
                continue
            read = [path for path in shown if any(tree.reads(path, selector) for selector in selectors[number])]
            # The files in a new or removed folder explain more than the folder itself.
            if paths := tuple(path for path in read if not shown[path]) or tuple(read):
                files[number] = paths
        return files


def _situation(text: str, inputs: BuildInputs) -> Situation:
    dockerfile = read_dockerfile(text)
    names = external_bases(dockerfile, build_args=inputs.build_args, target=inputs.target, platform=inputs.platform)
    return Situation(
        dockerfile=dockerfile,
        # The files are in the `ChangingTree`. A situation needs its manifest only for sentences about causes.
        context=Manifest(()),
        build_args=inputs.build_args,
        target=inputs.target,
        # Which image a name stood for at an old commit is lost, so the name stands for one image all the time.
        bases={name: inputs.bases.get(name) or BaseImage((f"always {name}",), configuration=name) for name in names},
        platform=inputs.platform,
        options=inputs.options,
        merge=inputs.merge,
    )


def version_of(text: str, inputs: BuildInputs) -> DockerfileVersion:
    """The steps of a Dockerfile. Raises: DockerfileError."""
    return _version(inputs.dockerfile, text, SuccessiveBuilds(ChangingTree()).build(text, partial(_situation, text, inputs)))


def _version(path: str, text: str, built: ForecastBuild) -> DockerfileVersion:
    steps = tuple(
        HistoryStep(
            number,
            step.instruction.line,
            step.instruction.end_line,
            step.stage,
            f"ONBUILD {step.instruction.text}" if step.triggered else step.instruction.text,
            sources,
            step.instruction.keyword == "RUN" and any(mount.kind == "cache" for mount in mounts_of(step.instruction)),
        )
        for number, (step, sources) in enumerate(zip(built.plan.steps, built.sources, strict=True))
    )
    return DockerfileVersion(path, text, steps)


def _dockerfile_paths(repository: Repository, history: CommitRange, path: str) -> list[str]:
    """The path of the Dockerfile at the start of a history and at each commit. It is followed back through renames."""
    paths = [path]
    for commit in reversed(history.commits):
        if any(change.path == path and change.before is None for change in commit.changes):
            path = repository.renamed_from(commit, path) or path
        paths.append(path)
    return paths[::-1]


def _blobs_to_read(start: Mapping[str, GitFile], history: CommitRange, watched: set[str]) -> Iterator[str]:
    """The blobs whose text decides a forecast: Dockerfiles, ignore files, and the targets of links."""
    for path, file in start.items():
        if file.is_link or path in watched:
            yield file.blob
    for commit in history.commits:
        for change in commit.changes:
            after = change.after
            if after is not None and (after.is_link or (change.path in watched and not after.is_submodule)):
                yield after.blob
