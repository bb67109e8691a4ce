"""Exact distances: arrays, and environments that write their dynamics out."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import FloatArray
from rewardwrap.evaluate.distance.arrays import reward_array
from rewardwrap.evaluate.distance.estimate import sizes
from rewardwrap.evaluate.distance.measured import Distance, warn_of
from rewardwrap.evaluate.distance.separation import CONVENTION
from rewardwrap.evaluate.distance.tabular import measure
from rewardwrap.evaluate.dynamics import outcomes
from rewardwrap.evaluate.mdp import (
    require_discount,
    require_distribution,
    require_dynamics,
    require_reward,
)
from rewardwrap.evaluate.payment import Payment


def of_arrays(
    a: Any, b: Any, metric: str, T: Any, gamma: float | None, state_dist: Any, action_dist: Any,
    policy: Any, seed: int,
) -> Distance:  # fmt: skip
    if gamma is None:
        raise ConfigError("gamma must be given with arrays, got None. Use the agent's, e.g. 0.99.")
    dynamics = require_dynamics(T)
    pair = [require_reward(r, dynamics.shape, n) for r, n in ((a, "a"), (b, "b"))]
    return _exact(
        pair, dynamics, require_discount(gamma), metric, state_dist, action_dist, policy, seed,
        np.zeros(len(dynamics), bool), (),
    )  # fmt: skip


def of_table(
    payments: list[Payment], metric: str, world: gym.Env[Any, Any], task: Task, gamma: float,
    state_dist: Any, action_dist: Any, policy: Any, seed: int, notes: tuple[str, ...],
) -> Distance:  # fmt: skip
    table = outcomes(world)
    dynamics, own = table.arrays()
    found = [reward_array(payment, table, own, task) for payment in payments]
    guessed = any(reads for _, reads in found) and payments[0].own is None
    if guessed and metric in ("epic", "npec", "dard"):
        notes = (
            *notes,
            "the environment's own reward is known on possible transitions alone and counts as "
            "0 elsewhere; starc-val and starc-minimal do not look there",
        )
    if metric == "erc" and state_dist is None:
        state_dist = table.start_of_all()
    over = np.arange(len(dynamics)) >= table.states
    pair = [array for array, _ in found]
    return _exact(pair, dynamics, gamma, metric, state_dist, action_dist, policy, seed, over, notes)


def _exact(
    pair: list[FloatArray], dynamics: FloatArray, gamma: float, metric: str, state_dist: Any,
    action_dist: Any, policy: Any, seed: int, over: Any, notes: tuple[str, ...],
) -> Distance:  # fmt: skip
    states, actions, _ = dynamics.shape
    setting = (
        dynamics,
        gamma,
        metric,
        require_distribution(state_dist, (states,), "state_dist"),
        require_distribution(action_dist, (actions,), "action_dist"),
        require_distribution(policy, (states, actions), "policy"),
    )
    value, zero = measure(pair[0], pair[1], *setting)
    notes = (*notes, CONVENTION) if zero else notes
    phi = np.where(over, 0.0, np.random.default_rng(seed).standard_normal(states))
    floor = 0.0
    for reward, size in zip(pair, sizes(pair), strict=True):
        shaped = reward + size * (gamma * phi - phi[:, None, None])
        floor = max(floor, measure(reward, shaped, *setting)[0])
    warn_of(notes)
    return Distance(value, (value, value), floor, metric, gamma, 0, notes)
