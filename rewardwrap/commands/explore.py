"""``rewardwrap explore``: get to know a task of few states, without its reward."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rewardwrap.commands.arguments import add_json, add_seed, whole_number, wide_console
from rewardwrap.commands.asked import add_task, asked, is_begun, require_same
from rewardwrap.core.errors import ConfigError

DESCRIPTION = """\
Play episodes for what is unknown of an environment with Discrete observations and actions (FrozenLake,
Taxi, CliffWalking). Its reward is hidden. What was found serves any reward that comes later:
`rewardwrap plan DIR REWARD`. The same command again goes on."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_task(parser)
    parser.add_argument(
        "--episodes", type=whole_number, default=400, help="more of them (default: 400)"
    )
    parser.add_argument(
        "--horizon", type=whole_number, help="steps of an episode (default: the time limit)"
    )
    parser.add_argument(
        "--beta", type=float, default=1.0, help="scale of the uncertainty (default: 1)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="what was explored")
    add_seed(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Explore, save, say how much is still unknown."""
    from rewardwrap.design.reward_free import EXPLORED, RewardFree, read_explored

    about = asked(args)
    told = {"env": about.env, "env_kwargs": about.kwargs}
    env = about()
    try:
        if is_begun(args.out, EXPLORED, "explore"):
            given = {"horizon": args.horizon} if args.horizon else {}
            require_same(args.out, read_explored(args.out), told | given)
            known = RewardFree.load(args.out, env)
        else:
            known = RewardFree(env, horizon=_horizon(args, env), beta=args.beta, seed=args.seed)
        known.explore(args.episodes)
    finally:
        env.close()
    known.save(args.out, **told, catalog=[*about.catalog])
    tried = float((known.uncertainty < 1.0).mean())
    args.answer = {
        "out": args.out, "env": about.env, "episodes": known.episodes, "horizon": known.horizon,
        "rewards_read": known.rewards_read, "tried": tried,
        "uncertainty": float(known.uncertainty.mean()), "doubt": known.doubt,
    }  # fmt: skip
    out = wide_console()
    out.print(
        f"{args.out}: {known.episodes:,} episodes of at most {known.horizon} steps on {about.env}, rewards "
        f"read: {known.rewards_read}. Tried more than once: {tried:.0%} of all states and actions. "
        f"Sum of uncertainties of an episode at the worst: {known.doubt:.2g}.",
        highlight=False,
    )
    out.print(f"Plan for a reward: rewardwrap plan {args.out} REWARD", highlight=False)
    return 0


def _horizon(args: argparse.Namespace, env: Any) -> int:
    limit = env.spec.max_episode_steps if env.spec is not None else None
    horizon = args.horizon or limit
    if horizon is None:
        raise ConfigError(
            f"--horizon must be given where the environment has no time limit, got {args.env}. "
            "It is the number of steps of an episode."
        )
    return int(horizon)
