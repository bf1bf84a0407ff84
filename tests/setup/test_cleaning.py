"""What `clean` removes and leaves, on the real engine, with a label of the test's own in place of the kit's."""

from __future__ import annotations

import os

import pytest

from speedkit.engine.bases import has_image, resolve_base
from speedkit.engine.containers import CONTAINER_PREFIX
from speedkit.engine.deriving import derive_image
from speedkit.errors import SpeedkitError
from speedkit.setup import cleaning
from speedkit.setup.cleaning import clean
from speedkit.state import state_folder


@pytest.fixture
def token(monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path))
    token = os.urandom(6).hex()
    monkeypatch.setattr(cleaning, "LABEL", f"dev.speedkit.test-{token}")
    return token


@pytest.fixture
def make(engine, token):
    """Makes an image with a file of its own; whatever is left of them goes afterwards."""
    made: list[str] = []

    def derive(name: str, base: str) -> str:
        made.append(name)
        derive_image(engine, base, name=name, files={"/f": name.encode()}, labels={cleaning.LABEL: "1"})
        return name

    yield derive
    for name in made:
        if has_image(engine, name):
            engine.api.remove_image(name, force=True)


@pytest.mark.engine
def test_our_images_go_and_what_others_named_stays(engine, token, make):
    first = make(f"speedkit/test-clean-{token}:1", resolve_base(engine, "alpine").used)
    second = make(f"speedkit/test-clean-{token}:2", first)
    theirs = make(f"somebody-{token}:1", second)
    done = clean(engine, recordings=False)
    assert [has_image(engine, name) for name in (first, second, theirs)] == [False, False, True]
    assert done.images >= 2
    assert clean(engine, recordings=False).images == 0


@pytest.mark.engine
def test_an_image_without_our_label_stays_whatever_its_name(engine, token, make, monkeypatch):
    name = make(f"speedkit/test-clean-{token}:3", resolve_base(engine, "alpine").used)
    monkeypatch.setattr(cleaning, "LABEL", f"dev.speedkit.test-{token}-other")
    assert clean(engine, recordings=False).images == 0
    assert has_image(engine, name)


@pytest.mark.engine
def test_a_container_somebody_runs_of_our_image_stays_and_keeps_its_image(engine, token, make):
    name = make(f"speedkit/test-clean-{token}:4", resolve_base(engine, "alpine").used)
    ours = engine.api.create_container(name, ["true"], name=f"{CONTAINER_PREFIX}test-{token}")["Id"]
    theirs = engine.api.create_container(name, ["true"], name=f"somebodys-{CONTAINER_PREFIX}test-{token}")["Id"]
    try:
        assert clean(engine, recordings=False).containers == 1
        left = [found["Id"] for found in engine.api.containers(all=True, filters={"label": cleaning.LABEL})]
        assert left == [theirs]
        assert engine.api.inspect_container(theirs)["Image"]
    finally:
        for container in {ours, theirs} & {found["Id"] for found in engine.api.containers(all=True)}:
            engine.api.remove_container(container, force=True)


def test_recordings_stay_unless_they_are_named(token):
    for part in ("work", "host-caches", "dockerfiles", "engine"):
        (state_folder(part) / "file").touch()
    state_folder("recordings", "one")
    assert clean(None, recordings=False) == cleaning.Cleaned(0, 0, 0)
    assert sorted(path.name for path in state_folder().iterdir()) == ["engine", "recordings"]
    assert clean(None, recordings=True).recordings == 1
    assert [path.name for path in state_folder().iterdir()] == ["engine"]


@pytest.mark.engine
def test_nothing_is_removed_where_the_state_folder_cannot_be_made(engine, token, make, monkeypatch, tmp_path):
    name = make(f"speedkit/test-clean-{token}:4", resolve_base(engine, "alpine").used)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(SpeedkitError, match="SPEEDKIT_HOME"):
        clean(engine, recordings=False)
    assert has_image(engine, name)
