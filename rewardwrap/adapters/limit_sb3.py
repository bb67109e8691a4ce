"""`limit.LimitEnds` on stable-baselines3 vector environments."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.vec_env import VecEnvWrapper

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
