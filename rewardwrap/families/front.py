"""Which family of reward should one use: what ``rewardwrap compare --families`` asks, for a program too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rewardwrap.compare import front
from rewardwrap.compare.reported import Reported
from rewardwrap.compare.request import Request
from rewardwrap.compare.results import Comparison
from rewardwrap.core.errors import ConfigError
from rewardwrap.families.ground import Ground
from rewardwrap.families.judged import HEADINGS, Row, document, judged, write
from rewardwrap.families.made import MAKERS, Family, made
from rewardwrap.pages.frames import Shown
from rewardwrap.training.choice import chosen_reward

FIRST = next(iter(MAKERS))
"""The family that is there before any is made: the environment's own reward."""


class Families(Shown):
    """What became of each family of reward on one task.

    Args:
        rows: One for each, also for those that this task has none of.
        comparison: The agents.

    Attributes:
        rows: See `rewardwrap.families.judged.Row`.
        comparison: As of `rw.compare`, with its report.
    """

    def __init__(self, rows: Sequence[Row], comparison: Reported) -> None:
        self.rows, self.comparison = tuple(rows), comparison

    def to_dict(self) -> dict[str, Any]:
        """What ``families.json`` holds."""
        return document(self.rows, self.comparison)

    def _title(self) -> str:
        return f"Families of reward, {self.comparison._title()}"

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {name: [row.cells[i] for row in self.rows] for i, name in enumerate(HEADINGS)}


def compare_families(
    env: Any,
    algo: str = "ppo",
    *,
    others: Mapping[str, Any] | None = None,
    seeds: int | Iterable[int] = 5,
    steps: int | None = None,
    jobs: int | None = None,
    out: str | Path | None = None,
    eval_freq: int | None = None,
    eval_episodes: int | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    catalog: Iterable[str | Path] = (),
    verbose: bool = False,
) -> Families:
    """Make one reward of each family for a task, train agents on all of them, and judge.

    Families: the environment's reward, plain and normalised; a potential; preferences; demonstrations;
    a bonus for what is new; written code; a reward designed from the dynamics. See
    `rewardwrap.families.made` for how each is made, and `rewardwrap.families.judged` for the table: true
    return, steps to the threshold, STARC and ERC distance to the environment's reward, hacking gap, and the
    samples and labels used up before the first training. A family that the task has none of keeps its row,
    with the reason.

    Args:
        env: An environment with a recipe.
        algo: ``"ppo"``, ``"sac"``, ...
        others: Further strategies, as of `rw.compare`.
        seeds: How many, from 0, or a list.
        steps: Of each training, and of the demonstrator where no controller is known; None: the preset's.
        jobs: Processes; None: cores.
        out: Folder; rewards lie in its ``families/``, and ``written.py`` there is taken as the written one.
        eval_freq: Steps between two evaluations.
        eval_episodes: Of each.
        hyperparameters: Over the preset, in the words of RL Zoo.
        env_kwargs: Arguments of the environment.
        catalog: Folders with recipes of your own.
        verbose: Print what goes on.

    Raises:
        RewardwrapError: No recipe, or a setting that cannot work.

    Example:
        >>> import rewardwrap as rw
        >>> found = rw.compare_families("FrozenLake-8x8", steps=40_000)  # doctest: +SKIP
        >>> found.rows[0].family.name  # doctest: +SKIP
        'environment'
    """
    request = front.asked(
        env, {FIRST: "env", **(others or {})}, algo=algo, seeds=seeds, jobs=jobs, out=out, catalog=catalog,
        steps=steps, eval_freq=eval_freq, eval_episodes=eval_episodes, hyperparameters=hyperparameters,
        env_kwargs=env_kwargs,
    )  # fmt: skip
    request, ground, families = with_families(request, print if verbose else lambda line: None)
    reported = front.reported(request, verbose=verbose)
    assert isinstance(reported, Reported)
    return Families(judge(ground, families, reported, request.out), reported)


def with_families(
    request: Request, say: Callable[[str], None]
) -> tuple[Request, Ground, list[Family]]:
    """The same request, asked of every family as well; makes what is not made yet.

    Raises:
        ConfigError: More than one environment, one without a recipe, or a strategy named like a family.
    """
    if len(request.plans) != 1:
        raise ConfigError(
            f"families must be made for one environment, got {len(request.plans)}. Compare them one by one."
        )
    plan = request.plans[0]
    taken = [name for name in plan.rewards if name in MAKERS and name != FIRST]
    if taken:
        raise ConfigError(
            f'a strategy beside the families must have a name of its own, got "{taken[0]}". Rename it.'
        )
    ground = Ground(
        plan.env, plan.algo, plan.steps, request.out.absolute() / "families", plan.row, plan.env_kwargs,
        plan.catalog,
    )  # fmt: skip
    families = made(ground, say)
    gamma = float(plan.row.get("gamma", ground.recipe.gamma))
    rewards = {
        each.name: chosen_reward(each.choice, plan.env, catalog=plan.catalog, gamma=gamma)
        for each in families
        if each.choice is not None
    }
    asked = replace(plan, rewards={**rewards, **plan.rewards})
    return replace(request, plans=(asked,)), ground, families


def judge(
    ground: Ground, families: Sequence[Family], comparison: Comparison, out: Path
) -> list[Row]:
    """The rows, also written to ``families.json`` and ``families.md``."""
    others = [
        Family(name, None, "of whoever asked")
        for name in comparison.strategies
        if name not in MAKERS
    ]
    rows = judged(ground, [*families, *others], comparison)
    write(rows, comparison, out)
    return rows
