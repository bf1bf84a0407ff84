"""An ARG whose value differs from build to build is declared behind the steps that do not use it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from speedkit.messages import message

from ..build_plan import BuildPlan
from ..independence import is_independent, is_quick
from ..node_project import installs_packages
from ..python_project import pip_words, requirements_of
from ..rule import Change

if TYPE_CHECKING:
    from speedkit.dockerfile import Instruction, Stage

    from ..shell_commands import ShellCommand

__all__ = ["GROUP", "change"]

GROUP = "order"
_CHANGING = re.compile(
    r".*(?:DATE|TIME|STAMP|COMMIT|REVISION|GIT_?(?:SHA|REF|HASH|TAG)|VCS_?REF|SHA|BUILD_?(?:ID|NUMBER|NUM|VERSION))|(?:APP_)?VERSION",
    re.IGNORECASE,
)
_PASSED = frozenset({"RUN", "COPY", "ADD", "WORKDIR", "LABEL", "EXPOSE"})


def change(plan: BuildPlan) -> Change | None:
    for stage in plan.stages:
        for argument in stage.instructions:
            names = argument.names if argument.keyword == "ARG" else ()
            if len(names) != 1 or not _CHANGING.fullmatch(names[0]):
                continue
            place = _later_place(plan, stage, argument, names[0])
            if place is None:
                continue
            editor = plan.editor()
            editor.insert_before(place, [editor.block(argument)])
            editor.remove(argument, with_comments=True)
            because = message("`{name}` may differ in each build, and then every RUN behind it ran again.", name=names[0])
            return Change.of_dockerfile(plan, editor, because)
    return None


def _later_place(plan: BuildPlan, stage: Stage, argument: Instruction, name: str) -> Instruction | None:
    """The first instruction that may use an argument, when steps that take time come before it."""
    steps = [step for step in stage.instructions if step.line > argument.line]
    saves = False
    for step in steps:
        is_used = re.search(rf"\$\{{?{name}\b", step.text + "".join(heredoc.content for heredoc in step.heredocs)) is not None
        if is_used or step.keyword not in _PASSED or (step.keyword == "RUN" and not _ignores_variables(plan, step)):
            return step if saves else None
        saves = saves or (step.keyword == "RUN" and not all(map(is_quick, plan.commands(step))))
    # Nothing uses it, or only a program that reads it later.
    return None


def _ignores_variables(plan: BuildPlan, run: Instruction) -> bool:
    """Whether a RUN has only commands that do not look at variables such as VERSION."""
    text = plan.shell(run)
    return text is not None and bool(text.commands) and all(map(_ignores, text.commands))


def _ignores(command: ShellCommand) -> bool:
    if is_independent(command, workdir="/", copied=()):
        return True
    is_download = command.program == "go" and command.operands[:2] in (("mod", "download"), ("mod", "verify"))
    words = pip_words(command)
    # The set-up of the project itself may look at them.
    installs_lists = words is not None and bool(requirements_of(words))
    return is_download or installs_packages(command) or installs_lists
