"""Policies over many items at once: the optimum under a KL penalty, without a learner's noise."""

from __future__ import annotations

import numpy as np

import rewardwrap as rw

ITEMS = 4000


def paid(reward: rw.Reward, base: np.ndarray, **info: np.ndarray) -> np.ndarray:
    """What a reward pays for items that are the steps of one log; ``base`` is their own reward."""
    count = len(base)
    log = {"obs": np.zeros(count + 1), "action": np.zeros(count), "reward": base, "info": info}
    never = np.zeros(count, bool)
    return rw.relabel(reward, {**log, "terminated": never, "truncated": never})


def optimum(reference: np.ndarray, reward: np.ndarray, *, penalty: float) -> np.ndarray:
    """``argmax_p p R - penalty KL(p, reference)``, in closed form."""
    logits = np.log(np.maximum(reference, 1e-300)) + reward / penalty
    chance = np.exp(logits - logits.max())
    return chance / chance.sum()


def optimum_at(reference: np.ndarray, reward: np.ndarray, *, kl: float) -> np.ndarray:
    """The same with the penalty for which the KL from the reference is ``kl``."""
    low, high = -8.0, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        chance = optimum(reference, reward, penalty=float(np.exp(middle)))
        ratio = np.log(np.maximum(chance, 1e-300) / np.maximum(reference, 1e-300))
        low, high = (low, middle) if float(chance @ ratio) < kl else (middle, high)
    return optimum(reference, reward, penalty=float(np.exp(high)))
