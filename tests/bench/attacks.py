"""White-box, adaptive attacks on a trained and smoothed CartPole policy, against its certificate.

``python -m tests.bench.attacks BUNDLE certificate.json``: the table of docs/results/certificates.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rewardwrap.training import bundle
from rewardwrap_policies.smoothed import SmoothedPolicy

HORIZON, LANES = 200, 4000
ATTACKS = ("evenly", "one side", "early", "falling", "drifting", "both")


def played(model: Any, sigma: float, budget: float, attack: str, seed: int) -> np.ndarray:
    """Return of one episode in each lane; no lane spends more than its budget."""
    env = gym.make_vec(
        "CartPole-v1", num_envs=LANES, vectorization_mode="vector_entry_point",
        max_episode_steps=HORIZON,
    )  # fmt: skip
    policy = SmoothedPolicy(model, sigma, seed=seed)
    obs, _ = env.reset(seed=seed)
    left, total = np.full(LANES, budget**2), np.zeros(LANES)
    alive = np.ones(LANES, dtype=bool)
    for _ in range(HORIZON):
        side, direction = _normal(model, obs)
        want = _shift(attack, obs, side, budget)
        size = np.minimum(np.abs(want), np.sqrt(left))
        left = np.maximum(left - size**2, 0)
        action, _ = policy.predict(
            (obs + (np.sign(want) * size)[:, None] * direction).astype(np.float32)
        )
        obs, reward, terminated, truncated, _ = env.step(action)
        total += reward * alive
        alive &= ~(terminated | truncated)
    env.close()
    return total


def _normal(model: Any, obs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which action the policy prefers, and the direction in which it prefers the second more."""
    shown = torch.tensor(obs, requires_grad=True)
    logits = model.policy.get_distribution(shown).distribution.logits
    gap = logits[:, 1] - logits[:, 0]
    gap.sum().backward()
    assert shown.grad is not None
    slope = shown.grad.numpy()
    norm = np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)
    return np.sign(gap.detach().numpy()), slope / norm


def _shift(attack: str, obs: np.ndarray, side: np.ndarray, budget: float) -> np.ndarray:
    falling = (obs[:, 2] * obs[:, 3] > 0) & (np.abs(obs[:, 2]) > 0.05)
    drifting = (obs[:, 0] * obs[:, 1] > 0) & (np.abs(obs[:, 0]) > 1.0)
    outwards = np.sign(np.where(falling, -obs[:, 2], obs[:, 0]))
    shifts = {
        "evenly": -side * budget / np.sqrt(HORIZON),
        "one side": np.full(LANES, budget / np.sqrt(HORIZON)),
        "early": -side * budget / 4,
        "falling": np.where(falling, -side * budget / 4, 0.0),
        "drifting": np.where(drifting, np.sign(obs[:, 0]) * budget / 6, 0.0),
        "both": np.where(falling | drifting, outwards * budget / 8, 0.0),
    }
    found: np.ndarray = shifts[attack]
    return found


def main() -> None:
    """Print mean and two standard errors of every attack beside the bound."""
    document = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    model = bundle.read(Path(sys.argv[1])).model
    print("budget certified", *ATTACKS, sep="\t")
    for budget in (0.2, 0.4, 0.6, 1.0):
        bound = float(np.interp(budget, document["budgets"], document["certified"]))
        runs = [played(model, document["sigma"], budget, attack, 2) for attack in ATTACKS]
        cells = [f"{x.mean():.1f} ± {2 * x.std() / np.sqrt(x.size):.1f}" for x in runs]
        print(budget, f"{bound:.1f}", *cells, sep="\t")


if __name__ == "__main__":
    main()
