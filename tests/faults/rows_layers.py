"""Rows about images and archives that lie, or that would take for ever."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile

from tests.faults.table import Place, fault
from tests.images.archives import blob, config, digest, docker_archive, layer, write_archive
from tests.images.odd_layers import ODD_LAYERS

PLAIN, KEY = layer(("etc/motd", b"hello\n")), layer(("root/k.pem", b"secret\n"))
CHECK = ("--ci", "--forbid", "*.pem")


@fault(
    "file-in-place-of-image",
    attack="30",
    what="`layers NAME --ci --forbid '*.pem'` of an engine's image that holds k.pem, while an archive called NAME lies here",
    right="Exit code 1 each time, and the output says which image was read",
)
def file_in_place_of_image(place: Place) -> str:
    name = "faults/holds-key:1"
    folder = place.write({"Dockerfile": f"FROM {place.image}\nCOPY k.pem /root/k.pem\n", "k.pem": "secret\n"})
    assert place.run("build", folder).returncode == 0
    built = json.loads(place.run("build", folder, "--json").stdout)["image"]
    place.engine.api.tag(built, *name.split(":"))
    before = place.run("layers", name, *CHECK)
    decoy = place.folder / name
    decoy.parent.mkdir()
    docker_archive(decoy, [PLAIN])
    after = place.run("layers", name, *CHECK)
    by_path = place.run("layers", f"./{name}", *CHECK)
    assert (before.returncode, after.returncode) == (1, 1), f"exit codes {before.returncode} and {after.returncode}"
    assert "the engine's image" in after.stdout, after.stdout
    assert by_path.returncode == 0
    assert "the archive" in by_path.stdout, by_path.stdout
    return "exit code 1 with and without the file; as ./NAME the archive is read, and called that"


@fault(
    "archive-that-lies",
    attack="30",
    what="evil.tar claims the diffIDs of good.tar and holds a forbidden file; with a cold store and after good.tar was read",
    right="Exit code 1 each time",
    engine=False,
)
def archive_that_lies(place: Place) -> str:
    good, evil = place.folder / "good.tar", place.folder / "evil.tar"
    docker_archive(good, [PLAIN])
    manifest = json.dumps([{"Config": "c.json", "RepoTags": [], "Layers": [blob(PLAIN)]}]).encode()
    write_archive(evil, {"manifest.json": manifest, "c.json": config([PLAIN], []), blob(PLAIN): KEY})
    cold = place.run("layers", evil, *CHECK)
    assert place.run("layers", good, *CHECK).returncode == 0
    warm = place.run("layers", evil, *CHECK)
    assert (cold.returncode, warm.returncode) == (1, 1), f"exit codes {cold.returncode}, {warm.returncode}"
    return f"exit codes 1 and 1: {warm.stderr.strip().splitlines()[0][:120]}"


@fault(
    "poisoned-blob",
    attack="30",
    what="An archive holds one layer under the digest of another; then the archive of the other one is read",
    right="The first is refused, and the second is read as it is, with its forbidden file",
    engine=False,
)
def poisoned_blob(place: Place) -> str:
    key, plain = gzip.compress(KEY, mtime=0), gzip.compress(PLAIN, mtime=0)
    poison, honest = place.folder / "poison.tar", place.folder / "honest.tar"
    manifest = json.dumps([{"Config": "c.json", "RepoTags": [], "Layers": [blob(key)]}]).encode()
    write_archive(poison, {"manifest.json": manifest, "c.json": config([PLAIN], []), blob(key): plain})
    write_archive(honest, {"manifest.json": manifest, "c.json": config([KEY], []), blob(key): key})
    refused, read = place.run("layers", poison, *CHECK), place.run("layers", honest, *CHECK)
    assert refused.returncode != 0, "the poisoned archive was read"
    assert read.returncode == 1, f"exit code {read.returncode}"
    assert "k.pem" in read.stderr + read.stdout
    return "the poisoned archive is refused; the honest one shows /root/k.pem"


@fault(
    "layers-as-the-engine",
    what=f"{len(ODD_LAYERS)} layers with names, links and sizes that readers of archives may see differently",
    right="The files are those that a container of the engine has, and the forbidden one is found",
)
def layers_as_the_engine(place: Place) -> str:
    for name, (data, path) in ODD_LAYERS.items():
        tag = f"faults/odd:{name}"
        archive = docker_archive(place.folder / f"{name}.tar", [data], tag=tag)
        load = ["docker", "load", "-q", "-i", str(archive)]
        subprocess.run(load, check=True, capture_output=True, env=place.engine.environment)
        create = ["docker", "create", tag, "/none"]
        made = subprocess.run(create, check=True, capture_output=True, text=True, env=place.engine.environment)
        export = ["docker", "export", made.stdout.strip()]
        exported = subprocess.run(export, check=True, capture_output=True, env=place.engine.environment)
        with tarfile.open(fileobj=io.BytesIO(exported.stdout)) as files:
            unpacked = files.getnames()
        assert path in unpacked, f"{name}: the engine has no {path}"
        for asked in (archive, tag):
            seen = place.run("layers", asked, "--ci", "--forbid", f"/{path}")
            assert seen.returncode == 1, f"{name}: exit code {seen.returncode}: {seen.stdout[-300:]}"
    return f"{len(ODD_LAYERS)} layers: each file that the engine unpacked is found, in the archive and in the engine's image"


@fault(
    "small-archives-large-work",
    what="1.5 kB of index that means 38,416 images; 100,000 PAX records for one file; 20 MB of JSON in 20 kB of gzip",
    right="Each ends with a sentence or a result, in little memory",
    engine=False,
    seconds=240,
)
def small_archives_large_work(place: Place) -> str:
    about = config([], [])
    document = json.dumps({"config": {"digest": f"sha256:{digest(about)}"}, "layers": []}).encode()
    members = {blob(about): about}
    for _ in range(4):
        members[blob(document)] = document
        document = json.dumps({"manifests": [{"digest": f"sha256:{digest(document)}"}] * 14}).encode()
    archives = {"index.tar": write_archive(place.folder / "index.tar", members | {"index.json": document})}
    records = layer(("file", b"x"))
    info = tarfile.TarInfo("file")
    info.pax_headers = {f"k{number}": "v" for number in range(100_000)}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    for name, data in {"records.tar": packed.getvalue(), "plain.tar": records}.items():
        archives[name] = docker_archive(place.folder / name, [data])
    json_bomb = place.folder / "json.tar"
    write_archive(json_bomb, {"manifest.json": b"[" + b"[]," * 5_000_000 + b"[]]"})
    json_bomb.write_bytes(gzip.compress(json_bomb.read_bytes()))
    archives["json.tar"] = json_bomb
    seen = []
    for name, path in archives.items():
        shown = place.run("layers", path, timeout=60)
        assert "Traceback" not in shown.stderr, shown.stderr[-500:]
        seen.append(f"{name} {shown.returncode}")
    return f"exit codes: {', '.join(seen)}"


@fault(
    "artifact-beside-image",
    what="Archives of an image and a list of its software (SBOM), of a Helm chart alone, and one whose first manifest is odd",
    right="The image is read; the chart is called a chart; the odd manifest is passed over",
    engine=False,
)
def artifact_beside_image(place: Place) -> str:
    def document(config_digest: str, config_type: str, layers: list[bytes], **more: str) -> bytes:
        described = {"config": {"digest": f"sha256:{config_digest}", "mediaType": config_type}}
        return json.dumps(described | {"layers": [{"digest": f"sha256:{digest(data)}"} for data in layers]} | more).encode()

    about = config([PLAIN], [])
    image = document(digest(about), "application/vnd.oci.image.config.v1+json", [PLAIN])
    sbom = document(digest(b"{}"), "application/vnd.oci.empty.v1+json", [b"{}"], artifactType="application/spdx+json")
    chart = document(digest(b"{}"), "application/vnd.cncf.helm.config.v1+json", [b"x"])
    held = {blob(data): data for data in (about, PLAIN, image, sbom, chart, b"{}", b"x")}

    def index(*documents: bytes) -> dict[str, bytes]:
        listed = [{"digest": f"sha256:{digest(one)}"} for one in documents]
        return held | {"index.json": json.dumps({"manifests": listed}).encode()}

    both = place.run("layers", write_archive(place.folder / "both.tar", index(sbom, image)), "--json")
    alone = place.run("layers", write_archive(place.folder / "chart.tar", index(chart)))
    odd = {"Config": "missing", "RepoTags": [], "Layers": ["a"]}
    good = {"Config": "c.json", "RepoTags": ["good:1"], "Layers": ["a"]}
    members = {"manifest.json": json.dumps([odd, good]).encode(), "c.json": about, "a": PLAIN}
    beside = place.run("layers", write_archive(place.folder / "odd.tar", members), "--json")
    assert json.loads(both.stdout)["layers"][0]["files"] == 1, both.stderr
    assert alone.returncode == 3, alone.returncode
    assert "a Helm chart" in alone.stderr, alone.stderr
    assert json.loads(beside.stdout)["image"] == "good:1", beside.stderr
    return f"the image is read; exit code 3: {' '.join(alone.stderr.split())[:100]}"
