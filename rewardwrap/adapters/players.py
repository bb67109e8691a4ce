"""A match as a vector environment: each player is a lane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.rewards.team import require_teams


class PlayersVecEnv(VecEnv):
    """A parallel environment of PettingZoo's interface as lanes of stable-baselines3, one a player.

    One policy plays all of them, against itself where there are two teams. The match starts anew when it has
    ended for all its players at once.

    Args:
        env: With ``possible_agents``, ``reset(seed) -> (obs, infos)`` and ``step(actions) -> (obs, rewards,
            terminations, truncations, infos)``, dicts by player; spaces equal for all.
        teams: The team of each, in the order of ``possible_agents``; None: ``env.teams``, else one
            team of all.

    Raises:
        ConfigError: Players of different spaces, or teams that are not one number a player.
        StackError: A player whose match ended before that of the others.

    Example:
        >>> from rewardwrap_envs.push_match import PushMatch
        >>> venv = PlayersVecEnv(PushMatch())
        >>> venv.num_envs, venv.teams
        (4, (0, 0, 1, 1))
    """

    def __init__(self, env: Any, *, teams: Sequence[int] | None = None) -> None:
        self.env, self.players = env, list(env.possible_agents)
        spaces = [(env.observation_space(p), env.action_space(p)) for p in self.players]
        for player, pair in zip(self.players, spaces, strict=True):
            if pair != spaces[0]:
                raise ConfigError(
                    f"PlayersVecEnv: players must have equal spaces, got {pair[0]} and {pair[1]} for "
                    f"{player}. Pad them, e.g. with SuperSuit."
                )
        count = len(self.players)
        given = getattr(env, "teams", (0,) * count) if teams is None else teams
        self.teams = require_teams(given, count)
        if len(self.teams) != count:
            raise ConfigError(
                f"PlayersVecEnv: teams must be one number for each of {count} players, got "
                f"{given!r}. Count them."
            )
        super().__init__(count, *spaces[0])
        self._actions: Any = None

    def reset(self) -> Any:
        obs, infos = self.env.reset(seed=self._seeds[0])
        self._reset_seeds()
        self.reset_infos = [dict(infos.get(player, {})) for player in self.players]
        self._sums, self._steps = np.zeros(self.num_envs), 0
        return self._rows(obs)

    def step_async(self, actions: Any) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        given = dict(zip(self.players, self._actions, strict=True))
        obs, paid, ended, cut, told = self.env.step(given)
        rewards = np.array([float(paid[player]) for player in self.players])
        infos = [dict(told.get(player, {})) for player in self.players]
        over = np.array([bool(ended[player] or cut[player]) for player in self.players])
        self._sums, self._steps = self._sums + rewards, self._steps + 1
        rows = self._rows(obs)
        if over.any():
            if not over.all():
                gone = ", ".join(str(p) for p, o in zip(self.players, over, strict=True) if o)
                raise StackError(
                    f"PlayersVecEnv: a match must end for all players at once, got an end for {gone} alone. "
                    "Keep who is out in the match, e.g. with SuperSuit's black_death."
                )
            for i, (player, info) in enumerate(zip(self.players, infos, strict=True)):
                info["terminal_observation"] = rows[i]
                info["TimeLimit.truncated"] = bool(cut[player] and not ended[player])
                info["episode"] = {"r": float(self._sums[i]), "l": self._steps, "t": 0.0}
            rows = self.reset()
        return rows, rewards.astype(np.float32), over, infos

    def _rows(self, obs: Any) -> Any:
        return np.stack([obs[player] for player in self.players])

    def close(self) -> None:
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        lanes = list(self._get_indices(indices))
        # a match need not know how it is rendered, which SB3 asks of every environment
        none = (None,) if attr_name == "render_mode" else ()
        return [getattr(self.env, attr_name, *none)] * len(lanes)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        setattr(self.env, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> Any:
        found = getattr(self.env, method_name)(*args, **kwargs)
        return [found] * len(list(self._get_indices(indices)))

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        from stable_baselines3.common.monitor import Monitor

        # its infos hold what Monitor's do
        known = issubclass(wrapper_class, Monitor)
        return [known] * len(list(self._get_indices(indices)))
