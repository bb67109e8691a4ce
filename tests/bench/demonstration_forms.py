"""Four forms of a learned reward on CartPole, and what three of its rewards teach where left is right.

``python -m tests.bench.demonstration_forms --seeds 2`` (55 CPU seconds each): docs/results/learning.md.
`DemonstrationLoop` in all its forms; then AIRL's g, of states alone, the logit of states and actions, and the
true reward are frozen, and new agents trained on each in a CartPole whose motor pulls the other way.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from tests.evidence.demonstration_loop import LIMIT, _demonstrations, _return
from tests.evidence.harness.judging import Row

STEPS, TRIALS = 8_192, 5
FORMS = ("logit", "gail", "airl", "fairl")


def run(seed: int, *, small: bool = False) -> Row:
    demos = _demonstrations(2 if small else 5, 30 if small else LIMIT)
    trials = 1 if small else TRIALS
    row: Row = {}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # a sign alone decides where episodes end, and that is said
        warnings.simplefilter("ignore", rw.RewardwrapWarning)
        found: dict[str, rw.Reward] = {}
        for form in FORMS:
            inputs = ("obs",) if form == "airl" else ("obs", "action")
            loop = rw.DemonstrationLoop(
                f"{folder}/{form}", demos=demos, form=form, inputs=inputs, seed=seed
            )
            agent = _trained("CartPole-v1", loop.reward, seed, loop, small=small)
            row[form] = _return(agent, trials)
            found[form] = rw.Learned(loop.path)
        row["old policy"] = _return(_OtherWay(agent), trials)
        for name, reward in (
            ("g", found["airl"]),
            ("frozen logit", found["logit"]),
            ("true", rw.EnvReward()),
        ):
            agent = _trained(_mirrored, reward, 100 + seed, None, small=small)
            row[name] = _return(_OtherWay(agent), trials)
    return row


def _mirrored() -> gym.Env[Any, Any]:
    """CartPole with its motor the other way round."""
    env = gym.make("CartPole-v1")
    return gym.wrappers.TransformAction(env, lambda action: 1 - action, env.action_space)


class _OtherWay:
    """What an agent of the one world does in the other."""

    def __init__(self, agent: Any) -> None:
        self._agent = agent

    def predict(self, obs: Any, *, deterministic: bool) -> tuple[Any, None]:
        return 1 - np.asarray(self._agent.predict(obs, deterministic=deterministic)[0]), None


def _trained(env: Any, reward: rw.Reward, seed: int, loop: Any, *, small: bool) -> Any:
    from stable_baselines3 import PPO

    venv = rw.make(env, reward, n_envs=8, seed=seed)
    options: dict[str, Any] = {"gamma": 0.98, "gae_lambda": 0.9, "learning_rate": 1e-3}
    size = {"n_steps": 8, "n_epochs": 1} if small else {"n_steps": 64, "n_epochs": 10}
    batch = 64 if small else 128
    model = PPO("MlpPolicy", venv, batch_size=batch, seed=seed, device="cpu", **options, **size)
    return model.learn(64 if small else STEPS, callback=loop)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    for number in range(parser.parse_args().seeds):
        told = ", ".join(f"{name} {share:.3f}" for name, share in run(number).items())
        print(f"seed {number}: {told}", flush=True)
