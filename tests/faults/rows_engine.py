"""Rows about an engine that is full, or that stops in the middle."""

from __future__ import annotations

import json

from tests.faults.table import Place, fault


@fault(
    "full-engine",
    attack="14",
    what="A step fills the engine's disk, and a COPY does not fit on it",
    right="The error says that the disk is full and what to do, with exit code 3; later builds work",
    seconds=600,
)
def full_engine(place: Place) -> str:
    """The engine's data folder is a file system of 300 MB."""
    import subprocess

    disk = place.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(disk)], check=True)
    try:
        with place.another_engine(f"--data-root={disk}") as small:
            small.api.load_image(b"".join(place.engine.api.get_image(place.image)))
            environment = {"DOCKER_HOST": small.host}
            filling = place.write({"Dockerfile": f"FROM {place.image}\nRUN dd if=/dev/zero of=/big bs=1M count=400\n"})
            full = place.run("build", filling, env=environment)
            assert full.returncode == 3, f"exit code {full.returncode}: {full.stderr[-300:]}"
            assert "no space left" in full.stderr.lower() or "full" in full.stderr.lower(), full.stderr[-300:]
            little = place.write({"Dockerfile": f"FROM {place.image}\nRUN echo little > /little\n"})
            after = place.run("build", little, "--json", env=environment)
            assert after.returncode == 0, f"a later build failed: {after.stderr[-300:]}"
            assert json.loads(after.stdout)["exit_code"] == 0
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
    return f"exit code 3: {' '.join(full.stderr.split())[:120]}; a later build works"
