"""PPO on PushBall: how often it scores, and how soon."""

from __future__ import annotations

import gymnasium as gym
import numpy as np

import rewardwrap as rw
import rewardwrap_envs  # noqa: F401  registers it

ENV, GAMMA = "rewardwrap/PushBall-v0", 0.98
STEPS, EVERY, TRIALS, ENOUGH = 40_000, 5_000, 40, 0.8


def learn(reward: rw.Reward, seed: int, *, small: bool = False) -> tuple[float, float]:
    """Share of goals after `STEPS`, and the steps to the first share of at least `ENOUGH`.

    An agent that never comes there is counted with ``STEPS + EVERY``.
    """
    from stable_baselines3 import PPO

    venv = rw.make(ENV, reward, n_envs=2 if small else 8, seed=seed, gamma=GAMMA)
    options = {"learning_rate": 1e-3, "gamma": GAMMA, "n_epochs": 1 if small else 5, "seed": seed}
    size = {"n_steps": 8, "batch_size": 16} if small else {"n_steps": 128, "batch_size": 256}
    model = PPO("MlpPolicy", venv, **options, **size)
    scored, first = 0.0, float(STEPS + EVERY)
    for number in range(1 if small else STEPS // EVERY):
        model.learn(16 if small else EVERY, reset_num_timesteps=number == 0)
        scored = goals(model, 1 if small else TRIALS)
        if scored >= ENOUGH:
            first = min(first, float((number + 1) * EVERY))
    return scored, first


def goals(model: object, trials: int) -> float:
    """Share of ``trials`` starts from which it scores, without chance."""
    env, scored = gym.make(ENV), 0
    for trial in range(trials):
        obs, _ = env.reset(seed=1000 + trial)
        over = False
        while not over:
            action = model.predict(obs, deterministic=True)[0]  # type: ignore[attr-defined]
            obs, _, terminated, truncated, _ = env.step(np.asarray(action))
            over, scored = terminated or truncated, scored + int(terminated)
    return scored / trials
