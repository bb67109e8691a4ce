"""What five learners reach on level 1-2 of Super Mario Bros. after equal frames, and on another level.

python -m tests.foreign.mario_table --moves 3000 --seeds 2 --out docs/results/mario.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap_envs
from rewardwrap_policies.evolution import genetic
from rewardwrap_policies.neuro_evolution import NeuroEvolution
from rewardwrap_policies.reptile import reptile

LEVEL, OTHER, FAMILY = (1, 2), (1, 1), ((1, 3), (2, 1), (3, 1))
NET: dict[str, Any] = {"policy_kwargs": {"net_arch": [32]}, "device": "cpu"}
INNER = 250


class Log(gym.Wrapper[Any, Any, Any, Any]):
    """Writes down each time that a move led further than all before it."""

    def __init__(self, level: tuple[int, int]) -> None:
        recipe = rewardwrap_envs.recipe("rewardwrap/Mario-v0")
        super().__init__(recipe.build(world=level[0], stage=level[1]))
        self.moves, self.rows = 0, [(0, 0.0)]
        self.flags = 0

    def step(self, action: Any) -> Any:
        found = self.env.step(action)
        self.moves += 1
        info = found[-1]
        if info["x_pos"] > self.rows[-1][1]:
            self.rows.append((self.moves, info["x_pos"]))
        self.flags += int(info["flag_get"])
        return found


def _ppo(env: Any, seed: int) -> Any:
    return PPO("MlpPolicy", env, n_steps=125, batch_size=125, learning_rate=1e-3, seed=seed, **NET)


def _dqn(env: Any, moves: int, seed: int) -> Any:
    return DQN(
        "MlpPolicy", env, learning_starts=moves // 10, exploration_fraction=0.5, seed=seed, **NET
    ).learn(moves)


def _reptile(env: Log, moves: int, seed: int) -> Any:
    """Half of the moves on other levels, half on this one."""
    levels = [DummyVecEnv([lambda level=level: Log(level)]) for level in FAMILY]
    agent = _ppo(levels[0], seed)
    reptile(agent, levels, rounds=max(1, moves // 2 // INNER), inner=INNER, seed=seed)
    agent.set_env(DummyVecEnv([lambda: env]))
    return agent.learn(moves - moves // 2)


LEARNERS: dict[str, Callable[[Log, int, int], Any]] = {
    "PPO": lambda env, moves, seed: _ppo(env, seed).learn(moves),
    "DQN": _dqn,
    "GA": lambda env, moves, seed: genetic(lambda: env, budget=moves, length=300, seed=seed),
    "NE": lambda env, moves, seed: NeuroEvolution("MlpPolicy", env, seed=seed, **NET).learn(moves),
    "Reptile": _reptile,
}


def played(agent: Any, level: tuple[int, int]) -> float:
    """Distance of one greedy run."""
    env = Log(level)
    obs, info = env.reset(seed=0)
    state, over = None, False
    while not over:
        starts = np.array([state is None])
        action, state = agent.predict(obs[None], state, starts, deterministic=True)
        obs, _, terminated, truncated, info = env.step(int(action[0]))
        over = terminated or truncated
    env.close()
    return float(info["x_pos"])


def reached(rows: list[tuple[int, float]], moves: int) -> float:
    """Furthest place within so many moves: whole generations go on a little longer."""
    return max(x for move, x in rows if move <= moves)


def main() -> None:
    """Train each, play each, write the numbers down after each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--moves", type=int, default=3000, help="of four frames")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for seed in range(asked.seeds):
        for name, learn in LEARNERS.items():
            env, began = Log(LEVEL), time.process_time()
            agent = learn(env, asked.moves, seed)
            rows.append(
                {
                    "learner": name, "seed": seed, "moves": env.moves,
                    "best_x": reached(env.rows, asked.moves),
                    "greedy_x": played(agent, LEVEL), "other_x": played(agent, OTHER),
                    "flags": env.flags, "log": env.rows,
                    "cpu_s": round(time.process_time() - began, 1),
                }
            )  # fmt: skip
            text = json.dumps({"moves": asked.moves, "rows": rows})
            asked.out.write_text(text, encoding="utf-8")
            print({k: v for k, v in rows[-1].items() if k != "log"}, flush=True)


if __name__ == "__main__":
    main()
