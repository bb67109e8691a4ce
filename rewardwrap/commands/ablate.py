"""``rewardwrap ablate``: which parts of a reward model's recipe matter, in one table."""

from __future__ import annotations

import argparse
from pathlib import Path

from rewardwrap.commands.arguments import add_json, seeds, whole_number, wide_console
from rewardwrap.core.errors import ConfigError

DESCRIPTION = """\
Fit every combination of a grid to the episodes in DIR and judge all of them by the same held-out episodes,
over several seeds: pair accuracy, choosing the best of four, AUC, calibration error, log loss. Writes
ablation.json and the best recipe's model (best/)."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("data", type=Path, metavar="DIR", help="episodes with logged rewards")
    parser.add_argument(
        "--grid",
        nargs="+",
        required=True,
        metavar="PART=A,B",
        help="head=1,2 (layers) width=64 activation=relu,silu members=1,3 data=0.5,1 inputs=obs,obs+action "
        "kind=bt,outcome,judge experts=1,4",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="TABLE", help="folder to write")
    parser.add_argument("--teacher", default="oracle", help="who answers, for kind=bt (oracle)")
    parser.add_argument(
        "--pairs", type=whole_number, default=300, help="answered questions, for kind=bt (300)"
    )
    parser.add_argument("--length", type=whole_number, default=25, help="steps of a clip (25)")
    parser.add_argument("--label", metavar="info:COLUMN", help="the outcome, for kind=outcome")
    parser.add_argument(
        "--seeds", type=seeds, default=(0, 1, 2), help="splits and fits of each (3)"
    )
    parser.add_argument("--epochs", type=whole_number, help="of a fit, at most")
    parser.add_argument(
        "--principle", metavar="TEXT", help="what is better, in words, for kind=judge"
    )
    parser.add_argument(
        "--by",
        default="scripted",
        metavar="WHO",
        help="who judges: scripted, or module:function (scripted)",
    )
    parser.add_argument(
        "--rl",
        metavar="ENV",
        help="train PPO on every model in this environment, and show true returns",
    )
    parser.add_argument(
        "--rl-steps", type=whole_number, default=8192, help="of each of these trainings (8192)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Fit, judge, print the table and the verdict."""
    import torch
    from rich.table import Table

    from rewardwrap.api.ablate import ablate

    torch.set_num_threads(1)
    grid = _grid(args.grid)
    found = ablate(
        args.data, grid, teacher=args.teacher, pairs=args.pairs, length=args.length,
        column=args.label.removeprefix("info:") if args.label else None, seeds=args.seeds,
        epochs=args.epochs, principle=args.principle, by=args.by, rl=args.rl, rl_steps=args.rl_steps,
    )  # fmt: skip
    found.save(args.out)
    varied = [name for name, values in grid.items() if len(values) > 1] or list(grid)
    figures = list(found.recipes[0].figures)
    table = Table(title=f"{args.data}: means over {len(args.seeds)} seeds", title_justify="left")
    for heading in (*varied, *(name.replace("_", " ") for name in figures), "behind the best"):
        table.add_column(heading, justify="left" if heading in varied else "right")
    for recipe in found.recipes:
        gap, error = found.behind(recipe)
        table.add_row(
            *(recipe.recipe[name] for name in varied),
            *(f"{recipe.mean(name):.4g}" for name in figures),
            f"{gap:.3f} ± {error:.3f}",
        )
    out = wide_console()
    out.print(table)
    if found.paid_truly:
        mean = sum(found.paid_truly) / len(found.paid_truly)
        out.print(f"Paid by the environment itself, PPO reaches a true return of {mean:.4g}.")
    out.print(f"Best recipe: {args.out / 'best'}", soft_wrap=True)
    args.answer = {
        "out": args.out,
        "recipes": [
            {"recipe": r.recipe, **{name: r.mean(name) for name in figures}} for r in found.recipes
        ],
        "paid_truly": found.paid_truly,
    }
    return 0


def _grid(words: list[str]) -> dict[str, list[str]]:
    found = {}
    for word in words:
        name, _, values = word.partition("=")
        found[name] = [value for value in values.split(",") if value]
        if not found[name]:
            raise ConfigError(f"--grid must be PART=A,B, got {word!r}. Write e.g. head=1,2.")
    return found
