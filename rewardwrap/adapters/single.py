"""Rewards on a single gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from gymnasium.utils import RecordConstructorArgs

from rewardwrap.adapters.goals import ACHIEVED, GoalSteps
from rewardwrap.adapters.host import Host, RewardLike, reward_of
from rewardwrap.adapters.tasks import task_of
from rewardwrap.adapters.version import config_or_none
from rewardwrap.core import tree
from rewardwrap.core.errors import StackError
from rewardwrap.core.reward import Reward
from rewardwrap.core.scalar import OneLane
from rewardwrap.core.task import Task


class RewardWrapper(Host, gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Pays a composed reward, and reports the true one and every term beside it.

    ``info`` holds, in ``reset`` and in every ``step``, ``reward_terms`` (``env`` = the true reward, each
    term, ``shaped`` = what the learner gets) and ``episode_terms`` (their sums over the episode so far).

    Args:
        env: Any gymnasium environment.
        reward: A reward, its configuration or its file.
        gamma: Discount of the agent, for potentials that have none of their own.
        training: Whether the reward may learn from what it sees; False for evaluation.
        task: Named fields; by default those of the environment's recipe.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        reward: RewardLike,
        *,
        gamma: float | None = None,
        training: bool = True,
        task: Task | None = None,
    ) -> None:
        built = reward_of(reward)
        RecordConstructorArgs.__init__(
            self,
            _disable_deepcopy=True,
            reward=_writable(built),
            gamma=gamma,
            training=training,
        )
        gym.Wrapper.__init__(self, env)
        task = self._receive(env, built, gamma, task or task_of(env), training)
        self._lanes: OneLane = OneLane(built, task=task, training=training)
        self._steps = GoalSteps() if self.goal_needs_info and not self.goal_refusal else None
        self._last_obs: Any = None
        # until two steps in a row say otherwise, observations may share one buffer
        self._looked, self._reuses = False, True
        self._quick = False
        self._step = self._lanes.stepper(env.step, copies=True)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        self._begin()
        obs, info = self.env.reset(seed=seed, options=options)
        if obs.__class__ is list and any(node.reads_obs for node in self._reward.walk()):
            raise StackError(
                "observations must be arrays for a reward that reads them, got a list. "
                "Return np.asarray(obs, np.float32) from the environment's reset and step."
            )
        for name, total in self._lanes.finished().items():
            self._note(name, total, total)
        self._lanes.begin(obs, info)
        self._last_obs = None
        if self._steps is not None:
            self._steps.begin({ACHIEVED: [obs[ACHIEVED]]})
        return obs, info

    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Any:
        """The composed reward of steps that are judged by other goals, as gymnasium's goal envs give it.

        Args:
            achieved_goal: What the steps achieved, ``(N, ...)``, or of one step.
            desired_goal: What they are judged by.
            info: Their infos.

        Raises:
            StackError: The reward cannot be answered from goals.
        """
        own = self.env.get_wrapper_attr("compute_reward")
        found = self._goal_reward(self.observation_space)
        return found.compute(achieved_goal, desired_goal, info, own)

    def _noted(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """A step that carries what a relabelled one is asked for."""
        assert self._steps is not None
        result = self._step(action) if self._looked else self._look(action)
        obs, _, terminated, truncated, info = result
        ended = [(bool(terminated), bool(truncated and not terminated))]
        self._steps.note([action], {ACHIEVED: [obs[ACHIEVED]]}, [info], ended)
        return result

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        if self._quick:
            return self._step(action)  # type: ignore[no-any-return]
        return self._look(action) if self._steps is None else self._noted(action)

    def _look(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Two steps in a row show whether the env writes into one buffer all the time."""
        result = self._step(action)
        last, self._last_obs = self._last_obs, result[0]
        if last is not None:
            self._looked, self._last_obs = True, None
            self._quick = self._steps is None
            self._reuses = tree.shares_memory(result[0], last)
            self._step = self._lanes.stepper(self.env.step, copies=self._reuses)
        return result  # type: ignore[no-any-return]

    def set_reward(self, reward: RewardLike) -> dict[str, Any] | None:
        config = super().set_reward(reward)
        self._step = self._lanes.stepper(self.env.step, copies=self._reuses)
        self._saved_kwargs["reward"] = _writable(self._reward)
        self._cached_spec = None
        return config

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_step"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._step = self._lanes.stepper(self.env.step, copies=self._reuses)


def _writable(reward: Reward) -> Any:
    """The configuration, or the reward itself where it holds a function without a name."""
    config = config_or_none(reward)
    return reward if config is None else config
