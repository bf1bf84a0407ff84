"""Dockerfiles that BuildKit rejects are rejected here at the same line, for the same reason; and nothing else is."""

from __future__ import annotations

import re
import subprocess

import pytest

from speedkit.context import Entry, Manifest
from speedkit.dockerfile import read_dockerfile
from speedkit.errors import DockerfileError
from speedkit.forecast import Situation, predict
from tests.conformance.building import BUILDX
from tests.dockerfile.test_reading import REJECTED

pytestmark = pytest.mark.engine

MORE = (
    "FROM $NONE\n",
    "FROM scratch\nCOPY --from=7 /x /y\n",
    "FROM scratch\nCOPY\n",
    "FROM scratch\nSHELL []\n",
    "FROM scratch\nWORKDIR a b c\nUSER a b\nUSER\n",
    "FROM scratch\nENV A\n",
    "FROM scratch\nARG\n",
    "FROM scratch AS a.b-c_d\n",
    "FROM scratch AS Ä\n",
    "FROM scratch\nRUN --mount=type=bind,from=$X,target=/x true\n",
    "FROM scratch\nVOLUME\n",
    "FROM scratch\nMAINTAINER\n",
    "FROM scratch\nLABEL a\n",
    "FROM scratch\nHEALTHCHECK\n",
    "FROM scratch\n\\\n",
    "FROM scratch\nRUN --nope true\n",
    "FROM scratch\nRUN --security=sandbox true\n",
    "FROM scratch\nRUN --device=x true\n",
    "FROM scratch\nCOPY --parents a /\n",
    "FROM scratch\nARG A\nVOLUME $A\n",
    "FROM scratch AS a\nCOPY --from=b /x /\nFROM scratch AS b\n",
    "FROM scratch\nCOPY --from=$X /x /\n",
    "FROM scratch\nCOPY --chmod=888 Dockerfile /\n",
    "FROM scratch\nADD --checksum=sha256:0 Dockerfile /\n",
    "FROM scratch\nCOPY https://example.org/x /\n",
    "FROM --platform=$NOPE scratch\n",
    "FROM scratch\nRUN --mount=type=tmpfs,target=/x,uid=1 true\n",
    "FROM scratch\nRUN --mount=type=bind,sharing=locked,target=/x true\n",
    "FROM scratch\nRUN --mount=type=cache,target=/ true\n",
    "FROM scratch\nRUN --mount=type=secret,required=maybe,id=x true\n",
    "FROM scratch\nRUN --network=what true\n",
    "FROM scratch\nHEALTHCHECK --interval=3 CMD x\n",
    "FROM scratch\nHEALTHCHECK --retries=x CMD x\n",
    "FROM scratch\nENV =x\n",
    "FROM scratch\nARG =x\n",
    "FROM scratch\nRUN --mount=type=cache,target=/x,id true\n",
    "FROM scratch\nRUN --mount=type=secret,target true\n",
)
ACCEPTED = (
    "FROM scratch\nCMD\n",
    "FROM scratch\nENTRYPOINT []\n",
    "FROM scratch\nEXPOSE 80/tcp 90\n",
    "from scratch\nworkdir /a\ncmd x\n",
    'FROM scratch\nCOPY ["Dockerfile", "/x y"]\n',
    "FROM scratch\nHEALTHCHECK --interval=3s CMD x\nHEALTHCHECK NONE\n",
    "FROM scratch\nONBUILD RUN <<EOF\nx\nEOF\n",
    "FROM scratch\nCOPY --link=false --chmod=0755 Dockerfile /x\n",
    '# check=skip=all\nFROM scratch\nLABEL a=b c="d e"\n',
)


def _refused_by_buildkit(text, folder):
    """The line and reason of BuildKit's refusal; None when it built."""
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(text)
    asked = subprocess.run(
        [BUILDX, "build", "--progress=plain", "--output", "type=cacheonly", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if asked.returncode == 0:
        return None
    line = re.search(r"^Dockerfile:(\d+)", asked.stderr, re.MULTILINE)
    return (int(line[1]) if line else None, asked.stderr)


_CONTEXT = Manifest((Entry("Dockerfile", "file", 1, 0o644, "digest", ""),))


def _refused_here(text):
    try:
        predict([], Situation(read_dockerfile(text), _CONTEXT))
    except DockerfileError as error:
        return error
    return None


def _core(reason: str) -> str:
    """BuildKit's words without where it is, and without quotes, which it writes in two ways."""
    reason = re.sub(r"^Dockerfile(, line \d+)?: ", "", reason)
    return re.sub(r"[\\\"`]", "", reason).rstrip(".").removeprefix("failed to process ")


@pytest.mark.parametrize("text", [*REJECTED, *MORE])
def test_what_is_rejected_is_rejected_at_the_same_line_for_the_same_reason(text, tmp_path):
    text = text.replace("FROM a\n", "FROM scratch\n")
    theirs, ours = _refused_by_buildkit(text, tmp_path / "context"), _refused_here(text)
    if theirs is None:
        assert ours is None
        return
    assert ours is not None
    assert _core(ours.what) in re.sub(r"[\\\"`]", "", theirs[1])
    assert ours.line is None or theirs[0] is None or ours.line == theirs[0]


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_buildkit_accepts_is_accepted(text, tmp_path):
    assert _refused_by_buildkit(text, tmp_path / "context") is None
    assert _refused_here(text) is None
