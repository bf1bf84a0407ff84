"""What a soak does again and again: builds of all kinds, workbenches, views of layers, explanations."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from speedkit.apps import App, Probe, own_app
from speedkit.builds import build, start_build
from speedkit.engine.connection import connect
from speedkit.history import explain, predict
from speedkit.widgets.layers_view import LayersView
from speedkit.widgets.workbench import Workbench
from tests.soak.measuring import PAINTER
from tests.waiting import HANG_SECONDS

__all__ = ["Work"]

SERVER = 'FROM {base}\nCOPY greeting /w/greeting\nCMD ["httpd", "-f", "-p", "8080", "-h", "/w"]\n'
TINY = "FROM {base}\nCOPY one.txt /\nRUN cat /one.txt > /two.txt\n"
BENCHES_LEFT_OPEN = 10


class _Asked(App):
    """An app whose image is asked for its greeting."""

    @property
    def probe(self) -> Probe:
        return Probe(8080, "/greeting", "text", "hello")


class Work:
    """Builds, one after another. base: an image that the engine has. folder: where the apps' own folders go."""

    def __init__(self, folder: Path, base: str) -> None:
        self.builds = 0
        self._left_open = 0
        self._tiny = own_app(self._written(folder / "tiny", {"Dockerfile": TINY.format(base=base), "one.txt": "0"}))
        greeting = {"Dockerfile": SERVER.format(base=base), "greeting": '{"text": "hello"}'}
        self._server = own_app(self._written(folder / "server", greeting))
        self._server.__class__ = _Asked
        self._bench_app = own_app(self._written(folder / "bench", {"Dockerfile": TINY.format(base=base), "one.txt": "0"}))

    @staticmethod
    def _written(folder: Path, files: dict[str, str]) -> Path:
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        return folder

    def close(self) -> None:
        for app in (self._tiny, self._server, self._bench_app):
            app.close()

    def do(self, number: int) -> None:
        """One build, and what belongs to it. What is done goes by the number, so that every soak is the same."""
        kinds: list[tuple[int, Callable[[int], None]]] = [
            (50, self._cancelled),
            (25, self._layers),
            (20, self._state),
            (10, self._asked),
            (2, self._edited),
        ]
        next((kind for every, kind in kinds if number % every == every - 1), self._unchanged)(number)

    def _unchanged(self, number: int) -> None:
        built = build(self._tiny)
        assert built.ok, built.error
        self.builds += 1

    def _edited(self, number: int) -> None:
        self._tiny.write("one.txt", f"{number} {os.urandom(4).hex()}")
        predict(self._tiny)
        self._unchanged(number)
        explain()

    def _asked(self, number: int) -> None:
        self._server.write("greeting", f'{{"text": "hello", "number": {number}, "salt": "{os.urandom(4).hex()}"}}')
        built = build(self._server)
        assert built.answer is not None
        assert built.answer.ok, built.answer.text
        self.builds += 1

    def _cancelled(self, number: int) -> None:
        self._tiny.write("Dockerfile", self._tiny.read("Dockerfile"))
        running = start_build(self._tiny, cold=False)
        running.cancel()
        running.wait()
        self.builds += 1

    def _state(self, number: int) -> None:
        self._bench_app.write("one.txt", f"bench {number}")
        bench = Workbench(self._bench_app)
        bench.build()
        built = bench.wait()
        assert built is not None
        assert built.ok, built.error
        self.builds += 1
        self._left_open += 1
        if self._left_open > BENCHES_LEFT_OPEN:
            bench.close()

    def _layers(self, number: int) -> None:
        built = build(self._tiny)
        self.builds += 1
        LayersView(built, engine=connect()).close()

    def settle(self) -> None:
        """Return when every thread that ends by itself has ended, however busy the machine is.

        A thread may start another one as it ends: the end of a build starts the one that keeps the limits. The painter of all
        widgets goes on while one of them is there.
        """
        deadline = time.monotonic() + HANG_SECONDS
        while others := self._other_threads():
            assert time.monotonic() < deadline, f"these threads do not end: {others}"
            others[0].join(HANG_SECONDS)

    @staticmethod
    def _other_threads() -> list[threading.Thread]:
        own = threading.current_thread()
        return [thread for thread in threading.enumerate() if thread is not own and thread.name != PAINTER]
