"""Advice for a project, and its proof.

The combined patch of all rules is proved first: users want one patch, and rules help each other. When its image is equal and
its rebuilds are quicker, it is the advice. When it is not equal, does not build, or fails the smoke command, each rule alone is
built once, in one cache, and compared with the original (`refusals`). The rules that pass make a smaller patch, which is
proved in the same way. Rules that are left out, and a patch that saves nothing, become `Advice.tried`, each with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from speedkit.advice import ProjectView, Suggestion, combined, suggest
from speedkit.builds import Watch, quiet_or_notebook
from speedkit.dockerfile import read_dockerfile
from speedkit.engine import NO_OPTIONS, CommandOptions, Engine, connect
from speedkit.projects import Project

from . import proving
from .advice import Advice
from .file_change import FileChange
from .predictions import Predictions
from .project_states import ProjectStates, file_or_none
from .project_views import project_view
from .proof import Part, Piece, Verdict
from .proof_project import ProofProject, proof_project
from .smoke import parse_smoke

__all__ = ["advise"]

ALL = "all"
OF_SECONDS: frozenset[Verdict] = frozenset(("no-gain", "worse"))
"""Verdicts about seconds: the patch is equal, builds and runs."""
MOST_SINGLE_PROOFS = 3
"""How many rules are proved alone: each proof builds all states twice."""


def advise(
    project: Project | Path | str,
    prove: bool = False,
    commits: int = 5,
    smoke: str | None = None,
    *,
    way: str | None = None,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    options: CommandOptions = NO_OPTIONS,
    watch: Callable[[int], Watch] = quiet_or_notebook,
) -> Advice:
    """Changes that make a project's rebuilds quicker; with `prove`, only those that real builds showed to be worth it.

    project: as `sk.project` gives it, or its folder. commits: how many of the last ones to build for a proof. smoke: a command
    to run in both images. way: the name of the way to build; None is the usual one. target, build_args, options: before
    those of the way.
    Raises: NotAFolder, NoDockerfile, DockerfileError, Misuse, NotProven, EngineError.
    """
    words = parse_smoke(smoke)
    subject = proof_project(project, way, target=target, build_args=build_args, options=options)
    view = project_view(subject)
    # The rules say nothing about a Dockerfile that cannot be read. The reader needs its error, not "nothing to change".
    read_dockerfile(view.dockerfile)
    suggestions = suggest(view)
    whole = combined(view)
    advice = Advice(subject.name, subject.way.name, (), notices=subject.notices, proven=prove)
    if whole is None:
        return advice
    piece = _piece(subject, whole, suggestions)
    singles = [_piece(subject, one, []) for one in suggestions]
    predictions = Predictions(subject)
    if not prove:
        pieces = (predictions.of(piece, singles), *(map(predictions.of, singles) if piece.rule == ALL else ()))
        return replace(advice, pieces=pieces)
    states = subject.states(commits)
    advice = replace(advice, notices=subject.notices_of_proof(states))
    # Without `prove`, no engine is asked for: advice works on a machine that has none.
    proven = _Proofs(connect(), subject, states, words, watch, predictions).advice(advice, view, piece, suggestions)
    # After the builds: the replay learns from them how long the steps take.
    return replace(
        proven,
        pieces=tuple(predictions.of(one, singles) for one in proven.pieces),
        tried=tuple(predictions.of(one, singles) for one in proven.tried),
    )


@dataclass(frozen=True)
class _Proofs:
    engine: Engine
    target: ProofProject
    states: ProjectStates
    words: tuple[str, ...] | None
    watch: Callable[[int], Watch]
    predictions: Predictions

    def advice(self, advice: Advice, view: ProjectView, piece: Piece, suggestions: Sequence[Suggestion]) -> Advice:
        proven = self._proven(piece)
        verdict = proven.proof.verdict if proven.proof is not None else "not-measured"
        if verdict == "better":
            return replace(advice, pieces=(proven,))
        tried = [proven]
        if verdict == "not-measured" or len(suggestions) < 2:
            return replace(advice, tried=tuple(tried))
        if verdict in OF_SECONDS:
            return self._with_single_rules(advice, tried, view, suggestions)

        # One build for each rule, and one of the original: far fewer than a whole proof of each.
        whys = proving.refusals(
            self.engine, self._proving(()), [_changes(self.target, one.files) for one in suggestions], self.watch
        )
        refused = {one.rule: why for one, why in zip(suggestions, whys, strict=True) if why}
        tried += [
            replace(_piece(self.target, one, []), refusal=refused[one.rule]) for one in suggestions if one.rule in refused
        ]
        rest = [one for one in suggestions if one.rule not in refused]
        smaller = combined(view, without=refused) if rest and refused else None
        if smaller is not None:
            proven = self._proven(_piece(self.target, smaller, rest))
            if proven.proof is not None and proven.proof.verdict == "better":
                return replace(advice, pieces=(proven,), tried=tuple(tried))
            tried.append(proven)
        return replace(advice, tried=tuple(tried))

    def _with_single_rules(
        self, advice: Advice, tried: list[Piece], view: ProjectView, suggestions: Sequence[Suggestion]
    ) -> Advice:
        """The advice after single rules were proved. tried: the patch of all of them, which saves nothing."""
        pieces = [_piece(self.target, one, []) for one in suggestions]
        # By now, builds of the proof tell the replay how long the steps take.
        pieces.sort(key=lambda piece: self.predictions.saved_seconds(piece.changes) or 0.0, reverse=True)
        proven = [self._proven(piece) for piece in pieces[:MOST_SINGLE_PROOFS]]
        better = [piece for piece in proven if piece.proof is not None and piece.proof.verdict == "better"]
        if len(better) > 1:
            names = {piece.rule for piece in better}
            others = [one.rule for one in suggestions if one.rule not in names]
            together = combined(view, without=others)
            # Without the rules that were no better, the rest together may be what is worth it.
            if together is not None and others:
                piece = self._proven(_piece(self.target, together, suggestions))
                if piece.proof is not None and piece.proof.verdict == "better":
                    better.append(piece)
                else:
                    tried.append(piece)
        best = max(better, key=lambda piece: piece.proof.gain.saved_seconds if piece.proof is not None else 0.0, default=None)
        tried += [piece for piece in proven if piece is not best and piece not in better]
        return replace(advice, pieces=(best,) if best is not None else (), tried=tuple(tried))

    def _proven(self, piece: Piece) -> Piece:
        proof = proving.prove(self.engine, self._proving(piece.changes), self.watch)
        return replace(piece, proof=proof)

    def _proving(self, changes: tuple[FileChange, ...]) -> proving.Proving:
        target = self.target
        return proving.Proving(
            target.name,
            target.folder,
            target.way,
            self.states,
            target.unsaved,
            changes,
            self.words,
            target.probe,
            stops_early=True,
        )


def _piece(target: ProofProject, suggestion: Suggestion, parts: Sequence[Suggestion]) -> Piece:
    """parts: the suggestions of single rules, for their reasons. A rule that applies only after another one has none."""
    names = suggestion.rule.split("+")
    reasons = {one.rule: one.because for one in parts}
    return Piece(
        ALL if len(names) > 1 else suggestion.rule,
        suggestion.because,
        suggestion.patch,
        parts=tuple(Part(name, reasons.get(name, "")) for name in names) if len(names) > 1 else (),
        changes=_changes(target, suggestion.files),
    )


def _changes(target: ProofProject, files: Mapping[str, str | None]) -> tuple[FileChange, ...]:
    """A suggestion's files as changes of those in the folder."""
    return tuple(
        FileChange(path, file_or_none(target.folder / path), None if text is None else text.encode("utf-8", "surrogateescape"))
        for path, text in sorted(files.items())
    )
