"""Where a builder cannot export caches, that is said before anything is built."""

from __future__ import annotations

import pytest

from speedkit.apps import app_in_place, own_app
from speedkit.builders import EngineBuilder
from speedkit.builds import start_build
from speedkit.errors import BuilderCannot

pytestmark = pytest.mark.engine
TEXT = "FROM scratch\nLABEL a=1\n"


def test_an_engine_says_whether_it_exports_caches(engine, containerd_engine):
    assert EngineBuilder(containerd_engine).exports_caches
    assert EngineBuilder(engine).exports_caches == (engine.storage_driver != "overlay2")


def test_an_engine_that_cannot_refuses_in_words(engine, folder, tmp_path):
    if EngineBuilder(engine).exports_caches:
        pytest.skip("This engine has containerd's image store, which exports caches.")
    with pytest.raises(BuilderCannot, match="can only export a cache of type=inline"):
        start_build(app_in_place(folder({"Dockerfile": TEXT})), cache_to=[f"type=local,dest={tmp_path / 'cache'}"])


def test_a_build_that_is_refused_leaves_the_next_one_the_first(engine, folder, tmp_path):
    if EngineBuilder(engine).exports_caches:
        pytest.skip("This engine has containerd's image store, which exports caches.")
    with own_app(folder({"Dockerfile": TEXT})) as app:
        with pytest.raises(BuilderCannot):
            start_build(app, cache_to=[f"type=local,dest={tmp_path / 'cache'}"])
        assert start_build(app).wait().edit == "cold"


def test_a_cache_inside_the_image_is_no_matter_of_the_store(folder):
    assert start_build(app_in_place(folder({"Dockerfile": TEXT})), cache_to=["type=inline"]).wait().ok
