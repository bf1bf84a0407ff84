"""A small project with a Dockerfile of two stages, for checks."""

from __future__ import annotations

DOCKERFILE = """\
FROM alpine AS build
ARG VERSION
WORKDIR /app
COPY lock ./
RUN --mount=type=cache,target=/cache \\
    install lock
COPY src src
RUN compile src

FROM scratch
COPY --from=build /app/out /out
ENV A=1
"""
FILES = {
    "Dockerfile": DOCKERFILE,
    ".dockerignore": "docs\n",
    "lock": "1",
    "src/a.js": "1",
    "src/deep/b.js": "2",
    "docs/a.md": "text",
}
