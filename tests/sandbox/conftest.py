"""The corpus runs once for all tests that ask about it, four attacks at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

import rewardwrap as rw
from rewardwrap.sandbox.process import Process
from tests.sandbox.corpus import GOOD, Attack, Outcome, attacks, descriptors, listener, run


@dataclass
class Raid:
    """Every attack's outcome, and what was seen of the host before and after."""

    outcomes: dict[str, Outcome]
    hits: list[object]
    descriptors: tuple[int, int]


@pytest.fixture(scope="session")
def raid() -> Raid:
    # the zygote's socket is no worker's
    Process("trials").close()
    local, before = threading.local(), descriptors()
    goods: list[rw.CodeReward] = []

    def strike(attack: Attack) -> Outcome:
        if not hasattr(local, "good"):
            local.good = rw.CodeReward(GOOD, confine="process")
            goods.append(local.good)
        return run(attack, port, local.good)

    with listener() as (port, hits), ThreadPoolExecutor(4) as pool:
        outcomes = {o.attack.name: o for o in pool.map(strike, attacks())}
        for good in goods:
            good.close()
    return Raid(outcomes, hits, (before, descriptors()))
