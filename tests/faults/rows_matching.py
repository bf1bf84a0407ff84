"""Rows about text that keeps a program busy, fills its memory, or breaks what shows a build."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.faults.table import ROOT, Place, fault

MOST_MEGABYTES = 300
MOST_CPU_SECONDS = 60


class Used(NamedTuple):
    """How a program ended, and what it took. cpu_seconds: its processor time, so that a busy machine makes no difference."""

    code: int
    output: str
    cpu_seconds: float
    megabytes: float


def used(place: Place, argv: list[str], env: dict[str, str] | None = None) -> Used:
    """Run to the end; ended by the system where it takes a minute of processor time."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS))

    with tempfile.TemporaryFile() as output:
        environment = os.environ | {"PYTHONPATH": str(ROOT)} | (env or {})
        child = subprocess.Popen(
            argv, stdout=output, stderr=subprocess.STDOUT, cwd=place.folder, env=environment, preexec_fn=limited
        )
        _, status, taken = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    return Used(child.returncode, text, taken.ru_utime + taken.ru_stime, taken.ru_maxrss / 1024)


def speedkit(place: Place, *arguments: str | Path, env: dict[str, str] | None = None) -> Used:
    return used(place, place.command(*arguments), env)


WORKBENCH = """
import json, sys
import speedkit as sk
with sk.app(sys.argv[1]) as app:
    bench = sk.Workbench(app)
    bench.build()
    build = bench.wait()
    print("RESULT", json.dumps([build.outcome, bench.notice]))
    bench.close()
"""


def in_workbench(place: Place, folder: Path) -> tuple[str, object]:
    """The outcome of a build in a workbench, and the notice that it shows."""
    seen = used(place, [sys.executable, "-c", WORKBENCH, str(folder)])
    lines = [line for line in seen.output.splitlines() if line.startswith("RESULT ")]
    assert lines, f"exit code {seen.code}: {seen.output[-600:]}"
    outcome, notice = json.loads(lines[0].removeprefix("RESULT "))
    return outcome, notice


@fault(
    "numbers-of-endless-digits",
    attack="19",
    what="A failing step prints a colour code, a line number and a column of 4,400 digits, in a workbench",
    right="The build ends as failed, `wait` returns, and nothing else is complained of",
)
def numbers_of_endless_digits(place: Place) -> str:
    digits = "i=0; while [ $i -lt 440 ]; do printf 1234567890; i=$((i+1)); done"
    prints = (
        f"printf '\\033['; {digits}; echo 1mred",
        f"printf 'main.go:'; {digits}; echo ': boom'",
        f"printf 'main.go:1:'; {digits}; echo ': boom'",
        f"printf '\\033[38;5;'; {digits}; echo mred",
    )
    for number, command in enumerate(prints):
        folder = place.write(
            {"Dockerfile": f"FROM {place.image}\nRUN {command}; exit {number + 1}\n", "main.go": "package main\n"}
        )
        outcome, notice = in_workbench(place, folder)
        assert (outcome, notice) == ("failed", None), f"{command[:20]}…: {outcome}, {notice}"
    return f"{len(prints)} builds ended as failed, no complaint"


@fault(
    "one-line-of-a-megabyte",
    attack="20",
    what="A failing step prints one line of 1 MB; a step prints 100 MB, which the engine clips",
    right="Shown by the program and in a workbench, in less than 300 MB of memory",
)
def one_line_of_a_megabyte(place: Place) -> str:
    long = place.write({"Dockerfile": f"FROM {place.image}\nRUN head -c 1000000 /dev/zero | tr '\\0' x; exit 1\n"})
    outcome, _ = in_workbench(place, long)
    assert outcome == "failed", outcome
    shown = speedkit(place, "build", long)
    assert shown.code == 3, shown.code
    assert shown.megabytes < MOST_MEGABYTES, f"{shown.megabytes:.0f} MB"
    much = place.write({"Dockerfile": f"FROM {place.image}\nRUN yes some words of a log | head -c 100000000\n"})
    built = speedkit(place, "build", much)
    assert built.code == 0, built.output[-300:]
    assert built.megabytes < MOST_MEGABYTES, f"{built.megabytes:.0f} MB"
    return f"1 MB line: failed, {shown.megabytes:.0f} MB; 100 MB log: {built.megabytes:.0f} MB"


@fault(
    "log-without-limit",
    attack="20b",
    what="A step prints 100 MB and fails on an engine that clips no log (BUILDKIT_STEP_LOG_MAX_SIZE=-1); explain, predict",
    right="Less than 300 MB of memory each time; the log says where it was cut, and its last line is kept",
    seconds=900,
)
def log_without_limit(place: Place) -> str:
    unlimited = {"BUILDKIT_STEP_LOG_MAX_SIZE": "-1", "BUILDKIT_STEP_LOG_MAX_SPEED": "-1"}
    with place.another_engine(env=unlimited) as engine:
        engine.api.load_image(b"".join(place.engine.api.get_image(place.image)))
        env = {"DOCKER_HOST": engine.host}
        prints = "yes some words of a log that goes on and on | head -c 100000000; echo the last words; exit 1"
        folder = place.write({"Dockerfile": f"FROM {place.image}\nRUN {prints}\n"})
        built = speedkit(place, "build", folder, env=env)
        assert built.code == 3, built.output[-300:]
        raw = next((place.home / "recordings").glob("*/raw.jsonl")).stat().st_size / 1e6
        explained, foreseen = (speedkit(place, *words, env=env) for words in (("explain",), ("predict", folder)))
    assert explained.code == 0, explained.output[-300:]
    assert foreseen.code == 0, foreseen.output[-300:]
    took = [round(one.megabytes) for one in (built, explained, foreseen)]
    assert max(took) < MOST_MEGABYTES, f"{took} MB"
    assert raw < 20, f"a recording of {raw:.0f} MB"
    assert "the last words" in built.output, built.output[-500:]
    assert "left out" in built.output, built.output[-500:]
    return f"build, explain, predict: {took} MB; recording {raw:.1f} MB; the log says what is left out"


@fault(
    "run-of-60000-letters",
    attack="20d",
    what="One RUN line of 60,000 letters: build, predict, explain, layers; one of 5 MB",
    right="No second more of processor time than a short one; the line over 65,535 bytes is refused in the engine's words",
)
def run_of_60000_letters(place: Place) -> str:
    took: dict[str, list[float]] = {}
    for letters in (10, 60_000):
        folder = place.write({"Dockerfile": f"FROM {place.image}\nRUN true {'a' * letters} > /made\n"})
        built = speedkit(place, "build", folder, "--json")
        assert built.code == 0, built.output[-300:]
        image = json.loads(built.output[built.output.index("{\n") if "{\n" in built.output else built.output.index("{") :])[
            "image"
        ]
        runs = {"build": built}
        for verb in (("predict", folder), ("explain",), ("layers", image)):
            runs[verb[0]] = speedkit(place, *verb)
        for verb, run in runs.items():
            assert run.code == 0, f"{verb}: exit code {run.code}: {run.output[-300:]}"
            took.setdefault(verb, []).append(run.cpu_seconds)
    slow = {verb: times for verb, times in took.items() if times[1] > times[0] + 1.0}
    assert not slow, f"processor time with 10 and with 60,000 letters: {slow}"
    for verb in ("predict", "build"):
        refused = speedkit(place, verb, place.write({"Dockerfile": f"FROM {place.image}\nRUN {'a' * 5_000_000}\n"}))
        assert refused.code in (2, 3), refused.code
        assert "line greater than max allowed size of 65535" in refused.output, refused.output[-300:]
        # buildx itself needs seconds to quote such a line.
        assert verb == "build" or refused.cpu_seconds < took[verb][0] + 1.0, f"{refused.cpu_seconds:.1f} s to refuse"
    return ", ".join(f"{verb} {times[0]:.1f} → {times[1]:.1f} s" for verb, times in took.items())


STARS = "*a" * 9 + "*b"


@fault(
    "patterns-of-many-stars",
    attack="21",
    what=f"`{STARS}` as an ignore pattern, in COPY, in --exclude and in `${{V%…}}`, against a name of 240 letters",
    right="Built and forecast as by Docker, with little processor time",
)
def patterns_of_many_stars(place: Place) -> str:
    name, base = "a" * 240, f"FROM {place.image}\n"
    values = f"ENV V={name}\nENV W=${{V//{STARS}/x}} X=${{V#{STARS}}} Y=${{V%{STARS}}}\nRUN test $X = $V\n"
    folders = {
        ".dockerignore": {"Dockerfile": f"{base}COPY . /c/\n", ".dockerignore": STARS, name: "x"},
        "COPY": {"Dockerfile": f"{base}COPY {STARS} {name} /c/\n", name: "x"},
        "--exclude": {"Dockerfile": f"{base}COPY --exclude={STARS} . /c/\n", name: "x"},
        "FROM": {"Dockerfile": f"ARG V={name}\nFROM scratch${{V%{STARS}}}\nCOPY Dockerfile /\n"},
        "ENV": {"Dockerfile": base + values},
    }
    took = {}
    for what, files in folders.items():
        folder = place.write(files)
        for verb in ("predict", "build"):
            seen = speedkit(place, verb, folder)
            assert seen.cpu_seconds < 20, f"{what}, {verb}: {seen.cpu_seconds:.0f} s of processor time"
            assert seen.code >= 0, f"{what}, {verb}: ended by the system: {seen.code}"
            if what not in ("FROM", "COPY"):
                assert seen.code == 0, f"{what}, {verb}: {seen.output[-300:]}"
            took[f"{what} {verb}"] = seen.cpu_seconds
    return f"the longest took {max(took.values()):.1f} s of processor time ({max(took, key=took.__getitem__)})"


LARGE = {
    "5,000 instructions": "FROM {image}\n" + "".join(f"COPY Dockerfile /{n}\n" for n in range(5_000)),
    "2,000 stages": "FROM {image} AS s0\n" + "".join(f"FROM s{n} AS s{n + 1}\nENV A={n}\n" for n in range(2_000)),
    "2,000 stages that copy": "FROM scratch AS s0\nCOPY Dockerfile /a\n"
    + "".join(f"FROM scratch AS s{n + 1}\nCOPY --from=s{n} / /\nCOPY --from=s{n} / /\n" for n in range(2_000)),
    "60,000 pairs of ENV": "FROM {image}\n"
    + "".join("ENV " + " ".join(f"A{n}_{m}=x" for m in range(1_000)) + "\n" for n in range(60)),
    "words 10,000 deep": "FROM {image}\nENV A=" + "${{B:-" * 10_000 + "}}" * 10_000 + "\n",
    "a list 30,000 deep": "FROM {image}\nCMD " + "[" * 30_000 + "]" * 30_000 + "\n",
    "4 kB of ${{": "FROM {image}\nENV A=" + "${{" * 2_000 + "\n",
}


@fault(
    "large-dockerfiles",
    what="Forecasts of 5,000 instructions, 2,000 stages, 60,000 pairs of ENV, words 10,000 deep, 100,000 lines to ignore",
    right="A forecast, or a sentence with exit code 3, within 20 s of processor time",
    seconds=900,
)
def large_dockerfiles(place: Place) -> str:
    took = {}
    for what, text in LARGE.items():
        seen = speedkit(place, "predict", place.write({"Dockerfile": text.format(image=place.image)}))
        assert seen.code in (0, 3), f"{what}: exit code {seen.code}: {seen.output[-400:]}"
        assert "Traceback" not in seen.output, f"{what}: {seen.output[-400:]}"
        took[what] = seen.cpu_seconds
    lines = "\n".join(f"**/x{n}*.o" for n in range(100_000))
    seen = speedkit(place, "predict", place.write({"Dockerfile": f"FROM {place.image}\nCOPY . /c/\n", ".dockerignore": lines}))
    assert seen.code == 0, seen.output[-300:]
    took["100,000 lines to ignore"] = seen.cpu_seconds
    slow = {what: round(seconds, 1) for what, seconds in took.items() if seconds > 20}
    assert not slow, f"seconds of processor time: {slow}"
    return ", ".join(f"{what} {seconds:.1f} s" for what, seconds in took.items())


@fault(
    "endless-digits-in-a-dockerfile",
    what="5,000 digits as a port, a signal, a stage, a user, a size, a duration",
    right="Forecast as refused where the engine refuses, in words that are not Python's",
)
def endless_digits_in_a_dockerfile(place: Place) -> str:
    digits = "1" * 5_000
    lines = (
        f"EXPOSE {digits}",
        f"STOPSIGNAL {digits}",
        f"HEALTHCHECK --retries={digits} CMD true",
        f"HEALTHCHECK --interval={digits}s CMD true",
        f"COPY --from={digits} a /b",
        f"RUN --mount=type=cache,target=/x,uid={digits} true",
        f"RUN --mount=type=tmpfs,target=/x,size={digits} true",
    )
    for line in lines:
        folder = place.write({"Dockerfile": f"FROM {place.image}\n{line}\n"})
        foreseen, built = speedkit(place, "predict", folder), speedkit(place, "build", folder)
        assert built.code != 0, f"{line[:30]}: the engine builds it"
        assert "4300" not in foreseen.output + built.output, line[:40]
        assert "Traceback" not in foreseen.output + built.output, line[:40]
        assert foreseen.code == 3 or line.startswith("COPY"), f"{line[:30]}: {foreseen.code}: {foreseen.output[-200:]}"
    return f"{len(lines)} lines refused, as by the engine"
