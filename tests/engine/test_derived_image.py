from __future__ import annotations

import os

import pytest

from speedkit.engine.base_images import isolated_base, make_image, resolve_base
from speedkit.engine.certificates import BUNDLE_IN_IMAGES
from speedkit.engine.derived_image import derive_image
from speedkit.engine.identity import LABEL
from speedkit.engine.images import describe_image, inspect_image
from speedkit.errors import EngineError

pytestmark = pytest.mark.engine


@pytest.fixture
def named(engine):
    """Names for images of this test, which are removed afterwards."""
    names: list[str] = []

    def name() -> str:
        names.append(f"speedkit/test:derive-{os.urandom(6).hex()}")
        return names[-1]

    yield name
    for made in names:
        engine.api.remove_image(made, force=True)


def content(engine, image: str, path: str) -> str:
    container = engine.api.create_container(image, ["cat", path], entrypoint="", user="0", labels={LABEL: "1"})
    try:
        engine.api.start(container)
        engine.api.wait(container)
        return engine.api.logs(container).decode()
    finally:
        engine.api.remove_container(container, force=True)


def test_the_configuration_survives_and_nothing_of_it_is_used(engine, named, tmp_path):
    odd, derived = named(), named()
    lines = [
        "FROM base",
        "RUN mkdir -p /etc/ssl/certs && echo first > /etc/ssl/certs/real && ln -sf real /etc/ssl/certs/ca-certificates.crt",
        'SHELL ["/bin/sh", "-ec"]',
        "USER nobody",
        "WORKDIR /w",
        "ENV A=1 B=2",
        "ONBUILD RUN false",
        "EXPOSE 80",
        "VOLUME /v",
        'ENTRYPOINT ["x"]',
    ]
    make_image(engine, tmp_path, lines, name=odd, base=resolve_base(engine, "alpine").used)
    derive_image(
        engine,
        odd,
        name=derived,
        kind="trusting",
        files={"/new/file": b"new\n"},
        appended={BUNDLE_IN_IMAGES: b"second\n", "/none": b"x"},
        environment={"B": "3"},
        labels={"a": "b"},
    )
    before, after = inspect_image(engine, odd)["Config"], inspect_image(engine, derived)["Config"]
    assert set(after.pop("Env")) == {*before.pop("Env"), "B=3"} - {"B=2"}
    assert after.pop("Labels") == before.pop("Labels") | {"a": "b"}
    assert after == before
    assert content(engine, derived, "/new/file") == "new\n"
    assert content(engine, derived, BUNDLE_IN_IMAGES) == "first\nsecond\n"
    assert "No such file" in content(engine, derived, "/none")
    assert describe_image(engine, derived, ())["layers"][-1]["command"] == "added by speedkit"


def test_an_image_without_a_shell_or_a_command_can_be_isolated(engine, named, tmp_path):
    bare = named()
    (tmp_path / "f").write_text("f")
    make_image(engine, tmp_path, ["FROM scratch", "COPY f /f"], name=bare)
    isolated = isolated_base(engine, bare, "token", mark_certificates=True)
    try:
        layers = inspect_image(engine, isolated)["RootFS"]["Layers"]
        assert layers[:-1] == inspect_image(engine, bare)["RootFS"]["Layers"]
    finally:
        engine.api.remove_image(isolated)


def test_an_image_that_cannot_be_derived_is_told(engine):
    with pytest.raises(EngineError, match="could not be made from speedkit/never-made"):
        derive_image(engine, "speedkit/never-made", name="speedkit/test:never", kind="trusting")
