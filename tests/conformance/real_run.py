"""`python -m tests.conformance --real`: every listed project's Dockerfiles, and what share of their steps depends."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.conformance.bases import numbered_images
from tests.conformance.comparing import Disagreement, Listed, Tally
from tests.conformance.modules import dockerfiles_in, fetched, listed_modules
from tests.conformance.real import EDITS, LeftOut, RealProject, compared, error_of, real_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.conformance.modules import Module

__all__ = ["run_real"]

_MOST_OF_ONE_PROJECT = 6
_RUNNABLE = ("hit", "miss", "depends")


@dataclass
class _Outcome:
    """What came of all Dockerfiles. left_out: reasons. wrong: by name."""

    tally: Tally = field(default_factory=Tally)
    dockerfiles: int = 0
    projects: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, Disagreement]] = field(default_factory=list)


def run_real(*, seed: int, jobs: int, only: str = "") -> int:
    """Prints what was found; 1 when a forecast was wrong. only: a part of the names of the modules to take."""
    started = time.monotonic()
    numbered_images()
    outcome = _Outcome()
    lock = threading.Lock()
    with ThreadPoolExecutor(jobs) as pool:
        modules = [module for module in listed_modules() if only in module.name]
        list(pool.map(lambda module: _one_module(module, seed, outcome, lock), modules))
    for name, found in outcome.wrong:
        _show(name, found)
    for once in outcome.tally.not_repeated:
        _show("not repeated", once)
    for reason, count in outcome.left_out.most_common():
        print(f"left out {count}: it {reason}")
    for reason, count in Counter(map(error_of, outcome.tally.failures)).most_common():
        print(f"failed {count}: {reason}")
    _print_shares(outcome.tally.listed)
    print(f"seed {seed}: {_summary(outcome)}, {time.monotonic() - started:.0f} s")
    return 1 if outcome.wrong or not outcome.tally.pairs else 0


def _one_module(module: Module, seed: int, outcome: _Outcome, lock: threading.Lock) -> None:
    folder = fetched(module)
    if folder is None:
        with lock:
            outcome.left_out[f"is all of {module.name}, which is not to be had"] += 1
        return
    used = 0
    for place in dockerfiles_in(folder):
        name = f"{module.short}/{place.relative_to(folder).as_posix()}"
        tally, reason, found = Tally(), "", None
        try:
            found = compared(real_project(place, folder, seed=f"{seed}-{name}"), tally=tally)
        except LeftOut as problem:
            reason = str(problem)
        with lock:
            _add(outcome, module, name, tally, reason, found)
        used += not reason
        if used == _MOST_OF_ONE_PROJECT:
            break


def _add(outcome: _Outcome, module: Module, name: str, tally: Tally, reason: str, found: Disagreement | None) -> None:
    if reason:
        outcome.left_out[reason] += 1
        print(f"{name}: left out, it {reason}", file=sys.stderr, flush=True)
        return
    outcome.tally.add(tally)
    outcome.dockerfiles += 1
    outcome.projects.add(module.name)
    if found is not None:
        outcome.wrong.append((name, found))
    depends = sum(count for listed, count in tally.listed.items() if listed.forecast == "depends")
    told = f"{name}: {tally.pairs} pairs, {depends} of {tally.listed.total()} steps depend, {tally.failed} builds failed"
    print(told if found is None else f"{told}, WRONG", file=sys.stderr, flush=True)


def _show(name: str, found: Disagreement) -> None:
    print(f"{name}, line {found.line} {found.instruction!r}: forecast {found.forecast} ({found.because}), was {found.happened}")
    for project in found.builds[-2:]:
        if isinstance(project, RealProject):
            changed = ", ".join(sorted(project.changed))
            print(f"--- {project.edit or 'at first'}: args {project.build_args}, not as in the module: {changed}")
            print(project.dockerfile())


def _print_shares(listed: Counter[Listed]) -> None:
    edits = ["nothing", *EDITS, "the last edit taken back", "all edits taken back"]
    for edit in edits:
        print(f"  {edit}: {_shares(listed, lambda one, edit=edit: one.edit == edit)}")
    kinds = Counter[str]()
    for one, count in listed.items():
        if one.forecast == "depends":
            kinds[f"{one.keyword}, {one.because}, {one.happened or 'not reported'}"] += count
    for kind, count in sorted(kinds.items()):
        print(f"  depends: {kind}: {count}")


def _shares(listed: Counter[Listed], counts: Callable[[Listed], bool]) -> str:
    """`depends` among all steps that a forecast lists, and among those that BuildKit has to find or run."""
    of_all = {one: count for one, count in listed.items() if counts(one)}
    run = {one: count for one, count in of_all.items() if one.forecast in _RUNNABLE and one.keyword != "FROM"}
    return f"{_share(of_all.items())} of all steps listed, {_share(run.items())} of those that BuildKit finds or runs"


def _share(counted: Iterable[tuple[Listed, int]]) -> str:
    pairs = list(counted)
    depends = sum(count for one, count in pairs if one.forecast == "depends")
    total = sum(count for _, count in pairs)
    return f"{100 * depends / max(total, 1):.1f} % ({depends} of {total})"


def _summary(outcome: _Outcome) -> str:
    tally = outcome.tally
    left_out = outcome.left_out.total()
    return (
        f"{outcome.dockerfiles} real Dockerfiles of {len(outcome.projects)} projects ({left_out} left out), "
        f"{tally.pairs} pairs, {tally.failed} builds failed, {tally.unseen} steps not reported, "
        f"{len(tally.not_repeated)} not repeated, depends: {_shares(tally.listed, lambda _: True)}, "
        f"{len(outcome.wrong)} disagreements"
    )
