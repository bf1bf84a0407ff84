"""Rows about working copies, what dead programs leave on the disk, and files of every kind in a project."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.table import ROOT, Place, fault

MB = 1_000_000
NOBODY = 65534


@contextmanager
def kernel(code: str, *arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A Python that runs the code as a notebook's kernel would, prints a line, and lives on until it is ended."""
    text = f"import os, sys\nfrom pathlib import Path\nimport speedkit as sk\n{code}\nsys.stdin.read()\n"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", text, *map(str, arguments)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stdout is not None
        try:
            yield running, running.stdout.readline().strip()
        finally:
            running.kill()


def python(code: str, *arguments: str | Path, seconds: float = 120.0) -> str:
    """What a Python prints that may have 3 GB of address space; it fails when that one does, or hangs."""
    text = f"import os, sys\nfrom pathlib import Path\nimport speedkit as sk\n{code}\n"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))

    done = subprocess.run(
        [sys.executable, "-c", text, *map(str, arguments)],
        capture_output=True,
        text=True,
        errors="replace",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=seconds,
        preexec_fn=limit,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-400:]
    return done.stdout.strip()


def disk_bytes(folder: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


@fault(
    "clean-beside-a-living-kernel",
    attack="4",
    what="A kernel edits main.go of its copy of the sample app; `speedkit clean` runs in another process",
    right="The text is still there, and clean says whose copy stays",
)
def clean_beside_a_kernel(place: Place) -> str:
    code = 'app = sk.sample_app()\napp.write("main.go", "package main // typed")\nprint(app.folder, flush=True)'
    with kernel(code) as (running, copy):
        done = place.run("clean")
        assert done.returncode == 0, done.stderr
        assert (Path(copy) / "main.go").read_text() == "package main // typed"
        assert copy in done.stderr, f"nothing was said of the copy: {done.stderr}"
        assert str(running.pid) in done.stderr, f"its process is not named: {done.stderr}"
    return "the text is there; clean names the copy and the process that has it"


@fault(
    "copy-of-a-killed-kernel",
    attack="b",
    what="A kernel with a working copy, typed text in it and a strategy of its own is killed by SIGKILL; another one starts",
    right="Copy and strategy are gone; what was typed is kept in a folder that clean names",
    engine=False,
)
def copy_of_a_killed_kernel(place: Place) -> str:
    code = """
app = sk.sample_app()
app.write("main.go", "typed")
app.add_strategy("mine", "FROM scratch")
print(app.folder, flush=True)
"""
    with kernel(code) as (running, copy):
        running.send_signal(signal.SIGKILL)
        running.wait()
        assert Path(copy).is_dir()
    with kernel("app = sk.sample_app()\nprint(app.folder, flush=True)") as (_, other):
        left = [path.name for part in ("work", "dockerfiles") for path in (place.home / part).iterdir()]
        assert left == [Path(other).name], f"left: {left}"
    kept = place.home / "typed" / Path(copy).name
    assert (kept / "main.go").read_text() == "typed"
    said = place.run("clean").stderr
    assert str(kept.parent) in said, said
    return f"swept; the text is in typed/{kept.name}"


@fault(
    "many-starts-at-once",
    attack="4",
    what="5 kernels with copies are killed; then 8 kernels and 4 `speedkit clean` run at once; each kernel has forked",
    right="Each living kernel's copy is whole; of the dead ones' nothing is left",
    engine=False,
)
def many_starts(place: Place) -> str:
    code = """
app = sk.sample_app()
app.write("typed.txt", "typed")
child = os.fork()
if child == 0:
    import time
    time.sleep(0 if int(sys.argv[1]) % 2 else 30)
    os._exit(0)
print(app.folder, flush=True)
"""
    with contextlib.ExitStack() as stack:
        for number in range(5):
            running, _ = stack.enter_context(kernel(code, str(number)))
            running.kill()
        cleaning = [
            stack.enter_context(
                subprocess.Popen(
                    place.command("clean"),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=os.environ | {"PYTHONPATH": str(ROOT), "DOCKER_HOST": "unix:///nowhere"},
                )
            )
            for _ in range(4)
        ]
        living = [Path(stack.enter_context(kernel(code, str(number)))[1]) for number in range(8)]
        for program in cleaning:
            program.wait()
        place.run("clean", env={"DOCKER_HOST": "unix:///nowhere"})
        lost = [copy.name for copy in living if not (copy / "typed.txt").is_file() or not (copy / "main.go").is_file()]
        assert not lost, f"lost: {lost}"
        left = sorted(path.name for path in (place.home / "work").iterdir())
        assert left == sorted(copy.name for copy in living), f"left: {left}"
    return "8 of 8 copies are whole, none of 5 dead ones is left, though children of theirs live"


@fault(
    "folders-of-killed-programs",
    attack="b2",
    what="20 builds of the program are killed with SIGKILL at different moments; then `speedkit history`",
    right="Recordings are whole or not there; nothing of the kit's is left in the folder for temporary files",
    seconds=600,
)
def folders_of_killed_programs(place: Place) -> str:
    folder = place.write({"Dockerfile": f"FROM {place.image}\nCOPY . /x\nRUN sleep 2\n", "a.txt": "a"})
    with_scratch = 0
    for number in range(20):
        before = set(place.temporary.glob("speedkit-*"))
        running = subprocess.Popen(
            place.command("build", folder),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        # Half of them once they have a folder for temporary files, the others at any moment.
        looks = 1000 if number % 2 else 5 * number
        while looks and running.poll() is None and not set(place.temporary.glob("speedkit-*")) - before:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(0.02)
            looks -= 1
        with_scratch += bool(set(place.temporary.glob("speedkit-*")) - before)
        running.kill()
        running.wait()
    assert with_scratch, "no build was killed while it had a folder for temporary files"
    done = place.run("history", "--json")
    assert done.returncode in (0, 1), done.stderr
    left = sorted(path.name for path in place.temporary.glob("speedkit-*"))
    assert not left, f"left: {left}"
    unfinished = list((place.home / "recordings").glob(".unfinished-*")) if (place.home / "recordings").is_dir() else []
    assert not unfinished, f"left: {unfinished}"
    return f"{with_scratch} of 20 were killed while they had such a folder; the next start left none"


@fault(
    "state-folder-inside-the-project",
    attack="23",
    what="SPEEDKIT_HOME is a folder in a project of 50 MB; `sk.app` of the project, twice; also deeper, by a link and mounted",
    right="Each copy takes about 50 MB, and holds nothing of the state",
    engine=False,
)
def state_inside_the_project(place: Place) -> str:
    seen = []
    for home, linked in ((".s", False), ("deep/er/.s", False), (".s", True)):
        project = place.write({"Dockerfile": "FROM scratch\nCOPY . /\n"})
        (project / "data.bin").write_bytes(os.urandom(50 * MB))
        (project / home).mkdir(parents=True)
        os.environ["SPEEDKIT_HOME"] = str(project / home)
        if linked:
            link = place.folder / "link"
            link.symlink_to(project / home)
            os.environ["SPEEDKIT_HOME"] = str(link)
        code = """
first, second = sk.app(sys.argv[1]), sk.app(sys.argv[1])
print(len(second.changed()), sum(1 for _ in second.folder.rglob("*")))
"""
        changed, count = python(code, project).split()
        size = disk_bytes(project) / MB
        assert size < 170, f"the project has {size:.0f} MB after two copies"
        assert (changed, count) == ("0", "2" if "/" not in home else "4"), f"{changed} changed, {count} entries"
        seen.append(f"{size:.0f}")
        shutil.rmtree(project)
    return f"project and two copies: {', '.join(seen)} MB"


@fault(
    "links-to-devices-and-pipes",
    attack="22",
    what="Links to /dev/zero and to a pipe, pipes, a socket, loops: `sk.app`, Workbench, predict, build within 3 GB",
    right="All of them work",
)
def links_to_devices(place: Place) -> str:
    folder = place.write({"Dockerfile": f"FROM {place.image}\nCOPY a.txt /\n", "a.txt": "a"})
    for name, leads_to in {"zero": "/dev/zero", "to-pipe": "pipe", "loop": "loop", "nowhere": "no", "up": ".."}.items():
        (folder / name).symlink_to(leads_to)
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(folder)
        listening.bind("socket")
    code = """
app = sk.app(sys.argv[1])
os.mkfifo(app.folder / "pipe")
bench = sk.Workbench(app)
bench.build()
build = bench.wait()
states = {file["path"]: file["state"] for file in bench.files}
print(build.ok, states["zero"], states["to-pipe"], states["a.txt"])
bench.close(); app.close()
"""
    said = python(code, folder)
    assert said == "True refused refused text", said
    for verb in ("predict", "build"):
        done = place.run(verb, folder)
        assert done.returncode == 0, f"{verb}: {done.stderr[-300:]}"
    return "built in the Workbench and by the program; the links are refused in the editor, with a sentence"


@fault(
    "large-file-that-is-ignored",
    attack="e5",
    what="A sparse file of 800 MB in .dockerignore: `sk.app`, a Workbench within 3 GB, and a build; then it is let in",
    right="The copy takes little, the Workbench works, and the file comes in, holes and all, once it is no longer ignored",
)
def large_ignored_file(place: Place) -> str:
    files = {"Dockerfile": f"FROM {place.image}\nCOPY a.txt /\n", "a.txt": "a", ".dockerignore": "disk.img\n"}
    folder = place.write(files)
    with (folder / "disk.img").open("wb") as file:
        file.truncate(800 * MB)
    code = """
import resource
app = sk.app(sys.argv[1])
size = sum(path.lstat().st_blocks * 512 for path in app.folder.rglob("*"))
bench = sk.Workbench(app)
bench.build()
ok = bench.wait().ok
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
app.write(".dockerignore", "\\n")
app.begin("Dockerfile", cold=False)
let_in = (app.folder / "disk.img").stat()
print(ok, size, round(memory), let_in.st_size, let_in.st_blocks * 512)
bench.close(); app.close()
"""
    ok, size, memory, let_in, on_disk = python(code, folder).split()
    assert ok == "True"
    assert int(size) < MB, f"the copy takes {size} bytes"
    assert int(memory) < 500, f"{memory} MB of memory"
    assert int(let_in) == 800 * MB
    assert int(on_disk) < MB, f"let in, it takes {on_disk} bytes"
    return f"the copy takes {int(size) / 1000:.0f} kB, the process {memory} MB; let in, the file takes {on_disk} bytes"


AS_NOBODY = """
import speedkit.apps, speedkit.cli.program, speedkit.builds, speedkit.history, platform
os.setgroups([]); os.setgid(65534); os.setuid(65534)
place = Path(sys.argv[1])
"""


@contextmanager
def nobodys_folder() -> Iterator[Path]:
    """A folder of the user nobody's, with a state folder in it that SPEEDKIT_HOME names."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
        Path(scratch).chmod(0o711)
        for name in ("project", "state"):
            (Path(scratch) / name).mkdir()
            os.chown(Path(scratch) / name, NOBODY, NOBODY)
        os.environ["SPEEDKIT_HOME"] = str(Path(scratch) / "state")
        yield Path(scratch) / "project"


@fault(
    "folder-that-cannot-be-read",
    attack="e3",
    what="As nobody: a file and a folder of mode 000 in .dockerignore, then not in it; then a Dockerfile of mode 000",
    right="Ignored: `sk.app` works; else a sentence names the file; the Dockerfile's says permission denied",
    engine=False,
)
def unreadable_folder(place: Place) -> str:
    code = f"""{AS_NOBODY}
(place / "Dockerfile").write_text("FROM scratch\\nCOPY . /\\n")
(place / ".dockerignore").write_text("data\\nsecret.txt\\n")
(place / "data").mkdir(); (place / "data").chmod(0)
(place / "secret.txt").write_text("x"); (place / "secret.txt").chmod(0)
print(sorted(sk.app(place).left_out))
(place / ".dockerignore").unlink()
for _ in range(2):
    try:
        sk.app(place)
    except Exception as problem:
        print(type(problem).__name__, problem)
    (place / "secret.txt").unlink(missing_ok=True); (place / "data").chmod(0o700)
    (place / "Dockerfile").chmod(0)
"""
    with nobodys_folder() as project:
        ignored, counts, dockerfile = python(code, project).splitlines()
    assert ignored == "['data', 'secret.txt']", ignored
    for line, name in ((counts, "secret.txt"), (dockerfile, "Dockerfile")):
        assert line.startswith("FileRefused"), line
        assert f"{name} could not be copied: Permission denied" in line, line
    return dockerfile.partition("project/")[2]


@fault(
    "setuid-program-in-a-project",
    attack="root",
    what="As root, `sk.app` of a folder with nobody's copy of `id` of mode 4755, the state in a shared place; nobody runs it",
    right="It does not run as root: nobody cannot reach it, and the copy has no such bit; other permissions stay",
    engine=False,
)
def setuid_program(place: Place) -> str:
    project = place.write({"Dockerfile": "FROM scratch\nCOPY . /\n"})
    program = project / "id"
    shutil.copy(shutil.which("id") or "/usr/bin/id", program)
    os.chown(program, NOBODY, NOBODY)
    program.chmod(0o4755)
    (project / "group").mkdir()
    (project / "group").chmod(0o2775)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as shared:
        Path(shared).chmod(0o777)
        os.environ["SPEEDKIT_HOME"] = str(Path(shared) / "state")
        code = "app = sk.app(sys.argv[1])\nprint(app.folder, flush=True)"
        with kernel(code, project) as (_, copy):
            modes = [oct((Path(copy) / name).stat().st_mode & 0o7777) for name in ("id", "group")]
            assert modes == ["0o755", "0o775"], f"modes: {modes}"
            try:
                raise AssertionError(f"nobody runs it: {as_nobody(Path(copy) / 'id')}")
            except PermissionError:
                pass
            for folder in (Path(shared) / "state", Path(shared) / "state" / "work", Path(copy)):
                folder.chmod(0o711)
            ran = as_nobody(Path(copy) / "id")
            assert "root" not in ran, ran
    return f"permission denied; the copy has mode 755, and where somebody opens the folders it is nobody's: {ran}"


def as_nobody(program: Path) -> str:
    done = subprocess.run(
        [program], user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, check=True, cwd="/"
    )
    return done.stdout.strip()


@fault(
    "names-of-every-kind",
    attack="e2",
    what="Names with newline, ESC, HTML, `-rf`, 255 letters, quotes, DEL, CR; copied, edited, put back, built",
    right="All of it works; one that is no UTF-8 is copied, and BuildKit's error about it is foretold",
)
def names(place: Place) -> str:
    odd = ["new\nline", "esc\x1b[2J", "<b>x", "-rf", "n" * 255, "it's", 'qu"oted', "del\x7f", "cr\r", " ", "*", "$(x)"]
    folder = place.write({"Dockerfile": f"FROM {place.image}\nCOPY . /x\n", **dict.fromkeys(odd, "before")})
    code = """
app = sk.app(sys.argv[1])
odd = [name for name in app.text_files() if name != "Dockerfile"]
for name in odd:
    app.write(name, "after")
assert set(app.changed()) == set(odd), app.changed()
for name in odd[::2]:
    app.reset(name)
build = sk.build(app)
print(build.ok, len(odd), len(app.changed()))
app.close()
"""
    said = python(code, folder)
    assert said == f"True {len(odd)} {len(odd) // 2}", said
    (folder / "\udcff").write_text("x")
    code = """
app = sk.app(sys.argv[1])
assert (app.folder / "\\udcff").is_file()
bench = sk.Workbench(app)
print(sk.build(app).ok, len(bench.files))
bench.close(); app.close()
"""
    ok, files = python(code, folder).split()
    assert ok == "False"
    assert int(files) == len(odd) + 1
    foretold = place.run("predict", folder)
    assert "UTF-8" in foretold.stdout + foretold.stderr, foretold.stdout + foretold.stderr
    return f"{len(odd)} names copied, edited and built; BuildKit refuses the one that is no UTF-8, as predict says"


@fault(
    "folders-of-every-kind",
    attack="e1",
    what="With 256 open files at most: copies of 20,000 files, and of 1,000 folders in one another; build of an empty folder",
    right="Copied, or a sentence",
    engine=False,
)
def folders(place: Place) -> str:
    many = place.write({"Dockerfile": "FROM scratch\n"})
    for number in range(20_000):
        if number % 100 == 0:
            (many / f"d{number // 100}").mkdir()
        (many / f"d{number // 100}/{number}").write_text("x")
    deep = place.write({"Dockerfile": "FROM scratch\n"})
    for depth in range(1, 1001):
        os.mkdir(f"{deep}/{'d/' * depth}")  # noqa: PTH102 - `Path` goes down and up again for each
    code = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
for name in sys.argv[1:]:
    with sk.app(name) as app:
        print(len(app.changed()), sum(len(files) + len(folders) for _, folders, files in os.walk(app.folder)))
"""
    said = python(code, many)
    assert said == "0 20201", said
    assert python("sys.setrecursionlimit(5000)" + code, deep) == "0 1001"
    empty = place.folder / "empty"
    empty.mkdir()
    done = place.run("build", empty, env={"DOCKER_HOST": "unix:///nowhere"})
    assert done.returncode in (2, 3), done.stderr
    subprocess.run(["rm", "-rf", str(deep)], check=True)
    return f"20,000 files and 1,000 levels copied, with nothing changed; empty: {' '.join(done.stderr.split())[:60]}"


@fault(
    "disk-full-while-copying",
    attack="12",
    what="The state folder's disk has 3 MB: `sk.app` of 10 MB; then a copy that fits is edited until no room is left",
    right="A sentence about the disk, nothing half copied; the file that could not be written is as it was",
    engine=False,
)
def disk_full(place: Place) -> str:
    disk = place.folder / "small"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=True)
    try:
        os.environ["SPEEDKIT_HOME"] = str(disk)
        large = place.write({"Dockerfile": "FROM scratch\n"})
        (large / "data.bin").write_bytes(os.urandom(10 * MB))
        small = place.write({"Dockerfile": "FROM scratch\n", "a.txt": "before\n"})
        code = """
try:
    sk.app(sys.argv[1])
except Exception as problem:
    print(type(problem).__name__, problem)
print(os.listdir(os.environ["SPEEDKIT_HOME"] + "/work"))
app = sk.app(sys.argv[2])
try:
    for number in range(10):
        app.write(f"{number}.txt", "x" * 900_000)
except Exception as problem:
    print(type(problem).__name__, problem)
try:
    app.write("a.txt", "y" * 900_000)
except Exception as problem:
    print(type(problem).__name__)
print(repr(app.read("a.txt")))
"""
        first, left, second, third, text = python(code, large, small).splitlines()
        assert re.match(r"DiskFull .* could not be copied: No space left", first), first
        assert left == "[]", left
        assert "No space left" in second, second
        assert (third, text) == ("FileRefused", r"'before\n'"), f"{third} {text[:60]}"
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
    return first[:120]
