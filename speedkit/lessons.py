"""What the notebooks look at beyond builds: a program's bytes, a running service, a log's downloads, tables of many builds."""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from speedkit.apps import COLD, App, Edit, Strategy, append_line, own_app, sample_app
from speedkit.dockerfile import read_dockerfile
from speedkit.engine.children import child_process, run_child
from speedkit.engine.connection import Engine, connect
from speedkit.engine.images import inspect_image
from speedkit.errors import EngineError, NoSuchImage, SetupError
from speedkit.experiment.host import host_environment
from speedkit.model import Build, Step
from speedkit.ownership import claim
from speedkit.rendering.amounts import bytes_text, seconds_text
from speedkit.rendering.tables import Table
from speedkit.state import state_folder
from speedkit.visible import visible

if TYPE_CHECKING:
    pass

__all__ = [
    "ImagesLeft",
    "Listing",
    "ask",
    "close_with_kernel",
    "compared",
    "dockerfile",
    "downloads",
    "extremes",
    "fingerprint",
    "first_bytes_of",
    "go_build",
    "host_paths",
    "images_left",
    "overview",
    "project",
    "running",
    "second_folder",
    "side_by_side",
    "slowest_step",
    "stages",
    "summaries",
]

START_SECONDS = 10.0
LOOK_SECONDS = 0.05
ROW_BYTES = 16
CODE = (
    "font:12px/1.6 var(--jp-code-font-family,ui-monospace,monospace);"
    "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"
)
NOT_BUILT, FAILS = "not built", "fails"
DIM = "var(--jp-ui-font-color2,#59636e)"
SAMPLE_STRATEGY, SAMPLE_EDIT = "mounts", "rename-field"
EDIT = "a line appended"


@dataclass(frozen=True, slots=True)
class Listing:
    """A text with its line numbers, the same that builds and figures name. Shown as such in a notebook."""

    text: str

    def __str__(self) -> str:
        return "\n".join(f"{number:3}  {visible(line)}" for number, line in enumerate(self._lines, 1))

    __repr__ = __str__

    @property
    def _lines(self) -> list[str]:
        """As BuildKit counts them: Python would also end a line at a carriage return or a line separator."""
        return self.text.replace("\r\n", "\n").removesuffix("\n").split("\n")

    def _repr_html_(self) -> str:
        rows = "".join(_listed(number, line) for number, line in enumerate(self._lines, 1))
        return f'<pre style="{CODE}">{rows}</pre>'


def _listed(number: int, line: str) -> str:
    dim = f"color:{DIM}"
    text = f'<span style="{dim}">{escape(line)}</span>' if line.startswith("#") else escape(line)
    # What goes on in the next line stays beside the numbers.
    hanging = "display:block;padding-left:5ch;text-indent:-5ch"
    return f'<span style="{hanging}"><span style="{dim};user-select:none">{number:3}  </span>{text}</span>'


def dockerfile(app: App, strategy: str) -> Listing:
    """The Dockerfile of a strategy, with line numbers."""
    return Listing(app.strategy(strategy).dockerfile.read_text(encoding="utf-8"))


def summaries(things: Mapping[str, Strategy] | Mapping[str, Edit]) -> Table:
    """A row per strategy or edit: what it is, in a few words; none of the words cut off."""
    import pandas as pd

    table = pd.DataFrame({"": {name: thing.summary for name, thing in things.items()}})
    return Table(table, has_column_heads=False, has_row_heads=True)


def stages(app: App, strategy: str) -> Table:
    """A row per stage of a strategy's Dockerfile: its name, what it starts from, its line, how many instructions it has.

    Raises: DockerfileError.
    """
    import pandas as pd

    found = read_dockerfile(app.strategy(strategy).dockerfile.read_text(encoding="utf-8")).stages
    rows = [(stage.name, stage.base, stage.line, len(stage.instructions)) for stage in found]
    return Table(pd.DataFrame(rows, columns=["stage", "starts from", "line", "instructions"]))


def side_by_side(first: Build, again: Build) -> Table:
    """A row per step that ran in the first of two builds of one Dockerfile: how long it took in each."""
    import pandas as pd

    pairs = zip(first.instructions, again.instructions, strict=True)
    rows = [(one.line, one.instruction, _amount(one), _amount(other)) for one, other in pairs if one.ran]
    columns = ["line", "instruction", _name(first), _name(again)]
    # Two builds may have one name: the columns are told apart by their place.
    return Table(pd.DataFrame(rows, columns=columns), lambda column, _text: "sk-whole" if column == "instruction" else "")


def _amount(step: Step) -> str:
    return seconds_text(step.seconds) if step.ran else step.state


def _name(build: Build) -> str:
    return f"{build.strategy}, {build.edit}"


def close_with_kernel(app: App) -> None:
    """Keep an app for as long as this kernel runs, then remove its working copy."""
    atexit.register(app.close)


def project(path: Path | str | None, dockerfile: str, file: str) -> tuple[App, str, str]:
    """A copy of somebody's project, the strategy to build it by, and an edit to make; of the sample app without a path.

    dockerfile, file: names in the project's folder; the edit appends an empty line to the file.
    Raises: NotAFolder, NoDockerfile.
    """
    if path is None:
        return sample_app(), SAMPLE_STRATEGY, SAMPLE_EDIT
    return own_app(path, dockerfile, edits={EDIT: append_line(file, "", called=EDIT)}), dockerfile, EDIT


def downloads(build: Build) -> list[str]:
    """The Go modules that a build downloaded, as its log names them: `github.com/gin-gonic/gin v1.10.1`."""
    logs = "\n".join(step.log for step in build.instructions if step.ran)
    return re.findall(r"go: downloading (\S+ v\S+)", logs)


def slowest_step(build: Build) -> Step:
    """The step that took the longest."""
    return max(build.instructions, key=lambda step: step.seconds)


def go_build(app: App, *flags: str, folder: Path | None = None, name: str = "speedup") -> Path:
    """The sample app built on the host with private caches; the program's path.

    flags: more arguments for `go build`. folder: another folder with the same sources.
    Raises: SetupError with the compiler's message.
    """
    place = folder or app.folder
    target = _programs(app) / name
    environment = host_environment(app.cache_of("host")) | {"CGO_ENABLED": "0"}
    argv = ["go", "build", "-buildvcs=false", *flags, "-o", str(target), "."]
    done = run_child(argv, cwd=place, env=environment)
    if done.returncode:
        raise SetupError("go build failed:", quoted=done.stderr.strip())
    return target


def second_folder(app: App) -> Path:
    """The same sources in a folder of another name."""
    place = _programs(app) / "another-folder"
    shutil.copytree(app.folder, place, dirs_exist_ok=True)
    return place


def _programs(app: App) -> Path:
    """Beside the private caches of an app's host builds: `App.close` removes both."""
    cache = app.cache_of("host") or app.folder.name
    claim(state_folder("host-caches") / cache)
    return state_folder("host-caches", cache, "programs")


def fingerprint(program: Path) -> str:
    """The first twelve digits of a file's SHA-256: equal files have equal ones."""
    return hashlib.sha256(program.read_bytes()).hexdigest()[:12]


def host_paths(program: Path) -> list[str]:
    """Absolute places of source files that stand in a Go program, each once, sorted.

    Go keeps them, each ended by a zero byte, for the traces that it prints when a program panics.
    """
    found = re.findall(rb"(?<=\0)(?:[A-Za-z]:)?/[^\0\n]{1,400}\.go(?=\0)", program.read_bytes())
    return sorted({path.decode(errors="replace") for path in found})


def first_bytes_of(program: Path, text: str) -> str:
    """The bytes of a program where a text first stands in it: place, bytes in hexadecimal, the same as letters."""
    data = program.read_bytes()
    start = data.find(text.encode())
    if start < 0:
        return f"{text} is not in {program.name}"
    return "\n".join(_bytes_row(data, place) for place in range(start, start + len(text.encode()), ROW_BYTES))


def _bytes_row(data: bytes, start: int) -> str:
    row = data[start : start + ROW_BYTES]
    letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
    return f"{start:08x}  {row.hex(' '):{3 * ROW_BYTES}} {letters}"


@contextmanager
def running(program: Path) -> Iterator[str]:
    """The program, run on this machine on a free port while the block lasts; its address."""
    port = _free_port()
    environment, unheard = os.environ | {"PORT": str(port)}, subprocess.DEVNULL
    with child_process([str(program)], env=environment, stdout=unheard, stderr=unheard) as process:
        address = f"http://127.0.0.1:{port}"
        _wait(address, process)
        yield address


def ask(address: str, text: str) -> str:
    """What the running service answers to a text."""
    with urllib.request.urlopen(f"{address}/echo?text={quote(text)}", timeout=5) as reply:  # noqa: S310 (our own address)
        return str(reply.read().decode())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            ask(address, "ready")
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SetupError("The program did not answer.", fix="Build it again, then repeat the cell.") from None
            time.sleep(LOOK_SECONDS)
        else:
            return


def overview(builds: Sequence[Build], app: App) -> Table:
    """Median time by strategy and edit, as text; combinations that were not built say so."""
    import pandas as pd

    edits = [COLD, *app.edits]
    rows = {strategy: [_time(builds, strategy, edit) for edit in edits] for strategy in app.strategies}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=edits)
    return Table(table, _time_look, has_row_heads=True)


def _time_look(_edit: str, text: str) -> str:
    if text.startswith(FAILS):
        return "sk-said"
    return "sk-dim" if text == NOT_BUILT else "sk-amount"


def _time(builds: Sequence[Build], strategy: str, edit: str) -> str:
    found = _runs(builds, strategy, edit)
    if not found:
        return NOT_BUILT
    good = [build.seconds for build in found if build.ok]
    if not good:
        amount = seconds_text(statistics.median(build.seconds for build in found)).replace(" ", "\N{NO-BREAK SPACE}")
        return f"{FAILS} after {amount}"
    return seconds_text(statistics.median(good))


def _runs(builds: Sequence[Build], strategy: str, edit: str) -> list[Build]:
    return [build for build in builds if (build.strategy, build.edit) == (strategy, edit)]


def compared(builds: Sequence[Build], strategies: Sequence[str], edit: str) -> str:
    """A sentence with the median time of some strategies after one edit."""
    return f"{edit}: {', '.join(f'{strategy} {_time(builds, strategy, edit)}' for strategy in strategies)}"


def extremes(builds: Sequence[Build], edit: str) -> tuple[Build, Build] | None:
    """The slowest and the quickest build after an edit; None while there are not two strategies to tell apart."""
    found = sorted((build for build in builds if build.ok and build.edit == edit), key=lambda build: build.seconds)
    if len({build.strategy for build in found}) < 2:
        return None
    return found[-1], found[0]


@dataclass(frozen=True, slots=True)
class ImagesLeft:
    """The largest and the smallest of the images that are still on the engine; None where there are not two.

    gone: strategies whose image is there no more. problem: why no engine could be asked.
    """

    largest: Build | None = None
    smallest: Build | None = None
    gone: tuple[str, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        if self.problem:
            return f"No image can be opened: {self.problem}"
        told = [f"No longer on this engine: {', '.join(self.gone)}."] if self.gone else []
        if self.largest is None or self.smallest is None:
            return " ".join(["This needs the images of two strategies: run 03 and 04.", *told])
        large, small = (bytes_text(build.image_bytes or 0) for build in (self.largest, self.smallest))
        found = f"The largest: {self.largest.strategy}, {large}. The smallest: {self.smallest.strategy}, {small}."
        if large == small:
            found = f"{self.largest.strategy} and {self.smallest.strategy} give images of one size: {large}."
        return " ".join([found, *told])


def images_left(builds: Sequence[Build]) -> ImagesLeft:
    """Which of the newest images of each strategy the engine still has, the largest and the smallest of them."""
    newest = {build.strategy: build for build in builds if build.ok and build.image}
    try:
        engine = connect()
        here = [build for build in newest.values() if _has_image(engine, build.image or "")]
    except EngineError as problem:
        return ImagesLeft(problem=str(problem))
    gone = tuple(strategy for strategy, build in newest.items() if build not in here)
    by_size = sorted(here, key=lambda build: build.image_bytes or 0)
    return ImagesLeft(by_size[-1], by_size[0], gone) if len(by_size) > 1 else ImagesLeft(gone=gone)


def _has_image(engine: Engine, image: str) -> bool:
    try:
        inspect_image(engine, image)
    except NoSuchImage:
        return False
    return True
