"""``rewardwrap suite``: seventeen small tasks at once, by tables of targets or by written code."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rewardwrap.commands.arguments import add_json, seeds, whole_number, wide_console
from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rewardwrap.llm.suite import Case, Suite

DESCRIPTION = """\
Do the tasks of a suite and count those that are done, by rules that stand in the suite.

  l2r          a planner plays the table of targets that the grammar makes of each sentence (Language to
               Rewards); beside it the fixed skill that the sentence's words name
  text2reward  PPO is trained on code as a model writes it, on what a person wrote, and where a person said
               what was wrong on the code of the next round (Text2Reward)

What is finished stands in OUT/rows.jsonl; the same command goes on where it stopped."""
PLANNER = {"horizon": 15, "samples": 32, "iterations": 2}


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("suite", metavar="SUITE", help="l2r or text2reward")
    parser.add_argument("--only", nargs="+", default=[], metavar="TASK", help="some of the tasks")
    parser.add_argument("--seeds", type=seeds, default=(0, 1, 2), help="how many (3), or a list")
    parser.add_argument("--steps", type=whole_number, default=100, help="of l2r: to play (100)")
    parser.add_argument(
        "-n", "--n-timesteps", type=whole_number, default=20_000, help="of text2reward (20000)"
    )
    parser.add_argument("--out", type=Path, help="folder (default: suites/SUITE)")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Do what is not done yet, print the table."""
    from rewardwrap.llm.suite import read_suite

    suite = read_suite(args.suite)
    cases = suite.chosen(args.only)
    settings = {"steps": args.steps if args.suite == "l2r" else args.n_timesteps}
    out = args.out or Path("suites") / args.suite
    rows = _known(out / "rows.jsonl", settings)
    console = wide_console()
    for row in (_l2r if args.suite == "l2r" else _text2reward)(args, suite, cases, rows):
        row = {**settings, **row}
        out.mkdir(parents=True, exist_ok=True)
        with (out / "rows.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        rows.append(row)
        console.print(
            f"{row['case']}, {row['by']}, seed {row['seed']}: done {float(row['done']):.0%}",
            highlight=False,
        )
    wanted = [r for r in rows if r["seed"] in args.seeds and r["case"] in {c.name for c in cases}]
    _print(args.suite, cases, wanted)
    args.answer = {"suite": args.suite, "rows": wanted, "done": _totals(cases, wanted)}
    return 0


def _known(file: Path, settings: dict[str, Any]) -> list[dict[str, Any]]:
    from rewardwrap.limits import parsed

    if not file.is_file():
        return []
    rows: list[dict[str, Any]] = [parsed(line) for line in file.read_text("utf-8").splitlines()]
    changed = [r for r in rows if any(r.get(k) != v for k, v in settings.items())]
    if changed:
        raise ConfigError(
            f"{file} must go on as it began ({changed[0].get('steps')} steps), got {settings['steps']}. "
            "Give another --out."
        )
    return rows


def _todo(
    args: argparse.Namespace, case: Case, ways: list[str], rows: list[Any]
) -> Iterator[tuple[str, int]]:
    there = {(r["case"], r["by"], r["seed"]) for r in rows}
    for seed in args.seeds:
        yield from ((by, seed) for by in ways if (case.name, by, seed) not in there)


def _l2r(
    args: argparse.Namespace, suite: Suite, cases: list[Case], rows: list[Any]
) -> Iterator[dict[str, Any]]:
    from rewardwrap.llm.suite import SKILLS, TABLE, planned

    for case in cases:
        for by, seed in _todo(args, case, [TABLE, SKILLS], rows):
            yield planned(suite, case, by=by, seed=seed, steps=args.steps, **PLANNER)


def _text2reward(
    args: argparse.Namespace, suite: Suite, cases: list[Case], rows: list[Any]
) -> Iterator[dict[str, Any]]:
    from rewardwrap.llm.suite import rewards_of, trained

    for case in cases:
        made = rewards_of(case)
        for by, seed in _todo(args, case, list(made), rows):
            yield trained(case, made[by], by=by, steps=args.n_timesteps, seed=seed)


def _totals(cases: list[Case], rows: list[Any]) -> dict[str, float]:
    """Way -> mean over tasks of the mean over seeds; a way that a task lacks is its first round."""
    found = {}
    for by in dict.fromkeys(r["by"] for r in rows):
        each = []
        for case in cases:
            own = [float(r["done"]) for r in rows if r["case"] == case.name and r["by"] == by] or [
                float(r["done"]) for r in rows if r["case"] == case.name and r["by"] == "round 1"
            ]
            each.append(float(np.mean(own)) if own else 0.0)
        found[by] = float(np.mean(each))
    return found


def _print(name: str, cases: list[Case], rows: list[Any]) -> None:
    from rich.table import Table

    ways = list(dict.fromkeys(r["by"] for r in rows))
    table = Table(title=f"{name}: share done", title_justify="left")
    for heading in ("task", "asked", *ways):
        table.add_column(heading, justify="left" if heading in ("task", "asked") else "right")
    for case in cases:
        own = {
            by: [float(r["done"]) for r in rows if (r["case"], r["by"]) == (case.name, by)]
            for by in ways
        }
        table.add_row(case.name, f"{case.sentence}",
                      *(f"{np.mean(own[by]):.2f}" if own[by] else "" for by in ways))  # fmt: skip
    totals = _totals(cases, rows)
    table.add_row("all", "", *(f"{totals[by]:.2f}" for by in ways))
    wide_console().print(table)
