"""kill -9 while answers are being written: nothing lost, nothing doubled."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rewardwrap.annotate.database import Database
from rewardwrap.data import EpisodeStore

pytest.importorskip("uvicorn")
LABELERS = ("Ann", "Bob", "Eve")
PAIRS = 200
LOST = (
    urllib.error.URLError, ConnectionError, TimeoutError, json.JSONDecodeError,
    http.client.HTTPException,
)  # fmt: skip
"""An answer that did not come, or not whole: a kill may fall between its head and its body."""


class Server:
    """``rewardwrap label`` in a process of its own."""

    def __init__(self, data: Path, out: Path) -> None:
        words = ["label", str(data), "--out", str(out), "--pairs", str(PAIRS), "--length", "10"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rewardwrap", *words, "--no-browser"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Open http"), line
        self.url = line.split()[1]

    def end(self, how: signal.Signals) -> str:
        self.process.send_signal(how)
        said, _ = self.process.communicate(timeout=60)
        return str(said)


def post(url: str, message: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        url, json.dumps(message).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        found: dict[str, Any] = json.load(reply)
    return found


def patiently(send: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """As the page does: the same message again until somebody answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return send()
        except LOST:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def label(url: str, name: str, receipts: dict[str, str], stop: threading.Event) -> None:
    """A labeler's page: answers until told to stop, and remembers what was acknowledged."""
    state = patiently(lambda: post(url + "api/open", {"labeler": name}))
    sides = ("left", "right", "equal", "skip")
    while state["work"] and not stop.is_set():
        assignment = state["work"][0]["assignment"]
        side = sides[len(receipts) % 4]
        message = {"session": state["session"], "assignment": assignment, "side": side, "ms": 1}
        state = patiently(lambda m=message: post(url + "api/judge", m))  # type: ignore[misc]
        receipts[assignment] = state["receipt"]["side"]
        assert state["receipt"]["side"] == side


def test_a_server_killed_in_the_middle_of_answers_loses_and_doubles_nothing(
    swings: EpisodeStore, tmp_path: Path
) -> None:
    swings.save(tmp_path / "data")
    out = tmp_path / "j.sqlite"
    server = Server(tmp_path / "data", out)
    stop = threading.Event()
    receipts: dict[str, dict[str, str]] = {name: {} for name in LABELERS}
    desks = [
        threading.Thread(target=label, args=(server.url, name, receipts[name], stop))
        for name in LABELERS
    ]
    for desk in desks:
        desk.start()
    for kill in range(2):
        while sum(map(len, receipts.values())) < 20 * (kill + 1):
            time.sleep(0.005)
        server.end(signal.SIGKILL)
        # the same command goes on: same port, same token, pages that are open go on by themselves
        again = Server(tmp_path / "data", out)
        assert again.url == server.url
        server = again
    while sum(map(len, receipts.values())) < 60:
        time.sleep(0.005)
    stop.set()
    for desk in desks:
        desk.join(60)
        assert not desk.is_alive()
    said = server.end(signal.SIGINT)
    assert "pairs answered" in said
    assert server.process.returncode == 0
    with Database(out) as database:
        rows = database.read("SELECT j.*, p.a_left FROM judgment j JOIN pair p ON p.id = j.pair")
        kept = {r["assignment"]: r["choice"] for r in rows}
        assert database.read("PRAGMA integrity_check")[0][0] == "ok"
    acknowledged = {k: side for each in receipts.values() for k, side in each.items()}
    assert set(acknowledged) == set(kept)
    assert len(rows) == len(kept) == len({(r["pair"], r["labeler"]) for r in rows})
    for row in rows:
        side = acknowledged[row["assignment"]]
        assert row["choice"] == {"left": "ba"[row["a_left"]], "right": "ab"[row["a_left"]]}.get(
            side, side
        )


def test_a_second_server_on_one_file_is_no_harm(swings: EpisodeStore, tmp_path: Path) -> None:
    swings.save(tmp_path / "data")
    out = tmp_path / "j.sqlite"
    one = Server(tmp_path / "data", out)
    other = Server(tmp_path / "data", out)
    assert one.url != other.url
    state = post(one.url + "api/open", {"labeler": "Ann"})
    message = {
        "session": state["session"],
        "assignment": state["work"][0]["assignment"],
        "side": "left",
    }
    first = post(one.url + "api/judge", message)
    second = post(other.url + "api/judge", message)
    assert (first["receipt"]["before"], second["receipt"]["before"]) == (False, True)
    for server in (one, other):
        os.kill(server.process.pid, signal.SIGTERM)
        server.process.communicate(timeout=60)
