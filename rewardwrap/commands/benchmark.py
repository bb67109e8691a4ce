"""``rewardwrap benchmark``: can this score tell good episodes from bad ones, by the published protocols?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rewardwrap.commands.arguments import add_json, add_seed, whole_number, wide_console
from rewardwrap.commands.asked import Asked, add_task, asked
from rewardwrap.core.errors import ConfigError

DESCRIPTION = """\
Play right and wrong candidates from the same start states and ask SCORER which is which. What is right is
decided by the true return, which SCORER does not see; weaker candidates are the policy with random actions.
SCORER: a reward file, a model that `rewardwrap fit` wrote, a score's tag, or module:function, which gets
a list of episodes and returns a number for each."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_task(parser, then="scorer")
    parser.add_argument(
        "scorer", nargs="*", metavar="SCORER", help="what is tested, one or several"
    )
    parser.add_argument(
        "--suite",
        default="best-of-4,one-to-many,ties,renderings,verified",
        metavar="NAMES",
        help="some of best-of-4,one-to-many,ties,renderings,verified and steps (all but steps)",
    )
    parser.add_argument("--items", type=whole_number, default=30, help="of each suite (30)")
    parser.add_argument("--steps", type=whole_number, default=200, help="of a candidate (200)")
    parser.add_argument(
        "--policy",
        metavar="module:function",
        help="observation -> action (the scripted controller)",
    )
    parser.add_argument(
        "--downstream",
        action="store_true",
        help="with 6 scorers or more: does each suite rank them as choosing by them, and training, does",
    )
    parser.add_argument(
        "--train-steps",
        type=whole_number,
        default=0,
        help="of --downstream: train PPO on each scorer that is a reward, so many steps (0: none)",
    )
    add_seed(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Play, ask, print a row for each suite."""
    import numpy as np

    from rewardwrap.core.plain import load_function
    from rewardwrap.evaluate.models.downstream import downstream
    from rewardwrap.evaluate.models.suites import Arena, benchmark
    from rewardwrap_policies import controller

    about = asked(args)
    name = about.env
    if not args.scorer:
        raise ConfigError(
            "benchmark must know the scorer, got none. Name a reward file or a model."
        )
    scorers = {word: scorer_of(word, name) for word in args.scorer}
    policy = load_function(args.policy) if args.policy else controller(name)
    env = about("eval")
    suites = [word.strip() for word in args.suite.split(",") if word.strip()]
    try:
        found = {}
        for word, score in scorers.items():
            # every scorer meets the same candidates
            arena = Arena(env, policy, args.steps, args.items, np.random.default_rng(args.seed))
            found[word] = benchmark(arena, score, suites)
            _print(word, name, found[word])
        args.answer = {"scorer": args.scorer[0], "env": name, "suites": found[args.scorer[0]]}
        args.answer["scorers"] = found
        if args.downstream:
            train = _trainer(args, about) if args.train_steps else None
            used = downstream(arena, scorers, found, train)
            args.answer["downstream"] = used
            _print_downstream(used)
    finally:
        env.close()
    return 0


def _trainer(args: argparse.Namespace, about: Asked) -> Any:
    """Name of a scorer -> true return of a PPO agent that was paid by it."""

    from rewardwrap.training.brief import brief_return

    def train(word: str) -> float:
        return brief_return(
            about.env, reward_of(word), args.train_steps, seed=args.seed, env_kwargs=about.kwargs,
            catalog=about.catalog,
        )  # fmt: skip

    return train


def reward_of(word: str) -> Any:
    """The reward behind a word, for training.

    Raises:
        ConfigError: It is a score of whole episodes, or a function of them.
    """
    from rewardwrap.evaluate.payment import as_reward
    from rewardwrap.rewards.learned import Learned
    from rewardwrap.scores import SCORES

    if word in SCORES.known() or ":" in word:
        raise ConfigError(
            f"--train-steps must train on rewards, got {word}, which scores whole episodes. Name reward "
            "files and models, or leave --train-steps out."
        )
    return Learned(word) if (Path(word) / "model.json").is_file() else as_reward(word)


def _print_downstream(found: Any) -> None:
    from rich.table import Table

    uses = list(found.worth)
    table = Table(
        title="does a suite rank scorers as their use does (Spearman)", title_justify="left"
    )
    for heading in ("suite", *uses):
        table.add_column(heading, justify="left" if heading == "suite" else "right")
    for suite, each in found.correlation.items():
        table.add_row(suite, *("–" if each[use] is None else f"{each[use]:+.2f}" for use in uses))
    out = wide_console()
    out.print(table)
    for use, values in found.worth.items():
        out.print(
            f"{use}: " + ", ".join(f"{k} {v:.4g}" for k, v in values.items()), highlight=False
        )


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
