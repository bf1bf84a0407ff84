"""The commands that show the figures of a report again, as somebody types them in the project's folder."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from speedkit.engine import NO_OPTIONS, CommandOptions
from speedkit.secrets import hide_secrets, holds_secret, names_a_secret

__all__ = ["ReportCommands"]


@dataclass(frozen=True, slots=True)
class ReportCommands:
    """What a report was asked for, as command lines without secrets.

    way, target, build_args, options, commits, since, measure, smoke: as the verbs have them. prove, build: the report was made
    with builds of its own. proved_commits: of a proof.
    """

    way: str | None = None
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    options: CommandOptions = NO_OPTIONS
    commits: int = 200
    since: str | None = None
    measure: int = 0
    prove: bool = False
    proved_commits: int = 5
    smoke: str | None = None
    build: bool = False

    @property
    def replay(self) -> str:
        return _typed("replay", ".", *self._project, *self._history)

    @property
    def advise(self) -> str:
        """Advice without a proof."""
        return _typed("advise", ".", *self._project)

    @property
    def proof(self) -> str:
        return _typed("advise", ".", *self._project, "--prove", *self._proof)

    @property
    def built(self) -> str:
        return _typed("build", ".", *self._project)

    def measured(self, builds: int = 5) -> str:
        """The replay with seconds of real builds."""
        return _typed("replay", ".", *self._project, *self._history, *([] if self.measure else ["--measure", str(builds)]))

    def explain(self, build_id: str) -> str:
        return _typed("explain", build_id)

    def layers(self, image: str) -> str:
        return _typed("layers", image)

    def report(self, *more: str) -> str:
        """The whole report. more: further options."""
        # Without --out: the file is on the machine of whoever types it.
        own = [*(["--build"] if self.build else []), *(["--prove", *self._proof_of_report] if self.prove else [])]
        return _typed("report", ".", *self._project, *self._history, *dict.fromkeys([*own, *more]))

    @property
    def _project(self) -> Iterator[str]:
        if self.way is not None:
            yield from ("--way", self.way)
        if self.target is not None:
            yield from ("--target", self.target)
        for name, value in self.build_args.items():
            # A name alone takes its value from the environment of whoever types the command.
            is_secret = names_a_secret(name) or holds_secret(value)
            yield from ("--build-arg", name if is_secret else f"{name}={value}")
        yield from _option_words(self.options)

    @property
    def _history(self) -> Iterator[str]:
        yield from ("--commits", str(self.commits))
        if self.since is not None:
            yield from ("--since", self.since)
        if self.measure:
            yield from ("--measure", str(self.measure))

    # `advise` calls the number of commits to build --commits, and `report` has that option for the history.
    @property
    def _proof(self) -> Iterator[str]:
        yield from ("--commits", str(self.proved_commits))
        if self.smoke is not None:
            yield from ("--smoke", self.smoke)

    @property
    def _proof_of_report(self) -> Iterator[str]:
        yield from ("--prove-commits", str(self.proved_commits))
        if self.smoke is not None:
            yield from ("--smoke", self.smoke)


def _typed(*words: str) -> str:
    """A command line with quotes where a shell needs them."""
    return hide_secrets(shlex.join(["speedkit", *words]))


def _option_words(options: CommandOptions) -> Iterator[str]:
    """The options of `docker build`."""
    several: dict[str, Iterable[str]] = {
        "--secret": options.secrets,
        "--ssh": options.ssh,
        "--build-context": _pairs(options.named_contexts),
        "--platform": options.platforms,
        "--label": _pairs(options.labels),
        "--tag": options.tags,
        "--add-host": options.add_hosts,
        "--ulimit": options.ulimits,
        "--base": _pairs(options.bases),
    }
    for flag, values in several.items():
        for value in values:
            yield from (flag, value)
    for flag, single in (("--network", options.network), ("--shm-size", options.shm_size)):
        if single:
            yield from (flag, single)


def _pairs(values: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in values.items()]
