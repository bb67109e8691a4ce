"""Credit for steps from returns of episodes, and a policy that climbs on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from rewardwrap.training.return_decomposition import Decoder, Episodes
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "Where only an episode's return is known, step rewards decoded from factors follow the true ones "
    "and a policy gradient on them learns more from the same episodes than on the return."
)
SOURCE = "Qu et al. (LaRe), 2024, arXiv 2412.11120; Ren et al., 2021, arXiv 2111.13485"
BUDGET = 0.3
STEPS, ACTIONS, FACTORS, BATCH = 30, 3, 5, 16


def run(seed: int, *, small: bool = False) -> Row:
    rounds = 2 if small else 25
    row = {}
    for name in ("returns", "decoded"):
        row[f"right_{name}"], row[f"follows_{name}"] = _climbed(seed, rounds, name == "decoded")
    return row


def _climbed(seed: int, rounds: int, decoded: bool) -> tuple[float, float]:
    """How often the best action is taken in the end, and how the paid rewards follow the true ones."""
    rng = np.random.default_rng(seed)
    worth = rng.normal(size=FACTORS)
    kept, decoder = Episodes(200), Decoder(FACTORS, (), lr=0.02, seed=seed)
    logits, follows = np.zeros((STEPS, ACTIONS)), 0.0
    best = np.full((STEPS, ACTIONS), 0.0)
    shown = rng.normal(size=(STEPS, ACTIONS, FACTORS))
    best = shown @ worth
    for _ in range(rounds):
        chance = np.exp(logits - logits.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        edges = np.cumsum(chance, axis=1)[:, :-1]
        taken = (rng.random((BATCH, STEPS))[..., None] > edges).sum(axis=-1)
        steps = np.arange(STEPS)
        factors = shown[steps, taken] + 0.3 * rng.normal(size=(BATCH, STEPS, FACTORS))
        true = factors @ worth
        for one, total in zip(factors, true.sum(axis=1), strict=True):
            kept.add(one, float(total))
        # the return belongs to every step alike
        paid = np.repeat(true.sum(axis=1, keepdims=True) / STEPS, STEPS, axis=1)
        if decoded:
            decoder.fit(kept, updates=60, batch=16, steps=STEPS, unbiased=True)
            with torch.no_grad():
                scaled = torch.as_tensor((factors - decoder.mean) / decoder.sd).float()
                paid = decoder.net(scaled)[..., 0].numpy().astype(np.float64)
        follows = float(np.corrcoef(paid.ravel(), true.ravel())[0, 1])
        gain = (paid - paid.mean(axis=0)) / (paid.std(axis=0) + 1e-6)
        step = -gain.sum(axis=0)[:, None] * chance
        np.add.at(step, (np.broadcast_to(steps, taken.shape), taken), gain)
        logits += 0.5 * step / BATCH
    chance = np.exp(logits - logits.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    return float(chance[np.arange(STEPS), best.argmax(axis=1)].mean()), follows


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "right_decoded", "right_returns", by=0.1),
            higher(rows, "follows_decoded", "follows_returns", by=0.2),
        ]
    )
    right, follows = (
        f"{mean(rows, f'{what}_decoded'):.2f} decoded, {mean(rows, f'{what}_returns'):.2f} by returns"
        for what in ("right", "follows")
    )
    return state, f"best action taken {right}; correlation with the true step rewards {follows}"
