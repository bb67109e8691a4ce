"""``rewardwrap write --rewards factors``: quantities from a model, their worth from returns."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from rewardwrap.files import write_whole

if TYPE_CHECKING:
    from rich.console import Console

    from rewardwrap.llm.prompt import Scene


def run_factors(args: argparse.Namespace, scene: Scene, out: Path, console: Console) -> int:
    """Ask for factors, check them on stored episodes, write the reward that learns their weights."""
    from rewardwrap.commands.provider import client_of, refuse_another_search
    from rewardwrap.llm.client import Request
    from rewardwrap.llm.factors import decoded, find_factors
    from rewardwrap.llm.journal import FILE, Journal
    from rewardwrap.llm.stages import Stages
    from rewardwrap.llm.trajectories import collect

    journal = Journal(out / FILE)
    refuse_another_search(journal, args)
    options = {"allow_weaker": True} if args.allow_weaker else {}
    ask = Request(
        ({"role": "user", "content": args.task},), args.temperature, args.max_tokens, args.seed
    )
    source = find_factors(
        scene,
        args.task,
        client_of(args, scene, out, journal),
        Stages(scene, collect(scene.recipe, seed=args.seed), options=options),
        journal,
        ask=ask,
        candidates=args.samples,
        say=lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True),
    )
    reward = decoded(source, **options)
    folder = out / "best"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "reward.py", source)
    args.answer = {"factors": reward.factors, "file": folder / "reward.yml"}
    row = json.dumps(reward.to_config(), indent=1)
    write_whole(folder / "reward.yml", row + "\n")
    console.print(
        f"Factors: {', '.join(reward.factors)}. Train on them where only returns are known:\n"
        f"rewardwrap compare {args.env} --reward episodic='{{episode_sum: env}}' "
        f"--reward factors={folder / 'reward.yml'}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return 0
