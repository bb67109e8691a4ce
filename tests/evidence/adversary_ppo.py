"""PPO paints Canvas-v0 to look like references: for a fixed discriminator, and for one that learns along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import rewardwrap as rw
from tests.evidence.adversary import features, references
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "PPO on a discriminator that was fitted to references and random canvases and then fixed ends further "
    "from the references than random painting; on one that learns along it ends nearer than random painting "
    "and within a tenth of its distance, and other references change the style of the agent that is there."
)
SOURCE = "Mao et al. (Adv-GRPO), 2025, arXiv 2511.20256; the canvas is of arXiv 2510.12784"
BUDGET = 1.0
OBJECT = "rewardwrap.scores.adversary:Adversary"
USE = "rewardwrap train ENV --score '{adversary: {reference: [[0.0], [1.0]]}}' --group 32"
ENV, CELLS, LANES, STEPS = "rewardwrap/Canvas-v0", 36, 32, 115_200
SETTINGS: dict[str, Any] = {
    "gamma": 1.0,
    "n_steps": 72,
    "batch_size": 576,
    "n_epochs": 6,
    "learning_rate": 1e-3,
    "ent_coef": 0.003,
    "device": "cpu",
}


def run(seed: int, *, small: bool = False) -> Row:
    draws, steps = np.random.default_rng(seed), 2304 if small else STEPS
    shown, other = (features(references(draws, red, blue)) for red, blue in ((6, 3), (2, 8)))
    fixed = rw.Adversary(shown, features=counts, updates=200, rate=0.1)
    fixed(features(draws.integers(0, 3, (256, CELLS))))
    object.__setattr__(fixed, "updates", 0)
    alive = rw.Adversary(shown, features=counts, updates=5, rate=0.2)
    near, far = rw.SetDistance(shown), rw.SetDistance(other)
    row = {"start": near.distance(features(draws.integers(0, 3, (256, CELLS))))}
    row["fixed"] = near.distance(painted(_learned(fixed, steps, seed)))
    agent = _learned(alive, steps, seed)
    ended = painted(agent)
    row |= {"adversary": near.distance(ended), "tenth": row["start"] / 10}
    row |= {"accuracy": alive.accuracy, "other before": far.distance(ended)}
    alive.swap(other)
    agent.learn(steps, reset_num_timesteps=False)
    row["other after"] = far.distance(painted(agent))
    return row


def counts(episode: Any) -> np.ndarray:
    """Red and blue cells above and below, of the canvas that an episode ended with."""
    return features(_cells(np.asarray(episode.obs[-1])[None]))[0]


def _cells(observations: np.ndarray) -> np.ndarray:
    return np.rint(2 * observations[:, -CELLS:]).astype(int)


def _learned(score: rw.Adversary, steps: int, seed: int) -> Any:
    from stable_baselines3 import PPO

    lanes = rw.make_grouped(ENV, score, group=LANES, n_envs=LANES, gamma=1.0, seed=seed)
    return PPO("MlpPolicy", lanes, seed=seed, **SETTINGS).learn(steps)


def painted(agent: Any) -> np.ndarray:
    """What 128 canvases of an agent count, drawn as it draws while it learns."""
    lanes = rw.make(ENV, n_envs=128, seed=10_000)
    obs = lanes.reset()
    for _ in range(CELLS):
        obs, _, _, infos = lanes.step(agent.predict(obs)[0])
    return features(_cells(np.stack([info["terminal_observation"] for info in infos])))


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "fixed", "start"),
            higher(rows, "start", "adversary"),
            higher(rows, "tenth", "adversary"),
            higher(rows, "other before", "other after"),
        ]
    )
    names = ("start", "fixed", "adversary")
    told = ", ".join(f"{mean(rows, name):.1f} {name}" for name in names)
    return state, (
        f"Frechet distance to the references: {told}; the discriminator's accuracy is "
        f"{mean(rows, 'accuracy'):.2f} at the end; to other references {mean(rows, 'other before'):.1f} "
        f"before and {mean(rows, 'other after'):.1f} after they were exchanged"
    )
