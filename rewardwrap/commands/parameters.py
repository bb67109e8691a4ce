"""``rewardwrap write --rewards params``: a table of targets, played at once, corrected in words."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.files import write_whole

if TYPE_CHECKING:
    from rich.console import Console

    from rewardwrap.core.reward import Reward
    from rewardwrap.llm.journal import Journal
    from rewardwrap.llm.parameters import Table
    from rewardwrap.llm.prompt import Scene

STEPS = 150
"""How long the planner plays."""


def run_table(args: argparse.Namespace, scene: Scene, out: Path, console: Console) -> int:
    """Ask for a table, or correct the one that is there; then let the planner play it."""
    from rewardwrap.commands.provider import client_of, refuse_another_search
    from rewardwrap.llm import parameters
    from rewardwrap.llm.client import Request
    from rewardwrap.llm.journal import FILE, Journal

    journal = Journal(out / FILE)
    if args.live:
        return _live(args, scene, out, console, journal)
    refuse_another_search(journal, args)
    client = client_of(args, scene, out, journal)
    tables = journal.of("table")
    number = len(tables) + 1
    ask = Request(
        ({"role": "user", "content": args.task},),
        args.temperature,
        args.max_tokens,
        args.seed + number - 1,
        label=f"table-{number}",
    )
    first = parameters.first_table_request(scene, args.task, ask=ask)
    if tables and not args.words:
        table: Table = parameters.from_json(tables[-1]["table"], scene)
    elif tables:
        before = parameters.from_json(tables[-1]["table"], scene)
        asked = parameters.correction_request(first, before, args.words, ask=ask)
        table = parameters.read_correction(client.complete(asked), before, scene)
    elif args.words:
        raise ConfigError(
            "--words must correct a table, got a search that has none yet. "
            "Give the command without --words first."
        )
    else:
        table = parameters.read_table(client.complete(first), scene)
    text = parameters.to_json(table)
    if not tables or args.words:
        journal.write("table", table=text, words=args.words or "", spent=client.ledger.spent)
    console.print(text, markup=False, highlight=False)
    reward = parameters.reward_of(table)
    _export(out / "best", text, reward)
    args.answer = {"table": json.loads(text), "file": out / "best" / "reward.yml"}
    _play(args, scene, reward, table, console)
    return 0


def _live(
    args: argparse.Namespace, scene: Scene, out: Path, console: Console, journal: Journal
) -> int:
    """A page until Ctrl+C; every sentence and its table stand in the journal."""
    import threading

    from rewardwrap.commands.provider import client_of
    from rewardwrap.llm import parameters
    from rewardwrap.llm.client import Request
    from rewardwrap.llm.live import Live

    client = client_of(args, scene, out, journal)

    def translate(sentence: str) -> Table:
        ask = Request(
            ({"role": "user", "content": sentence},), args.temperature, args.max_tokens, args.seed,
            label="live",
        )  # fmt: skip
        if args.provider == "grammar":
            from rewardwrap.llm.grammar import translated

            table: Table = translated(sentence, scene)
        else:
            said = client.complete(parameters.first_table_request(scene, sentence, ask=ask))
            table = parameters.read_table(said, scene)
        journal.write("live", words=sentence, table=parameters.to_json(table))
        return table

    live = Live(scene, translate, args.task, seed=args.seed)
    with live.served(args.port) as url:
        console.print(f"Watch, and edit the sentence: {url}\nCtrl+C ends it.", soft_wrap=True)
        threading.Event().wait()
    return 0


def _export(folder: Path, text: str, reward: Reward) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "table.json", text + "\n")
    write_whole(folder / "reward.yml", json.dumps(reward.to_config(), indent=1) + "\n")


def _play(
    args: argparse.Namespace, scene: Scene, reward: Reward, table: Table, console: Console
) -> None:
    """What the table leads to, without training: means over the last third of an episode."""
    from rewardwrap.llm.planning import play
    from rewardwrap_policies.planner import PlannerError

    try:
        played = play(scene.recipe, reward, steps=STEPS, seed=args.seed)
    except PlannerError as error:
        console.print(f"Not played: {error}", markup=False, soft_wrap=True)
        return
    tail = slice(-len(played.true) // 3, None)
    console.print(
        f"\nPlayed {len(played.true)} steps by a planner; over the last third:", soft_wrap=True
    )
    for name, term in table.items():
        column: Any = played.fields.get(term.of)
        if column is not None:
            console.print(
                f"  {name}: {term.of} {np.mean(column[tail]):.3f}, target {term.target:g}",
                markup=False,
                highlight=False,
            )
    console.print(f"  true return {played.true.sum():.2f}")
