"""``rewardwrap meta``: weights from which every task of a family is near, to start trainings from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands.arguments import (
    add_json,
    add_seed,
    columns,
    key_values,
    whole_number,
    wide_console,
)
from rewardwrap.commands.asked import add_task, asked
from rewardwrap.commands.meta_files import Unfinished
from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rewardwrap.training.agent import Agent, Settings

DESCRIPTION = """\
Meta-learn a start with Reptile, over tasks that differ in one argument of the environment: after each
round on one of them, all weights move a share of the way to what was learned there. DIR is a bundle, from
which `rewardwrap train ENV --start DIR` goes on in a new task. `--epsilon 1 1` is the control: plain
training on the same tasks, where every step counts. Interrupted, the same command goes on with the round
it was in, as if it had not stopped."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_task(parser)
    parser.add_argument(
        "--vary", required=True, metavar="K:V,V", help="the argument that tells tasks apart: level:2,3,4"
    )  # fmt: skip
    parser.add_argument("--algo", default="ppo", help="algorithm (default: ppo)")
    parser.add_argument("--reward", default="env", help="as in `rewardwrap train` (default: env)")
    parser.add_argument(
        "--rounds", type=whole_number, default=12, help="tasks in all (default: 12)"
    )
    parser.add_argument(
        "--inner", type=whole_number, default=2048,
        help="steps of a round; a learner of rollouts takes whole ones (default: 2048)",
    )  # fmt: skip
    parser.add_argument(
        "--epsilon", type=float, nargs=2, default=[1.0, 0.0], metavar=("FIRST", "LAST"),
        help="share of the way in the first round and in the last (default: 1 0)",
    )  # fmt: skip
    parser.add_argument("-params", "--hyperparams", nargs="+", default=[], metavar="K:V")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the bundle")
    add_seed(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Meta-learn, write the bundle."""
    from rewardwrap.pages.bars import work_shown
    from rewardwrap.training import bundle
    from rewardwrap.training.evaluation import Protocol
    from rewardwrap.training.progress import Progress
    from rewardwrap_policies.reptile import reptile

    tasks = _tasks(args.vary)
    about = asked(args)
    begun = Unfinished.of(
        args.out,
        {
            "env": about.env, "env_kwargs": about.kwargs, "algo": args.algo, "reward": args.reward,
            "tasks": tasks, "rounds": args.rounds, "inner": args.inner, "epsilon": args.epsilon,
            "hyperparams": args.hyperparams, "seed": args.seed,
        },
    )  # fmt: skip
    done, last = begun.last()
    agents = _agents(args, tasks, last)
    first = agents[0]
    try:
        with work_shown("steps", (args.rounds - done) * args.inner) as moved:
            drawn = reptile(
                first.model, [agent.model.get_env() for agent in agents], rounds=args.rounds,
                inner=args.inner, epsilon=tuple(args.epsilon), seed=args.seed, callback=Progress(moved),
                done=done, on_round=lambda number: begun.keep(first, number),
            )  # fmt: skip
        bundle.write(first, args.out, protocol=Protocol())
    finally:
        for agent in agents:
            agent.close()
    begun.forget()
    steps = first.model.num_timesteps
    args.answer = {
        "out": args.out, "env": args.env, "algo": args.algo, "steps": steps,
        "tasks": [tasks[number] for number in drawn],
    }  # fmt: skip
    wide_console().print(
        f"{args.out}: {steps:,} steps in {len(drawn)} rounds on {len(tasks)} tasks. Go on in a new one: "
        f"rewardwrap train {args.env} --algo {args.algo} --start {args.out} --env-kwargs ...",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    return 0


def _tasks(text: str) -> list[dict[str, Any]]:
    key, _, values = text.partition(":")
    tasks = [key_values([f"{key}:{value}"], "--vary") for value in columns(values)]
    if len(tasks) < 2:
        raise ConfigError(f"--vary must name two tasks at least, got {text!r}. Write level:2,3,4.")
    return tasks


def _agents(
    args: argparse.Namespace, tasks: list[dict[str, Any]], last: Path | None
) -> list[Agent]:
    """One for the environment of each task; they share reward and moments, and the first one learns."""
    from rewardwrap.training import bundle
    from rewardwrap.training.agent import build
    from rewardwrap.training.refusal import refuse_unfit

    agents: list[Agent] = []
    for task in tasks:
        settings = _settings(args, task)
        refuse_unfit(settings)
        if last is not None and not agents:
            agents.append(bundle.read(last, settings=settings, with_replay=True))
            continue
        agent = build(settings, reward=agents[0].reward if agents else None)
        agents.append(agent)
        if agent.normalizer is not None and agents[0].normalizer is not None:
            agent.normalizer.obs_rms = agents[0].normalizer.obs_rms
            agent.normalizer.ret_rms = agents[0].normalizer.ret_rms
    return agents


def _settings(args: argparse.Namespace, task: dict[str, Any]) -> Settings:
    from rewardwrap.api.train import settings_for
    from rewardwrap.training.choice import chosen_reward
    from rewardwrap.training.teachers import teachers

    about = asked(args)
    reward = chosen_reward(args.reward, about.env, catalog=about.catalog)
    if teachers(reward, args.seed):
        raise ConfigError(
            f"--reward must not learn while the agent does, got {args.reward}. Use one that is fixed."
        )
    return settings_for(
        about.env, args.algo, reward, seed=args.seed, steps=args.rounds * args.inner,
        hyperparameters=args.hyperparams, catalog=about.catalog,
        env_kwargs={**about.kwargs, **task}, device=args.device,
    )  # fmt: skip
