"""Composed rewards for goals that were set afterwards: what `HerReplayBuffer` asks of an environment.

``compute_reward(achieved_goal, desired_goal, info)`` shows the goal that a step achieved and the goal it
is to be judged by, and nothing else. The environment answers for its own reward. Functions and
potentials of goals, constants and algebra are answered from the two; what a step started from, what was
done and whether it was the end travel in its ``info``. Whatever reads more, remembers, learns or draws is
refused: a relabelled transition would be paid something that nobody composed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from rewardwrap.core import tree
from rewardwrap.core.errors import RewardwrapError, StackError
from rewardwrap.core.info import ListInfo
from rewardwrap.core.reward import SHAPED, TRUE, Reward
from rewardwrap.core.stream import prepare
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.potential import Potential

ACHIEVED, DESIRED = "achieved_goal", "desired_goal"
STEP = "rewardwrap/goal_step"
"""Key of ``info``: what a relabelled step started from, what was done and how it ended."""
Own = Callable[[Any, Any, Any], Any]


class _Absent(NDArrayOperatorsMixin):
    """An action that nobody kept: whatever touches it learns so."""

    def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
        raise LookupError("action")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise LookupError("action")

    def __getitem__(self, _: Any) -> Any:
        raise LookupError("action")


MISSED = (LookupError, StopIteration, AttributeError, TypeError, ValueError, ArithmeticError)
"""How a user's function fails that looks for a part of the observation which is not there."""


class GoalReward:
    """One reward, answered for goals.

    Args:
        reward: What is paid.
        task: Named fields and the discount.
        space: The environment's observations, a Dict with ``achieved_goal`` and ``desired_goal``.

    Attributes:
        refusal: Why it cannot be answered, or None.
        remembers: Whether a step must carry in its ``info`` what it started from.
    """

    def __init__(self, reward: Reward, task: Task, space: gym.spaces.Dict) -> None:
        self._reward = prepare(reward, task)
        self._task = task
        self._dims = len(space[ACHIEVED].shape or ())
        # a copy: environments draw from their own spaces
        own = copy.deepcopy(space)
        goals = {key: np.array([own[key].sample()] * 3) for key in (ACHIEVED, DESIRED)}
        self.remembers = self._fails(goals, [{}] * 3)
        step = {ACHIEVED: goals[ACHIEVED][0], "action": None, "ended": (False, False)}
        self.refusal = self._refusal(goals, step if self.remembers else None)

    def _refusal(self, goals: Mapping[str, Any], step: Any) -> str | None:
        for node in self._reward.walk():
            if node.learns or node.stochastic or _remembers(node):
                return f"{type(node).__name__}, which remembers, learns or draws"
        if step is None:
            return None
        # any number does for the action: whether it is read is not the question
        return (
            "a part that reads more than goals and actions"
            if self._fails(goals, [{STEP: {**step, "action": np.zeros(1)}}] * 3)
            else None
        )

    def _fails(self, goals: Mapping[str, Any], infos: Any) -> bool:
        # a copy: a function remembers the rows by which it was understood
        asked = copy.deepcopy(self._reward)
        try:
            self._step(asked, goals[ACHIEVED], goals[DESIRED], infos, np.zeros(3))
        except (*MISSED, RewardwrapError):
            return True
        return False

    def terms(self, achieved: Any, desired: Any, infos: Any, own: Own) -> dict[str, FloatArray]:
        """Every term of the reward, as ``Host.reward_terms`` records them.

        Args:
            achieved: Goals that the steps achieved, ``(N, ...)``.
            desired: Goals that they are judged by, ``(N, ...)``.
            infos: One dict for each step.
            own: The environment's ``compute_reward``.

        Raises:
            StackError: Some part cannot answer, or the steps do not carry what it asks for.
        """
        if self.refusal is not None:
            raise refused(self.refusal)
        if self.remembers and not all(STEP in info for info in infos):
            raise _uncopied()
        value = np.asarray(own(achieved, desired, infos), np.float64).reshape(len(achieved))
        return self._step(self._reward, achieved, desired, infos, value)

    def _step(
        self, reward: Reward, achieved: Any, desired: Any, infos: Any, own: FloatArray
    ) -> dict[str, Any]:
        n = len(achieved)
        obs: dict[str, Any] = {DESIRED: np.asarray(desired)}
        action: Any = _Absent()
        ends = np.zeros((n, 2), bool)
        if n and all(STEP in info for info in infos):
            steps = [info[STEP] for info in infos]
            obs[ACHIEVED] = np.array([step[ACHIEVED] for step in steps])
            action = np.array([step["action"] for step in steps])
            ends = np.array([step["ended"] for step in steps])
        batch = Transitions(
            obs=obs,
            action=action,
            next_obs={ACHIEVED: np.asarray(achieved), DESIRED: np.asarray(desired)},
            reward=own,
            terminated=ends[:, 0],
            truncated=ends[:, 1],
            first=np.ones(n, bool),
            info=ListInfo(list(infos)),
            training=False,
            task=self._task,
        )
        _, value = reward.step(reward.init(n), batch)
        return {TRUE: own, **batch.terms, SHAPED: np.asarray(value, np.float64)}

    def compute(self, achieved: Any, desired: Any, infos: Any, own: Own) -> Any:
        """``compute_reward``: of many steps ``(N,)``, or of one."""
        if np.ndim(achieved) > self._dims:
            return self.terms(achieved, desired, infos, own)[SHAPED]
        one = self.terms(np.array([achieved]), np.array([desired]), [infos], own)
        return float(one[SHAPED][0])


class GoalSteps:
    """Writes into infos what relabelled steps are asked for."""

    def __init__(self) -> None:
        self._before: Any = None

    def begin(self, obs: Any) -> None:
        """The first observations of episodes, of one lane or of all."""
        self._before = np.array(obs[ACHIEVED])

    def note(self, actions: Any, obs: Any, infos: Sequence[dict[str, Any]], ended: Any) -> None:
        """One step of all lanes; ``ended``: terminated and truncated of each."""
        for i, info in enumerate(infos):
            step = {ACHIEVED: self._before[i], "action": actions[i], "ended": ended[i]}
            info[STEP] = step
        self.begin(obs)


def _remembers(node: Reward) -> bool:
    """Whether a part itself, not what it is made of, keeps more than the step says again."""
    held, below = _carried(node), sum(_carried(part) for part in node.parts())
    return held > below and not isinstance(node, Potential)


def _carried(node: Reward) -> int:
    return sum(1 for _ in tree.leaves(node.init(1)))


def require_goals(venv: Any, buffer: Any) -> None:
    """Refuse, before training, a reward that `HerReplayBuffer` cannot be answered for.

    Args:
        venv: The learner's environment.
        buffer: Its buffer, or None where it is not made yet.

    Raises:
        StackError: With the part that cannot answer, or what the buffer must keep.
    """
    reason = venv.get_attr("goal_refusal", indices=[0])[0]
    if reason is not None:
        raise refused(reason)
    needs = venv.get_attr("goal_needs_info", indices=[0])[0]
    if needs and buffer is not None and not buffer.copy_info_dict:
        raise _uncopied()


def _uncopied() -> StackError:
    return StackError(
        "HerReplayBuffer must keep the info of every step for this reward, which asks what a step "
        "started from, got steps without it. Pass replay_buffer_kwargs=dict(copy_info_dict=True)."
    )


def is_goal_space(space: gym.Space[Any]) -> bool:
    """Whether observations hold an achieved and a desired goal."""
    return isinstance(space, gym.spaces.Dict) and {ACHIEVED, DESIRED} <= set(space.spaces)


def refused(reason: str) -> StackError:
    """The error for a reward that HER cannot be answered for."""
    return StackError(
        f"HerReplayBuffer must get the composed reward for new goals, got {reason}. Compose it of the "
        "environment's reward, functions and potentials of achieved_goal and desired_goal, and numbers; "
        "or train without HER."
    )
