"""One zygote a process: it forks fast, knows nothing, and neither outlives nor is missed."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.sandbox.forks import Gone
from rewardwrap.sandbox.process import Process
from tests.sandbox.corpus import CALM, GOOD, sessions_of

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the wall is Linux's")
TRAINER = """
import sys, time
from rewardwrap.sandbox.process import Process
worker = Process("trials")
print(worker.pid, worker.popen.zygote.popen.pid, flush=True)
time.sleep(600)
"""


def zygote_of(process: Process) -> int:
    """Process id of a worker's parent."""
    return int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1])


def patient(condition, seconds: float = 60.0) -> bool:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


def test_all_workers_of_a_process_have_one_parent_which_has_one_thread_and_no_secret(monkeypatch):
    monkeypatch.setenv("REWARDWRAP_SECRET", "a key")
    workers = [Process("rewards"), Process("readings"), Process("trials")]
    try:
        (zygote,) = {zygote_of(worker) for worker in workers}
        assert os.listdir(f"/proc/{zygote}/task") == [str(zygote)]
        assert b"SECRET" not in Path(f"/proc/{zygote}/environ").read_bytes()
        links = {os.readlink(p) for p in Path(f"/proc/{zygote}/fd").iterdir()}
        assert {link.partition(":")[0] for link in links} == {"/dev/null", "socket", "anon_inode"}
        # what one worker is handed, no other has
        blocks = [
            {
                os.stat(p).st_ino
                for p in Path(f"/proc/{w.pid}/fd").iterdir()
                if "memfd" in os.readlink(p)
            }
            for w in workers
        ]
        assert [len(found) for found in blocks] == [2, 2, 2]
        assert len(set.union(*blocks)) == 6
    finally:
        for worker in workers:
            worker.close()
    assert sessions_of({worker.pid for worker in workers}) == []


def test_a_zygote_that_was_killed_takes_its_workers_along_and_is_replaced():
    reward = rw.CodeReward(GOOD)
    reward(CALM)
    process = reward._ways[-1].session._process
    os.kill(zygote_of(process), 9)
    # the kernel ends it, whoever adopts it collects it
    assert patient(lambda: sessions_of({process.pid}) == [])
    with pytest.warns(rw.RewardwrapWarning, match="restarted once"):
        np.testing.assert_allclose(reward(CALM), CALM.next_obs[:, 0] - CALM.obs[:, 0])
    with pytest.raises(Gone):
        process.popen.zygote.fork(())
    reward.close()


class Collects(list):
    """Descriptors during whose handing the collector runs."""

    def __iter__(self):
        gc.collect()
        return super().__iter__()


FORGETTING = """
import faulthandler, gc
from rewardwrap.sandbox.process import Process
from tests.sandbox.test_forks import Collects, patient, sessions_of
faulthandler.dump_traceback_later(60, exit=True)
asking, forgotten = Process("trials"), Process("trials")
pid = forgotten.pid
gc.disable()
cycle = [forgotten]
cycle.append(cycle)
del cycle, forgotten
forked = asking.popen.zygote.fork(Collects())
assert patient(lambda: sessions_of({pid}) == [])
print(forked.wait(), asking.popen.zygote.usable)
"""


def test_a_worker_that_the_collector_ends_while_another_is_forked_stops_nobody():
    said = subprocess.run(
        [sys.executable, "-c", FORGETTING], capture_output=True, text=True, check=False
    )
    # a fork that was handed nothing leaves with an error of its own
    assert said.stdout.split() == ["1", "True"], said.stderr


def test_a_trainer_that_was_killed_leaves_neither_zygote_nor_worker():
    trainer = subprocess.Popen([sys.executable, "-c", TRAINER], stdout=subprocess.PIPE, text=True)
    assert trainer.stdout is not None
    with trainer.stdout:
        leaders = set(map(int, trainer.stdout.readline().split()))
    assert set(sessions_of(leaders)) == leaders
    trainer.kill()
    trainer.wait()
    assert patient(lambda: sessions_of(leaders) == [])
