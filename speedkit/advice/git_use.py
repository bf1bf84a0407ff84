"""Whether a build reads the repository's history: where it does, `.git` is one of its sources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .build_plan import BuildPlan, image_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speedkit.dockerfile import Instruction

__all__ = ["reads_history", "settings_texts", "stamps_programs"]

_ASKS_GIT = re.compile(
    r"\bgit\s+(?:-\S+\s+(?:\S+\s+)?)*(?:describe|rev-parse|rev-list|log|show|status|diff|branch|tag|config|ls-files|ls-tree|"
    r"symbolic-ref|submodule|name-rev|shortlog|blame|cat-file|hash-object|fetch|checkout)\b|[(\[]\s*['\"]git['\"]"
)
_TOOLS = re.compile(
    r"git-commit-id|buildnumber-maven|jgitver|gradle-git-properties|grgit|jgit|axion-release|palantir\.git-version|nebula\.release|"
    r"nyx|reckon|vergen|shadow-rs|\bbuilt\b\s*=|git-version|git2\b|setuptools[-_]scm|hatch-vcs|versioneer|\bpbr\b|dynamic-versioning|"
    r"dunamai|versioningit|git-revision|git-rev|simple-git|nodegit|isomorphic-git|git-last-commit|git-describe|lerna|semantic-release|"
    r"simple-git-hooks|lefthook|yorkie|"
    r"gitInfo|release-it|BuildInfo|debug\.ReadBuildInfo|runtime/debug"
)
_SETTINGS = re.compile(
    r"(?:[^/]+/){0,3}(?:Makefile|GNUmakefile|.*\.mk|Taskfile\.ya?ml|justfile|Rakefile|magefile\.go|build\.rs|Cargo\.toml|package\.json|"
    r"pyproject\.toml|setup\.(?:py|cfg)|pom\.xml|.*\.gradle(?:\.kts)?|.*\.sh|.*\.bash|(?:[\w.-]+\.)?config\.[cm]?[jt]s|"
    r"(?:webpack|rollup|gulpfile|Gruntfile|vite|next|nuxt|esbuild|build)[\w.-]*\.[cm]?[jt]s|\.mvn/.*|\.goreleaser.*|angular\.json)"
)
_MOST_FILES = 400


def reads_history(plan: BuildPlan, stage: int) -> bool:
    """Whether something in a stage may ask git about the repository, as far as its commands and the project's settings tell."""
    for run in _runs(plan, stage):
        for command in plan.commands(run):
            if command.program == "git" and not command.begins("git", "config") and not command.begins("git", "clone"):
                return True
        if plan.shell(run) is None:
            return True
    if stamps_programs(plan, stage):
        return True
    return any(_ASKS_GIT.search(text) or _TOOLS.search(text) for text in settings_texts(plan))


def _runs(plan: BuildPlan, stage: int) -> list[Instruction]:
    steps = (step for index in plan.base_chain(stage) for step in plan.dockerfile.stages[index].instructions)
    return [step for step in steps if step.keyword == "RUN"]


def settings_texts(plan: BuildPlan) -> Iterator[str]:
    """The texts of files that tell how a project is built."""
    paths = [entry.path for entry in plan.view.sent.entries if entry.kind == "file" and _SETTINGS.fullmatch(entry.path)]
    # A project with more is judged by these; to read them all would take long.
    paths.sort(key=lambda path: (path.count("/"), path))
    for path in paths[:_MOST_FILES]:
        yield plan.view.text_of(path) or ""


def stamps_programs(plan: BuildPlan, stage: int) -> bool:
    """Whether Go may write the commit into its programs: it does where it finds git and `.git` (`go help build`, -buildvcs)."""
    commands = [command for run in _runs(plan, stage) for command in plan.commands(run)]
    image = plan.image(stage)
    calls_go = image_name(image) == "golang" or any(command.program == "go" for command in commands)
    if not calls_go:
        return False
    is_alpine = "alpine" in image.partition("@")[0].rpartition(":")[2]
    has_git = not is_alpine or any("git" in command.operands for command in commands if command.program == "apk")
    builds = [command for command in commands if command.program == "go" and command.operands[:1] in (("build",), ("install",))]
    is_off = bool(builds) and all("-buildvcs=false" in command.words for command in builds)
    return has_git and not is_off
