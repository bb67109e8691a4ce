"""Gymnasium vector environments as stable-baselines3 sees lanes, in all three autoreset modes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from stable_baselines3.common.env_util import is_wrapped
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from rewardwrap.adapters.observations import require_arrays
from rewardwrap.adapters.vector import autoreset_mode
from rewardwrap.core import tree
from rewardwrap.core.errors import StackError

FINAL = ("final_obs", "final_info")
NOT_SHOWN = ("env_id", "players")
"""Numbers of lanes, which pools report in every step: a lane's place in the list says the same."""


class GymVecEnv(VecEnv):
    """A gymnasium vector environment as a VecEnv of stable-baselines3.

    A lane that ended shows its next episode at once, with ``terminal_observation``, ``TimeLimit.truncated``
    and Monitor's ``episode`` (return and length by the environment's own reward, before anybody changes it)
    in its info: rows and pay are the same in all three autoreset modes. Under SAME_STEP the environment
    starts the lane anew; under DISABLED and NEXT_STEP it is asked to, by
    ``reset(options={"reset_mask": ...})``, so that no row of the learner only resets.

    Args:
        env: Any gymnasium vector environment that says its autoreset mode: SyncVectorEnv, AsyncVectorEnv,
            ALE's AtariVectorEnv, a pool of envpool.
        remade: Makes it with other seeds, where they are fixed when it is made (envpool).
        seed: The one that ``env`` was made with.

    Raises:
        StackError: It says no mode, or cannot start some lanes alone.
        ConfigError: Observations that are no arrays.

    Example:
        >>> import gymnasium as gym, rewardwrap as rw
        >>> lanes = gym.make_vec("CartPole-v1", num_envs=4, vectorization_mode="vector_entry_point")
        >>> venv = rw.wrap(rw.GymVecEnv(lanes), rw.EnvReward() - rw.Constant(0.5).named("time"))
        >>> obs = venv.reset()
        >>> venv.step([0, 1, 0, 1])[1]
        array([0.5, 0.5, 0.5, 0.5], dtype=float32)
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        *,
        remade: Callable[[int], VectorEnv[Any, Any, Any]] | None = None,
        seed: int | None = None,
    ) -> None:
        self.env, self._remade, self._made_with = env, remade, seed
        self._mode = autoreset_mode(env)
        self.num_envs = env.num_envs
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        require_arrays(self)
        self._began = time.perf_counter()
        self._actions: Any = None
        # until two steps in a row say otherwise, observations may share one buffer
        self._last: Any = None
        self._reuses, self._resets_some = True, False

    def reset(self) -> Any:
        seed = self._seeds[0]
        if seed is not None and self._remade is not None:
            if seed != self._made_with:
                self.env.close()
                self.env = self._remade(seed)
            seed = None
        self._made_with = None
        obs, info = self.env.reset(seed=None if seed is None else seed % 2**31)
        self._reset_seeds()
        self.reset_infos = lane_infos(info, self.num_envs)
        self._returns, self._lengths = np.zeros(self.num_envs), np.zeros(self.num_envs, np.int64)
        return tree.copy(obs)

    def step_async(self, actions: Any) -> None:
        # compiled lanes take no lists
        self._actions = np.asarray(actions)

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        obs, rewards, terminated, truncated, info = self.env.step(self._actions)
        if self._reuses:
            if self._last is not None:
                self._reuses = tree.shares_memory(obs, self._last)
            self._last, obs = obs, tree.copy(obs)
        self._returns += rewards
        self._lengths += 1
        dones = terminated | truncated
        infos = lane_infos(info, self.num_envs)
        if np.count_nonzero(dones):
            obs = self._started_anew(obs, dones, info, infos)
            for i in dones.nonzero()[0].tolist():
                infos[i]["TimeLimit.truncated"] = bool(truncated[i] and not terminated[i])
        return obs, rewards.astype(np.float32), dones, infos

    def _started_anew(
        self, obs: Any, dones: Any, info: Mapping[str, Any], infos: list[dict[str, Any]]
    ) -> Any:
        """What is shown after the step in which some lanes ended; says in their infos how they did."""
        ended = dones.nonzero()[0].tolist()
        if self._mode is AutoresetMode.SAME_STEP:
            if "final_obs" not in info:
                raise StackError(
                    "a SAME_STEP vector env must report final_obs where an episode ends, got none. "
                    "Without it the true successor is lost."
                )
            last, shown = [info["final_obs"][i] for i in ended], obs
            told = lane_infos(info.get("final_info", info), self.num_envs)
            for i in ended:
                self.reset_infos[i], infos[i] = infos[i], told[i]
        else:
            last = [tree.take(obs, i) for i in ended]
            shown = self._reset_some(obs, dones, ended)
        now = round(time.perf_counter() - self._began, 6)
        for i, final in zip(ended, last, strict=True):
            infos[i]["terminal_observation"] = final
            own = {"r": round(float(self._returns[i]), 6), "l": int(self._lengths[i]), "t": now}
            # a Monitor below wrappers that change rewards knows better
            infos[i].setdefault("episode", own)
        self._returns[ended] = 0.0
        self._lengths[ended] = 0
        return shown

    def _reset_some(self, obs: Any, dones: Any, ended: list[int]) -> Any:
        fresh, info = self.env.reset(options={"reset_mask": dones.copy()})
        # envpool answers for the lanes that were asked for, everybody else for all
        alone = len(ended) < self.num_envs and tree.size(fresh) == len(ended)
        told = lane_infos(info, tree.size(fresh))
        for k, i in enumerate(ended):
            self.reset_infos[i] = told[k if alone else i]
        if not self._resets_some:
            self._resets_some = True
            going = np.flatnonzero(~dones)
            if not alone and not _equal(tree.take(fresh, going), tree.take(obs, going)):
                raise StackError(
                    f"a {self._mode.name} vector env must start lanes alone where it is asked to, got others "
                    'that started too. Obey options["reset_mask"], or make it with AutoresetMode.SAME_STEP.'
                )
        return tree.put(obs, dones, fresh if alone else tree.take(fresh, ended))

    # --- what VecEnv asks beside ------------------------------------------------------------------

    def close(self) -> None:
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        inner: Any = self.env.unwrapped
        if hasattr(inner, "get_attr"):
            found = inner.get_attr(attr_name)
        else:
            default = (None,) if attr_name == "render_mode" else ()
            found = [getattr(self.env, attr_name, *default)] * self.num_envs
        return [found[i] for i in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        if indices is not None:
            raise StackError(
                f"{attr_name} must be set in all lanes of a vector env, got some. Leave indices out."
            )
        self.env.unwrapped.set_attr(attr_name, value)  # type: ignore[attr-defined]

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        call = self.env.unwrapped.call  # type: ignore[attr-defined]
        found = call(method_name, *method_args, **method_kwargs)
        return [found[i] for i in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        lanes = getattr(self.env.unwrapped, "envs", None)
        # it counts returns below the reward, as a Monitor in each lane does
        counts = wrapper_class is Monitor
        return [
            counts or (lanes is not None and is_wrapped(lanes[i], wrapper_class))
            for i in self._get_indices(indices)
        ]

    def get_images(self) -> list[Any]:
        drawn = self.env.render()
        return [None] * self.num_envs if drawn is None else [*drawn]


def lane_infos(info: Mapping[str, Any], lanes: int) -> list[dict[str, Any]]:
    """Gymnasium's dict of columns, masks beside them, as a dict for each lane."""
    # most columns are numbers that every lane has: those make the dicts
    whole: dict[str, Any] = {}
    some: list[tuple[str, Any, Any]] = []
    for key, column in info.items():
        if key in FINAL or key in NOT_SHOWN or (key[0] == "_" and key[1:] in info):
            continue
        mask = info.get(f"_{key}")
        everyone = mask is None or b"\0" not in mask.tobytes()
        if everyone and column.__class__ is np.ndarray and column.ndim == 1:
            whole[key] = column.tolist()
        else:
            some.append((key, column, None if everyone else mask))
    found: list[dict[str, Any]]
    if whole:
        found = [dict(zip(whole, row, strict=True)) for row in zip(*whole.values(), strict=True)]
    else:
        found = [{} for _ in range(lanes)]
    for key, column, mask in some:
        rows = range(lanes) if mask is None else mask.nonzero()[0].tolist()
        values = lane_infos(column, lanes) if isinstance(column, Mapping) else column
        if values.__class__ is np.ndarray and values.ndim == 1:
            values = values.tolist()
        for i in rows:
            found[i][key] = values[i]
    return found


def _equal(one: Any, other: Any) -> bool:
    pairs = zip(tree.leaves(one), tree.leaves(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)
