"""Twenty questions of five answers each, learned from rewards by a group-normalised policy gradient."""

from __future__ import annotations

import numpy as np

import rewardwrap as rw

QUESTIONS, ANSWERS, GROUP = 20, 5, 8
CHANCE = 1 / ANSWERS


def answered(
    reward: rw.Reward,
    seed: int,
    *,
    updates: int,
    rate: float = 0.5,
    scale: float = 1.0,
    normalised: bool = True,
    shared: bool = False,
) -> float:
    """How often a policy is right in the end that was paid ``reward`` of ``scale * right``.

    ``shared``: the answers to one question are one episode at each visit.
    """
    rng = np.random.default_rng(seed)
    truth, logits = rng.integers(ANSWERS, size=QUESTIONS), np.zeros((QUESTIONS, ANSWERS))
    questions = np.arange(QUESTIONS)[:, None]
    for _ in range(updates):
        chance = np.exp(logits - logits.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        edges = np.cumsum(chance, axis=1)[:, None, :-1]
        given = (rng.random((QUESTIONS, GROUP))[..., None] > edges).sum(axis=-1)
        right = scale * (given == truth[:, None])
        paid = np.array([_paid(reward, r) for r in right]) if shared else _paid(reward, right)
        gain = paid - paid.mean(axis=1, keepdims=True)
        if normalised:
            gain /= paid.std(axis=1, keepdims=True) + 1e-6
        step = -gain.sum(axis=1)[:, None] * chance
        np.add.at(step, (np.broadcast_to(questions, given.shape), given), gain)
        logits += rate * step / GROUP
    chance = np.exp(logits - logits.max(axis=1, keepdims=True))
    return float((chance[questions[:, 0], truth] / chance.sum(axis=1)).mean())


def _paid(reward: rw.Reward, base: np.ndarray) -> np.ndarray:
    count = base.size
    end = np.arange(count) == count - 1
    batch = {"obs": np.zeros(count + 1), "action": np.zeros(count), "reward": base.ravel()}
    log = {**batch, "terminated": end, "truncated": np.zeros(count, bool)}
    return rw.relabel(reward, log, training=True).reshape(base.shape)
