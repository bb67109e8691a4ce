"""`limit.LimitEnds` on stable-baselines3 vector environments."""

from __future__ import annotations

from typing import Any

from gymnasium.wrappers import TimeLimit
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from rewardwrap.adapters.limit import LimitEnds
from rewardwrap.core.info import LIMIT


class LimitEndsVecEnv(VecEnvWrapper):
    """Takes ``TimeLimit.truncated`` back: no value is bootstrapped, and a replay buffer stores an end."""

    def reset(self) -> Any:
        return self.venv.reset()

    def step_wait(self) -> tuple[Any, Any, Any, list[dict[str, Any]]]:
        obs, rewards, dones, infos = self.venv.step_wait()
        for i in dones.nonzero()[0].tolist():
            if infos[i].get("TimeLimit.truncated", False):
                infos[i]["TimeLimit.truncated"] = False
                infos[i][LIMIT] = True
        return obs, rewards, dones, infos


def bootstraps_at_limits(venv: VecEnv) -> bool:
    """Whether lanes are cut by a clock, as far as they tell, and no layer makes an end of it."""
    layer = venv
    while isinstance(layer, VecEnvWrapper):
        if isinstance(layer, LimitEndsVecEnv):
            return False
        layer = layer.venv
    if venv.env_is_wrapped(LimitEnds, indices=[0])[0]:
        return False
    return bool(venv.env_is_wrapped(TimeLimit, indices=[0])[0])
