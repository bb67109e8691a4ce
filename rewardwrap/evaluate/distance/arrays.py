"""Rewards of a tabular environment as arrays over (s, a, s'), ended states included."""

from __future__ import annotations

import numpy as np

from rewardwrap.core.task import Task
from rewardwrap.core.transitions import FloatArray
from rewardwrap.evaluate.dynamics import Outcomes
from rewardwrap.evaluate.payment import DistanceError, Payment, reads_own_reward, rows


def reward_array(
    payment: Payment, world: Outcomes, own: FloatArray, task: Task
) -> tuple[FloatArray, bool]:
    """``(S + E, A, S + E)``: what a reward pays on every transition, possible or not.

    Rows of an ended state pay what a potential still owes there (`Payment.after_the_end`); the
    environment's own reward counts as 0 on impossible transitions.

    Args:
        payment: The reward.
        world: What can happen.
        own: ``(S + E, A, S + E)`` the environment's own reward, 0 where impossible.
        task: Named fields and the discount.

    Returns:
        The array, and whether the environment's own reward is a part of it.

    Raises:
        DistanceError: It pays NaN or infinity somewhere.
    """
    ended, states = world.ended, world.states
    label = np.concatenate([np.arange(states), ended])
    over = np.arange(len(label)) >= states
    found, reads = np.zeros(own.shape), False
    columns = np.tile(np.arange(len(label)), world.actions)
    actions = np.repeat(np.arange(world.actions), len(label))
    for s in range(len(label)):
        obs = np.full(len(columns), label[s])
        batch = rows(
            obs, actions, label[columns], over[columns], task=task, reward=own[s].reshape(-1)
        )
        if s == 0:
            reads = reads_own_reward(payment, batch)
        paid = payment.after_the_end(batch) if over[s] else payment.on(batch)
        found[s] = paid.reshape(world.actions, -1)
    if not np.isfinite(found).all():
        s, a, y = np.argwhere(~np.isfinite(found))[0].tolist()
        raise DistanceError(
            f"reward must be finite on every transition, got {found[s, a, y]} from state {label[s]} "
            f"by action {a} to {label[y]}. Distances also look at transitions that cannot happen."
        )
    return found, reads
