"""``rewardwrap judge``: models, rules or people say which clip is better, or what a clip keeps."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rewardwrap.commands.arguments import add_env, add_json, add_seed, whole_number
from rewardwrap.commands.provider import add_budget, add_server
from rewardwrap.core.errors import ConfigError

DESCRIPTION = """\
Show judges the figures of two clips and ask which one is better by a principle; or, with --criteria, whether
a clip keeps each of them. A rubric is written first, both orders are asked, and an answer that does not
follow from its checks and quotes is dropped. Then:

  rewardwrap fit preferences DATA --teacher ANSWERS.jsonl --out MODEL
  rewardwrap fit principles DATA LABELS.csv --out MODEL      (of --criteria)

  rewardwrap fit judge DATA ANSWERS.jsonl --out JUDGE        (a judge of your own, from the traces)

Judges: scripted (reads the grammar of stated principles, no network), model:JUDGE (of fit judge), openai (any
server of that protocol), person (a page, as rewardwrap label), module:function (request -> text); several are
a panel."""
PERSON = "person"


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_env(parser, then="data", what="to name its numbers")
    parser.add_argument(
        "data", nargs="?", type=Path, metavar="DATA", help="episodes that rewardwrap ingest wrote"
    )
    parser.add_argument("--principle", metavar="TEXT", help="what is better, in words")
    parser.add_argument(
        "--criteria", nargs="+", metavar="NAME:QUESTION", help="yes or no to single clips instead"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="labels (.jsonl, .csv)")
    parser.add_argument(
        "--judge", nargs="+", default=["scripted"], metavar="JUDGE", help="as above (scripted)"
    )
    parser.add_argument("--pairs", type=whole_number, default=100, help="pairs, or clips (100)")
    parser.add_argument(
        "--length", type=whole_number, help="steps of a clip (50; of --criteria whole episodes)"
    )
    parser.add_argument(
        "--votes", type=whole_number, default=1, help="how often each question is asked (1)"
    )
    parser.add_argument(
        "--least", type=whole_number, default=1, help="judges of a panel with an opinion (1)"
    )
    parser.add_argument(
        "--structure",
        choices=("democracy", "monarchy", "market"),
        default="democracy",
        help="of a panel: votes, the first judge's word, or stakes that logged rewards settle (democracy)",
    )
    parser.add_argument(
        "--talk",
        type=int,
        default=0,
        metavar="ROUNDS",
        help="of a panel, in which a judge yields where most others contradict it (0)",
    )
    parser.add_argument(
        "--no-rubric", action="store_true", help="ask for the verdict alone: cheaper, not checked"
    )
    server = parser.add_argument_group("openai")
    server.add_argument(
        "--model", nargs="+", default=[], help="as the server calls it; several are a panel"
    )
    add_server(server)
    add_budget(parser.add_argument_group("budget, of each model"), trains=False)
    add_seed(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Ask, write, print the figures; 1 where nothing could be answered."""
    if args.data is None or args.out is None or (args.principle is None) == (not args.criteria):
        raise ConfigError(
            "judge must know the episodes, --out and either --principle or --criteria, got "
            f"{args.data or 'no DATA'} and {args.out or 'no --out'}. Write: rewardwrap judge DATA "
            '--principle "prefer low energy" --out ANSWERS.jsonl.'
        )
    if PERSON in args.judge:
        return _ask_people(args)
    from rewardwrap.api.judge import judge, require_table

    require_table(args.out)
    found = judge(
        args.data, args.principle,
        criteria=dict(_named(word) for word in args.criteria or ()), by=_judges(args), out=args.out,
        pairs=args.pairs, length=args.length, votes=args.votes, least=args.least,
        structure=args.structure, rounds=args.talk,
        rubric=not args.no_rubric, max_tokens=args.max_tokens, env=args.env, catalog=args.catalog,
        seed=args.seed,
    )  # fmt: skip
    args.answer = {"file": args.out, **found.figures}
    parts = found.figures.get("criteria") or {"": found.figures}
    _print(args.out, found.figures, parts)
    return 0 if any(part["answered"] for part in parts.values()) else 1


def _named(word: str) -> tuple[str, str]:
    name, colon, question = word.partition(":")
    if not (name.isidentifier() and colon and question.strip()):
        raise ConfigError(
            f'--criteria must be NAME:QUESTION, got {word!r}. Write e.g. "dry:never touch water".'
        )
    return name, question.strip()


def _judges(args: argparse.Namespace) -> list[Any]:
    """One client for each judge and each model, with what it may cost."""
    found: list[Any] = []
    for word in args.judge:
        if word != "openai":
            found.append(word)
            continue
        if not args.model:
            raise ConfigError("--judge openai must know the model, got none. Give --model NAME.")
        found += [_client(args, model) for model in args.model]
    return found


def _client(args: argparse.Namespace, model: str) -> Any:
    from rewardwrap.commands.provider import hosted
    from rewardwrap.llm.budget import Budget, Budgeted, Ledger, read_prices
    from rewardwrap.llm.cache import Cached

    budget = Budget(
        usd=args.max_usd, tokens=args.max_tokens_total, calls=args.max_calls, seconds=args.max_seconds
    )  # fmt: skip
    ledger = Ledger(budget, read_prices(args.prices).get(model), model=model)
    folder = args.cache or args.out.with_suffix(".answers")
    return Budgeted(hosted(args, model), ledger, cache=Cached(folder, model=model))


def _ask_people(args: argparse.Namespace) -> int:
    """The page of ``rewardwrap label``, which asks the principle."""
    from rewardwrap.commands import label
    from rewardwrap.commands.table import parser_of

    if args.criteria or args.judge != [PERSON] or args.out.suffix != ".sqlite":
        raise ConfigError(
            "--judge person must compare pairs, alone, into a .sqlite file, got "
            f"{' '.join(args.judge)} and {args.out}. Write --judge person --out ANSWERS.sqlite."
        )
    words = [*([args.env] if args.env else []), str(args.data), "--out", str(args.out)]
    asked = parser_of("label").read(
        [*words, "--question", args.principle, "--pairs", str(args.pairs), "--seed", str(args.seed)]
    )
    asked.length = args.length
    code = label.run(asked)
    args.answer = asked.answer
    return code


def _print(out: Path, figures: dict[str, Any], parts: dict[str, dict[str, Any]]) -> None:
    for line in figures.get("rubric", []):
        print(f"Rubric {line}")
    for name, part in parts.items():
        head = f"{name}: " if name else ""
        more = f", {part['yes']:.0%} yes" if part.get("yes") is not None else ""
        print(f"{head}{part['answered']} of {part['asked']} answered, {part['ties']} ties{more}.")
        for why, count in part["dropped"].items():
            print(f"{head}{count} answers dropped: {why}.")
    if figures.get("swayed"):
        print(f"{figures['swayed']:.0%} of the votes went by the place and count as ties.")
    if figures.get("agrees_with_reward") is not None:
        share, of = figures["agrees_with_reward"], figures["of"]
        print(f"{share:.0%} of {of} sure answers are those of the true reward.")
    if figures.get("credits"):
        held = ", ".join(f"{name} {credit:.2f}" for name, credit in figures["credits"])
        print(f"Credits: {held}.")
    if not any(part["answered"] for part in parts.values()):
        shown = ", ".join(figures["shown"])
        print(f"Judges see {shown}. Name what the episodes are of: rewardwrap judge ENV DATA ...")
    print(
        f"{figures['calls']} questions, {figures['tokens']} tokens, {figures['seconds']:.1f} s: {out}"
    )
