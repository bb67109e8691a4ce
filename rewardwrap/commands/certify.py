"""``rewardwrap certify``: the return that no attack within a budget can take from an agent."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rewardwrap.commands.arguments import (
    add_catalog,
    add_json,
    add_seed,
    whole_number,
    wide_console,
)
from rewardwrap.commands.eval import changes_of
from rewardwrap.core.errors import ConfigError, RewardwrapWarning

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rewardwrap.evaluate.certificate.lower_bound import Certificate

DESCRIPTION = """\
Certify a trained agent: it plays with Gaussian noise on each frame, and from its true returns follows
the expected return that no attacker can take below, who shifts observations by e_t with
sum |e_t|^2 <= budget^2. Train it with the same noise: rewardwrap train --noise SIGMA.

--lower must be a return that no episode can be below; where the rules of the environment tell it
(CartPole: 0, MountainCar: -200), it need not be given.
With --upper, thresholds are fixed in advance (--levels of them, evenly) and each is bounded by Clopper
and Pearson; without it the bound is that of Dvoretzky, Kiefer and Wolfowitz."""
FIGURE, DOCUMENT = "certificate.png", "certificate.json"
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
    from rewardwrap.evaluate.certificate.lower_bound import certify
    from rewardwrap.training.folder import bundle_in

    folder = bundle_in(args.what, args.which)
    args.lower = lower_of(args.lower, folder)
    method, thresholds = method_of(args)
    sigma = sigma_of(args.sigma, folder)
    budgets = budgets_of(args.budgets, sigma)
    # what can be refused without playing is refused before
    certify(
        np.full(args.episodes, args.lower),
        sigma=sigma, budgets=budgets, lower=args.lower, thresholds=thresholds,
        alpha=args.alpha, method=method,
    )  # fmt: skip
    returns = _play(args, folder, sigma)
    found = certify(
        returns,
        sigma=sigma, budgets=budgets, lower=args.lower, thresholds=thresholds,
        alpha=args.alpha, method=method,
    )  # fmt: skip
    out: Path = args.out or folder / "certificate"
    args.answer = _write(out, found, returns, folder, args)
    _print(folder, found, out)
    return 0


def method_of(args: argparse.Namespace) -> tuple[str, NDArray[np.float64] | None]:
    """Method and thresholds that the arguments ask for, fixed before anything is played.

    Raises:
        ConfigError: Clopper and Pearson without thresholds, or thresholds that do not rise.
    """
    method = args.method or ("dkw" if args.upper is None else "clopper-pearson")
    if args.upper is None:
        if method == "clopper-pearson":
            raise ConfigError(
                "--method clopper-pearson must have thresholds that are fixed in advance, got no "
                "--upper. Give the return at which they end, e.g. --upper 200, or --method dkw."
            )
        return method, None
    if not args.upper > args.lower:
        raise ConfigError(
            f"--upper must be above --lower, got {args.upper:g} and {args.lower:g}. Swap them."
        )
    return method, np.linspace(args.lower, args.upper, args.levels + 1)[1:]


def lower_of(asked: float | None, folder: Path) -> float:
    """The return that no episode can be below.

    Raises:
        ConfigError: It was not given, and the environment's rules are not known here.
    """
    from rewardwrap.evaluate.certificate.worst import least_return
    from rewardwrap.training import bundle

    if asked is not None:
        return asked
    settings = bundle.document(folder)["settings"]
    # a wrapper of the user's may pay anything
    wrapped = settings["row"].get("env_wrapper") not in (None, "")
    found = (
        None
        if wrapped
        else least_return(settings["env"], settings["env_kwargs"], tuple(settings["catalog"]))
    )
    if found is None:
        raise ConfigError(
            f"--lower must be a return that no episode of {settings['env']} can be below, got none. "
            "Give what its rules allow at worst, not what was seen, e.g. --lower -1000."
        )
    return found


def sigma_of(asked: float | None, folder: Path) -> float:
    """Sigma to play with; a warning where the policy was trained with another.

    Raises:
        ConfigError: Neither the arguments nor the training say one.
    """
    from rewardwrap.training import bundle

    trained = float(bundle.document(folder)["settings"].get("noise", 0.0))
    if asked is None and trained == 0:
        raise ConfigError(
            f"--sigma must be given for a policy that was trained without noise, got none for "
            f"{folder}. Train it with `rewardwrap train --noise SIGMA`, or give --sigma."
        )
    sigma = trained if asked is None else asked
    if not np.isfinite(sigma) or sigma <= 0:
        raise ConfigError(
            f"--sigma must be above 0, got {sigma:g}. It is in units of observations."
        )
    if sigma != trained:
        warnings.warn(
            f"the policy was trained with noise {trained:g} and plays with {sigma:g}: the certificate "
            "holds, but a policy trained with the same noise keeps more return.",
            RewardwrapWarning,
            stacklevel=2,
        )
    return sigma


def budgets_of(asked: list[float] | None, sigma: float) -> NDArray[np.float64]:
    """Budgets of the curve."""
    if asked is None:
        return np.linspace(0, 5 * sigma, 101)
    return np.linspace(0, asked[0], 101) if len(asked) == 1 else np.array(asked)


def _play(args: argparse.Namespace, folder: Path, sigma: float) -> NDArray[np.float64]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from rewardwrap.evaluate.certificate.rollout import true_returns
    from rewardwrap.training import bundle

    agent = bundle.read(folder, changes={**changes_of(args), "noise": sigma, "vec_env": "dummy"})
    env = agent.eval_env(min(args.lanes, args.episodes))
    console = wide_console()
    bar = Progress(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    shown = bar.add_task("episodes", total=args.episodes)
    with bar:
        found = true_returns(
            agent.model,
            env,
            args.episodes,
            seed=args.seed,
            deterministic=not args.stochastic,
            on_progress=lambda done: bar.update(shown, completed=done),
        )
    env.close()
    agent.close()
    return found


def _write(
    out: Path,
    found: Certificate,
    returns: NDArray[np.float64],
    folder: Path,
    args: argparse.Namespace,
) -> dict[str, Any]:
    from rewardwrap.evaluate.certificate.figure import draw_certificates
    from rewardwrap.training import bundle
    from rewardwrap.training.provenance import versions

    out.mkdir(parents=True, exist_ok=True)
    settings = bundle.document(folder)["settings"]
    document: dict[str, Any] = {
        "bundle": str(folder),
        "env": settings["env"],
        "trained_with_noise": settings.get("noise", 0.0),
        "noise_scale": settings.get("noise_scale", []),
        "seed": args.seed,
        "deterministic": not args.stochastic,
        **found.to_dict(),
        "returns": returns.tolist(),
        "versions": versions(),
    }
    text = json.dumps(document, indent=1, allow_nan=False)
    (out / DOCUMENT).write_text(text + "\n", encoding="utf-8")
    title = (
        f"{settings['env']}: sigma {found.sigma:g}, {found.episodes:,} episodes, "
        f"{1 - found.alpha:.0%} ({found.method})"
    )
    draw_certificates({found.method: found}, title=title).savefig(out / FIGURE, dpi=160)
    return document


def _print(folder: Path, found: Certificate, out: Path) -> None:
    from rich.table import Table

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
