"""The log of a step is kept by its beginning and its end, and all logs of a file share what they may take."""

from __future__ import annotations

from speedkit.build_records.step_log import BEGIN_BYTES, END_BYTES, FILE_BYTES, LogBudget, StepLog

PIECE = b"".join(b"\nline %06d" % number for number in range(10_000))


def kept(log: StepLog) -> bytes:
    return log.text(lambda piece: piece)


def test_a_short_log_is_kept_as_it_came():
    log = StepLog(LogBudget())
    log.add(b"\none\ntwo")
    log.add(b"\nthree")
    assert kept(log) == b"one\ntwo\nthree\n"
    assert kept(StepLog(LogBudget())) == b""


def test_a_long_log_keeps_its_beginning_and_its_end_and_says_what_is_left_out():
    log = StepLog(LogBudget())
    for _ in range(20):
        log.add(PIECE)
    log.add(b"\nfatal: the reason")
    text = kept(log)
    assert text.startswith(b"line 000000\nline 000001\n")
    assert text.endswith(b"line 009999\nfatal: the reason\n")
    assert len(text) < BEGIN_BYTES + 2 * END_BYTES
    assert b"\n[speedkit left out " in text


def test_many_steps_share_the_budget_of_their_file():
    budget = LogBudget()
    logs = [StepLog(budget) for _ in range(300)]
    for log in logs:
        log.add(PIECE)
    assert sum(len(kept(log)) for log in logs) < FILE_BYTES + 300 * (8 << 10)
    assert all(kept(log).endswith(b"line 009999\n") for log in logs)
