"""What every command shares: the parser, the pieces of its grammar, and how values are written.

One grammar: the environment comes first, or behind ``--env``; ``--out`` is where to write; ``--seeds`` are
several runs (how many, or a list), ``--seed`` is one; ``--json`` prints one document. Exit codes: 0 fine,
1 the question is answered "no", 2 bad input.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

_POWER = re.compile(r"[+-]?\d+\.?\d*[eE][+-]?\d+")


class CommandParser(argparse.ArgumentParser):
    """Words and flags in any order; no flag is shortened, so that ``--seed`` is never ``--seeds``.

    Raises:
        ConfigError: Instead of leaving the program.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """One sentence, as for any other bad input."""
        raise ConfigError(
            f"{self.prog}: the command must be one that --help shows, got this: {message}. "
            f"See: {self.prog} --help."
        )

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse, and settle which environment is meant."""
        parts = any(isinstance(a, argparse._SubParsersAction) for a in self._actions)
        args = self.parse_args(words) if parts else self.parse_intermixed_args(words)
        if getattr(args, "gym_packages", ()):
            from rewardwrap_envs.packages import load

            load(args.gym_packages)
        if hasattr(args, "env_flag"):
            _settle(args)
        return args


def add_env(parser: argparse.ArgumentParser, *, then: str = "", what: str = "") -> None:
    """``ENV``, ``--env ENV``, ``--catalog`` and ``--gym-packages``.

    Args:
        parser: Of the command; no other words were declared yet.
        then: Name of the word that follows, where it may be missing or there may be several.
        what: What the environment is for, where it is not what the command is about.
    """
    parser.add_argument(
        "env",
        nargs="?",
        metavar="ENV",
        help=what or "a recipe (`rewardwrap envs`), a gymnasium id, or module:Id",
    )
    parser.add_argument("--env", dest="env_flag", metavar="ENV", help="the same, as in RL Zoo")
    parser.set_defaults(env_then=then)
    add_catalog(parser)


def add_catalog(parser: argparse.ArgumentParser) -> None:
    """Where environments come from that neither gymnasium nor the catalogue has."""
    parser.add_argument(
        "--catalog", action="append", default=[], metavar="DIR", help="own recipes; repeatable"
    )
    parser.add_argument(
        "--gym-packages",
        nargs="+",
        default=[],
        metavar="PACKAGE",
        help="packages to import that register environments",
    )


def add_env_kwargs(parser: argparse.ArgumentParser) -> None:
    """``--env-kwargs``, as in RL Zoo."""
    parser.add_argument(
        "--env-kwargs", nargs="+", default=[], metavar="K:V", help="arguments of the environment"
    )


def add_limit(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """``--limit``: what a time limit is; see `rewardwrap.wrap`."""
    parser.add_argument(
        "--limit",
        choices=("bootstrap", "end"),
        default=default,
        help="a time limit cuts, and the learner adds the value behind it (bootstrap, the default), or ends "
        "the task (end): for rewards of whole episodes",
    )


def add_backend(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """``--backend``: what steps the lanes; see `rewardwrap.make`."""
    parser.add_argument(
        *("--backend", "--vec-env"),
        choices=("dummy", "subproc", "sync", "ale-vector", "envpool"),
        default=default,
        help="what steps the lanes: this process (dummy, the default), workers, gymnasium, threads of ALE or "
        "of envpool; --vec-env is RL Zoo's name for it",
    )


def columns(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def add_score(parser: argparse.ArgumentParser, *, action: Any = None, what: str = "") -> None:
    """``--score`` and ``--group``: pay whole episodes in groups that began alike; see `rewardwrap.Grouped`.

    Args:
        parser: Of the command.
        action: Of ``--score``, where it may be repeated.
        what: What it stands for, where it is not what the one training is paid.
    """
    options: dict[str, Any] = {} if action is None else {"action": action, "default": []}
    parser.add_argument(
        "--score",
        metavar="[NAME=]SCORE" if action else "SCORE",
        help=what
        or "pay finished episodes instead of steps: a tag (concise), module:function, score.yml, one line of "
        'YAML, or principles in words ("never touch lava; prefer low time")',
        **options,
    )
    parser.add_argument(
        "--group",
        type=whole_number,
        metavar="G",
        help="of --score: episodes of one start that are compared (default: the file's, else 4; 1 pays each "
        "its score)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``: the command puts its document into ``args.answer``."""
    parser.add_argument("--json", action="store_true", help="print one JSON document alone")


def add_seed(parser: Any, default: int | None = 0, help: str = "of this run (default: 0)") -> None:
    """``--seed``: one run."""
    parser.add_argument("--seed", type=seed, default=default, help=help)


def add_stopping(parser: argparse.ArgumentParser) -> None:
    """``--stop-at``, ``--patience`` and ``--minutes``: what ends a training early."""
    parser.add_argument(
        "--stop-at", type=float, metavar="RETURN",
        help="end a training at an evaluation whose mean true return is at least this",
    )  # fmt: skip
    parser.add_argument(
        "--patience", type=whole_number, metavar="N",
        help="end it after N evaluations in a row without a better true return",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="end it after M minutes on the clock"
    )


def named_env(args: argparse.Namespace) -> str:
    """The environment of a command that needs one.

    Raises:
        ConfigError: None was named.
    """
    if args.env is None:
        raise ConfigError(
            f"{args.command} must know the environment, got none. "
            f"Write: rewardwrap {args.command} ENV ...; `rewardwrap envs` lists those with a recipe."
        )
    return str(args.env)


def _settle(args: argparse.Namespace) -> None:
    """One environment from the first word and ``--env``; the words behind it where they belong."""
    word, flag, then = args.env, args.env_flag, args.env_then
    del args.env_flag, args.env_then
    rest = getattr(args, then) if then else ()
    if word is not None and rest is None:
        setattr(args, then, word)
        word = None
    elif word is not None and flag is not None and isinstance(rest, list) and not _is_env(word):
        rest.insert(0, word)
        word = None
    if word is not None and flag not in (None, word):
        raise ConfigError(
            f"the environment must be named once, got {word} and --env {flag}. Leave one out."
        )
    name = flag if word is None else word
    args.env = None if name is None else known_env(name, args.gym_packages, args.catalog)


def _is_env(word: str) -> bool:
    import gymnasium as gym

    import rewardwrap_envs

    return word in gym.registry or rewardwrap_envs.find(word) is not None


def known_env(name: str, packages: Sequence[str] = (), catalog: Sequence[str] = ()) -> str:
    """The name under which every process finds the environment: ``module:Id`` where a package has it.

    Raises:
        MissingPackage: A package is not installed.
    """
    import gymnasium as gym

    import rewardwrap_envs
    from rewardwrap_envs.packages import load, package_of

    registered = load(packages)
    if ":" in name or rewardwrap_envs.find(name, catalog) is not None:
        return name
    if name in registered:
        return f"{registered[name]}:{name}"
    if name in gym.registry:
        return name
    package = package_of(name)
    if package is None:
        return name
    print(f"rewardwrap: {package} registers {name}: taken as {package}:{name}.", file=sys.stderr)
    return f"{package}:{name}"


def seed(text: str) -> int:
    """A whole number from 0.

    >>> seed("3")
    3
    """
    if not re.fullmatch(r"\d+", text):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0, got {text!r}")
    return int(text)


def seeds(text: str) -> tuple[int, ...]:
    """How many, from 0, or a list.

    >>> seeds("3"), seeds("0,3,7"), seeds("5,")
    ((0, 1, 2), (0, 3, 7), (5,))
    """
    listed = re.fullmatch(r"\d+(,\d+)*,?", text)
    found = tuple(int(part) for part in text.split(",") if part) if listed else ()
    if listed and "," not in text:
        found = tuple(range(found[0]))
    if not found or len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(
            f"must be how many, or a list of different ones like 0,3,7, got {text!r}"
        )
    return found


def plain(value: Any) -> Any:
    """As JSON knows it: a number that is not finite is null, anything unknown its text.

    >>> plain({"a": (1.0, float("nan")), "b": {2}})
    {'a': [1.0, None], 'b': [2]}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def whole_number(text: str) -> int:
    """``100000``, ``100_000`` or ``1e5``.

    >>> whole_number("1e5")
    100000
    """
    try:
        value = float(text.replace("_", ""))
    except ValueError:
        value = float("nan")
    if not value >= 1 or value != int(value):
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, got {text!r}")
    return int(value)


def key_values(items: Sequence[str], flag: str) -> dict[str, Any]:
    """``key:value`` each, as RL Zoo writes them; the value is read as YAML.

    >>> key_values(["map_name:8x8", "is_slippery:False"], "--env-kwargs")
    {'map_name': '8x8', 'is_slippery': False}

    Raises:
        ConfigError: One has no colon.
    """
    found = {}
    for item in items:
        key, colon, text = item.partition(":")
        if not (colon and key and text):
            raise ConfigError(f"{flag} must be key:value, got {item!r}. Write e.g. {flag} a:1.")
        found[key] = _value(text)
    return found


def _value(text: str) -> Any:
    """As YAML, save that YAML reads ``1e-3`` and ``None`` as text."""
    if text == "None":
        return None
    if _POWER.fullmatch(text):
        return float(text)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def wide_console() -> Console:
    """Where people read: as wide as the terminal, and wide enough for a table where there is none."""
    from rich.console import Console as RichConsole

    made = RichConsole()
    return made if made.is_terminal else RichConsole(width=110)
