"""``rewardwrap distance``: are these rewards one task?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rewardwrap.commands.arguments import add_json, add_seed, whole_number, wide_console
from rewardwrap.commands.asked import add_task, asked

if TYPE_CHECKING:
    from rewardwrap.evaluate.distance.heatmap import Matrix

DESCRIPTION = """\
Print how far rewards lie apart as tasks: 0 one task (up to potentials and scale), 1 opposites.
Exact where the environment writes its dynamics out (FrozenLake, Taxi, CliffWalking), otherwise on
samples, with 95 % intervals and the distance that the estimator gives to two forms of one task."""
METRICS = ("epic", "dard", "starc-val", "starc-minimal", "npec", "erc")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_task(parser, then="rewards")
    parser.add_argument("rewards", nargs="+", metavar="REWARD", help="files, or `env`")
    parser.add_argument("--metric", choices=METRICS, default="epic")
    parser.add_argument("--gamma", type=float, help="discount of the agent (default: 0.99)")
    parser.add_argument("--samples", type=whole_number, help="transitions (erc: episodes)")
    parser.add_argument("--means", type=whole_number, help="draws for each mean (epic, dard)")
    add_seed(parser)
    parser.add_argument(
        "--out", type=Path, help="folder for distances.json, .png and .svg (default: ./distances)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the matrix and draw it; with ``--json`` draw only where asked."""
    from rewardwrap.api.distance import FOLDER, distance

    about = asked(args)
    out = args.out or (None if args.json else FOLDER)
    matrix = distance(
        about.env, *args.rewards, metric=args.metric, gamma=args.gamma, samples=args.samples,
        means=args.means, seed=args.seed, env_kwargs=about.kwargs, catalog=about.catalog, out=out,
    )  # fmt: skip
    if args.json:
        args.answer = matrix.to_dict()
        return 0
    _print(matrix, about.env)
    wide_console().print(f"Drawn: {args.out or FOLDER}/distances.png", soft_wrap=True)
    return 0


def _print(matrix: Matrix, env: str) -> None:
    from rich.table import Table
    from rich.text import Text

    from rewardwrap.evaluate.distance.heatmap import written

    first = next(iter(matrix.found.values()))
    unit = "episodes" if matrix.metric == "erc" else "transitions"
    how = "exact" if first.exact else f"on {first.samples} {unit}"
    out = wide_console()
    out.print(Text(f"{matrix.metric} distance on {env}, gamma {first.gamma:g}, {how}", "bold"))
    table = Table()
    table.add_column("built from" if matrix.metric == "npec" else "", overflow="fold")
    for name in matrix.names:
        table.add_column(Text(name), justify="center", overflow="fold")
    for i, name in enumerate(matrix.names):
        cells = []
        for j in range(len(matrix.names)):
            cell = matrix.at(i, j)
            text = Text("–", style="dim")
            if cell is not None:
                text = Text(written(cell.value), style="bold")
                low, high = map(written, cell.interval)
                if not low == high == written(cell.value):
                    text.append(f"\n{low}–{high}", style="not bold dim")
            cells.append(text)
        table.add_row(Text(name), *cells)
    out.print(table)
    out.print(
        f"Noise floor {written(matrix.noise_floor)}: the distance given to one task with and without "
        "a random potential."
    )
    for note in matrix.notes:
        out.print(Text(f"Note: {note}."))
