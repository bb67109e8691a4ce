"""``rewardwrap monitor``: whether new episodes still are what a reward model was judged on."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from rewardwrap.commands.arguments import add_json, whole_number
from rewardwrap.core.errors import ConfigError

DESCRIPTION = """\
Watch episodes in their order, window by window, against the held-out episodes of the fit. Alarms: relation
(the logged reward is no longer what the model pays for the same), pay (the model pays otherwise), input
(it is shown something else), each with the number of the episode. However long the stream is, the chance of
any false alarm is at most --alpha. With --gate, exit code 1 says that there was an alarm."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="what `rewardwrap fit` wrote")
    parser.add_argument("data", metavar="STREAM", help="episodes: a store, or what ingest reads")
    parser.add_argument("--every", type=whole_number, default=10, help="episodes a window (10)")
    parser.add_argument("--alpha", type=float, default=0.05, help="chance of a false alarm (0.05)")
    parser.add_argument("--gate", action="store_true", help="exit code 1 where there was an alarm")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Watch, print a line a window and one an alarm."""
    import torch

    from rewardwrap.data.readers import read
    from rewardwrap.evaluate.models.monitor import monitor
    from rewardwrap.nets.folder import load_model

    torch.set_num_threads(1)
    if not 0 < args.alpha < 1:
        raise ConfigError(f"--alpha must lie in (0, 1), got {args.alpha:g}. 0.05 is usual.")
    if args.every < 5:
        raise ConfigError(f"--every must be at least 5, got {args.every}. 10 or 20 are usual.")
    model = load_model(args.model)
    found = monitor(model, read(args.data).store, every=args.every, alpha=args.alpha)
    args.answer = asdict(found)
    if not args.json:
        for window in found.windows:
            shown = ", ".join(
                f"{name} {'–' if v is None else format(v, '.4g')}"
                for name, v in list(window["means"].items())[:3]
            )
            print(f"episode {window['episode']}: {shown}")
        for alarm in found.alarms:
            print(
                f"ALARM {alarm.kind} at episode {alarm.episode}: {', '.join(alarm.columns)} "
                f"(p = {alarm.p:.2g})"
            )
        for note in found.notes:
            print(note)
        if not found.alarms:
            print(f"No alarm in {len(found.windows)} windows.")
    return 1 if args.gate and found.alarms else 0
