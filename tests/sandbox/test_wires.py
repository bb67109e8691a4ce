"""Trainer and worker on one core while a question is out."""

from __future__ import annotations

import dataclasses
import os
import platform
import sys

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core.transitions import Transitions
from rewardwrap.sandbox import wires
from rewardwrap.sandbox.syscalls import TABLES
from rewardwrap.sandbox.wires import HELD, SharedCore

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone")

SOURCE = "def reward(obs, action, next_obs, info):\n    return next_obs[:, 0]\n"


def batch(rows: int = 4) -> Transitions:
    no, zero = np.zeros(rows, bool), np.zeros(rows)
    obs = np.arange(2.0 * rows).reshape(rows, 2)
    return Transitions(obs, np.zeros((rows, 1)), obs, zero, no, no, no)


def test_the_trainer_may_go_where_it_could_before() -> None:
    allowed = os.sched_getaffinity(0)
    reward = rw.CodeReward(SOURCE, confine="process")
    for _ in range(2 * HELD):
        reward(batch())
    assert os.sched_getaffinity(0) == allowed


def test_a_trainer_that_pins_itself_stays_pinned_and_takes_the_worker_along() -> None:
    allowed = os.sched_getaffinity(0)
    reward = rw.CodeReward(SOURCE, confine="process")
    try:
        for core in sorted(allowed)[:2]:
            os.sched_setaffinity(0, {core})
            for _ in range(5):
                reward(batch())
            assert os.sched_getaffinity(0) == {core}
            assert reward.worker is not None
            assert os.sched_getaffinity(reward.worker) == {core}
    finally:
        os.sched_setaffinity(0, allowed)


def test_a_trainer_that_stays_is_left_alone_after_a_while() -> None:
    allowed = os.sched_getaffinity(0)
    shared = SharedCore(os.getpid())
    try:
        os.sched_setaffinity(0, {min(allowed)})
        settled = [shared.is_settled() for _ in range(HELD + 2)]
    finally:
        os.sched_setaffinity(0, allowed)
    assert settled == [False] * (HELD + 1) + [True]


def test_the_wall_needs_no_name_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("memfd_create", "eventfd", "eventfd_write", "pidfd_open", "MFD_CLOEXEC"):
        monkeypatch.delattr(os, name, raising=False)
    assert wires.lacking.__wrapped__() == ""
    reward = rw.CodeReward(SOURCE, confine="process")
    np.testing.assert_array_equal(reward(batch()), batch().next_obs[:, 0])
    reward.close()


def test_what_is_lacking_is_named_with_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = dataclasses.replace(TABLES[platform.machine()], memfd_create=99_999)
    monkeypatch.setitem(TABLES, platform.machine(), numbers)
    assert wires.lacking.__wrapped__() == "memfd_create: Function not implemented"
    monkeypatch.delitem(TABLES, platform.machine())
    assert "no table of system calls for" in wires.lacking.__wrapped__()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert wires.lacking.__wrapped__() == "the wall is Linux's, this is darwin"
