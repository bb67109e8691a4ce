"""``rewardwrap train``: one agent on one reward, with RL Zoo's flags."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands import show, train_options
from rewardwrap.commands.arguments import wide_console
from rewardwrap.commands.train_options import (
    STOPPING,
    course_of,
    plain,
    refuse_ignored,
    refuse_two_rewards,
    settings_of,
)
from rewardwrap.core.errors import ConfigError
from rewardwrap_envs.trust import require_trusted

if TYPE_CHECKING:
    from rich.console import Console
    from stable_baselines3.common.callbacks import BaseCallback

    from rewardwrap.core.reward import Reward
    from rewardwrap.evaluate.audit.finding import Finding
    from rewardwrap.loops.callback import Loop
    from rewardwrap.loops.sqil import SQIL
    from rewardwrap.training.agent import Agent
    from rewardwrap.training.folder import RunFolder
    from rewardwrap.training.session import Course

DESCRIPTION = """\
Train an agent. The learner is paid --reward; the best agent is chosen by the true return, that of
the environment itself. Everything goes to <out>/<algo>/<env>_<n>/."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    train_options.add(parser)


def run(args: argparse.Namespace) -> int:
    """Train to the end; 130 if interrupted."""
    console = wide_console()
    show.require(args)
    agent, folder, course, loops = _started(args) if args.resume is None else _resumed(args)
    step = agent.model.num_timesteps
    _say(console, f"{folder.path}: {agent.settings.algo} on {agent.settings.env}, step {step:,}.")
    callbacks = [*loops, *(_audit(console, folder) if args.audit else ())]
    finished = _train(console, agent, folder, course, progress=args.progress, callbacks=callbacks)
    agent.close()
    args.answer = _document(agent, folder, finished)
    if not finished:
        _say(console, f"Stopped. Go on with: rewardwrap train --resume {folder.path}")
        return 130
    for line in show.show(args, folder.bundle(), course.protocol, folder.path):
        _say(console, line)
    _say(console, f"Done. See it play with: rewardwrap eval {folder.path} --render")
    return 0


def _document(agent: Agent, folder: RunFolder, finished: bool) -> dict[str, Any]:
    found = folder.evaluations()
    return {
        "run": folder.path,
        "env": agent.settings.env,
        "algo": agent.settings.algo,
        "step": agent.model.num_timesteps,
        "finished": finished,
        "evaluated_at": found.get("timesteps", ()),
        "true": found["results"].mean(axis=1) if found else (),
        "shaped": found["shaped"].mean(axis=1) if found else (),
    }


def _started(args: argparse.Namespace) -> tuple[Agent, RunFolder, Course, list[Loop | SQIL]]:
    from rewardwrap.api.train import begin

    refuse_two_rewards(args)
    settings = settings_of(args)
    if args.cooper:
        from rewardwrap.rewards.learned import Learned

        # the loop's reward is empty until the run has a folder; what it begins with can be refused before
        settings = replace(settings, reward=Learned(args.cooper).to_config())
    loops: list[Loop | SQIL] = []

    def pays(folder: RunFolder) -> Reward:
        loops.extend(_loops(folder, vars(args)))
        return loops[0].reward

    command = shlex.join(["rewardwrap", *sys.argv[1:]])
    agent, folder = begin(
        settings, args.out, plain(args), command=command, pays=pays if args.demos or args.cooper else None,
        verbose=args.verbose, tensorboard_log=args.tensorboard_log, start=args.start,
    )  # fmt: skip
    return agent, folder, course_of(vars(args), int(settings.row["n_timesteps"])), loops


def _loops(folder: RunFolder, args: Mapping[str, Any]) -> list[Loop | SQIL]:
    """What changes the reward of a run while it trains: nothing, its demonstrations or a rule."""
    place = folder.path / "loop"
    if args.get("cooper") is not None:
        from rewardwrap.core.plain import load_function
        from rewardwrap.loops.cooper import CooperLoop

        rule = load_function(args["rule"])
        return [CooperLoop(place, rule=rule, model=args["cooper"], seed=int(args["seed"]))]
    if args.get("demos") is None:
        return []
    if args["form"] == "sqil":
        from rewardwrap.loops.sqil import SQIL

        return [SQIL(demos=args["demos"])]
    from rewardwrap.loops.demonstrations import DemonstrationLoop

    return [
        DemonstrationLoop(place, demos=args["demos"], form=args["form"], seed=int(args["seed"]))
    ]


def _resumed(args: argparse.Namespace) -> tuple[Agent, RunFolder, Course, list[Loop | SQIL]]:
    from rewardwrap.training import bundle
    from rewardwrap.training.folder import LAST, RunFolder

    if args.resume:
        folder = RunFolder(Path(args.resume))
    elif args.env is None:
        raise ConfigError(
            "--resume must know the run, got neither RUN nor an environment. Give one."
        )
    else:
        folder = RunFolder.newest(args.out, args.algo.lower(), args.env)
    before = folder.args()
    refuse_ignored(args, before)
    require_trusted(
        {"function": before.get("rule")},
        folder.path,
        (str(args.rule).partition(":")[0],),
        ConfigError,
    )
    log = before["tensorboard_log"] or str(folder.path)
    loops = _loops(folder, before)
    agent = bundle.read(
        folder.bundle(LAST), reward=loops[0].reward if loops else None, with_replay=True,
        verbose=args.verbose, tensorboard_log=log,
    )  # fmt: skip
    step = agent.model.num_timesteps
    # the state of the generators is not kept: seed them anew, and not with the run's first seed
    agent.model.set_random_seed(agent.settings.seed + step)
    folder.cut(step)
    steps = args.n_timesteps or int(agent.settings.row["n_timesteps"])
    rules = {name: getattr(args, name) for name in STOPPING}
    return agent, folder, course_of({**before, **rules}, steps), loops


def _train(
    console: Console,
    agent: Agent,
    folder: RunFolder,
    course: Course,
    *,
    progress: bool,
    callbacks: Sequence[BaseCallback],
) -> bool:
    from rewardwrap.pages.bars import steps_shown
    from rewardwrap.training.session import Session

    with steps_shown(course.steps, shown=progress, console=console) as moving:
        session = Session(
            agent,
            folder,
            course,
            on_point=lambda step, found, is_best: _say(
                console,
                f"step {step:>9,}   true {_spread(found.true)}   shaped {_spread(found.shaped)}"
                + ("   best so far" if is_best else ""),
            ),
            on_progress=moving,
            callbacks=callbacks,
        )
        finished = session.run()
    if session.stopped:
        _say(console, f"Stopped early: {session.stopped}.")
    return finished


def _audit(console: Console, folder: RunFolder) -> list[BaseCallback]:
    """Says each finding once; training itself knows nothing of evaluation."""
    from rewardwrap.evaluate.audit.live import Audit

    def say(found: Finding) -> None:
        _say(console, f"audit: {found.what} Look at it with: rewardwrap audit {folder.path}")

    return [Audit(folder.path, on_finding=say)]


def _spread(values: Any) -> str:
    return f"{values.mean():>9.2f} +- {values.std():<7.2f}"


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
