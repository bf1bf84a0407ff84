"""The same rename in the sample app of several languages: the builds, a table of them, and sentences about what they share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from speedkit.apps import COLD, sample_app
from speedkit.builds import build
from speedkit.history import recorded_builds
from speedkit.messages import Labels, marked, message, plural
from speedkit.model import Build
from speedkit.rendering import Table
from speedkit.words import bytes_text, seconds_text

from .name_list import all_names
from .package_downloads import packages_downloaded

__all__ = ["TOUR_VARIABLE", "Renamed", "carried_over", "rename_in", "rename_table", "what_renames_share"]

TOUR_VARIABLE = "SPEEDKIT_TOUR"
"""A tour sets it for its kernels: `full`, or `usual` for one that builds only some of the languages."""
IN_A_USUAL_TOUR = ("python", "node")
"""The languages that a usual tour builds here: nothing is compiled in them. That in Go was built by the notebooks before."""
STRATEGIES = ("naive", "optimized", "warm", "mounts")
RENAME = "rename-field"
NO_BUILD = "–"
HEADS = Labels(
    {
        "language": marked("language"),
        "strategy": marked("strategy"),
        "ran": marked("lines that ran after the rename"),
        "cold": marked("cold build"),
        "renamed": marked("after the rename"),
        "image": marked("image"),
        "packages": marked("packages downloaded, cold"),
        "again": marked("packages downloaded again"),
    }
)


@dataclass(frozen=True)
class Renamed:
    """One strategy in one language: a cold build, and one after the rename; None where there is none, and why."""

    language: str
    strategy: str
    cold: Build | None = None
    renamed: Build | None = None
    why_not: str = ""

    @property
    def pair(self) -> tuple[Build, Build] | None:
        """Both builds, where both are good."""
        if self.cold is None or self.renamed is None or not (self.cold.ok and self.renamed.ok):
            return None
        return self.cold, self.renamed


def rename_in(language: str) -> tuple[Renamed, ...]:
    """Builds the sample app of a language with each strategy: cold, and after the rename.

    A tour that is not a full one leaves most languages out, because their builds take minutes, and takes the builds of the app
    in Go from the notebooks before.
    """
    in_a_usual_tour = os.environ.get(TOUR_VARIABLE, "full") != "full"
    with sample_app(language) as app:
        strategies = [name for name in STRATEGIES if name in app.strategies]
        if in_a_usual_tour and language not in IN_A_USUAL_TOUR:
            return _recorded(app.name, language, strategies)
        renamed = []
        for strategy in strategies:
            cold = build(app, strategy)
            app.edit(RENAME)
            renamed.append(Renamed(language, strategy, cold, build(app, strategy)))
            app.reset()
    return tuple(renamed)


def _recorded(app: str, language: str, strategies: Sequence[str]) -> tuple[Renamed, ...]:
    """The newest good builds of this tour; one row for all strategies that have none."""
    builds = {(one.strategy, one.edit): one for one in recorded_builds(app) if one.ok}
    built = {name for name in strategies if (name, COLD) in builds and (name, RENAME) in builds}
    rows = [Renamed(language, name, builds[name, COLD], builds[name, RENAME]) for name in strategies if name in built]
    if missing := [name for name in strategies if name not in built]:
        why_not = message("left out by this tour: `make tour FULL=1` builds it, and so does this notebook by hand")
        rows.append(Renamed(language, ", ".join(missing), why_not=why_not))
    return tuple(rows)


def rename_table(*languages: Sequence[Renamed]) -> Table:
    """A row per language and strategy. A row without builds says why."""
    import pandas as pd

    rows = [(one.language, one.strategy, *_cells(one)) for group in languages for one in group]
    looks = {"ran": "sk-whole", "cold": "sk-amount", "renamed": "sk-amount", "image": "sk-amount"}
    return Table(pd.DataFrame(rows, columns=list(HEADS)), lambda column, _: looks.get(column, ""), HEADS)


def _cells(one: Renamed) -> tuple[str, ...]:
    if one.pair is None:
        bad = next((built for built in (one.cold, one.renamed) if built is not None and not built.ok), None)
        why_not = (
            one.why_not
            if bad is None
            else message("a build failed: {error}", error=(bad.error or bad.outcome).strip().splitlines()[-1])
        )
        return why_not, *[NO_BUILD] * 5
    cold, renamed = one.pair
    lines = ", ".join(f"{step.line} {step.instruction.partition(' ')[0]}" for step in renamed.instructions if step.ran)
    return (
        lines or NO_BUILD,
        seconds_text(cold.seconds),
        seconds_text(renamed.seconds),
        bytes_text(renamed.image_bytes or 0),
        str(packages_downloaded(cold)),
        str(packages_downloaded(renamed)),
    )


def carried_over(language: Sequence[Renamed]) -> str:
    """What the rename cost in one language, strategy by strategy."""
    built = [(one.strategy, *pair) for one in language if (pair := one.pair) is not None]
    if not built:
        return language[0].why_not if language else ""
    lines = [message("{language}, after the rename:", language=language[0].language)]
    for strategy, cold, renamed in built:
        downloaded = plural(
            "{strategy}: {seconds} of {cold}, {count:,} package downloaded again",
            "{strategy}: {seconds} of {cold}, {count:,} packages downloaded again",
            packages_downloaded(renamed),
            strategy=strategy,
            seconds=seconds_text(renamed.seconds),
            cold=seconds_text(cold.seconds),
        )
        lines.append(f"  {downloaded}")
    return "\n".join(lines)


def what_renames_share(*languages: Sequence[Renamed]) -> str:
    """Which strategies downloaded packages again after the rename, and in which languages."""
    built = [one for group in languages for one in group if one.pair is not None]
    if not built:
        return message("Nothing was built.")
    return "\n".join(filter(None, (_downloads_of(built, strategy) for strategy in STRATEGIES)))


def _downloads_of(built: Sequence[Renamed], strategy: str) -> str:
    pairs = [(one.language, one.pair[1]) for one in built if one.strategy == strategy and one.pair is not None]
    if not pairs:
        return ""
    again = [language for language, renamed in pairs if packages_downloaded(renamed)]
    never = [language for language, renamed in pairs if not packages_downloaded(renamed)]
    if not again:
        return message("{strategy} downloaded nothing again in {languages}.", strategy=strategy, languages=all_names(never))
    if not never:
        return message("{strategy} downloaded packages again in {languages}.", strategy=strategy, languages=all_names(again))
    return message(
        "{strategy} downloaded packages again in {languages}, and nothing in {others}.",
        strategy=strategy,
        languages=all_names(again),
        others=all_names(never),
    )
