"""Who writes in ``rewardwrap write`` or judges, within which budget, and what a folder's search is about."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands.arguments import add_seed, whole_number
from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rewardwrap.llm.budget import Budgeted, Ledger
    from rewardwrap.llm.client import ChatClient
    from rewardwrap.llm.journal import Journal
    from rewardwrap.llm.prompt import Scene

PROVIDERS = ("template", "grammar", "replay", "openai")


def add_model(group: Any) -> None:
    group.add_argument("--provider", choices=PROVIDERS, default="template")
    group.add_argument("--model", help="as the server calls it, e.g. qwen2.5-coder")
    add_server(group)
    group.add_argument("--recordings", type=Path, help="folder that --provider replay reads")
    group.add_argument(
        "--cache-use", choices=("cache", "live", "replay"), default="cache", help="default: cache"
    )
    group.add_argument("--temperature", type=float, default=1.0)
    group.add_argument("--at-once", type=whole_number, default=4, help="requests under way")
    add_seed(group, help="of the whole search (default: 0)")


def add_server(group: Any) -> None:
    """How an OpenAI-compatible server is asked, and where its answers are kept."""
    group.add_argument("--base-url", help="of the server, e.g. http://localhost:11434/v1")
    group.add_argument(
        "--send",
        nargs="+",
        default=[],
        metavar="K:V",
        help="the server's names of max_tokens, seed, temperature; nothing behind the colon leaves one out",
    )
    group.add_argument("--key-variable", default="OPENAI_API_KEY", help="variable with the key")
    group.add_argument("--cache", type=Path, help="folder of answers (default: beside --out)")
    group.add_argument("--max-tokens", type=whole_number, default=2048)
    group.add_argument("--timeout", type=float, default=120.0, help="seconds for one answer")


def add_budget(group: Any, *, trains: bool = True) -> None:
    group.add_argument("--max-usd", type=float)
    group.add_argument("--max-tokens-total", type=whole_number)
    group.add_argument("--max-calls", type=whole_number)
    group.add_argument("--max-seconds", type=float)
    if trains:
        group.add_argument("--max-rl-steps", type=whole_number)
    group.add_argument("--prices", type=Path, help="YAML, US dollars for a million tokens")


def refuse_another_search(journal: Journal, args: argparse.Namespace) -> None:
    """Note what is searched; refuse to go on with another search in the same folder."""
    from rewardwrap.training.provenance import versions

    asked = {"env": args.env, "task": args.task, "seed": args.seed, "rewards": args.rewards}
    if args.rewards != "params":
        asked["samples"] = args.samples
    if args.rewards == "code":
        asked |= {
            "algo": args.algo, "steps": args.n_timesteps, "auto_scale": args.auto_scale,
        }  # fmt: skip
    before = journal.of("began")
    if not before:
        journal.write("began", **asked, versions=versions())
        return
    changed = [name for name, value in asked.items() if before[0].get(name) != value]
    if changed:
        was = ", ".join(f"{name} {before[0].get(name)!r}" for name in changed)
        raise ConfigError(
            f"a search must go on as it began ({was}), got another {', '.join(changed)}. "
            "Give another --out for a new search."
        )


def client_of(args: argparse.Namespace, scene: Scene, out: Path, journal: Journal) -> Budgeted:
    """The provider, behind its cache, within its budget."""
    from rewardwrap.llm.budget import Budgeted
    from rewardwrap.llm.cache import Cached

    ledger = _ledger(args, journal)
    if args.provider != "openai":
        return Budgeted(_offline(args, scene), ledger)
    if not args.model:
        raise ConfigError("--provider openai must know the model, got none. Give --model NAME.")
    folder = args.cache or out / "answers"
    if args.cache_use == "replay":
        return Budgeted(Cached(folder, model=args.model), ledger)
    return Budgeted(
        hosted(args, args.model), ledger, cache=Cached(folder, model=args.model),
        ask_anew=args.cache_use == "live",
    )  # fmt: skip


def hosted(args: argparse.Namespace, model: str) -> ChatClient:
    """A model behind the server that `add_server` asks for."""
    from rewardwrap.llm.hosted import OpenAIClient

    pairs = [pair.partition(":") for pair in args.send]
    return OpenAIClient(
        model,
        base_url=args.base_url,
        key_variable=args.key_variable,
        timeout=args.timeout,
        names={ours: name or None for ours, _, name in pairs},
    )


def _offline(args: argparse.Namespace, scene: Scene) -> ChatClient:
    if args.provider == "template":
        from rewardwrap.llm import template

        designers = {
            "code": template.TemplateDesigner,
            "params": template.ParameterDesigner,
            "factors": template.FactorDesigner,
        }
        return designers[args.rewards](scene, args.task)
    if args.provider == "grammar":
        from rewardwrap.llm.grammar import Grammar

        if args.rewards != "params":
            raise ConfigError(
                f"--provider grammar must write tables, got --rewards {args.rewards}. Say --rewards params."
            )
        return Grammar(scene, args.task)
    from rewardwrap.llm.recorded import RecordedClient, recordings_for

    return RecordedClient(args.recordings or recordings_for(args.env))


def _ledger(args: argparse.Namespace, journal: Journal) -> Ledger:
    from rewardwrap.llm.budget import Budget, Ledger, read_prices

    budget = Budget(
        usd=args.max_usd,
        tokens=args.max_tokens_total,
        calls=args.max_calls,
        seconds=args.max_seconds,
        rl_steps=args.max_rl_steps,
    )
    model = args.model if args.provider == "openai" else args.provider
    spent: dict[str, float] = {}
    for event in journal.of("proposed"):
        spent = {k: v for k, v in event["spent"].items() if k != "seconds"}
    spent["rl_steps"] = sum(e["steps"] * len(e["scores"]) for e in journal.of("trained"))
    return Ledger(budget, read_prices(args.prices).get(model or ""), spent=spent, model=model or "")
