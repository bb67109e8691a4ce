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
from typing import TextIO

from rewardwrap.commands.table import COMMANDS, parser_of

BAD_INPUT, INTERRUPTED = 2, 130
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
