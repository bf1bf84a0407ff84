"""`python -m tests.lesson_times`: ships the seconds that the last tour on this machine measured, with the machine's cores.

Readers see them at the head of each lesson until their own machine has run it. Run `make tour` before, on an idle machine.
"""

from __future__ import annotations

import json

from speedkit.engine import connect
from speedkit.lessons import runs_by_lesson
from speedkit.lessons.lesson_runs import MEASURED


def main() -> None:
    seconds = {lesson: round(run.seconds, 1) for lesson, run in runs_by_lesson().items() if run.seconds is not None}
    MEASURED.write_text(json.dumps({"cores": connect().cpus, "seconds": seconds}, indent=1) + "\n", encoding="utf-8")
    print(f"{MEASURED.name}: {len(seconds)} lessons")


if __name__ == "__main__":
    main()
