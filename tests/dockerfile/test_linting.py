"""The findings of BuildKit's linter: the same ones, at the same lines, and no others.

With `# check=error=true` they end a build; without it they are warnings.
"""

from __future__ import annotations

import re
import subprocess

import pytest

from speedkit.cache import BaseImage, Situation, lint, predict
from speedkit.context import Entry, Manifest
from speedkit.dockerfile import read_dockerfile
from speedkit.errors import DockerfileError
from tests.conformance.building import buildx
from tests.waiting import HANG_SECONDS

_CONTEXT = Manifest((Entry("Dockerfile", "file", 1, 0o644, "digest", ""),))
_COPY = "COPY Dockerfile /\n"
_BASH = ("/bin/bash", "-c")
_JSON = "JSONArgsRecommended"

FOUND = {
    "FROM scratch AS Foo\n": {(2, "StageNameCasing")},
    "FROM scratch as foo\n": {(2, "FromAsCasing")},
    "from scratch AS foo\ncopy Dockerfile /\n": {(2, "FromAsCasing")},
    "From scratch As foo\n": {(2, "ConsistentInstructionCasing")},
    "FROM scratch\nRUN a \\\n\n  b\nCMD []\n": {(4 + 1, "NoEmptyContinuation")},
    "FROM scratch\nCOPY <<E \\\n\n  /x\na \\\n\nE\n": {(5, "NoEmptyContinuation")},
    "FROM scratch\nWorkdir /a\n": {(3, "ConsistentInstructionCasing")},
    "from scratch\nworkdir /a\nCOPY Dockerfile /\n": {(4, "ConsistentInstructionCasing")},
    "from scratch\nWORKDIR /a\n": {(2, "ConsistentInstructionCasing")},
    "FROM scratch AS a\nFROM scratch AS A\n": {(3, "StageNameCasing"), (3, "DuplicateStageName")},
    "FROM scratch AS context\n": {(2, "ReservedStageName")},
    "FROM scratch\nCMD x\n": {(3, _JSON)},
    "FROM scratch\nENTRYPOINT x\nCMD\n": {(3, _JSON), (4, _JSON)},
    "FROM scratch AS a\nFROM scratch\nCMD x\n": {(4, _JSON)},
    "FROM scratch\nMAINTAINER me\n": {(3, "MaintainerDeprecated")},
    "FROM scratch AS unused\nMAINTAINER me\nFROM scratch\n": {(3, "MaintainerDeprecated")},
    "ARG BASE=scratch\nFROM ${BASE}${NOPE}\n": {(3, "UndefinedArgInFrom")},
    "FROM --platform=linux$NOPE scratch\n": {(2, "UndefinedArgInFrom")},
    "FROM scratch\nWORKDIR a\nWORKDIR b\n": {(3, "WorkdirRelativePath")},
    "FROM scratch\nENV A=b\nWORKDIR $A\n": {(4, "WorkdirRelativePath")},
    "FROM scratch\nWORKDIR $NONE/a\n": {(3, "UndefinedVar")},
    "FROM scratch\nENV A=$NONE\n": {(3, "UndefinedVar")},
    "FROM scratch\nENV A=1 B=$A\n": {(3, "UndefinedVar")},
    "FROM scratch\nENV A=${NONE:-x}\n": {(3, "UndefinedVar")},
    "FROM scratch\nARG A=$B B=1\n": {(3, "UndefinedVar")},
    "FROM scratch\nARG A=$A\n": {(3, "UndefinedVar")},
    "ARG B=1\nFROM scratch\nENV A=$B\n": {(4, "UndefinedVar")},
    "FROM scratch\nLABEL a=$NONE\n": {(3, "UndefinedVar")},
    "FROM scratch\nUSER $NONE\n": {(3, "UndefinedVar")},
    "FROM scratch\nCOPY --chown=0$NONE Dockerfile /\n": {(3, "UndefinedVar")},
    "FROM scratch\nCOPY <<E /$NONE\n$NO\n'$NEVER'\nE\n": {(3, "UndefinedVar")},
    "FROM scratch\nRUN --mount=type=cache,target=/a$NONE true\n": {(3, "UndefinedVar")},
    "FROM scratch\nENV A=$HTTP_PROXY\n": {(3, "UndefinedVar")},
    "FROM scratch\nENV A=$TARGETARCH\n": {(3, "UndefinedVar")},
    'FROM scratch\nCMD ["a"]\nCMD ["b"]\nCMD ["c"]\n': {
        (3, "MultipleInstructionsDisallowed"),
        (4, "MultipleInstructionsDisallowed"),
    },
    "FROM scratch\nHEALTHCHECK NONE\nHEALTHCHECK CMD x\n": {(3, "MultipleInstructionsDisallowed")},
    "FROM scratch\nENV a b\n": {(3, "LegacyKeyValueFormat")},
    "FROM scratch\nENV a b=c\n": {(3, "LegacyKeyValueFormat")},
    "FROM scratch\nLABEL a b\n": {(3, "LegacyKeyValueFormat")},
    "FROM --platform=$TARGETPLATFORM scratch\n": {(2, "RedundantTargetPlatform")},
    "FROM --platform=${TARGETPLATFORM} scratch\n": {(2, "RedundantTargetPlatform")},
    "FROM scratch\nARG API_KEY\nENV PASSWORD=1 AUTHOR=me\n": {(3, "SecretsUsedInArgOrEnv"), (4, "SecretsUsedInArgOrEnv")},
    "FROM --platform=linux/amd64 scratch\n": {(2, "FromPlatformFlagConstDisallowed")},
    "FROM --platform=amd64 scratch AS a\n": {(2, "FromPlatformFlagConstDisallowed")},
    "FROM scratch\nEXPOSE 80/TCP\n": {(3, "ExposeProtoCasing")},
    "FROM scratch\nEXPOSE 80:80 127.0.0.1:1:2\n": {(3, "ExposeInvalidFormat")},
    "FROM scratch AS a\nONBUILD CMD x\nFROM a\n": {(4, _JSON)},
    "FROM scratch AS a\nWORKDIR a\nFROM a\nWORKDIR b\n": {(3, "WorkdirRelativePath")},
}
"""By Dockerfile, without its first line, which is `# check=error=true`."""
CLEAN = (
    "FROM scratch AS foo\n",
    "from scratch as foo\ncopy Dockerfile /\n",
    "FROM scratch AS unused\nWORKDIR a\nCMD x\nENV a b\nFROM scratch\n",
    'FROM scratch\nSHELL ["/bin/sh", "-c"]\nCMD x\n',
    'FROM scratch AS a\nSHELL ["/bin/sh", "-c"]\nFROM a\nCMD x\n',
    'FROM scratch\nCMD ["a"]\nENTRYPOINT ["b"]\n',
    'FROM scratch AS a\nCMD ["a"]\nFROM a\nCMD ["b"]\n',
    "FROM scratch\nARG A\nENV B=$A\n",
    "FROM scratch AS a\nARG A\nFROM a\nENV B=$A\n",
    "FROM scratch\nARG A=1 B=$A\n",
    "ARG A\nFROM scratch$A\n",
    "FROM scratch\nENV P=$PATH\n",
    "FROM scratch\nENV A='$NONE' B=\\$NONE\n",
    "FROM scratch\nWORKDIR /a\nWORKDIR b\n",
    "FROM scratch\nENV A=/b\nWORKDIR $A\n",
    "FROM scratch AS a\nWORKDIR /a\nFROM a\nWORKDIR b\n",
    "FROM scratch\nARG KEYS PUBLIC_KEY SECRETARY\n",
    "ARG API_KEY=1\nFROM scratch\n",
    "FROM --platform=linux/amd64 scratch AS build-amd64\n",
    "FROM --platform=$BUILDPLATFORM scratch\n",
    'FROM scratch\nENV "a b"=c\nLABEL "d"="e f"\n',
    "FROM scratch\nCOPY \\\n  # a comment\n  Dockerfile /\n",
    "FROM scratch\nCOPY <<E /x\na \\\n\nb\nE\n",
    "FROM scratch\nEXPOSE 80/tcp 90-91 ::80\n",
    "FROM scratch\nENV A=$BUILDKIT_SBOM_SCAN_STAGE\n",
    "ARG IMAGE=scratch\nFROM $IMAGE\n",
    "FROM scratch\nCMD []\n",
    "FROM scratch\nLABEL a\\=b=c\n",
)
OPTIONS = (
    "skip=StageNameCasing;error=true",
    "error=true;skip=FromAsCasing",
    "error=true;skip=all",
    "skip=StageNameCasing,FromAsCasing;error=1",
    "error=true;skip=StageNameCasing,all",
    "error=false",
    "skip=all",
    "error=true;experimental=all",
    "error=true; skip=all",
    "error=maybe",
    "error",
    "skip=a;error=true;skip=b;x=1",
    "nope=1",
    "error=true # a remark",
)


def _refused_here(text, build_args=None, **more):
    try:
        predict([], Situation(read_dockerfile(text), _CONTEXT, build_args=build_args or {}, **more))
    except DockerfileError as error:
        return error
    return None


def _checked(text: str) -> str:
    """A Dockerfile with the directive, and with a file in its last stage: BuildKit cannot keep an empty one."""
    copy = _COPY.lower() if text.startswith("from") and "\ncopy" in text else _COPY
    return f"# check=error=true\n{text}{copy if text.startswith(('FROM', 'ARG')) else ''}"


def _reported(text: str) -> set[str]:
    """The rules that a refusal names."""
    found = re.search(r"lint violation found for rules: ([\w, ]+)", text)
    return set(found[1].strip().split(", ")) if found else set()


def _rules(error: DockerfileError | None) -> set[str]:
    return _reported(error.what if error else "")


def _findings(error: DockerfileError | None) -> set[tuple[int, str]]:
    """The lines and sentences of a refusal."""
    return {
        (int(line), sentence.lower())
        for line, sentence in re.findall(r"line (\d+): (.*?)[;.](?= line|$)", error.fix if error else "")
    }


@pytest.mark.parametrize("text", FOUND)
def test_what_the_linter_finds_is_refused_at_its_first_line(text):
    error = _refused_here(_checked(text))
    assert error is not None
    assert _rules(error) == {rule for _, rule in FOUND[text]}
    assert error.line == min(line for line, _ in FOUND[text])
    assert {line for line, _ in _findings(error)} == {line for line, _ in FOUND[text]}


def _warnings(text: str) -> set[tuple[int, str]]:
    return {(finding.line, finding.rule) for finding in lint(Situation(read_dockerfile(text), _CONTEXT))}


@pytest.mark.parametrize("text", FOUND)
def test_without_the_directive_the_linter_warns_of_the_same(text):
    assert _warnings(_checked(text).replace("# check=error=true", "# no directive")) == FOUND[text]


@pytest.mark.parametrize("text", CLEAN)
def test_without_the_directive_the_linter_is_silent_about_the_same(text):
    assert _warnings(_checked(text).replace("# check=error=true", "# no directive")) == set()


@pytest.mark.parametrize(
    "text",
    [
        "# check=skip=all\nFROM scratch as a\n",
        "# check=skip=FromAsCasing\nFROM scratch as a\n",
        "# syntax=docker/dockerfile:1\nFROM scratch as a\n",
        "# check=nope=1\nFROM scratch as a\n",
    ],
)
def test_the_linter_does_not_warn_of_what_is_skipped_read_by_others_or_refused(text):
    assert _warnings(text) == set()


@pytest.mark.parametrize("text", CLEAN)
def test_what_the_linter_does_not_find_is_accepted(text):
    assert _refused_here(_checked(text)) is None


@pytest.mark.parametrize("text", FOUND)
def test_without_the_directive_nothing_is_refused(text):
    assert _refused_here(_checked(text).partition("\n")[2]) is None


def test_what_a_base_may_have_set_is_not_refused():
    text = "# check=error=true\nFROM base\nENV A=$B\nCMD x\nWORKDIR $C\n"
    sets_all = BaseImage(("layer",), ("B=1", "C=/c"), "", "", _BASH)
    assert _refused_here(text) is None
    assert _refused_here(text, bases={"base": sets_all}) is None
    assert _rules(_refused_here(text, bases={"base": BaseImage(("layer",))})) == {"UndefinedVar", _JSON, "WorkdirRelativePath"}


def test_of_many_findings_the_first_are_told():
    error = _refused_here("# check=error=true\nFROM scratch\n" + "MAINTAINER me\n" * 7)
    assert error is not None
    assert error.fix.endswith("line 7: Maintainer instruction is deprecated in favor of using label; and 2 more.")


def test_another_frontend_may_have_other_rules():
    assert _refused_here("# syntax=docker/dockerfile:1\n# check=error=true\nFROM base\nMAINTAINER me\n") is None


def test_a_default_counts_where_an_argument_is_given():
    text = "# check=error=true\nARG IMAGE\nFROM $IMAGE\n"
    assert _rules(_refused_here(text, {"IMAGE": "scratch"})) == {"InvalidDefaultArgInFrom"}
    assert _refused_here(text.replace("IMAGE\nF", "IMAGE=scratch\nF"), {"IMAGE": "base"}) is None


def _built(text, folder, *options):
    """What BuildKit says, and the lines and sentences of its warnings."""
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(text)
    command = [buildx(), "build", "--progress=plain", "--output", "type=cacheonly", *options, str(folder)]
    for _ in range(12):
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=HANG_SECONDS)
        if _reported(told.stderr) <= set(re.findall(r"WARN: (\w+):", told.stderr)):
            break  # now and then a build that fails this early ends before all of its warnings are shown
    warnings = re.findall(r"WARN: \w+: (.*?)(?: \(did you mean [^)]*\))? \(line (\d+)\)$", told.stderr, re.MULTILINE)
    return told, {(int(line), sentence.lower()) for sentence, line in warnings}


@pytest.mark.engine
@pytest.mark.parametrize("text", [*FOUND, *CLEAN])
def test_buildkit_finds_the_same_at_the_same_lines(text, tmp_path):
    told, warnings = _built(_checked(text), tmp_path / "context")
    ours = _refused_here(_checked(text))
    assert _reported(told.stderr) == _rules(ours)
    assert warnings == _findings(ours)
    assert (told.returncode == 0) == (ours is None)


@pytest.mark.engine
def test_buildkit_looks_at_the_default_too(tmp_path):
    text = f"# check=error=true\nARG IMAGE\nFROM $IMAGE\n{_COPY}"
    told, warnings = _built(text, tmp_path / "context", "--build-arg", "IMAGE=scratch")
    assert told.returncode
    assert warnings == _findings(_refused_here(text, {"IMAGE": "scratch"}))


@pytest.mark.engine
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("how", ["directive", "argument"])
def test_buildkit_takes_the_same_options(options, how, tmp_path):
    text = f"FROM scratch as Foo\n{_COPY}"
    if how == "directive":
        (told, _), ours = (
            _built(f"# check={options}\n{text}", tmp_path / "context"),
            _refused_here(f"# check={options}\n{text}"),
        )
    else:
        argument = f"BUILDKIT_DOCKERFILE_CHECK={options}"
        told, _ = _built(f"# check=error=true\n{text}", tmp_path / "context", "--build-arg", argument)
        ours = _refused_here(f"# check=error=true\n{text}", dict([argument.split("=", 1)]))
    assert (told.returncode == 0) == (ours is None)
    if ours is not None and not _rules(ours):
        assert ours.what.removeprefix("Dockerfile: ").rstrip(".") in told.stderr
    elif ours is not None:
        assert _rules(ours) == _reported(told.stderr)
