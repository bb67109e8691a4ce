"""``--video FILE`` and ``--render``: seeing a trained agent, for the commands that have one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rewardwrap.training.evaluation import Protocol


def add_show(parser: argparse.ArgumentParser, *, default: str = "") -> None:
    """Declare both.

    Args:
        parser: Of the command.
        default: Where the film goes when no file is named; nothing where one must be.
    """
    named: dict[str, Any] = {"nargs": "?", "const": default} if default else {}
    parser.add_argument(
        "--video", metavar="FILE.mp4", **named,
        help="film its first evaluation episode" + (f" (default: RUN/{default})" if default else ""),
    )  # fmt: skip
    parser.add_argument("--render", action="store_true", help="show it playing in a window")


def require(args: argparse.Namespace) -> None:
    """Refuse before anything is trained or played.

    Raises:
        MissingExtra: A package is not installed.
        ConfigError: Another ending than .mp4.
    """
    if args.video is None:
        return
    from rewardwrap.training import films

    films.require("--video")
    if Path(args.video).suffix != ".mp4":
        raise ConfigError(f"--video must be an .mp4 file, got {args.video}. Write e.g. agent.mp4.")


def show(args: argparse.Namespace, bundle: Path, protocol: Protocol, folder: Path) -> list[str]:
    """Film and play what was asked for; a sentence on each.

    Args:
        args: With ``video`` and ``render``.
        bundle: Of the agent.
        protocol: How it is evaluated: the first episode of it is shown.
        folder: What a film without a folder of its own goes to.
    """
    from rewardwrap.training import films

    told = []
    if args.video is not None:
        file = Path(args.video)
        file = folder / file if file.parent == Path() and folder != Path() else file
        played = films.film(bundle, file, seed=protocol.seed, deterministic=protocol.deterministic)
        told.append(
            f"No film: {played['problem']}" if "problem" in played
            else f"Film: {file}, true return {played['true_return']:.4g} in {played['steps']} steps."
        )  # fmt: skip
    if args.render:
        steps, total = films.watch(bundle, seed=protocol.seed, deterministic=protocol.deterministic)
        told.append(f"Played {steps} steps to a true return of {total:.4g}.")
    return told
