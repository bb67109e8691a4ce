"""``rewardwrap certify``: the return that no attack within a budget can take from an agent."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rewardwrap.commands.arguments import (
    add_catalog,
    add_json,
    add_seed,
    whole_number,
    wide_console,
)
from rewardwrap.commands.eval import changes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rewardwrap.api.certify import Claim
    from rewardwrap.evaluate.certificate.lower_bound import Certificate

DESCRIPTION = """\
Certify a trained agent: it plays with Gaussian noise on each frame, and from its true returns follows
the expected return that no attacker can take below, who shifts observations by e_t with
sum |e_t|^2 <= budget^2. Train it with the same noise: rewardwrap train --noise SIGMA.

--lower must be a return that no episode can be below; where the rules of the environment tell it
(CartPole: 0, MountainCar: -200), it need not be given.
With --upper, thresholds are fixed in advance (--levels of them, evenly) and each is bounded by Clopper
and Pearson; without it the bound is that of Dvoretzky, Kiefer and Wolfowitz."""
SHOWN = 6
LANES = 100


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("what", type=Path, metavar="BUNDLE|RUN", help="a bundle, or a run's folder")
    parser.add_argument("--which", choices=("best", "last"), default="best", help="of a run")
    parser.add_argument("--sigma", type=float, help="of the noise (default: that of the training)")
    parser.add_argument("--episodes", type=whole_number, default=10_000, help="default: 10000")
    parser.add_argument(
        "--lower",
        type=float,
        help="no return can be below it (default: by the environment's rules)",
    )
    parser.add_argument("--upper", type=float, help="return at which the thresholds end")
    parser.add_argument("--levels", type=whole_number, default=200, help="default: 200")
    parser.add_argument(
        "--method",
        choices=("clopper-pearson", "dkw"),
        help="default: clopper-pearson with --upper, else dkw",
    )
    parser.add_argument(
        "--budgets",
        type=float,
        nargs="+",
        metavar="B",
        help="one number is the largest of 101 from 0; several are taken as they are "
        "(default: 5 sigma)",
    )
    parser.add_argument("--alpha", type=float, default=0.05, help="chance to be wrong (0.05)")
    add_seed(parser, 20_000, help="of the first episode (default: 20000)")
    parser.add_argument("--stochastic", action="store_true", help="sample from the policy")
    parser.add_argument("--lanes", type=whole_number, default=LANES, help=f"default: {LANES}")
    parser.add_argument("--device", default="auto")
    add_catalog(parser)
    add_json(parser)
    parser.add_argument(
        "--out", type=Path, help="folder for JSON and PNG (default: RUN/certificate)"
    )


def run(args: argparse.Namespace) -> int:
    """Play, certify, draw."""
    from rewardwrap.api.certify import claim_of, write
    from rewardwrap.training.folder import bundle_in

    folder = bundle_in(args.what, args.which)
    claim = claim_of(
        folder, sigma=args.sigma, episodes=args.episodes, lower=args.lower, upper=args.upper,
        levels=args.levels, method=args.method, budgets=args.budgets, alpha=args.alpha, seed=args.seed,
        deterministic=not args.stochastic, lanes=args.lanes, changes=changes_of(args),
    )  # fmt: skip
    returns = _play(claim)
    found = claim.of(returns)
    out: Path = args.out or folder / "certificate"
    args.answer = write(claim, found, returns, out)
    _print(folder, found, out)
    return 0


def _play(claim: Claim) -> NDArray[np.float64]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = wide_console()
    bar = Progress(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    shown = bar.add_task("episodes", total=claim.episodes)
    with bar:
        return claim.play(lambda done: bar.update(shown, completed=done))


def _print(folder: Path, found: Certificate, out: Path) -> None:
    from rich.table import Table

    from rewardwrap.api.certify import DOCUMENT, FIGURE

    console = wide_console()
    how = f"{found.method}, confidence {1 - found.alpha:.0%}"
    line = f"{folder}: sigma {found.sigma:g}, {found.episodes:,} episodes, {how}"
    console.print(line, markup=False, highlight=False, soft_wrap=True)
    table = Table()
    table.add_column("budget", justify="right")
    table.add_column("certified return", justify="right")
    places = np.unique(np.linspace(0, found.budgets.size - 1, SHOWN).round().astype(int))
    for place in places:
        table.add_row(f"{found.budgets[place]:.4g}", f"{found.certified[place]:.2f}")
    table.add_section()
    table.add_row("no attack, mean", f"{found.mean:.2f}")
    console.print(table)
    console.print(
        f"{out / DOCUMENT}, {out / FIGURE}", markup=False, highlight=False, soft_wrap=True
    )
