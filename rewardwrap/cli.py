"""The command line: ``rewardwrap COMMAND``; one module of `rewardwrap.commands` each."""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import json
import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

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
    "models": "which reward models there are, and which one is in use",
    "label": "people say which of two clips is better, on a page of this machine",
    "write": "have a reward written, tested, trained and improved",
    "review": "look at reward code before it runs, and approve it",
    "explore": "get to know a task of few states without its reward",
    "plan": "the best policy for a reward, in what was explored",
    "design": "a reward that pays in a few states and keeps the task",
    "distance": "are these rewards one task",
    "regret": "what the best policy of a reward is worth on the task",
    "audit": "what a reward paid for: evidence from a run or from played episodes",
    "certify": "the return that no attack within a budget can take from an agent",
    "envs": "list environments, or the fields of one",
    "rewards": "list rewards",
    "methods": "what each method does, how it is used, and what it was seen to do",
    "doctor": "what works on this machine, and how to fix the rest",
}
BAD_INPUT, INTERRUPTED = 2, 130
TRUSTED = "a module that a file names may be imported, which runs it; repeat for more"
VOUCHING = ("--trust", "--gym-packages")
_MODULE = re.compile(r"[^\W\d]\w*(\.\w+)*:[^\W\d]")
FULL = (errno.ENOSPC, errno.EDQUOT)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; errors made on purpose are one sentence and exit code 2."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words and not words[0].startswith("-"):
        return _guarded(words)
    parser = argparse.ArgumentParser(
        prog="rewardwrap", description="Reward engineering on Gymnasium and stable-baselines3."
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, summary in COMMANDS.items():
        commands.add_parser(name, help=summary)
    given, unknown = parser.parse_known_args(words)
    if unknown:
        print(
            f"rewardwrap: the command must come first, got {unknown[0]}. Write rewardwrap COMMAND; "
            "rewardwrap --help lists them.",
            file=sys.stderr,
        )
        return BAD_INPUT
    if given.version:
        from rewardwrap import __version__

        print(__version__)
    else:
        parser.print_help()
    return 0


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
    parser.add_argument("--trust", action="append", default=[], metavar="MODULE", help=TRUSTED)
    parser.set_defaults(command=name, answer=None)
    return parser


def _run(words: list[str]) -> int:
    """One command; under ``--json`` all that it prints is a message, save its answer."""
    from rewardwrap.commands.arguments import plain
    from rewardwrap_envs.trust import trusting

    _find_modules_here(words)
    args = parser_of(words[0]).read(words[1:])
    module = importlib.import_module(f"rewardwrap.commands.{args.command}")
    as_json = getattr(args, "json", False)
    # what somebody types is their own word, as --trust is
    with contextlib.ExitStack() as around:
        around.enter_context(trusting([*args.trust, *getattr(args, "gym_packages", ())]))
        if as_json:
            around.enter_context(contextlib.redirect_stdout(sys.stderr))
        code = int(module.run(args))
    if as_json:
        print(json.dumps(plain(args.answer), allow_nan=False))
    return code


def _find_modules_here(words: list[str]) -> None:
    """Let modules of the current folder be found where one is named; what is installed comes first.

    Who only reads files in a folder of somebody else must not import a ``torch.py`` that lies there.
    """
    from rewardwrap_envs.trust import VARIABLE

    named = any(_MODULE.search(word) or word.startswith(VOUCHING) for word in words)
    if (named or os.environ.get(VARIABLE)) and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())


def _guarded(words: list[str]) -> int:
    import rewardwrap_envs
    import rewardwrap_policies
    from rewardwrap.core.errors import RewardwrapError

    warnings.showwarning = _show_warning
    try:
        return _run(words)
    except (RewardwrapError, rewardwrap_envs.EnvsError, rewardwrap_policies.PoliciesError) as error:
        # OSErrors among them print as "[Errno 28] ..." otherwise
        sentence = getattr(error, "strerror", None) or str(error)
        notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
        print(f"rewardwrap: {sentence}{notes}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("rewardwrap: stopped. What is finished is kept.", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        if error.errno in FULL:
            print(
                f"rewardwrap: the disk must have room, got: {error}. What is finished is kept; "
                "free some space and give the same command again.",
                file=sys.stderr,
            )
            return BAD_INPUT
        if not isinstance(error, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning of ours is a sentence to the user, not a place in the code."""
    from rewardwrap.core.errors import RewardwrapWarning

    if issubclass(category, RewardwrapWarning):
        print(f"rewardwrap: warning: {message}", file=file or sys.stderr)
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


if __name__ == "__main__":
    sys.exit(main())
