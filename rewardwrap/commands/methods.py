"""``rewardwrap methods``: what each method does, how it is used, and what it was seen to do."""

from __future__ import annotations

import argparse
import dataclasses
import doctest
import inspect
import json
import re
from dataclasses import dataclass
from importlib import import_module, resources
from typing import Any

from rewardwrap.commands.arguments import add_json, wide_console

DESCRIPTION = """\
List the methods, or one in detail: what it does, where it comes from, when it pays, how it is used, and
what a measurement in miniature showed of it (shown, not shown, contradicted)."""
HOW = "rewardwrap train ENV --algo ppo --reward FILE.yml, with {written} in the file"
FIT = "rewardwrap fit {what} DIR{more} --objective {tag} --out MODEL"
MORE = {"principles": " LABELS", "outcomes": " --success COLUMN", "marks": " --marks COLUMN"}
"""What else a fit must be told."""
JUDGE = "rewardwrap benchmark ENV {tag}"
FITS = {"rewards": "regression", "pairs": "preferences", "outcomes": "outcome", "marks": "process",
        "principles": "principles"}  # fmt: skip
"""What `rewardwrap fit` calls each kind of label."""
ROOMS = {"loops": "loop", "nets": "model", "training": "model", "evaluate": "measure"}
CLOCKS = {
    "score": "episode",
    "objective": "offline",
    "model": "offline",
    "loop": "while training",
    "measure": "offline",
    "study": "-",
}


@dataclass(frozen=True)
class Method:
    """One method; ``claim`` and what follows are empty where nothing was measured."""

    tag: str
    sort: str
    does: str
    source: str
    clock: str
    command: str
    example: str
    state: str = ""
    claim: str = ""
    seen: str = ""
    seeds: int = 0
    evidence: str = ""
    text: str = ""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("tag", nargs="?", metavar="TAG", help="show one in detail")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the list, or one method."""
    from rewardwrap.core.errors import UnknownName

    known = methods()
    if args.tag is not None and args.tag not in known:
        raise UnknownName("method", args.tag, known)
    chosen = known if args.tag is None else {args.tag: known[args.tag]}
    if args.json:
        args.answer = list(chosen.values())
    elif args.tag is None:
        _print_all(known)
    else:
        _print_one(known[args.tag])
    return 0


def methods() -> dict[str, Method]:
    """Everything with a tag, and everything else that was measured."""
    from rewardwrap.core.registry import registered
    from rewardwrap.nets.objectives import OBJECTIVES
    from rewardwrap.scores import SCORES

    told = json.loads(resources.files("rewardwrap").joinpath("evidence.json").read_text("utf-8"))
    found = {}
    for tag, cls in registered().items():
        fields = ", ".join(f"{name}: ..." for name in _required(cls))
        how = HOW.format(written=f"`{tag}: {{{fields}}}`")
        found[tag] = _method(tag, "reward", cls, cls.clock, how, told.get(tag))
    for tag, cls in SCORES.known().items():
        found[tag] = _method(
            tag, "score", cls, CLOCKS["score"], JUDGE.format(tag=tag), told.get(tag)
        )
    for tag, cls in OBJECTIVES.known().items():
        how = FIT.format(what=FITS[cls.labels], tag=tag, more=MORE.get(cls.labels, ""))
        found[tag] = _method(tag, "objective", cls, CLOCKS["objective"], how, told.get(tag))
    for tag in sorted(set(told) - set(found)):
        module, _, name = told[tag]["object"].partition(":")
        documented = getattr(import_module(module), name) if module else None
        sort = _sort(module)
        found[tag] = _method(tag, sort, documented, CLOCKS[sort], told[tag]["use"], told[tag])
    return found


def _sort(module: str) -> str:
    """What a method without a tag is, by the room it lies in."""
    return next((sort for room, sort in ROOMS.items() if f".{room}." in f"{module}."), "study")


def _method(
    tag: str, sort: str, cls: Any, clock: str, command: str, told: dict[str, Any] | None
) -> Method:
    text = inspect.getdoc(cls) or ""
    seen: dict[str, Any] = told or {}
    return Method(
        tag,
        sort,
        text.partition("\n\n")[0].replace("\n", " ") or seen["claim"],
        _source(text) or seen.get("source", ""),
        clock,
        command or "none yet",
        _example(text) or seen.get("example", ""),
        state=seen.get("state", ""),
        claim=seen.get("claim", ""),
        seen=seen.get("sentence", ""),
        seeds=seen.get("seeds", 0),
        evidence=seen.get("command", ""),
        text=_body(text),
    )


def _body(text: str) -> str:
    """A docstring from its second paragraph to its source: formula, arguments, when to use it."""
    body = text.partition("\n\n")[2]
    return re.split(r"\n\n(?:Source|Example|Examples):", f"\n\n{body}")[0].strip()


def _required(cls: Any) -> list[str]:
    missing = dataclasses.MISSING
    return [
        f.name
        for f in dataclasses.fields(cls)
        if f.default is missing and f.default_factory is missing
    ]


def _source(text: str) -> str:
    """The section ``Source:`` of a docstring, without what deviates from it."""
    section = text.partition("\nSource:")[2].partition("\n\n")[0]
    return re.split(r"\s*Deviations?:", " ".join(section.split()))[0]


def _example(text: str) -> str:
    """The statements of a docstring's doctest, without what they print."""
    parser = doctest.DocTestParser()
    code = "".join(each.source for each in parser.get_examples(text)).rstrip()
    return re.sub(r" *# doctest:.*", "", code)


def _print_all(known: dict[str, Method]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="methods", caption="rewardwrap methods TAG: source, use, what was seen")
    for heading in ("tag", "sort", "clock", "does", "evidence"):
        table.add_column(heading, overflow="fold")
    for one in known.values():
        table.add_row(*map(Text, (one.tag, one.sort, one.clock, one.does, one.state or "-")))
    wide_console().print(table)


def _print_one(one: Method) -> None:
    from rich.text import Text

    console = wide_console()
    console.print(Text(f"{one.tag}: {one.does}", "bold"))
    shown = {
        "sort": one.sort,
        "source": one.source or "common practice",
        "clock": one.clock,
        "command": one.command,
        "evidence": f"{one.state}, {one.seeds} seeds: {one.seen}" if one.state else "not measured",
        "claim": one.claim,
        "again": one.evidence,
    }
    for key, value in shown.items():
        if value:
            console.print(Text(f"  {key}: {value}"))
    if one.text:
        console.print(Text("\n" + one.text))
    if one.example:
        console.print(Text("\n" + one.example))
