"""Where a system has no wall, a worker over pipes pays the same and stops mistakes, and says what it is."""

from __future__ import annotations

import gc
import os
import sys
import time

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.sandbox import channel, isolation, wires
from rewardwrap.sandbox.process import Process
from tests.sandbox.corpus import batch_of, descriptors

TEXT = """
def reward(obs, action, next_obs, info):
    near, effort = np.exp(-np.square(next_obs[:, 0])), -0.1 * np.square(action).sum(axis=-1)
    return near + effort, {"near": near, "effort": effort}
"""
HEAD = "def reward(obs, action, next_obs, info):\n    "


@pytest.fixture(autouse=True)
def no_wall(monkeypatch):
    """The hook: this system has none of what the wall is made of."""
    monkeypatch.setattr(wires, "confinable", lambda: False)


def code(source: str = TEXT, **settings) -> rw.CodeReward:
    return rw.CodeReward(source, allow_weaker=True, **settings, confine="process")


def by_hand(batch) -> np.ndarray:
    return np.exp(-np.square(batch.next_obs[:, 0])) - 0.1 * np.square(batch.action).sum(axis=-1)


def test_it_is_refused_in_a_sentence_unless_that_was_asked_for():
    with pytest.raises(
        rw.SandboxError, match=r"must be strong, got process-only .*not hostile code.*allow_weaker"
    ):
        rw.wrap(
            gym.make("CartPole-v1"),
            rw.CodeReward(HEAD + "return next_obs[:, 0]\n", confine="process"),
        )
    reward = rw.CodeReward(TEXT, confine="process")
    with pytest.raises(rw.SandboxError, match="must be strong, got process-only"):
        reward(batch_of())
    assert reward.worker is None


def test_describe_says_process_only_and_what_nothing_refuses():
    found = isolation.describe.__wrapped__()
    assert found["tier"] == "process-only"
    assert "not hostile code" in found["protects"]
    assert found["blocked"] == ()
    assert set(found["open"]) == {"open", "socket", "fork", "signal"}


def test_it_pays_the_same_numbers():
    reward = code()
    for rows in (1, 4, 300, 4):
        batch = batch_of(rows)
        np.testing.assert_allclose(reward(batch), by_hand(batch), rtol=1e-12)
        np.testing.assert_allclose(sum(batch.terms.values()), by_hand(batch), rtol=1e-12)
    big = batch_of(10_000)
    np.testing.assert_allclose(reward(big), by_hand(big), rtol=1e-12)
    reward.close()


@pytest.mark.parametrize(
    ("source", "reason", "settings"),
    [
        ("while True: pass", "timeout", {"deadline": 0.3}),
        ("return np.ones(10 ** 10)[:len(obs)]", "memory", {"memory_mb": 64}),
        ("return np.zeros(len(obs)) / 0.0 + nothing", "crash", {}),
        ("return np.full(len(obs), np.nan)", "output", {}),
        ("import os; os._exit(3)", "crash", {}),
        ("import ctypes; ctypes.string_at(0)", "syscall|crash", {}),
    ],
)
def test_mistakes_get_their_reason_in_time(source, reason, settings):
    reward = code(HEAD + source + "\n", gate="off", components=(), **settings)
    began = time.perf_counter()
    with pytest.raises(rw.SandboxError) as caught:
        reward(batch_of())
    assert caught.value.reason in reason.split("|")
    assert time.perf_counter() - began < settings.get("deadline", 1.0) + 30
    assert str(caught.value).isprintable()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_worker_that_dies_is_replaced_once():
    import signal

    reward, batch = code(), batch_of()
    reward(batch)
    os.kill(reward.worker, signal.SIGKILL)
    with pytest.warns(rw.RewardwrapWarning, match="restarted once"):
        np.testing.assert_allclose(reward(batch), by_hand(batch))
    os.kill(reward.worker, signal.SIGKILL)
    with pytest.raises(rw.SandboxError, match="must not crash its process") as caught:
        reward(batch)
    assert caught.value.reason == "crash"


def test_a_worker_that_never_reads_does_not_hold_up_the_trainer():
    process = Process("rewards")
    source = HEAD + "while True: pass\n"
    process.ask(channel.LOAD, {"source": source, "components": [], "steady": False}, 5.0)
    with pytest.raises(wires.Late):
        process.turn(channel.CALL, 0, 0, channel.HEAD, 0.1)
    began = time.monotonic()
    with pytest.raises(wires.Late):
        process.turn(channel.CALL, 0, 0, process.block, 0.1)
    assert time.monotonic() - began < 30
    process.close()


def test_nothing_is_left_behind():
    gc.collect()
    before = descriptors()
    for _ in range(3):
        reward = code()
        reward(batch_of())
        worker = reward.worker
        reward.close()
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
    assert descriptors() == before
