"""The smallest split of a copy that would have saved most over a history.

A copy of a folder makes the steps after it run with every change in the folder. When the copy is cut in two, with a step
between the halves, only changes of the first half make that step run. Each copy that is followed by a RUN is cut in two ways:

- The RUN installs packages. The first half is the files that name the packages, and all other files come after the RUN.
- The second half is the few parts of the folder that most often changed alone: a greedy set cover, which begins with the part
  that spares the RUN in most commits. The history does not tell whether the RUN reads these parts. So parts that the RUN names
  stay in the first half, and so do sources when it compiles. A real build has to prove the rest (`speedkit judge`).

The savings of a split are the difference between a replay of the history with it and one without it.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from speedkit.advice import unified_diff
from speedkit.builds import dockerfile_without_secrets
from speedkit.context import Manifest
from speedkit.dockerfile import Dockerfile, Instruction, read_dockerfile
from speedkit.git_history import GIT_FOLDER, CommitFiles, CommitRange, Repository

from .commit_seconds import with_seconds
from .history_verdicts import BuildInputs, CommitVerdicts, history_verdicts
from .result import ReplayedCommit, Split
from .step_seconds import SecondsModel

__all__ = ["splits_of"]

_MOST_COMMITS = 500
"""The most commits in the replay of a split: the last ones."""
_MOST_SPLITS = 5
_MOST_PARTS = 3
_MOST_LINES = 8
"""The most lines of a first half that is written file by file; a longer one becomes one line with `--exclude`."""
_PLAIN = re.compile(r"[\w.@+/-]*", re.ASCII)
"""Paths that need no quotes in an instruction."""
_NODE = (
    "package.json package-lock.json npm-shrinkwrap.json yarn.lock .yarnrc .yarnrc.yml pnpm-lock.yaml pnpm-workspace.yaml .npmrc"
)
_INSTALLS: tuple[tuple[str, frozenset[str]], ...] = (
    (r"(?:npm|pnpm)\b.*\b(?:ci|install|i|fetch)\b|yarn(?:\s+install)?(?:\s+--\S+)*$", frozenset(_NODE.split())),
    (r"go\s+mod\s+(?:download|verify)\b", frozenset({"go.mod", "go.sum", "go.work", "go.work.sum"})),
    (r"(?:python3?\s+-m\s+)?pip3?\s+install\b.*(?:-r|--requirement)", frozenset()),
    (r"poetry\s+install\b.*--no-root", frozenset({"pyproject.toml", "poetry.lock", "poetry.toml"})),
    (r"uv\s+sync\b.*--no-install-project", frozenset({"pyproject.toml", "uv.lock", ".python-version"})),
    (r"bundle\s+install\b", frozenset({"Gemfile", "Gemfile.lock"})),
    (r"composer\s+install\b.*--no-scripts", frozenset({"composer.json", "composer.lock"})),
    (r"(?:\./)?mvnw?\b.*dependency:", frozenset({"pom.xml"})),
    (r"cargo\s+fetch\b", frozenset({"Cargo.toml", "Cargo.lock"})),
)
"""Commands that install packages, and the names of the files that name the packages. pip names its files in the command."""
_MANIFESTS = frozenset().union(*(names for _, names in _INSTALLS))
_COMPILES = re.compile(
    r"\b(?:go (?:build|install|test|vet|generate)|cargo (?:build|install)|mvnw?|gradlew?|make|tsc|"
    r"(?:npm|yarn|pnpm)\b.*\bbuild)\b"
)
"""Commands that may read any source file."""
_NO_SOURCES = re.compile(
    r"docs?|\.github|\.gitlab|\.circleci|\.vscode|\.idea|tests?|e2e|examples?|screenshots?|images?|"
    r".*\.(?:md|rst|adoc)|LICENSE.*|CODEOWNERS|Dockerfile.*|(?:docker-)?compose.*\.ya?ml|\.(?:git|docker)ignore|\.editorconfig",
    re.IGNORECASE,
)
"""Names of files and folders that no compiler reads."""
_HARMLESS = re.compile(
    r"(?:npm|yarn|pnpm|pip3?)\s+config\b|corepack\b|set\s+-|cd\s|mkdir\s|rm\s|npm\s+(?:i|install)\s+-g\b|true$"
)


@dataclass(frozen=True, slots=True)
class _Cut:
    """A copy followed by a RUN. source: the copied folder in the context, "" for all of it. flags: as they are written."""

    copy: Instruction
    run: Instruction
    source: str
    target: str
    flags: str


def splits_of(
    files: CommitFiles,
    history: CommitRange,
    inputs: BuildInputs,
    commits: Sequence[ReplayedCommit],
    model: SecondsModel | None,
) -> tuple[Split, ...]:
    """The splits of the newest Dockerfile's copies that would have saved something, the best of each copy.

    files: of the newest commit.
    """
    newest = commits[-1] if commits else None
    if newest is None or newest.dockerfile is None or newest.trouble is not None:
        return ()
    repository = files.repository
    text = files.dockerfile(newest.dockerfile.path)
    if text is None:
        return ()
    dockerfile = read_dockerfile(text)
    cuts = list(_cuts(dockerfile))
    if not cuts:
        return ()
    # A proof and a person build from a checkout, which has `.git`.
    manifest = files.manifest(inputs.context, newest.dockerfile.path, with_git=True)
    recent = history.commits[-_MOST_COMMITS:]
    start = history.commits[-_MOST_COMMITS - 1].id if len(history.commits) > _MOST_COMMITS else history.start
    trial = _Trial(repository, CommitRange(recent, start, history.shallow), inputs, model, commits[-_MOST_COMMITS:])
    splits = []
    for cut in cuts:
        changes = _changes(cut, trial.commits(text))
        tried = []
        for new_text, parts in _halves(text, cut, manifest, changes):
            patch = unified_diff(newest.dockerfile.path, text, new_text)
            if dockerfile_without_secrets(patch, inputs.build_args) != patch:
                # A patch has lines around the change; a secret in them would be shown.
                continue
            runs, seconds = trial.saved(text, new_text)
            tried.append(Split(cut.copy.line, patch, seconds, runs, parts))
        if tried:
            splits.append(max(tried, key=lambda one: (one.saves_seconds or 0.0, one.saves_runs, -len(one.patch))))
    good = [one for one in splits if one.saves_runs > 1 and (one.saves_seconds is None or one.saves_seconds > 0)]
    return tuple(sorted(good, key=lambda one: (-(one.saves_seconds or 0.0), -one.saves_runs))[:_MOST_SPLITS])


class _Trial:
    """Replays a history with one Dockerfile all through it."""

    def __init__(
        self,
        repository: Repository,
        history: CommitRange,
        inputs: BuildInputs,
        model: SecondsModel | None,
        commits: Sequence[ReplayedCommit],
    ) -> None:
        self._repository, self._history, self._inputs, self._model = repository, history, inputs, model
        self._replayed: dict[str, tuple[ReplayedCommit, ...]] = {}
        # Where all commits have the same Dockerfile, the replay of the history is that of this text.
        texts = {one.dockerfile.text if one.dockerfile is not None else None for one in commits}
        if len(texts) == 1 and (text := texts.pop()) is not None:
            self._replayed[text] = tuple(commits)

    def commits(self, text: str) -> tuple[ReplayedCommit, ...]:
        if text not in self._replayed:
            inputs = replace(self._inputs, dockerfile_text=text)
            start, verdicts = history_verdicts(self._repository, self._history, inputs)
            self._replayed[text] = with_seconds(start, verdicts, self._model)
        return self._replayed[text]

    def saved(self, before: str, after: str) -> tuple[int, float | None]:
        """The runs of RUN steps and the seconds that a change saves, over the commits that can be built with both texts."""
        pairs = [
            (one, other)
            for one, other in zip(self.commits(before), self.commits(after), strict=True)
            if one.trouble is None and other.trouble is None
        ]
        runs = sum(_run_count(one.verdicts) - _run_count(other.verdicts) for one, other in pairs)
        if self._model is None:
            return runs, None
        return runs, sum((one.seconds or 0.0) - (other.seconds or 0.0) for one, other in pairs)


def _run_count(verdicts: CommitVerdicts) -> int:
    return sum(step.instruction.upper().startswith("RUN ") for step in verdicts.ran)


def _cuts(dockerfile: Dockerfile) -> Iterator[_Cut]:
    """Each copy of a whole folder of the context, with the RUN that comes next in its stage."""
    for stage in dockerfile.stages:
        for number, copy in enumerate(stage.instructions):
            if copy.keyword not in ("COPY", "ADD") or len(copy.args) != 2 or "$" in copy.text or copy.heredocs:
                continue
            # A copy with a pattern, or with one of these flags, is not simply two copies of its parts.
            names = {name for name in ("from", "exclude", "parents", "checksum") if copy.flag(name) is not None}
            if names or re.search(r"[*?\[\\]|://", copy.args[0]):
                continue
            run = next(
                (one for one in stage.instructions[number + 1 :] if one.keyword in ("RUN", "COPY", "ADD", "WORKDIR")), None
            )
            if run is None or run.keyword != "RUN" or run.heredocs:
                continue
            source = posixpath.normpath(f"/{copy.args[0]}").strip("/")
            flags = "".join(f"{word} " for word in copy.text.split()[1:] if word.startswith("--"))
            yield _Cut(copy, run, source, copy.args[1], flags)


def _changes(cut: _Cut, commits: Sequence[ReplayedCommit]) -> list[frozenset[str]]:
    """For each commit in which the copy made the RUN run, the parts of the copied folder that changed."""
    below = f"{cut.source}/" if cut.source else ""
    changes = []
    for commit in commits:
        if commit.dockerfile is None or commit.trouble is not None:
            continue
        numbers = {step.line: step.number for step in commit.dockerfile.steps}
        copy, run = numbers.get(cut.copy.line, -1), numbers.get(cut.run.line, -1)
        if commit.verdicts.origins().get(run) == copy:
            files = commit.verdicts.files.get(copy, ())
            parts = {path[len(below) :].split("/")[0] for path in files if path.startswith(below)}
            changes.append(frozenset(parts - {GIT_FOLDER}))
    return changes


def _halves(
    text: str, cut: _Cut, manifest: Manifest, changes: Sequence[frozenset[str]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Dockerfiles with the copy cut in two, each with the paths that decide the cut, of the first or of the second half."""
    if manifests := _manifests(cut, manifest):
        first = _copies(cut, manifests)
        if len(first) <= _MOST_LINES and all(map(_PLAIN.fullmatch, manifests)):
            whole_copy = text.split("\n")[cut.copy.line - 1 : cut.copy.end_line]
            yield _cut_text(text, cut, first, whole_copy), tuple(manifests)
            return
    parts = _covering(changes, cut)
    folder = {entry.path for entry in manifest.entries if entry.kind == "dir"}
    there = {entry.path for entry in manifest.entries}
    below = f"{cut.source}/" if cut.source else ""
    parts = [part for part in parts if f"{below}{part}" in there]
    if not parts or any(re.search(rf"(?:^|&&|;)\s*{pattern}", cut.run.text[4:]) for pattern, _ in _INSTALLS):
        return
    # `.git` differs in every commit, so it can be in no first half.
    parts += [GIT_FOLDER] if f"{below}{GIT_FOLDER}" in there and "git " not in cut.run.text else []
    rest = sorted(
        {path[len(below) :].split("/")[0] for path in there if path.startswith(below) and path != cut.source} - set(parts)
    )
    if not rest or not all(map(_PLAIN.fullmatch, (*rest, *parts, below))):
        return
    # `--exclude` needs a recent Dockerfile frontend (https://docs.docker.com/reference/dockerfile/#copy---exclude), so it is
    # used only where the list would be long.
    excluded = "".join(f"--exclude={part} " for part in parts)
    first = _copies_of_parts(cut, rest, folder)
    if len(first) > _MOST_LINES:
        first = [f"{cut.copy.keyword} {cut.flags}{excluded}{cut.copy.args[0]} {cut.target}"]
    second = _copies_of_parts(cut, parts, folder)
    yield _cut_text(text, cut, first, second), tuple(f"{below}{part}" for part in parts)


def _covering(changes: Sequence[frozenset[str]], cut: _Cut) -> list[str]:
    """The few parts whose copy after the RUN spares it in most commits: a greedy set cover."""
    command = set(re.findall(r"[\w.-]+", cut.run.text))
    # A pattern such as `*.css` names what it matches, in the copied folder itself.
    patterns = {posixpath.basename(word) for word in re.findall(r"[\w./*?-]+", cut.run.text) if "*" in word or "?" in word}
    is_compiler = _COMPILES.search(cut.run.text) is not None

    def may_come_later(part: str) -> bool:
        is_named = part in command | _MANIFESTS or any(fnmatchcase(part, pattern) for pattern in patterns)
        return not is_named and (not is_compiler or _NO_SOURCES.fullmatch(part) is not None)

    counts = Counter(change for change in changes if change and all(map(may_come_later, change)))
    parts: list[str] = []
    while len(parts) < _MOST_PARTS:
        gains: Counter[str] = Counter()
        for change, count in counts.items():
            missing = change - set(parts)
            if len(missing) == 1:
                gains[next(iter(missing))] += count
        best = max(gains, key=lambda part: (gains[part], part), default=None)
        # Another part must spare the RUN in a tenth of the commits: a patch of few lines is worth more than the last percent.
        if best is None or gains[best] * 10 < len(changes):
            break
        parts.append(best)
    return parts


def _named_files(run: Instruction) -> frozenset[str] | None:
    """The names of the files that a RUN reads, if it only installs packages; None for any other RUN."""
    words = [word for word in run.text.split()[1:] if not word.startswith("--mount=")]
    commands = [part.strip() for part in re.split(r"&&|;", " ".join(words)) if part.strip()]
    names: frozenset[str] | None = None
    for command in commands:
        for pattern, files in _INSTALLS:
            if re.match(pattern, command):
                named = re.findall(r"(?:-r|--requirement)[ =]*(\S+)", command) if not files else []
                names = (names or frozenset()) | files | frozenset(named)
                break
        else:
            if not _HARMLESS.match(command):
                return None
    return names


def _manifests(cut: _Cut, manifest: Manifest) -> list[str]:
    """The files in the copied folder that an installing RUN reads; paths in the context."""
    names = _named_files(cut.run)
    if names is None:
        return []
    below = f"{cut.source}/" if cut.source else ""
    paths = [entry.path for entry in manifest.entries if entry.kind == "file" and entry.path.startswith(below)]
    plain = {name.removeprefix("./") for name in names}
    installed_from = [path for path in paths if path[len(below) :] in plain or posixpath.basename(path) in plain]
    # A package.json in the data of a test, or in an installed package, is no part of a workspace.
    return [path for path in installed_from if not {"node_modules", "testdata", "fixtures"} & set(path.split("/"))]


def _copies(cut: _Cut, paths: Sequence[str]) -> list[str]:
    """Instructions that copy single files to where the copy of the folder would put them."""
    below = f"{cut.source}/" if cut.source else ""
    by_folder: dict[str, list[str]] = {}
    for path in paths:
        by_folder.setdefault(posixpath.dirname(path[len(below) :]), []).append(path)
    return [
        f"{cut.copy.keyword} {cut.flags}{' '.join(files)} {_folder_target(cut, folder)}" for folder, files in by_folder.items()
    ]


def _copies_of_parts(cut: _Cut, parts: Sequence[str], folders: set[str]) -> list[str]:
    """Instructions that copy parts of the folder: its files together, and each of its folders alone."""
    below = f"{cut.source}/" if cut.source else ""
    files = [f"{below}{part}" for part in parts if f"{below}{part}" not in folders]
    lines = _copies(cut, files)
    for part in parts:
        if f"{below}{part}" in folders:
            lines.append(f"{cut.copy.keyword} {cut.flags}{below}{part} {_folder_target(cut, part)}")
    return lines


def _folder_target(cut: _Cut, folder: str) -> str:
    target = posixpath.join(cut.target, folder) if folder else cut.target
    normal = posixpath.normpath(target)
    return f"{normal}/" if normal not in (".", "/") else "./" if normal == "." else "/"


def _cut_text(text: str, cut: _Cut, first: Sequence[str], second: Sequence[str]) -> str:
    """The Dockerfile with the first half in place of the copy, and the second half after the RUN."""
    lines = text.split("\n")
    end = "\r" if lines[cut.copy.line - 1].endswith("\r") else ""
    written = [line if line.endswith("\r") or not end else line + end for line in first]
    behind = [line if line.endswith("\r") or not end else line + end for line in second]
    return "\n".join(
        [
            *lines[: cut.copy.line - 1],
            *written,
            *lines[cut.copy.end_line : cut.run.end_line],
            *behind,
            *lines[cut.run.end_line :],
        ]
    )
