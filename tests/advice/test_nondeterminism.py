"""The usual causes of a step that does not come out the same twice."""

from __future__ import annotations

import pytest

from speedkit.advice import unsteady_steps
from speedkit.apps import Probe
from tests.cache.situations import manifest, situation
from tests.cpu_budget import within_cpu_seconds


def reasons(instructions: str, files=None) -> dict[int, str]:
    found = unsteady_steps(situation(f"FROM base:1.2\n{instructions}\n", files))
    return {step.line: step.because for step in found}


@pytest.mark.parametrize(
    ("instruction", "word"),
    [
        ("RUN echo $(date) > /built", "time"),
        ("RUN date +%s > /built", "time"),
        ("RUN apt-get update && apt-get install -y curl", "package server"),
        ("RUN curl -fsSL https://example.org/releases/latest/tool -o /tool", "newest"),
        ("RUN go install example.org/tool@latest", "newest"),
        ("RUN git clone https://example.org/x.git", "repository"),
        ("RUN go get example.org/tool", "newest"),
        ("RUN apk add --no-cache --virtual=.build curl", "package server"),
        ("RUN npm install -g yarn", "`@`"),
        ("RUN npm install", "lock file"),
        ("RUN pip install requests", "=="),
        ('RUN npm install -g "x@^2"', "`x@^2`"),
        ("RUN npm i -g x@~1.2.3", "`x@~1.2.3`"),
        ("RUN npm install -g x@2", "`x@2`"),
        ("RUN npm install -g x@1.2.x", "`x@1.2.x`"),
        ("RUN npm install -g x@latest", "newest"),
        ("RUN npm install -g x@next", "`x@next`"),
        ("RUN npm install --location=global @types/node", "`@`"),
        ("RUN npm install -g x@1.2.3 y", "`@`"),
        ("RUN npm install -g x@1.2.3 && npm install -g y@^1", "`y@^1`"),
        ("RUN yarn global add x@^1.0.0", "`x@^1.0.0`"),
        ("RUN pnpm add -g x", "`@`"),
        ('RUN pip install "x>=1"', "`x>=1`"),
        ("RUN pip install 'x ~= 1.4'", "`x~=1.4`"),
        ("RUN pip install x==1.*", "`x==1.*`"),
        ("RUN pip install x==1.0 y", "=="),
        ("RUN pip install -r requirements.txt y", "=="),
        ("RUN python3 -m pip --no-cache-dir install -U pip", "=="),
        ("RUN pipx install poetry", "=="),
        ("RUN uv tool install ruff", "=="),
        ("RUN pip install git+https://example.org/x@main", "`git+https://example.org/x@main`"),
        ("RUN go install example.org/tool@v1", "`example.org/tool@v1`"),
        ("RUN go install -v example.org/tool@master", "`example.org/tool@master`"),
        ("RUN go run example.org/tool@v1.2 x", "`example.org/tool@v1.2`"),
        ("RUN cargo install ripgrep", "newest"),
        ("RUN cargo install --locked --version ^14 ripgrep", "newest"),
        ("RUN cargo install --version=14 ripgrep", "newest"),
        ("RUN cargo install ripgrep@14", "`ripgrep@14`"),
        ("RUN cargo install --git https://example.org/x.git", "repository"),
        ("RUN gem install rake", "newest"),
        ("RUN gem install rake -v '~> 13'", "newest"),
        ("RUN apk add 'curl>8' git=2.40-r0", "package server"),
        ("RUN apk add curl=8.5.0-r0 git", "package server"),
        ("RUN xx-apk add gcc", "package server"),
        ("RUN head -c 8 /dev/urandom > /id", "random"),
        ("RUN <<EOT\necho $(date)\nEOT", "time"),
        ("ADD https://example.org/tool /tool", "--checksum"),
        ("ARG BUILD_DATE", "late"),
    ],
)
def test_a_usual_cause_is_named_at_its_line(instruction, word):
    assert word in reasons(instruction)[2]


@pytest.mark.parametrize(
    "instruction",
    [
        "RUN apt-get install -y update-notifier",
        "RUN ./update --date-format=iso",
        "RUN go install example.org/tool@v1.2.3",
        "RUN go get ./...",
        "RUN go get -u example.org/tool@v1.2.3",
        "RUN apk add --no-cache curl=8.5.0-r0",
        "RUN apk add 'curl~8.5' git~=2.40",
        "RUN npm install -g yarn@1.22.19",
        "RUN npm install -g @types/node@20.1.0 x@=1.0.0 y@1.2.3-rc.1",
        "RUN npm install -g ./local.tgz x@$VERSION $MORE",
        "RUN npm --prefix /app install -g x@1.2.3 && npm run build",
        "RUN yarn global add x@1.22.19",
        "RUN yarn install --frozen-lockfile",
        "RUN pip install --index-url https://example.org/simple -c constraints.txt x",
        "RUN pip install -e . 'x[all]==1.2' ./y /z.whl '.[dev]'",
        "RUN pip install git+https://example.org/x@v1.2.3 x==${VERSION}",
        "RUN python -m pip install --no-cache-dir -r requirements.txt",
        "RUN uv pip install --system --index-strategy unsafe-best-match --requirements requirements.txt",
        "RUN go install ./cmd/...",
        "RUN go install example.org/tool/v2@v2.0.0-rc.1 example.org/x@3f2a9c1d5b7e",
        "RUN go run example.org/tool@v1.2.3 me@example.org",
        "RUN cargo install --locked --version 14.1.0 ripgrep",
        "RUN cargo install ripgrep@14.1.0 --root /out",
        "RUN cargo install --path .",
        "RUN cargo install --git https://example.org/x.git --rev 3f2a9c1",
        "RUN gem install rake -v 13.0.6 && gem install bundler:2.4.1",
        "RUN apk add --virtual .build curl=8.5.0-r0",
        "RUN apk add --no-cache --repository https://example.org/edge curl=8.5.0-r0 $MORE",
        "RUN echo 'it is about pip'; pip --version",
        "RUN npm ci",
        "RUN pip install -r requirements.txt",
        "RUN pip install requests==2.32.0",
        f"RUN git clone https://example.org/x.git && git -C x checkout {'a' * 40}",
        f"ADD --checksum=sha256:{'a' * 64} https://example.org/tool /tool",
        "ARG LEVEL",
        "COPY a /a",
    ],
)
def test_what_is_pinned_is_not_named(instruction):
    assert reasons(instruction) == {}


def test_a_base_without_a_version_is_named_and_one_with_a_version_or_digest_is_not():
    def lines(base: str) -> list[int]:
        return [step.line for step in unsteady_steps(situation(f"FROM {base}\nRUN true\n"))]

    assert lines("golang:alpine") == lines("registry.example:5000/golang") == lines("golang:latest") == [1]
    assert lines("golang:1.24-alpine") == lines(f"golang@sha256:{'a' * 64}") == lines("scratch") == []


def test_git_in_the_context_is_named_where_it_is_taken():
    with_git = manifest(a="1", __git="", __git_in_HEAD="ref")
    assert "`.git`" in reasons("COPY . /src", with_git)[2]
    assert "`.git`" in reasons("RUN --mount=type=bind,target=. git describe", with_git)[2]
    assert reasons("COPY a /a", with_git) == {}
    assert reasons("COPY . /src", manifest(a="1")) == {}
    assert reasons("COPY --from=base . /src", with_git) == {}


def test_stages_that_the_target_does_not_use_say_nothing():
    text = "FROM base:1 AS unused\nRUN date\nFROM base:1\nRUN true\n"
    assert unsteady_steps(situation(text)) == ()


@pytest.mark.slow
def test_no_command_line_is_slow_to_look_at():
    code = """
from speedkit.advice.package_installs import loose_installs
from speedkit.advice.nondeterminism import _reasons
from speedkit.context import Manifest
from speedkit.dockerfile import read_dockerfile
for command in (
    "pip install " + "://@" * 15_000, "npm install " + "a@npm:" * 10_000, "npm " + "-x/npm " * 8_000, "go get " * 8_000,
    "curl http://x/ " * 4_000, "git clone " * 6_000 + "0" * 40, "npm install " * 5_000, "gem install " + "a:1.1" * 12_000,
):
    (run,) = [one for one in read_dockerfile(f"FROM a\\nRUN {command}\\n").instructions if one.keyword == "RUN"]
    list(_reasons(run, "", Manifest(())))
"""
    within_cpu_seconds(30, code)


def test_what_an_engine_or_a_container_answers_may_be_nested_without_end():
    assert not Probe(port=80, path="/", field="a", value="b").accepts("[" * 100_000)
