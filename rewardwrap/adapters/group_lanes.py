"""Lanes that begin in groups from one start, and are paid when the last of a group is done.

```
lane 0   s0 a0 s1 a1 s2  .  .  .  done      s2 ended: it waits there, with pay 0 and no effect of its actions
lane 1   s0 a0 s1 a1 s2 a2 s3 a3  done      the slowest: the group is scored, each lane's last step is paid
```
A lane that has finished shows its last observation, so every row is a transition of one environment: the
state in which the verdict is awaited. SB3's collectors, GAE and replay buffers see ordinary episodes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv
from stable_baselines3.common.vec_env.util import dict_to_obs

from rewardwrap.core import tree
from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import warn
from rewardwrap.core.info import LIMIT
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.grouped import Grouped, Till

PAY = "rewardwrap/score"
"""Key of what a lane's episode is paid, on its last step."""

WAITING = "rewardwrap/waiting"
"""Key of the rows on which a lane that has finished waits for its group."""


@dataclass
class _Tape:
    """Steps of all lanes since a group began, as they came."""

    obs: list[Any]
    action: list[Any] = field(default_factory=list)
    reward: list[Any] = field(default_factory=list)
    infos: list[list[dict[str, Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class _End:
    """How a lane ended, kept until its group is complete."""

    steps: int
    terminated: bool
    info: dict[str, Any]


class GroupLanes(DummyVecEnv):
    """Lanes that begin in groups and are reset together; see the top of this file.

    Args:
        makers: One for each lane.
        rule: What a group is paid.

    Attributes:
        till: Counts of groups, of those with equal scores, and of what the filters dropped.
        rows: Rows so far, one for each lane and step.
        waited: Those on which a lane waited.

    Warns:
        RewardwrapWarning: Lanes with one seed begin differently.
    """

    def __init__(self, makers: list[Callable[[], gym.Env[Any, Any]]], rule: Grouped) -> None:
        super().__init__(makers)
        # logs hold float64, and what is paid from logs must be the same
        self._rewards = np.zeros(self.num_envs)
        self.rule, self.till = rule, Till(rule)
        size = rule.group
        self._groups = [range(k, k + size) for k in range(0, self.num_envs, size)]
        self._tapes: list[_Tape] = []
        self._ends: list[_End | None] = [None] * self.num_envs
        self._root = np.random.SeedSequence()
        self._visits = [0] * len(self._groups)
        self._alike = True
        self.waited = self.rows = 0

    def seed(self, seed: int | None = None) -> list[int | None]:
        """The starts of all groups follow from one number, from the next reset on."""
        self._root = np.random.SeedSequence(seed)
        self._visits = [0] * len(self._groups)
        return [seed] * self.num_envs

    def reset(self) -> Any:
        """Begin anew in every lane; episodes that were running are never paid."""
        for group in range(len(self._groups)):
            self._begin(group)
        self._reset_options()
        obs = self._obs_from_buf()
        self._tapes = [_Tape([obs]) for _ in self._groups]
        return obs

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        infos: list[dict[str, Any]] = []
        finished = False
        for i, env in enumerate(self.envs):
            if self._ends[i] is not None:
                self.waited += 1
                self._rewards[i] = 0.0
                infos.append({WAITING: True, "TimeLimit.truncated": False})
                continue
            obs, self._rewards[i], terminated, truncated, info = env.step(self.actions[i])
            self._save_obs(i, obs)
            # an environment may reuse its dict
            infos.append({**info, "TimeLimit.truncated": False})
            if terminated or truncated:
                finished = True
                self._ends[i] = self._ended(i, obs, bool(terminated), infos[i])
        self.rows += self.num_envs
        obs, rewards, actions = self._obs_from_buf(), self._rewards.copy(), np.array(self.actions)
        for tape in self._tapes:
            tape.obs.append(obs)
            tape.action.append(actions)
            tape.reward.append(rewards)
            tape.infos.append(infos)
        dones = np.zeros(self.num_envs, bool)
        if finished:
            obs = self._settled(obs, dones, infos)
        return obs, rewards, dones, infos

    def _obs_from_buf(self) -> Any:
        # SB3 copies by deepcopy, which takes a tenth of a step of CartPole
        copies = {name: column.copy() for name, column in self.buf_obs.items()}
        return dict_to_obs(self.observation_space, OrderedDict(copies))

    def _ended(self, i: int, obs: Any, terminated: bool, info: dict[str, Any]) -> _End:
        """What the lane says when its group is complete; Monitor's summary waits with it."""
        said = {**info, "terminal_observation": tree.copy(obs)}
        info.pop("episode", None)
        if not terminated:
            said["TimeLimit.truncated"] = self.rule.limit == "bootstrap"
            said[LIMIT] = self.rule.limit == "end"
        return _End(len(self._tapes[i // self.rule.group].action) + 1, terminated, said)

    def _settled(self, obs: Any, dones: Any, infos: list[dict[str, Any]]) -> Any:
        """Pay the groups that are complete and begin them anew; what the lanes show then."""
        complete = [
            g
            for g, lanes in enumerate(self._groups)
            if all(self._ends[i] is not None for i in lanes)
        ]
        for g in complete:
            lanes = self._groups[g]
            paid = self.till.pay(self._episodes(g))
            for i, pay in zip(lanes, paid.tolist(), strict=True):
                infos[i] = {**infos[i], **self._end(i).info, PAY: pay}
                dones[i] = True
            self._begin(g)
        if complete:
            obs = self._obs_from_buf()
            for g in complete:
                self._tapes[g] = _Tape([obs])
        return obs

    def _begin(self, group: int) -> None:
        sequence = np.random.SeedSequence(
            self._root.entropy, spawn_key=(group, self._visits[group])
        )
        seed = int(sequence.generate_state(1)[0] >> 1)
        self._visits[group] += 1
        lanes = self._groups[group]
        for i in lanes:
            options = {"options": self._options[i]} if self._options[i] else {}
            obs, self.reset_infos[i] = self.envs[i].reset(seed=seed, **options)
            self._save_obs(i, obs)
            self._ends[i] = None
        rows = [column[lanes.start : lanes.stop] for column in self.buf_obs.values()]
        # NaN stands for "none" in some observations, and is not equal to itself
        if self._alike and not all(((r == r[0]) | (r != r)).all() for r in rows):
            self._alike = False
            warn(
                "lanes of a group should begin alike, got different first observations after "
                f"reset(seed={seed}). Draw all that is random at a start from self.np_random."
            )

    def _episodes(self, group: int) -> list[Episode]:
        tape = self._tapes[group]
        obs, action = tree.stack(tape.obs), np.stack(tape.action)
        reward = np.stack(tape.reward)
        return [
            _episode(obs, action, reward, tape.infos, i, self._end(i)) for i in self._groups[group]
        ]

    def _end(self, i: int) -> _End:
        end = self._ends[i]
        assert end is not None
        return end


def _episode(
    obs: Any, action: Any, reward: Any, infos: list[list[dict[str, Any]]], i: int, end: _End
) -> Episode:
    steps = end.steps
    last = np.arange(steps) == steps - 1
    return Episode(
        obs=tree.take(obs, (slice(0, steps + 1), i)),
        action=action[:steps, i],
        reward=reward[:steps, i],
        terminated=last & end.terminated,
        truncated=last & (not end.terminated),
        info=_numbers([row[i] for row in infos[:steps]]),
    )


def _numbers(infos: list[dict[str, Any]]) -> dict[str, FloatArray]:
    """The numbers that an environment reported, NaN where it did not."""
    if max(map(len, infos)) <= 1:
        return {}
    names = dict.fromkeys(
        name
        for info in infos
        for name, value in info.items()
        if isinstance(value, bool | int | float | np.number | np.bool_) and name not in _OWN
    )
    return {name: np.array([info.get(name, np.nan) for info in infos], float) for name in names}


_OWN = ("TimeLimit.truncated", WAITING, LIMIT)
