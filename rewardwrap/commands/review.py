"""``rewardwrap review``: look at reward code before it runs, and approve it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands.arguments import add_env, add_json, wide_console

if TYPE_CHECKING:
    from rich.console import Console

    from rewardwrap.core.transitions import Transitions
    from rewardwrap.rewards.code import CodeReward

DESCRIPTION = """Show what a person should know before reward code runs: what changed, what the gate says,
what it pays on random transitions of an environment (in the sandbox), and how strong the sandbox is here.
--approve records that this text was read; CodeReward(approval="required") runs nothing else."""
STEPS = 256
WIDTH = 96
"""Characters of code on one line; what is longer goes on below, with an arrow."""

PASSED, FAILED = "[green]passed[/green]", "[red]failed[/red]"


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_env(parser, what="probe on random transitions of it")
    parser.add_argument("file", type=Path, help="the reward code")
    parser.add_argument("--approve", action="store_true", help="record that you have read it")
    parser.add_argument(
        "--against", type=Path, metavar="OLD", help="show what changed since this file"
    )
    parser.add_argument("--gate", choices=("strict", "off"), default="strict")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the review; 0 where gate and probe pass, 1 where one of them does not."""
    from rewardwrap.sandbox.intake import (
        approve,
        digest,
        pieces,
        provenance,
        read_source,
        require_size,
    )

    out = wide_console()
    source, file = read_source(args.file)
    require_size(source)
    facts = provenance(source)
    out.print(f"[bold]{file}[/bold]  sha256 {digest(source)[:16]}", highlight=False, soft_wrap=True)
    for key, value in facts.items():
        said = pieces(f"{key}: {value}", 10 * WIDTH)[0]
        out.print(f"  {said}", style="dim", markup=False, highlight=False)
    _show_difference(out, args, source)
    reward = _gated(out, args, source)
    probed = None
    if reward is not None:
        probed = _probed(out, reward, args.env or _told(out, file, facts), tuple(args.catalog))
    fine = probed is not None
    args.answer = {
        "file": file, "sha256": digest(source), "gate": reward is not None,
        "components": reward and reward.components, "probe": probed, "passed": fine,
        "isolation": _show_isolation(out),
    }  # fmt: skip
    if args.approve:
        if not fine:
            out.print("[red]not approved[/red]: gate and probe must pass first.")
            return 1
        out.print(f"[green]approved[/green]: {approve(file, source)}", soft_wrap=True)
    return 0 if fine else 1


def _told(out: Console, file: str, facts: Mapping[str, str]) -> str | None:
    """The environment that the header names, unless making it would import what the header names."""
    from rich.markup import escape

    from rewardwrap.core.errors import ConfigError
    from rewardwrap_envs.trust import require_trusted

    env = facts.get("env")
    try:
        require_trusted({"env": env}, file, error=ConfigError)
    except ConfigError as error:
        out.print(
            f"header      [yellow]{escape(str(error))}[/yellow]", highlight=False, soft_wrap=True
        )
        return None
    return env


def _show_difference(out: Console, args: argparse.Namespace, source: str) -> None:
    """Against a file, else against what was approved last, else the whole text."""
    from rewardwrap.sandbox.intake import (
        approval_of,
        body,
        difference,
        digest,
        lines_of,
        read_source,
    )

    approved = approval_of(args.file)
    if approved is not None and approved["sha256"] == digest(source):
        out.print(f"approval    [green]of this very text[/green], {approved.get('approved', '')}")
    elif approved is not None:
        out.print("approval    [yellow]of another text[/yellow]")
    else:
        out.print("approval    [yellow]none yet[/yellow]")
    if args.against is not None:
        old, name = read_source(args.against)
    elif approved is not None and isinstance(approved.get("source"), str):
        old, name = approved["source"], "approved"
    else:
        _print(out, lines_of(body(source).rstrip("\n")), numbered=True)
        return
    changed = difference(old, source, names=(name, str(args.file)))
    if changed:
        _print(out, changed.split("\n"), numbered=False)
    else:
        out.print("difference  none")


def _print(out: Console, lines: list[str], *, numbered: bool) -> None:
    """Every character of the text in a place that can be seen, then what a reader may overlook."""
    from rich.markup import escape

    from rewardwrap.sandbox.intake import pieces, remarks

    notes = []
    for number, line in enumerate(lines, 1):
        color = {"+": "green", "-": "red"}.get(line[:1]) if not numbered else None
        for i, piece in enumerate(pieces(line, WIDTH)):
            margin = f"{number:5} " if numbered else ""
            margin = (
                margin
                if i == 0
                else " " * (len(margin) - 2) + "\N{DOWNWARDS ARROW WITH TIP RIGHTWARDS} "
            )
            shown = escape(piece)
            out.print(
                f"[dim]{margin}[/dim][{color}]{shown}[/{color}]" if color else f"[dim]{margin}[/dim]{shown}",
                highlight=False, soft_wrap=True,
            )  # fmt: skip
        notes += [(number, remark) for remark in remarks(line)]
    for number, remark in notes:
        out.print(
            f"look        [yellow]line {number}[/yellow]: {escape(remark)}",
            highlight=False,
            soft_wrap=True,
        )


def _gated(out: Console, args: argparse.Namespace, source: str) -> CodeReward | None:
    from rewardwrap.rewards.code import CodeReward
    from rewardwrap.sandbox.errors import SandboxError

    try:
        reward = CodeReward(source, gate=args.gate)
    except SandboxError as error:
        out.print(f"gate        {FAILED}  ", end="")
        out.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return None
    listed = ", ".join(reward.components or ()) or "none"
    out.print(f"gate        {PASSED}  components: {listed}", highlight=False)
    return reward


def _probed(
    out: Console, reward: CodeReward, name: str | None, catalog: tuple[str, ...]
) -> dict[str, Any] | None:
    """Mean and bounds of each term on random transitions; empty without an environment, None: failed."""
    from rich.table import Table

    from rewardwrap.sandbox.errors import SandboxError

    if name is None:
        out.print(
            "probe       [yellow]left out[/yellow]  name an environment: review HalfCheetah-v5 FILE"
        )
        return {}
    batch = random_transitions(name, catalog=catalog)
    try:
        reward.validate(batch.task)
        paid = reward.probe(batch)
    except SandboxError as error:
        out.print(f"probe       {FAILED}  ", end="")
        out.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return None
    finally:
        reward.close()
    how = "row by row" if reward.by_row else "batched"
    out.print(
        f"probe       {PASSED}  {batch.lanes} random transitions of {name}, {how}", highlight=False
    )
    table = Table("", "mean", "std", "min", "max", box=None, padding=(0, 2))
    for column in table.columns[1:]:
        column.justify = "right"
    for term, values in paid.items():
        numbers = (values.mean(), values.std(), values.min(), values.max())
        table.add_row(f"            {term}", *(f"{float(n):.4g}" for n in numbers))
    out.print(table)
    return {
        term: {"mean": values.mean(), "std": values.std(), "min": values.min(), "max": values.max()}
        for term, values in paid.items()
    }


def _show_isolation(out: Console) -> Mapping[str, Any]:
    from rewardwrap.sandbox import describe

    found = describe()
    color = "green" if found["tier"] == "strong" else "yellow"
    out.print(
        f"isolation   [{color}]{found['tier']}[/{color}]  {found['protects']}", highlight=False
    )
    out.print(
        f"            {', '.join(found['layers'])}", style="dim", highlight=False, soft_wrap=True
    )
    for name, cause in found["lacking"].items():
        out.print(
            f"            without {name}: {cause}", style="dim", markup=False, highlight=False
        )
    return found


def random_transitions(
    name: str, steps: int = STEPS, *, catalog: tuple[str, ...] = ()
) -> Transitions:
    """Transitions of a random policy, as one batch, over as many episodes as it takes."""
    import numpy as np

    from rewardwrap.adapters.build import builder_of
    from rewardwrap.adapters.tasks import task_of, task_of_recipe
    from rewardwrap.core import tree
    from rewardwrap.core.info import ListInfo
    from rewardwrap.core.transitions import Transitions
    from rewardwrap_envs import find

    recipe = find(name, catalog)
    env: Any = builder_of(name, catalog)("train", {})
    env.action_space.seed(0)
    rows: list[tuple[Any, ...]] = []
    obs, info = env.reset(seed=0)
    first = True
    for _ in range(steps):
        action = env.action_space.sample()
        next_obs, reward, terminated, truncated, next_info = env.step(action)
        kept = (tree.copy(obs), action, tree.copy(next_obs), float(reward))
        rows.append((*kept, terminated, truncated, first, dict(next_info), dict(info)))
        obs, info, first = next_obs, next_info, terminated or truncated
        if first:
            obs, info = env.reset()
    columns = [list(column) for column in zip(*rows, strict=True)]
    batch = Transitions(
        obs=tree.stack(columns[0]),
        action=tree.stack(columns[1]),
        next_obs=tree.stack(columns[2]),
        reward=np.array(columns[3]),
        terminated=np.array(columns[4], bool),
        truncated=np.array(columns[5], bool),
        first=np.array(columns[6], bool),
        info=ListInfo(columns[7]),
        info_before=ListInfo(columns[8]),
        task=task_of(env)
        if recipe is None
        else task_of_recipe(recipe, space=env.observation_space),
    )
    env.close()
    return batch
