"""Which files of the build context are where in a stage, before one of its instructions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from speedkit.dockerfile import Instruction

    from .build_plan import BuildPlan

__all__ = ["ImageFiles", "files_before"]


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The files that COPY and ADD put into a stage. paths: by path in the image, the path in the context."""

    plan: BuildPlan
    paths: Mapping[str, str]

    def text(self, path: str) -> str | None:
        """The text of a file of the image; None for one that is not from the context."""
        source = self.paths.get(path)
        return None if source is None else self.plan.view.text_of(source)

    def below(self, folder: str) -> Iterator[str]:
        start = f"{folder.rstrip('/')}/"
        return (path for path in self.paths if path.startswith(start))


def files_before(plan: BuildPlan, instruction: Instruction) -> ImageFiles | None:
    """The files before an instruction of a needed stage; None when it is not certain what a COPY or ADD takes."""
    if instruction.line not in plan.files_before:
        plan.files_before[instruction.line] = _files_before(plan, instruction)
    return plan.files_before[instruction.line]


def _files_before(plan: BuildPlan, instruction: Instruction) -> ImageFiles | None:
    paths: dict[str, str] = {}
    for index in plan.base_chain(instruction.stage or 0):
        for step in plan.dockerfile.stages[index].instructions:
            if index == instruction.stage and step.line >= instruction.line:
                break
            if step.keyword in ("COPY", "ADD") and step.flag("from") is None:
                files = plan.copied(step)
                if files is None:
                    return None
                paths |= {target: source for source, target in files.items()}
    return ImageFiles(plan, paths)
