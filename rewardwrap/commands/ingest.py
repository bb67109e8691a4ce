"""``rewardwrap ingest``: logs of any kind to checked episodes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands.arguments import add_env, add_json

if TYPE_CHECKING:
    from rewardwrap.data.reading import Options

DESCRIPTION = """Read logged episodes, check them, and save them for `rewardwrap fit`.

SOURCE is a Minari id or folder, .hdf5 (D4RL, robomimic, d3rlpy, Tianshou), .npz (obs, action, reward,
next_obs, terminated, truncated, episode; imitation), .csv, .jsonl, .json, .parquet, .feather, a folder of
tables (LeRobot, Hugging Face's datasets), an SB3 replay buffer (.pkl), a checkpoint, or a saved store; text
may be packed as .gz, .bz2, .xz or .zip. A row is a step, or an episode where its cells are lists.
Columns of a table are chosen by known names or PREFIX_NUMBER, and printed; what may mean two things
is asked. Nothing in a source is ever executed. DIR gets the episodes and report.json."""
SLOW = 2.0  # seconds before progress is worth a line


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_env(parser, what="whose spaces the data must fit")
    parser.add_argument("source", metavar="SOURCE", help="what to read")
    add_json(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to save")
    parser.add_argument(
        "--boundary",
        action="append",
        default=[],
        metavar="RULE",
        help="where episodes begin in a table: flag:COLUMN, id:COLUMN, gap:COLUMN>X, length:N or, for a "
        "folder, file; give it again to combine rules",
    )
    parser.add_argument("--obs", metavar="A,B", help="observation columns of a table, or patterns")
    parser.add_argument("--action", metavar="A,B", help="action columns of a table, or patterns")
    parser.add_argument(
        "--reward", metavar="COLUMN", help='reward column of a table; "none" for data without'
    )
    parser.add_argument("--next-obs", metavar="A,B", help="successors, in the order of obs")
    for flag in ("terminated", "truncated"):
        parser.add_argument(f"--{flag}", metavar="COLUMN", help='column of the flag, or "none"')
    parser.add_argument(
        "--order", metavar="COLUMN", help='column that counts steps; "none": rows as they lie'
    )
    parser.add_argument("--sep", help="what stands between the cells of a CSV file")
    parser.add_argument("--decimal", choices=(",", "."), help="what stands in its numbers")
    parser.add_argument(
        "--actions",
        choices=("executed", "scaled"),
        help="of a replay buffer: in the environment's unit, or scaled to [-1, 1] as SB3 stores them",
    )
    parser.add_argument(
        "--leave-out",
        metavar="A,B",
        help="columns or keys to leave out, and episodes as episode:ID",
    )
    parser.add_argument(
        "--fill",
        choices=("median",),
        help="fill missing cells of obs and action, and flag them in info; rewards stay missing",
    )
    parser.add_argument(
        "--stream",
        action="store_true",
        help="read and write block by block, for sources larger than memory; rows of one episode must lie "
        "together",
    )
    parser.add_argument(
        "--drop-last",
        action="store_true",
        help="leave out last steps without a recorded successor instead of repeating the observation",
    )


def run(args: argparse.Namespace) -> int:
    """Read, check, save, and say what was found."""
    from rich.console import Console

    from rewardwrap.commands.arguments import wide_console
    from rewardwrap.data.readers import read
    from rewardwrap.data.report import inspect
    from rewardwrap.data.saved import check_free

    check_free(args.out)
    with _Progress(Console(stderr=True)) as progress:
        options = _options(args, progress)
        if args.stream:
            from rewardwrap.data.readers.batches import readings
            from rewardwrap.data.streamed import write_stream

            blocks = readings(Path(args.source), options)
            report = write_stream(blocks, args.out, source=str(args.source))
        else:
            reading = read(args.source, options)
            report = inspect(reading, source=str(args.source))
            reading.store.save(args.out)
            report.write(args.out)
    args.answer = {"episodes": args.out, "report": json.loads(report.to_json())}
    out = wide_console()
    report.show(out)
    out.print(f"Episodes: {args.out}", soft_wrap=True)
    return 0


def _options(args: argparse.Namespace, progress: Any) -> Options:
    from rewardwrap.data.reading import Options

    observation, action = _spaces(args) if args.env else (None, None)
    return Options(
        boundary=tuple(args.boundary),
        obs=_names(args.obs),
        action=_names(args.action),
        reward=args.reward,
        next_obs=_names(args.next_obs),
        terminated=args.terminated,
        truncated=args.truncated,
        order=args.order,
        sep=args.sep,
        decimal=args.decimal,
        actions=args.actions,
        fill=args.fill,
        leave_out=_names(args.leave_out) or (),
        observation_space=observation,
        action_space=action,
        drop_last=args.drop_last,
        progress=progress,
    )


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def _spaces(args: argparse.Namespace) -> tuple[Any, Any]:
    """The spaces of an environment; it is built once, and closed."""
    from rewardwrap.adapters.build import builder_of

    built = builder_of(args.env, tuple(args.catalog))("train", {})
    try:
        return built.observation_space, built.action_space
    finally:
        built.close()


class _Progress:
    """A bar on stderr, once reading turns out to take long."""

    def __init__(self, console: Any) -> None:
        from time import monotonic

        from rich.progress import Progress

        self._clock = monotonic
        self._started = monotonic()
        self._bar = Progress(console=console, transient=True)
        self._task: Any = None

    def __enter__(self) -> _Progress:
        return self

    def __call__(self, done: int, total: int) -> None:
        if self._task is None:
            if self._clock() - self._started < SLOW:
                return
            self._bar.start()
            self._task = self._bar.add_task("reading", total=total)
        self._bar.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        if self._task is not None:
            self._bar.stop()
