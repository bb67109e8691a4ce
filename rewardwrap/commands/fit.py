"""``rewardwrap fit``: a reward model from logged rewards, preferences, outcomes, marks or principles."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rewardwrap.commands import fit_demonstrations, fit_judge
from rewardwrap.commands.arguments import columns, key_values
from rewardwrap.commands.fit_options import add
from rewardwrap.core.errors import ConfigError

__all__ = ["DESCRIPTION", "add", "run"]

DESCRIPTION = """\
Fit a reward model to the episodes in a folder that `rewardwrap ingest` wrote. The figures it prints are of
whole episodes that the fit has not seen. Use the model with rw.Learned(MODEL) or {learned: MODEL}."""

MISSED = 0.3
"""Correlation with a raw number from which a feature is taken to be missing."""


def run(args: argparse.Namespace) -> int:
    """Fit, save, print the held-out figures."""
    import torch

    from rewardwrap.api.fit import fit

    torch.set_num_threads(1)
    if args.what == "demonstrations":
        return fit_demonstrations.run(args)
    if args.what == "judge":
        return fit_judge.run(args)
    if getattr(args, "text", None) is not None:
        return _fit_text(args)
    if args.what == "dynamics":
        with _progress(args) as progress:
            fitted = fit(
                args.what, args.data, out=args.out, hidden=_sizes(args.hidden), seed=args.seed,
                heldout=args.heldout, members=args.members, epochs=args.epochs,
                patience=args.patience, progress=progress,
            )  # fmt: skip
        _print(args.out, fitted)
        args.answer = {"model": args.out, "objective": args.what, "metrics": fitted.metrics}
        return 0
    with _progress(args) as progress:
        fitted = fit(
            args.what, args.data, out=args.out,
            reads=columns(args.reads),
            hidden=_sizes(args.hidden), activation=args.activation, seed=args.seed, heldout=args.heldout,
            members=args.members, epochs=args.epochs, patience=args.patience, objective=args.objective,
            objective_kwargs=key_values(args.objective_kwargs, "--objective-kwargs"),
            require=_bounds(args.require), progress=progress, **_own(args),
        )  # fmt: skip
    _print(args.out, fitted)
    judged = fitted.metrics.get("gate", {"passed": True, "reasons": []})
    for reason in judged["reasons"]:
        print(f"Required: {reason}", file=sys.stderr)
    args.answer = {
        "model": args.out,
        "objective": fitted.objective,
        "metrics": fitted.metrics,
        "epochs": fitted.fit.epochs,
        "best_epoch": fitted.fit.best + 1,
        "seconds": fitted.fit.seconds,
    }
    if args.registry is not None:
        from rewardwrap.nets.registry import Registry

        entry = Registry(args.registry).add(args.out)
        print(f"Registered {entry.name} {entry.version} as {entry.stage}.")
    return 0 if judged["passed"] else 1


def _bounds(text: str | None) -> dict[str, float]:
    """``r2=0.95,mae=0.2``; nothing is required without a text.

    Raises:
        ConfigError: No such pair.
    """
    found = {}
    for word in text.split(",") if text else ():
        name, _, value = word.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise ConfigError(
                f"--require must be FIGURE=NUMBER,..., got {word!r}. Write e.g. r2=0.95,mae=0.2."
            ) from None
    return found


def _own(args: argparse.Namespace) -> dict[str, Any]:
    """What only this sort of fit has."""
    names = (
        "teacher",
        "labels",
        "pairs",
        "length",
        "topology",
        "flips",
        "ties",
        "bound",
        "gamma",
        "head",
        "loss",
        "experts",
        "top",
    )
    found = {name: getattr(args, name) for name in names if hasattr(args, name)}
    if args.what in ("outcome", "process"):
        said = args.success if args.what == "outcome" else args.marks
        found["column"] = said.removeprefix("info:")
    if args.what == "preferences":
        found["signs"] = key_values(args.signs, "--signs")
    return found


def _fit_text(args: argparse.Namespace) -> int:
    from rich.table import Table

    from rewardwrap.commands.arguments import wide_console
    from rewardwrap.nets.text_recipe import fit_text, read_rows

    names = [word.strip() for word in args.text.split(",") if word.strip()]
    if len(names) not in (2, 3):
        raise ConfigError(
            f"--text must name a prompt, the chosen and the rejected answer, got {args.text!r}. "
            "Write --text prompt,chosen,rejected."
        )
    rows = read_rows(args.data, ["", *names][-3:])
    share = {} if args.heldout is None else {"heldout": args.heldout}
    fitted = fit_text(rows, body=args.body, seed=args.seed, **share)
    fitted.save(args.out)
    found = fitted.metrics
    table = Table(title=f"{args.out}: text preferences by {found['body']}", title_justify="left")
    sides = {
        "train": "train",
        "held out": "heldout",
        "bag of words": "bag_of_words",
        "length": "length",
    }
    for heading in ("", *sides):
        table.add_column(heading, justify="left" if not heading else "right")
    for name in found["heldout"]:
        each = (found[side].get(name) for side in sides.values())
        table.add_row(name, *("–" if v is None else f"{v:.4g}" for v in each))
    out = wide_console()
    out.print(table)
    out.print(
        f"{found['pairs']['train']} pairs to train on, {found['pairs']['heldout']} of other prompts held out."
    )
    args.answer = {"model": args.out, "objective": "text preferences", "metrics": found}
    return 0


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(word) for word in text.split(",") if word.strip())
    except ValueError:
        sizes = (0,)
    if any(size < 1 for size in sizes):
        raise ConfigError(f"--hidden must be sizes, got {text!r}. Write e.g. 64,64.")
    return sizes


class _progress:
    """A line that counts epochs, where somebody watches."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args

    def __enter__(self) -> Callable[[int, dict[str, float]], None] | None:
        from rich.console import Console
        from rich.progress import Progress, TextColumn

        console = Console(stderr=True)
        self._bar = None
        if self._args.quiet or not console.is_terminal:
            return None
        words = "{task.description} epoch {task.completed}"
        self._bar = Progress(TextColumn(words), console=console, transient=True)
        self._bar.start()
        task = self._bar.add_task("fitting", total=self._args.epochs)

        def show(epoch: int, record: dict[str, float]) -> None:
            losses = ", ".join(f"{k} {v:.4g}" for k, v in record.items())
            assert self._bar is not None
            self._bar.update(task, completed=epoch + 1, description=f"fitting {losses},")

        return show

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def _print(folder: Path, fitted: Any) -> None:
    from rich.table import Table

    from rewardwrap.commands.arguments import wide_console
    from rewardwrap.rewards.judgement import LEAST

    metrics = fitted.metrics
    table = Table(title=f"{folder}: {fitted.objective}", title_justify="left")
    for heading in ("", "train", "held out", "null"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, value in metrics["heldout"].items():
        row = [metrics["train"].get(name), value, metrics["null"].get(name)]
        table.add_row(name, *("–" if v is None else f"{v:.4g}" for v in row))
    out = wide_console()
    out.print(table)
    episodes = metrics["episodes"]
    for name, (low, high) in metrics.get("interval", {}).items():
        out.print(
            f"{name} held out, 95 %: {low:.3f} to {high:.3f} (Wilson, {metrics['heldout']['pairs']} pairs of "
            f"{len(episodes['heldout'])} episodes; pairs that share episodes tell less).",
            soft_wrap=True,
        )
    out.print(
        f"{len(episodes['train'])} episodes to train on, {len(episodes['heldout'])} held out; "
        f"{fitted.fit.epochs} epochs in {fitted.fit.seconds:.1f} s, best {fitted.fit.best + 1}."
    )
    if len(episodes["heldout"]) < LEAST:
        out.print(
            f"{len(episodes['heldout'])} held-out episodes are too few to judge a model by: its figures "
            f"may be luck. Record more, hold out more, or validate it on {LEAST} others."
        )
    if metrics.get("left_out", {}).get("unknown_or_filled"):
        out.print(
            f"{metrics['left_out']['unknown_or_filled']} steps with numbers that were filled or not recorded "
            "were left out.",
            soft_wrap=True,
        )
    if metrics.get("unknown_successors"):
        out.print(
            f"{metrics['unknown_successors']} steps without a recorded successor were left out, "
            "since the model reads next_obs."
        )
    labels = metrics.get("labels", {})
    for name, weight in labels.get("weights", {}).items():
        out.print(f"{name}: {weight:+.4g} per unit")
    for name, left in labels.get("residual", {}).items():
        if abs(left) > MISSED:
            out.print(f"What it misses goes with {name} ({left:+.2f}): a feature may be missing.")
    if labels.get("contradicting"):
        out.print(
            f"{labels['contradicting']} of {labels['repeated']} pairs that were answered more than "
            "once were answered both ways."
        )
    if best := labels.get("best_of"):
        out.print(
            f"Of {best['clips']} held-out clips the best one loses to another with chance "
            f"{best['single']:.2f}, the best mixture of them with {best['mixture']:.2f}."
        )
    if labels.get("cycles", {}).get("triangles"):
        out.print(f"{labels['cycles']['says']}.")
    for number, one in enumerate(labels.get("rounds", []), start=1):
        out.print(
            f"Round {number} ({one['status']}): {one['kept']:.0%} of the drawn pairs labelled, "
            f"{one['precision']:.0%} of {one['audited']} audited right, guarded accuracy "
            f"{one['accuracy']:.3f}{', taken back' if one['rolled_back'] else ''}."
        )
    if labels.get("same"):
        said = f"{labels['same']} answers about a clip and itself were left out, since they say nothing."
        out.print(said, soft_wrap=True)
    if labels.get("dropped"):
        out.print(
            f"{labels['dropped']} pairs with an episode on either side of the split were left out."
        )
