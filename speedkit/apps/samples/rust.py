"""The sample app in Rust: axum, with crates that cargo downloads and compiles."""

from __future__ import annotations

import re

from .language import SampleLanguage

__all__ = ["LANGUAGE"]

SERDE = 'serde = { version = "1", features = ["derive"] }\n'
AXUM_IMPORT = "use axum::{extract::Query, routing::get, Json, Router};\n"
SIGNATURE = "-> Json<Reply> {\n    Json("
HEADERS = """\
    let mut headers = HeaderMap::new();
    headers.insert("x-request-id", fastrand::u64(..).into());
"""
# As cargo writes it, in its order. The crate has no dependencies of its own.
ENTRY_AFTER = '[[package]]\nname = "form_urlencoded"\n'
FASTRAND = """\
[[package]]
name = "fastrand"
version = "2.5.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "da7c62ceae207dd37ea5b845da6a0696c799f85e97da1ab5b7910be3c1c80223"

"""
OWN_DEPENDENCIES = 'dependencies = [\n "axum",\n "serde",\n'

LANGUAGE = SampleLanguage(
    name="rust",
    source="src/main.rs",
    first_files=("src/main.rs", "Cargo.toml"),
    strategies=("naive", "optimized", "warm", "mounts"),
    answer_field=re.compile(r"struct Reply \{\n    (\w+):"),
    rename_field=(
        ("struct Reply {\n    text: String", "struct Reply {\n    message: String"),
        ("Reply { text: question", "Reply { message: question"),
    ),
    broken=(("question.text })", "question.text }"),),
    comment_after="#[tokio::main]",
    comment_mark="//",
    package="fastrand",
    package_changes={
        "src/main.rs": (
            (AXUM_IMPORT, "use axum::{extract::Query, http::HeaderMap, routing::get, Json, Router};\n"),
            (SIGNATURE, f"-> (HeaderMap, Json<Reply>) {{\n{HEADERS}    (headers, Json("),
            ("question.text })\n", "question.text }))\n"),
        ),
        "Cargo.toml": ((SERDE, f'fastrand = "2"\n{SERDE}'),),
        "Cargo.lock": (
            (ENTRY_AFTER, f"{FASTRAND}{ENTRY_AFTER}"),
            (OWN_DEPENDENCIES, OWN_DEPENDENCIES.replace(' "serde"', ' "fastrand",\n "serde"')),
        ),
    },
)
