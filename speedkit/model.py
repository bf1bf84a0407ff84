"""The words of speedkit, as frozen types: a finished build with its steps, layers and bases, derived from its recording.

Nothing here reads a file or talks to Docker. A DataFrame is made only when it is asked for, so `import speedkit` does not load
pandas.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from speedkit.messages import facts_in_one, message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AppAnswer", "Base", "Build", "ImageLayer", "Outcome", "Step", "StepKind", "StepSource", "StepState"]

StepState = Literal["cached", "ran", "running", "failed", "cancelled", "waiting", "unclear", "no-step", "not-needed"]
"""`unclear`: BuildKit ran the step or had it in its cache, but its report does not tell which of several steps this one is.
`no-step`: the instruction only changes image metadata (ARG, ENV, CMD …), so BuildKit has nothing to run.
`not-needed`: the target does not use the stage. `waiting`: the step never started."""

StepKind = Literal["instruction", "internal", "host"]

Outcome = Literal["running", "done", "failed", "cancelled", "broken"]
"""`failed`: a step failed. `broken`: the engine failed, not the Dockerfile."""


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of a Dockerfile, one command on the host, or one internal vertex of BuildKit.

    name: BuildKit's name of the vertex, or the instruction where there is no vertex.
    stage: the stage's name, `stage-N` when it has none; `host` or `internal` for other steps.
    instruction: the instruction on one line, with single spaces.
    line: the 1-based first line in the Dockerfile; None for host and internal steps.
    triggered: an ONBUILD instruction of the base image; its line is the line of FROM.
    seconds: how long the step ran; time in which two of its intervals overlap counts once.
    started_seconds: seconds after the build began; None when the step never started.
    bytes_fetched: the bytes that BuildKit reports as transferred for the step (base layers, ADD, context).
    log: the step's output, decoded as UTF-8 with replacement characters.
    """

    name: str
    stage: str
    instruction: str
    line: int | None
    state: StepState
    seconds: float
    started_seconds: float | None = None
    kind: StepKind = "instruction"
    bytes_fetched: int = 0
    log: str = field(default="", repr=False)
    error: str | None = None
    digest: str | None = None
    triggered: bool = False

    @property
    def cached(self) -> bool:
        return self.state == "cached"

    @property
    def ran(self) -> bool:
        return self.state in ("ran", "failed", "cancelled", "running")


@dataclass(frozen=True, slots=True)
class StepSource:
    """An earlier instruction that a step starts from or reads.

    line: the first line of that instruction. how: `before`, the step before in the same stage; `from`, the last step of the
    stage that its own stage starts from; `copy` and `mount`, a step of another stage whose files it reads.
    """

    line: int
    how: Literal["before", "from", "copy", "mount"]

    @property
    def by_bytes(self) -> bool:
        """Only the bytes that the step reads count: the source may run again without a miss of this step."""
        return self.how in ("copy", "mount")


@dataclass(frozen=True, slots=True)
class ImageLayer:
    """One layer of a built image, oldest first in `Build.layers`.

    command: the image history's entry for it. size_bytes: of its files; with containerd's image store, the space on the disk.
    from_base: it came with the base image.
    """

    command: str
    size_bytes: int
    from_base: bool


@dataclass(frozen=True, slots=True)
class Base:
    """One base image of a build. reference: the name in the Dockerfile. used: the image that the build used.

    stand_in: `used` is a local image that took its place because no registry answered. made_of: what that is made of, in a few
    words, such as `Go 1.26.0, Debian trixie`; "" where it does not say it.
    replaced: the user named `used` in its place (`--base`).
    """

    reference: str
    used: str
    stand_in: bool
    made_of: str = ""
    replaced: bool = False

    @property
    def in_words(self) -> str:
        """The name in the Dockerfile, with what a stand-in in its place is made of."""
        return f"{self.reference} ({self.made_of})" if self.made_of else self.reference


@dataclass(frozen=True, slots=True)
class AppAnswer:
    """What the app in a built image answered over HTTP.

    ok: the status was 200, and the body had what the app promises. text: the body, or why there is none.
    """

    ok: bool
    text: str


@dataclass(frozen=True)
class Build:
    """A finished build, derived from its recording.

    seconds: from the start of the command to its end, host steps included.
    image: the image's id (`sha256:…`); None when the build made none.
    answer: of the app in the image; None when it was not asked.
    error: the message to show when the build did not end well.
    replaced_frontend: the image in `# syntax=`, where no registry answered and the engine's own frontend took its place.
    notices: sentences about what failed after the build: describing or asking its image, keeping its recording. During the
    build: that the engine has stopped answering.
    """

    id: str
    app: str
    strategy: str
    edit: str
    started_at: str
    seconds: float
    outcome: Outcome
    exit_code: int
    dockerfile: str = field(repr=False)
    step_list: tuple[Step, ...] = field(repr=False)
    image: str | None = None
    image_bytes: int | None = None
    layers: tuple[ImageLayer, ...] = field(default=(), repr=False)
    bases: tuple[Base, ...] = field(default=(), repr=False)
    answer: AppAnswer | None = None
    error: str | None = field(default=None, repr=False)
    notices: tuple[str, ...] = ()
    replaced_frontend: str | None = None
    isolated: bool = False
    folder: Path | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """The build succeeded, and the app answered as expected if it was asked."""
        return self.outcome == "done" and (self.answer is None or self.answer.ok)

    @property
    def stand_in(self) -> bool:
        """At least one base image was a local stand-in; every figure of the build says so."""
        return any(base.stand_in for base in self.bases)

    @property
    def stand_ins(self) -> str:
        """The stand-ins of the build in a few words, for labels; "" where everything was as the Dockerfile names it."""
        if self.replaced_frontend is None:
            words = message("stand-in base") if self.stand_in else ""
        else:
            words = message("stand-in base and frontend") if self.stand_in else message("stand-in frontend")
        is_replaced = any(base.replaced for base in self.bases)
        return facts_in_one(filter(None, [words, message("replaced base") if is_replaced else ""]))

    @property
    def instructions(self) -> tuple[Step, ...]:
        """The steps that the author of a Dockerfile knows: instructions and commands on the host, no internal vertices."""
        return tuple(step for step in self.step_list if step.kind != "internal")

    @property
    def steps(self) -> pd.DataFrame:
        """A row per step: stage, line, instruction, state, cached, seconds, bytes_fetched, error."""
        from speedkit.data_frame import Frame

        columns = ["stage", "line", "instruction", "state", "cached", "seconds", "bytes_fetched", "error"]
        rows = [[getattr(step, column) for column in columns] for step in self.instructions]
        table = Frame(rows, columns=columns)
        return table.astype({"line": "Int64"})
