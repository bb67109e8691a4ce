"""Groups of lanes on stable-baselines3; `rewardwrap.adapters.lockstep` says how they wait."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv
from stable_baselines3.common.vec_env.util import dict_to_obs

from rewardwrap.adapters.lockstep import WAITING, Lockstep
from rewardwrap.core import tree
from rewardwrap.core.info import LIMIT
from rewardwrap.scores.grouped import PAY, Grouped


class GroupLanes(DummyVecEnv):
    """Lanes that begin in groups and are reset together.

    Monitor's summary waits with the lane. A time limit that is an end is said to be none: SB3 adds nothing.

    Args:
        makers: One for each lane.
        rule: What a group is paid.
        training: See `Lockstep`.

    Attributes:
        lockstep: Who waits, what was done, and what the groups came to.
    """

    def __init__(
        self,
        makers: Sequence[Callable[[], gym.Env[Any, Any]]],
        rule: Grouped,
        *,
        training: bool = True,
    ) -> None:
        # before the first lane is made, which is what takes time
        self.lockstep = Lockstep(rule, len(makers), training=training)
        super().__init__(list(makers))
        # logs hold float64, and what is paid from logs must be the same
        self._rewards = np.zeros(self.num_envs)
        self._plain = self.keys == [None]

    @property
    def rule(self) -> Grouped:
        """What a group is paid."""
        return self.lockstep.rule

    def seed(self, seed: int | None = None) -> list[int | None]:
        """The starts of all groups follow from one number, from the next reset on."""
        self.lockstep.seed(seed)
        return [seed] * self.num_envs

    def reset(self) -> Any:
        """Begin anew in every lane; episodes that were running are never paid."""
        for group in range(len(self.lockstep.groups)):
            self._begin(group)
        self._reset_options()
        obs = self._obs_from_buf()
        self.lockstep.restart(range(len(self.lockstep.groups)), obs)
        return obs

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        lock, infos, finished = self.lockstep, [], False
        for i, env in enumerate(self.envs):
            if lock.ends[i] is not None:
                lock.waited += 1
                self._rewards[i] = 0.0
                infos.append({WAITING: True, "TimeLimit.truncated": False})
                continue
            obs, self._rewards[i], terminated, truncated, info = env.step(self.actions[i])
            self._save_obs(i, obs)
            # an environment may reuse its dict
            infos.append({**info, "TimeLimit.truncated": False})
            if terminated or truncated:
                finished = True
                self._finish(i, obs, bool(terminated), infos[i])
        obs, rewards = self._obs_from_buf(), self._rewards.copy()
        lock.record(obs, np.array(self.actions), rewards, infos)
        dones = np.zeros(self.num_envs, bool)
        if finished:
            obs = self._settled(obs, dones, infos)
        return obs, rewards, dones, infos

    def _obs_from_buf(self) -> Any:
        # SB3 copies by deepcopy, which takes a tenth of a step of CartPole
        buffers: Any = self.buf_obs
        if self._plain:
            return buffers[None].copy()
        copies = {name: column.copy() for name, column in self.buf_obs.items()}
        return dict_to_obs(self.observation_space, OrderedDict(copies))

    def _finish(self, i: int, obs: Any, terminated: bool, info: dict[str, Any]) -> None:
        """What the lane says when its group is complete; Monitor's summary waits with it."""
        said = {**info, "terminal_observation": tree.copy(obs)}
        info.pop("episode", None)
        if not terminated:
            said["TimeLimit.truncated"] = self.rule.limit == "bootstrap"
            said[LIMIT] = self.rule.limit == "end"
        self.lockstep.finish(i, terminated, said)

    def _settled(self, obs: Any, dones: Any, infos: list[dict[str, Any]]) -> Any:
        """Pay the groups that are complete and begin them anew; what the lanes show then."""
        lock = self.lockstep
        complete = lock.complete()
        for g in complete:
            lanes, paid = lock.groups[g], lock.pay(g)
            for i, pay in zip(lanes, paid.tolist(), strict=True):
                infos[i] = {**infos[i], **lock.end(i).info, PAY: pay}
                dones[i] = True
            self._begin(g)
        if complete:
            obs = self._obs_from_buf()
            lock.restart(complete, obs)
        return obs

    def _begin(self, group: int) -> None:
        seed = self.lockstep.begin(group)
        for i in self.lockstep.groups[group]:
            options = {"options": self._options[i]} if self._options[i] else {}
            obs, self.reset_infos[i] = self.envs[i].reset(seed=seed, **options)
            self._save_obs(i, obs)
        self.lockstep.require_alike(group, self.buf_obs.values(), seed)
