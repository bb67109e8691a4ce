"""``rewardwrap filter``: leave out the episodes that a reward model pays least, and say which."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rewardwrap.commands.arguments import add_json, wide_console
from rewardwrap.core.errors import ConfigError

DESCRIPTION = """\
Write the episodes of DIR again without those that MODEL pays least beside others of the same start. Nothing
is dropped silently: report.json in the new folder lists every episode with its pay, the disagreement of the
model's members, and whether it was left out."""
MANY = 20
"""Names that are printed at most."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("data", type=Path, metavar="DIR", help="episodes")
    parser.add_argument(
        "--model", type=Path, required=True, metavar="MODEL", help="what `rewardwrap fit` wrote"
    )
    parser.add_argument("--drop", type=float, default=0.1, help="share to leave out (0.1)")
    parser.add_argument("--out", type=Path, required=True, metavar="CLEAN", help="folder to write")
    parser.add_argument(
        "--truth",
        metavar="COLUMN",
        help="of info, 1 in bad episodes: prints how well pay beside that of the same start tells them (AUC)",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Judge, write, name what was left out."""
    from rewardwrap.data import EpisodeStore
    from rewardwrap.evaluate.models.filtering import filtered
    from rewardwrap.files import write_whole
    from rewardwrap.nets.folder import load_model
    from rewardwrap.statistics.ranking import auc

    store = EpisodeStore.load(args.data)
    if args.truth is not None and args.truth not in store.info:
        raise ConfigError(
            f'--truth must be a column of info, got "{args.truth}". Known: '
            f"{', '.join(sorted(store.info)) or 'none'}."
        )
    found = filtered(load_model(args.model), store, drop=args.drop)
    report = found.report()
    if args.truth is not None:
        bad = store.info[args.truth][store.first_step] > 0
        report["auc"] = float(auc(-found.below, bad.astype(float)))
    store.select(~found.dropped).save(args.out)
    write_whole(args.out / "report.json", json.dumps(report, indent=2))
    args.answer = {"out": args.out, **report}
    out = wide_console()
    names = report["dropped"]
    shown = ", ".join(names[:MANY]) + (
        f" and {len(names) - MANY} more" if len(names) > MANY else ""
    )
    out.print(f"{len(names)} of {len(found.ids)} episodes left out: {shown}.", highlight=False)
    out.print(
        f"{report['starts']} starts; mean disagreement {found.spread.mean():.3g} beside a spread of pay of "
        f"{found.pay.std():.3g}."
    )
    if "auc" in report:
        out.print(
            f"AUC of the pay beside that of the start against {args.truth}: {report['auc']:.3f}."
        )
    out.print(f"Report: {args.out / 'report.json'}", soft_wrap=True)
    return 0
