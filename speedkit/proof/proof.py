"""The result of a proof: seconds with either Dockerfile, whether the images are equal, and whether the change is worth it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from speedkit.messages import clauses, listed, marked, message, plural
from speedkit.model import Build
from speedkit.secrets import hide_secrets
from speedkit.words import seconds_text

from .equality import ImageDifference
from .file_change import FileChange
from .gain import Gain, gain_of
from .project_states import LeftOut, ProjectState
from .smoke import SmokeResult

__all__ = ["DIFFERENCES_SHOWN", "Pair", "Part", "Piece", "Proof", "ProofRow", "Verdict"]

Verdict = Literal["better", "no-gain", "worse", "not-equal", "smoke-differs", "does-not-build", "not-measured"]
"""`better`: equal, and quicker beyond the noise. `no-gain`: equal, and neither quicker nor slower. `worse`: equal, and slower.
`not-measured`: the change fits none of the states, or none could be built."""

DIFFERENCES_SHOWN = 200
"""How many differences a document names; real ones come first."""

WHY_NOT: dict[Verdict, str] = {
    "better": "",
    "no-gain": marked("it saves no more than the noise of measuring: {saved} of {total}, within ±{noise}"),
    "worse": marked("it is slower: {after} in place of {total}"),
    "not-equal": marked("its image is not equal: {difference}"),
    "smoke-differs": marked("the smoke command does not end in the same way: {smoke}"),
    "does-not-build": marked("it does not build: {error}"),
    "not-measured": marked("it could be measured nowhere: {reason}"),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """The builds of one state with either Dockerfile."""

    state: ProjectState
    as_is: Build = field(repr=False)
    patched: Build = field(repr=False)

    @property
    def seconds(self) -> tuple[float, float]:
        return self.as_is.seconds, self.patched.seconds

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.state.kind,
            "commit": self.state.id,
            "subject": self.state.title,
            "as_is_seconds": round(self.as_is.seconds, 4),
            "patched_seconds": round(self.patched.seconds, 4),
            "as_is_steps": _steps_run(self.as_is),
            "patched_steps": _steps_run(self.patched),
            "as_is_build": self.as_is.id,
            "patched_build": self.patched.id,
        }


def _steps_run(build: Build) -> int:
    return sum(step.ran for step in build.instructions)


@dataclass(frozen=True, slots=True)
class ProofRow:
    """One line of a proof's table. state: the words for what was built. change: in percent, "" where it says nothing."""

    state: str
    as_is_seconds: float
    patched_seconds: float
    change: str


def _row(state: str, as_is: float, patched: float) -> ProofRow:
    change = message("{percent:+.0f} %", percent=100 * (patched - as_is) / as_is) if as_is else ""
    return ProofRow(state, as_is, patched, change)


@dataclass(frozen=True)
class Proof:
    """The measurements of real builds with the original and with the patched Dockerfile.

    cold: the first builds, with nothing in their caches. unchanged: builds right after each other. commits: the states after
    that, oldest first. equal: None where no two images could be compared. failure: the error of the patched build, "" for none.
    has_history: the states are commits of the project; otherwise they are edits that the kit made. stand_ins: base images for
    which a local stand-in was used. notices: further sentences for the reader. repeated_seconds: those of the original, built
    twice from cold.
    """

    cold: Pair | None
    unchanged: tuple[Pair, ...]
    commits: tuple[Pair, ...]
    equal: bool | None
    differences: tuple[ImageDifference, ...]
    smoke: SmokeResult | None
    left_out: tuple[LeftOut, ...] = ()
    failure: str = ""
    has_history: bool = True
    stand_ins: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    repeated_seconds: tuple[tuple[float, float], ...] = ()

    @property
    def gain(self) -> Gain:
        as_is, patched = ([pair.seconds[side] for pair in self.commits] for side in (0, 1))
        unchanged = [seconds for pair in self.unchanged for seconds in pair.seconds]
        return gain_of(as_is, patched, unchanged, self.repeated_seconds)

    @property
    def verdict(self) -> Verdict:
        if self.failure:
            return "does-not-build"
        if self.equal is False:
            return "not-equal"
        if self.smoke is not None and not self.smoke.same:
            return "smoke-differs"
        if not self.commits or self.equal is None:
            return "not-measured"
        # Only now the seconds: a quick build of another image is no gain.
        by_speed: Mapping[str, Verdict] = {"quicker": "better", "same": "no-gain", "slower": "worse"}
        return by_speed[self.gain.speed]

    @property
    def why_not(self) -> str:
        """Why the change is not worth it, as the end of a sentence; "" when it is."""
        # All values for all sentences: each sentence names those that it needs.
        verdict, gain = self.verdict, self.gain
        total = sum(pair.as_is.seconds for pair in self.commits)
        real = [one for one in self.differences if one.is_real]
        return message(
            WHY_NOT[verdict],
            saved=seconds_text(abs(gain.saved_seconds)),
            noise=seconds_text(gain.noise_seconds),
            total=seconds_text(total),
            after=seconds_text(total - gain.saved_seconds),
            difference=_first_of([one.path for one in real]),
            smoke=self.smoke.sentence if self.smoke else "",
            error=self.failure,
            reason=clauses(dict.fromkeys(f"{one.state.short}: {one.because}" for one in self.left_out)),
        )

    @property
    def rows(self) -> list[ProofRow]:
        """The table of seconds: the first builds, those in which nothing changed, each commit, and all commits together."""
        rows = []
        if self.cold is not None:
            rows.append(_row(message("{state}, cold", state=self.cold.state.short), *self.cold.seconds))
        if self.unchanged:
            # A change of builds without a step is noise, so the row has no percentage.
            medians = [statistics.median(pair.seconds[side] for pair in self.unchanged) for side in (0, 1)]
            rows.append(ProofRow(message("the same again"), medians[0], medians[1], ""))
        rows += [
            _row(f"{pair.state.short} {pair.state.title if pair.state.kind == 'commit' else ''}".strip(), *pair.seconds)
            for pair in self.commits
        ]
        if len(self.commits) > 1:
            rows.append(_row(message("all rebuilds"), *(sum(pair.seconds[side] for pair in self.commits) for side in (0, 1))))
        return rows

    @property
    def equality_sentence(self) -> str:
        real = sum(one.is_real for one in self.differences)
        if self.equal is None:
            return message("No two images could be compared.")
        if real:
            return plural(
                "The images are not equal: {count:,} file or setting differs that is equal in two builds of the original.",
                "The images are not equal: {count:,} files or settings differ that are equal in two builds of the original.",
                real,
            )
        if self.differences:
            return plural(
                "The images are equal but for noise: {count:,} file or setting.",
                "The images are equal but for noise: {count:,} files or settings.",
                len(self.differences),
            )
        return message("The images are equal, file by file.")

    @property
    def asides(self) -> list[str]:
        """The sentences below the figures: states that were left out, base images with a stand-in, and notices."""
        sentences = [message("{state} is left out: {why}.", state=one.state.short, why=one.because) for one in self.left_out]
        if self.stand_ins:
            sentences.append(message("Stand-in base for {names}.", names=listed(self.stand_ins)))
        return [*sentences, *self.notices]

    def to_json(self) -> dict[str, Any]:
        gain, cold = self.gain, self.cold
        as_is, patched = ([round(pair.seconds[side], 4) for pair in self.commits] for side in (0, 1))
        unchanged = [[round(pair.seconds[side], 4) for pair in self.unchanged] for side in (0, 1)]
        return {
            "as_is_seconds": as_is,
            "patched_seconds": patched,
            "change_percent": round(gain.change_percent, 1) if self.commits else None,
            # A reader of JSON asks "may I merge?", so an unknown equality counts as none.
            "equal": bool(self.equal),
            "differences": [
                {"path": one.path, "judgement": one.sentence, "noise": not one.is_real, "parts": list(one.parts)}
                for one in self.differences[:DIFFERENCES_SHOWN]
            ],
            "differences_count": len(self.differences),
            "smoke": self.smoke is not None and self.smoke.same,
            "smoke_command": hide_secrets(self.smoke.command) if self.smoke else None,
            "smoke_said": self.smoke.sentence if self.smoke else "",
            "verdict": self.verdict,
            "noise_seconds": round(gain.noise_seconds, 4),
            "cold_seconds": None
            if cold is None
            else {"as_is": round(cold.seconds[0], 4), "patched": round(cold.seconds[1], 4)},
            "unchanged_seconds": {"as_is": unchanged[0], "patched": unchanged[1]},
            "commits": [pair.to_json() for pair in self.commits],
            "left_out": [{"commit": one.state.id, "because": one.because} for one in self.left_out],
            "history": self.has_history,
            "stand_ins": list(self.stand_ins),
            "notices": list(self.notices),
        }


@dataclass(frozen=True, slots=True)
class Part:
    """One rule in a patch of several. predicted_seconds_saved: by it alone; None without a prediction."""

    rule: str
    because: str
    predicted_seconds_saved: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "because": self.because,
            "predicted_seconds_saved": _rounded(self.predicted_seconds_saved),
        }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


@dataclass(frozen=True)
class Piece:
    """A change to a project's files, with its prediction and its proof.

    rule: what suggests it, such as `go-caches`; `all` for several rules in one patch, which `parts` names; `judge` for a change
    that somebody else made. because: the reason. patch: as `git apply` takes it, in the project's folder.
    predicted_seconds_saved: over the replayed history; None without a prediction. refusal: why it is not worth it, where a
    single build was enough to decide that.
    """

    rule: str
    because: str
    patch: str
    predicted_seconds_saved: float | None = None
    proof: Proof | None = None
    parts: tuple[Part, ...] = ()
    refusal: str = ""
    changes: tuple[FileChange, ...] = field(default=(), repr=False)

    @property
    def why_not(self) -> str:
        """Why the change is not worth it; "" when nothing speaks against it."""
        return self.refusal or (self.proof.why_not if self.proof else "")

    @property
    def shown_patch(self) -> str:
        """The patch for documents and notebooks, with substitutes for secrets. A patch with a substitute does not apply."""
        return hide_secrets(self.patch)

    @property
    def prediction(self) -> str:
        """The prediction of the replay as a sentence; "" without one."""
        saved = self.predicted_seconds_saved
        if saved is None:
            return ""
        return message("Over the replayed history it would have saved about {saved}.", saved=seconds_text(max(saved, 0.0)))

    def to_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "parts": [part.to_json() for part in self.parts],
            "because": self.because,
            "patch": self.shown_patch,
            "predicted_seconds_saved": _rounded(self.predicted_seconds_saved),
            "proof": self.proof.to_json() if self.proof else None,
            "why_not": self.why_not or None,
        }

    def _repr_html_(self) -> str:
        from .advice_html import piece_html

        return piece_html(self)


def _first_of(paths: Sequence[str]) -> str:
    """The first path and the number of the others; "" without any."""
    if len(paths) > 1:
        return message("{path} and {more} more", path=paths[0], more=len(paths) - 1)
    return "".join(paths)
