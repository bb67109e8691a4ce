"""``rewardwrap eval``: a trained agent plays again, in a new process, to the same numbers."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from rewardwrap.commands import show
from rewardwrap.commands.arguments import (
    add_catalog,
    add_json,
    add_seed,
    whole_number,
    wide_console,
)

DESCRIPTION = """\
Play a trained agent. Without other flags it plays the very episodes it was evaluated on, to the same
numbers. Nothing in a bundle is run; a module that it names is imported if you --trust it, else refused."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("what", type=Path, metavar="BUNDLE|RUN", help="a bundle, or a run's folder")
    parser.add_argument("--which", choices=("best", "last"), default="best", help="of a run")
    parser.add_argument("--episodes", type=whole_number, help="default: as in training")
    add_seed(parser, None, help="of the first episode (default: as in training)")
    parser.add_argument("--stochastic", action="store_true", help="sample from the policy")
    parser.add_argument(
        "--mixture",
        action="store_true",
        help="of a run paid by win_rate against itself: one of its iterates an episode",
    )
    parser.add_argument(
        "--introspect",
        type=float,
        metavar="PRICE",
        help="play by continuations that stop, branch and start again by what the policy foretells, at "
        "this price of a step",
    )
    parser.add_argument("--device", default="auto")
    show.add_show(parser)
    add_catalog(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Play and print true and shaped return."""
    from rewardwrap.training import bundle
    from rewardwrap.training.evaluation import Protocol, evaluate
    from rewardwrap.training.folder import bundle_in

    show.require(args)
    folder = bundle_in(args.what, args.which)
    protocol = Protocol(**bundle.document(folder)["evaluation"])
    if args.episodes is not None:
        protocol = replace(protocol, episodes=args.episodes)
    if args.seed is not None:
        protocol = replace(protocol, seed=args.seed)
    if args.stochastic:
        protocol = replace(protocol, deterministic=False)
    agent = bundle.read(folder, changes=changes_of(args))
    if args.mixture:
        from rewardwrap.loops.nash import Mixture
        from rewardwrap.training.teachers import MIXTURE

        mixture = Mixture.load(args.what / MIXTURE, agent.model.policy, seed=protocol.seed)
        vars(agent.model)["predict"] = mixture.predict
    if args.introspect is not None:
        agent.close()
        return _introspect(args, agent, protocol)
    env = agent.eval_env(protocol.width)
    found = evaluate(agent.model, env, protocol)
    step = agent.model.num_timesteps
    env.close()
    agent.close()
    terms = {name: sums.tolist() for name, sums in found.terms.items()}
    if args.json:
        document = {"bundle": str(folder), "step": step, "terms": terms}
        args.answer = {**document, "length": found.lengths}
    else:
        _print(folder, step, protocol, found)
    for line in show.show(args, folder, protocol, Path()):
        wide_console().print(line, markup=False, highlight=False, soft_wrap=True)
    return 0


def changes_of(args: argparse.Namespace) -> dict[str, Any]:
    """Settings of a bundle that this machine may have otherwise: device, and folders of recipes."""
    found: dict[str, Any] = {"device": args.device}
    if args.catalog:
        found["catalog"] = tuple(str(Path(folder).absolute()) for folder in args.catalog)
    return found


def _introspect(args: argparse.Namespace, agent: Any, protocol: Any) -> int:
    """Print what a search by forecasts earns, beside one run and the best of n that cost as much."""
    import numpy as np
    import torch
    from rich.table import Table

    from rewardwrap.training.introspection import ForecastHead, Searcher

    env, seeds = _plain_env(agent.settings), range(protocol.seed, protocol.seed + protocol.episodes)
    torch.manual_seed(protocol.seed)
    head = ForecastHead(agent.model).learn(env, seed=protocol.seed + 1_000_000)
    searcher = Searcher(env, head, compute=args.introspect)
    found = [searcher.run(seed) for seed in seeds]
    steps = float(np.mean([taken for _, taken in found]))
    plays = [head.rollouts(env, seeds)]
    each = float(np.mean([one.steps for one in plays[0]]))
    plays += [head.rollouts(env, seeds) for _ in range(max(1, round(steps / each)) - 1)]
    best = [max(runs, key=lambda one: one.expected or 0.0) for runs in zip(*plays, strict=True)]
    ways = {
        "one run": ([one.paid for one in plays[0]], each),
        "search": ([one.paid for one, _ in found], steps),
        f"best of {len(plays)}": (
            [one.paid for one in best], sum(one.steps for runs in plays for one in runs) / len(best)
        ),
    }  # fmt: skip
    if args.json:
        args.answer = {name: {"true": paid, "steps": n} for name, (paid, n) in ways.items()}
        return 0
    table = Table(title=f"{protocol.episodes} episodes, sampled; a step costs {args.introspect:g}")
    for heading in ("", "true", "steps"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, (paid, n) in ways.items():
        table.add_row(name, f"{np.mean(paid):.4g}", f"{n:.4g}")
    wide_console().print(table)
    return 0


def _plain_env(settings: Any) -> Any:
    """The environment of a run, as its policy sees it and without the reward.

    Raises:
        ConfigError: Layers lie between it and the policy that cannot be copied along.
    """
    from rewardwrap.adapters.build import builder_of
    from rewardwrap.core.errors import ConfigError

    h = settings.hyperparameters()
    if h.env_wrapper or h.frame_stack or settings.noise:
        raise ConfigError(
            "--introspect must play a run without env_wrapper, frame_stack and noise, got one with them. "
            "Give rw.Searcher the wrapped environment."
        )
    kwargs = {**h.env_kwargs, **settings.env_kwargs}
    return builder_of(settings.env, settings.catalog)("eval", kwargs)


def _print(folder: Path, step: int, protocol: Any, found: Any) -> None:
    from rich.table import Table

    mode = "deterministic" if protocol.deterministic else "sampled"
    table = Table(title=f"{folder}\nstep {step:,}, {protocol.episodes} episodes, {mode}")
    table.add_column("")
    for heading in ("true", "shaped", "length"):
        table.add_column(heading, justify="right")
    columns = (found.true, found.shaped, found.lengths)
    for i in range(protocol.episodes):
        table.add_row(f"seed {protocol.seed + i}", *(f"{column[i]:.4g}" for column in columns))
    table.add_section()
    table.add_row("mean", *(f"{column.mean():.4g}" for column in columns))
    table.add_row("deviation", *(f"{column.std():.4g}" for column in columns))
    wide_console().print(table)
