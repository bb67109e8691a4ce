"""Run the scripts whose rows are missing: ``python -m tests.evidence --only krc --jobs 2``."""

from __future__ import annotations

import argparse
import sys

from tests.evidence.harness import pages, workers
from tests.evidence.harness.rows import Measured, keep, known
from tests.evidence.harness.study import Study, studies

INTERRUPTED = 130


def main() -> int:
    """Measure what is missing, keep it, write the pages."""
    options = _parser().parse_args()
    only = [tag for tag in options.only.split(",") if tag]
    try:
        chosen = studies(only)
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    rows = {study.tag: {} if options.again else known(study) for study in chosen}
    seeds = {study.tag: max(study.seeds, options.seeds) for study in chosen}
    missing = [
        (study.tag, seed)
        for study in chosen
        for seed in range(seeds[study.tag])
        if seed not in rows[study.tag]
    ]
    by_tag = {study.tag: study for study in chosen}
    print(f"{len(chosen)} scripts, {len(missing)} seeds to run", flush=True)
    try:
        for done, (tag, measured) in enumerate(workers.measured(missing, options.jobs), start=1):
            rows[tag][measured.seed] = measured
            keep(by_tag[tag], rows[tag], seeds=seeds[tag])
            print(f"[{done}/{len(missing)}] {_progress(tag, measured)}", flush=True)
    except KeyboardInterrupt:
        print("stopped. What is finished is kept.", file=sys.stderr)
        return INTERRUPTED
    _conclude(chosen, rows, seeds)
    return 0


def _conclude(
    chosen: list[Study], rows: dict[str, dict[int, Measured]], seeds: dict[str, int]
) -> None:
    """Judge again too, for a verdict may have changed where no row has."""
    for study in chosen:
        keep(study, rows[study.tag], seeds=seeds[study.tag])
        wanted = [rows[study.tag][seed].row for seed in range(seeds[study.tag])]
        state, sentence = study.verdict(wanted)
        print(f"{study.tag}: {state}. {sentence}")
    pages.write()


def _progress(tag: str, measured: Measured) -> str:
    shown = ", ".join(f"{key} {value:.4g}" for key, value in measured.row.items())
    return f"{tag} seed {measured.seed}, {measured.cpu_s:.1f} CPU s: {shown}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.evidence", description=__doc__)
    parser.add_argument("--only", default="", metavar="TAG,TAG", help="some scripts (all)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (1)")
    parser.add_argument(
        "--seeds", type=int, default=0, metavar="N", help="more than a script asks for"
    )
    parser.add_argument("--again", action="store_true", help="measure what is there too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
