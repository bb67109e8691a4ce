"""``rewardwrap record``: somebody plays, and the episodes are kept for a reward to be learned from."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rewardwrap.commands.arguments import add_json, add_seed, whole_number, wide_console
from rewardwrap.commands.asked import Asked, add_task, asked
from rewardwrap.core.errors import ConfigError

DESCRIPTION = """\
Play whole episodes and keep them, with the environment's own reward and true last observations. Train on
them with rw.DemonstrationLoop, or `rewardwrap train ENV --demos DIR`. Ctrl-C keeps what is finished."""
INTERRUPTED = 130


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_task(parser)
    add_json(parser)
    parser.add_argument(
        "--policy",
        default="scripted",
        help="who plays: scripted, random, keyboard, module:function (one observation to one action), or "
        "the folder of a run (scripted)",
    )
    parser.add_argument("--episodes", type=whole_number, default=5, help="whole ones (5)")
    parser.add_argument(
        "--tree",
        metavar="DEPTHxWAYS",
        help="part every --steps steps: 4x2 leaves 16 episodes for each start, alike up to where they part "
        "(fit preferences --topology tree); --episodes counts the starts",
    )
    parser.add_argument(
        "--steps", type=whole_number, default=10, help="of --tree, between two partings (10)"
    )
    add_seed(parser, help="of the first episode, one more for each after it (default: 0)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to save")
    parser.add_argument("--minari", metavar="GROUP/NAME-v0", help="write a Minari dataset too")


def run(args: argparse.Namespace) -> int:
    """Play, save, and say what was played."""
    from rewardwrap.data.saved import check_free

    about = asked(args)
    check_free(args.out)
    _spare_people(args.out)
    if args.minari is not None:
        from rewardwrap.data import minari_writer

        minari_writer.require_free(args.minari)
    played: list[dict[str, Any]] = []
    with _player(args, about) as player:
        finished = _play(player, args, played)
        if not played:
            raise ConfigError(
                f"record must finish an episode, got none before it was stopped. {args.out} is as it was."
            )
        store = _saved(player, args, played)
    _print(args, store)
    args.answer = {
        "episodes": args.out,
        "finished": finished,
        "returns": store.returns(),
        "lengths": store.lengths,
        "terminated": int(store.terminated.sum()),
    }
    return 0 if finished else INTERRUPTED


def _spare_people(folder: Path) -> None:
    """Whoever plays by a rule plays the same again; what a person played is never replaced.

    Raises:
        ConfigError: It lies there.
    """
    from rewardwrap.data import EpisodeStore
    from rewardwrap.data.saved import MANIFEST
    from rewardwrap.training.keyboard import Keyboard

    if (folder / MANIFEST).is_file() and Keyboard.name in EpisodeStore.load(folder).source:
        raise ConfigError(
            f"--out must not hold what a person played, got {folder}. Give another folder."
        )


@contextlib.contextmanager
def _player(args: argparse.Namespace, about: Asked) -> Iterator[Any]:
    from rewardwrap.training.recording import player

    made = player(
        args.policy,
        about.env,
        seed=args.seed,
        catalog=about.catalog,
        env_kwargs=about.kwargs,
        by_chance=args.tree is not None,
    )
    try:
        yield made
    finally:
        made.close()


def _play(player: Any, args: argparse.Namespace, played: list[dict[str, Any]]) -> bool:
    """Fill ``played`` episode by episode; False where somebody stopped it."""
    from rich.console import Console
    from rich.progress import Progress

    count = args.episodes
    playing = player.play(count, seed=args.seed)
    if args.tree is not None:
        from rewardwrap.data.branches import leaves

        depth, ways = _shape(args.tree)
        playing = leaves(player, depth, ways, args.steps, args.episodes, seed=args.seed)
        count *= ways**depth
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("playing", total=count)
        try:
            for episode in playing:
                played.append(episode)
                bar.update(task, completed=len(played))
        except KeyboardInterrupt:
            return False
    # somebody may close the window of the keyboard; a leaf that ends early stands once
    return args.tree is not None or len(played) == int(args.episodes)


def _shape(text: str) -> tuple[int, int]:
    """``4x2``: partings, and ways at each.

    Raises:
        ConfigError: No such pair.
    """
    depth, _, ways = text.partition("x")
    try:
        return int(depth), int(ways)
    except ValueError:
        raise ConfigError(
            f"--tree must be partings x ways, got {text!r}. Write e.g. 4x2."
        ) from None


def _saved(player: Any, args: argparse.Namespace, played: list[dict[str, Any]]) -> Any:
    from rewardwrap.data import EpisodeStore

    observation, action = player.spaces
    store = EpisodeStore.from_episodes(played, observation_space=observation, action_space=action)
    store.save(args.out)
    if args.minari is not None:
        from rewardwrap.data import minari_writer

        minari_writer.write(store, args.minari)
    return store


def _print(args: argparse.Namespace, store: Any) -> None:
    returns, lengths = store.returns(), store.lengths
    ended = int(store.terminated.sum())
    out = wide_console()
    out.print(
        f"{len(store)} episodes of {args.policy}: return {returns.mean():.4g} +- {returns.std():.4g} "
        f"(least {returns.min():.4g}), {lengths.mean():.4g} steps, {ended} ended by the task.",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
    out.print(f"Episodes: {args.out}", markup=False, highlight=False, soft_wrap=True)
