"""``rewardwrap fit demonstrations``: rewards that stand once the demonstrations do."""

from __future__ import annotations

import argparse
from typing import Any

from rewardwrap.commands.arguments import columns, whole_number
from rewardwrap.core.errors import ConfigError


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments, beside where the data lie."""
    parser.add_argument(
        "--method",
        choices=("density", "pwil", "ot", "sinkhorn", "steps", "progress"),
        default="density",
        help="density: how likely a step is; pwil, ot, sinkhorn: how cheaply steps are moved onto "
        "demonstrated ones, for rw.PWIL and rw.Transport; steps: the steps of a task, for rw.Steps; "
        "progress: how far a state "
        "is along, for rw.HopProgress. SQIL "
        "fits nothing: train --demos DIR --form "
        "sqil (density)",
    )
    parser.add_argument(
        "--reads",
        default="obs,action",
        help="inputs: obs; obs,action; obs,next_obs (obs,action)",
    )
    parser.add_argument(
        "--bandwidth", type=float, default=0.5, help="in deviations of the demonstrations (0.5)"
    )
    parser.add_argument(
        "--rows", type=whole_number, help="to keep at most (density 5000, others 500)"
    )
    progress = parser.add_argument_group("of --method progress, which reads observations alone")
    progress.add_argument("--keyframes", type=whole_number, default=6, help="of each (6), or")
    progress.add_argument("--column", help="of info: above 0 in steps that reach a keyframe")
    steps = parser.add_argument_group("of --method steps, which reads states alone")
    steps.add_argument("--steps", type=whole_number, default=3, help="of the task (3)")
    steps.add_argument(
        "--fields", default="", help="numbers of info to read instead of observations"
    )
    steps.add_argument(
        "--features",
        help="what images are seen as: random (a fixed random convolution), or module:function, which "
        "gives a torch module from images to (B, k) numbers",
    )
    steps.add_argument(
        "--literal", action="store_true", help="cut and divide as the paper prints it"
    )
    steps.add_argument(
        "--robust", action="store_true", help="leave out demonstrations that seem to have failed"
    )


def run(args: argparse.Namespace) -> int:
    """Fit, save, print what is known of it."""
    from rich.table import Table

    from rewardwrap.commands.arguments import wide_console
    from rewardwrap.nets.demonstration_recipe import fit_density, fit_matched

    _require_steps(args)
    reads = columns(args.reads)
    if args.method == "density":
        fitted = fit_density(
            args.data, reads=reads, bandwidth=args.bandwidth, rows=args.rows or 5000, seed=args.seed
        )
        what = "log density of a step"
        pays = (
            f"It pays at least {fitted.model.describe()['floor']:.4g} a step. Where the agent can end an "
            "episode, "
            "a sign alone decides: add a number, e.g. rw.Learned(MODEL) + c."
        )
    elif args.method == "steps":
        return _fit_steps(args)
    elif args.method == "progress":
        from rewardwrap.nets.progress_recipe import fit_progress

        fitted = fit_progress(
            args.data, keyframes=args.keyframes, column=args.column, seed=args.seed
        )
        what = "error of hops and of progress, on the demonstrations themselves"
        pays = "Pay it with rw.HopProgress(MODEL), a potential."
    else:
        fitted = fit_matched(args.data, method=args.method, reads=reads, rows=args.rows or 500)
        what = "transport cost of a demonstration"
        pays = {
            "pwil": "Pay it with rw.PWIL(MODEL), or --reward '{pwil: MODEL}': at least 0 a step, which "
            "pays for "
            "staying alive.",
            "ot": "Pay it with rw.Transport(MODEL, epsilon=0), or --score 'transport: "
            '{path: MODEL, epsilon: 0}\'; solver="pot" is quicker where lengths differ.',
            "sinkhorn": "Pay it with rw.Transport(MODEL), or --score 'transport: MODEL'.",
        }[args.method]
    fitted.save(args.out)
    sides = {
        "train": "its rows",
        "heldout": "by the others",
        "null": "constant" if args.method == "progress" else "columns shuffled",
    }
    there = {name: heading for name, heading in sides.items() if name in fitted.metrics}
    table = Table(title=f"{args.out}: {what}", title_justify="left")
    for heading in ("", *there.values()):
        table.add_column(heading, justify="left" if not heading else "right")
    for name in fitted.metrics[next(iter(there))] if there else ():
        table.add_row(name, *(f"{fitted.metrics[side][name]:.4g}" for side in there))
    out = wide_console()
    if there:
        out.print(table)
    out.print(pays, markup=False, highlight=False, soft_wrap=True)
    args.answer = {"model": args.out, "method": fitted.method, "metrics": fitted.metrics}
    return 0


def _features(named: str | None) -> Any:
    """A word, or what a function of that name gives."""
    if named is None or ":" not in named:
        return named
    from rewardwrap.core.plain import load_function

    return load_function(named)()


def _require_steps(args: argparse.Namespace) -> None:
    """Refuse what would be ignored.

    Raises:
        ConfigError: An option of steps with another method.
    """
    for name in ("features", "fields", "literal", "robust"):
        if getattr(args, name) and args.method != "steps":
            raise ConfigError(
                f"--{name} must go with --method steps, got --method {args.method}. Leave it out."
            )


def _fit_steps(args: argparse.Namespace) -> int:
    from rewardwrap.commands.arguments import wide_console
    from rewardwrap.nets.step_recipe import fit_steps

    cost: Any = "literal" if args.literal else "sse"
    fitted = fit_steps(
        args.data, steps=args.steps, fields=columns(args.fields), cost=cost,
        divide="sd" if args.literal else "variance", robust=args.robust,
        features=_features(args.features), seed=args.seed,
    )  # fmt: skip
    fitted.save(args.out)
    metrics, out = fitted.metrics, wide_console()
    lines = [
        f"{name}: cut at frames {', '.join(map(str, cuts))}"
        for name, cuts in metrics["cuts"].items()
    ]
    for step, features in enumerate(metrics["features"]):
        told = ", ".join(f"{name} (z {z:.3g})" for name, z in list(features.items())[:8])
        lines.append(f"step {step + 1} is known by features {told}")
    held = metrics["heldout"]
    lines.append(
        f"By the steps of the others {held['own_step']:.0%} of the frames fall into their own step, "
        "progress goes "
        f"with time by {held['time']:.2f} and ends at {held['end']:.2f}. Pay it with rw.Steps(MODEL), a "
        "potential."
    )
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    args.answer = {"model": args.out, "method": fitted.method, "metrics": metrics}
    return 0
