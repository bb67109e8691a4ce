"""Which reward model paid: its version in every info and in the logs."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnvWrapper

from rewardwrap.core.reward import Reward
from rewardwrap.rewards.learned import Learned

KEY = "reward_model_version"


def versions(reward: Reward) -> tuple[str, ...]:
    """Versions of the models inside a reward, in the order of its parts."""
    return tuple(node.version for node in reward.walk() if isinstance(node, Learned))


class LogVersion(BaseCallback):
    """Writes ``reward_model_version`` into every info, and counts deployments in the logger.

    ``reward_model/deployed`` rises by one whenever another model pays; the text of the versions is
    logged beside it where the logger takes text.
    """

    def __init__(self, verbose: int = 0) -> None:
        super().__init__(verbose)
        self.seen: tuple[str, ...] = ()
        self.deployed = 0

    def _on_step(self) -> bool:
        now = self._now()
        if not now:
            return True
        if now != self.seen:
            self.deployed += 1
            self.seen = now
        shown = "+".join(now)
        for info in self.locals.get("infos", ()):
            info[KEY] = shown
        self.logger.record("reward_model/deployed", self.deployed)
        self.logger.record("reward_model/version", shown, exclude=("tensorboard",))
        return True

    def _now(self) -> tuple[str, ...]:
        layer: Any = self.training_env
        while isinstance(layer, VecEnvWrapper):
            reward = getattr(layer, "reward", None)
            if isinstance(reward, Reward):
                return versions(reward)
            layer = layer.venv
        return ()
