"""Agents trained on preferences beside agents trained on the true reward: docs/results/learning.md.

``python -m tests.bench.preference_learning pendulum --out DIR`` (3 seeds, 6 runs)
``python -m tests.bench.preference_learning cheetah --out DIR`` (5 seeds, 10 runs)
``python -m tests.bench.preference_learning pebble --out DIR`` (3 seeds)

Each finished run is a JSON file in DIR and is not run again. The control is the environment's own
reward, normalised, since a learned reward is normalised too. Everybody is judged by the true return of
20 episodes (Pendulum) or 10 (HalfCheetah) with fixed seeds, played by the mode of the last policy.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch

import rewardwrap as rw
from rewardwrap.data import EpisodeStore
from rewardwrap.files import write_whole
from rewardwrap.loops.preferences import PreferenceLoop
from rewardwrap.nets import fit_preferences
from rewardwrap.training.agent import Agent, Settings, build
from rewardwrap.training.evaluation import Protocol, evaluate

PENDULUM = {
    "n_envs": 4, "n_steps": 1024, "gae_lambda": 0.95, "gamma": 0.9, "n_epochs": 10, "ent_coef": 0.0,
    "learning_rate": 0.001, "clip_range": 0.2, "use_sde": True, "sde_sample_freq": 4,
    "policy": "MlpPolicy", "n_timesteps": 100_000,
}  # fmt: skip
"""RL Zoo's, as in the preset."""

CHEETAH = {
    "n_envs": 8, "n_steps": 256, "batch_size": 256, "n_epochs": 10, "learning_rate": 0.0003,
    "gamma": 0.99, "normalize": "dict(norm_obs=True, norm_reward=False)",
    "policy": "MlpPolicy", "n_timesteps": 100_000,
}  # fmt: skip
"""Those of examples/plans/half_cheetah.yml."""


def main(plans: Mapping[str, Any], description: str | None) -> None:
    """Run what is missing of ``what -> (strategies, seeds, steps)``, then print the table."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("what", choices=sorted(plans))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--steps", type=int)
    asked = parser.parse_args()
    strategies, seeds, steps = plans[asked.what]
    torch.set_num_threads(1)
    asked.out.mkdir(parents=True, exist_ok=True)
    steps = asked.steps or steps
    for seed in range(asked.seeds or seeds):
        for name, run in strategies.items():
            file = asked.out / f"{asked.what}-{name}-{steps}-{seed}.json"
            if not file.exists():
                began = time.process_time()
                found = run(seed, steps, asked.out / "work" / file.stem)
                found["cpu_seconds"] = round(time.process_time() - began, 1)
                write_whole(file, json.dumps(found, indent=1))
            print(file.stem, file.read_text().replace("\n", " "), flush=True)
    _table(asked.out, asked.what, strategies, steps)


def _table(out: Path, what: str, strategies: Any, steps: int) -> None:
    scores = {}
    for name in strategies:
        files = sorted(out.glob(f"{what}-{name}-{steps}-*.json"))
        scores[name] = np.array([np.mean(json.loads(f.read_text())["true"]) for f in files])
        each = scores[name]
        low, high = rw.statistics.bootstrap_interval(rw.statistics.iqm, each)
        mean = rw.statistics.recommended_interval(each)
        print(
            f"{name}: mean {each.mean():.1f} [{mean.low:.1f}, {mean.high:.1f}], IQM "
            f"{rw.statistics.iqm(each):.1f} [{low:.1f}, {high:.1f}] (bootstrap), seeds "
            f"{', '.join(f'{s:.0f}' for s in each)}"
        )
    if len(scores) == 2:
        control, learned = scores.values()
        print(f"learned minus control: {learned.mean() - control.mean():+.1f}")


def random_play(env_id: str, episodes: int, seed: int) -> EpisodeStore:
    """Episodes of actions drawn uniformly."""
    env = gym.make(env_id)
    env.action_space.seed(seed)
    made = []
    for number in range(episodes):
        obs, _ = env.reset(seed=1000 * seed + number)
        rows: dict[str, list[Any]] = {
            n: [] for n in ("action", "reward", "terminated", "truncated")
        }
        seen, over = [obs], False
        while not over:
            action = env.action_space.sample()
            obs, reward, terminated, truncated, _ = env.step(action)
            seen.append(obs)
            for name, value in zip(
                rows, (action, float(reward), terminated, truncated), strict=True
            ):
                rows[name].append(value)
            over = terminated or truncated
        made.append({"obs": np.array(seen), "id": str(number)}
                    | {name: np.array(column) for name, column in rows.items()})  # fmt: skip
    return EpisodeStore.from_episodes(
        made, observation_space=env.observation_space, action_space=env.action_space
    )


def _agent(env: str, algo: str, reward: Any, row: dict[str, Any], seed: int) -> Agent:
    return build(Settings(env=env, algo=algo, reward=reward, row=row, seed=seed))


def _score(agent: Agent, episodes: int) -> dict[str, Any]:
    venv = agent.eval_env(episodes)
    found = evaluate(agent.model, venv, Protocol(episodes=episodes))
    venv.close()
    agent.close()
    return {"true": found.true.round(3).tolist()}


def _true(env: str, row: dict[str, Any], seed: int, steps: int, episodes: int) -> dict[str, Any]:
    reward = rw.EnvReward().normalize(gamma=row["gamma"])
    agent = _agent(env, "ppo", reward, row, seed)
    agent.model.learn(steps)
    return _score(agent, episodes)


def pendulum_true(seed: int, steps: int, work: Path) -> dict[str, Any]:
    """PPO on the normalised true reward."""
    return _true("Pendulum-v1", PENDULUM, seed, steps, 20)


def pendulum_frozen(seed: int, steps: int, work: Path) -> dict[str, Any]:
    """600 answers about random play, one fit, then PPO on what came of it."""
    fitted = fit_preferences(random_play("Pendulum-v1", 100, seed), pairs=600, seed=seed)
    reward = rw.Learned(str(fitted.save(work)))
    agent = _agent("Pendulum-v1", "ppo", reward, PENDULUM, seed)
    agent.model.learn(steps)
    return _score(agent, 20) | {"heldout": fitted.metrics["heldout"], "version": reward.version}


def cheetah_true(seed: int, steps: int, work: Path) -> dict[str, Any]:
    """PPO on the normalised true reward."""
    return _true("HalfCheetah-v5", CHEETAH, seed, steps, 10)


def cheetah_loop(seed: int, steps: int, work: Path) -> dict[str, Any]:
    """700 answers while PPO learns."""
    loop = PreferenceLoop(
        _fresh(work), queries=700, every=10_000, start=4096, first=0.25, length=50,
        schedule="hyperbolic", keep=20_000, seed=seed,
    )  # fmt: skip
    agent = _agent("HalfCheetah-v5", "ppo", loop.reward, CHEETAH, seed)
    agent.model.learn(steps, callback=loop)
    return _score(agent, 10) | _of(loop)


def pendulum_pebble(seed: int, steps: int, work: Path) -> dict[str, Any]:
    """SAC: 1,000 steps of exploring, then 200 answers in rounds."""
    loop = PreferenceLoop.pebble(
        _fresh(work), queries=200, every=1000, start=1000, keep=4000, seed=seed
    )
    row = {"policy": "MlpPolicy", "learning_rate": 0.001, "n_timesteps": steps}
    agent = _agent("Pendulum-v1", "sac", loop.reward, row, seed)
    agent.model.learn(steps, callback=loop)
    return _score(agent, 20) | _of(loop)


def _fresh(work: Path) -> Path:
    """A folder no interrupted run has been in: the agent starts anew, so the labels must too."""
    number = 1
    while (place := work / str(number)).exists():
        number += 1
    return place


def _of(loop: PreferenceLoop) -> dict[str, Any]:
    events = [e["event"] for e in loop.folder.journal()]
    return {
        "answered": len(loop.answers),
        "deployed": events.count("deploy"),
        "rolled_back": events.count("roll back"),
        "version": loop.reward.version,
    }


PLANS: dict[str, Any] = {
    "pendulum": ({"true": pendulum_true, "frozen": pendulum_frozen}, 3, 100_000),
    "cheetah": ({"true": cheetah_true, "loop": cheetah_loop}, 5, 200_000),
    "pebble": ({"pebble": pendulum_pebble}, 3, 10_000),
}


if __name__ == "__main__":
    main(PLANS, __doc__)
