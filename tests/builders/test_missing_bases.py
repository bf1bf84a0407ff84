"""Which base images are made as stand-ins before a build, and what is said about one that cannot be made."""

from __future__ import annotations

import pytest

from speedkit.apps import SAMPLE_LANGUAGES, own_app, sample_app
from speedkit.builders import BaseRequest, base_choice, make_stand_ins
from speedkit.errors import SetupError

DOCKERFILE = """\
FROM python:3.13-slim AS builder
COPY --from=ghcr.io/astral-sh/uv:latest /uv /bin/
FROM node:24-slim
COPY --from=company.example/tools /tool /
COPY --from=builder /x /x
"""


@pytest.fixture
def made(monkeypatch):
    """The keys of the stand-ins that are made. The engine has the image of node, and a registry hands out that of uv."""
    keys = []
    monkeypatch.setattr(base_choice, "plain_base", lambda _engine, name: name if name.startswith("node") else None)
    monkeypatch.setattr(base_choice, "pull_image", lambda _engine, name: None if "uv" in name else "nobody answers")
    monkeypatch.setattr(base_choice, "make_stand_in_image", lambda _engine, stand_in, _say: keys.append(stand_in.key))
    return keys


def test_only_what_no_registry_hands_out_and_a_family_can_make_is_made(made):
    said = []
    make_stand_ins(None, BaseRequest(DOCKERFILE, {}, None, None), said.append)
    assert made == ["python:3.13-slim-trixie"]
    assert said == []


def test_a_stand_in_that_cannot_be_made_is_told_and_ends_no_build(made, monkeypatch):
    def refused(*_):
        raise SetupError("It takes Debian.", fix="Pull it.")

    said = []
    monkeypatch.setattr(base_choice, "make_stand_in_image", refused)
    make_stand_ins(None, BaseRequest(DOCKERFILE, {}, None, None), said.append)
    assert said == ["It takes Debian. Pull it."]


def test_only_sample_apps_whose_bases_set_up_does_not_make_bring_them(folder):
    makes = {}
    for language in SAMPLE_LANGUAGES:
        with sample_app(language) as app:
            makes[language] = app.makes_stand_ins
    with own_app(folder({"Dockerfile": "FROM python:3.13-slim\n"})) as own:
        makes["own"] = own.makes_stand_ins
    assert makes == {"go": False, "python": True, "node": True, "rust": True, "java": True, "own": False}
