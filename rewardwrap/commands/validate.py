"""``rewardwrap validate``: whether a reward model can be trusted on these episodes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rewardwrap.commands.arguments import add_json, add_seed, whole_number
from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rewardwrap.data import EpisodeStore
    from rewardwrap.evaluate.models.validation import Validation
    from rewardwrap.nets.folder import Model
    from rewardwrap.rewards.judgement import Gate

DESCRIPTION = """\
Judge a reward model by episodes it was not fitted on: accuracy, error in raw units, calibration, what
choosing by it is worth, accuracy away from its data, drift. Writes JSON, an HTML page and TensorBoard
scalars; the model itself is not touched. With --gate, exit code 1 says that the model fails: R2 below .8,
or pair accuracy below .6 or calibration error above .15, a figure that is no better than that of a constant
or a coin, or fewer than 20 episodes; gate.json beside the model keeps the judgement for `models promote`
and rw.Learned(MODEL, require="gate"). With --follow the page goes on showing what a run that is paid by the
model records: true return and pay, how well the model still orders episodes, shares, versions."""
GOOD = ("learns", "partly")
"""Verdicts that let a model pass: it orders or explains the episodes well."""
IDLE = 600.0  # seconds without news after which a run is taken for over


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="what `rewardwrap fit` wrote")
    parser.add_argument("data", type=Path, metavar="DIR", help="episodes")
    parser.add_argument("--out", type=Path, help="folder to write (MODEL/validation)")
    parser.add_argument("--length", type=whole_number, default=25, help="steps of a clip (25)")
    add_seed(parser)
    add_json(parser)
    parser.add_argument(
        "--gate", action="store_true", help="exit code 1 where the verdict is against the model"
    )
    parser.add_argument(
        "--shifts",
        type=Path,
        nargs="*",
        metavar="OTHER",
        help="pair accuracy on five shifted parts of the data too, beside other models of the same answers",
    )
    parser.add_argument(
        "--follow", type=Path, metavar="RUN", help="write the page anew while this run goes on"
    )
    parser.add_argument("--every", type=float, default=10.0, help="seconds between pages (10)")
    parser.add_argument("--term", help="the run's term that the model pays (learned, or the only)")
    parser.add_argument(
        "--idle",
        type=float,
        default=IDLE,
        help="stop after so many seconds without news; 0 writes one page (600)",
    )


def run(args: argparse.Namespace) -> int:
    """Measure, write, print the verdict."""
    import torch

    from rewardwrap.commands.arguments import wide_console
    from rewardwrap.data import EpisodeStore
    from rewardwrap.evaluate.models.gate import gate
    from rewardwrap.evaluate.models.live import read_run
    from rewardwrap.evaluate.models.page import verdict, write
    from rewardwrap.evaluate.models.validation import validate
    from rewardwrap.nets.folder import load_model
    from rewardwrap.rewards.judgement import write_gate

    torch.set_num_threads(1)
    if args.every < 1 or args.idle < 0:
        raise ConfigError(
            f"--every must be at least 1 and --idle at least 0, got {args.every:g} and "
            f"{args.idle:g}. Use the defaults."
        )
    model = load_model(args.model)
    if args.follow is not None:
        # before minutes of measuring: is there such a run
        read_run(args.follow, model, term=args.term)
    store = EpisodeStore.load(args.data)
    found = validate(model, store, length=args.length, seed=args.seed)
    page = write(found, model, args.out or args.model / "validation")
    word, sentence, details = verdict(found)
    passed = word in GOOD
    if args.gate:
        judged = gate(found, model, store)
        write_gate(args.model, judged, model.document["sha256"])
        passed = judged.passed
        details = [*details, *(f"Gate: {each}" for each in judged.reasons or [_passed(judged)])]
    args.answer = {**found.to_plain(), "verdict": sentence, "passed": passed, "page": str(page)}
    args.answer["reasons"] = judged.reasons if args.gate else []
    if args.shifts is not None:
        args.answer["shifts"] = _shifts(args, model, store)
    code = 0 if passed or not args.gate else 1
    if args.json:
        return code
    from rich.table import Table

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
    if args.follow is not None:
        out.print(f"Following {args.follow}; stop with Ctrl-C.", soft_wrap=True)
        _follow(args, found, model, page.parent)
    return code


def _passed(judged: Gate) -> str:
    kept = (
        f"{name} {judged.figures[name]:.4g} (bound {bound:g})"
        for name, bound in judged.bounds.items()
    )
    return f"passed by {judged.episodes} episodes: {', '.join(kept)}."


def _shifts(
    args: argparse.Namespace, model: Model, store: EpisodeStore
) -> dict[str, dict[str, float]]:
    """Accuracy by set and model; prints the table."""
    from rich.table import Table

    from rewardwrap.commands.arguments import wide_console
    from rewardwrap.evaluate.models.shifts import shifts
    from rewardwrap.nets.folder import load_model

    models = {str(args.model): model} | {str(path): load_model(path) for path in args.shifts}
    found = shifts(models, store, length=args.length, seed=args.seed)
    table = Table(title="pairs in order, by part of the data", title_justify="left")
    for heading in ("", *models):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, each in found.items():
        table.add_row(name, *(f"{each[label]:.3f}" for label in models))
    wide_console().print(table)
    return found


def _follow(args: argparse.Namespace, found: Validation, model: Model, folder: Path) -> None:
    """Rewrite the page whenever the run has something new, until it has been silent for long."""
    import contextlib
    import time

    from rewardwrap.evaluate.models.live import read_run
    from rewardwrap.evaluate.models.page import write_live

    seen, news = -1, time.monotonic()
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            live = read_run(args.follow, model, term=args.term)
            if live.step != seen:
                seen, news = live.step, time.monotonic()
            over = time.monotonic() - news >= args.idle
            write_live(found, model, folder, live, refresh=None if over else args.every)
            if over:
                return
            time.sleep(args.every)
    # nobody rewrites the page from here on, so it must not promise to
    live = read_run(args.follow, model, term=args.term)
    write_live(found, model, folder, live, refresh=None)
