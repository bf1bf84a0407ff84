"""What `clean` removes and leaves: on engines of the tests' own, with each of Docker's image stores."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import speedkit as sk
from speedkit.apps.stale_copies import FolderInUse
from speedkit.budget import limit_bytes
from speedkit.engine import image_limit as image_limits
from speedkit.engine.base_images import has_image, isolated_base, make_image, resolve_base
from speedkit.engine.cleanup import KeptObject, sweep_engine
from speedkit.engine.connection import Engine
from speedkit.engine.derived_image import derive_image
from speedkit.engine.identity import CONTAINER_NAME, INSTALLATION_LABEL, LABEL, installation_id
from speedkit.engine.image_limit import keep_images, keep_stand_ins, size_of_images, size_of_stand_ins
from speedkit.engine.image_names import ONLY_HERE, PREFIX, STAND_INS, is_stand_in_name
from speedkit.engine.images import inspect_image
from speedkit.engine.ledger import note_use, notes_of
from speedkit.engine.own_containers import own_container
from speedkit.errors import SpeedkitError
from speedkit.ownership import Owner
from speedkit.recordings.recording import new_number
from speedkit.setup.cleanup import Cleaned, clean
from speedkit.state import state_folder
from tests.processes import another_process
from tests.second_engine import IN_A_NETWORK_OF_ITS_OWN, NoSecondEngine, reason_against, started_engine

BASE = "base:1"
STAND_IN = f"{STAND_INS['alpine']}:latest"
STORES = {"overlay2": {}, "containerd": {"features": {"containerd-snapshotter": True}}}


with_each_store = pytest.mark.parametrize("own_engine", STORES, indirect=True)


@pytest.fixture(scope="module")
def engines(engine):
    """Starts an engine with a store once, and gives it."""
    if reason := reason_against():
        pytest.skip(f"No second engine can run here: {reason}.")
    base = b"".join(engine.api.get_image(resolve_base(engine, "alpine").used))
    started: dict[str, Engine] = {}
    with contextlib.ExitStack() as stack:

        def start(store: str) -> Engine:
            if store not in started:
                try:
                    made = stack.enter_context(started_engine(settings=STORES[store], network=IN_A_NETWORK_OF_ITS_OWN))
                except NoSecondEngine as problem:
                    pytest.skip(f"No second engine can run here: {problem}")
                said = "".join(line.get("stream", "") for line in made.api.load_image(base))
                loaded = said.split("Loaded image: ")[1].splitlines()[0].strip()
                made.api.tag(loaded, *BASE.split(":"))
                made.api.remove_image(loaded)
                started[store] = made
            return started[store]

        yield start


@pytest.fixture
def own_engine(request, engines, home, monkeypatch):
    """An engine that holds nothing but BASE, before and after the test."""
    own = engines(getattr(request, "param", "overlay2"))
    monkeypatch.setenv("DOCKER_HOST", own.host)
    yield own
    for container in own.api.containers(all=True):
        own.api.remove_container(container["Id"], force=True, v=True)
    while left := [image for image in own.api.images(all=True) if image["RepoTags"] != [BASE]]:
        for image in left:
            for name in image["RepoTags"] or [image["Id"]]:
                if name != BASE:
                    own.api.remove_image(name, force=True)


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def app(folder):
    """Gives an app of one layer on BASE."""

    def make(text: str = "one", *, steps: str = "") -> sk.App:
        place = folder({"Dockerfile": f"FROM {BASE}\nCOPY a /\n{steps}", "a": f"{text} {os.urandom(6).hex()}"})
        return sk.app(place)

    return make


def names(engine) -> list[str]:
    """The names of all images but BASE; an image without one counts as ''."""
    listed = (image["RepoTags"] or [""] for image in engine.api.images(all=True))
    return sorted(name.replace("<none>:<none>", "") for tags in listed for name in tags if name != BASE)


def by_hand(engine, place: Path, *lines: str, tag: str | None = None) -> str:
    """The name of an image that somebody builds without the kit; its id where it has none."""
    place.mkdir()
    (place / "Dockerfile").write_text("\n".join(lines))
    argv = [str(engine.buildx), "build", "--quiet", "--builder=default", *([f"--tag={tag}"] if tag else []), str(place)]
    done = subprocess.run(argv, env=engine.environment, capture_output=True, text=True, check=True)
    return tag or done.stdout.strip()


@pytest.mark.engine
@with_each_store
def test_all_that_builds_left_goes(own_engine, app, monkeypatch, tmp_path):
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("# a bundle\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with app() as built:
        first = sk.build(built)
        built.write("a", "two")
        second = sk.build(built)
        sk.build(built, cold=True)
    assert first.image != second.image
    made = names(own_engine)
    assert all(any(f"{ONLY_HERE}/{kind}:" in name for name in made) for kind in ("isolated", "trusting"))
    done = clean(own_engine, recordings=False)
    assert names(own_engine) == []
    assert done.kept == ()
    assert done.images >= 4
    assert notes_of(own_engine) == []
    assert clean(own_engine, recordings=False).images == 0


@pytest.mark.engine
@with_each_store
@pytest.mark.parametrize("runs", [True, False])
def test_somebodys_container_stays_with_its_volume_and_its_image(own_engine, app, runs):
    with app() as built:
        image = sk.build(built).image
    api = own_engine.api
    made = api.create_container(image, ["sleep", "600"], name="speedkit-demo", volumes=["/data"])["Id"]
    volume = api.inspect_container(made)["Mounts"][0]["Name"]
    if runs:
        api.start(made)
    done = clean(own_engine, recordings=False)
    assert api.inspect_container(made)["State"]["Running"] == runs
    assert api.inspect_volume(volume)
    assert inspect_image(own_engine, image)["Id"]
    assert [(kept.because, kept.by) for kept in done.kept] == [("container", ("speedkit-demo",))]
    assert "speedkit-demo" in done.kept[0].sentence
    api.remove_container(made, force=True, v=True)
    assert clean(own_engine, recordings=False).images == 1


@pytest.mark.engine
@with_each_store
def test_images_built_on_ours_stay_with_and_without_a_name(own_engine, app, tmp_path):
    with app() as built:
        result = sk.build(built)
    tag = next(name for name in names(own_engine) if name.startswith("speedkit/"))
    theirs = by_hand(own_engine, tmp_path / "nameless", f"FROM {tag}", "ENV A=1")
    named = by_hand(own_engine, tmp_path / "named", f"FROM {tag}", "ENV A=2", tag="somebody/their:1")
    ours_in_name = by_hand(own_engine, tmp_path / "odd", f"FROM {tag}", "ENV A=3", tag="speedkit/mine:1")
    kept = [image for image in (theirs, named, ours_in_name) if has_image(own_engine, image)]
    assert len(kept) >= 2  # with containerd's store, buildx leaves no image without a name
    labels = [inspect_image(own_engine, image)["Config"]["Labels"] for image in kept]
    assert {found[INSTALLATION_LABEL] for found in labels} == {installation_id()}
    clean(own_engine, recordings=False)
    assert all(has_image(own_engine, image) for image in kept)
    assert not has_image(own_engine, result.image)


@pytest.mark.engine
@with_each_store
def test_a_name_that_somebody_gave_keeps_an_image(own_engine, app):
    with app() as built:
        image = sk.build(built).image
    own_engine.api.tag(image, "somebodys", "1")
    own_engine.api.tag(image, "speedkit/kept", "1")
    done = clean(own_engine, recordings=False)
    assert names(own_engine) == ["somebodys:1", "speedkit/kept:1"]
    assert [(kept.because, sorted(kept.by)) for kept in done.kept] == [("name", ["somebodys:1", "speedkit/kept:1"])]
    clean(own_engine, recordings=False)
    assert names(own_engine) == ["somebodys:1", "speedkit/kept:1"]


@pytest.mark.engine
def test_a_name_of_ours_that_somebody_took_over_stays(own_engine, app, tmp_path):
    with app() as built:
        sk.build(built)
    tag = next(name for name in names(own_engine) if name.startswith("speedkit/"))
    theirs = by_hand(own_engine, tmp_path / "theirs", "FROM scratch", "ENV A=1", tag=tag)
    clean(own_engine, recordings=False)
    assert names(own_engine) == [theirs]


@pytest.mark.engine
def test_a_container_without_a_start_that_grew_into_an_image_stays(own_engine, app):
    with app() as built:
        image = sk.build(built).image
    made = own_engine.api.create_container(image, ["true"])["Id"]
    grown = own_engine.api.commit(made)["Id"]
    own_engine.api.remove_container(made)
    clean(own_engine, recordings=False)
    assert has_image(own_engine, grown)


@pytest.mark.engine
def test_installations_leave_one_another_alone(own_engine, app, monkeypatch, tmp_path):
    homes = [tmp_path / "one", tmp_path / "two"]
    images = []
    monkeypatch.setenv("SPEEDKIT_HOME", str(homes[1]))
    made_by_two = f"LABEL {LABEL}=1 {INSTALLATION_LABEL}={installation_id()}"
    by_hand(own_engine, tmp_path / "stand-in", f"FROM {BASE}", made_by_two, tag=STAND_IN)
    for place in homes:
        monkeypatch.setenv("SPEEDKIT_HOME", str(place))
        with app() as built:
            images.append(sk.build(built).image)
            isolated = isolated_base(own_engine, BASE, "token", mark_certificates=False)
    done = clean(own_engine, recordings=False)
    assert has_image(own_engine, images[0])
    assert not has_image(own_engine, images[1])
    assert not has_image(own_engine, isolated)
    assert [kept.because for kept in done.kept] == ["installation"]
    assert has_image(own_engine, STAND_IN)
    for place, left in ((homes[0], [STAND_IN]), (homes[1], [])):
        monkeypatch.setenv("SPEEDKIT_HOME", str(place))
        clean(own_engine, recordings=False)
        assert names(own_engine) == left


@pytest.mark.engine
def test_a_stand_in_of_another_installation_stays_though_that_has_built_nothing_yet(own_engine, home, tmp_path):
    labels = f"LABEL {LABEL}=1 {INSTALLATION_LABEL}={'0' * 32}"
    by_hand(own_engine, tmp_path / "stand-in", f"FROM {BASE}", labels, tag=STAND_IN)
    done = clean(own_engine, recordings=False)
    assert names(own_engine) == [STAND_IN]
    assert [(kept.because, kept.by) for kept in done.kept] == [("made-elsewhere", (f"docker rmi {STAND_IN}",))]
    assert f"`docker rmi {STAND_IN}` removes it" in done.kept[0].sentence


BUILDING = """
from speedkit.engine.connection import connect
from speedkit.engine.ledger import note_build
with note_build(connect(), "speedkit/other:1"):
    print("builds", flush=True)
    sys.stdin.read()
"""


@pytest.mark.engine
def test_what_a_build_under_way_needs_stays_and_goes_after_it(own_engine, app):
    with app() as built:
        result = sk.build(built).image
    isolated = isolated_base(own_engine, BASE, "token", mark_certificates=False)
    with another_process(BUILDING) as (process, _):
        done = clean(own_engine, recordings=False)
        assert {kept.because for kept in done.kept} == {"build"}
        assert f"process {process.pid}" in done.kept[0].sentence
        assert has_image(own_engine, isolated)
        assert not has_image(own_engine, result)
    clean(own_engine, recordings=False)
    assert names(own_engine) == []


HALF_WAY = """
from speedkit.engine.base_images import isolated_base
from speedkit.engine.connection import connect
from speedkit.engine.own_containers import own_container
from speedkit.engine.ledger import note_making
engine = connect()
isolated_base(engine, "base:1", "token", mark_certificates=False)
with own_container(engine, "base:1", ["sleep", "600"]) as container, note_making(engine, "result", "speedkit/half:1"):
    engine.api.start(container)
    print(container, flush=True)
    sys.stdin.read()
"""


@pytest.mark.engine
def test_a_living_process_keeps_its_containers_and_a_killed_ones_are_swept(own_engine, home):
    with another_process(HALF_WAY) as (process, container):
        derive_image(own_engine, BASE, name="speedkit/half:1", kind="trusting", files={"/a": b"a"})
        assert CONTAINER_NAME.fullmatch(own_engine.api.inspect_container(container)["Name"])
        sweep_engine(own_engine)
        clean(own_engine, recordings=False)
        assert [found["Names"] for found in own_engine.api.containers()] == [[f"/{container}"]]
        process.kill()
        process.wait()
    made = derive_image(own_engine, BASE, name="speedkit/half:1", kind="result", files={"/a": b"a"})
    assert made is None
    done = sweep_engine(own_engine)
    assert own_engine.api.containers(all=True) == []
    assert done.containers == 1
    assert not any("isolated" in name for name in names(own_engine))
    # The image of that name was noted by this process: the killed one's may still come.
    assert {note.kind for note in notes_of(own_engine)} == {"result", "making"}


@pytest.mark.engine
def test_an_image_is_ours_that_comes_under_a_name_used_before_when_its_maker_and_a_sweep_are_past(own_engine, home, tmp_path):
    name = "speedkit/again:1"
    derive_image(own_engine, BASE, name=name, kind="result", files={"/a": b"a"})
    code = f"""
from speedkit.engine.connection import connect
from speedkit.engine.ledger import note_making
with note_making(connect(), "result", {name!r}):
    print(flush=True)
    sys.stdin.read()
"""
    with another_process(code) as (process, _):
        process.kill()
        process.wait()
    sweep_engine(own_engine)
    label = f"LABEL {LABEL}=1 {INSTALLATION_LABEL}={installation_id()}"
    by_hand(own_engine, tmp_path / "late", f"FROM {BASE}", label, "ENV LATE=1", tag=name)
    clean(own_engine, recordings=False)
    assert names(own_engine) == []


@pytest.mark.engine
def test_connecting_sweeps_what_dead_processes_left(own_engine, home):
    with another_process(HALF_WAY) as (process, _):
        process.kill()
        process.wait()
    # A program that ends at once waits a little for the sweep, and leaves the rest to the next one; here it is waited for.
    code = "import threading, speedkit as sk; sk.connect(); [t.join() for t in threading.enumerate() if t.name == 'sweep']"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert own_engine.api.containers(all=True) == []
    assert names(own_engine) == []


@pytest.mark.engine
@with_each_store
def test_what_older_versions_named_goes_and_nothing_like_it(own_engine, tmp_path):
    old = [f"{ONLY_HERE}/isolated:{'a' * 20}", f"{ONLY_HERE}/trusting:{'b' * 20}", STAND_IN]
    theirs = ["somebodys:1", f"{ONLY_HERE}/mine:1", f"{ONLY_HERE}/isolated:mine", "speedkit/mine:1"]
    for place, name in enumerate([*old, *theirs]):
        by_hand(own_engine, tmp_path / str(place), f"FROM {BASE}", f"LABEL {LABEL}=1 n={place} {INSTALLATION_LABEL}=", tag=name)
    by_hand(own_engine, tmp_path / "unlabelled", "FROM scratch", "ENV A=1", tag="speedkit/unlabelled:1")
    done = clean(own_engine, recordings=False)
    assert names(own_engine) == sorted([*theirs, "speedkit/unlabelled:1"])
    assert [(kept.because, kept.by) for kept in done.kept] == [("unnoted", ("docker rmi speedkit/mine:1",))]


@pytest.mark.engine
@with_each_store
@pytest.mark.parametrize("name", ["speedkit-0123456789ab", "speedkit-0123456789abcdef-0123456789ab", "speedkit-mine"])
def test_somebodys_container_with_a_name_and_labels_of_ours_stays_with_its_volume(own_engine, app, tmp_path, name):
    """They run a stand-in, or one of our images, whose labels their container inherits."""
    with app() as built:
        image = sk.build(built).image
    by_hand(own_engine, tmp_path / "stand-in", f"FROM {BASE}", f"LABEL {LABEL}=1", tag=STAND_IN)
    api = own_engine.api
    for number, used in enumerate((image, STAND_IN)):
        called = name if not number else f"{name[:-1]}{number}"
        api.create_container(used, ["sleep", "600"], name=called, volumes=["/data"])
    volumes = [place["Name"] for found in api.containers(all=True) for place in api.inspect_container(found["Id"])["Mounts"]]
    done = clean(own_engine, recordings=False)
    assert len(api.containers(all=True)) == len(volumes) == 2
    assert all(api.inspect_volume(volume) for volume in volumes)
    unnoted = [kept.sentence for kept in done.kept if kept.because == "unnoted"]
    assert [f"`docker rm -f {name}`" in "".join(unnoted)] == [name != "speedkit-mine"]


@pytest.mark.engine
def test_of_the_results_that_newer_builds_replaced_the_oldest_go(own_engine, app, monkeypatch):
    monkeypatch.setattr(image_limits, "REPLACED_RESULTS", 2)
    with app() as built:
        images = []
        for number in range(5):
            built.write("a", str(number))
            images.append(sk.build(built).image)
    keep_images(own_engine, limit_bytes("images"))  # the last build may still keep the limit by itself
    assert [has_image(own_engine, image) for image in images] == [False, False, True, True, True]


@pytest.mark.engine
def test_over_the_limit_what_was_not_used_for_longest_goes_and_the_newest_result_stays(own_engine, app):
    with app() as one, app() as other:
        images = [sk.build(built).image for built in (one, other)]
        other.write("a", "x" * 5000)
        images.append(sk.build(other).image)
    used = own_engine.api.create_container(images[1], ["true"])["Id"]
    assert size_of_images(own_engine) > 5000
    keep_images(own_engine, 5000)
    assert [has_image(own_engine, image) for image in images] == [False, True, True]
    assert not any("isolated" in name for name in names(own_engine))
    own_engine.api.remove_container(used)
    keep_images(own_engine, 0)
    assert [has_image(own_engine, image) for image in images] == [False, False, True]


def test_only_the_kits_own_names_are_those_of_stand_ins():
    assert is_stand_in_name(f"{PREFIX}golang:1.26-trixie")
    assert is_stand_in_name(f"{STAND_INS['alpine']}:latest")
    assert not is_stand_in_name(f"{STAND_INS['alpine']}:mine")
    assert not is_stand_in_name("golang:1.26")


@pytest.mark.engine
def test_stand_ins_have_a_limit_of_their_own_and_what_a_project_needs_stays(own_engine, home, tmp_path):
    made = [f"{PREFIX}test:{os.urandom(4).hex()}" for _ in range(3)]
    for number, name in enumerate(made):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a").write_text(str(number) * 5000)
        make_image(own_engine, folder, ["FROM scratch", "COPY a /a"], name=name, kind="stand-in")
    try:
        keep_images(own_engine, 0)
        keep_stand_ins(own_engine, 10**9, ())
        assert [has_image(own_engine, name) for name in made] == [True, True, True]
        assert size_of_stand_ins(own_engine) >= 15_000
        note_use(own_engine, [inspect_image(own_engine, made[0])["Id"]])
        old = inspect_image(own_engine, made[1])["Id"]
        (tmp_path / "1" / "a").write_text("another" * 700)
        make_image(own_engine, tmp_path / "1", ["FROM scratch", "COPY a /a"], name=made[1], kind="stand-in")
        keep_stand_ins(own_engine, 10**9, {made[1]})
        assert [has_image(own_engine, image) for image in (old, made[1])] == [False, True]
        keep_stand_ins(own_engine, 10_000, {made[1]})
        assert [has_image(own_engine, name) for name in made] == [True, True, False]
        keep_stand_ins(own_engine, 0, {made[1]})
        assert [has_image(own_engine, name) for name in made] == [False, True, False]
    finally:
        for name in made:
            if has_image(own_engine, name):
                own_engine.api.remove_image(name)


@pytest.mark.engine
def test_an_isolated_base_that_is_made_again_has_the_same_layers(own_engine, app):
    with app(steps="RUN sleep 0.1\n") as built:
        sk.build(built)
        keep_images(own_engine, 0)
        assert not any("isolated" in name for name in names(own_engine))
        assert {step.instruction: step.state for step in sk.predict(built).steps} == {
            f"FROM {BASE}": "hit",
            "COPY a /": "hit",
            "RUN sleep 0.1": "hit",
        }
        again = sk.build(built)
    assert not [step for step in again.instructions if step.state == "ran"]


@pytest.mark.engine
def test_the_program_says_what_it_leaves(own_engine, app):
    with app() as built:
        image = sk.build(built).image
    own_engine.api.create_container(image, ["true"], name="somebodys")
    ran = subprocess.run([sys.executable, "-m", "speedkit", "clean", "--json"], capture_output=True, text=True, check=True)
    document = json.loads(ran.stdout)
    assert document["images"] == 1  # the base of its cache
    assert [left["because"] for left in document["left"]] == ["container"]
    assert "somebodys" in document["left"][0]["said"]


def test_programs_read_the_same_names_in_every_language(language):
    owner = Owner("1", os.getpid(), "another-machine", "", "speedkit", 0.0)
    done = Cleaned(
        0,
        0,
        0,
        in_use=(FolderInUse(Path("/copy"), owner),),
        kept=(KeptObject("image", "app:1", "build", (owner,)), KeptObject("container", "c", "engine", ("busy",))),
    )
    language("en-XA")
    left = done.to_json()["left"]
    process = f"speedkit, process {os.getpid()} on another-machine"
    assert [(entry["what"], entry["because"], entry["by"]) for entry in left] == [
        ("image app:1", "build", [process]),
        ("container c", "engine", ["busy"]),
        ("/copy", "in use", [process]),
    ]
    assert not any(entry["said"].isascii() for entry in left)


def test_recordings_stay_unless_they_are_named(home):
    for part in ("work", "host-caches", "dockerfiles", "engine"):
        (state_folder(part) / "file").touch()
    state_folder("recordings", "one")
    assert clean(None, recordings=False) == Cleaned(0, 0, 0)
    assert {"engine", "recordings"} <= {path.name for path in state_folder().iterdir()}
    assert clean(None, recordings=True).recordings == 1
    assert list((home / "recordings").iterdir()) == []


def test_a_build_under_way_elsewhere_comes_before_those_that_begin_after_a_clean(home):
    folder = state_folder("recordings")
    under_way = [new_number(folder) for _ in range(3)][-1]
    assert clean(None, recordings=True).recordings == 0
    assert new_number(folder) > under_way


@pytest.mark.engine
@pytest.mark.parametrize("installation", ["", "own"])
def test_a_container_of_a_process_without_a_state_folder_stays_while_it_may_be_in_use(
    own_engine, home, monkeypatch, tmp_path, installation
):
    """installation: the image's label, which the container inherits."""
    label = f"LABEL {INSTALLATION_LABEL}={installation and installation_id()}"
    image = by_hand(own_engine, tmp_path / "image", f"FROM {BASE}", label, tag="somebodys:1")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "file" / "home"))
    with own_container(own_engine, image, ["never"]) as container:
        monkeypatch.setenv("SPEEDKIT_HOME", str(home))
        clean(own_engine, recordings=False)
        assert [found["Names"] for found in own_engine.api.containers(all=True)] == [[f"/{container}"]]
        # Once so much time has passed, no process can use it any more.
        monkeypatch.setattr("speedkit.engine.cleanup.MAKING_SECONDS", -1.0)
        clean(own_engine, recordings=False)
        assert own_engine.api.containers(all=True) == []


@pytest.mark.engine
def test_nothing_is_removed_where_the_state_folder_cannot_be_made(own_engine, app, monkeypatch, tmp_path):
    with app() as built:
        image = sk.build(built).image
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(SpeedkitError, match="SPEEDKIT_HOME"):
        clean(own_engine, recordings=False)
    assert has_image(own_engine, image)
