"""A replay buffer that spreads what an episode was paid at its end over the steps that earned it."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.buffers import ReplayBuffer

from rewardwrap.adapters.lockstep import WAITING
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.scalar import EPISODE_TERMS


class SpreadReplayBuffer(ReplayBuffer):
    """Stores ``r_t - [t = T] s + s / T`` for an episode of T steps that was paid ``s`` at its end.

    While an environment runs a step is paid before anybody knows the score, so nothing can be spread there,
    and an on-policy learner keeps its pay on the last step. An off-policy learner draws stored steps again
    and again: once a group is complete they are written anew. The undiscounted sum of an episode stays what
    it was; rows on which a lane waited for its group get nothing. Logs are paid so by
    ``rw.relabel(rw.Grouped(score, even=True), ...)``.

    Args:
        args: As SB3 passes them.
        term: What is spread: a term that is paid at an episode's end. `rw.make_grouped` calls it ``score``.
        options: As SB3 passes them.

    Raises:
        ConfigError: n-step returns or ``optimize_memory_usage``, which keep no single steps; or an episode
            without that term.

    Example:
        >>> import rewardwrap as rw
        >>> from stable_baselines3 import DQN
        >>> venv = rw.make_grouped("CartPole-v1", lambda episodes: [-len(e) for e in episodes])
        >>> model = DQN("MlpPolicy", venv, replay_buffer_class=rw.SpreadReplayBuffer, buffer_size=1000)
    """

    def __init__(self, *args: Any, term: str = "score", **options: Any) -> None:
        if "n_steps" in options or options.get("optimize_memory_usage"):
            raise ConfigError(
                "SpreadReplayBuffer must keep single steps, got n_steps or optimize_memory_usage. "
                "Leave them out."
            )
        super().__init__(*args, **options)
        self.term = term
        self._added = 0
        self._played: list[list[int]] = [[] for _ in range(self.n_envs)]

    def add(
        self,
        obs: Any,
        next_obs: Any,
        action: Any,
        reward: Any,
        done: Any,
        infos: list[dict[str, Any]],
    ) -> None:
        """Store a step of every lane; where a lane ended, write its episode anew."""
        place, before = self.pos, (self.pos - 1) % self.buffer_size
        super().add(obs, next_obs, action, reward, done, infos)
        # a learner that starts anew resets lanes whose episodes never end
        now, then = self.observations[place], self.next_observations[before]
        # NaN stands for "none" in some observations, and is not equal to itself
        goes_on = ((now == then) | (now != now)).reshape(self.n_envs, -1).all(axis=1)
        for i, info in enumerate(infos):
            if not goes_on[i]:
                self._played[i].clear()
            if not info.get(WAITING):
                self._played[i].append(self._added)
            if done[i]:
                self._spread(i, place, info)
                self._played[i].clear()
        self._added += 1

    def _spread(self, lane: int, last: int, info: dict[str, Any]) -> None:
        terms = info.get(EPISODE_TERMS, {})
        if self.term not in terms:
            raise ConfigError(
                f'SpreadReplayBuffer: term must be one that an episode was paid, got "{self.term}". '
                f"Known: {', '.join(terms) or 'none; make the lanes with rw.make_grouped'}."
            )
        # what a small ring has overwritten gets no share, so that the sum of what is left is right
        ages = [self._added - k for k in self._played[lane] if self._added - k < self.buffer_size]
        rows = (last - np.array(ages or [0])) % self.buffer_size
        self.rewards[last, lane] -= terms[self.term]
        self.rewards[rows, lane] += terms[self.term] / len(rows)
