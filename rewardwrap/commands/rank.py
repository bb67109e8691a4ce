"""``rewardwrap rank``: answers in the order in which a text model likes them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rewardwrap.commands.arguments import add_json, wide_console
from rewardwrap.core.errors import ConfigError

DESCRIPTION = """\
Score the answers in FILE by MODEL, which `rewardwrap fit preferences FILE --text ...` wrote, and rank those
of each prompt, 1 best. An answer a row, or a list of answers a row."""
SHOWN = 10
"""Rows that are printed at most."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="a text model")
    parser.add_argument("data", type=Path, metavar="FILE", help="table (.jsonl, .csv)")
    parser.add_argument(
        "--text", default="prompt,answer", metavar="COLUMNS",
        help="prompt and answer; the answer alone where there is no prompt (prompt,answer)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="RANKED", help="rows with score and rank (.jsonl)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Score, rank, write, print the first ones."""
    from rich.table import Table

    from rewardwrap.files import write_whole
    from rewardwrap.nets.text_recipe import ranked, read_rows
    from rewardwrap.rewards.text_reward import read_head

    names = [word.strip() for word in args.text.split(",") if word.strip()]
    if len(names) not in (1, 2) or (args.out is not None and args.out.suffix != ".jsonl"):
        raise ConfigError(
            f"rank must know a prompt and an answer and write .jsonl, got --text {args.text} and "
            f"--out {args.out}. Write --text prompt,answer --out RANKED.jsonl."
        )
    prompt, answer = ["", *names][-2:]
    told = read_rows(args.data, (prompt, answer))
    rows = ranked(
        read_head(args.model), [{"prompt": p or "", "answer": a} for p, a in told], "prompt", "answer"
    )  # fmt: skip
    if args.out is not None:
        write_whole(args.out, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    table = Table(title=f"{len(rows)} answers by {args.model}", title_justify="left")
    for heading in ("prompt", "answer", "score", "rank"):
        table.add_column(heading, justify="right" if heading in ("score", "rank") else "left")
    for row in rows[:SHOWN]:
        table.add_row(
            row["prompt"][:40], row["answer"][:40], f"{row['score']:+.2f}", str(row["rank"])
        )
    wide_console().print(table)
    args.answer = {"answers": len(rows), "file": args.out, "rows": rows}
    return 0
