"""The hostile corpus: reads the tables in ``attacks/``, runs one attack, and says what it did to the host.

A table holds sections ``### name: verdict`` and a body of code. The verdict is the ``reason`` that the attack
must get, ``harmless`` where it may run and pay finite numbers, or several joined by ``|``. ``won(x)`` in a
body marks success; ``@CANARY@``, ``@FOLDER@``, ``@PORT@`` and ``@PARENT@`` are filled in.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import rewardwrap as rw
from rewardwrap.core.transitions import Transitions

TABLES = Path(__file__).parent / "attacks"
DEADLINE = 0.5
SECRET = "a secret that no reward may know"
PRELUDE = """
class AttackWon(BaseException): pass
def won(value=True):
    if value is not None and value is not False:
        raise AttackWon("THE ATTACK WON")
def raw(*arguments):
    import ctypes
    result = ctypes.CDLL(None, use_errno=True).syscall(*arguments)
    if result >= 0: won()
    raise PermissionError(ctypes.get_errno(), "refused")
"""
HARMLESS = """
def reward(obs, action, next_obs, info):
    return np.zeros(len(obs))
"""
GOOD = """
def reward(obs, action, next_obs, info):
    return next_obs[:, 0] - obs[:, 0]
"""


@dataclass(frozen=True)
class Attack:
    """One section of a table."""

    table: str
    name: str
    verdicts: tuple[str, ...]
    body: str

    def source(self, folder: Path, port: int) -> str:
        """The code with everything filled in."""
        text = self.body
        for token, value in {
            "@CANARY@": str(folder / "canary"),
            "@FOLDER@": str(folder),
            "@PORT@": str(port),
            "@PARENT@": str(os.getpid()),
            "@NUL@": "\0",
            "@SURROGATE@": "\ud800",
            "@PARENTHESES@": "(" * 20_000,
            "@MINUS@": "-" * 60_000 + "1",
            "@BRACKETS@": "[" * 90 + "]" * 90,
        }.items():
            text = text.replace(token, value)
        if self.table == "text":
            return HARMLESS + text
        if self.table == "returns":
            lines = "\n".join(f"    {line}" for line in text.splitlines())
            return f"def reward(obs, action, next_obs, info):\n{lines}\n"
        return PRELUDE + text + ("" if "def reward(" in text else HARMLESS)


@dataclass
class Outcome:
    """What one attack did."""

    attack: Attack
    verdict: str = ""
    sentence: str = ""
    seconds: float = 0.0
    harm: list[str] = field(default_factory=list)


def attacks() -> list[Attack]:
    """All of them, in the order of the tables."""
    found = []
    for path in sorted(TABLES.glob("*.txt")):
        for section in path.read_text(encoding="utf-8").split("\n### ")[1:]:
            head, _, body = section.partition("\n")
            name, _, verdicts = head.partition(":")
            listed = tuple(v.strip() for v in verdicts.split("|"))
            found.append(Attack(path.stem, name.strip(), listed, body))
    return found


def batch_of(rows: int = 4) -> Transitions:
    """Some transitions."""
    rng = np.random.default_rng(0)
    nobody = np.zeros(rows, bool)
    return Transitions(
        obs=rng.normal(size=(rows, 3)),
        action=rng.normal(size=(rows, 2)),
        next_obs=rng.normal(size=(rows, 3)),
        reward=np.zeros(rows),
        terminated=nobody,
        truncated=nobody,
        first=nobody,
    )


@contextmanager
def listener() -> Iterator[tuple[int, list[object]]]:
    """A real server on the loopback; the list holds whoever reached it."""
    hits: list[object] = []
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, address = server.accept()
                    hits.append(address)
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], hits
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
    thread.join()


def run(attack: Attack, port: int, good: rw.CodeReward, skip: tuple[str, ...] = ()) -> Outcome:
    """Run one attack with the gate off, then look for harm."""
    outcome = Outcome(attack)
    folder = Path(tempfile.mkdtemp(prefix="rewardwrap-attack-"))
    try:
        # whoever the worker becomes could write here, were it not for the wall
        folder.chmod(0o777)
        canary = folder / "canary"
        canary.write_text(SECRET)
        canary.chmod(0o666)
        _strike(attack.source(folder, port), outcome, skip)
        if [p.name for p in folder.iterdir()] != ["canary"] or canary.read_text() != SECRET:
            outcome.harm.append("a canary was touched")
        elif canary.stat().st_mode & 0o777 != 0o666:
            outcome.harm.append("a canary has other rights")
    finally:
        shutil.rmtree(folder)
    if "THE ATTACK WON" in outcome.sentence:
        outcome.harm.append("it won")
    if not np.allclose(good(CALM), CALM.next_obs[:, 0] - CALM.obs[:, 0]):
        outcome.harm.append("the next good reward is wrong")
    return outcome


CALM = batch_of()


def _strike(source: str, outcome: Outcome, skip: tuple[str, ...]) -> None:
    began = time.perf_counter()
    reward, sessions = None, set()
    try:
        reward = rw.CodeReward(
            source, components=(), gate="off", deadline=DEADLINE, confine="process"
        )
        reward._way_of(CALM).session.skip = skip
        for _ in range(120):
            if not np.isfinite(reward(CALM)).all():
                outcome.harm.append("a reward that is not finite")
            sessions.add(reward.worker)
        outcome.verdict = "harmless"
    except rw.SandboxError as error:
        outcome.verdict, outcome.sentence = error.reason, str(error)
    outcome.seconds = time.perf_counter() - began
    if reward is not None:
        sessions.add(reward.worker)
        reward.close()
    left = sessions_of(sessions - {None})
    if left:
        outcome.harm.append(f"processes {left} are left")


def sessions_of(leaders: set[int | None]) -> list[int]:
    """Processes of these sessions that still live: a worker leads one, and what it starts is in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[3]) in leaders:
                    found.append(int(entry.name))
    return found


def descriptors() -> int:
    """Open descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))
