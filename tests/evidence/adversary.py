"""Canvases painted to look like references: by a fixed discriminator, and by one that learns along."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together, within

CLAIM = (
    "A policy gradient on a discriminator that was fitted to references and random canvases and then "
    "fixed paints "
    "canvases further from the references than where it began; on one that learns along it ends nearer, the "
    "discriminator's accuracy goes to about one half, and other references change the style."
)
SOURCE = "Mao et al. (Adv-GRPO), 2025, arXiv 2511.20256; the canvas is of arXiv 2510.12784"
BUDGET = 1.0
OBJECT = "rewardwrap.scores.adversary:Adversary"
USE = "rw.make_grouped(env, rw.Adversary(references, features=...))"
CELLS, GROUP, ROUNDS = 36, 64, 800
UPPER = np.arange(CELLS) < CELLS // 2


def run(seed: int, *, small: bool = False) -> Row:
    draws, rounds = np.random.default_rng(seed), 4 if small else ROUNDS
    shown, other = (features(references(draws, red, blue)) for red, blue in ((6, 3), (2, 8)))
    fixed = rw.Adversary(shown, updates=200, rate=0.1)
    fixed(features(paint(np.zeros((CELLS, 3)), draws, 256)))
    object.__setattr__(fixed, "updates", 0)
    alive = rw.Adversary(shown, updates=5, rate=0.2)
    distance, far = rw.SetDistance(shown), rw.SetDistance(other)
    row = {"start": distance.distance(features(paint(np.zeros((CELLS, 3)), draws, 256)))}
    row["fixed"] = distance.distance(features(paint(trained(fixed, draws, rounds)[0], draws, 256)))
    policy, accuracy = trained(alive, draws, rounds)
    row["adversary"] = distance.distance(features(paint(policy, draws, 256)))
    row["accuracy"] = accuracy
    row["other before"] = far.distance(features(paint(policy, draws, 256)))
    alive.swap(other)
    policy, _ = trained(alive, draws, rounds, policy)
    row["other after"] = far.distance(features(paint(policy, draws, 256)))
    return row


def references(draws: np.random.Generator, red: int, blue: int, count: int = 64) -> np.ndarray:
    """Canvases with about so many red cells above and blue ones below."""
    chance = np.zeros((CELLS, 3))
    chance[UPPER, 1], chance[~UPPER, 2] = red / 18, blue / 18
    chance[:, 0] = 1 - chance.sum(1)
    return drawn(chance, draws, count)


def drawn(chance: np.ndarray, draws: np.random.Generator, count: int) -> np.ndarray:
    """Colours of cells, ``(count, cells)``."""
    place = draws.random((count, CELLS, 1))
    return (place > np.cumsum(chance, axis=1)[None, :, :2]).sum(2)


def paint(policy: np.ndarray, draws: np.random.Generator, count: int) -> np.ndarray:
    return drawn(softmax(policy), draws, count)


def softmax(policy: np.ndarray) -> np.ndarray:
    share = np.exp(policy - policy.max(axis=1, keepdims=True))
    return share / share.sum(axis=1, keepdims=True)


def features(canvases: np.ndarray) -> np.ndarray:
    """Red and blue cells above and below, four numbers."""
    return np.stack(
        [(canvases[:, half] == colour).sum(1) for half in (UPPER, ~UPPER) for colour in (1, 2)],
        axis=1,
    ).astype(float)


def trained(
    score: rw.Adversary, draws: np.random.Generator, rounds: int, policy: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """A policy after so many groups, and the accuracy over the last quarter of them."""
    policy = np.zeros((CELLS, 3)) if policy is None else policy.copy()
    told = []
    for _ in range(rounds):
        canvases = paint(policy, draws, GROUP)
        paid = score(features(canvases))
        told.append(score.accuracy)
        gain = (paid - paid.mean()) / max(paid.std(), 1e-6)
        taken = np.eye(3)[canvases] - softmax(policy)
        policy += 0.3 * np.einsum("n,nck->ck", gain, taken) / GROUP
    return policy, float(np.mean(told[-max(1, rounds // 4) :]))


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "fixed", "start"),
            higher(rows, "start", "adversary"),
            higher(rows, "other before", "other after"),
            within(rows, "accuracy", 0.45, 0.65),
        ]
    )
    names = ("start", "fixed", "adversary")
    told = ", ".join(f"{mean(rows, name):.1f} {name}" for name in names)
    return state, (
        f"Frechet distance to the references: {told}; accuracy {mean(rows, 'accuracy'):.2f} in the last "
        "quarter; "
        f"to other references {mean(rows, 'other before'):.1f} before and {mean(rows, 'other after'):.1f} "
        "after "
        "they were exchanged"
    )
