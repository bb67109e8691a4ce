"""Going round for pay, found by going round: where nobody has written the dynamics out.

Loops are played: one action held for some steps, then another, again and again, from the start and from
places that the good policy has come to, and then the good policy goes on to the end. What a loop is worth
when it is repeated for ever is compared with the best way out of the same state that any stored or played
episode took to the task's end; and what an episode that the clock ended did last, with the best whole episode
that came to an end (`rewardwrap.evaluate.audit.loops`, of the audit). A reward is farmed where going on pays
more and is worth no more in truth. Where no episode reached an end nothing is compared, so nothing is said of
tasks that never end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from rewardwrap.adapters.offline import relabel_terms
from rewardwrap.adapters.tasks import task_of_recipe
from rewardwrap.core.reward import SHAPED, Reward
from rewardwrap.evaluate.audit.loops import Grid, Loop, Loops
from rewardwrap.llm.trajectories import Act, played
from rewardwrap_envs import Recipe
from rewardwrap_policies.scripted import CONTROLLERS

PATTERNS, LONGEST, LEAD, ROUND = 16, 8, 30, 60
"""Loops that are played, the longest turn of one action, the steps before them at most, and theirs."""
LOOKED, GAMMA = 300, 0.99
Episodes = list[Mapping[str, Any]]


def looping(recipe: Recipe, *, seed: int) -> Episodes:
    """Episodes that go round, two actions by turns, and then to the end, where a good policy is known."""
    env = recipe.build()
    rng = np.random.default_rng(seed)
    env.action_space.seed(seed)
    good = CONTROLLERS.get(recipe.name)
    found: Episodes = []
    for number in range(PATTERNS):
        lead = int(rng.integers(LEAD)) if good is not None and number % 2 else 0
        act = _turns(env.action_space, int(rng.integers(1, LONGEST + 1)), lead, good)
        found.append(played(env, act, seed=int(rng.integers(2**31)), most=LOOKED))
    env.close()
    return found


def _turns(space: Any, hold: int, lead: int, good: Act | None) -> Act:
    """The good policy, from step ``lead`` an action and its opposite, ``hold`` steps each, and it again."""
    one = space.sample()
    other = space.low + space.high - one if isinstance(space, spaces.Box) else space.sample()
    step = -1

    def act(obs: Any) -> Any:
        nonlocal step
        step += 1
        if good is not None and not lead <= step < lead + ROUND:
            return good(obs)
        return one if (step - lead) // hold % 2 == 0 else other

    return act


def going_round(reward: Reward, recipe: Recipe, stored: Episodes, *, seed: int = 0) -> str:
    """Why going round pays more than the task; empty where it does not, or nothing can be compared.

    Args:
        reward: What is tested.
        recipe: The environment.
        stored: Episodes, some of which reached the task's end.
        seed: Of the loops.
    """
    flat = [e for e in stored if isinstance(e["obs"], np.ndarray)]
    if not any(e["terminated"][-1] for e in flat):
        return ""
    episodes = [*flat, *looping(recipe, seed=seed)]
    terms: Any = relabel_terms(
        reward, list(episodes), env=task_of_recipe(recipe, gamma=recipe.gamma)
    )
    paid = [np.asarray(each[SHAPED], np.float64) for each in terms]
    loops = Loops(recipe.gamma if recipe.gamma is not None else GAMMA, Grid())
    loops.grid.cells(_states(np.concatenate([e["obs"] for e in episodes])))  # one range for all
    farmed: list[Loop] = []
    for _ in range(2):  # the first time only the ways out are learned
        farmed = []
        for episode, pay in zip(episodes, paid, strict=True):
            true, over = np.asarray(episode["reward"], np.float64), bool(episode["terminated"][-1])
            farmed += filter(None, (
                loops.loop(_states(episode["obs"])[:-1], pay, true, terminated=over),
                loops.stay(pay, true, terminated=over),
            ))  # fmt: skip
    farmed = [loop for loop in farmed if loop.known]
    return _sentence(max(farmed, key=lambda loop: loop.excess)) if farmed else ""


def _states(obs: Any) -> Any:
    return np.asarray(obs).reshape(len(obs), -1)


def _sentence(loop: Loop) -> str:
    how = (
        f"going round {loop.returns} times in {loop.stop - loop.start} steps"
        if loop.returns
        else "going on"
    )
    return (
        f"incentive: {how}, and never coming to the end, is worth {loop.pay:.3g} for ever and the best way "
        f"to the end {loop.out:.3g}, while the task is worth {loop.true:.3g} and {loop.out_true:.3g}. Pay "
        "for progress (next_obs minus obs), not for being somewhere, and charge for time."
    )
