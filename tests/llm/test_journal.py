"""run.jsonl."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rewardwrap.core.errors import ConfigError
from rewardwrap.llm.journal import Journal


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run.jsonl")
    journal.write("proposed", id="r1s1", code="é\n")
    journal.write("trained", id="r1s1", mean=1.5)
    again = Journal(tmp_path / "run.jsonl")
    assert list(again) == list(journal)
    assert [event["code"] for event in again.of("proposed")] == ["é\n"]


def test_a_line_that_was_cut_short_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    Journal(path).write("proposed", id="r1s1")
    with path.open("a") as file:
        file.write('{"event": "trai')
    journal = Journal(path)
    assert [event["event"] for event in journal] == ["proposed"]
    journal.write("trained", id="r1s1")
    assert [event["event"] for event in Journal(path)] == ["proposed", "trained"]


def test_a_damaged_line_in_the_middle_is_said(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text('{"event": "a"}\nnonsense\n{"event": "b"}\n')
    with pytest.raises(ConfigError, match="line 2 must be JSON"):
        Journal(path)


def test_a_killed_writer_loses_at_most_the_line_it_was_writing(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    code = (
        "from rewardwrap.llm.journal import Journal\n"
        f"journal = Journal({str(path)!r})\n"
        "for number in range(10**6):\n"
        "    journal.write('step', number=number)\n"
        "    print(number, flush=True)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    seen = 0
    started = time.monotonic()
    for line in writer.stdout:
        seen = int(line)
        if seen >= 20 or time.monotonic() - started > 20:
            break
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    numbers = [event["number"] for event in Journal(path)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > seen
