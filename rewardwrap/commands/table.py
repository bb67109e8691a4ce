"""Every command: its name, what it is for, its parser. Loads a command when it is asked for."""

from __future__ import annotations

import argparse
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rewardwrap.commands.arguments import CommandParser

COMMANDS = {
    "train": "train an agent on a reward",
    "eval": "play a trained agent: true and shaped return",
    "compare": "which reward makes agents do the task",
    "report": "the report of a comparison again: as a page, as Markdown, or beside another",
    "record": "somebody plays, and the episodes are kept",
    "ingest": "read logged episodes, check them and save them",
    "fit": "a reward model from logged rewards, preferences, outcomes or marks",
    "validate": "whether a reward model can be trusted on these episodes",
    "monitor": "whether new episodes still are what a reward model was judged on",
    "benchmark": "can a score tell good episodes from bad ones, by the published protocols",
    "rank": "answers in the order in which a text model likes them",
    "filter": "leave out the episodes that a reward model pays least",
    "ablate": "which parts of a reward model's recipe matter",
    "models": "which reward models there are, and which one is in use",
    "label": "people say which of two clips is better, on a page of this machine",
    "judge": "models, rules or people say which clip is better, or what a clip keeps",
    "write": "have a reward written, tested, trained and improved",
    "suite": "seventeen small tasks by tables of targets, or by written code: how many are done",
    "review": "look at reward code before it runs, and approve it",
    "explore": "get to know a task of few states without its reward",
    "plan": "the best policy for a reward, in what was explored",
    "design": "a reward that pays in a few states and keeps the task",
    "evolve": "a list of moves that is good at one start, without gradients",
    "meta": "weights from which every task of a family is near, to start from",
    "distance": "are these rewards one task",
    "regret": "what the best policy of a reward is worth on the task",
    "audit": "what a reward paid for: evidence from a run or from played episodes",
    "certify": "the return that no attack within a budget can take from an agent",
    "envs": "list environments, or the fields of one",
    "rewards": "list rewards",
    "presets": "the hyperparameters that come with the package, and where they were taken from",
    "methods": "what each method does, how it is used, and what it was seen to do",
    "new": "a reward, an environment or a recipe to begin with, its test and its evidence",
    "completion": "what a shell completes",
    "doctor": "what works on this machine, and how to fix the rest",
}
TRUSTED = "a module that a file names may be imported, which runs it; repeat for more"


def parser_of(name: str) -> CommandParser:
    """The parser of one command.

    Raises:
        UnknownName: There is no such command.
    """
    from rewardwrap.commands.arguments import CommandParser
    from rewardwrap.core.errors import UnknownName

    if name not in COMMANDS:
        raise UnknownName("command", name, COMMANDS)
    module = importlib.import_module(f"rewardwrap.commands.{name}")
    parser = CommandParser(
        prog=f"rewardwrap {name}",
        description=module.DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add(parser)
    _add_trust(parser, [])
    parser.set_defaults(command=name, answer=None)
    return parser


def _add_trust(parser: argparse.ArgumentParser, default: Any) -> None:
    """``--trust``, before a word of the command (``fit regression``) or behind it."""
    parser.add_argument("--trust", action="append", default=default, metavar="MODULE", help=TRUSTED)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for own in action.choices.values():
                _add_trust(own, argparse.SUPPRESS)
