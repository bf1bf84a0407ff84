"""Rows about Dockerfiles and contexts that were read, forecast or explained wrongly, as real builds."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.faults.table import Place, fault

TWO_STAGES = """FROM IMG AS build
RUN echo one > /app
FROM IMG
ENV DEST=/srv
WORKDIR $DEST
COPY --from=build /app $DEST/app
"""


def _built(place: Place, folder: Path, *arguments: str) -> dict[str, Any]:
    done = place.run("build", folder, "--json", *arguments)
    assert done.stdout.strip(), f"no result: {done.stderr[-400:]}"
    return dict(json.loads(done.stdout))


def _states(built: Mapping[str, Any]) -> dict[int, str]:
    """`cached`, `ran` or `failed` of each instruction, by its line; of what an ONBUILD did there the last."""
    return {step["line"]: _state(step) for step in built["steps"] if step["line"] is not None}


def _state(step: Mapping[str, Any]) -> str:
    return "failed" if step["error"] else "cached" if step["cached"] else "ran" if step["seconds"] else "-"


def _forecasts(place: Place, folder: Path, *arguments: str) -> dict[int, dict[str, str]]:
    done = place.run("predict", folder, "--json", *arguments)
    assert done.returncode == 0, f"predict: {done.stderr[-400:]}"
    return {step["line"]: step for step in reversed(json.loads(done.stdout)["steps"])}


@fault(
    "expanded-steps",
    attack="reading 1",
    what="A stage in which each step's text is expanded, its FROM reported under another stage's name",
    right="Each line has its own state, in the build and in the forecast after it",
)
def expanded_steps(place: Place) -> str:
    mark = os.urandom(4).hex()
    text = TWO_STAGES.replace("IMG", place.image).replace("/srv", f"/srv-{mark}")
    folder = place.write({"Dockerfile": text})
    first = _states(_built(place, folder))
    assert (first[5], first[6]) == ("ran", "ran"), f"WORKDIR and COPY: {first}"
    verdicts = {line: step["forecast"] for line, step in _forecasts(place, folder).items()}
    assert (verdicts[5], verdicts[6]) == ("hit", "hit"), f"forecast: {verdicts}"
    again = _states(_built(place, folder))
    assert (again[5], again[6]) == ("cached", "cached"), f"again: {again}"
    return "WORKDIR $DEST and COPY --from … $DEST/app ran, then came from the cache, as forecast"


@fault(
    "two-heredocs",
    attack="reading 1",
    what="Two here-documents with one first line, the second of which fails",
    right="The first ran, the second failed; the next forecast is hit and miss",
)
def two_heredocs(place: Place) -> str:
    mark = os.urandom(4).hex()
    text = f"FROM {place.image}\nRUN <<EOT\necho a\necho {mark}\nEOT\nRUN <<EOT\necho a\nfalse\nEOT\n"
    folder = place.write({"Dockerfile": text})
    first = _states(_built(place, folder))
    assert (first[2], first[6]) == ("ran", "failed"), f"states: {first}"
    verdicts = {line: step["forecast"] for line, step in _forecasts(place, folder).items()}
    assert (verdicts[2], verdicts[6]) == ("hit", "miss"), f"forecast: {verdicts}"
    return "the first ran, the second failed; then hit and miss"


@fault(
    "onbuild-triggers",
    attack="reading 13",
    what="ONBUILD triggers of a base image, one of which fails",
    right="Each is a step of its own, and the one that fails is the failed step",
)
def onbuild_triggers(place: Place) -> str:
    import subprocess

    name = f"faults/onbuild:{os.urandom(4).hex()}"
    base = place.write({"Dockerfile": f"FROM {place.image}\nONBUILD RUN echo first > /first\nONBUILD RUN test -z $FAIL\n"})
    environment = place.engine.environment
    subprocess.run(["docker", "build", "-q", "-t", name, str(base)], check=True, capture_output=True, env=environment)
    text = f"FROM {name}\nARG N\nRUN echo $N\n"
    built = _built(place, place.write({"Dockerfile": text}))
    triggers = [step["instruction"] for step in built["steps"] if step["instruction"].startswith("ONBUILD ")]
    assert triggers == ["ONBUILD RUN echo first > /first", "ONBUILD RUN test -z $FAIL"], triggers
    broken = place.write({"Dockerfile": f"FROM {place.image} AS base\nONBUILD RUN exit 7\nFROM base\nRUN true\n"})
    failed = [step for step in _built(place, broken)["steps"] if step["error"]]
    assert [step["instruction"] for step in failed] == ["ONBUILD RUN exit 7"], failed
    assert failed[0]["line"] == 3, failed
    return f"{len(triggers)} triggers are steps; a trigger that exits with 7 is the step that failed, on line 3"


@fault(
    "ignored-platform",
    attack="reading 2",
    what="--platform on a stage that starts from a stage",
    right="It is ignored: forecast as cached, and cached",
)
def ignored_platform(place: Place) -> str:
    text = f"FROM {place.image} AS one\nRUN echo {os.urandom(4).hex()}\nFROM one\nRUN echo two\n"
    folder = place.write({"Dockerfile": text})
    _built(place, folder)
    (folder / "Dockerfile").write_text(text.replace("FROM one\n", "FROM --platform=linux/s390x one\n"))
    verdict = _forecasts(place, folder)[4]["forecast"]
    state = _states(_built(place, folder))[4]
    assert (verdict, state) == ("hit", "cached"), f"forecast {verdict}, then {state}"
    return "forecast as cached, and cached"


@fault(
    "no-variables",
    attack="reading 3",
    what="ARG BUILDKIT_SBOM_SCAN_STAGE changes from false to true",
    right="It is no variable: what comes after is cached, and forecast so",
)
def no_variables(place: Place) -> str:
    text = f"FROM {place.image}\nARG BUILDKIT_SBOM_SCAN_STAGE=false\nRUN echo {os.urandom(4).hex()}\n"
    folder = place.write({"Dockerfile": text})
    _built(place, folder)
    (folder / "Dockerfile").write_text(text.replace("=false", "=true"))
    verdict = _forecasts(place, folder)[3]["forecast"]
    state = _states(_built(place, folder))[3]
    assert (verdict, state) == ("hit", "cached"), f"forecast {verdict}, then {state}"
    return "forecast as cached, and cached"


@fault(
    "another-platform",
    attack="reading 5",
    what="FROM --platform=linux/arm64 of an image that is here for amd64",
    right="It is forecast to be pulled, and the advice says for what platform it is here",
)
def another_platform(place: Place) -> str:
    folder = place.write({"Dockerfile": f"FROM --platform=linux/s390x {place.image}\nRUN echo x\n"})
    step = _forecasts(place, folder)[1]
    assert step["forecast"] == "miss", step
    assert "not for linux/s390x" in str(step["because"]), step
    said = place.run("build", folder).stderr
    assert "is on this machine for linux/" in said, said[-500:]
    return f"miss; {said.strip().splitlines()[-1][:140]}"


@fault(
    "linked-dockerfile",
    attack="reading 8",
    what="A Dockerfile that is a symlink: out of the folder and back, absolute, /file, in a folder below",
    right="Read as the engine reads it, with the folder as the root; refused with words where the engine refuses",
)
def linked_dockerfile(place: Place) -> str:
    good = f"FROM {place.image}\nRUN echo good\n"
    seen = []
    for target, is_read in (("/file", True), ("../../../../../file", True), ("../CTX/file", False), ("ABS/file", False)):
        folder = place.write({"file": good})
        (folder / "Dockerfile").symlink_to(target.replace("CTX", folder.name).replace("ABS", str(folder)))
        done = place.run("build", folder)
        assert (done.returncode == 0) == is_read, f"{target}: exit code {done.returncode}: {done.stderr[-300:]}"
        assert is_read or "symlink" in done.stderr, f"{target}: {done.stderr[-300:]}"
        seen.append(f"{target} {'built' if is_read else 'refused'}")
    folder = place.write({"file": good, "sub/file": good.replace("good", "below")})
    (folder / "sub/Dockerfile").symlink_to("../file")
    found = _built(place, folder, "-f", str(folder / "sub/Dockerfile"))
    assert any("below" in step["instruction"] for step in found["steps"]), found["steps"]
    return ", ".join(seen) + "; sub/Dockerfile -> ../file is sub/file"


@fault(
    "linked-ignore-file",
    attack="reading 9",
    what="A .dockerignore that is a symlink: out of the folder, and /ig",
    right="The first ignores nothing, the second is read from the folder",
)
def linked_ignore_file(place: Place) -> str:
    outside = place.folder / f"outside-{os.urandom(4).hex()}"
    outside.write_text("a\n")
    for target, is_ignored in ((f"../{outside.name}", False), (str(outside), False), ("/ig", True), ("ig", True)):
        folder = place.write({"Dockerfile": f"FROM {place.image}\nCOPY a /a\n", "a": "1", "ig": "a\n"})
        (folder / ".dockerignore").symlink_to(target)
        because = str(_forecasts(place, folder)[2]["because"])
        built = place.run("build", folder).returncode == 0
        assert built != is_ignored, f"{target}: the engine built {built}"
        assert ("not in the build context" in because) == is_ignored, f"{target}: {because}"
    return "out of the folder nothing is ignored; /ig and ig are read from it; forecast and engine agree"


@fault(
    "quoted-line",
    attack="reading 10",
    what="A form feed, U+2028 and a lone CR before the line with the mistake",
    right="The line that is quoted is the one with the mistake",
)
def quoted_line(place: Place) -> str:
    text = f"FROM {place.image}\nRUN echo a\x0cb\u2028c\rd\nRUNN echo mistake\n"
    folder = place.write({})
    (folder / "Dockerfile").write_bytes(text.encode())
    said = place.run("predict", folder).stderr
    assert "3 | RUNN echo mistake" in said, said
    failing = text.replace("RUNN echo mistake", "RUN exit 9")
    (folder / "Dockerfile").write_bytes(failing.encode())
    failed = [step for step in _built(place, folder)["steps"] if step["error"]]
    assert [step["line"] for step in failed] == [3], failed
    return "line 3 is quoted, and line 3 is the step that failed"


@fault(
    "content-not-noticed",
    attack="reading 11",
    what="A file changes with its size and time kept",
    right="Forecast as cached, with the words that the change will not be noticed and how to make it so",
)
def content_not_noticed(place: Place) -> str:
    folder = place.write({"Dockerfile": f"FROM {place.image}\nCOPY f /f\n", "f": "one"})
    _built(place, folder)
    status = (folder / "f").stat()
    (folder / "f").write_text("two")
    os.utime(folder / "f", ns=(status.st_atime_ns, status.st_mtime_ns))
    step = _forecasts(place, folder)[2]
    state = _states(_built(place, folder))[2]
    assert (step["forecast"], state) == ("hit", "cached"), f"{step}, then {state}"
    assert "will not notice" in str(step["because"]), step
    assert "touch f" in str(step["because"]), step
    os.utime(folder / "f", (time.time(), time.time()))
    assert _states(_built(place, folder))[2] == "ran", "after `touch f` the step has to run"
    return "cached, and said that BuildKit will not notice; after `touch f` it ran"


@fault(
    "build-time",
    attack="reading 12",
    what="SOURCE_DATE_EPOCH changes; then 9223372036854775808",
    right="It is the reason that is told for WORKDIR; the number that has no room is refused",
)
def build_time(place: Place) -> str:
    folder = place.write({"Dockerfile": f"FROM {place.image}\nWORKDIR /w-{os.urandom(4).hex()}\n"})
    _built(place, folder, "--build-arg", "SOURCE_DATE_EPOCH=1")
    because = str(_forecasts(place, folder, "--build-arg", "SOURCE_DATE_EPOCH=2")[2]["because"])
    assert "SOURCE_DATE_EPOCH" in because, because
    refused = place.run("predict", folder, "--build-arg", "SOURCE_DATE_EPOCH=9223372036854775808")
    assert refused.returncode != 0, refused.stdout
    assert "out of range" in refused.stderr, refused.stderr
    return "SOURCE_DATE_EPOCH is named; 9223372036854775808 is refused"


@fault(
    "backslash-in-a-name",
    attack="reading 14",
    what="COPY of a file with a backslash in its name",
    right="The forecast says that BuildKit does not find it, and how to take it",
)
def backslash_in_a_name(place: Place) -> str:
    folder = place.write({"Dockerfile": f"FROM {place.image}\nCOPY back\\\\slash /y/\n", "back\\slash": "1"})
    because = str(_forecasts(place, folder)[2]["because"])
    assert place.run("build", folder).returncode != 0, "the engine built it"
    assert "does not find back" in because, because
    (folder / "Dockerfile").write_text(f"FROM {place.image}\nCOPY back?slash /y/\n")
    assert place.run("build", folder).returncode == 0, "what is recommended does not build"
    return "not found, as the engine; back?slash is recommended, and builds"


@fault(
    "encodings",
    attack="reading 16",
    what="A Dockerfile in UTF-16, and one with a no-break space",
    right="The encoding is named; the space is made visible",
)
def encodings(place: Place) -> str:
    folder = place.write({})
    (folder / "Dockerfile").write_bytes(f"FROM {place.image}\nRUN x\n".encode("utf-16"))
    wide = place.run("predict", folder).stderr
    assert "UTF-16" in wide, wide
    (folder / "Dockerfile").write_bytes(f"FROM {place.image}\nRUN\u00a0echo x\n".encode())
    spaced = place.run("predict", folder).stderr
    assert "U+00A0" in spaced, spaced
    return "UTF-16 is named; RUN<U+00A0>echo is shown"
