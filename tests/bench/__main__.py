"""Is it fast enough? Measures the goals of docs/results/speed.md: ``python -m tests.bench``."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from rich.console import Console

from tests.bench import batches, groups, layers, situ, training
from tests.bench.table import Row, as_json, show

TABLES: dict[Callable[[int], Iterator[Row]], tuple[str, ...]] = {
    situ.single_lane: ("H1", "H2"),
    situ.eight_lanes: ("H2", "H8", "G3"),
    layers.constant_potential: ("G1",),
    batches.potential: ("G2",),
    layers.chains: ("G4",),
    batches.chain: ("G5",),
    batches.clip: ("G6",),
    batches.few: ("G8",),
    layers.normaliser: ("G7",),
    batches.normaliser: ("G7",),
    batches.recording: ("G10",),
    training.ppo: ("G11",),
    training.dqn: ("G11",),
    groups.groups: ("G12",),
}
GOALS = sorted({goal for goals in TABLES.values() for goal in goals})


def main() -> None:
    """Measure, print, write."""
    options = _parser().parse_args()
    torch.set_num_threads(1)
    asked = set(options.only.split(",")) if options.only else set(GOALS)
    if unknown := asked - set(GOALS):
        raise SystemExit(
            f"--only must name goals, got {', '.join(sorted(unknown))}. Known: {', '.join(GOALS)}."
        )
    file = None if options.json is None else options.json.resolve()
    pairs = options.pairs or (20 if options.quick else 200)
    console = Console(width=None if os.isatty(1) else 150)
    rows: list[Row] = []
    # MuJoCo writes a log into the working directory
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for table, goals in TABLES.items():
            if asked & set(goals):
                console.print(f"[dim]{(table.__doc__ or '').splitlines()[0]}[/dim]")
                rows += [row for row in table(pairs) if row.goal in asked]
        os.chdir("/")
    show(rows, console)
    if file is not None:
        file.write_text(json.dumps(as_json(rows), indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", metavar="G3,G5", help=f"some goals of {', '.join(GOALS)}")
    parser.add_argument(
        "--quick", action="store_true", help="20 pairs instead of 200: a rough look"
    )
    parser.add_argument("--pairs", type=int, metavar="N", help="repetitions of every pair")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    return parser


if __name__ == "__main__":
    main()
