"""The sample app in Go, the service of the article: gin, with modules of the Go module proxy."""

from __future__ import annotations

import re

from .language import SampleLanguage

__all__ = ["LANGUAGE"]

GIN_IMPORT = '\t"github.com/gin-gonic/gin"\n'
GIN = "require github.com/gin-gonic/gin v1.10.1\n"
ECHO = "func echo(context *gin.Context) {\n"
# The sums are those that `go mod tidy` writes, in its order. The module has no dependencies of its own.
SUM_BEFORE = "github.com/google/gofuzz v1.0.0/go.mod h1:dBl0BpW6vV/+mYPU4Po3pmUjxk6FQPldtuIdl/M65Eg=\n"
SUMS = """\
github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=
github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=
"""

LANGUAGE = SampleLanguage(
    name="go",
    source="main.go",
    first_files=("main.go", "go.mod"),
    strategies=("host", "chained", "naive", "stages", "optimized", "warm", "mounts", "scratch"),
    answer_field=re.compile(r'json:"(\w+)"'),
    rename_field=(('Text string `json:"text"`', 'Message string `json:"message"`'), ("{Text:", "{Message:")),
    broken=(('context.Query("text")', 'context.Query("text"'),),
    comment_after="package main",
    comment_mark="//",
    package="github.com/google/uuid",
    package_changes={
        "main.go": (
            (GIN_IMPORT, f'{GIN_IMPORT}\t"github.com/google/uuid"\n'),
            (ECHO, f'{ECHO}\tcontext.Header("X-Request-Id", uuid.NewString())\n'),
        ),
        "go.mod": ((GIN, f"{GIN}\nrequire github.com/google/uuid v1.6.0\n"),),
        "go.sum": ((SUM_BEFORE, f"{SUM_BEFORE}{SUMS}"),),
    },
    products=frozenset({"speedup"}),
)
