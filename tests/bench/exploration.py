"""What bonuses cost beside the same steps without: ``python -m tests.bench.exploration``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO

import rewardwrap as rw
from rewardwrap.core.info import NO_INFO
from rewardwrap.core.stream import Stream

LANES, OBS, ACTIONS, EVERY = 8, 17, 6, 1024
BLOCK, FIRST = 50, 3 * EVERY // LANES + 1
BONUSES: Mapping[str, rw.Reward] = {
    "Counts": rw.Counts(),
    "SimHash": rw.SimHash(),
    "RND": rw.RND(),
    "ICM": rw.ICM(),
    "E3B": rw.E3B(),
    "Disagreement": rw.Disagreement(),
    "NGU": rw.NGU(),
    "RE3": rw.RE3(),
}


class Player:
    """Plays noise to a reward and keeps the CPU time of each step, in microseconds."""

    def __init__(self, reward: rw.Reward, rng: np.random.Generator) -> None:
        self._stream, self._rng = Stream(reward, LANES), rng
        self._stream.begin(self._obs(1)[0])
        self.took: list[float] = []

    def _obs(self, steps: int) -> NDArray[np.float32]:
        return self._rng.normal(size=(steps, LANES, OBS)).astype(np.float32)

    def play(self, steps: int) -> None:
        """Step, one vector step after the other."""
        paid, never = np.zeros(LANES), np.zeros(LANES, bool)
        obs = self._obs(steps)
        action = self._rng.uniform(-1, 1, (steps, LANES, ACTIONS)).astype(np.float32)
        for t in range(steps):
            began = time.process_time_ns()
            self._stream.advance(action[t], obs[t], paid, never, never, NO_INFO)
            self.took.append((time.process_time_ns() - began) / 1e3)


def cost(bonus: rw.Reward, steps: int) -> tuple[float, float, float]:
    """Microseconds of a bare vector step, that a second bare one takes more, and that the bonus adds.

    The three take turns of 50 steps, and medians are of the steps that learn nothing.
    """
    rng = np.random.default_rng(0)
    rewards = rw.EnvReward(), rw.EnvReward(), rw.EnvReward() + 0.1 * bonus
    players = [Player(reward, rng) for reward in rewards]
    for player in players:
        # the first updates find scales and fill tables
        player.play(FIRST)
        player.took.clear()
    for _ in range(steps // BLOCK):
        for player in players:
            player.play(BLOCK)
    bare, again, paid = (float(np.median(player.took)) for player in players)
    return bare, again - bare, paid - bare


def learning(bonus: rw.Reward) -> float:
    """Microseconds that an update takes for each of the rows that it learns from; 0 without any."""
    player = Player(bonus, np.random.default_rng(0))
    player.play(FIRST)
    took = np.array(player.took)
    long = took[took > 30 * np.median(took)]
    return float(np.median(long)) / EVERY if len(long) else 0.0


def ppo() -> float:
    """The same of PPO's own update, with SB3's defaults, after a rollout of as many rows."""
    env = rw.make("HalfCheetah-v5", rw.EnvReward(), n_envs=LANES)
    model = PPO("MlpPolicy", env, n_steps=EVERY // LANES, device="cpu", seed=0)
    model.learn(EVERY)
    took = []
    for _ in range(3):
        began = time.process_time_ns()
        model.train()
        took.append((time.process_time_ns() - began) / 1e3)
    return min(took) / EVERY


def main() -> None:
    """One line a bonus."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.exploration", description=__doc__)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--only", default=",".join(BONUSES), metavar="RND,ICM")
    given = parser.parse_args()
    torch.set_num_threads(1)
    own = ppo()
    print(
        f"{LANES} lanes, {OBS} numbers observed, Box({ACTIONS}); PPO updates in {own:.0f} us a row"
    )
    print(f"{'us':14s} {'bare':>8s} {'A/A':>8s} {'added':>8s} {'a row':>8s} {'of PPO':>8s}")
    for name in given.only.split(","):
        row = learning(BONUSES[name])
        numbers = *cost(BONUSES[name], given.steps), row
        print(f"{name:14s}", *(f"{number:8.1f}" for number in numbers), f"{row / own:8.0%}")


if __name__ == "__main__":
    main()
