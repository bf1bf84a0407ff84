"""Rows about what the kit makes on an engine: whose it is, what `clean` takes and leaves, what a killed program leaves."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from speedkit.engine.connection import Engine
from speedkit.engine.identity import INSTALLATION_LABEL, LABEL, installation_id
from tests.faults.table import ROOT, Place, fault

SERVER = {
    "Dockerfile": 'FROM {image}\nCOPY main.go /w/echo\nCMD ["httpd", "-f", "-p", "8080", "-h", "/w"]\n',
    "main.go": '{"message": "speedkit"}\n',
}
BUILD_OF_A_SERVER = """
import speedkit as sk
from speedkit.apps import App, Probe

class Server(App):
    probe = Probe(8080, "/echo", "message", "speedkit")

app = sk.app(sys.argv[1])
app.__class__ = Server
"""


def by_hand(place: Place, *lines: str, tag: str | None = None) -> str:
    """The name, or the id, of an image that somebody builds without the kit."""
    folder = place.write({"Dockerfile": "\n".join(lines) + "\n"})
    argv = [str(place.engine.buildx), "build", "--quiet", "--builder=default", *([f"--tag={tag}"] if tag else []), str(folder)]
    done = subprocess.run(argv, env=place.engine.environment, capture_output=True, text=True, check=True)
    return tag or done.stdout.strip()


def labelled(place: Place) -> set[str]:
    """The images that some installation made."""
    return {image["Id"] for image in place.engine.api.images(filters={"label": INSTALLATION_LABEL})}


def project(place: Place, text: str = "one") -> Path:
    return place.write({"Dockerfile": f"FROM {place.image}\nCOPY a /\nRUN echo built\n", "a": f"{text} {os.urandom(4).hex()}"})


def built(place: Place, folder: Path, *options: str, home: Path | None = None) -> str:
    """The id of the image that `speedkit build` makes of a folder."""
    environment = {"SPEEDKIT_HOME": str(home)} if home else {}
    done = place.run("build", folder, "--json", *options, env=environment)
    assert done.returncode == 0, done.stderr[-300:]
    image = json.loads(done.stdout)["image"]
    assert isinstance(image, str)
    return image


def cleaned(place: Place, home: Path | None = None) -> dict[str, object]:
    done = place.run("clean", "--json", env={"SPEEDKIT_HOME": str(home)} if home else {})
    assert done.returncode == 0, done.stderr[-300:]
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def has(engine: Engine, image: str) -> bool:
    return engine.get(f"/images/{image}/json")[0] == 200


def names(engine: Engine) -> set[str]:
    """Names and nameless ids of all images."""
    return {name for image in engine.api.images(all=True) for name in image["RepoTags"] or [image["Id"]]}


def listening() -> set[tuple[str, int]]:
    """The addresses and ports of this network where somebody listens for TCP; `::` for all of IPv6's."""
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{name}").read_text().splitlines()[1:]:
            place, state = line.split()[1], line.split()[3]
            address, _, port = place.partition(":")
            if state == "0A":  # listens
                four = ".".join(str(byte) for byte in bytes.fromhex(address)[::-1])
                found.add((four if name == "tcp" else "::" if not int(address, 16) else address, int(port, 16)))
    return found


def eventually(claim: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait for something that another process does; it falls when that never comes."""
    until = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < until, what
        time.sleep(0.05)


@contextlib.contextmanager
def everything_removed(place: Place) -> Iterator[None]:
    """The engine is shared by all rows: what this one leaves there goes, whether it holds or not."""
    before = names(place.engine)
    try:
        yield
    finally:
        for container in place.engine.api.containers(all=True):
            place.engine.api.remove_container(container["Id"], force=True, v=True)
        for name in names(place.engine) - before:
            with contextlib.suppress(Exception):
                place.engine.api.remove_image(name, force=True)


@contextlib.contextmanager
def python(code: str, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A Python in a session of its own, killed in the end."""
    text = f"import os, sys\n{code}"
    argv = [sys.executable, "-c", text, *map(str, arguments)]
    running = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    with running:
        try:
            yield running
        finally:
            running.kill()


@fault(
    "killed-while-asking",
    attack="2",
    what="kill -9 as soon as the container exists that is asked whether the image works, three times",
    right="The next start removes the container, running or not, and its port is closed",
)
def killed_while_asking(place: Place) -> str:
    engine = place.engine
    # Nobody answers at this port, so the container is there for as long as the image is asked.
    folder = place.write({"Dockerfile": f'FROM {place.image}\nCMD ["sleep", "600"]\n', "main.go": ""})
    code = f"{BUILD_OF_A_SERVER}\nsk.build(app)\n"
    with everything_removed(place):
        for _ in range(3):
            with python(code, folder) as running:
                eventually(lambda: bool(engine.api.containers()), "no container was started")
                running.send_signal(signal.SIGKILL)
                running.wait()
            assert engine.api.containers(all=True), "the container went with the program: nothing was tried"
            built(place, project(place))
            left = engine.api.containers(all=True)
            assert not left, f"{len(left)} containers are left"
    return "three times one container stayed, and was gone after the next `speedkit build`"


@fault(
    "clean-takes-all-of-ours",
    attack="3",
    what="Warm, edited and cold builds, then `speedkit clean`",
    right="No image of the kit's is left, stand-ins, extended and isolated ones and nameless results included",
    empty_engine=True,
)
def clean_takes_all_of_ours(place: Place) -> str:
    engine = place.engine
    with everything_removed(place):
        before = names(engine)
        bundle = place.folder / "bundle.pem"
        bundle.write_text("# certificates of a company\n")
        os.environ["SSL_CERT_FILE"] = str(bundle)
        by_hand(
            place,
            f"FROM {place.image}",
            f"LABEL {LABEL}=1 {INSTALLATION_LABEL}={installation_id()}",
            tag="localhost:1/speedkit/standin-alpine:latest",
        )
        folder = place.write({"Dockerfile": "FROM alpine\nCOPY a /\nRUN echo built\n", "a": os.urandom(4).hex()})
        built(place, folder)
        (folder / "a").write_text(os.urandom(4).hex())
        built(place, folder)
        built(place, folder, "--cold")
        made = names(engine) - before
        kinds = {kind for kind in ("isolated", "trusting", "standin-alpine", "sha256") if any(kind in name for name in made)}
        assert {"isolated", "trusting", "standin-alpine"} <= kinds, f"only {kinds} were made"
        document = cleaned(place)
        left = names(engine) - before
        assert not left, f"left: {sorted(left)}"
    return f"{len(made)} images before ({', '.join(sorted(kinds))}), none after; it says {document['images']} removed"


@fault(
    "clean-during-a-build",
    attack="5",
    what="`speedkit clean` 3 s into a cold build of `RUN sleep 8` that another program makes",
    right="The build ends well, is recorded, and its image is there; clean says that a build is under way",
)
def clean_during_a_build(place: Place) -> str:
    with everything_removed(place):
        folder = place.write({"Dockerfile": f"FROM {place.image}\nRUN sleep 8; echo {os.urandom(4).hex()} > /made\n"})
        argv = place.command("build", folder, "--cold", "--json")
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as running:
            engines = place.home / "engines"
            eventually(lambda: any(path.name.startswith("isolated.") for path in engines.rglob("*")), "no base was isolated")
            document = cleaned(place)
            out, err = running.communicate()
        assert running.returncode == 0, err[-300:]
        left = document["left"]
        assert isinstance(left, list)
        assert any(one["because"] == "build" for one in left), f"clean said {left}"
        assert has(place.engine, json.loads(out)["image"]), "the image is gone"
        assert json.loads(out)["id"] in place.run("history").stdout or list((place.home / "recordings").glob("2*"))
    return f"done and recorded; clean: {left[0]['said'][:120]}"


@fault(
    "somebodys-container",
    attack="6",
    what="Somebody runs a built image as speedkit-demo, with a volume, then `speedkit clean`; also once it has stopped",
    right="It runs on, its volume is there; clean says that the image stays because of it",
)
def somebodys_container(place: Place) -> str:
    api = place.engine.api
    with everything_removed(place):
        image = built(place, project(place))
        container = api.create_container(image, ["sleep", "600"], name="speedkit-demo", volumes=["/data"])["Id"]
        api.start(container)
        volume = api.inspect_container(container)["Mounts"][0]["Name"]
        running = cleaned(place)
        assert api.inspect_container(container)["State"]["Running"], "the container was stopped"
        api.stop(container, timeout=0)
        cleaned(place)
        assert api.inspect_container(container), "the stopped container was removed"
        assert api.inspect_volume(volume), "the volume was removed"
        assert has(place.engine, image), "the image was removed"
        left = running["left"]
        assert isinstance(left, list)
        assert any("speedkit-demo" in one["by"] for one in left), f"clean says nothing of it: {left}"
        api.remove_container(container, force=True, v=True)
        cleaned(place)
        assert not has(place.engine, image), "the image stays without the container"
    return f"both times there with its volume; clean: {left[0]['said'][:120]}"


@fault(
    "images-built-on-ours",
    attack="7",
    what="Images built and committed on a built one, without a name, with one, with one like ours; a second name for ours",
    right="`speedkit clean` leaves them; of the second name only ours goes",
)
def images_built_on_ours(place: Place) -> str:
    api = place.engine.api
    with everything_removed(place):
        folder = project(place)
        image = built(place, folder)
        tag = next(name for name in names(place.engine) if name.startswith("speedkit/"))
        theirs = [
            by_hand(place, f"FROM {tag}", "ENV A=1"),
            by_hand(place, f"FROM {tag}", "ENV A=2", tag="team/app:1"),
            by_hand(place, f"FROM {tag}", "ENV A=3", tag="speedkit/app:mine"),
        ]
        container = api.create_container(image, ["true"])["Id"]
        theirs.append(api.commit(container)["Id"])
        api.remove_container(container)
        cleaned(place)
        gone = [one for one in theirs if not has(place.engine, one)]
        assert not gone, f"gone: {gone}"
        before = names(place.engine)
        second = built(place, project(place, "two"))
        ours = {name for name in names(place.engine) - before if name.startswith("speedkit/")}
        api.tag(second, "team/second", "1")
        document = cleaned(place)
        assert has(place.engine, "team/second:1"), "somebody's name was removed"
        assert ours, "nothing was named"
        assert not ours & names(place.engine), "our name is left"
    return f"four images stay; of the second name ours went: {json.dumps(document['left'])[:140]}"


@fault(
    "somebodys-things-named-as-ours",
    what="Somebody builds on a stand-in, names the image as ours are named, and runs it and a result under such names too",
    right="`speedkit clean` leaves images, containers and volumes, and says what it leaves and how to remove it",
)
def somebodys_things_named_as_ours(place: Place) -> str:
    api = place.engine.api
    with everything_removed(place):
        image = built(place, project(place))
        labels = f"LABEL {LABEL}=1 {INSTALLATION_LABEL}="
        by_hand(place, f"FROM {place.image}", labels, tag="localhost:1/speedkit/standin-alpine:latest")
        mine = by_hand(place, "FROM localhost:1/speedkit/standin-alpine:latest", "ENV A=1", tag="speedkit/mine:latest")
        containers = []
        for number, used in enumerate((image, mine)):
            called = f"speedkit-0123456789abcdef-0123456789a{number}"
            containers.append(api.create_container(used, ["sleep", "600"], name=called, volumes=["/data"])["Id"])
            api.start(containers[-1])
        volumes = [api.inspect_container(one)["Mounts"][0]["Name"] for one in containers]
        document = cleaned(place)
        assert all(api.inspect_container(one)["State"]["Running"] for one in containers), "a container was ended"
        assert all(api.inspect_volume(volume) for volume in volumes)
        assert has(place.engine, mine), "the image is gone"
        left = document["left"]
        assert isinstance(left, list)
        said = [one["said"] for one in left if one["because"] == "unnoted"]
        assert len(said) == 3, left
        for one in containers:
            api.remove_container(one, force=True, v=True)
        cleaned(place)
        assert has(place.engine, mine), "the image is gone once nothing uses it"
    return said[0]


@fault(
    "two-installations",
    what="Two state folders build the same project on one engine; one of them cleans",
    right="What the other one made stays, and its next build is cached",
    empty_engine=True,
)
def two_installations(place: Place) -> str:
    homes = [place.folder / "home-one", place.folder / "home-two"]
    # What builds stand on here was somebody's stand-in elsewhere.
    before = labelled(place)
    with everything_removed(place):
        folder = project(place)
        first, second = (built(place, folder, home=home) for home in homes)
        assert first != second, "both made the same image"
        cold = built(place, folder, "--cold", home=homes[0])
        cleaned(place, homes[1])
        assert has(place.engine, cold), "the other installation's image is gone"
        assert has(place.engine, first), "the other installation's older image is gone"
        assert not has(place.engine, second), "its own image is left"
        again = place.run("build", folder, "--json", env={"SPEEDKIT_HOME": str(homes[0])})
        assert all(step["cached"] for step in json.loads(again.stdout)["steps"] if step["instruction"]), "not cached"
        cleaned(place, homes[0])
        left = labelled(place) - before
        assert not left, f"{len(left)} images are left after both have cleaned"
    return "the other one's images stay and its build is cached; nothing is left once both have cleaned"


@fault(
    "port-open-to-the-world",
    attack="28",
    what="An image is asked over an engine at tcp://127.0.0.1, and over a socket whose ports cannot be reached from here",
    right="The port is published on 127.0.0.1 or not at all, and the image is asked all the same",
)
def port_open_to_the_world(place: Place) -> str:
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(place.another_engine("--host=tcp://127.0.0.1:23750", "--tls=false"))
        engine.api.load_image(b"".join(place.engine.api.get_image(place.image)))
        os.environ["DOCKER_HOST"] = "tcp://127.0.0.1:23750"
        files = {name: text.replace("{image}", place.image) for name, text in SERVER.items()}
        folder = place.write(files)
        before = listening()
        with python(f"{BUILD_OF_A_SERVER}\nprint(sk.build(app).answer, flush=True)\n", folder) as building:
            opened = set()
            while building.poll() is None:
                opened |= listening() - before
                time.sleep(0.002)
            assert building.stdout is not None
            answer = building.stdout.readline()
        assert "ok=True" in answer, f"the answer was {answer}"
        published = sorted({address for address, _ in opened})
        assert published == ["127.0.0.1"], f"opened: {sorted(opened)}"
    return f"published on {published}, answer {answer.strip()[:80]}"


@fault(
    "room-is-limited",
    what="Limits of 40 kB for recordings and of 1 kB for images, then eight edited builds; `history` meanwhile",
    right="Builds keep the limits, the newest recording stays, `history` works all the time, doctor shows use and limit",
    empty_engine=True,
)
def room_is_limited(place: Place) -> str:
    limits = {"SPEEDKIT_RECORDINGS_LIMIT": "40 kB", "SPEEDKIT_IMAGES_LIMIT": "1 kB"}
    folder = project(place)
    image = ""
    with everything_removed(place):
        for number in range(8):
            (folder / "a").write_text(f"{number} " * 2000)
            done = place.run("build", folder, "--json", env=limits)
            assert done.returncode == 0, done.stderr[-300:]
            image = json.loads(done.stdout)["image"]
            listed = place.run("history", "--json", env=limits)
            assert listed.returncode == 0, listed.stderr[-300:]
        assert has(place.engine, image), "the newest image is gone"
        size = sum(path.stat().st_size for path in (place.home / "recordings").rglob("*") if path.is_file())
        assert size <= 40_000, f"recordings take {size} bytes"
        doctor = place.run("doctor", "--json", env=limits)
        shown = {check["name"]: check["found"] for check in json.loads(doctor.stdout)["checks"]}
        assert re.search(r"of at most 40", shown["kept recordings"]), shown
        assert "kept images" in shown
        assert "kept layers" in shown
        results = [name for name in names(place.engine) if name.startswith("sha256:")]
    return f"recordings take {size} bytes; {len(results)} replaced results are left; doctor: {shown['kept recordings'][:60]}"
