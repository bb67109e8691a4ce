"""``rewardwrap plan``: the best policy for a reward, in what was explored without one."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.commands.arguments import add_json, add_seed, whole_number, wide_console

DESCRIPTION = """\
Plan for a reward in what `rewardwrap explore` has found, and play the plan. The reward is paid by the states
and actions alone, e.g. '{table: {values: {14: [0, 0, 1, 0]}}}'; the environment's own is not known."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("explored", type=Path, metavar="DIR", help="of `rewardwrap explore`")
    parser.add_argument("reward", metavar="REWARD", help="a reward file, or one line of YAML")
    parser.add_argument("--episodes", type=whole_number, default=100, help="to play (default: 100)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the policy, as JSON")
    add_seed(parser, help="of the episodes that are played (default: 0)")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Plan, play, print."""
    from rewardwrap.adapters.build import builder_of
    from rewardwrap.design.reward_free import RewardFree, read_explored
    from rewardwrap.files import write_whole
    from rewardwrap.training.choice import chosen_reward

    document = read_explored(args.explored)
    name, catalog = str(document.get("env", "")), tuple(document.get("catalog", ()))
    reward = chosen_reward(args.reward, name, catalog=catalog)
    env = builder_of(name, catalog)("eval", dict(document.get("env_kwargs", {})))
    try:
        known = RewardFree.load(args.explored, env)
        found = known.plan(reward)
        played = _played(env, reward, found, known.horizon, args.episodes, args.seed)
    finally:
        env.close()
    if args.out is not None:
        write_whole(args.out, json.dumps({"policy": found.policy.tolist(), "value": found.value}))
    error = float(np.std(played) / np.sqrt(len(played)))
    args.answer = {
        "env": name, "explored": known.episodes, "value": found.value,
        "played": float(np.mean(played)), "error": error, "out": args.out,
    }  # fmt: skip
    wide_console().print(
        f"{name}, {known.episodes:,} episodes explored: the plan is worth {found.value:.4g} in what was "
        f"found, and earned {np.mean(played):.4g} +- {error:.2g} in {args.episodes} episodes.",
        highlight=False,
    )
    return 0


def _played(
    env: Any, reward: Any, plan: Any, horizon: int, episodes: int, seed: int
) -> list[float]:
    """What the plan earns by this reward, undiscounted, over at most ``horizon`` steps each."""
    import rewardwrap as rw

    paid, totals = rw.wrap(env, reward), []
    for episode in range(episodes):
        obs, _ = paid.reset(seed=seed + episode)
        total, over, t = 0.0, False, 0
        while not over and t < horizon:
            obs, value, terminated, truncated, _ = paid.step(plan(obs, t))
            total, over, t = total + float(value), terminated or truncated, t + 1
        totals.append(total)
    return totals
