"""The tests that a candidate passes before anything is trained: gate, probe, critic, order, incentive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rewardwrap.adapters.offline import relabel_terms
from rewardwrap.adapters.tasks import task_of_recipe
from rewardwrap.core.errors import RewardwrapError
from rewardwrap.core.reward import SHAPED, TRUE, Reward
from rewardwrap.llm import critic
from rewardwrap.llm.candidate import Candidate
from rewardwrap.llm.cycles import going_round
from rewardwrap.llm.incentive import farmed
from rewardwrap.llm.ordering import Order, order
from rewardwrap.llm.prompt import Scene
from rewardwrap.llm.trajectories import Pool
from rewardwrap.rewards.code import CodeReward
from rewardwrap.rewards.figures import REMAINDER
from rewardwrap.rewards.squash import Sign
from rewardwrap.sandbox import SandboxError

STEP = 0.1
"""What a step pays where the framework chooses the magnitude (Auto MC-Reward's dense part)."""


@dataclass
class Stages:
    """See the module.

    Args:
        scene: The environment.
        pool: Stored episodes.
        options: Of `rewardwrap.CodeReward`: deadline, memory, isolation.
        signs_only: The code gives signs, the framework the magnitude: ``0.1 * sign(total)``.
        approve: Asked before code runs for the first time; None: no one has to be.
    """

    scene: Scene
    pool: Pool
    options: dict[str, Any] = field(default_factory=dict)
    signs_only: bool = False
    approve: Callable[[Candidate], bool] | None = None

    def reward(self, source: str) -> Reward:
        """The reward that the learner gets for this source."""
        code = CodeReward(source, **self.options)
        return STEP * Sign(code).named("sign") if self.signs_only else code

    def judge(self, candidate: Candidate) -> None:
        """Reject the candidate at the first stage that it does not pass, with the sentence why."""
        if self.approve is not None and not self.approve(candidate):
            candidate.reject("gate", "a person looked at it and said no.")
            return
        objections = critic.read_source(candidate.source, self.scene.forbidden)
        try:
            terms = self.run(candidate)
        except SandboxError as error:
            # what runs is refused by the critic first: a leak that also fails is a leak
            if objections and error.reason != "gate":
                candidate.reject("critic", objections[0].sentence)
            else:
                stage = "gate" if error.reason == "gate" else "probe"
                candidate.reject(stage, str(error))
            return
        except RewardwrapError as error:
            candidate.reject("probe", str(error))
            return
        objections += critic.examine(terms)
        fatal = [objection for objection in objections if objection.fatal]
        if fatal:
            candidate.reject("critic", fatal[0].sentence)
            return
        found = self._order(terms)
        candidate.order, candidate.stage = found.share, "order"
        if not found.passes:
            candidate.reject("order", self._out_of_order(found, terms))
            return
        reward = self.reward(candidate.source)
        why = farmed(reward, self.scene.recipe) or self._going_round(reward)
        candidate.stage = "incentive"
        if why:
            candidate.reject("incentive", why)

    def _going_round(self, reward: Reward) -> str:
        return going_round(reward, self.scene.recipe, list(self.pool.episodes))

    def run(self, candidate: Candidate) -> list[dict[str, Any]]:
        """Its terms on every stored episode; gate and probe raise here."""
        task = task_of_recipe(self.scene.recipe, gamma=self.scene.recipe.gamma)
        code = CodeReward(candidate.source, **self.options)
        terms = relabel_terms(code, list(self.pool.episodes), env=task)
        assert isinstance(terms, list)
        candidate.components = code.recorded
        if not code.adds_up and not any(np.any(each[REMAINDER]) for each in terms):
            candidate.components = code.recorded[:-1]
        # the total is recorded beside its components: it is no term of itself
        kept = {TRUE, SHAPED, *candidate.components}
        return [{name: each[name] for name in each if name in kept} for each in terms]

    def _order(self, terms: list[dict[str, Any]]) -> Order:
        shaped = np.array([float(each[SHAPED].sum()) for each in terms])
        return order(shaped, self.pool.true_returns)

    def _out_of_order(self, found: Order, terms: list[dict[str, Any]]) -> str:
        assert found.share is not None
        said = (
            f"trajectory order: only {100 * found.share:.0f} % of {found.pairs} pairs of stored "
            "episodes are ranked as the task ranks them (chance: 50 %)."
        )
        if found.worst is None:
            return said
        better, worse = found.worst
        true = self.pool.true_returns
        paid = [float(terms[i][SHAPED].sum()) for i in found.worst]
        return (
            f"{said} For instance it pays {paid[1]:.2f} for an episode with true return "
            f"{true[worse]:.1f} and {paid[0]:.2f} for one with {true[better]:.1f}."
        )
