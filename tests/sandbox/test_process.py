"""The trainer's end: whatever lies in the answers, it raises its own errors and nothing else."""

from __future__ import annotations

import gc
import os
import signal
import struct
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.sandbox import channel
from rewardwrap.sandbox.channel import ANSWER, HEAD, Column, offsets
from rewardwrap.sandbox.columns import Exchange
from rewardwrap.sandbox.errors import clean, told
from rewardwrap.sandbox.process import Died, Process
from rewardwrap.sandbox.session import Session
from rewardwrap.sandbox.wires import Late
from tests.sandbox.corpus import CALM, GOOD, batch_of, descriptors, sessions_of

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's protocol")


@pytest.fixture
def silent(monkeypatch):
    """A process whose answers the test writes itself: the worker is not asked."""
    process = Process("trials")
    monkeypatch.setattr(process, "_turn", lambda sent, seconds: True)
    yield process
    process.close()


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.one_of(
        st.binary(min_size=16, max_size=16),
        st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    ),
    body=st.binary(max_size=400),
)
def test_random_answers_end_in_numbers_or_in_an_error_of_ours(silent, head, body):
    if isinstance(head, tuple):
        head = ANSWER.pack(silent._sequence + 1, *head)
    silent.answers[: len(head)] = head
    silent.answers[HEAD : HEAD + len(body)] = body
    try:
        values = Exchange(silent, [], 4, 3)([], 1.0, channel.CALL)
    except (Died, rw.SandboxError) as error:
        said = str(error)
    else:
        said = ""
        assert (values.shape, values.dtype) == ((12,), np.float64)
    assert said == "" or said.isprintable()
    assert len(said) < 1000


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(width=64), min_size=8, max_size=8))
def test_numbers_that_are_no_reward_are_refused(silent, numbers):
    session = Session("", ("a",))
    session._process, session._sent = silent, None
    session._exchanges = {4: Exchange(silent, [], 4, 2)}
    silent.answers[HEAD : HEAD + 64] = struct.pack("8d", *numbers)
    silent.answers[:16] = ANSWER.pack(silent._sequence + 1, channel.DONE, 0)
    fine = all(abs(x) <= 1e9 for x in numbers)
    if fine:
        assert session._piece(1.0, [], 4, channel.CALL).shape == (2, 4)
    else:
        with pytest.raises(rw.SandboxError, match="must be finite and at most 1e"):
            session._piece(1.0, [], 4, channel.CALL)


@given(st.text(max_size=300), st.integers(0, 2**32 - 1))
def test_whatever_a_worker_says_becomes_one_printable_line(text, status):
    error = told(status, text)
    assert error.reason in ("crash", "memory", "syscall", "output", "gate")
    assert str(error).isprintable()
    assert clean(text).isprintable()


def test_what_was_copied_does_not_change_when_the_worker_writes_on(silent):
    silent.answers[:80] = ANSWER.pack(silent._sequence + 1, channel.DONE, 0).ljust(80, b"\0")
    values = Exchange(silent, [], 2, 1)([], 1.0, channel.CALL)
    silent.answers[HEAD : HEAD + 16] = struct.pack("2d", 7.0, 7.0)
    np.testing.assert_array_equal(values, np.zeros(2))


def test_the_blocks_are_sealed():
    process = Process("trials")
    try:
        for number in os.listdir("/proc/self/fd"):
            target = (
                os.readlink(f"/proc/self/fd/{number}")
                if os.path.lexists(f"/proc/self/fd/{number}")
                else ""
            )
            if "rewardwrap-" in target:
                with pytest.raises(OSError, match="not permitted"):
                    os.ftruncate(int(number), 0)
                if "requests" in target:
                    with pytest.raises(OSError, match="not permitted"):
                        os.pwrite(int(number), b"x", 0)
    finally:
        process.close()


def test_columns_lie_on_borders_of_64_bytes():
    columns = [Column("obs", (), "<f4", (3,)), Column("info", ("x",), "|u1", ())]
    assert offsets(columns, 5) == [64, 128, 192]
    assert [Column.of(c.plain()) for c in columns] == columns


def test_a_dead_worker_is_seen_at_once_not_at_the_deadline():
    process = Process("trials")
    os.kill(process.pid, 9)
    began = time.monotonic()
    with pytest.raises(Died, match="SIGKILL"):
        process.ask(channel.CALL, "nothing", 30.0)
    assert time.monotonic() - began < 25.0
    process.close()


def test_a_late_answer_is_late():
    session = Session("def reward(*a):\n    while True: pass", deadline=0.2, memory=1 << 28)
    process = Process("rewards")
    process.ask(channel.LOAD, {"source": session.source, "components": [], "steady": False}, 5.0)
    with pytest.raises(Late):
        process.turn(channel.CALL, 0, 0, HEAD, 0.2)
    process.close()


def test_a_worker_outlives_the_thread_that_started_it():
    reward = rw.CodeReward(GOOD, confine="process")
    thread = threading.Thread(target=reward, args=(CALM,))
    thread.start()
    thread.join()
    worker = reward.worker
    for _ in range(3):
        np.testing.assert_allclose(reward(CALM), CALM.next_obs[:, 0] - CALM.obs[:, 0])
    assert reward.worker == worker
    reward.close()


STUCK = """
def reward(obs, action, next_obs, info):
    while obs[0, 0] > 1e3: pass
    return next_obs[:, 0]
"""


def test_an_interrupt_leaves_no_stale_answer():
    reward, stuck = rw.CodeReward(STUCK, gate="off", components=(), deadline=60.0), batch_of()
    reward(CALM)
    stuck.obs[0, 0] = 1e4

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            reward(stuck)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert reward.worker is None
    np.testing.assert_array_equal(reward(CALM), CALM.next_obs[:, 0])
    assert reward._ways[-1].session.restarts == 0
    reward.close()


def test_two_threads_on_one_reward_take_turns():
    reward, wrong = rw.CodeReward(STUCK, gate="off", components=()), []

    def pay(shift):
        batch = batch_of()
        batch.next_obs = batch.next_obs + shift
        for _ in range(200):
            if not np.array_equal(reward(batch), batch.next_obs[:, 0]):
                wrong.append(shift)

    reward(CALM)
    threads = [threading.Thread(target=pay, args=(shift,)) for shift in (1.0, 2.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert reward._ways[-1].session.restarts == 0
    reward.close()


def test_a_second_chance_comes_back_after_good_turns(monkeypatch):
    monkeypatch.setattr("rewardwrap.sandbox.session.REFILL", 3)
    reward = rw.CodeReward(STUCK, gate="off", components=())
    for _ in range(2):
        reward(CALM)
        os.kill(reward.worker, 9)
        with pytest.warns(rw.RewardwrapWarning, match="Within 3 turns the next time is an error"):
            reward(CALM)
        for _ in range(3):
            reward(CALM)
    os.kill(reward.worker, 9)
    with pytest.warns(rw.RewardwrapWarning, match="restarted once"):
        reward(CALM)
    os.kill(reward.worker, 9)
    with pytest.raises(rw.SandboxError, match="must not crash"):
        reward(CALM)


def test_a_forked_trainer_starts_a_worker_of_its_own():
    reward = rw.CodeReward(GOOD, confine="process")
    reward(CALM)
    worker = reward.worker
    child = os.fork()
    if child == 0:
        fine = reward.worker is None and np.isfinite(reward(CALM)).all() and reward.worker != worker
        reward.close()
        os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert reward.worker == worker
    assert np.isfinite(reward(CALM)).all()


def test_many_rewards_leave_no_descriptor_and_no_process():
    # the zygote's socket is no worker's
    Process("trials").close()
    gc.collect()
    before = descriptors()
    for _ in range(4):
        reward = rw.CodeReward(GOOD, confine="process")
        reward(CALM)
        worker = reward.worker
        reward.close()
        assert sessions_of({worker}) == []
    assert descriptors() == before


@pytest.mark.parametrize("calls", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_memory_and_descriptors_do_not_grow_with_calls(calls):
    reward, batch = rw.CodeReward(GOOD, confine="process"), batch_of(16)
    for _ in range(2000):
        reward(batch)
    before = resident(os.getpid()), resident(reward.worker), descriptors()
    for _ in range(calls):
        reward(batch)
    after = resident(os.getpid()), resident(reward.worker), descriptors()
    assert after[2] == before[2]
    assert after[1] - before[1] < 1 << 20
    assert after[0] - before[0] < 4 << 20
    reward.close()


def resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
