"""``rewardwrap benchmark``: can this score tell good episodes from bad ones, by the published protocols?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rewardwrap.commands.arguments import (
    add_env,
    add_env_kwargs,
    add_json,
    add_seed,
    key_values,
    named_env,
    whole_number,
    wide_console,
)
from rewardwrap.core.errors import ConfigError

DESCRIPTION = """\
Play right and wrong candidates from the same start states and ask SCORER which is which. What is right is
decided by the true return, which SCORER does not see; weaker candidates are the policy with random actions.
SCORER: a reward file, a model that `rewardwrap fit` wrote, a score's tag, or module:function, which gets
a list of episodes and returns a number for each."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_env(parser, then="scorer")
    add_env_kwargs(parser)
    parser.add_argument("scorer", nargs="?", metavar="SCORER", help="what is tested")
    parser.add_argument(
        "--suite",
        default="best-of-4,one-to-many,ties,renderings,verified",
        metavar="NAMES",
        help="some of best-of-4,one-to-many,ties,renderings,verified (all)",
    )
    parser.add_argument("--items", type=whole_number, default=30, help="of each suite (30)")
    parser.add_argument("--steps", type=whole_number, default=200, help="of a candidate (200)")
    parser.add_argument(
        "--policy",
        metavar="module:function",
        help="observation -> action (the scripted controller)",
    )
    add_seed(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Play, ask, print a row for each suite."""
    import numpy as np

    from rewardwrap.adapters.build import builder_of
    from rewardwrap.core.plain import load_function
    from rewardwrap.evaluate.models.suites import Arena, benchmark
    from rewardwrap_policies import controller

    name = named_env(args)
    if args.scorer is None:
        raise ConfigError(
            "benchmark must know the scorer, got none. Name a reward file or a model."
        )
    score = scorer_of(args.scorer, name)
    policy = load_function(args.policy) if args.policy else controller(name)
    kwargs = key_values(args.env_kwargs, "--env-kwargs")
    env = builder_of(name, tuple(args.catalog))("eval", kwargs)
    try:
        arena = Arena(env, policy, args.steps, args.items, np.random.default_rng(args.seed))
        suites = [word.strip() for word in args.suite.split(",") if word.strip()]
        found = benchmark(arena, score, suites)
    finally:
        env.close()
    args.answer = {"scorer": args.scorer, "env": name, "suites": found}
    _print(args.scorer, name, found)
    return 0


def scorer_of(word: str, env: str) -> Any:
    """The score behind a word.

    Raises:
        ConfigError: It is none of the kinds.
    """
    import rewardwrap_envs
    from rewardwrap.core.plain import load_function
    from rewardwrap.evaluate.models.items import reward_scorer
    from rewardwrap.evaluate.payment import as_reward
    from rewardwrap.rewards.learned import Learned
    from rewardwrap.scores import SCORES

    if word in SCORES.known():
        return SCORES.find(word)()
    if ":" in word:
        return load_function(word)
    recipe = env if rewardwrap_envs.find(env) is not None else None
    if (Path(word) / "model.json").is_file():
        return reward_scorer(Learned(word), env=recipe)
    return reward_scorer(as_reward(word), env=recipe)


def _print(scorer: str, env: str, found: list[Any]) -> None:
    from rich.table import Table

    table = Table(title=f"{scorer} on {env}", title_justify="left")
    for heading in ("suite", "right", "95 %", "guessing", "items", ""):
        table.add_column(heading, justify="left" if heading in ("suite", "") else "right")
    for row in found:
        more = ", ".join(f"{k.replace('_', ' ')} {v:.2f}" for k, v in row.more.items())
        interval = f"[{row.low:.2f}, {row.high:.2f}]"
        table.add_row(row.suite, f"{row.value:.3f}", interval, f"{row.guessing:.2f}",
                      str(row.items), more)  # fmt: skip
    wide_console().print(table)
