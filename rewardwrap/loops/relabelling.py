"""Replay buffers that pay what the reward pays now, not what it paid when a step was taken.

SB3 stores a step as the learner saw it: the action of a Box scaled to [-1, 1], ``dones`` with time
limits among them, observations before normalisation. A reward wants it as the environment saw it.
`rows` undoes that, `relabel` writes all rewards anew, and the two buffer classes do the same for just
the rows they are about to hand out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.buffers import DictReplayBuffer, ReplayBuffer
from stable_baselines3.common.vec_env import VecNormalize
from stable_baselines3.her import HerReplayBuffer

from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError, RewardValueError, StackError
from rewardwrap.core.reward import Named, Pointwise, Reward
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.core.transitions import FloatArray, Transitions

BLOCK = 8192
"""Steps at a time, so that relabelling a million needs no second buffer."""


def rows(buffer: ReplayBuffer, places: Any, *, task: Task = NO_TASK) -> Transitions:
    """Steps of a buffer as the environment saw them; lanes side by side.

    Args:
        buffer: Any replay buffer of SB3 but HER's.
        places: ``(n,)`` positions in the ring, or a slice of them, which copies less.
        task: Named fields.

    Returns:
        ``n * n_envs`` rows: all lanes of the first position, then of the next. ``reward`` is NaN,
        since a buffer keeps what the learner was paid and not what the environment paid.
    """
    whole = isinstance(places, slice)
    at = np.arange(*places.indices(buffer.buffer_size)) if whole else np.asarray(places, np.int64)
    dones = buffer.dones[at].astype(bool)
    truncated = buffer.timeouts[at].astype(bool)
    before = (at - 1) % buffer.buffer_size
    first = buffer.dones[before].astype(bool)
    # what came before the oldest step was overwritten, or never was
    oldest = buffer.pos if buffer.full else 0
    first[at == oldest] = not buffer.full
    count = at.size * buffer.n_envs
    return Transitions(
        obs=_observations(buffer, buffer.observations, places, count),
        action=_unscaled(buffer, places, count),
        next_obs=_observations(buffer, buffer.next_observations, places, count),
        reward=np.full(count, np.nan),
        terminated=(dones & ~truncated).reshape(count),
        truncated=(dones & truncated).reshape(count),
        first=first.reshape(count),
        training=False,
        task=task,
    )


def relabel(buffer: ReplayBuffer, reward: Reward, *, task: Task = NO_TASK) -> int:
    """Write the reward of every stored step anew; nothing else in the buffer changes.

    Args:
        buffer: Any replay buffer of SB3 but HER's; that of n-step returns too, which sums what is
            stored.
        reward: A reward of single steps.
        task: Named fields, where the reward reads any.

    Returns:
        How many rewards were written.

    Raises:
        StackError: The buffer does not hold what a reward must see.
        ConfigError: The reward needs what no buffer holds.
    """
    require_whole(buffer)
    require_single_steps(reward)
    size = buffer.size()
    for begin in range(0, size, BLOCK):
        places = slice(begin, min(begin + BLOCK, size))
        buffer.rewards[places] = paid(buffer, reward, places, task)
    return size * buffer.n_envs


def paid(buffer: ReplayBuffer, reward: Reward, places: Any, task: Task = NO_TASK) -> FloatArray:
    """What a reward pays for stored steps, ``(n, n_envs)``.

    Raises:
        ConfigError: It depends on something that the buffer does not hold.
    """
    try:
        found = np.asarray(reward(rows(buffer, places, task=task)), np.float64)
    except RewardValueError as error:
        raise _not_stored(reward, f"one that asks for more: {error}") from error
    if not np.isfinite(found).all():
        raise _not_stored(reward, f"{found[~np.isfinite(found)][0]} for a stored step")
    return found.reshape(-1, buffer.n_envs)


def _not_stored(reward: Reward, got: str) -> ConfigError:
    return ConfigError(
        f"relabelling: {type(reward).__name__} must be a finite number of obs, action, next_obs and "
        f"terminated alone, got {got}. A buffer keeps neither info nor the environment's own "
        "reward: leave those terms out, or train on-policy."
    )


def require_single_steps(reward: Reward) -> None:
    """Refuse a reward that cannot be computed from one stored step.

    Raises:
        ConfigError: It carries state, learns from what it sees or draws random numbers.
    """
    fault = _fault(reward)
    if fault is None:
        return
    raise ConfigError(
        f"relabelling: reward must depend on one step alone, got {type(reward).__name__}, which "
        f"{fault}. Relabel with the part that was learned, or train on-policy."
    )


def require_whole(buffer: Any) -> None:
    """Refuse a buffer from which steps cannot be read as they happened.

    Raises:
        StackError: Not one of SB3's, HER's, or one that saves memory or ignores time limits.
    """
    if not isinstance(buffer, ReplayBuffer) or isinstance(buffer, HerReplayBuffer):
        raise StackError(
            "relabelling must find a ReplayBuffer or DictReplayBuffer of stable-baselines3, got "
            f"{type(buffer).__name__}. Leave replay_buffer_class out; HER pays by its own goals."
        )
    if buffer.optimize_memory_usage:
        raise StackError(
            "relabelling must see the observation after every step, got optimize_memory_usage=True, "
            "which overwrites the last one of an episode. Leave it out, and use a smaller buffer."
        )
    if not buffer.handle_timeout_termination:
        raise StackError(
            "relabelling must tell ends from time limits, got handle_timeout_termination=False. "
            "Leave it out: it is on by default."
        )


def _fault(reward: Reward) -> str | None:
    """Why a stored step cannot be paid alone, or None.

    What `Reward.recomputes` learns while training, and is paid here by what it has learned.
    """
    parts = (_fault(part) for part in reward.parts())
    if isinstance(reward, Pointwise | Named) or reward.recomputes:
        return next((fault for fault in parts if fault is not None), None)
    if not reward.memoryless:
        return "carries state from step to step"
    if any(node.learns for node in reward.walk()):
        return "changes with every step it sees"
    return "draws random numbers" if any(n.stochastic for n in reward.walk()) else None


class _Relabelling(ReplayBuffer):
    """Pays the rows of a sample anew before SB3 reads them."""

    def __init__(
        self, *args: Any, reward: Any = None, task: Task = NO_TASK, **options: Any
    ) -> None:
        if "n_steps" in options:
            raise ConfigError(
                f"{type(self).__name__} must pay single steps, got n_steps={options['n_steps']}. "
                "Leave replay_buffer_class out and use rewardwrap.nets.relabel after each fit: sums "
                "over steps are made of stored rewards."
            )
        if reward is None:
            raise ConfigError(
                f"{type(self).__name__} must be given a reward, got none. Pass "
                'replay_buffer_kwargs={"reward": reward}.'
            )
        super().__init__(*args, **options)
        self.reward: Reward = from_config(reward)
        self.task = task
        require_whole(self)
        require_single_steps(self.reward)

    def relabel(self) -> int:
        """Write the reward of every stored step anew; returns how many."""
        return relabel(self, self.reward, task=self.task)

    def _get_samples(self, batch_inds: Any, env: VecNormalize | None = None) -> Any:
        # SB3 draws the lanes in there, so all lanes of a position are paid
        places = np.unique(batch_inds)
        self.rewards[places] = paid(self, self.reward, places, self.task)
        return super()._get_samples(batch_inds, env)


class RelabelReplayBuffer(_Relabelling):
    """A replay buffer whose samples carry the reward as it is now.

    All rows of a gradient step are paid by one version of the reward, whenever it changed. Give it
    to SAC, TD3 or DQN: ``replay_buffer_class=RelabelReplayBuffer, replay_buffer_kwargs={"reward":
    reward}``. The net sees observations before any VecNormalize; SB3 normalises what it samples.

    Args:
        args: As SB3 passes them.
        reward: A reward of single steps, or its configuration.
        task: Named fields, where the reward reads any: ``env.task``.
        options: As SB3 passes them.

    Raises:
        ConfigError: No reward, one with memory, or n-step returns.
        StackError: ``optimize_memory_usage``, or time limits that are not told apart.
    """


class RelabelDictReplayBuffer(_Relabelling, DictReplayBuffer):
    """`RelabelReplayBuffer` for Dict observations."""


def _observations(buffer: ReplayBuffer, stored: Any, at: Any, count: int) -> Any:
    """Stored observations as the environment gave them: ``(count, ...)`` leaves."""

    def leaf(column: Any, space: spaces.Space[Any]) -> Any:
        found = column[at]
        # SB3 keeps a digit as a row of one number
        shape = () if isinstance(space, spaces.Discrete) else found.shape[2:]
        return found.reshape(count, *shape)

    space: Any = buffer.observation_space
    if isinstance(stored, dict):
        return {key: leaf(stored[key], space[key]) for key in stored}
    return leaf(stored, space)


def _unscaled(buffer: ReplayBuffer, at: Any, count: int) -> Any:
    """Actions as the environment took them; a Box is stored scaled to [-1, 1]."""
    stored, space = buffer.actions[at], buffer.action_space
    if isinstance(space, spaces.Box):
        scaled = stored.reshape(count, *space.shape)
        if (space.low == -1).all() and (space.high == 1).all():
            return scaled
        return (space.low + 0.5 * (scaled + 1.0) * (space.high - space.low)).astype(space.dtype)
    shape = () if isinstance(space, spaces.Discrete) else tuple(space.shape or ())
    return stored.reshape(count, *shape)
