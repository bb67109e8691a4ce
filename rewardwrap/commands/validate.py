"""``rewardwrap validate``: whether a reward model can be trusted on these episodes."""

from __future__ import annotations

import argparse
from pathlib import Path

from rewardwrap.commands.arguments import whole_number

DESCRIPTION = """\
Judge a reward model by episodes it was not fitted on: accuracy, error in raw units, calibration, what
choosing by it is worth, accuracy away from its data, drift. Writes JSON, an HTML page and TensorBoard
scalars; the model itself is not touched."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="what `rewardwrap fit` wrote")
    parser.add_argument("data", type=Path, metavar="DIR", help="episodes")
    parser.add_argument("--out", type=Path, help="folder to write (MODEL/validation)")
    parser.add_argument("--length", type=whole_number, default=25, help="steps of a clip (25)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Measure, write, print the verdict."""
    import json

    import torch

    from rewardwrap.commands.arguments import wide_console
    from rewardwrap.data import EpisodeStore
    from rewardwrap.nets.folder import load_model
    from rewardwrap.nets.page import verdict, write
    from rewardwrap.nets.validation import validate

    torch.set_num_threads(1)
    model = load_model(args.model)
    found = validate(model, EpisodeStore.load(args.data), length=args.length, seed=args.seed)
    page = write(found, model, args.out or args.model / "validation")
    if args.json:
        print(json.dumps(found.to_plain()))
        return 0
    from rich.table import Table

    _, sentence, details = verdict(found)
    table = Table(title=f"{args.model} {model.version}", title_justify="left")
    table.add_column("figure")
    table.add_column("", justify="right")
    for tag, value in found.scalars().items():
        table.add_row(tag.removeprefix("reward_model/val/"), f"{value:.4g}")
    out = wide_console()
    out.print(table)
    for line in (sentence, *details, *found.notes):
        out.print(line, highlight=False)
    out.print(f"Page: {page}", soft_wrap=True)
    return 0
