"""What a check of a project comes to, as frozen types: an entry for each budget and claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from speedkit.causes import Cause, cause_kind, cause_subjects
from speedkit.messages import facts_in_one, message, plural
from speedkit.words import bytes_text, seconds_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CheckEntry", "CheckKind", "CheckOutcome", "Evidence", "StepThatRuns", "amount_text"]

CheckKind = Literal["claim", "context_size", "image_size", "wasted", "cold", "rebuild_steps", "rebuild_seconds"]
Unit = Literal["bytes", "seconds", "steps"]
Evidence = Literal["files", "forecast", "recording", "build", "none"]
"""The source of a figure: the files of the build context, a forecast, a recorded build, or a build for this check."""

_UNITS: Mapping[CheckKind, Unit] = {
    "claim": "steps",
    "context_size": "bytes",
    "image_size": "bytes",
    "wasted": "bytes",
    "cold": "seconds",
    "rebuild_steps": "steps",
    "rebuild_seconds": "seconds",
}


@dataclass(frozen=True, slots=True)
class StepThatRuns:
    """An instruction that runs after the change, though a claim says that it stays cached, or beyond a budget of steps.

    state: `miss` and `depends` of a forecast, as in `cache.Verdict`; else of a build, as in `model.StepState`.
    files: that changed and that it reads, or that the step reads where the miss began. because: the cause in words.
    cause: None for a step of a build that did not come to its end.
    """

    line: int
    instruction: str
    state: str
    files: tuple[str, ...]
    because: str
    cause: Cause | None = None

    def to_json(self) -> dict[str, Any]:
        kind = None if self.cause is None else cause_kind(self.cause)
        what = [] if self.cause is None else list(cause_subjects(self.cause))
        return {
            "line": self.line,
            "instruction": self.instruction,
            "state": self.state,
            "files": list(self.files),
            "because": {"kind": kind, "what": what, "sentence": self.because},
        }


@dataclass(frozen=True, slots=True)
class CheckEntry:
    """One budget or claim.

    ok: None for one that was not checked. amount, allowed: bytes, seconds or numbers of steps, as `unit` says; `amount` is None
    without a measurement. because: why, in words. file, line: the place that it is about. steps: those that run.
    """

    kind: CheckKind
    name: str
    ok: bool | None
    amount: float | None
    allowed: float
    because: str
    evidence: Evidence
    file: str
    line: int
    steps: tuple[StepThatRuns, ...] = ()

    @property
    def unit(self) -> Unit:
        return _UNITS[self.kind]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "ok": self.ok,
            # The names of the contract.
            "found": None if self.amount is None else round(self.amount, 3),
            "allowed": self.allowed,
            "unit": self.unit,
            "because": self.because,
            "evidence": self.evidence,
            "file": self.file,
            "line": self.line,
            "steps": [step.to_json() for step in self.steps],
        }


@dataclass(frozen=True)
class CheckOutcome:
    """The answer of `sk.check`. Shown as a table in a notebook.

    forecast_only: budgets that need a build were left out on purpose. notices: sentences about how the project was built.
    """

    project: str
    entries: tuple[CheckEntry, ...]
    forecast_only: bool = False
    notices: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """All budgets and claims hold.

        One that was not checked counts as one that does not hold, except with `forecast_only`. Without anything that was
        checked, nothing holds.
        """
        # A gate that is green because nothing was measured is worse than none.
        checked = [entry for entry in self.entries if entry.ok is not None]
        # A hook leaves out what takes minutes; the entries still show it.
        is_complete = self.forecast_only or len(checked) == len(self.entries)
        return bool(checked) and is_complete and all(entry.ok for entry in checked)

    @property
    def sentence(self) -> str:
        """How many hold, do not hold, and were not checked."""
        holding = sum(entry.ok is True for entry in self.entries)
        broken = sum(entry.ok is False for entry in self.entries)
        unchecked = len(self.entries) - holding - broken
        facts = [plural("{count:,} holds", "{count:,} hold", holding)]
        if broken:
            facts.append(plural("{count:,} does not hold", "{count:,} do not hold", broken))
        if unchecked:
            facts.append(plural("{count:,} was not checked", "{count:,} were not checked", unchecked))
        return message("Budgets and claims of {project}: {facts}", project=self.project, facts=facts_in_one(facts))

    @property
    def table(self) -> pd.DataFrame:
        """A row per budget and claim: as in the JSON document, without its steps."""
        from speedkit.data_frame import Frame

        rows = [entry.to_json() for entry in self.entries]
        for row in rows:
            del row["steps"]
        return Frame(rows)

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "claims": [entry.to_json() for entry in self.entries],
            "not_checked": sum(entry.ok is None for entry in self.entries),
            "forecast_only": self.forecast_only,
            "notices": list(self.notices),
        }


def amount_text(entry: CheckEntry, amount: float | None) -> str:
    """`12.3 MB`, `4.2 s` or `3 steps`; "–" for no measurement."""
    if amount is None:
        return "–"
    if entry.unit == "bytes":
        return bytes_text(amount)
    return seconds_text(amount) if entry.unit == "seconds" else plural("{count} step", "{count} steps", round(amount))
