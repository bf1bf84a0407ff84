"""Dockerfiles that BuildKit rejects are rejected here at the same line, for the same reason; and nothing else is."""

from __future__ import annotations

import re
import subprocess

import pytest

from speedkit.cache import Situation, predict
from speedkit.context import Entry, Manifest
from speedkit.dockerfile import read_dockerfile
from speedkit.errors import DockerfileError
from tests.conformance.building import buildx
from tests.dockerfile.test_dockerfile_reader import REJECTED
from tests.waiting import HANG_SECONDS

pytestmark = pytest.mark.engine

MORE = (
    "FROM scratch\nEXPOSE src /x\n",
    "FROM scratch\nRUN echo ${A%.*} ${B#v} ${C/a/b} <<EOF\nx\n",
    "FROM scratch\nRUN echo ${A^^} <<EOF\nx\nEOF\n",
    "FROM scratch\napk add git\n",
    "FROM scratch\nRun-It now\n",
    "FROM scratch\n--mount=type=cache true\n",
    "FROM --link=x\n",
    "FROM --platform=linux/amd64\n",
    "FROM --nope scratch AS 9\n",
    "FROM scratch\nSHELL --network=none\n",
    "FROM scratch\nENV --nope\n",
    "FROM scratch\nLABEL --nope\n",
    "FROM scratch\nWORKDIR --nope\n",
    "FROM scratch\nEXPOSE --nope\n",
    "FROM scratch\nVOLUME --nope\n",
    "FROM scratch\nUSER --nope\n",
    "FROM scratch\nCOPY --nope x\n",
    "FROM scratch\nHEALTHCHECK --nope FOO x\n",
    "FROM scratch\nHEALTHCHECK --nope NONE x\n",
    "STOPSIGNAL 9\n",
    "RUN true\nFROM scratch\n",
    "ARG X\nRUN true\nCOPY x\n",
    "COPY x\nFROM scratch\n",
    "\n\n\n",
    "# escape=x\nFROM scratch\n",
    "FROM scratch\n\\\n",
    "FROM ${X\n",
    "FROM scratch\nENV a=${b:}\n",
    "FROM scratch\nENV a=${b-${c\n",
    "FROM scratch\nSTOPSIGNAL FOO\n",
    "FROM scratch\nARG X=SIGFOO\nSTOPSIGNAL $X\n",
    "FROM scratch AS unused\nSTOPSIGNAL FOO\nFROM scratch\nCOPY Dockerfile /\n",
    "FROM scratch\nEXPOSE 80 foo 90\n",
    "FROM scratch\nEXPOSE 80/xyz\n",
    'FROM scratch\nEXPOSE ["80"]\n',
    "FROM scratch\nLABEL a=${b:?x}\n",
    "FROM scratch AS unused\nHEALTHCHECK --interval=1d CMD a\nFROM scratch\nCOPY Dockerfile /\n",
    "FROM scratch\nHEALTHCHECK --interval=999us CMD a\n",
    "FROM scratch\nHEALTHCHECK --retries=99999999999 CMD a\n",
    "FROM --platform=foo scratch AS unused\nFROM scratch\nCOPY Dockerfile /\n",
    "FROM --platform=linux/ scratch\n",
    "FROM UPPER AS unused\nFROM scratch\nCOPY Dockerfile /\n",
    "FROM a:b:c\n",
    "FROM scratch AS unused\nCOPY --from=UPPER /x /y\nFROM scratch\nCOPY Dockerfile /\n",
    "FROM scratch\nRUN --mount=from=UPPER,target=/x true\n",
    "FROM scratch AS a\nCOPY --from=a /x /y\n",
    "FROM scratch\nCOPY --from=0 /x /y\n",
    "FROM scratch\nCOPY --from=-1 /x /y\n",
    "FROM scratch AS a\nCOPY --from=c /a /\nFROM scratch AS b\nCOPY --from=a /a /\nFROM scratch AS c\nCOPY --from=b /a /\n",
    "FROM scratch AS a\nCOPY --from=b /a /x\nFROM a AS b\nCOPY Dockerfile /\n",
    "FROM scratch AS a\nRUN --mount=from=b,target=/x true\nFROM a AS b\nCOPY Dockerfile /\n",
    "FROM scratch AS a\nONBUILD COPY a\nFROM a\n",
    "FROM scratch AS a\nONBUILD FOO\nFROM a\n",
    "FROM scratch AS a\nONBUILD RUN --nope x\nFROM a\n",
    "FROM scratch\nCOPY --link= Dockerfile /\n",
    "FROM scratch\nCOPY --chmod=u+q Dockerfile /\n",
    "FROM scratch\nCOPY --chmod=0o755 Dockerfile /\n",
    "FROM scratch\nCOPY --chown=nobody Dockerfile /\n",
    "FROM scratch\nCOPY --exclude=[ Dockerfile /\n",
    "FROM scratch\nCOPY [a /\n",
    "FROM scratch\nCOPY [z-a] /\n",
    "FROM scratch\nCOPY <<EOF /x\n${X:?bad}\nEOF\n",
    "FROM scratch\nADD --checksum=md5:abc http://127.0.0.1:9/x /\n",
    "FROM scratch\nRUN []\n",
    "FROM scratch\nRUN --network=host true\n",
    "FROM scratch\nRUN echo $((1 << 3))\n",
    "FROM scratch\nRUN --mount= true\n",
    "FROM scratch\nRUN --mount=type=cache,target=/x,ro=maybe true\n",
    "FROM scratch\nRUN --mount=size=1,type=tmpfs,target=/x true\n",
    "FROM scratch\nRUN --mount=type=tmpfs,target=/x,size=foo true\n",
    "FROM scratch\nRUN --mount=type=secret true\n",
    "FROM scratch\nRUN --mount=type=secret,id=x,source=y true\n",
    "FROM scratch\nRUN --mount=type=ssh,source=y true\n",
    "FROM scratch\nRUN --mount=type=cache,target=/x,required true\n",
    "FROM a\nRUN --mount=type=cache,what=1 x\n",
    "FROM a\nRUN --mount=type=nfs,target=/x x\n",
    "FROM a\nRUN --mount=type=cache,target x\n",
    "FROM a\nRUN --mount=type=cache,target=/x,mode=9 x\n",
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
    "FROM scratch\nARG --mount= A\nCOPY Dockerfile /\n",
    "FROM scratch AS unused\nRUN cat > ${A%.*}/${B#v}${C/a/b} <<EOF\nhello ${D%x}\nEOF\nFROM scratch\nCOPY Dockerfile /\n",
    "FROM scratch\nSTOPSIGNAL --nope SIGTERM\nCOPY Dockerfile /\n",
    "FROM scratch\nHEALTHCHECK --nope NONE\nCOPY Dockerfile /\n",
    "FROM scratch\nCOPY --chown=-1 Dockerfile /\n",
    "ARG --x a\nFROM scratch\nCOPY Dockerfile /\n",
    "FROM scratch AS unused\nRUN --mount=type=foo,target=/x true\nFROM scratch\nCOPY Dockerfile /\n",
    "FROM scratch AS unused\nRUN cat << EOF > /x\nhello\nEOF\nFROM scratch\nCOPY Dockerfile /\n",
    "FROM scratch\nHEALTHCHECK --retries= CMD x\n",
    "FROM scratch\nEXPOSE 127.0.0.1::80 90-91:80 80/Udp\n",
    "FROM scratch\nCOPY --chmod=u=g,o-rwx Dockerfile /x\n",
    "FROM --platform=linux/foo scratch\nCOPY Dockerfile /\n",
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
        [buildx(), "build", "--progress=plain", "--output", "type=cacheonly", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
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
