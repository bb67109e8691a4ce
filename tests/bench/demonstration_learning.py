"""Agents trained on demonstrations: docs/results/learning.md.

``python -m tests.bench.demonstration_learning pendulum --out DIR`` (SAC, 5 seeds, 140 CPU seconds each)
``python -m tests.bench.demonstration_learning maze --out DIR`` (PPO, 3 seeds; needs gymnasium-robotics)
``python -m tests.bench.demonstration_learning cheetah --out DIR`` (SAC, 5 seeds of 200,000 steps; hours)

Each finished run is a JSON file in DIR and is not run again. Demonstrators are scripted, except that of
HalfCheetah: a SAC of the preset, trained first and kept in DIR. Everybody is judged by the true return of 20
episodes (HalfCheetah 10) with fixed seeds, played by the mode of the last policy; in the maze by the share of
the last 40 episodes of training that reach the goal.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from rewardwrap.nets.progress_recipe import fit_progress
from rewardwrap.training.recording import player
from tests.bench.preference_learning import _agent, _fresh, _score, main

SAC = {"policy": "MlpPolicy", "learning_rate": 1e-3, "policy_kwargs": "dict(net_arch=[64, 64])"}
CHEETAH, PRESET = "HalfCheetah-v5", {"policy": "MlpPolicy", "learning_starts": 10_000}
"""RL Zoo's, as in the preset."""


def demonstrations(env: str, policy: str, episodes: int) -> rw.EpisodeStore:
    """Whole episodes of a policy, as ``rewardwrap record`` plays them."""
    made = player(policy, env, seed=0, catalog=(), env_kwargs={}, by_chance=False)
    observation, action = made.spaces
    played = list(made.play(episodes, seed=0))
    made.close()
    return rw.EpisodeStore.from_episodes(played, observation_space=observation, action_space=action)


def pendulum(seed: int, steps: int, work: Path) -> dict[str, Any]:
    """SAC paid by what tells the states of five swings from its own."""
    demos = demonstrations("Pendulum-v1", "scripted", 5)
    loop = rw.DemonstrationLoop(
        _fresh(work), demos=demos, inputs=("obs",), steps=500, seed=seed, fit={"penalty": 1.0}
    )
    agent = _agent("Pendulum-v1", "sac", loop.reward, {**SAC, "n_timesteps": steps}, seed)
    agent.model.learn(steps, callback=loop)
    return {**_score(agent, 20), "shown": float(demos.returns().mean())}


def cheetah(seed: int, steps: int, work: Path) -> dict[str, Any]:
    """SAC paid by what tells five runs of a trained SAC from its own steps."""
    shown = work.parent / "demonstrations"
    if not shown.exists():
        agent = _agent(CHEETAH, "sac", rw.EnvReward(), {**PRESET, "n_timesteps": steps}, 99)
        agent.model.learn(steps)
        _played(agent.model).save(shown)
        agent.close()
    demos = rw.EpisodeStore.load(shown)
    loop = rw.DemonstrationLoop(
        _fresh(work), demos=demos, inputs=("obs",), steps=2000, seed=seed, fit={"penalty": 1.0}
    )
    agent = _agent(CHEETAH, "sac", loop.reward, {**PRESET, "n_timesteps": steps}, seed)
    agent.model.learn(steps, callback=loop)
    return {**_score(agent, 10), "shown": float(demos.returns().mean())}


def _played(model: Any, episodes: int = 5) -> rw.EpisodeStore:
    env = gym.make(CHEETAH)

    def act(obs: Any) -> Any:
        return model.predict(obs, deterministic=True)[0]

    return rw.EpisodeStore.from_episodes(
        [episode(env, act, seed) for seed in range(episodes)],
        observation_space=env.observation_space,
        action_space=env.action_space,
    )


def episode(env: Any, act: Callable[[Any], Any], seed: int) -> dict[str, Any]:
    """One whole episode."""
    obs, _ = env.reset(seed=seed)
    seen, rows, over = [obs], [], False
    while not over:
        action = act(obs)
        obs, reward, terminated, truncated, _ = env.step(action)
        seen.append(obs)
        rows.append((action, float(reward), terminated, truncated))
        over = terminated or truncated
    names = ("action", "reward", "terminated", "truncated")
    columns = dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))
    whole = (
        {k: np.stack([o[k] for o in seen]) for k in seen[0]}
        if isinstance(obs, dict)
        else np.stack(seen)
    )
    return {"obs": whole, **columns}


MAP = [[1, 1, 1, 1, 1], [1, "r", 0, 0, 1], [1, 1, 1, 0, 1], [1, "g", 0, 0, 1], [1, 1, 1, 1, 1]]
"""From one end of the U to the other, which a random walk does not find."""


def maze_env() -> Any:
    """PointMaze whose episodes end at the goal."""
    import gymnasium_robotics

    gym.register_envs(gymnasium_robotics)
    return gym.make("PointMaze_UMaze-v3", maze_map=MAP, continuing_task=False)


def through_maze(obs: dict[str, Any]) -> Any:
    """Along the upper arm, down the right side, and back along the lower arm."""
    (x, y, *speed), goal = obs["observation"], obs["desired_goal"]
    corner = 0.75
    way = (1.0, 1.0) if y > 0.5 and x < corner else (1.0, -1.0) if y > -0.5 else tuple(goal)
    pull = 4.0 * (np.array(way) - (x, y)) - 1.5 * np.array(speed)
    return np.clip(pull, -1.0, 1.0).astype(np.float32)


def maze(seed: int, steps: int, work: Path) -> dict[str, Any]:
    """PPO on the sparse goal, alone and with progress of three demonstrations as a potential."""
    from stable_baselines3 import PPO

    env = maze_env()
    demos = rw.EpisodeStore.from_episodes(
        [episode(env, through_maze, 1000 * seed + i) for i in range(3)],
        observation_space=env.observation_space,
        action_space=env.action_space,
    )
    model = fit_progress(demos, keyframes=8, seed=seed).save(_fresh(work))
    phi = rw.HopProgress(str(model), gamma=0.99, fuse="gate")
    found: dict[str, Any] = {"lengths": demos.lengths.tolist()}
    for name, reward in (("sparse", rw.EnvReward()), ("progress", rw.EnvReward() + phi)):
        venv = rw.make(maze_env, reward, n_envs=8, seed=seed)
        options: dict[str, Any] = {"learning_rate": 1e-3, "gamma": 0.99, "seed": seed}
        size = {"n_steps": 256, "batch_size": 256, "n_epochs": 5}
        agent = PPO("MultiInputPolicy", venv, device="cpu", **options, **size)
        ended: list[bool] = []

        def look(known: Any, _: Any, ended: list[bool] = ended) -> bool:
            infos = (i for i, done in zip(known["infos"], known["dones"], strict=True) if done)
            ended.extend(bool(info["success"]) for info in infos)
            return not (len(ended) >= 40 and np.mean(ended[-40:]) >= 0.9)

        agent.learn(steps, callback=look)
        found[name] = {"steps": agent.num_timesteps, "success": float(np.mean(ended[-40:]))}
    return {**found, "true": [found["progress"]["success"]]}


PLANS: dict[str, Any] = {
    "pendulum": (pendulum, 5, 10_000),
    "maze": (maze, 3, 40_960),
    "cheetah": (cheetah, 5, 200_000),
}


if __name__ == "__main__":
    main({what: ({"loop": run}, *size) for what, (run, *size) in PLANS.items()}, __doc__)
