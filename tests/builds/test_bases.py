"""Which images stand under a build, with an engine that only says what it has."""

from __future__ import annotations

import pytest

from speedkit.builders import base_choice as module
from speedkit.builders.base_choice import bases_now, build_bases
from speedkit.engine.base_images import ResolvedBase
from speedkit.errors import NoBaseImage

DESCRIBED = {"Id": "sha256:id", "Os": "linux", "Architecture": "amd64", "RootFS": {"Layers": ["sha256:one"]}, "Config": {}}


@pytest.fixture
def engine(monkeypatch):
    """An engine that has `alpine` alone."""
    monkeypatch.setattr(module, "plain_base", lambda _, name: name if name == "alpine" else None)
    monkeypatch.setattr(module, "ready_base", lambda *_, **__: None)
    monkeypatch.setattr(module, "isolated_name", lambda *_, **__: "isolated")
    monkeypatch.setattr(module, "has_image", lambda _, name: name == "alpine")
    monkeypatch.setattr(module, "extended_names", lambda *_: ("trusting",))
    monkeypatch.setattr(module, "inspect_image", lambda *_: DESCRIBED)


@pytest.mark.parametrize(("isolation", "layers"), [(None, ["certificates"]), ("token", ["certificates", "token"])])
@pytest.mark.usefixtures("engine")
def test_an_image_that_is_only_extended_by_the_build_is_on_the_machine_with_layers_that_nothing_was_built_on(isolation, layers):
    found = bases_now(None, "FROM alpine\nRUN x\n", build_args={}, target=None, isolation=isolation, before={})
    assert found["alpine"]["layers"] == ["sha256:one", *layers]
    assert not found["alpine"].get("gone")
    assert found["alpine"]["platform"] == "linux/amd64"


@pytest.mark.usefixtures("engine")
def test_an_extended_image_that_was_swept_comes_out_as_it_was():
    before = {"alpine": {"used": "trusting", "layers": ["sha256:one", "sha256:certificates"]}}
    found = bases_now(None, "FROM alpine\nRUN x\n", build_args={}, target=None, isolation="token", before=before)
    assert found["alpine"] == before["alpine"]


@pytest.mark.usefixtures("engine")
def test_an_image_that_is_not_here_is_gone():
    found = bases_now(None, "FROM other\nRUN x\n", build_args={}, target=None, isolation=None, before={})
    assert found["other"] == {"gone": True}


@pytest.mark.parametrize(
    "text",
    [
        "FROM alpine AS alpine\nRUN x\n",
        "FROM docker.io/library/alpine:latest AS Alpine\n",
        "FROM alpine AS a\nFROM a AS alpine\n",
    ],
)
def test_a_stage_called_as_an_image_that_another_takes_the_place_of_is_refused(monkeypatch, text):
    def resolved(_, reference, **__):
        return ResolvedBase(reference, "stand-in", stand_in=True, described=DESCRIBED)

    monkeypatch.setattr(module, "resolve_base", resolved)
    given = {"build_args": {}, "target": None, "isolation": None, "extend_ca": False}
    with pytest.raises(NoBaseImage, match="has the name of an image"):
        build_bases(None, text, **given)
    assert build_bases(None, "FROM alpine AS other\n", **given).named_contexts
