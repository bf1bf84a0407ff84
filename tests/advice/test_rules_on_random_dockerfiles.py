"""Rules on random Dockerfiles: what they change still parses, they come to an end, and nothing else changes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speedkit.advice import ProjectView, combined, suggest
from speedkit.context import Entry, Manifest
from speedkit.dockerfile import read_dockerfile

FILES = {
    "package.json": '{"name": "app", "scripts": {"build": "next build"}, "dependencies": {"next": "15.0.0"}}',
    "package-lock.json": '{"lockfileVersion": 3, "packages": {"": {"name": "app"}}}',
    "go.mod": "module example.com/app",
    "main.go": "package main",
    "requirements.txt": "flask",
    "pyproject.toml": '[project]\nname = "app"\n[build-system]\n',
    "uv.lock": "",
    "poetry.lock": "",
    "Cargo.toml": '[package]\nname = "app"',
    "src/main.rs": "",
    "pom.xml": "<project/>",
    "gradlew": "",
    "README.md": "",
    "a b/c d.txt": "",
}
ANY_STEPS = (
    "COPY . .",
    "COPY . .",
    "COPY . /app",
    "COPY --chown=1000:1000 src ./src",
    'COPY ["a b/c d.txt", "./"]',
    "ADD . /app/",
    "WORKDIR /app",
    "WORKDIR /app",
    "WORKDIR app",
    "USER node",
    "ENV A=1 B=$A",
    "ARG COMMIT=unknown",
    "RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
    "RUN set -ex; cd src && make",
    "RUN --network=none make",
    'SHELL ["/bin/bash", "-c"]',
    'CMD ["app"]',
    "# a comment",
    "",
)
STEPS = {
    "node:24": (
        "COPY package*.json ./",
        "RUN npm ci",
        "RUN npm install && npm run build",
        "RUN yarn install --frozen-lockfile",
        'RUN ["npm", "ci"]',
        "RUN <<EOF\nset -e\nnpm ci\nEOF",
        'RUN if [ -n "$COMMIT" ]; then npm ci; fi',
        "RUN npm ci \\\n    # why\n\n    --omit=dev \\\n    && npm run build",
    ),
    "golang:1.26": (
        "COPY go.mod ./",
        "RUN go mod download",
        "RUN go build -a -o /bin/app .",
        "RUN \\\n\tgo build .",
        "RUN --mount=type=bind,target=. go build .",
        "RUN --mount=type=cache,target=/root/.cache/go-build go build -a .",
        "RUN make build",
    ),
    "somebody/image": ("COPY go.mod ./", "RUN go build -o /bin/app .", "RUN A=$(cat x) && go build ."),
    "python:3.13": (
        "COPY requirements.txt /tmp",
        "RUN pip install --no-cache-dir -r requirements.txt",
        "RUN pip install poetry && poetry install",
        "RUN uv sync --locked",
        "RUN pip install -r requirements.txt; \\\n echo",
    ),
    "rust:1.94": (
        "COPY Cargo.toml ./",
        "RUN cargo build --release && cp target/release/app /bin/app",
        "RUN cargo build --release",
        "# small\nRUN strip target/release/app",
    ),
    "maven:3": ("COPY pom.xml ./", "RUN mvn package", "RUN ./gradlew build"),
}
LAST_STEPS = (
    "COPY --from=0 /app/target/release/app /bin/",
    "COPY --from=0 /app /app",
    "COPY --from=0 /bin/app /bin/app",
    "COPY . /srv",
)


@st.composite
def dockerfiles(draw):
    lines = ["# syntax=docker/dockerfile:1"] if draw(st.booleans()) else []
    base = draw(st.sampled_from(sorted(STEPS)))
    lines.append(f"FROM {base} AS build")
    lines += draw(st.lists(st.sampled_from(ANY_STEPS), max_size=5))
    lines += draw(st.lists(st.sampled_from((*STEPS[base], *ANY_STEPS[:8])), min_size=1, max_size=6))
    if draw(st.booleans()):
        lines += ["FROM debian:13", *draw(st.lists(st.sampled_from(LAST_STEPS), min_size=1, max_size=2))]
    text = "\n".join(lines) + draw(st.sampled_from(("", "\n")))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    if draw(st.booleans()):
        text = text.replace("RUN ", "run ").replace("COPY ", "copy ")
    return text


def view_of(text, commits):
    folders = {"src", "a b"}
    entries = [Entry(name, "dir", 0, 0o755, "", "") for name in folders]
    entries += [Entry(name, "file", len(body), 0o644, "", "") for name, body in FILES.items()]
    counts = dict.fromkeys(FILES, 3) if commits else {}
    manifest = Manifest(tuple(sorted(entries, key=lambda entry: entry.path.split("/"))))
    return ProjectView(text, "Dockerfile", manifest, FILES.get, change_counts=counts, commits=commits)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(dockerfiles(), st.sampled_from((0, 10)))
@pytest.mark.slow
def test_what_rules_change_parses_and_they_are_silent_on_their_own_result(text, commits):
    view = view_of(text, commits)
    before = accepted(text)
    for suggestion in suggest(view):
        assert before is not None
        after = read_dockerfile(suggestion.files.get("Dockerfile") or text)
        assert [stage.base for stage in after.stages] == [stage.base for stage in before.stages]
        again = suggest(view.with_files(suggestion.files))
        assert [other.rule for other in again if other.rule == suggestion.rule] == []
    together = combined(view)
    if together is not None:
        assert combined(view.with_files(together.files)) is None
        new = together.files.get("Dockerfile")
        assert new is None or line_ends(new) <= line_ends(text) or "\n" not in text


def accepted(text):
    try:
        return read_dockerfile(text)
    except Exception:
        return None


def line_ends(text):
    return {"\r\n" for _ in range(text.count("\r\n"))} | {"\n" for _ in range(text.count("\n") - text.count("\r\n"))}
