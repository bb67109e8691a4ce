"""``rewardwrap label``: people say which of two clips is better."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands.arguments import add_env, add_json, add_seed, whole_number
from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rewardwrap.annotate.summary import Summary

DESCRIPTION = """\
Open a page on this machine that shows two clips side by side and asks which one is better. Every answer
is on disk before the next pair shows; stop whenever you like, the same command goes on. Then:

  rewardwrap fit preferences DATA --teacher JUDGEMENTS.sqlite --out MODEL"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_env(parser, then="data", what="to draw it and to name its numbers")
    parser.add_argument(
        "data", nargs="?", type=Path, metavar="DATA", help="episodes that rewardwrap ingest wrote"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="of answers (.sqlite)")
    parser.add_argument(
        "--pairs", type=whole_number, help="pairs to answer (100, or as the file says)"
    )
    parser.add_argument(
        "--length", type=whole_number, help="steps of a clip (50, or the median episode's)"
    )
    parser.add_argument("--labeler", default="", metavar="NAME", help="who answers (asked)")
    parser.add_argument(
        "--question", default="Which clip is better?", metavar="TEXT", help="what the page asks"
    )
    parser.add_argument(
        "--overlap", type=whole_number, default=1, help="labelers who see each pair (1)"
    )
    parser.add_argument(
        "--repeats", type=float, default=0.1, help="share of answers that are asked again (0.1)"
    )
    parser.add_argument("--plain", action="store_true", help="numbers over time, no drawing")
    parser.add_argument("--port", type=int, help="where to listen (as last time, or a free one)")
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    add_seed(parser)
    add_json(parser)
    parser.add_argument(
        "--summary", type=Path, metavar="FILE", help="how labelers did and agree; no page"
    )
    parser.add_argument(
        "--export", type=Path, metavar="FILE",
        help="write the answers in FILE to --out (.jsonl or .parquet); no page",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Serve the page, or tell what a file holds."""
    if args.summary is not None:
        args.answer = _summary(args.summary)
        return 0
    if args.export is not None:
        from rewardwrap.annotate.judgements import export

        if args.out is None:
            raise ConfigError(
                "--export must know where to write, got no --out. Give --out FILE.jsonl or .parquet."
            )
        count = export(args.export, args.out)
        args.answer = {"answers": count, "file": args.out}
        print(f"{count} answers: {args.out}")
        return 0
    if args.data is None or args.out is None:
        raise ConfigError(
            "label must know the episodes and the file for answers, got "
            f"{args.data or 'no DATA'} and {args.out or 'no --out'}. "
            "Write: rewardwrap label DATA --out JUDGEMENTS.sqlite."
        )
    _label(args)
    return 0


def _label(args: argparse.Namespace) -> None:
    from rewardwrap.annotate.database import set_meta
    from rewardwrap.annotate.serve import Labelling, serve
    from rewardwrap.data import EpisodeStore

    labelling = Labelling(
        EpisodeStore.load(Path(args.data)),
        args.out,
        pairs=args.pairs,
        length=args.length,
        seed=args.seed,
        overlap=args.overlap,
        repeats=args.repeats,
        env=args.env,
        catalog=tuple(args.catalog),
        plain=args.plain,
        labeler=args.labeler,
        question=args.question,
    )
    with labelling.page() as page:
        database = page.desk.database

        def ready(address: str) -> None:
            with database.write() as connection:
                set_meta(connection, "port", address.split(":")[2].split("/")[0])
            print(f"Open {address}", flush=True)
            print(f"Answers: {args.out}. Ctrl+C stops; the same command goes on.", flush=True)
            if not args.no_browser:
                import webbrowser

                webbrowser.open(address)

        with contextlib.suppress(KeyboardInterrupt):
            serve(page, _port(args.port, database.meta("port")), ready=ready)
        from rewardwrap.annotate.summary import summarise

        args.answer = found = summarise(database)
        print(f"{found.progress}: {args.out}")


def _port(asked: int | None, last: str) -> int:
    """The one asked for; else the last one while it is free, so that an open page goes on."""
    import socket

    if asked is not None or not last:
        return asked or 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(last)))
        except OSError:
            return 0
    return int(last)


def _summary(path: Path) -> Summary:
    from rewardwrap.annotate.database import Database
    from rewardwrap.annotate.summary import summarise

    with Database(path) as database:
        found = summarise(database)
    _print(found)
    return found


def _print(found: Summary) -> None:
    from rich.table import Table

    from rewardwrap.commands.arguments import wide_console

    out = wide_console()
    out.print(f"{found.progress}.")
    table = Table(title="Labelers", title_justify="left")
    table.add_column("name")
    for heading in ("answered", "equal", "skipped", "median time", "said left", "same again"):
        table.add_column(heading, justify="right")
    for each in found.labelers:
        lean = f" (leans {each.leans}, p={each.left_p:.2g})" if each.leans else ""
        table.add_row(
            each.name,
            str(each.answered),
            _share(each.equal),
            str(each.skipped),
            _number(each.seconds, ".1f", " s"),
            _share(each.left) + lean,
            _share(each.consistent) + (f" of {each.repeated}" if each.repeated else ""),
        )
    out.print(table)
    if not found.couples:
        return
    table = Table(title="Agreement", title_justify="left")
    table.add_column("labelers")
    for heading in ("common pairs", "alike", "Cohen's kappa"):
        table.add_column(heading, justify="right")
    for couple in found.couples:
        names = " and ".join(couple.names)
        kappa = _number(couple.kappa, ".2f")
        table.add_row(names, str(couple.common), _share(couple.raw), kappa)
    out.print(table)
    out.print(f"Fleiss' kappa over {found.shared} shared pairs: {_number(found.fleiss, '.2f')}")


def _share(value: float) -> str:
    return _number(100 * value, ".0f", " %")


def _number(value: Any, form: str, unit: str = "") -> str:
    return "–" if value != value else f"{value:{form}}{unit}"
