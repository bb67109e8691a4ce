"""``rewardwrap write``: have a reward written, tested, trained and improved."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands.arguments import (
    add_env,
    add_json,
    key_values,
    named_env,
    seeds,
    whole_number,
    wide_console,
)
from rewardwrap.commands.provider import add_budget, add_model, client_of, refuse_another_search
from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from rewardwrap.llm.candidate import Candidate
    from rewardwrap.llm.journal import Journal
    from rewardwrap.llm.prompt import Scene
    from rewardwrap.llm.search import Found, Search

DESCRIPTION = """\
Write a reward for ENV from the task in words: ask for candidates, refuse what does not hold (gate, probe,
critic, order of stored episodes), train the rest, show the model what happened, and ask again. Reward code
runs in a sandbox, never in this process. Everything lies in DIR/run.jsonl; the same command goes on where
it stopped. Without a model: --provider template fills templates from the environment's named fields."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_env(parser, what="environment with named fields")
    parser.add_argument("task", help="what the agent should do, in words")
    parser.add_argument("--out", type=Path, help="folder (default: written/<env>)")
    add_json(parser)
    parser.add_argument("--rounds", type=whole_number, default=3)
    parser.add_argument("--samples", type=whole_number, default=4, help="answers in each round")
    parser.add_argument("--words", metavar="TEXT", help="what you saw; one more round answers it")
    parser.add_argument(
        "--review",
        action="store_true",
        help="between rounds show a person films of the candidates, on a page of this machine, and take a "
        "sentence into the next prompt",
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help="of --rewards params: a page on which a planner plays while the sentence is edited",
    )
    parser.add_argument("--port", type=int, default=0, help="of such a page (a free one)")
    parser.add_argument("--hint", default="", help="anything else that the model should know")
    parser.add_argument(
        "--rewards",
        choices=("code", "params", "factors"),
        default="code",
        help="code; a table of targets; or factors of a return, weighted by a network that learns",
    )
    parser.add_argument(
        "--auto-scale", action="store_true", help="the code gives signs, 0.1 a step is paid"
    )
    parser.add_argument(
        "--approve", action="store_true", help="show each candidate and ask before it runs"
    )
    parser.add_argument(
        "--allow-weaker", action="store_true", help="run code where the sandbox is not strong"
    )
    add_model(parser.add_argument_group("model"))
    add_budget(parser.add_argument_group("budget (checked before each step)"))
    _add_training(parser.add_argument_group("training"))


def _add_training(group: Any) -> None:
    group.add_argument("--algo", default="ppo")
    group.add_argument("-n", "--n-timesteps", type=whole_number, default=50_000)
    group.add_argument("--short-steps", type=whole_number, help="default: two fifths of -n")
    group.add_argument(
        "--seeds",
        type=seeds,
        default=(0, 1, 2),
        help="of the full training: how many (3), or a list",
    )
    group.add_argument(
        "--final-seeds", type=int, default=5, help="of the comparison at the end (0: none)"
    )
    group.add_argument("--keep", type=whole_number, default=1, help="full trainings in a round")
    group.add_argument("--jobs", type=whole_number, help="processes (default: cores)")
    group.add_argument("-params", "--hyperparams", nargs="+", default=[], metavar="K:V")


def run(args: argparse.Namespace) -> int:
    """Search, export the winner, compare it with the environment's own reward."""
    import rewardwrap_envs
    from rewardwrap.llm.journal import FILE, Journal
    from rewardwrap.llm.prompt import scene_of

    if (args.live and args.rewards != "params") or (args.review and args.rewards != "code"):
        raise ConfigError(
            f"--live must go with --rewards params and --review with code, got --rewards {args.rewards}. "
            "Leave it out, or change --rewards."
        )
    console, env = wide_console(), named_env(args)
    out = args.out or Path("written") / env.replace("/", "-")
    scene = scene_of(env, rewardwrap_envs.find(env, args.catalog))
    if args.rewards == "params":
        from rewardwrap.commands.parameters import run_table

        return run_table(args, scene, out, console)
    if args.rewards == "factors":
        from rewardwrap.commands.factors import run_factors

        return run_factors(args, scene, out, console)
    journal = Journal(out / FILE)
    refuse_another_search(journal, args)
    search = _search(args, scene, out, journal, console)
    found = search.run()
    return _finish(args, out, journal, search, found, console)


def _search(
    args: argparse.Namespace, scene: Scene, out: Path, journal: Journal, console: Console
) -> Search:
    from rewardwrap.compare.executors.protocol import cores
    from rewardwrap.llm.search import Search, Settings
    from rewardwrap.llm.stages import Stages
    from rewardwrap.llm.trajectories import collect
    from rewardwrap.llm.trials import Length, Trials

    words = _words(journal, args)
    rounds = max(args.rounds, max(words, default=0) + 1)
    settings = Settings(
        task=args.task,
        rounds=rounds,
        samples=args.samples,
        short=Length(args.short_steps or max(1, args.n_timesteps * 2 // 5), (101,)),
        full=Length(args.n_timesteps, args.seeds),
        keep=args.keep,
        seed=args.seed,
        temperature=args.temperature,
        max_tokens=args.max_tokens,
        at_once=args.at_once,
        hint=args.hint,
    )
    pool = collect(scene.recipe, seed=args.seed)
    console.print(
        f"{args.env}: {len(pool.episodes)} stored episodes, played by {pool.source}; "
        f"rewards by {args.provider}.",
        soft_wrap=True,
    )
    trials = Trials(
        args.env,
        args.algo,
        out,
        jobs=args.jobs or cores(),
        hyperparameters=key_values(args.hyperparams, "--hyperparams"),
        catalog=tuple(str(Path(folder).absolute()) for folder in args.catalog),
    )
    stages = Stages(
        scene,
        pool,
        options={"allow_weaker": True} if args.allow_weaker else {},
        signs_only=args.auto_scale,
        approve=_approve if args.approve else None,
    )
    client = client_of(args, scene, out, journal)
    review = None
    if args.review:
        from rewardwrap.llm.review import Review

        def bundle_of(candidate: Candidate) -> Path | None:
            length = settings.full if candidate.full is not None else settings.short
            made = stages.reward(candidate.source)
            return (
                trials.bundle(candidate.id, made, length)
                if candidate.best_known is not None
                else None
            )

        review = Review(
            args.env, args.task, bundle_of, port=args.port,
            ready=lambda url: console.print(f"Watch, and say what you saw: {url}", soft_wrap=True),
            catalog=trials.catalog,
        )  # fmt: skip
    return Search(
        scene,
        settings,
        client,
        journal,
        trials,
        stages,
        words=words,
        review=review,
        say=lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True),
    )


def _words(journal: Journal, args: argparse.Namespace) -> dict[int, str]:
    """Round -> what a person said after it; new words belong to the last round there is."""
    words = {int(event["round"]): str(event["text"]) for event in journal.of("words")}
    if args.words and args.words not in words.values():
        rounds = [int(event["id"][1:].split("s")[0]) for event in journal.of("proposed")]
        if not rounds:
            raise ConfigError(
                "--words must follow a round, got a search that has none yet. "
                "Give the command without --words first."
            )
        words[max(rounds)] = args.words
        journal.write("words", round=max(rounds), text=args.words)
    return words


def _approve(candidate: Candidate) -> bool:
    """Show the code and ask; without a terminal nobody can say yes."""
    if not sys.stdin.isatty():
        raise ConfigError(
            "--approve must be able to ask, got no terminal. Give the command in one."
        )
    print(f"\n--- {candidate.id} ---\n{candidate.source}")
    return input("Run this in the sandbox? [y/N] ").strip().lower() in ("y", "yes")


def _finish(
    args: argparse.Namespace,
    out: Path,
    journal: Journal,
    search: Search,
    found: Found,
    console: Console,
) -> int:
    from rewardwrap import __version__
    from rewardwrap.llm.export import export

    if found.best is None:
        console.print("No candidate could be trained; run.jsonl says why each was rejected.")
        return 1
    settings = search.settings
    baseline = "not trained" if found.baseline is None else f"{found.baseline:.2f}"
    file = export(
        found.best,
        out / "best",
        facts={
            "env": args.env,
            "task": args.task,
            "written_by": f"{args.provider} ({search.client.model})",
            "true_score": f"{found.best.full:.2f}, mean of {len(settings.full.seeds)} seeds of "
            f"{settings.full.steps} steps; the environment's own reward: {baseline}",
            "rewardwrap": __version__,
        },
        options=search.stages.options,
    )
    args.answer = {
        "file": file,
        **journal.write(
            "finished",
            id=found.best.id,
            score=found.best.full,
            baseline=found.baseline,
            spent=search.client.ledger.spent,
        ),
    }
    console.print(
        f"\nBest: {found.best.id}, mean true score {found.best.full:.2f} "
        f"(the environment's own reward: {baseline}). Code: {file}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if args.final_seeds > 0:
        _compare(args, out, search, found.best, console)
    return 0


def _compare(
    args: argparse.Namespace, out: Path, search: Search, best: Candidate, console: Console
) -> None:
    """Train the winner and the environment's own reward with seeds that chose nothing."""
    from rewardwrap.compare.report import write as write_report
    from rewardwrap.compare.summary import print_summary
    from rewardwrap.llm.trials import Length
    from rewardwrap.rewards.env import EnvReward

    seeds = tuple(range(1001, 1001 + args.final_seeds))
    rewards = {"env": EnvReward(), "written": search.stages.reward(best.source)}
    console.print(
        f"\nThe winner against the environment's own reward, {len(seeds)} seeds that had no part in "
        "the choice:",
        soft_wrap=True,
    )
    comparison = search.trials.train(rewards, Length(args.n_timesteps, seeds))
    report = write_report(comparison, out / "comparison")
    print_summary(console, comparison)
    console.print(f"Report: {report}", markup=False, highlight=False, soft_wrap=True)
