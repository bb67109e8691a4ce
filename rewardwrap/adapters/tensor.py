"""Rewards on vector environments whose observations and rewards are torch tensors, on any device.

The lanes of today's simulators on a GPU: gymnasium's vector interface, tensors instead of arrays, lanes that
start anew in the step in which they end. Rewards are the same objects as everywhere (`device_arrays`).
Nothing is copied to the host, and nothing waits for the device, except where somebody asks for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from rewardwrap.adapters.device_arrays import DeviceArray, native
from rewardwrap.adapters.device_text import device_step
from rewardwrap.adapters.host import Host, RewardLike
from rewardwrap.adapters.tasks import task_of_vector
from rewardwrap.adapters.vector import autoreset_mode
from rewardwrap.core import tree
from rewardwrap.core.errors import RewardValueError, StackError
from rewardwrap.core.info import NO_INFO
from rewardwrap.core.reward import SHAPED, TRUE, Reward
from rewardwrap.core.stream import nothing_paid, prepare, require_same_shape
from rewardwrap.core.task import Task
from rewardwrap.core.terms import term_names
from rewardwrap.core.transitions import Transitions

Tensor = torch.Tensor


def is_tensor_env(env: Any) -> bool:
    """Whether a vector environment says on which device its tensors live."""
    device = getattr(env, "device", None)
    return isinstance(env, VectorEnv) and isinstance(device, torch.device | str)


class TensorLanes:
    """Steps many lanes of one reward on a device; the part of `core.stream.Stream` for tensors.

    Arithmetic on columns is stepped by its text (`device_text`), anything else as a tree.

    Args:
        reward: What to step.
        task: Named fields and discount.
        training: Whether the reward may learn from what it sees.

    Attributes:
        names: ``("env", <terms>, "shaped")``.
        terms: ``(k, lanes)``, last step's value of each; a tensor of its own each step.
        sums: ``(k, lanes)``, sums over the episode; a finished one's stay until the next step, and one that
            was no number stays so until the reset.
        total: 0-dimensional sum of everything so far: no number, where one of them was none.
    """

    def __init__(self, reward: Reward, task: Task, training: bool) -> None:
        self.reward = _steppable(prepare(reward, task))
        self.names = (TRUE, *term_names(self.reward), SHAPED)
        self.task = task
        self.training = training
        self.steps = 0
        self._seen: tuple[Any, ...] | None = None

    def begin(self, obs: Any, lanes: int, device: Any) -> None:
        """Start an episode in every lane."""
        self._obs = obs
        self._first = torch.ones(lanes, dtype=torch.bool, device=device)
        self._carry = tree.map_leaves(
            lambda leaf: DeviceArray(_placed(np.asarray(leaf), device)), self.reward.init(lanes)
        )
        self.sums = torch.zeros((len(self.names), lanes), device=device)
        self.terms = torch.zeros_like(self.sums)
        self.total = torch.zeros((), device=device)
        self._going = torch.ones(lanes, device=device)
        self._seen = None
        self._write()

    def _write(self) -> None:
        flat = isinstance(self._obs, Tensor) and self._obs.ndim == 2
        width = self._obs.shape[1] if flat else None
        self._text = device_step(self.reward, self.task, self.names, width)
        self._memory = [native(leaf) for leaf in tree.leaves(self._carry)]

    def _settle(self) -> None:
        """Put what the text carries back into the tree."""
        if self._text is not None:
            self._carry = tree.refill(self._carry, [DeviceArray(leaf) for leaf in self._memory])

    def advance(
        self,
        action: Any,
        obs: Any,
        final: Any,
        reward: Tensor,
        terminated: Tensor,
        truncated: Tensor,
        ended: Tensor,
    ) -> Tensor:
        """Step every lane: ``(lanes,)`` of the dtype of the environment's own reward.

        Args:
            action: Of every lane.
            obs: What the next step starts from.
            final: The last observation of each lane that ended.
            reward: The environment's own.
            terminated: The task ended.
            truncated: The clock ended it.
            ended: Either.
        """
        first, memory = self._first, self._memory
        self._seen = (self._obs, action, obs, final, reward, terminated, truncated, ended, first)
        if self._text is None:
            values = self._by_tree()
        else:
            values = self._text(
                self._obs, obs, final, ended, reward, terminated, truncated, first, memory
            )
        self.terms = terms = torch.stack((reward, *(_beside(value, reward) for value in values)))
        # a tensor of its own: runners keep what they are shown
        going = torch.logical_not(first, out=self._going)
        self.sums = torch.addcmul(terms, self.sums, going)
        # infinity and NaN stay in a sum
        self.total.add_(terms.sum())
        self._obs, self._first = obs, ended
        self.steps += 1
        return terms[-1]

    def _by_tree(self) -> tuple[Any, ...]:
        batch = self._transitions()
        self._carry, paid = self.reward.step(self._carry, batch)
        return (*(batch.terms[name] for name in self.names[1:-1]), paid)

    def replace_reward(self, reward: Reward) -> None:
        """Step another reward from now on, with the carry of the old one.

        Raises:
            ConfigError: It records other terms, or carries something else.
        """
        made = _steppable(prepare(reward, self.task))
        lanes = self.sums.shape[1]
        self._settle()
        old = [*tree.leaves(self._carry)]
        carry = made.init(lanes)
        alike = [np.shape(leaf) for leaf in tree.leaves(carry)] == [leaf.shape for leaf in old]
        require_same_shape(self.names, term_names(made), alike)
        self.reward, self._carry = made, tree.refill(carry, old)
        self._write()

    def last(self) -> Transitions:
        """The step that was paid last, on its device.

        Raises:
            StackError: Nothing was paid since the start.
        """
        if self._seen is None:
            raise nothing_paid()
        batch = self._transitions()
        batch.terms = {
            name: DeviceArray(row)  # type: ignore[misc]
            for name, row in zip(self.names[1:-1], self.terms[1:-1], strict=True)
        }
        return batch

    def _transitions(self) -> Transitions:
        assert self._seen is not None
        before, action, obs, final, reward, terminated, truncated, ended, first = self._seen
        successors = tree.map_leaves(
            lambda last, now: torch.where(ended.reshape(-1, *[1] * (now.ndim - 1)), last, now),
            final,
            obs,
        )
        return Transitions(
            obs=_dressed(before),
            action=_dressed(action),
            next_obs=_dressed(successors),
            reward=DeviceArray(reward),  # type: ignore[arg-type]
            terminated=DeviceArray(terminated),  # type: ignore[arg-type]
            truncated=DeviceArray(truncated & ~terminated),  # type: ignore[arg-type]
            first=DeviceArray(first),  # type: ignore[arg-type]
            info=NO_INFO,
            info_before=NO_INFO,
            training=self.training,
            task=self.task,
        )


class TensorRewardWrapper(Host, VectorWrapper):
    """Pays a composed reward in every lane of a vector environment of tensors.

    ``reward_terms`` and ``episode_terms`` are ``(num_envs, k)`` tensors whose columns are ``term_names``; in
    ``info["episode_terms"]`` of a step they are the sums by name, beside the mask of those that end,
    ``info["_episode_terms"]``.

    Args:
        env: A gymnasium vector environment with a ``device``, SAME_STEP as its autoreset mode, and
            ``info["final_obs"]``, a tensor of all lanes, in each step.
        reward: A reward, its configuration or its file.
        gamma: Discount of the agent, for potentials that have none of their own.
        training: Whether the reward may learn from what it sees.
        task: Named fields; by default those of the environment's recipe.

    Raises:
        StackError: Another autoreset mode, or a reward that must live on the host.
    """

    _lanes: Any

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        reward: RewardLike,
        *,
        gamma: float | None = None,
        training: bool = True,
        task: Task | None = None,
    ) -> None:
        super().__init__(env)
        if autoreset_mode(env) is not AutoresetMode.SAME_STEP:
            raise StackError(
                "lanes of tensors must start anew in the step in which they end, "
                f"got {autoreset_mode(env).name}. "
                "Set metadata['autoreset_mode'] to AutoresetMode.SAME_STEP, as simulators on a GPU do."
            )
        task = self._receive(env, reward, gamma, task or task_of_vector(env, None), training)
        self._lanes = TensorLanes(self._reward, task, training)
        self.device = env.device  # type: ignore[attr-defined]

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        if options is not None and "reset_mask" in options:
            raise StackError(
                "lanes of tensors must start together, got a reset_mask. Reset all of them."
            )
        self._begin()
        obs, info = self.env.reset(seed=seed, options=options)
        self._lanes.begin(obs, self.num_envs, self.device)
        return obs, info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self.env.step(actions)
        if "final_obs" not in info:
            raise StackError(
                "lanes of tensors must report final_obs in each step, got none: without it the true "
                "successor of a lane that ends is lost. "
                "Put the observations before the reset into info['final_obs']."
            )
        mask = terminated | truncated
        value = self._lanes.advance(
            actions, obs, info["final_obs"], reward, terminated, truncated, mask
        )
        sums = self._lanes.sums
        info["episode_terms"] = dict(zip(self.term_names, sums.unbind(), strict=True))
        info["_episode_terms"] = mask
        return obs, value, terminated, truncated, info

    @property
    def reward_terms(self) -> Any:
        """``(lanes, k)`` tensor of the last step's terms; columns are `term_names`."""
        return self._lanes.terms.T

    @property
    def episode_terms(self) -> Any:
        """``(lanes, k)`` tensor of the terms' sums over each lane's episode."""
        return self._lanes.sums.T

    def require_finite(self) -> None:
        """Wait for the device, and refuse what was not finite since the reset.

        Raises:
            RewardValueError: Some term of some lane was infinite or no number.
        """
        if not bool(self._lanes.total.isfinite()):
            raise RewardValueError(
                "every term must be finite, got one that is not since the reset. "
                "Guard the division or the logarithm that made it; wrap lanes of numpy to see which."
            )


def _steppable(reward: Reward) -> Reward:
    """The reward, which must not learn or look at the host's memory.

    Raises:
        StackError: A part of it does.
    """
    for node in reward.walk():
        if node.learns:
            raise StackError(
                f"a reward on a device must not learn on the host, got {type(node).__name__}. "
                "Freeze it (training=False has learned already), or wrap lanes of numpy."
            )
    return reward


def _beside(value: Any, reward: Tensor) -> Tensor:
    """A term as a tensor beside the environment's reward: constants are numbers or arrays of the host."""
    if isinstance(value, Tensor) and value.dtype is reward.dtype and value.shape == reward.shape:
        return value
    if value.__class__ is float:
        return torch.full_like(reward, value)
    found = native(value)
    if not isinstance(found, Tensor):
        found = torch.as_tensor(found, device=reward.device)
    if found.shape != reward.shape:
        raise RewardValueError(
            f"a reward must return shape ({len(reward)},), one number per lane, "
            f"got {tuple(found.shape)}. Reduce over the last axis."
        )
    return found.to(reward.dtype)


def _dressed(value: Any) -> Any:
    return tree.map_leaves(DeviceArray, value)


def _placed(array: np.ndarray[Any, Any], device: Any) -> Tensor:
    made = torch.from_numpy(np.ascontiguousarray(array)).to(device)
    return made.float() if made.is_floating_point() else made
